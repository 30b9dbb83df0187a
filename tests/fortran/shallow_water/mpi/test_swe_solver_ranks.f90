! SPDX-License-Identifier: MIT
!> Solvers on any number of ranks against the same system on one: to the tolerance, and to
!> the last bit where sums are reproducible.
program test_swe_solver_ranks
  use elliptic_cases, only: make_case, wavy_depth
  use swe_blocks, only: block_t, ranks_t, whole_grid
  use swe_decomposition, only: decompose
  use swe_five_point, only: five_point_solver_t, five_point_t, solution_t
  use swe_hypre, only: has_hypre
  use swe_kinds, only: wp
  use swe_ranks, only: end_ranks, start_ranks
  use swe_solvers, only: make_solver
  use testing, only: check, check_below, finish
  implicit none

  character(len=16), parameter :: names(5) = [character(len=16) :: "sor", "cg", &
    "cg_incomplete", "cg_multigrid", "hypre_pfmg"]
  real(wp), parameter :: tolerance = 1.0e-8_wp !! of the solvers [m]
  type(ranks_t) :: ranks
  real(wp) :: courant = 15.0_wp
  integer :: k

  call start_ranks(ranks)
  do k = 1, size(names)
    if (names(k) == "hypre_pfmg" .and. .not. has_hypre) cycle
    call same_solution(trim(names(k)), 130, 70, .false., .false., .false.)
    call same_solution(trim(names(k)), 67, 131, .false., .false., .false.)
    call same_solution(trim(names(k)), 128, 96, .true., .false., .false.)
    call same_solution(trim(names(k)), 64, 64, .true., .true., .false.)
    ! Incomplete factors know where blocks end; hypre's sums are its own.
    if (names(k) == "cg_incomplete" .or. names(k) == "hypre_pfmg") cycle
    call same_solution(trim(names(k)), 130, 70, .false., .false., .true.)
    call same_solution(trim(names(k)), 71, 131, .false., .false., .true.)
    call same_solution(trim(names(k)), 128, 96, .true., .true., .true.)
  end do
  if (has_hypre) call hypre_agrees()
  courant = 2.0_wp ! by the semi-iteration, whose only sum is a largest value
  call same_solution("cg_multigrid", 130, 70, .false., .false., .false.)
  call same_solution("cg_multigrid", 71, 131, .false., .false., .true.)
  call same_solution("cg_multigrid", 128, 96, .true., .true., .true.)
  call end_ranks(ranks)
  call finish()

contains

  !> This rank's cells of the solution, from its block and from the whole grid.
  subroutine same_solution(name, nx, ny, periodic_x, periodic_y, is_reproducible)
    character(len=*), intent(in) :: name
    integer, intent(in) :: nx, ny
    logical, intent(in) :: periodic_x, periodic_y, is_reproducible

    type(block_t) :: block, whole
    type(solution_t) :: solution, solution_whole
    real(wp), allocatable :: z(:, :), z_whole(:, :)
    real(wp) :: difference

    whole = whole_grid(nx, ny, periodic_x, periodic_y)
    whole%is_reproducible = is_reproducible
    call solved(name, whole, whole, z_whole, solution_whole)
    call decompose(ranks, nx, ny, periodic_x, periodic_y, block, is_reproducible)
    call solved(name, block, whole, z, solution)
    associate (i => block%i_offset, j => block%j_offset)
      difference = maxval(abs(z(0:block%nx + 1, 0:block%ny + 1) &
        - z_whole(i:i + block%nx + 1, j:j + block%ny + 1)))
    end associate
    call check(solution%has_converged, name//" converges on ranks")
    if (is_reproducible) then
      call check_below(difference, 0.0_wp, name//": the same bits on any number of ranks")
      call check(solution%n_iterations == solution_whole%n_iterations, &
        name//": as many iterations on any number of ranks")
    else
      call check_below(difference, 2.0_wp*tolerance, name//": the same solution on ranks")
    end if
  end subroutine same_solution

  !> An engine that nobody here wrote finds the same solution, in as few iterations.
  subroutine hypre_agrees()
    type(block_t) :: block, whole
    type(solution_t) :: of_hypre, ours
    real(wp), allocatable :: z(:, :), z_hypre(:, :)

    whole = whole_grid(131, 97)
    call decompose(ranks, 131, 97, .false., .false., block)
    call solved("hypre_pfmg", block, whole, z_hypre, of_hypre)
    call solved("cg_multigrid", block, whole, z, ours)
    print "(a, 2i4)", "iterations of hypre_pfmg and cg_multigrid:", of_hypre%n_iterations, &
      ours%n_iterations
    call check_below(maxval(abs(z - z_hypre)), 2.0_wp*tolerance, "hypre agrees")
    call check(ours%n_iterations <= of_hypre%n_iterations + 3, "hypre needs as many")
  end subroutine hypre_agrees

  !> Solve on a block, with the depth of the whole grid.
  subroutine solved(name, block, whole, z, solution)
    character(len=*), intent(in) :: name
    type(block_t), intent(in) :: block, whole
    real(wp), allocatable, intent(out) :: z(:, :)
    type(solution_t), intent(out) :: solution

    class(five_point_solver_t), allocatable :: solver
    type(five_point_t) :: matrix
    real(wp), allocatable :: b(:, :), depth(:, :)

    depth = wavy_depth(whole%nx, whole%ny)
    associate (i => block%i_offset, j => block%j_offset)
      call make_case(block, courant, depth(i + 1:i + block%nx, j + 1:j + block%ny), &
        matrix, b, z)
    end associate
    call make_solver(solver, name, tolerance)
    call solver%solve(matrix, b, z, solution)
  end subroutine solved

end program test_swe_solver_ranks
