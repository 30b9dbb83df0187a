! SPDX-License-Identifier: MIT
!> The five-point matrix in red-black order, its black cells packed.
!>
!> No two cells of a colour touch, so the red unknowns can be eliminated one by one:
!>
!>     z_red = (b_red + C z_black)/diagonal_red
!>     S z_black = (diagonal_black - C^T 1/diagonal_red C) z_black = right-hand side
!>
!> Cells are red where the sum of their indices in the whole grid is even. Of the two cells
!> (2k - 1, j) and (2k, j) one is red and one is black: both are number k of their colour in
!> row j, and in the rows above and below the other colour's number k is next to them. In
!> its own row black k touches red k (`near`) and red k - step (`far`), where step is 1 or
!> -1 from row to row. So every loop has unit stride, and a 2 x 2 block of cells is the
!> numbers k of two rows.
module swe_red_black
  use swe_blocks, only: block_t, halo, lead, nobody
  use swe_exchange, only: exchange, global_maximum
  use swe_fields, only: allocate_field
  use swe_five_point, only: five_point_t
  use swe_kinds, only: wp
  use swe_rows, only: is_large
  implicit none
  private
  public :: can_be_packed, red_black_t

  !> Packed fields have the halo of the model, two packed columns wide: filled by `pack`.
  type :: red_black_t
    type(block_t) :: block !! of the grid
    type(block_t) :: half  !! of packed fields: half as wide
    real(wp), allocatable :: near(:, :)     !! couplings of black cells to red k [m2]
    real(wp), allocatable :: far(:, :)      !! to red k - step [m2]
    real(wp), allocatable :: south(:, :)    !! to red k of the row below [m2]
    real(wp), allocatable :: north(:, :)    !! to red k of the row above [m2]
    real(wp), allocatable :: diagonal(:, :) !! of black cells [m2]
    real(wp), allocatable :: inverse(:, :)  !! 1/diagonal of black cells [m-2]
    real(wp), allocatable :: red(:, :)      !! 1/diagonal of red cells [m-2]
    real(wp), allocatable :: b_red(:, :)    !! right-hand side in red cells [m3]
  contains
    procedure :: setup
    procedure :: pack
    procedure :: unpack
    procedure :: step_of_row
    procedure :: red_row
  end type red_black_t

contains

  !> Whether all blocks of a grid can be packed: pairs of cells lie in one block, and
  !> colours alternate where the grid is periodic.
  logical function can_be_packed(block)
    type(block_t), intent(in) :: block

    logical :: is_even

    is_even = modulo(block%i_offset, 2) == 0
    if (block%periodic_x) is_even = is_even .and. modulo(block%nx_global, 2) == 0
    if (block%periodic_y) is_even = is_even .and. modulo(block%ny_global, 2) == 0
    if (any(block%neighbours(1:2) /= nobody)) is_even = is_even .and. block%nx >= 2*halo
    if (any(block%neighbours(3:4) /= nobody)) is_even = is_even .and. block%ny >= halo
    can_be_packed = global_maximum(block, merge(0.0_wp, 1.0_wp, is_even)) < 0.5_wp
  end function can_be_packed

  !> Allocate for the blocks of a matrix.
  subroutine setup(self, block)
    class(red_black_t), intent(inout) :: self
    type(block_t), intent(in) :: block

    self%block = block
    self%half = block
    self%half%nx = (block%nx + 1)/2
    self%half%nx_global = (block%nx_global + 1)/2
    self%half%i_offset = block%i_offset/2
    call allocate_field(self%half, self%near)
    call allocate_field(self%half, self%far)
    call allocate_field(self%half, self%south)
    call allocate_field(self%half, self%north)
    call allocate_field(self%half, self%b_red)
    call allocate_field(self%half, self%diagonal, 1.0_wp)
    call allocate_field(self%half, self%inverse, 1.0_wp)
    call allocate_field(self%half, self%red, 1.0_wp)
  end subroutine setup

  !> 1 where black k lies west of red k, -1 where it lies east.
  pure integer function step_of_row(self, j)
    class(red_black_t), intent(in) :: self
    integer, intent(in) :: j !! row

    step_of_row = 1 - 2*modulo(j + self%block%j_offset, 2)
  end function step_of_row

  !> Pack a matrix, a right-hand side and a first guess; find the matrix's largest diagonal
  !> by the way.
  subroutine pack(self, matrix, b, z, b_black, z_black, largest)
    class(red_black_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix
    real(wp), intent(in), contiguous :: b(1 - lead:, 1 - halo:) !! [m3]
    real(wp), intent(in), contiguous :: z(1 - lead:, 1 - halo:) !! [m]
    real(wp), intent(inout), contiguous :: b_black(1 - lead:, 1 - halo:) !! set [m3]
    real(wp), intent(inout), contiguous :: z_black(1 - lead:, 1 - halo:) !! set [m]
    real(wp), intent(inout) :: largest(:) !! set: diagonal/area of each row [1] (ny)

    integer :: j, n, nx

    nx = matrix%block%nx
    n = self%half%nx
    !$omp parallel do if (is_large(matrix%block))
    do j = 1, matrix%block%ny
      call pack_row(n, self%step_of_row(j), matrix%diagonal(1:2*n, j), &
        matrix%east(0:2*n, j), matrix%north(1:2*n, j - 1), matrix%north(1:2*n, j), &
        b(1:2*n, j), z(1:2*n, j), self%near(1:n, j), self%far(1:n, j), self%south(1:n, j), &
        self%north(1:n, j), self%diagonal(1:n, j), self%inverse(1:n, j), self%red(1:n, j), &
        self%b_red(1:n, j), b_black(1:n, j), z_black(1:n, j), largest(j))
      largest(j) = largest(j)/matrix%area(j)
      if (2*n > nx) call clear_last(j)
    end do
    if (all(matrix%block%neighbours == nobody)) return
    call exchange(self%half, self%near, self%far)
    call exchange(self%half, self%south, self%north)
    call exchange(self%half, self%inverse, self%red)
    call exchange(self%half, self%b_red, z_black)

  contains

    !> Half of the last pair lies outside the grid: a row of its own.
    subroutine clear_last(j)
      integer, intent(in) :: j

      if (self%step_of_row(j) > 0) then ! the red one
        self%near(n, j) = 0.0_wp
        self%red(n, j) = 1.0_wp
        self%b_red(n, j) = 0.0_wp
      else
        self%near(n, j) = 0.0_wp
        self%far(n, j) = 0.0_wp
        self%south(n, j) = 0.0_wp
        self%north(n, j) = 0.0_wp
        self%diagonal(n, j) = 1.0_wp
        self%inverse(n, j) = 1.0_wp
        b_black(n, j) = 0.0_wp
        z_black(n, j) = 0.0_wp
      end if
    end subroutine clear_last

  end subroutine pack

  !> Pack one row.
  pure subroutine pack_row(n, step, diagonal, east, south, north, b, z, near, far, &
    black_south, black_north, black_diagonal, black_inverse, red, b_red, b_black, z_black, &
    largest)
    integer, intent(in) :: n    !! pairs
    integer, intent(in) :: step !! of the row
    real(wp), dimension(2*n), intent(in) :: diagonal, south, north, b, z
    real(wp), intent(in) :: east(0:2*n)
    real(wp), dimension(n), intent(inout) :: near, far, black_south, black_north, &
      black_diagonal, black_inverse, red, b_red, b_black, z_black
    real(wp), intent(out) :: largest !! of the diagonal [m2]

    integer :: k

    largest = 0.0_wp
    if (step > 0) then
      !$omp simd reduction(max: largest)
      do k = 1, n
        near(k) = east(2*k - 1)
        far(k) = east(2*k - 2)
        black_south(k) = south(2*k - 1)
        black_north(k) = north(2*k - 1)
        black_diagonal(k) = diagonal(2*k - 1)
        black_inverse(k) = 1.0_wp/diagonal(2*k - 1)
        largest = max(largest, diagonal(2*k - 1), diagonal(2*k))
        red(k) = 1.0_wp/diagonal(2*k)
        b_red(k) = b(2*k)
        b_black(k) = b(2*k - 1)
        z_black(k) = z(2*k - 1)
      end do
    else
      !$omp simd reduction(max: largest)
      do k = 1, n
        near(k) = east(2*k - 1)
        far(k) = east(2*k)
        black_south(k) = south(2*k)
        black_north(k) = north(2*k)
        black_diagonal(k) = diagonal(2*k)
        black_inverse(k) = 1.0_wp/diagonal(2*k)
        largest = max(largest, diagonal(2*k - 1), diagonal(2*k))
        red(k) = 1.0_wp/diagonal(2*k - 1)
        b_red(k) = b(2*k - 1)
        b_black(k) = b(2*k)
        z_black(k) = z(2*k)
      end do
    end if
  end subroutine pack_row

  !> The whole field from its black cells, whose halo is filled.
  subroutine unpack(self, z_black, z)
    class(red_black_t), intent(in) :: self
    real(wp), intent(in), contiguous :: z_black(1 - lead:, 1 - halo:) !! [m]
    real(wp), intent(inout), contiguous :: z(1 - lead:, 1 - halo:) !! set on the block [m]

    real(wp) :: z_red(0:self%half%nx + 1), outside
    integer :: j, k, n

    n = self%half%nx
    !$omp parallel do private(k, outside, z_red) if (is_large(self%block))
    do j = 1, self%block%ny
      call self%red_row(j, self%b_red(0:n + 1, j), z_black(:, j), z_black(:, j + 1), &
        z_black(:, j - 1), z_red)
      outside = z(2*n, j)
      if (self%step_of_row(j) > 0) then
        do k = 1, n
          z(2*k - 1, j) = z_black(k, j)
          z(2*k, j) = z_red(k)
        end do
      else
        do k = 1, n
          z(2*k - 1, j) = z_red(k)
          z(2*k, j) = z_black(k, j)
        end do
      end if
      if (2*n > self%block%nx) z(2*n, j) = outside
    end do
  end subroutine unpack

  !> Red cells of one row from the black ones around: (b + C x)/diagonal.
  subroutine red_row(self, j, b, here, above, below, red)
    class(red_black_t), intent(in) :: self
    integer, intent(in) :: j                           !! row, 0:ny+1
    real(wp), intent(in), contiguous :: b(0:)          !! right-hand side (0:n+1)
    real(wp), intent(in), contiguous :: here(1 - lead:) !! x in the black cells of the row
    real(wp), intent(in), contiguous :: above(1 - lead:) !! of row j + 1
    real(wp), intent(in), contiguous :: below(1 - lead:) !! of row j - 1
    real(wp), intent(inout), contiguous :: red(0:)     !! set (0:n+1)

    integer :: l, n

    n = self%half%nx
    l = self%step_of_row(j)
    call gather_row(n + 2, self%near(0:n + 1, j), here(0:n + 1), self%far(l:n + 1 + l, j), &
      here(l:n + 1 + l), self%south(0:n + 1, j + 1), above(0:n + 1), &
      self%north(0:n + 1, j - 1), below(0:n + 1), self%red(0:n + 1, j), b, red)
  end subroutine red_row

  !> y = (b + sum of coefficients*values)*inverse.
  pure subroutine gather_row(n, near, x_near, far, x_far, above, x_above, below, x_below, &
    inverse, b, y)
    integer, intent(in) :: n
    real(wp), dimension(n), intent(in) :: near, x_near, far, x_far, above, x_above, below, &
      x_below, inverse, b
    real(wp), intent(inout) :: y(n)

    integer :: k

    do k = 1, n
      y(k) = (b(k) + ((near(k)*x_near(k) + far(k)*x_far(k)) &
        + (above(k)*x_above(k) + below(k)*x_below(k))))*inverse(k)
    end do
  end subroutine gather_row

end module swe_red_black
