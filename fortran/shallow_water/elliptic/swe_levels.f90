! SPDX-License-Identifier: MIT
!> Levels of the truncated multigrid method: coarser and coarser copies of the matrix.
!>
!> A coarse cell is two by two fine ones; at an odd end, fewer. Its mass (diagonal less
!> couplings) is the sum of theirs, its coupling through a face half the sum of the two fine
!> couplings: what the differential operator gives on the coarse grid. Land needs no special
!> case: its couplings are zero. The coefficients are kept in single precision: they belong
!> to a preconditioner, whose bytes are its costs; sums are made in the working precision.
module swe_levels
  use, intrinsic :: iso_fortran_env, only: sp => real32
  use swe_blocks, only: block_t, east_end, halo, lead, nobody
  use swe_decomposition, only: reproducible_levels
  use swe_exchange, only: exchange, global_maximum
  use swe_five_point, only: five_point_t
  use swe_kinds, only: wp
  use swe_rows, only: is_large, largest_of_rows
  implicit none
  private
  public :: coarsen, coarsen_matrix, copy_finest, finish_level, highest_level, level_t, &
    stiffness

  !> One level. Fields have the model's halo, and it is filled.
  type :: level_t
    type(block_t) :: block
    real(sp), allocatable :: inverse(:, :) !! 1/diagonal [m-2]
    real(sp), allocatable :: east(:, :)    !! coupling through east faces [m2]
    real(sp), allocatable :: north(:, :)   !! coupling through north faces [m2]
    real(wp), allocatable :: mass(:, :)    !! diagonal less couplings, on the block [m2]
    real(wp), allocatable :: wide(:, :)    !! scratch for exchanges
    real(wp), allocatable :: red(:, :)
      !! 1 in red cells, else 0, of even and odd rows, as in memory (:, 0:1)
  contains
    procedure :: setup
    procedure :: row_parity
  end type level_t

contains

  !> Allocate a level.
  subroutine setup(self, block)
    class(level_t), intent(inout) :: self
    type(block_t), intent(in) :: block

    integer :: i, nx, ny

    nx = block%nx
    ny = block%ny
    self%block = block
    allocate (self%inverse(1 - lead:east_end(nx), 1 - halo:ny + halo), source=1.0_sp)
    allocate (self%east, self%north, mold=self%inverse)
    self%east = 0.0_sp
    self%north = 0.0_sp
    allocate (self%mass(nx, ny), source=0.0_wp)
    if (has_neighbours(block)) allocate (self%wide(1 - lead:east_end(nx), &
      1 - halo:ny + halo), source=1.0_wp)
    allocate (self%red(1 - lead:east_end(nx), 0:1), source=0.0_wp)
    do i = 1 - halo, nx + halo
      self%red(i, 0) = real(modulo(i + block%i_offset + 1, 2), wp)
      self%red(i, 1) = 1.0_wp - self%red(i, 0)
    end do
  end subroutine setup

  !> Whether a block's halo holds cells of the grid.
  pure logical function has_neighbours(block)
    type(block_t), intent(in) :: block

    has_neighbours = any(block%neighbours /= nobody)
  end function has_neighbours

  !> 0 or 1: which of the two colour patterns a row has. Colours follow from the index in
  !> the whole grid, so that they do not depend on the blocks.
  pure integer function row_parity(self, j)
    class(level_t), intent(in) :: self
    integer, intent(in) :: j !! row

    row_parity = modulo(j + self%block%j_offset, 2)
  end function row_parity

  !> The largest diagonal/area - 1 of all ranks: 4*(theta*c)**2 for the Courant number c
  !> where it is largest.
  function stiffness(matrix, rows) result(largest)
    type(five_point_t), intent(in) :: matrix
    real(wp), intent(inout) :: rows(:) !! scratch (ny)
    real(wp) :: largest

    real(wp) :: largest_of_row
    integer :: i, j

    !$omp parallel do private(i, largest_of_row) if (is_large(matrix%block))
    do j = 1, matrix%block%ny
      largest_of_row = 0.0_wp
      !$omp simd reduction(max: largest_of_row)
      do i = 1, matrix%block%nx
        largest_of_row = max(largest_of_row, matrix%diagonal(i, j))
      end do
      rows(j) = largest_of_row/matrix%area(j)
    end do
    largest = largest_of_rows(matrix%block, rows) - 1.0_wp
  end function stiffness

  !> How many levels can be: no block may split a coarse cell, and where blocks meet each
  !> must have as many cells as the halo is wide. Where the ranks must not show, no more
  !> than any decomposition allows.
  function highest_level(block, wanted) result(n_levels)
    type(block_t), intent(in) :: block !! of the finest level
    integer, intent(in) :: wanted
    integer :: n_levels

    type(block_t) :: coarse
    real(wp) :: fewest

    coarse = block
    n_levels = 1
    do while (n_levels < wanted .and. max(coarse%nx_global, coarse%ny_global) > 2)
      if (block%is_reproducible .and. n_levels == reproducible_levels) exit
      if (any(modulo([coarse%i_offset, coarse%j_offset], 2) /= 0)) exit
      coarse = halved(coarse)
      if (any(coarse%neighbours(1:2) /= nobody) .and. coarse%nx < halo) exit
      if (any(coarse%neighbours(3:4) /= nobody) .and. coarse%ny < halo) exit
      n_levels = n_levels + 1
    end do
    fewest = global_maximum(block, -real(n_levels, wp))
    n_levels = -nint(fewest)
  end function highest_level

  !> The block of the next coarser level.
  pure type(block_t) function halved(block)
    type(block_t), intent(in) :: block

    halved = block
    halved%nx = (block%nx + 1)/2
    halved%ny = (block%ny + 1)/2
    halved%nx_global = (block%nx_global + 1)/2
    halved%ny_global = (block%ny_global + 1)/2
    halved%i_offset = block%i_offset/2
    halved%j_offset = block%j_offset/2
  end function halved

  !> The finest level: the matrix itself.
  subroutine copy_finest(matrix, level)
    type(five_point_t), intent(in) :: matrix
    type(level_t), intent(inout) :: level

    integer :: i, j

    if (.not. allocated(level%inverse)) call level%setup(matrix%block)
    !$omp parallel do private(i) if (is_large(matrix%block))
    do j = 0, matrix%block%ny
      do i = 0, matrix%block%nx
        level%east(i, j) = real(matrix%east(i, j), sp)
        level%north(i, j) = real(matrix%north(i, j), sp)
      end do
      if (j == 0) cycle
      do i = 1, matrix%block%nx
        level%inverse(i, j) = real(1.0_wp/matrix%diagonal(i, j), sp)
        level%mass(i, j) = max(0.0_wp, matrix%diagonal(i, j) - ((matrix%east(i, j) &
          + matrix%east(i - 1, j)) + (matrix%north(i, j) + matrix%north(i, j - 1))))
      end do
    end do
  end subroutine copy_finest

  !> The next coarser level of one whose couplings stand and whose halo is not filled yet.
  subroutine coarsen(fine, coarse)
    type(level_t), intent(in) :: fine
    type(level_t), intent(inout) :: coarse

    integer :: i, i_last, j, j_last, k, l

    if (.not. allocated(coarse%inverse)) call coarse%setup(halved(fine%block))
    !$omp parallel do private(i, i_last, j_last, k, l) if (is_large(fine%block))
    do j = 0, coarse%block%ny
      l = min(2*j, fine%block%ny)
      j_last = min(2*j, fine%block%ny)
      do i = 0, coarse%block%nx
        k = min(2*i, fine%block%nx)
        i_last = k
        if (j > 0) coarse%east(i, j) = 0.5_sp*(fine%east(k, 2*j - 1) + merge(0.0_sp, &
          fine%east(k, j_last), j_last == 2*j - 1))
        if (i > 0) coarse%north(i, j) = 0.5_sp*(fine%north(2*i - 1, l) + merge(0.0_sp, &
          fine%north(i_last, l), i_last == 2*i - 1))
        if (i > 0 .and. j > 0) coarse%mass(i, j) = &
          sum(fine%mass(2*i - 1:i_last, 2*j - 1:j_last))
      end do
    end do
    call set_inverse(coarse, is_large(fine%block))
  end subroutine coarsen

  !> The second level from the matrix: `coarsen` of `copy_finest`.
  subroutine coarsen_matrix(matrix, coarse)
    type(five_point_t), intent(in) :: matrix
    type(level_t), intent(inout) :: coarse

    integer :: j, j_last, nx

    if (.not. allocated(coarse%inverse)) call coarse%setup(halved(matrix%block))
    nx = matrix%block%nx
    !$omp parallel do private(j_last) if (is_large(matrix%block))
    do j = 0, coarse%block%ny
      j_last = min(2*j, matrix%block%ny)
      if (j > 0) then
        call add_row(coarse%block%nx, nx, 2*j - 1, matrix, .true., coarse%mass(:, j), &
          coarse%east(0:coarse%block%nx, j))
        if (j_last == 2*j) call add_row(coarse%block%nx, nx, 2*j, matrix, .false., &
          coarse%mass(:, j), coarse%east(0:coarse%block%nx, j))
      end if
      call add_faces(coarse%block%nx, nx, matrix%north(1:nx, j_last), &
        coarse%north(1:coarse%block%nx, j))
    end do
    call set_inverse(coarse, is_large(matrix%block))
  end subroutine coarsen_matrix

  !> Add one fine row to the masses and eastern couplings of a coarse row.
  pure subroutine add_row(n, nx, j, matrix, is_first, mass, east)
    integer, intent(in) :: n, nx    !! coarse and fine cells in a row
    integer, intent(in) :: j        !! fine row
    type(five_point_t), intent(in) :: matrix
    logical, intent(in) :: is_first !! of the coarse row: set instead of add
    real(wp), intent(inout) :: mass(n)
    real(sp), intent(inout) :: east(0:n)

    real(wp) :: fine(2*n)
    integer :: i

    do i = 1, nx
      fine(i) = max(0.0_wp, matrix%diagonal(i, j) - ((matrix%east(i, j) &
        + matrix%east(i - 1, j)) + (matrix%north(i, j) + matrix%north(i, j - 1))))
    end do
    if (2*n > nx) fine(2*n) = 0.0_wp
    if (is_first) then
      mass = 0.0_wp
      east = 0.0_sp
    end if
    do i = 1, n
      mass(i) = mass(i) + (fine(2*i - 1) + fine(2*i))
    end do
    do i = 0, nx/2
      east(i) = east(i) + real(0.5_wp*matrix%east(2*i, j), sp)
    end do
    if (2*n > nx) east(n) = east(n) + real(0.5_wp*matrix%east(nx, j), sp)
  end subroutine add_row

  !> Northern couplings of a coarse row.
  pure subroutine add_faces(n, nx, fine, coarse)
    integer, intent(in) :: n, nx !! coarse and fine cells in a row
    real(wp), intent(in) :: fine(nx)
    real(sp), intent(inout) :: coarse(n)

    integer :: i

    do i = 1, nx/2
      coarse(i) = real(0.5_wp*(fine(2*i - 1) + fine(2*i)), sp)
    end do
    if (2*n > nx) coarse(n) = real(0.5_wp*fine(nx), sp)
  end subroutine add_faces

  !> 1/diagonal from masses and couplings.
  subroutine set_inverse(level, is_shared)
    type(level_t), intent(inout) :: level
    logical, intent(in) :: is_shared !! among threads

    integer :: i, j

    !$omp parallel do private(i) if (is_shared)
    do j = 1, level%block%ny
      do i = 1, level%block%nx
        level%inverse(i, j) = real(1.0_wp/(level%mass(i, j) + (level%east(i, j) &
          + level%east(i - 1, j)) + (level%north(i, j) + level%north(i, j - 1))), sp)
      end do
    end do
  end subroutine set_inverse

  !> Fill the halos of a level; call it when the next level has been made. Where a periodic
  !> grid has an odd number of cells, two cells of a colour would meet at its seam: there
  !> the preconditioner has a wall.
  subroutine finish_level(level)
    type(level_t), intent(inout) :: level

    if (.not. has_neighbours(level%block)) return
    call exchange_single(level, level%inverse)
    call exchange_single(level, level%east)
    call exchange_single(level, level%north)
    associate (block => level%block)
      if (block%periodic_x .and. modulo(block%nx_global, 2) == 1) then
        if (block%i_offset == 0) level%east(:0, :) = 0.0_sp
        if (block%i_offset + block%nx == block%nx_global) level%east(block%nx:, :) = 0.0_sp
      end if
      if (block%periodic_y .and. modulo(block%ny_global, 2) == 1) then
        if (block%j_offset == 0) level%north(:, :0) = 0.0_sp
        if (block%j_offset + block%ny == block%ny_global) level%north(:, block%ny:) = 0.0_sp
      end if
    end associate
  end subroutine finish_level

  !> Exchange a field of single precision.
  subroutine exchange_single(level, field)
    type(level_t), intent(inout) :: level
    real(sp), intent(inout) :: field(:, :)

    level%wide = real(field, wp)
    call exchange(level%block, level%wide)
    field = real(level%wide, sp)
  end subroutine exchange_single

end module swe_levels
