! SPDX-License-Identifier: MIT
!> A Kelvin wave once around a periodic channel, against the exact wave
!>
!>     zeta = exp(-f y/c) cos(k (x - c t)), U = c zeta, V = 0, c = sqrt(g D).
!>
!> W. Thomson (1879), Proc. R. Soc. Edinburgh 10, 92-100.
program test_swe_kelvin
  use basins, only: basin_t, build, gravity, is_full_run, linear_step, pi, report, run
  use swe_kinds, only: wp
  use swe_state, only: swe_state_t
  use swe_step, only: swe_model_t
  use testing, only: check_below, finish, slope
  implicit none

  real(wp), parameter :: length = 800.0e3_wp, width = 200.0e3_wp !! [m]
  real(wp), parameter :: depth = 50.0_wp, f = 1.2e-4_wp
  real(wp), parameter :: order_slack = 0.1_wp !! what these grids may miss
  ! At 40 x 10 cells; a prototype of the same scheme, written by another hand.
  real(wp), parameter :: courants(2) = [0.5_wp, 5.0_wp]
  real(wp), parameter :: coarse_errors(2) = [9.7e-3_wp, 0.32_wp]
  integer :: k

  do k = 1, size(courants)
    call check_order(courants(k), coarse_errors(k))
  end do
  call finish()

contains

  !> Second order in cell and time step together.
  subroutine check_order(courant, coarse_error)
    real(wp), intent(in) :: courant, coarse_error

    integer, parameter :: rows(4) = [10, 20, 40, 80]
    character(len=12) :: series
    real(wp) :: errors(size(rows))
    integer :: l, n_sizes

    write (series, "(a, f3.1)") "kelvin-c=", courant
    n_sizes = merge(size(rows), 3, is_full_run())
    do l = 1, n_sizes
      errors(l) = error_of(rows(l), courant)
      call report(series, width/rows(l), errors(l))
    end do
    call check_below(errors(1), 1.05_wp*coarse_error, series//" 40 x 10 cells")
    call check_below(2.0_wp - slope(1.0_wp/rows(n_sizes - 1:n_sizes), &
      errors(n_sizes - 1:n_sizes)), order_slack, series//" converges with second order")
  end subroutine check_order

  !> Relative error (L2) of the elevation after one period.
  real(wp) function error_of(n_rows, courant)
    integer, intent(in) :: n_rows
    real(wp), intent(in) :: courant

    type(swe_model_t) :: model
    type(swe_state_t) :: state
    real(wp), allocatable :: exact(:, :)
    real(wp) :: celerity, dx, y
    integer :: i, j, nx

    nx = 4*n_rows
    dx = width/n_rows
    celerity = sqrt(gravity*depth)
    call build(basin_t(nx=nx, ny=n_rows, dx=dx, dy=dx, depth=depth, f=f, &
      periodic_x=.true.), linear_step(courant*dx/celerity, theta=0.5_wp), model, state)
    do j = 1, n_rows
      y = (j - 0.5_wp)*dx
      do i = 1, nx
        state%zeta(i, j) = exp(-f*y/celerity)*cos(2*pi*(i - 0.5_wp)*dx/length)
        state%u(i, j) = celerity*exp(-f*y/celerity)*cos(2*pi*i*dx/length)
      end do
    end do
    call state%fill_halo(model%grid%block)
    allocate (exact(nx, n_rows), source=state%zeta(1:nx, 1:n_rows))
    call run(model, state, nint(length/(courant*dx)))
    error_of = norm2(state%zeta(1:nx, 1:n_rows) - exact)/norm2(exact)
  end function error_of

end program test_swe_kelvin
