! SPDX-License-Identifier: MIT
!> Conjugate gradients with hypre's structured multigrid PFMG, for very many ranks and as an
!> independent check of ours.
!>
!> R. D. Falgout and J. E. Jones (2000): Multigrid on massively parallel architectures;
!> hypre 2.x, its interface for structured grids. hypre measures residuals by their square
!> mean, we by their largest component: its tolerance is lowered until ours holds. The
!> matrix changes from step to step, so its levels are set up anew in each solution. hypre
!> calls MPI, which must have been started. Its objects live as long as the process.
module swe_hypre
  use, intrinsic :: iso_c_binding, only: c_double, c_int, c_int64_t
  use failures, only: err_runtime, fail, succeed
  use mpi_f08, only: mpi_comm_self, mpi_initialized
  use swe_blocks, only: block_t, halo, lead
  use swe_exchange, only: exchange, global_maximum, global_sum
  use swe_fields, only: allocate_field
  use swe_five_point, only: five_point_solver_t, five_point_t, solution_t
  use swe_hypre_capi, only: grid_assemble, grid_create, grid_set_extents, &
    grid_set_periodic, matrix_assemble, matrix_create, matrix_initialize, &
    matrix_set_box_values, matrix_set_symmetric, pcg_create, pcg_destroy, &
    pcg_get_num_iterations, pcg_set_absolute_tol, pcg_set_max_iter, pcg_set_precond, &
    pcg_set_tol, pcg_set_two_norm, pcg_setup, pcg_solve, pfmg_create, pfmg_destroy, &
    pfmg_set_max_iter, pfmg_set_relax_type, pfmg_set_tol, pfmg_set_zero_guess, &
    stencil_create, stencil_set_element, vector_assemble, vector_create, &
    vector_get_box_values, vector_initialize, vector_set_box_values
  use swe_kinds, only: wp
  use swe_mpi, only: is_whole
  implicit none
  private
  public :: hypre_pfmg_t, make_hypre

  logical, parameter, public :: has_hypre = .true.

  integer(c_int), parameter :: n_dimensions = 2, n_entries = 3 !! centre, east, north
  integer(c_int), parameter :: pfmg = 1 !! hypre's number of this preconditioner
  integer, parameter :: max_rounds = 12 !! of lowering hypre's tolerance

  !> The solver. Handles are hypre's pointers.
  type, extends(five_point_solver_t) :: hypre_pfmg_t
    logical, private :: is_set_up = .false.
    integer(c_int), private :: communicator = 0
    integer(c_int), private :: lower(n_dimensions) = 0, upper(n_dimensions) = 0
    integer(c_int64_t), private :: grid = 0, stencil = 0, matrix = 0, b = 0, z = 0
    real(c_double), allocatable, private :: values(:, :, :) !! (entries, nx, ny)
    real(c_double), allocatable, private :: cells(:, :)     !! (nx, ny)
    real(wp), allocatable, private :: r(:, :)               !! residual [m3]
  contains
    procedure :: solve
  end type hypre_pfmg_t

contains

  !> Make the solver, if MPI runs.
  subroutine make_hypre(solver, stat, errmsg)
    class(five_point_solver_t), allocatable, intent(out) :: solver
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    logical :: is_started

    call mpi_initialized(is_started)
    if (.not. is_started) then
      call fail(err_runtime, "make_solver: 'hypre_pfmg' needs MPI, which has not been "// &
        "started; call start_ranks before", stat, errmsg)
      return
    end if
    allocate (hypre_pfmg_t :: solver)
    call succeed(stat)
  end subroutine make_hypre

  !> Solve A z = b; see `solve_interface`.
  subroutine solve(self, matrix, b, z, solution)
    class(hypre_pfmg_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix
    real(wp), intent(in), contiguous :: b(1 - lead:, 1 - halo:)
    real(wp), intent(inout), contiguous :: z(1 - lead:, 1 - halo:)
    type(solution_t), intent(out) :: solution

    real(c_double) :: target_norm
    integer :: round
    logical :: is_finite

    if (.not. self%is_set_up) call setup(self, matrix%block)
    call exchange(matrix%block, z)
    call measure(self, matrix, b, z, solution, is_finite, target_norm)
    if (solution%has_converged .or. .not. is_finite) return
    call set_matrix(self, matrix)
    associate (nx => matrix%block%nx, ny => matrix%block%ny)
      self%cells = b(1:nx, 1:ny)
      call set_vector(self, self%b)
      do round = 1, max_rounds
        self%cells = z(1:nx, 1:ny)
        call set_vector(self, self%z)
        call run_hypre(self, target_norm, solution%n_iterations)
        call get_solution(self, z(1:nx, 1:ny))
        call exchange(matrix%block, z)
        target_norm = target_norm/3
        call measure(self, matrix, b, z, solution, is_finite)
        if (solution%has_converged .or. .not. is_finite) exit
        if (solution%n_iterations >= self%max_iterations) exit
      end do
    end associate
  end subroutine solve

  !> Describe the grid and allocate.
  subroutine setup(self, block)
    class(hypre_pfmg_t), intent(inout) :: self
    type(block_t), intent(in) :: block

    integer(c_int), parameter :: offsets(n_dimensions, n_entries) = &
      reshape([0_c_int, 0_c_int, 1_c_int, 0_c_int, 0_c_int, 1_c_int], [2, 3])
    integer(c_int) :: entry, ierr, periods(n_dimensions)

    self%is_set_up = .true.
    self%communicator = block%communicator
    if (is_whole(block)) self%communicator = mpi_comm_self%mpi_val
    self%lower = [block%i_offset + 1, block%j_offset + 1]
    self%upper = [block%i_offset + block%nx, block%j_offset + block%ny]
    periods = merge([block%nx_global, block%ny_global], 0, &
      [block%periodic_x, block%periodic_y])
    call grid_create(self%communicator, n_dimensions, self%grid, ierr)
    call grid_set_extents(self%grid, self%lower, self%upper, ierr)
    call grid_set_periodic(self%grid, periods, ierr)
    call grid_assemble(self%grid, ierr)
    call stencil_create(n_dimensions, n_entries, self%stencil, ierr)
    do entry = 1, n_entries
      call stencil_set_element(self%stencil, entry - 1_c_int, offsets(:, entry), ierr)
    end do
    call matrix_create(self%communicator, self%grid, self%stencil, self%matrix, ierr)
    call matrix_set_symmetric(self%matrix, 1_c_int, ierr)
    call vector_create(self%communicator, self%grid, self%b, ierr)
    call vector_initialize(self%b, ierr)
    call vector_create(self%communicator, self%grid, self%z, ierr)
    call vector_initialize(self%z, ierr)
    allocate (self%values(n_entries, block%nx, block%ny), self%cells(block%nx, block%ny))
    call allocate_field(block, self%r)
  end subroutine setup

  !> Hand over the matrix.
  subroutine set_matrix(self, matrix)
    class(hypre_pfmg_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix

    integer(c_int) :: ierr
    integer :: i, j

    do j = 1, matrix%block%ny
      do i = 1, matrix%block%nx
        self%values(:, i, j) = [matrix%diagonal(i, j), -matrix%east(i, j), &
          -matrix%north(i, j)]
      end do
    end do
    call matrix_initialize(self%matrix, ierr)
    call matrix_set_box_values(self%matrix, self%lower, self%upper, n_entries, &
      [0_c_int, 1_c_int, 2_c_int], self%values, ierr)
    call matrix_assemble(self%matrix, ierr)
  end subroutine set_matrix

  !> Hand over `cells`.
  subroutine set_vector(self, vector)
    class(hypre_pfmg_t), intent(in) :: self
    integer(c_int64_t), intent(in) :: vector

    integer(c_int) :: ierr

    call vector_set_box_values(vector, self%lower, self%upper, self%cells, ierr)
    call vector_assemble(vector, ierr)
  end subroutine set_vector

  !> Take the solution back.
  subroutine get_solution(self, z)
    class(hypre_pfmg_t), intent(inout) :: self
    real(wp), intent(inout) :: z(:, :) !! set on the block [m]

    integer(c_int) :: ierr

    call vector_get_box_values(self%z, self%lower, self%upper, self%cells, ierr)
    z = real(self%cells, wp)
  end subroutine get_solution

  !> Iterate until the residual's norm is small enough, and count.
  subroutine run_hypre(self, target_norm, n_iterations)
    class(hypre_pfmg_t), intent(in) :: self
    real(c_double), intent(in) :: target_norm !! [m3]
    integer, intent(inout) :: n_iterations    !! added to

    integer(c_int), parameter :: red_black_symmetric = 2
    integer(c_int64_t) :: cycle, solver
    integer(c_int) :: ierr, n

    call pfmg_create(self%communicator, cycle, ierr)
    call pfmg_set_max_iter(cycle, 1_c_int, ierr)
    call pfmg_set_tol(cycle, 0.0_c_double, ierr)
    call pfmg_set_zero_guess(cycle, ierr)
    call pfmg_set_relax_type(cycle, red_black_symmetric, ierr)
    call pcg_create(self%communicator, solver, ierr)
    call pcg_set_max_iter(solver, int(self%max_iterations - n_iterations, c_int), ierr)
    call pcg_set_tol(solver, 0.0_c_double, ierr)
    call pcg_set_absolute_tol(solver, target_norm, ierr)
    call pcg_set_two_norm(solver, 1_c_int, ierr)
    call pcg_set_precond(solver, pfmg, cycle, ierr)
    call pcg_setup(solver, self%matrix, self%b, self%z, ierr)
    call pcg_solve(solver, self%matrix, self%b, self%z, ierr)
    call pcg_get_num_iterations(solver, n, ierr)
    n_iterations = n_iterations + n
    call pcg_destroy(solver, ierr)
    call pfmg_destroy(cycle, ierr)
  end subroutine run_hypre

  !> The largest residual, and the norm at which it would be small enough in this shape.
  subroutine measure(self, matrix, b, z, solution, is_finite, target_norm)
    class(hypre_pfmg_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix
    real(wp), intent(in), contiguous :: b(1 - lead:, 1 - halo:)
    real(wp), intent(in), contiguous :: z(1 - lead:, 1 - halo:)
    type(solution_t), intent(inout) :: solution
    logical, intent(out) :: is_finite
    real(c_double), intent(out), optional :: target_norm !! [m3]

    real(wp) :: largest, sums(1)
    integer :: j

    call matrix%residual(b, z, self%r)
    largest = 0.0_wp
    sums = 0.0_wp
    do j = 1, matrix%block%ny
      associate (row => self%r(1:matrix%block%nx, j))
        largest = max(largest, maxval(abs(row))/matrix%area(j))
        sums(1) = sums(1) + sum(row**2)
      end associate
    end do
    solution%residual = global_maximum(matrix%block, largest)
    sums = global_sum(matrix%block, sums)
    is_finite = sums(1) <= huge(sums)
    solution%has_converged = is_finite .and. solution%residual <= self%tolerance
    if (present(target_norm)) target_norm = sqrt(sums(1))*self%tolerance/solution%residual
  end subroutine measure

end module swe_hypre
