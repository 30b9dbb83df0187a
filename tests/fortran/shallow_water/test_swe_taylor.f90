! SPDX-License-Identifier: MIT
!> Taylor's problem: a Kelvin wave runs into a closed channel and out again, and makes
!> amphidromes.
!>
!> G. I. Taylor (1922), Tidal oscillations in gulfs and rectangular basins, Proc. London
!> Math. Soc. 20, 148-181. The exact solution is both Kelvin waves and Poincare modes that
!> fade from the closed end; their amplitudes follow from U = 0 there, at points.
program test_swe_taylor
  use basins, only: basin_t, build, gravity, is_full_run, linear_step, pi, report, run_tide
  use swe_grid, only: cell_elevation, cell_water
  use swe_kinds, only: wp
  use swe_state, only: swe_state_t
  use swe_step, only: swe_model_t
  use taylor_problem, only: taylor_problem_t
  use testing, only: check_below, finish, slope
  implicit none

  real(wp), parameter :: length = 1000.0e3_wp, width = 450.0e3_wp, depth = 74.0_wp
  real(wp), parameter :: omega = 2*pi/44714.16_wp !! M2 [s-1]
  real(wp), parameter :: f = 1.2e-4_wp
  real(wp), parameter :: courant = 0.5_wp
  real(wp), parameter :: order_slack = 0.1_wp !! what these grids may miss
  integer, parameter :: rows(4) = [9, 18, 36, 72]
  type(taylor_problem_t) :: theory
  real(wp) :: errors(size(rows))
  integer :: k, n_sizes

  call theory%setup(width, depth, f, omega, gravity)
  n_sizes = merge(4, 3, is_full_run())
  do k = 1, n_sizes
    errors(k) = error_of(rows(k))
    call report("taylor", width/rows(k), errors(k))
  end do
  call check_below(2.0_wp - slope(1.0_wp/rows(n_sizes - 1:n_sizes), &
    errors(n_sizes - 1:n_sizes)), order_slack, "converges with second order")
  call finish()

contains

  !> Relative error (L2) of the complex amplitude, started from the exact state.
  real(wp) function error_of(ny)
    integer, intent(in) :: ny

    type(swe_model_t) :: model
    type(swe_state_t) :: state
    complex(wp), allocatable :: exact(:, :), found(:, :)
    integer, allocatable :: cells(:, :)
    real(wp) :: dt, dx
    integer :: i, j, nx

    dx = width/ny
    nx = nint(length/dx)
    dt = 2*pi/omega/nint(2*pi/omega*sqrt(gravity*depth)/(courant*dx))
    allocate (cells(nx, ny), source=cell_water)
    cells(nx, :) = cell_elevation
    call build(basin_t(nx=nx, ny=ny, dx=dx, dy=dx, depth=depth, f=f, cells=cells), &
      linear_step(dt, theta=0.502_wp), model, state)
    allocate (exact(nx, ny), found(nx, ny))
    do j = 1, ny
      do i = 1, nx
        exact(i, j) = theory%zeta((i - 0.5_wp)*dx, (j - 0.5_wp)*dx)
        state%zeta(i, j) = real(exact(i, j))
        if (i < nx) state%u(i, j) = real(theory%u(i*dx, (j - 0.5_wp)*dx))*depth
        if (j < ny) state%v(i, j) = real(theory%v((i - 0.5_wp)*dx, j*dx))*depth
      end do
    end do
    found = run_tide(model, state, exact, omega, n_before=4, n_mean=8)
    error_of = sqrt(sum(abs(found - exact)**2)/sum(abs(exact)**2))
    if (ny == 36) call check_amphidromes(abs(found), abs(exact), dx)
    if (ny == 36 .and. is_full_run()) print "(*(a, 2(1x, f8.3), 4(1x, f10.6), :, /))", &
      (("taylor-chart", (i - 0.5_wp)*dx/1000, (j - 0.5_wp)*dx/1000, real(found(i, j)), &
      aimag(found(i, j)), real(exact(i, j)), aimag(exact(i, j)), i=1, nx), j=1, ny)
  end function error_of

  !> The two points without tide lie in the cells where theory has them.
  subroutine check_amphidromes(found, exact, dx)
    real(wp), intent(in) :: found(:, :), exact(:, :), dx

    integer :: middle, one(2), other(2)

    middle = size(found, 1)/2
    one = minloc(found(:middle, :))
    other = minloc(exact(:middle, :))
    print "(a, 2f8.1)", "amphidrome [km] ", (one - 0.5_wp)*dx/1000
    call check_below(maxval(abs(one - other))*1.0_wp, 1.0_wp, "amphidrome, cells away")
    one = minloc(found(middle + 1:, :))
    other = minloc(exact(middle + 1:, :))
    print "(a, 2f8.1)", "amphidrome [km] ", (one + [middle, 0] - 0.5_wp)*dx/1000
    call check_below(maxval(abs(one - other))*1.0_wp, 1.0_wp, "the other, cells away")
  end subroutine check_amphidromes

end program test_swe_taylor
