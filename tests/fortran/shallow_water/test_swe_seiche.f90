! SPDX-License-Identifier: MIT
!> A standing wave in a closed channel against the theory of the theta scheme.
!>
!> One mode zeta = cos(k x) of the linear equations without rotation and friction obeys
!> exactly, on the C grid, lambda = (1 +- i s (1 - theta))/(1 -+ i s theta) per step, with
!> s = 2*(c dt/dx)*sin(k dx/2).
program test_swe_seiche
  use basins, only: basin_t, build, gravity, linear_step, pi, run
  use swe_kinds, only: wp
  use swe_state, only: swe_state_t
  use swe_step, only: swe_model_t
  use testing, only: check_below, finish
  implicit none

  integer, parameter :: nx = 100, ny = 3
  real(wp), parameter :: dx = 1000.0_wp, depth = 20.0_wp
  real(wp), parameter :: tolerance = 1.0e-9_wp !! of the solver, grown over 4000 steps
  real(wp), parameter :: courants(4) = [0.5_wp, 2.0_wp, 5.0_wp, 10.0_wp]
  real(wp), parameter :: thetas(4) = [0.5_wp, 0.55_wp, 0.6_wp, 1.0_wp]
  integer :: k, l

  do k = 1, size(courants)
    do l = 1, size(thetas)
      call check_seiche(courants(k), thetas(l))
    end do
  end do
  call check_damping()
  call finish()

contains

  !> Ten periods of the first mode: amplitude and phase.
  subroutine check_seiche(courant, theta)
    real(wp), intent(in) :: courant, theta

    complex(wp) :: lambda
    real(wp) :: s
    integer :: n_steps

    n_steps = nint(10*2*nx/courant)
    s = 2*courant*sin(pi/(2*nx))
    lambda = cmplx(1.0_wp, s*(1 - theta), wp)/cmplx(1.0_wp, -s*theta, wp)
    call check_below(abs(amplitude_after(courant, theta, n_steps) - lambda**n_steps), &
      tolerance, "seiche after ten periods")
  end subroutine check_seiche

  !> For short steps a wave of frequency w loses 2*pi*(theta - 1/2)*w*dt of its amplitude
  !> per period.
  subroutine check_damping()
    real(wp), parameter :: courant = 0.5_wp, theta = 0.55_wp
    real(wp), parameter :: next_order = 0.01_wp !! of the loss, which is 0.005
    integer, parameter :: n_steps = 400 !! a period
    real(wp) :: loss, rule

    loss = 1.0_wp - abs(amplitude_after(courant, theta, n_steps))
    rule = 2*pi*(theta - 0.5_wp)*2*pi/n_steps
    call check_below(abs(loss/rule - 1.0_wp), next_order, "damping of a free wave")
  end subroutine check_damping

  !> Elevation and, as imaginary part, transport/celerity of the mode: 1 at the start.
  complex(wp) function amplitude_after(courant, theta, n_steps)
    real(wp), intent(in) :: courant, theta
    integer, intent(in) :: n_steps

    type(swe_model_t) :: model
    type(swe_state_t) :: state
    real(wp) :: celerity, mode(nx), slope(nx)
    integer :: i, j

    celerity = sqrt(gravity*depth)
    call build(basin_t(nx=nx, ny=ny, dx=dx, dy=dx, depth=depth), &
      linear_step(courant*dx/celerity, theta), model, state)
    mode = [(cos(pi*(i - 0.5_wp)/nx), i=1, nx)]
    slope = [(sin(pi*i/nx), i=1, nx)]
    do j = 1, ny
      state%zeta(1:nx, j) = mode
    end do
    call state%fill_halo(model%grid%block)
    call run(model, state, n_steps)
    amplitude_after = cmplx(2*sum(state%zeta(1:nx, 2)*mode)/nx, &
      2*sum(state%u(1:nx, 2)*slope)/nx/celerity, wp)
  end function amplitude_after

end program test_swe_seiche
