! SPDX-License-Identifier: MIT
!> Every solver of the five-point system: the tolerance is reached on grids with land, odd
!> sizes and prescribed cells, the iterations are few, bits do not depend on threads, and
!> what cannot be solved is not called solved.
program test_swe_solvers
  use, intrinsic :: ieee_arithmetic, only: ieee_quiet_nan, ieee_value
  use elliptic_cases, only: make_case, wavy_depth
  !$ use omp_lib, only: omp_get_max_threads, omp_set_num_threads
  use swe_blocks, only: block_t, halo, lead, whole_grid
  use swe_five_point, only: five_point_solver_t, five_point_t, solution_t
  use swe_kinds, only: wp
  use swe_multigrid, only: multigrid_t
  use swe_over_relaxation, only: over_relaxation_t
  use swe_solvers, only: make_solver
  use testing, only: check, check_below, fill_random, finish
  implicit none

  character(len=16), parameter :: names(4) = [character(len=16) :: "sor", "cg", &
    "cg_incomplete", "cg_multigrid"]
  real(wp), parameter :: tolerance = 1.0e-8_wp !! of the solvers [m]
  real(wp), parameter :: rounding = 1.0e-13_wp
    !! of sums of some thousand terms; times the largest term's digits lost in residuals
  integer :: k

  call matrix_is_symmetric(whole_grid(37, 23), wavy_depth(37, 23))
  call preconditioner_is_symmetric(whole_grid(37, 23), 0)
  call preconditioner_is_symmetric(whole_grid(37, 23), 1)
  call preconditioner_is_symmetric(whole_grid(40, 24, periodic_x=.true.), 0)
  call preconditioner_is_symmetric(whole_grid(41, 25, .true., .true.), 0)
  do k = 1, size(names)
    call solver_serves_grids(names(k), 9.0_wp)
    call degenerate_grids(names(k))
    call not_a_number_is_not_solved(names(k))
    call too_few_iterations_are_reported(names(k))
  end do
  call solver_serves_grids("cg_multigrid", 2.0_wp) ! by the semi-iteration
  call solvers_agree()
  call radius_is_that_of_theory()
  call published_iterations()
  call semi_iteration_keeps_its_bound()
  call bad_arguments()
  call finish()

contains

  !> x.(A y) = y.(A x), and exactly: the couplings are stored once.
  subroutine matrix_is_symmetric(block, depth)
    type(block_t), intent(in) :: block
    real(wp), intent(in) :: depth(:, :)

    type(five_point_t) :: matrix
    real(wp), allocatable :: b(:, :), x(:, :), y(:, :), ax(:, :), ay(:, :)

    call make_case(block, 7.0_wp, depth, matrix, b, x)
    allocate (y, ax, ay, source=x)
    call random_pair(block, x, y)
    b = 0.0_wp
    call matrix%residual(b, x, ax)
    call matrix%residual(b, y, ay)
    call check_below(asymmetry(block, x, y, ax, ay), rounding, "matrix is symmetric")
  end subroutine matrix_is_symmetric

  !> The same of the multigrid cycle, which is positive definite too.
  subroutine preconditioner_is_symmetric(block, n_levels)
    type(block_t), intent(in) :: block
    integer, intent(in) :: n_levels !! 0: of its own choice

    type(five_point_t) :: matrix
    type(multigrid_t) :: cycle
    real(wp), allocatable :: b(:, :), x(:, :), y(:, :), mx(:, :), my(:, :)
    real(wp) :: products(block%ny)

    call make_case(block, 7.0_wp, wavy_depth(block%nx, block%ny), matrix, b, x)
    allocate (y, mx, my, source=x)
    call random_pair(block, x, y)
    cycle%n_levels = n_levels
    call cycle%prepare(matrix)
    call cycle%apply(matrix, x, mx, products)
    call check(sum(products) > 0.0_wp, "cycle is positive")
    call cycle%apply(matrix, y, my, products)
    call check_below(asymmetry(block, x, y, mx, my), rounding, "cycle is symmetric")
  end subroutine preconditioner_is_symmetric

  !> Random fields, zero in the halo.
  subroutine random_pair(block, x, y)
    type(block_t), intent(in) :: block
    real(wp), intent(inout), dimension(1 - lead:, 1 - halo:) :: x, y

    x = 0.0_wp
    y = 0.0_wp
    call fill_random(x(1:block%nx, 1:block%ny), 1.0_wp)
    call fill_random(y(1:block%nx, 1:block%ny), 1.0_wp)
  end subroutine random_pair

  !> |x.My - y.Mx| relative to the terms of the sums.
  real(wp) function asymmetry(block, x, y, mx, my)
    type(block_t), intent(in) :: block
    real(wp), intent(in), dimension(1 - lead:, 1 - halo:) :: x, y, mx, my

    associate (nx => block%nx, ny => block%ny)
      asymmetry = abs(sum(x(1:nx, 1:ny)*my(1:nx, 1:ny)) &
        - sum(y(1:nx, 1:ny)*mx(1:nx, 1:ny)))/sum(abs(x(1:nx, 1:ny)*my(1:nx, 1:ny)))
    end associate
  end function asymmetry

  !> Even, odd, narrow and periodic grids, one to five threads.
  subroutine solver_serves_grids(name, courant)
    character(len=*), intent(in) :: name
    real(wp), intent(in) :: courant

    call solver_reaches_tolerance(name, courant, whole_grid(64, 64))
    call solver_reaches_tolerance(name, courant, whole_grid(101, 67))
    call solver_reaches_tolerance(name, courant, whole_grid(1, 50))
    call solver_reaches_tolerance(name, courant, whole_grid(50, 3))
    call solver_reaches_tolerance(name, courant, whole_grid(64, 40, .true., .false.))
    call solver_reaches_tolerance(name, courant, whole_grid(48, 40, .true., .true.))
    call solver_reaches_tolerance(name, courant, whole_grid(41, 25, .true., .true.))
    call bits_do_not_depend_on_threads(name, 0.5_wp*courant)
  end subroutine solver_serves_grids

  !> Land, islands and some cells of prescribed elevation: the residual that is left, as the
  !> matrix finds it, is what the solver says, and below the tolerance.
  subroutine solver_reaches_tolerance(name, courant, block)
    character(len=*), intent(in) :: name
    real(wp), intent(in) :: courant
    type(block_t), intent(in) :: block

    class(five_point_solver_t), allocatable :: solver
    type(five_point_t) :: matrix
    type(solution_t) :: solution
    real(wp), allocatable :: b(:, :), z(:, :), r(:, :)
    real(wp) :: left

    call make_case(block, courant, wavy_depth(block%nx, block%ny), matrix, b, z)
    call prescribe(matrix, b, block%nx, (block%ny + 1)/2, 0.7_wp)
    call make_solver(solver, trim(name), tolerance)
    call solver%solve(matrix, b, z, solution)
    allocate (r, source=b)
    call matrix%residual(b, z, r)
    left = maxval(abs(r(1:block%nx, 1:block%ny)))/matrix%area(1)
    call check(solution%has_converged, trim(name)//" converges")
    call check_below(left, 1.001_wp*tolerance, trim(name)//" reaches its tolerance")
    call check_below(abs(left - solution%residual), 1.0e-3_wp*tolerance, &
      trim(name)//" knows its residual")
    call check_below(abs(z(block%nx, (block%ny + 1)/2) - 0.7_wp), tolerance, &
      trim(name)//" keeps a prescribed elevation")
  end subroutine solver_reaches_tolerance

  !> A cell whose elevation is known: an identity row, its couplings in its neighbours' b.
  subroutine prescribe(matrix, b, i, j, elevation)
    type(five_point_t), intent(inout) :: matrix
    real(wp), intent(inout) :: b(1 - lead:, 1 - halo:)
    integer, intent(in) :: i, j
    real(wp), intent(in) :: elevation !! [m]

    b(i - 1, j) = b(i - 1, j) + matrix%east(i - 1, j)*elevation
    if (i < matrix%block%nx) b(i + 1, j) = b(i + 1, j) + matrix%east(i, j)*elevation
    b(i, j - 1) = b(i, j - 1) + matrix%north(i, j - 1)*elevation
    b(i, j + 1) = b(i, j + 1) + matrix%north(i, j)*elevation
    if (i == matrix%block%nx .and. matrix%block%periodic_x) then
      b(1, j) = b(1, j) + matrix%east(i, j)*elevation
      matrix%east(0, j) = 0.0_wp
    end if
    matrix%east(i - 1:i, j) = 0.0_wp
    matrix%north(i, j - 1:j) = 0.0_wp
    matrix%diagonal(i, j) = matrix%area(j)
    b(i, j) = matrix%area(j)*elevation
  end subroutine prescribe

  !> A grid that is large enough to be shared: one to five threads give the same bits.
  subroutine bits_do_not_depend_on_threads(name, courant)
    character(len=*), intent(in) :: name
    real(wp), intent(in) :: courant

    class(five_point_solver_t), allocatable :: solver
    type(five_point_t) :: matrix
    type(solution_t) :: solution
    real(wp), allocatable :: b(:, :), first(:, :), z(:, :), guess(:, :)
    integer :: n, n_before

    call make_case(whole_grid(251, 187), courant, wavy_depth(251, 187), matrix, b, guess)
    call make_solver(solver, trim(name), tolerance)
    n_before = 1
    !$ n_before = omp_get_max_threads()
    do n = 1, 5
      z = guess
      !$ call omp_set_num_threads(n)
      call solver%solve(matrix, b, z, solution)
      if (n == 1) first = z
      call check(all(abs(z - first) <= 0.0_wp), trim(name)//": threads change no bit")
    end do
    !$ call omp_set_num_threads(n_before)
  end subroutine bits_do_not_depend_on_threads

  !> All land, a single wet cell, one cell at all: the rows stand for themselves.
  subroutine degenerate_grids(name)
    character(len=*), intent(in) :: name

    real(wp) :: depth(9, 7)

    depth = 0.0_wp
    call rows_alone(name, depth)
    depth(4, 3) = 1.0_wp
    call rows_alone(name, depth)
    call rows_alone(name, reshape([1.0_wp], [1, 1]))
  end subroutine degenerate_grids

  !> Without couplings z = b/area.
  subroutine rows_alone(name, depth)
    character(len=*), intent(in) :: name
    real(wp), intent(in) :: depth(:, :)

    class(five_point_solver_t), allocatable :: solver
    type(five_point_t) :: matrix
    type(solution_t) :: solution
    real(wp), allocatable :: b(:, :), z(:, :)

    call make_case(whole_grid(size(depth, 1), size(depth, 2)), 20.0_wp, depth, matrix, b, z)
    call make_solver(solver, trim(name), tolerance)
    z = 0.3_wp
    call solver%solve(matrix, b, z, solution)
    call check(solution%has_converged, trim(name)//" solves rows without couplings")
    b = z - b/matrix%area(1)
    call check_below(maxval(abs(b(1:size(depth, 1), 1:size(depth, 2)))), tolerance, &
      trim(name)//": rows without couplings")
  end subroutine rows_alone

  !> A NaN in the right-hand side, the matrix or the first guess ends the iteration at once,
  !> without success; unless it is in a guess that is not used, and the solution is one.
  subroutine not_a_number_is_not_solved(name)
    character(len=*), intent(in) :: name

    class(five_point_solver_t), allocatable :: solver
    type(five_point_t) :: matrix
    type(solution_t) :: solution
    real(wp), allocatable :: b(:, :), z(:, :)
    real(wp) :: nan
    integer :: place

    nan = ieee_value(1.0_wp, ieee_quiet_nan)
    call make_solver(solver, trim(name), tolerance)
    do place = 1, 4
      call make_case(whole_grid(20, 20), 5.0_wp, wavy_depth(20, 20), matrix, b, z)
      select case (place)
      case (1)
        b(13, 11) = nan
      case (2)
        z(12, 12) = nan
      case (3)
        matrix%diagonal(11, 12) = nan
      case default
        matrix%east(11, 12) = nan
      end select
      call solver%solve(matrix, b, z, solution)
      call check(.not. solution%has_converged .or. all(abs(z(1:20, 1:20)) < 100.0_wp), &
        trim(name)//" does not solve NaN")
      call check(solution%n_iterations <= 10, trim(name)//" notices NaN at once")
    end do
    call make_case(whole_grid(20, 20), 5.0_wp, wavy_depth(20, 20), matrix, b, z)
    call solver%solve(matrix, b, z, solution)
    call check(solution%has_converged, trim(name)//" recovers from NaN")
  end subroutine not_a_number_is_not_solved

  !> A limit of iterations that does not suffice.
  subroutine too_few_iterations_are_reported(name)
    character(len=*), intent(in) :: name

    class(five_point_solver_t), allocatable :: solver
    type(five_point_t) :: matrix
    type(solution_t) :: solution
    real(wp), allocatable :: b(:, :), z(:, :)

    call make_case(whole_grid(64, 64), 20.0_wp, wavy_depth(64, 64), matrix, b, z)
    call make_solver(solver, trim(name), tolerance)
    solver%max_iterations = 2
    call solver%solve(matrix, b, z, solution)
    call check(.not. solution%has_converged, trim(name)//" says that it did not converge")
    call check(solution%residual > tolerance, trim(name)//" says how far it is")
  end subroutine too_few_iterations_are_reported

  !> The residual bounds the error: rows exceed their off-diagonal sums by the area.
  subroutine solvers_agree()
    class(five_point_solver_t), allocatable :: solver
    type(five_point_t) :: matrix
    type(solution_t) :: solution
    real(wp), allocatable :: b(:, :), guess(:, :), first(:, :), z(:, :)
    integer :: l

    call make_case(whole_grid(83, 61), 15.0_wp, wavy_depth(83, 61), matrix, b, guess)
    do l = 1, size(names)
      z = guess
      call make_solver(solver, trim(names(l)), tolerance)
      call solver%solve(matrix, b, z, solution)
      if (l == 1) first = z
      call check_below(maxval(abs(z - first)), 2.0_wp*tolerance, trim(names(l))//" agrees")
    end do
  end subroutine solvers_agree

  !> On a flat bottom rho = 4a/(1 + 4a), a = (theta*c)**2, but for the rim.
  subroutine radius_is_that_of_theory()
    real(wp), parameter :: courants(4) = [5.0_wp, 10.0_wp, 20.0_wp, 40.0_wp]
    type(over_relaxation_t) :: solver
    type(five_point_t) :: matrix
    type(solution_t) :: solution
    real(wp), allocatable :: b(:, :), z(:, :), depth(:, :)
    real(wp) :: a
    integer :: l

    allocate (depth(100, 100), source=1.0_wp)
    do l = 1, size(courants)
      call make_case(whole_grid(100, 100), courants(l), depth, matrix, b, z)
      solver = over_relaxation_t(max_iterations=0)
      call solver%solve(matrix, b, z, solution)
      a = (0.5_wp*courants(l))**2
      call check_below(abs(solver%spectral_radius - 4*a/(1 + 4*a)), 0.02_wp/(1 + 4*a), &
        "sor: spectral radius of a flat bottom")
    end do
  end subroutine radius_is_that_of_theory

  !> On flat depth an independent prototype, and hypre's conjugate gradients, reduced the
  !> mean square residual to a millionth in so many iterations, on 1000 x 1000 cells. They
  !> hardly depend on the size: here it is 250 x 250. The initial residual is alike but not
  !> the same, therefore a tenth more is granted, and one.
  subroutine published_iterations()
    call check_reduction("cg", 5.0_wp, 41)
    call check_reduction("cg", 20.0_wp, 154)
    call check_reduction("cg_incomplete", 5.0_wp, 8)
    call check_reduction("cg_incomplete", 20.0_wp, 22)
    call check_reduction("sor", 5.0_wp, 30)
    call check_reduction("sor", 20.0_wp, 110)
    call check_reduction("cg_multigrid", 5.0_wp, 6)
    call check_reduction("cg_multigrid", 20.0_wp, 6)
  end subroutine published_iterations

  !> Up to c = 4 the default is Chebyshev's semi-iteration: n iterations leave at most
  !> 1/T_n((2 - rho**2)/rho**2) of the residual, rho = 4a/(1 + 4a), a = (theta*c)**2. The
  !> bound is of another norm, rows at the rim have another diagonal: a little is granted.
  subroutine semi_iteration_keeps_its_bound()
    real(wp), parameter :: courants(4) = [0.4_wp, 1.0_wp, 2.0_wp, 3.9_wp]
    real(wp) :: rho
    integer :: l

    do l = 1, size(courants)
      rho = courants(l)**2/(1.0_wp + courants(l)**2)
      call check_reduction("cg_multigrid", courants(l), ceiling(acosh(1.0e6_wp) &
        /acosh((2.0_wp - rho**2)/rho**2)))
    end do
  end subroutine semi_iteration_keeps_its_bound

  !> What remains of the mean square residual after so many iterations.
  subroutine check_reduction(name, courant, n_iterations)
    character(len=*), intent(in) :: name
    real(wp), intent(in) :: courant
    integer, intent(in) :: n_iterations

    integer, parameter :: n = 250
    class(five_point_solver_t), allocatable :: solver
    type(five_point_t) :: matrix
    type(solution_t) :: solution
    real(wp), allocatable :: b(:, :), z(:, :), r(:, :), depth(:, :)
    real(wp) :: before

    allocate (depth(n, n), source=1.0_wp)
    call make_case(whole_grid(n, n), courant, depth, matrix, b, z)
    allocate (r, source=b)
    call matrix%residual(b, z, r)
    before = norm2(r(1:n, 1:n))
    call make_solver(solver, name, tiny(1.0_wp))
    solver%max_iterations = n_iterations + n_iterations/10 + 1
    call solver%solve(matrix, b, z, solution)
    call matrix%residual(b, z, r)
    call check_below(norm2(r(1:n, 1:n))/before, 1.0e-6_wp, name//": published iterations")
  end subroutine check_reduction

  !> What the factory refuses, and says.
  subroutine bad_arguments()
    class(five_point_solver_t), allocatable :: solver
    character(len=200) :: errmsg
    integer :: stat

    call make_solver(solver, "magic", 1.0e-5_wp, stat, errmsg)
    call check(stat /= 0 .and. index(errmsg, "'magic'") > 0, "an unknown name is refused")
    call make_solver(solver, "hypre_pfmg", 1.0e-5_wp, stat, errmsg)
    call check(stat /= 0 .and. index(errmsg, "libhypre") > 0, "hypre: how to get it")
    call make_solver(solver, "cg", 0.0_wp, stat, errmsg)
    call check(stat /= 0 .and. index(errmsg, "'tolerance'") > 0, "tolerance 0 is refused")
    call make_solver(solver, "cg", ieee_value(1.0_wp, ieee_quiet_nan), stat, errmsg)
    call check(stat /= 0 .and. index(errmsg, "'tolerance'") > 0, "tolerance NaN is refused")
  end subroutine bad_arguments

end program test_swe_solvers
