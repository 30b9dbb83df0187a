! SPDX-License-Identifier: MIT
!> Conjugate gradients for the system of the black cells, the red ones eliminated.
!>
!>     S z_black = right-hand side,   see swe_red_black
!>     p <- s + beta p,  q = S p,  alpha = (r.s)/(p.q),  z <- z + alpha p,  r <- r - alpha q
!>
!> L. A. Hageman and D. M. Young (1981): Applied Iterative Methods, ch. 8. With the diagonal
!> as the preconditioner this takes half the iterations that the whole system needs, on half
!> the cells, in rows of unit stride. Up to c = 4 the eigenvalues are known well enough to
!> do without scalar products: then swe_semi_iteration takes over. For larger c s = M**-1 r
!> is a multigrid cycle (swe_multigrid) whose finest level is this packed form: before the
!> coarse levels black and then red cells are relaxed, after them red and then black ones.
!> The two residuals of a 2 x 2 block lie at the same place of two rows.
!>
!> A grid whose colours do not alternate everywhere, or whose blocks cut pairs of cells,
!> goes to conjugate gradients for the whole system.
module swe_reduced_gradients
  use swe_blocks, only: halo, lead
  use swe_conjugate_gradients, only: conjugate_gradients_t
  use swe_exchange, only: exchange
  use swe_fields, only: allocate_field
  use swe_five_point, only: five_point_solver_t, five_point_t, solution_t
  use swe_kinds, only: wp
  use swe_multigrid, only: multigrid_t, worthwhile
  use swe_red_black, only: can_be_packed, red_black_t
  use swe_red_black_rows, only: ascend_rows, descend_rows, reduce_rows, residual_rows, &
    turn_row, turn_rows
  use swe_rows, only: is_large, largest_of_rows, rows_of_thread, sum_of_rows
  use swe_semi_iteration, only: semi_iterate
  implicit none
  private
  public :: reduced_gradients_t

  !> The solver and its work arrays, allocated at the first call.
  type, extends(five_point_solver_t) :: reduced_gradients_t
    integer :: n_levels = 0 !! of multigrid; 1: the diagonal alone; 0: chosen by the matrix
    type(red_black_t), private :: packed
    type(multigrid_t), private :: coarse
    class(five_point_solver_t), allocatable, private :: unpacked !! for grids that must be
    logical, private :: is_set_up = .false.
    real(wp), allocatable, private :: z(:, :) !! solution in black cells [m]
    real(wp), allocatable, private :: r(:, :) !! residual there [m3]
    real(wp), allocatable, private :: s(:, :) !! M**-1 r [m]
    real(wp), allocatable, private :: p(:, :) !! search direction [m]
    real(wp), allocatable, private :: q(:, :) !! S p [m3]
    real(wp), allocatable, private :: products(:) !! scalar products row by row [m4] (ny)
    real(wp), allocatable, private :: largest(:)  !! residual/area row by row [m] (ny)
  contains
    procedure :: solve
  end type reduced_gradients_t

contains

  !> Solve A z = b; see `solve_interface`. Values that are not finite end the iteration
  !> without convergence.
  subroutine solve(self, matrix, b, z, solution)
    class(reduced_gradients_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix
    real(wp), intent(in), contiguous :: b(1 - lead:, 1 - halo:)
    real(wp), intent(inout), contiguous :: z(1 - lead:, 1 - halo:)
    type(solution_t), intent(out) :: solution

    real(wp) :: stiffness

    if (.not. self%is_set_up) call setup(self, matrix)
    if (allocated(self%unpacked)) then
      self%unpacked%tolerance = self%tolerance
      self%unpacked%max_iterations = self%max_iterations
      call self%unpacked%solve(matrix, b, z, solution)
      return
    end if
    self%coarse%n_levels = self%n_levels
    call self%packed%pack(matrix, b, z, self%r, self%z, self%largest)
    stiffness = largest_of_rows(matrix%block, self%largest) - 1.0_wp
    call self%coarse%prepare_coarse(matrix, stiffness)
    call iterate(self, matrix, stiffness, solution)
    call exchange(self%packed%half, self%z)
    call self%packed%unpack(self%z, z)
    call exchange(matrix%block, z)
  end subroutine solve

  !> Allocate.
  subroutine setup(self, matrix)
    class(reduced_gradients_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix

    type(conjugate_gradients_t) :: whole

    self%is_set_up = .true.
    if (.not. can_be_packed(matrix%block)) then
      allocate (whole%preconditioner, source=multigrid_t(n_levels=self%n_levels))
      allocate (self%unpacked, source=whole)
      return
    end if
    call self%packed%setup(matrix%block)
    call allocate_field(self%packed%half, self%z)
    call allocate_field(self%packed%half, self%r)
    call allocate_field(self%packed%half, self%s)
    call allocate_field(self%packed%half, self%p)
    call allocate_field(self%packed%half, self%q)
    allocate (self%products(matrix%block%ny), self%largest(matrix%block%ny))
  end subroutine setup

  !> The iteration on packed fields.
  subroutine iterate(self, matrix, stiffness, solution)
    class(reduced_gradients_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix
    real(wp), intent(in) :: stiffness !! largest diagonal/area - 1 [1]
    type(solution_t), intent(inout) :: solution

    real(wp) :: alpha, beta, rho, rho_before

    call first_residual(self, matrix)
    solution%residual = largest_of_rows(matrix%block, self%largest)
    rho = sum_of_rows(self%packed%half, self%products, self%r, self%r)
    if (.not. abs(rho) <= huge(rho)) return
    if (stiffness < worthwhile .and. self%coarse%levels_used == 1) then
      call semi_iterate(self%packed, matrix%area, stiffness, self%tolerance, &
        self%max_iterations, self%z, self%r, self%p, self%largest, solution)
      return
    end if
    alpha = 0.0_wp
    beta = 0.0_wp
    do
      solution%has_converged = solution%residual <= self%tolerance
      if (solution%has_converged .or. solution%n_iterations >= self%max_iterations) exit
      call exchange(self%packed%half, self%r)
      if (self%coarse%levels_used > 1) then
        call cycle_once(self)
        rho = sum_of_rows(self%packed%half, self%products, self%r, self%s)
      else
        rho = sum_of_rows(self%packed%half, self%products, self%r, self%r, &
          self%packed%inverse)
      end if
      if (solution%n_iterations > 0) beta = rho/rho_before
      call turn(self, alpha, beta)
      alpha = rho/sum_of_rows(self%packed%half, self%products, self%p, self%q)
      if (.not. abs(alpha) <= huge(alpha)) return
      call reduce(self, matrix, alpha)
      solution%residual = largest_of_rows(matrix%block, self%largest)
      solution%n_iterations = solution%n_iterations + 1
      rho_before = rho
    end do
    if (solution%n_iterations > 0) call advance(self, alpha)
  end subroutine iterate

  !> r = right-hand side - S z, from b of the black cells in r; r.s for the diagonal, NaN if
  !> anything is.
  subroutine first_residual(self, matrix)
    class(reduced_gradients_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix

    integer :: first, last

    !$omp parallel if (is_large(matrix%block)) private(first, last)
    call rows_of_thread(matrix%block%ny, first, last)
    associate (a => self%packed)
      if (first <= last) call residual_rows(a%half%nx, matrix%block%ny, first, last, &
        a%half%j_offset, matrix%area, a%inverse, a%diagonal, a%red, a%near, a%far, &
        a%south, a%north, a%b_red, self%z, self%r, self%largest, self%products)
    end associate
    !$omp end parallel
  end subroutine first_residual

  !> z <- z + alpha p along the old direction, p <- s + beta p, q = S p, and p.q of each
  !> row. Each thread first turns the rows that its neighbours look at.
  subroutine turn(self, alpha, beta)
    class(reduced_gradients_t), intent(inout) :: self
    real(wp), intent(in) :: alpha !! of the old direction [1]
    real(wp), intent(in) :: beta  !! [1]

    if (self%coarse%levels_used > 1) then
      call turn_fields(self%packed, .true., alpha, beta, self%s, self%z, self%p, self%q, &
        self%products)
    else
      call turn_fields(self%packed, .false., alpha, beta, self%r, self%z, self%p, self%q, &
        self%products)
    end if
  end subroutine turn

  !> The same; s is r*inverse, or r as it is.
  subroutine turn_fields(a, is_plain, alpha, beta, r, z, p, q, pq)
    type(red_black_t), intent(in) :: a
    logical, intent(in) :: is_plain
    real(wp), intent(in) :: alpha, beta
    real(wp), intent(in), contiguous :: r(1 - lead:, 1 - halo:)
    real(wp), intent(inout), contiguous, dimension(1 - lead:, 1 - halo:) :: z, p, q
    real(wp), intent(inout) :: pq(:)

    integer :: first, j, last, ny

    ny = a%half%ny
    !$omp parallel if (is_large(a%block)) private(first, j, last)
    call rows_of_thread(ny, first, last)
    do j = first, last
      if (j < first + 2 .or. j > last - 2) call turn_one(j)
      if (j == 1) then
        call turn_one(-1)
        call turn_one(0)
      end if
      if (j == ny) then
        call turn_one(ny + 1)
        call turn_one(ny + 2)
      end if
    end do
    !$omp barrier
    if (first <= last) call turn_rows(a%half%nx, ny, first, last, a%half%j_offset, &
      is_plain, alpha, beta, r, a%inverse, a%diagonal, a%red, a%near, a%far, a%south, &
      a%north, z, p, q, pq)
    !$omp end parallel

  contains

    subroutine turn_one(j)
      integer, intent(in) :: j !! row

      call turn_row(size(p, 1), is_plain, alpha, beta, r(:, j), a%inverse(:, j), z(:, j), &
        p(:, j))
    end subroutine turn_one

  end subroutine turn_fields

  !> r <- r - alpha q, the largest |r|/area, and r.r/diagonal, row by row.
  subroutine reduce(self, matrix, alpha)
    class(reduced_gradients_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix
    real(wp), intent(in) :: alpha !! [1]

    integer :: first, last

    !$omp parallel if (is_large(matrix%block)) private(first, last)
    call rows_of_thread(matrix%block%ny, first, last)
    call reduce_rows(self%packed%half%nx, matrix%block%ny, first, last, alpha, &
      matrix%area, self%q, self%packed%inverse, self%r, self%largest, self%products)
    !$omp end parallel
  end subroutine reduce

  !> z <- z + alpha p: the last direction, which no further pass takes along.
  subroutine advance(self, alpha)
    class(reduced_gradients_t), intent(inout) :: self
    real(wp), intent(in) :: alpha !! [1]

    integer :: j

    !$omp parallel do if (is_large(self%packed%block))
    do j = 1, self%packed%half%ny
      self%z(:, j) = self%z(:, j) + alpha*self%p(:, j)
    end do
  end subroutine advance

  !> s = M**-1 r by a multigrid cycle, and r.s of each row. The halo of r is filled.
  subroutine cycle_once(self)
    class(reduced_gradients_t), intent(inout) :: self

    call descend(self, self%coarse%fields(2)%r)
    call self%coarse%correct()
    call ascend(self, self%coarse%fields(2)%z)
    call exchange(self%packed%half, self%s)
  end subroutine cycle_once

  !> Relax black, then red cells from zero; sum the residual of the black ones to coarse
  !> cells.
  subroutine descend(self, coarse_r)
    class(reduced_gradients_t), intent(in) :: self
    real(wp), intent(inout), contiguous :: coarse_r(1 - lead:, 1 - halo:) !! set [m3]

    integer :: first, last, ny

    ny = self%packed%half%ny
    !$omp parallel if (is_large(self%packed%block)) private(first, last)
    call rows_of_thread((ny + 1)/2, first, last)
    associate (a => self%packed)
      if (first <= last) call descend_rows(a%half%nx, ny, (ny + 1)/2, 2*first - 1, &
        min(2*last, ny), a%half%j_offset, self%r, a%inverse, a%red, a%near, a%far, &
        a%south, a%north, coarse_r)
    end associate
    !$omp end parallel
  end subroutine descend

  !> Add the coarse correction to the black cells, relax red and black ones; r.s.
  subroutine ascend(self, coarse_z)
    class(reduced_gradients_t), intent(inout) :: self
    real(wp), intent(in), contiguous :: coarse_z(1 - lead:, 1 - halo:) !! filled halo [m]

    integer :: first, last, ny

    ny = self%packed%half%ny
    !$omp parallel if (is_large(self%packed%block)) private(first, last)
    call rows_of_thread(ny, first, last)
    associate (a => self%packed)
      if (first <= last) call ascend_rows(a%half%nx, ny, (ny + 1)/2, first, last, &
        a%half%j_offset, self%r, a%inverse, a%red, a%near, a%far, a%south, a%north, &
        coarse_z, self%s, self%products)
    end associate
    !$omp end parallel
  end subroutine ascend

end module swe_reduced_gradients
