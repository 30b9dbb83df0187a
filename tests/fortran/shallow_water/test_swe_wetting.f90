! SPDX-License-Identifier: MIT
!> Shores that move and lakes that do not: no water is made or lost, none is less than
!> none, and known flows are met.
program test_swe_wetting
  use basins, only: basin_t, build, pi, volume
  use drying_flows, only: dam_break, outcome_t
  use swe_kinds, only: wp
  use swe_parameters, only: advection_limited, advection_upwind, drag_none, &
    face_backhaus, face_upwind, swe_parameters_t, wetting_newton, wetting_static
  use swe_state, only: swe_forcing_t, swe_state_t
  use swe_step, only: swe_model_t
  use testing, only: check, check_below, finish, slope
  implicit none

  real(wp), parameter :: conserved = 1.0e-12_wp !! relative change of volume: rounding
  real(wp), parameter :: behind = 0.001_wp      !! water behind the dam [m]
  type(swe_parameters_t) :: first, second

  first = swe_parameters_t(theta=0.55_wp, gravity=9.81_wp, face_depth=face_upwind, &
    drag=drag_none, advection=advection_upwind, min_depth=1.0e-7_wp, &
    wetting=wetting_newton)
  second = first
  second%advection = advection_limited
  call check_lake(0.5_wp)
  call check_lake(-0.5_wp)
  call check_static()
  ! The errors found, rounded up: a bore is smeared over some cells, and the tip on dry
  ! ground is thinner than any cell.
  call check_dam_break(behind, first, 0.0065_wp, 0.6_wp, "bore, first order")
  call check_dam_break(behind, second, 0.0031_wp, 0.8_wp, "bore, second order")
  call check_dam_break(0.0_wp, first, 0.0120_wp, 0.5_wp, "dry ground, first order")
  call check_dam_break(0.0_wp, second, 0.0100_wp, 0.5_wp, "dry ground, second order")
  call finish()

contains

  !> A lake over a bump that ends `top` metres below the surface, or above it, is at rest.
  subroutine check_lake(top)
    real(wp), intent(in) :: top !! [m]

    integer, parameter :: n = 100, m = 99, n_steps = 200

    type(basin_t) :: basin
    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_forcing_t) :: forcing
    type(swe_parameters_t) :: parameters
    real(wp), allocatable :: still(:, :)
    integer :: i, j

    basin = basin_t(nx=n, ny=m, dx=10.0_wp, dy=10.0_wp)
    allocate (basin%depths(n, m))
    do j = 1, m
      do i = 1, n
        basin%depths(i, j) = min(2.0_wp, top + 3*((i - 41.0_wp)**2 + (j - 57.0_wp)**2) &
          /30.0_wp**2)
      end do
    end do
    parameters = second
    parameters%dt = 5*basin%dx/sqrt(9.81_wp*2)
    call build(basin, parameters, model, state)
    state%zeta(1:n, 1:m) = max(0.0_wp, -basin%depths)
    call state%fill_halo(model%grid%block)
    allocate (still, source=state%zeta)
    do i = 1, n_steps
      call model%step(state, forcing)
    end do
    call check_below(maxval(abs(state%zeta - still)), 0.0_wp, "surface of a lake at rest")
    call check_below(max(maxval(abs(state%u)), maxval(abs(state%v))), 0.0_wp, &
      "transport of a lake at rest")
  end subroutine check_lake

  !> Faces close while they hold less water than asked for, and open again.
  subroutine check_static()
    integer, parameter :: nx = 60, n_steps = 400
    real(wp), parameter :: least = 0.1_wp

    type(basin_t) :: basin
    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_forcing_t) :: forcing
    type(swe_parameters_t) :: parameters
    real(wp) :: first_volume, largest
    integer :: i, n_closed(2)

    basin = basin_t(nx=nx, ny=3, dx=200.0_wp, dy=200.0_wp)
    allocate (basin%depths(nx, 3))
    do i = 1, nx
      basin%depths(i, :) = 5 - 5.5_wp*i/nx
    end do
    parameters = swe_parameters_t(dt=60.0_wp, theta=0.55_wp, face_depth=face_backhaus, &
      min_depth=least, wetting=wetting_static)
    call build(basin, parameters, model, state)
    model%grid%drag_u = 0.0025_wp
    model%grid%drag_v = 0.0025_wp
    do i = 1, nx
      state%zeta(i, 1:3) = max(0.3_wp*cos(pi*i/nx), -basin%depths(i, 1))
    end do
    call state%fill_halo(model%grid%block)
    first_volume = volume(model%grid, state)
    largest = 0.0_wp
    n_closed = [huge(1), 0]
    do i = 1, n_steps
      call model%step(state, forcing)
      largest = max(largest, abs(volume(model%grid, state)/first_volume - 1))
      n_closed = [min(n_closed(1), count(.not. model%east%h(1:nx - 1, 2) > 0)), &
        max(n_closed(2), count(.not. model%east%h(1:nx - 1, 2) > 0))]
      if (any(model%east%h > 0 .and. model%east%h < least)) exit
    end do
    call check(i > n_steps, "a face with less than the least water is closed")
    call check(n_closed(2) > n_closed(1), "faces close and open with the tide")
    call check_below(largest, conserved, "change of volume with closing faces")
  end subroutine check_static

  !> Error at 200 cells, order from 100 to 400, volume, least depth.
  subroutine check_dam_break(downstream, parameters, bound, order, name)
    real(wp), intent(in) :: downstream !! [m]
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in) :: bound      !! of the relative error at 200 cells [1]
    real(wp), intent(in) :: order      !! least
    character(len=*), intent(in) :: name

    type(outcome_t) :: coarse, fine, middle

    coarse = dam_break(100, 0.5_wp, downstream, parameters)
    middle = dam_break(200, 0.5_wp, downstream, parameters)
    fine = dam_break(400, 0.5_wp, downstream, parameters)
    call check_below(middle%depth_error, bound, name//": error")
    call check_below(order, -slope([100.0_wp, 400.0_wp], [coarse%depth_error, &
      fine%depth_error]), name//": order at least")
    call check_below(fine%volume_error, conserved, name//": change of volume")
    call check_below(0.0_wp, fine%least_depth, name//": least depth")
  end subroutine check_dam_break

end program test_swe_wetting
