! SPDX-License-Identifier: MIT
!> A tide that swings with the sea before a channel, closed at one end, with linear drag r:
!>
!>     zeta = Re(cos(k x)/cos(k L) exp(-i w t)), k**2 = w (w + i r)/(g D)
!>
!> at the distance x from the closed end. H. Lamb (1932), Hydrodynamics, section 183, with
!> drag. F is first order in dt, so the error is.
program test_swe_cooscillation
  use basins, only: basin_t, build, gravity, is_full_run, linear_step, pi, report, run_tide
  use swe_grid, only: cell_elevation, cell_water
  use swe_kinds, only: wp
  use swe_parameters, only: swe_parameters_t
  use swe_state, only: swe_state_t
  use swe_step, only: swe_model_t
  use testing, only: check_below, finish, slope
  implicit none

  real(wp), parameter :: length = 300.0e3_wp, depth = 40.0_wp, drag = 2.0e-5_wp
  real(wp), parameter :: omega = 2*pi/44714.16_wp !! M2 [s-1]
  real(wp), parameter :: courant = 5.0_wp
  real(wp), parameter :: order_slack = 0.15_wp !! what these grids may miss
  integer, parameter :: ny = 2
  ! A prototype of the same scheme, written by another hand.
  real(wp), parameter :: thetas(3) = [0.5_wp, 0.6_wp, 1.0_wp]
  real(wp), parameter :: known_errors(3) = [0.0093_wp, 0.024_wp, 0.11_wp] !! 200 cells
  integer :: k

  do k = 1, size(thetas)
    call check_order(thetas(k), known_errors(k))
  end do
  call finish()

contains

  subroutine check_order(theta, known_error)
    real(wp), intent(in) :: theta, known_error

    integer, parameter :: cells(4) = [50, 100, 200, 400]
    character(len=24) :: series
    real(wp) :: errors(size(cells))
    integer :: l, n_sizes

    write (series, "(a, f4.2)") "cooscillation-theta=", theta
    n_sizes = merge(size(cells), 3, is_full_run())
    do l = 1, n_sizes
      errors(l) = error_of(cells(l), theta)
      call report(series, length/cells(l), errors(l))
    end do
    call check_below(errors(3), 1.1_wp*known_error, series//" 200 cells")
    call check_below(1.0_wp - slope(1.0_wp/cells(n_sizes - 1:n_sizes), &
      errors(n_sizes - 1:n_sizes)), order_slack, series//" converges with first order")
  end subroutine check_order

  !> RMS of the complex error over the channel, in units of the forcing.
  real(wp) function error_of(nx, theta)
    integer, intent(in) :: nx
    real(wp), intent(in) :: theta

    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_parameters_t) :: parameters
    complex(wp) :: exact(nx + 1, ny), k, found(nx + 1, ny)
    real(wp) :: dx
    integer :: cells(nx + 1, ny), i

    dx = length/nx
    cells = cell_water
    cells(nx + 1, :) = cell_elevation
    parameters = linear_step(2*pi/omega/nint(2*pi/omega*sqrt(gravity*depth) &
      /(courant*dx)), theta)
    parameters%linear_drag = drag
    call build(basin_t(nx=nx + 1, ny=ny, dx=dx, dy=dx, depth=depth, cells=cells), &
      parameters, model, state)
    k = sqrt(omega*cmplx(omega, drag, wp)/(gravity*depth))
    do i = 1, nx + 1
      exact(i, :) = cos(k*(i - 0.5_wp)*dx)/cos(k*(nx + 0.5_wp)*dx)
      state%zeta(i, 1:ny) = real(exact(i, :))
    end do
    found = run_tide(model, state, exact, omega, n_before=20, n_mean=1)
    error_of = sqrt(sum(abs(found - exact)**2)/size(exact))
  end function error_of

end program test_swe_cooscillation
