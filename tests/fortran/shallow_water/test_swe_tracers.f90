! SPDX-License-Identifier: MIT
!> Tracers: a constant stays, mass stays, nothing falls below zero, also where cells dry;
!> the order of the transport; the slot for reactions.
module swe_decay
  use failures, only: err_argument, fail, succeed
  use swe_kinds, only: wp
  use swe_reactions, only: reaction_t
  implicit none
  private
  public :: decay_t

  !> The first tracer turns into the second.
  type, extends(reaction_t) :: decay_t
    real(wp) :: rate = 0.0_wp !! [s-1]
  contains
    procedure :: react
  end type decay_t

contains

  subroutine react(self, c, water, dt, stat, errmsg)
    class(decay_t), intent(inout) :: self
    real(wp), intent(inout) :: c(:, :, :)
    real(wp), intent(in) :: water(:, :), dt
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    if (self%rate < 0.0_wp) then
      call fail(err_argument, "decay: 'rate' is negative", stat, errmsg)
      return
    end if
    where (water > 0.0_wp)
      c(:, :, 2) = c(:, :, 2) + c(:, :, 1)*(1.0_wp - exp(-self%rate*dt))
      c(:, :, 1) = c(:, :, 1)*exp(-self%rate*dt)
    end where
    call succeed(stat)
  end subroutine react

end module swe_decay

program test_swe_tracers
  use basins, only: basin_t, build, pi
  use swe_decay, only: decay_t
  use swe_kinds, only: wp
  use swe_parameters, only: advection_upwind, drag_none, face_upwind, swe_parameters_t, &
    wetting_newton
  use swe_state, only: swe_forcing_t, swe_state_t
  use swe_step, only: swe_model_t
  use swe_tracers, only: swe_tracers_t, tracers_limited, tracers_upwind
  use testing, only: check, check_below, finish, slope
  implicit none

  real(wp), parameter :: rounding = 1.0e-12_wp !! of some hundred steps, relative
  integer :: stat

  call check_drying(tracers_upwind)
  call check_drying(tracers_limited)
  call check_order(tracers_upwind, 0.6_wp) ! so smeared at these sizes; 1 in the limit
  call check_order(tracers_limited, 1.7_wp)
  call check_long_steps()
  call check_reaction()
  call check_call_order()
  call finish()

contains

  !> Water sloshes over a beach.
  subroutine check_drying(order)
    integer, intent(in) :: order

    integer, parameter :: nx = 60, ny = 20, n_steps = 300
    real(wp), parameter :: constant = 7.5_wp

    type(basin_t) :: basin
    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_forcing_t) :: forcing
    type(swe_tracers_t) :: tracers
    real(wp) :: change, mass, off, range(2)
    integer :: i, j, n, n_dry(2)
    logical :: is_wet(nx, ny)

    basin = basin_t(nx=nx, ny=ny, dx=10.0_wp, dy=10.0_wp)
    allocate (basin%depths(nx, ny))
    do j = 1, ny
      do i = 1, nx
        basin%depths(i, j) = 2 - 3.0_wp*i/nx + 0.3_wp*sin(0.7_wp*j)*sin(0.2_wp*i)
      end do
    end do
    call build(basin, swe_parameters_t(dt=2.0_wp, theta=0.55_wp, drag=drag_none, &
      face_depth=face_upwind, advection=advection_upwind, thin_depth=0.02_wp, &
      wetting=wetting_newton), model, state)
    do i = 1, nx
      state%zeta(i, 1:ny) = max(0.5_wp*cos(2*pi*i/nx), -basin%depths(i, :))
    end do
    call state%fill_halo(model%grid%block)
    call tracers%setup(model%grid%block, 2)
    tracers%order = order
    tracers%c(:, :, 1) = constant
    tracers%c(10:30, 5:12, 2) = 1.0_wp
    mass = tracers%mass(model%grid, state, 2)
    off = 0.0_wp
    change = 0.0_wp
    range = [0.0_wp, 1.0_wp]
    n_dry = [huge(1), 0]
    do n = 1, n_steps
      call model%step(state, forcing)
      call tracers%advance(model, state)
      is_wet = basin%depths + state%zeta(1:nx, 1:ny) > 0.0_wp
      n_dry = [min(n_dry(1), count(.not. is_wet)), max(n_dry(2), count(.not. is_wet))]
      off = max(off, maxval(abs(tracers%c(1:nx, 1:ny, 1)/constant - 1), is_wet))
      change = max(change, abs(tracers%mass(model%grid, state, 2)/mass - 1))
      range = [min(range(1), minval(tracers%c(1:nx, 1:ny, 2), is_wet)), &
        max(range(2), maxval(tracers%c(1:nx, 1:ny, 2), is_wet))]
    end do
    call check(n_dry(2) > n_dry(1) + 50, "cells dry and get wet")
    call check_below(off, rounding, "a constant stays where cells dry")
    call check_below(change, rounding, "mass stays where cells dry")
    call check_below(-range(1), rounding, "nothing falls below zero")
    call check_below(range(2) - 1, rounding, "nothing rises above the highest")
  end subroutine check_drying

  !> A smooth hump is carried once through a doubly periodic basin, along its diagonal.
  subroutine check_order(order, least)
    integer, intent(in) :: order
    real(wp), intent(in) :: least !! order of convergence

    real(wp) :: errors(2)

    errors = [round_trip(order, 32, 0.4_wp), round_trip(order, 64, 0.4_wp)]
    call check_below(least, -slope([32.0_wp, 64.0_wp], errors), &
      "order of transport at least")
  end subroutine check_order

  !> Mean error of the hump after the trip; `courant` cells in a step.
  real(wp) function round_trip(order, n, courant)
    integer, intent(in) :: order, n
    real(wp), intent(in) :: courant

    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_forcing_t) :: forcing
    type(swe_tracers_t) :: tracers
    real(wp) :: hump(n, n)
    integer :: i, j

    call build(basin_t(nx=n, ny=n, dx=6400.0_wp/n, dy=6400.0_wp/n, depth=10.0_wp, &
      periodic_x=.true., periodic_y=.true.), swe_parameters_t(drag=drag_none, &
      dt=courant*6400/n), model, state)
    state%u = 10.0_wp
    state%v = -10.0_wp
    do j = 1, n
      do i = 1, n
        hump(i, j) = 2 + cos(2*pi*i/n)*cos(2*pi*j/n)
      end do
    end do
    call tracers%setup(model%grid%block, 1)
    tracers%order = order
    tracers%c(1:n, 1:n, 1) = hump
    do i = 1, nint(n/courant)
      call model%step(state, forcing)
      call tracers%advance(model, state)
    end do
    round_trip = sum(abs(tracers%c(1:n, 1:n, 1) - hump))/n**2
    if (courant > 1.0_wp) call check_below(max(maxval(tracers%c(1:n, 1:n, 1)) &
      - maxval(hump), minval(hump) - minval(tracers%c(1:n, 1:n, 1)), &
      abs(sum(tracers%c(1:n, 1:n, 1)) - sum(hump))/n**2), rounding, &
      "extremes and mass with more than a cell in a step")
  end function round_trip

  !> Water that passes several cells in a step.
  subroutine check_long_steps()
    call check(round_trip(tracers_limited, 32, 3.2_wp) < 0.4_wp, "long steps only smear")
  end subroutine check_long_steps

  !> One tracer turns into another at its rate.
  subroutine check_reaction()
    integer, parameter :: n_steps = 20

    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_forcing_t) :: forcing
    type(swe_tracers_t) :: tracers
    character(len=100) :: message
    integer :: n

    call build(basin_t(nx=6, ny=5, depth=10.0_wp), swe_parameters_t(dt=100.0_wp), model, &
      state)
    call tracers%setup(model%grid%block, 2)
    allocate (tracers%reaction, source=decay_t(rate=1.0e-4_wp))
    tracers%c(:, :, 1) = 1.0_wp
    do n = 1, n_steps
      call model%step(state, forcing)
      call tracers%advance(model, state, stat)
    end do
    call check_below(maxval(abs(tracers%c(1:6, 1:5, 1) - exp(-n_steps*0.01_wp))), &
      rounding, "decay of a tracer")
    call check_below(maxval(abs(sum(tracers%c(1:6, 1:5, :), 3) - 1)), rounding, &
      "what decays becomes the other")
    tracers%reaction = decay_t(rate=-1.0_wp)
    message = ""
    call tracers%advance(model, state, stat, message)
    call check(stat /= 0 .and. message == "decay: 'rate' is negative", &
      "a reaction's failure is told")
  end subroutine check_reaction

  !> A call before the setup is told.
  subroutine check_call_order()
    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_tracers_t) :: tracers
    character(len=100) :: message

    message = ""
    call tracers%advance(model, state, stat, message)
    call check(stat /= 0 .and. index(message, "'setup'") > 0, "the missing call is named")
  end subroutine check_call_order

end program test_swe_tracers
