! SPDX-License-Identifier: MIT
!> Shores that move and lakes that do not: no water is made or lost, no depth is negative,
!> and known flows are met. Called with `full`, it prints the tables of
!> docs/results/shallow_water_wetting.md instead, with `profiles` the rows of its figures.
program test_swe_wetting
  use, intrinsic :: iso_fortran_env, only: output_unit
  use basins, only: basin_t, build, pi, volume
  use drying_flows, only: dam_break, outcome_t, planar_swing, radial_swing
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
  character(len=8) :: task

  first = swe_parameters_t(theta=0.55_wp, gravity=9.81_wp, face_depth=face_upwind, &
    drag=drag_none, advection=advection_upwind, min_depth=1.0e-7_wp, &
    wetting=wetting_newton)
  second = first
  second%advection = advection_limited
  second%theta = 0.6_wp ! at 0.55 the planar swing grows unstable with 200 cells
  call get_command_argument(1, task)
  select case (task)
  case ("full")
    call print_tables()
  case ("profiles")
    call print_profiles()
  case default
    call check_all()
  end select

contains

  subroutine check_all()
    call check_lake(0.5_wp)
    call check_lake(-0.5_wp)
    call check_static()
    ! The errors found, rounded up: a bore is smeared over some cells, and the tip on dry
    ! ground is thinner than any cell.
    call check_dam_break(behind, first, 0.0065_wp, 0.6_wp, "bore, first order")
    call check_dam_break(behind, second, 0.0031_wp, 0.8_wp, "bore, second order")
    call check_dam_break(0.0_wp, first, 0.0120_wp, 0.5_wp, "dry ground, first order")
    call check_dam_break(0.0_wp, second, 0.0100_wp, 0.5_wp, "dry ground, second order")
    call check_swings()
    call finish()
  end subroutine check_all

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

  !> Water that swings in a paraboloid: errors, order, volume, depth.
  subroutine check_swings()
    type(outcome_t) :: outcomes(4), planar

    ! 99, not 100: from 10000 cells on two threads share a step.
    outcomes(1) = radial_swing(50, 0.5_wp, with_thin(first))
    outcomes(2) = radial_swing(99, 0.5_wp, with_thin(first))
    outcomes(3) = radial_swing(50, 0.5_wp, with_thin(second))
    outcomes(4) = radial_swing(99, 0.5_wp, with_thin(second))
    planar = planar_swing(50, 0.5_wp, with_thin(second))
    call check_below(outcomes(2)%depth_error, 0.13_wp, "radial swing, first order: error")
    call check_below(outcomes(4)%depth_error, 0.08_wp, "radial swing, second order: error")
    call check_below(0.6_wp, order_of(outcomes(1:2)), "radial swing: order at least")
    call check_below(0.8_wp, order_of(outcomes(3:4)), "second order: order at least")
    call check_below(planar%depth_error, 0.32_wp, "planar swing, second order: error")
    call check_below(max(maxval(outcomes%volume_error), planar%volume_error), conserved, &
      "swings: change of volume")
    ! The water moves with eta*omega = 0.70 m/s everywhere, films with at most twice that.
    call check_below(planar%largest_speed, 1.4_wp, "planar swing: largest speed")
    call check_below(0.0_wp, min(minval(outcomes%least_depth), planar%least_depth), &
      "swings: least depth")
  end subroutine check_swings

  !> The order between 50 and 99 cells.
  pure real(wp) function order_of(outcomes)
    type(outcome_t), intent(in) :: outcomes(2)

    order_of = -slope([50.0_wp, 99.0_wp], outcomes%depth_error)
  end function order_of

  !> Parameters for a paraboloid: one per cent of its depth is thin.
  pure function with_thin(parameters) result(changed)
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_parameters_t) :: changed

    changed = parameters
    changed%thin_depth = 0.001_wp
  end function with_thin

  !> Errors at all sizes; theta is 0.55 in first order, 0.6 in second.
  subroutine print_tables()
    integer, parameter :: dams(4) = [100, 200, 400, 800], bowls(3) = [50, 100, 200]
    type(swe_parameters_t) :: schemes(2)
    character(len=6), parameter :: names(2) = [character(len=6) :: "first", "second"]
    integer :: k, l

    schemes = [first, second]
    print "(a)", "flow            order   c  cells  error    order   volume  depth passes"
    do k = 1, 2
      call print_table("Stoker", names(k), 0.5_wp, dams, [(dam_break(dams(l), 0.5_wp, &
        behind, schemes(k)), l=1, 4)])
      call print_table("Ritter", names(k), 0.5_wp, dams, [(dam_break(dams(l), 0.5_wp, &
        0.0_wp, schemes(k)), l=1, 4)])
      call print_table("Thacker radial", names(k), 0.5_wp, bowls, [(radial_swing(bowls(l), &
        0.5_wp, with_thin(schemes(k))), l=1, 3)])
      call print_table("Thacker radial", names(k), 2.0_wp, bowls, [(radial_swing(bowls(l), &
        2.0_wp, with_thin(schemes(k))), l=1, 3)])
      call print_table("Thacker planar", names(k), 0.5_wp, bowls, [(planar_swing(bowls(l), &
        0.5_wp, with_thin(schemes(k))), l=1, 3)])
    end do
  end subroutine print_tables

  !> The middle row of each flow at its end, with first and second order.
  subroutine print_profiles()
    call print_profile("stoker", 10.0_wp, dam_break(200, 0.5_wp, behind, first), &
      dam_break(200, 0.5_wp, behind, second))
    call print_profile("ritter", 10.0_wp, dam_break(200, 0.5_wp, 0.0_wp, first), &
      dam_break(200, 0.5_wp, 0.0_wp, second))
    call print_profile("radial", 4.0_wp, radial_swing(99, 0.5_wp, with_thin(first)), &
      radial_swing(99, 0.5_wp, with_thin(second)))
    call print_profile("planar", 4.0_wp, planar_swing(99, 0.5_wp, with_thin(first)), &
      planar_swing(99, 0.5_wp, with_thin(second)))
  end subroutine print_profiles

  !> Place from the middle, undisturbed depth, exact depth, depths of both orders [m].
  subroutine print_profile(flow, length, one, two)
    character(len=*), intent(in) :: flow
    real(wp), intent(in) :: length !! of the row [m]
    type(outcome_t), intent(in) :: one, two

    integer :: i, n

    n = size(one%depth)
    do i = 1, n
      print "(a, 5es14.5)", flow, ((i - 0.5_wp)/n - 0.5_wp)*length, one%bed(i), &
        one%exact(i), one%depth(i), two%depth(i)
    end do
  end subroutine print_profile

  !> One flow with one scheme.
  subroutine print_table(flow, name, courant, sizes, outcomes)
    character(len=*), intent(in) :: flow, name
    real(wp), intent(in) :: courant
    integer, intent(in) :: sizes(:)
    type(outcome_t), intent(in) :: outcomes(:)

    real(wp) :: order
    integer :: k

    do k = 1, size(sizes)
      order = 0.0_wp
      if (k > 1) order = -slope(real(sizes(k - 1:k), wp), outcomes(k - 1:k)%depth_error)
      print "(a14, 2x, a6, f4.1, i7, f9.5, f7.2, 2es9.1, f6.2)", flow, name, courant, &
        sizes(k), outcomes(k)%depth_error, order, outcomes(k)%volume_error, &
        outcomes(k)%least_depth, outcomes(k)%passes
    end do
    flush (output_unit)
  end subroutine print_table

end program test_swe_wetting
