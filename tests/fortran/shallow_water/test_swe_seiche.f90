! SPDX-License-Identifier: MIT
!> A standing wave in a closed channel against the theory of the theta scheme.
!>
!> One mode zeta = cos(k x) of the linear equations without rotation and friction obeys
!> exactly, on the C grid, lambda = (1 +- i s (1 - theta))/(1 -+ i s theta) per step, with
!> s = 2*(c dt/dx)*sin(k dx/2).
program test_swe_seiche
  use swe_blocks, only: whole_grid
  use swe_conjugate_gradients, only: conjugate_gradients_t
  use swe_grid, only: cell_water
  use swe_kinds, only: wp
  use swe_parameters, only: drag_none, face_linear, swe_parameters_t
  use swe_state, only: swe_forcing_t, swe_state_t
  use swe_step, only: swe_model_t
  use testing, only: check_below, finish
  implicit none

  integer, parameter :: nx = 100, ny = 3
  real(wp), parameter :: dx = 1000.0_wp, depth = 20.0_wp, gravity = 9.81_wp
  real(wp), parameter :: pi = acos(-1.0_wp)
  real(wp), parameter :: tolerance = 1.0e-9_wp !! of the solver, grown over 4000 steps
  real(wp), parameter :: courants(4) = [0.5_wp, 2.0_wp, 5.0_wp, 10.0_wp]
  real(wp), parameter :: thetas(4) = [0.5_wp, 0.55_wp, 0.6_wp, 1.0_wp]
  integer :: k, l

  do k = 1, size(courants)
    do l = 1, size(thetas)
      call check_seiche(courants(k), thetas(l))
    end do
  end do
  call finish()

contains

  !> Ten periods of the first mode: amplitude and phase.
  subroutine check_seiche(courant, theta)
    real(wp), intent(in) :: courant, theta

    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_forcing_t) :: forcing
    complex(wp) :: amplitude, expected, lambda
    real(wp) :: mode(nx), s, celerity, slope(nx)
    integer :: i, j, n, n_steps

    call build(model, state, courant, theta)
    mode = [(cos(pi*(i - 0.5_wp)/nx), i=1, nx)]
    do j = 1, ny
      state%zeta(1:nx, j) = mode
    end do
    call state%fill_halo(model%grid%block)
    celerity = sqrt(gravity*depth)
    n_steps = nint(10*2*nx/courant)
    do n = 1, n_steps
      call model%step(state, forcing)
    end do
    s = 2*courant*sin(pi/(2*nx))
    lambda = cmplx(1.0_wp, s*(1 - theta), wp)/cmplx(1.0_wp, -s*theta, wp)
    expected = lambda**n_steps
    slope = [(sin(pi*i/nx), i=1, nx)]
    amplitude = cmplx(2*sum(state%zeta(1:nx, 2)*mode)/nx, &
      2*sum(state%u(1:nx, 2)*slope)/nx/celerity, wp)
    call check_below(abs(amplitude - expected), tolerance, "seiche after ten periods")
  end subroutine check_seiche

  subroutine build(model, state, courant, theta)
    type(swe_model_t), intent(out) :: model
    type(swe_state_t), intent(out) :: state
    real(wp), intent(in) :: courant, theta

    integer :: cell(nx, ny)
    real(wp) :: rows(-1:ny + 2), zeros(-1:ny + 2), d(nx, ny)

    cell = cell_water
    d = depth
    rows = dx
    zeros = 0.0_wp
    call model%grid%setup(whole_grid(nx, ny), cell, d, rows, rows, dx, zeros, zeros)
    model%parameters = swe_parameters_t(dt=courant*dx/sqrt(gravity*depth), theta=theta, &
      gravity=gravity, face_depth=face_linear, drag=drag_none)
    allocate (conjugate_gradients_t :: model%solver)
    model%solver%tolerance = 1.0e-10_wp
    call model%setup()
    call state%setup(model%grid%block)
  end subroutine build

end program test_swe_seiche
