! SPDX-License-Identifier: MIT
!> Truncated geometric multigrid as a preconditioner: one V(1,1) cycle.
!>
!> Before the coarse level a Gauss-Seidel sweep over red, then black cells; after it over
!> black, then red ones, so that the cycle is symmetric. Residuals are summed to coarse
!> cells, corrections are taken over unchanged. A step couples cells over a distance of
!> theta*c cells only, so about log2(c) levels suffice, without an exact solution on the
!> coarsest.
!>
!> Starting from zero the red cells are r/diagonal and need no store, and after the
!> sweep only red cells have a residual: each half of the cycle is one pass over r and the
!> coefficients, and what lies within two cells of a block or of a thread's rows is
!> computed again instead of waited for. Per level that makes two exchanges.
!>
!> W. Hackbusch (1985): Multi-Grid Methods and Applications; red-black smoothing and its
!> symmetric form in conjugate gradients after O. Tatebe (1993).
module swe_multigrid
  use, intrinsic :: iso_fortran_env, only: sp => real32
  use swe_blocks, only: block_t, east_end, halo, lead
  use swe_exchange, only: exchange
  use swe_fields, only: allocate_field
  use swe_five_point, only: five_point_t
  use swe_kinds, only: wp
  use swe_levels, only: coarsen, coarsen_matrix, copy_finest, finish_level, &
    highest_level, level_t, stiffness
  use swe_preconditioner, only: preconditioner_t
  use swe_rows, only: is_large, rows_of_thread
  implicit none
  private
  public :: multigrid_t

  integer, parameter :: max_levels = 16 !! 2**15 cells: more than any grid has along a side

  real(wp), parameter, public :: worthwhile = 16.0_wp
    !! stiffness from which on a cycle pays: c = 4, measured by bench_swe_solvers

  !> What a cycle computes on a level; the finest has its caller's.
  type :: level_fields_t
    real(wp), allocatable :: r(:, :) !! right-hand side [m3]
    real(wp), allocatable :: z(:, :) !! solution [m]
  end type level_fields_t

  !> The preconditioner.
  type, extends(preconditioner_t) :: multigrid_t
    integer :: n_levels = 0
      !! levels to use; 0: as many as the matrix asks for
    integer :: levels_used = 0 !! for the matrix that was last prepared
    integer :: n_coarse_sweeps = 4 !! on the coarsest of several levels, even
    type(level_t) :: levels(max_levels) !! finest first; that one may be its caller's
    type(level_fields_t) :: fields(max_levels) !! the finest are its caller's
    real(wp), allocatable, private :: scratch(:) !! of rows (ny)
  contains
    procedure :: prepare
    procedure :: apply
    procedure :: prepare_coarse
    procedure :: correct
    procedure, private :: choose_levels
    procedure, private :: add_level
  end type multigrid_t

contains

  !> Make the levels.
  subroutine prepare(self, matrix)
    class(multigrid_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix

    integer :: l

    if (.not. allocated(self%scratch)) allocate (self%scratch(matrix%block%ny))
    call self%choose_levels(matrix, stiffness(matrix, self%scratch))
    call copy_finest(matrix, self%levels(1))
    do l = 2, self%levels_used
      call coarsen(self%levels(l - 1), self%levels(l))
      call self%add_level(l)
      call finish_level(self%levels(l - 1))
    end do
    call finish_level(self%levels(self%levels_used))
  end subroutine prepare

  !> Make the levels but the finest, for a caller who keeps that one in another form and
  !> uses `correct`.
  subroutine prepare_coarse(self, matrix, stiffness)
    class(multigrid_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix
    real(wp), intent(in) :: stiffness !! of the matrix

    integer :: l

    call self%choose_levels(matrix, stiffness)
    if (self%levels_used == 1) return
    call coarsen_matrix(matrix, self%levels(2))
    call self%add_level(2)
    do l = 3, self%levels_used
      call coarsen(self%levels(l - 1), self%levels(l))
      call self%add_level(l)
      call finish_level(self%levels(l - 1))
    end do
    call finish_level(self%levels(self%levels_used))
  end subroutine prepare_coarse

  !> How many levels the matrix asks for, and the grid allows.
  subroutine choose_levels(self, matrix, stiffness)
    class(multigrid_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix
    real(wp), intent(in) :: stiffness !! of the matrix

    integer :: n

    n = self%n_levels
    if (n == 0) n = levels_wanted(stiffness)
    self%levels_used = highest_level(matrix%block, min(n, max_levels))
  end subroutine choose_levels

  !> Allocate the fields of a level when it is first used.
  subroutine add_level(self, l)
    class(multigrid_t), intent(inout) :: self
    integer, intent(in) :: l !! level

    if (allocated(self%fields(l)%r)) return
    call setup_fields(self%levels(l)%block, self%fields(l))
  end subroutine add_level

  !> Allocate the fields of a level.
  subroutine setup_fields(block, fields)
    type(block_t), intent(in) :: block
    type(level_fields_t), intent(inout) :: fields

    call allocate_field(block, fields%r)
    call allocate_field(block, fields%z)
  end subroutine setup_fields

  !> ceiling(log2(c)) for the Courant number c of a step with theta = 1/2; for small ones a
  !> cycle costs more than the iterations that it saves, and one level is all.
  pure integer function levels_wanted(stiffness)
    real(wp), intent(in) :: stiffness !! 4*(theta*c)**2

    levels_wanted = 1
    if (stiffness < worthwhile .or. .not. stiffness <= huge(stiffness)) return
    do while (4.0_wp**levels_wanted < stiffness)
      levels_wanted = levels_wanted + 1
    end do
  end function levels_wanted

  !> One cycle; see `apply_interface`.
  subroutine apply(self, matrix, r, s, products)
    class(multigrid_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix
    real(wp), intent(inout), contiguous :: r(1 - lead:, 1 - halo:)
    real(wp), intent(inout), contiguous :: s(1 - lead:, 1 - halo:)
    real(wp), intent(inout) :: products(:)

    call exchange(matrix%block, r)
    associate (levels => self%levels, fields => self%fields, last => self%levels_used)
      if (last == 1) then
        call ascend(levels(1), r, s, products)
        return
      end if
      call descend(levels(1), r, levels(2)%block, fields(2)%r)
      call self%correct()
      call ascend(levels(1), r, s, products, fields(2)%z)
    end associate
  end subroutine apply

  !> From the residual to the correction of the second level, the latter with filled halo.
  subroutine correct(self)
    class(multigrid_t), intent(inout) :: self

    integer :: l

    associate (levels => self%levels, fields => self%fields, last => self%levels_used)
      do l = 2, last - 1
        call exchange(levels(l)%block, fields(l)%r)
        call descend(levels(l), fields(l)%r, levels(l + 1)%block, fields(l + 1)%r)
      end do
      call relax(levels(last), self%n_coarse_sweeps, fields(last)%r, fields(last)%z)
      call exchange(levels(last)%block, fields(last)%z)
      do l = last - 1, 2, -1
        call ascend(levels(l), fields(l)%r, fields(l)%z, coarse=fields(l + 1)%z)
        call exchange(levels(l)%block, fields(l)%z)
      end do
    end associate
  end subroutine correct

  !> Sweep from zero over red and black cells; sum the residual to coarse cells.
  subroutine descend(level, r, coarse, coarse_r)
    type(level_t), intent(in) :: level
    real(wp), intent(in), contiguous :: r(1 - lead:, 1 - halo:) !! with filled halo [m3]
    type(block_t), intent(in) :: coarse !! block of the next level
    real(wp), intent(inout), contiguous :: coarse_r(1 - lead:, 1 - halo:) !! set [m3]

    real(wp), dimension(1 - lead:east_end(level%block%nx), 0:2) :: red, black
    integer :: first, j, k, last, nx

    nx = level%block%nx
    !$omp parallel if (is_large(level%block)) private(red, black, first, j, k, last)
    black = 0.0_wp
    call rows_of_thread(coarse%ny, first, last)
    last = min(2*last, level%block%ny)
    do k = 2*first - 3, last + 2
      j = modulo(k, 3)
      call red_row(nx, level%red(:, level%row_parity(k)), level%inverse(:, k), r(:, k), &
        red(:, j))
      j = k - 1
      if (j >= 2*first - 2) call black_row(nx, level%red(:, level%row_parity(j)), &
        level%inverse(:, j), level%east(:, j), level%north(:, j), level%north(:, j - 1), &
        r(:, j), red(:, modulo(j, 3)), red(:, modulo(j + 1, 3)), red(:, modulo(j - 1, 3)), &
        black(:, modulo(j, 3)))
      j = k - 2
      if (j >= 2*first - 1) call restrict_row(nx, coarse%nx, modulo(j, 2) == 1, &
        level%east(:, j), level%north(:, j), level%north(:, j - 1), &
        black(:, modulo(j, 3)), black(:, modulo(j + 1, 3)), &
        black(:, modulo(j - 1, 3)), coarse_r(:, (j + 1)/2))
    end do
    !$omp end parallel
  end subroutine descend

  !> Add the coarse correction to the red cells of the descent, sweep over black and red
  !> cells, and form r.s. Without a coarse level it is the symmetric sweep red, black, red.
  subroutine ascend(level, r, s, products, coarse)
    type(level_t), intent(in) :: level
    real(wp), intent(in), contiguous :: r(1 - lead:, 1 - halo:)    !! with filled halo [m3]
    real(wp), intent(inout), contiguous :: s(1 - lead:, 1 - halo:) !! set on the block [m]
    real(wp), intent(inout), optional :: products(:)   !! set: r.s of each row [m4] (ny)
    real(wp), intent(in), contiguous, optional :: coarse(1 - lead:, 1 - halo:)
      !! solution of the next level, with filled halo [m]

    real(wp), dimension(1 - lead:east_end(level%block%nx), 0:2) :: red, black
    real(wp) :: product
    integer :: first, j, k, last, nx

    nx = level%block%nx
    !$omp parallel if (is_large(level%block)) private(red, black, product) &
    !$omp   private(first, j, k, last)
    black = 0.0_wp
    call rows_of_thread(level%block%ny, first, last)
    if (first > last) last = first - 4
    do k = first - 2, last + 2
      j = modulo(k, 3)
      call red_row(nx, level%red(:, level%row_parity(k)), level%inverse(:, k), r(:, k), &
        red(:, j))
      if (present(coarse)) call prolong_row(nx, (nx + 1)/2, &
        level%red(:, level%row_parity(k)), coarse(:, (k + 1)/2), red(:, j))
      j = k - 1
      if (j >= first - 1) call black_row(nx, level%red(:, level%row_parity(j)), &
        level%inverse(:, j), level%east(:, j), level%north(:, j), level%north(:, j - 1), &
        r(:, j), red(:, modulo(j, 3)), red(:, modulo(j + 1, 3)), red(:, modulo(j - 1, 3)), &
        black(:, modulo(j, 3)))
      j = k - 2
      if (j < first) cycle
      call final_row(nx, level%red(:, level%row_parity(j)), level%inverse(:, j), &
        level%east(:, j), level%north(:, j), level%north(:, j - 1), r(:, j), &
        black(:, modulo(j, 3)), black(:, modulo(j + 1, 3)), black(:, modulo(j - 1, 3)), &
        s(:, j), product)
      if (present(products)) products(j) = product
    end do
    !$omp end parallel
  end subroutine ascend

  !> Symmetric sweeps on the coarsest level, from zero: half of them red before black, half
  !> black before red. Two equal colours in the middle are one.
  subroutine relax(level, n_sweeps, r, z)
    type(level_t), intent(in) :: level
    integer, intent(in) :: n_sweeps
    real(wp), intent(in), contiguous :: r(1 - lead:, 1 - halo:)    !! [m3]
    real(wp), intent(inout), contiguous :: z(1 - lead:, 1 - halo:) !! set on the block [m]

    integer :: colour, j, k

    z = 0.0_wp
    do k = 1, 2*n_sweeps - 1
      if (k > 1) call exchange(level%block, z)
      !$omp parallel do private(colour) if (is_large(level%block))
      do j = 1, level%block%ny
        colour = modulo(level%row_parity(j) + level%block%i_offset + k + 1, 2)
        call relax_row(level%block%nx, 2 - colour, level%inverse(:, j), level%east(:, j), &
          level%north(:, j), level%north(:, j - 1), r(:, j), z(:, j + 1), z(:, j - 1), &
          z(:, j))
      end do
    end do
  end subroutine relax

  !> Red cells of one row after the first half-sweep from zero.
  pure subroutine red_row(nx, is_red, inverse, r, red)
    integer, intent(in) :: nx
    real(wp), intent(in) :: is_red(1 - lead:east_end(nx)), r(1 - lead:east_end(nx))
    real(sp), intent(in) :: inverse(1 - lead:east_end(nx))
    real(wp), intent(inout) :: red(1 - lead:east_end(nx))

    integer :: i

    do i = 1 - halo, nx + halo
      red(i) = is_red(i)*(real(inverse(i), wp)*r(i))
    end do
  end subroutine red_row

  !> Add the correction of the coarse level to red cells.
  pure subroutine prolong_row(nx, nx_coarse, is_red, coarse, red)
    integer, intent(in) :: nx, nx_coarse
    real(wp), intent(in) :: is_red(1 - lead:east_end(nx))
    real(wp), intent(in) :: coarse(1 - lead:east_end(nx_coarse))
    real(wp), intent(inout) :: red(1 - lead:east_end(nx))

    integer :: i

    do i = 0, (nx + 1)/2
      red(2*i - 1) = red(2*i - 1) + is_red(2*i - 1)*coarse(i)
      red(2*i) = red(2*i) + is_red(2*i)*coarse(i)
    end do
    do i = 2*((nx + 1)/2) + 1, nx + halo
      red(i) = red(i) + is_red(i)*coarse((i + 1)/2)
    end do
  end subroutine prolong_row

  !> Black cells of one row from the red ones around.
  pure subroutine black_row(nx, is_red, inverse, east, north, south, r, red, red_north, &
    red_south, black)
    integer, intent(in) :: nx
    real(wp), dimension(1 - lead:east_end(nx)), intent(in) :: is_red, r, red, red_north, &
      red_south
    real(sp), dimension(1 - lead:east_end(nx)), intent(in) :: inverse, east, north, south
    real(wp), intent(inout) :: black(1 - lead:east_end(nx))

    integer :: i

    do i = 0, nx + 1
      black(i) = (1.0_wp - is_red(i))*inverse(i)*(r(i) &
        + ((east(i)*red(i + 1) + east(i - 1)*red(i - 1)) &
        + (north(i)*red_north(i) + south(i)*red_south(i))))
    end do
  end subroutine black_row

  !> Residual of one row, which red cells alone have, summed to coarse cells.
  pure subroutine restrict_row(nx, nx_coarse, is_first, east, north, south, black, &
    black_north, black_south, coarse)
    integer, intent(in) :: nx, nx_coarse
    logical, intent(in) :: is_first !! of the two rows of the coarse one
    real(sp), dimension(1 - lead:east_end(nx)), intent(in) :: east, north, south
    real(wp), dimension(1 - lead:east_end(nx)), intent(in) :: black, black_north, &
      black_south
    real(wp), intent(inout) :: coarse(1 - lead:east_end(nx_coarse))

    real(wp) :: residual(nx + 1)
    integer :: i

    do i = 1, nx
      residual(i) = (east(i)*black(i + 1) + east(i - 1)*black(i - 1)) &
        + (north(i)*black_north(i) + south(i)*black_south(i))
    end do
    residual(nx + 1) = 0.0_wp
    if (is_first) then
      do i = 1, nx_coarse
        coarse(i) = residual(2*i - 1) + residual(2*i)
      end do
    else
      do i = 1, nx_coarse
        coarse(i) = coarse(i) + (residual(2*i - 1) + residual(2*i))
      end do
    end if
  end subroutine restrict_row

  !> Red cells of one row from the black ones around, all cells in s, and r.s.
  pure subroutine final_row(nx, is_red, inverse, east, north, south, r, black, &
    black_north, black_south, s, product)
    integer, intent(in) :: nx
    real(wp), dimension(1 - lead:east_end(nx)), intent(in) :: is_red, r, black, &
      black_north, black_south
    real(sp), dimension(1 - lead:east_end(nx)), intent(in) :: inverse, east, north, south
    real(wp), intent(inout) :: s(1 - lead:east_end(nx))
    real(wp), intent(out) :: product

    integer :: i

    product = 0.0_wp
    !$omp simd reduction(+: product)
    do i = 1, nx
      s(i) = black(i) + is_red(i)*inverse(i)*(r(i) &
        + ((east(i)*black(i + 1) + east(i - 1)*black(i - 1)) &
        + (north(i)*black_north(i) + south(i)*black_south(i))))
      product = product + r(i)*s(i)
    end do
  end subroutine final_row

  !> Gauss-Seidel at every second cell of one row.
  pure subroutine relax_row(nx, first, inverse, east, north, south, r, z_north, z_south, z)
    integer, intent(in) :: nx
    integer, intent(in) :: first !! cell, 1 or 2
    real(wp), dimension(1 - lead:east_end(nx)), intent(in) :: r, z_north, z_south
    real(sp), dimension(1 - lead:east_end(nx)), intent(in) :: inverse, east, north, south
    real(wp), intent(inout) :: z(1 - lead:east_end(nx))

    integer :: i

    do i = first, nx, 2
      z(i) = inverse(i)*(r(i) + ((east(i)*z(i + 1) + east(i - 1)*z(i - 1)) &
        + (north(i)*z_north(i) + south(i)*z_south(i))))
    end do
  end subroutine relax_row

end module swe_multigrid
