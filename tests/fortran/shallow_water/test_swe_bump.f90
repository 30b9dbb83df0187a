! SPDX-License-Identifier: MIT
!> Steady flow over a bump: discharge given upstream, depth downstream (Goutal and Maurel
!> 1997; sizes of SWASHES, Delestre and others 2013).
!>
!> Without a jump, Bernoulli's law holds along the channel:
!>
!>     h**3 + (z - q**2/(2*g*h1**2) - h1)*h**2 + q**2/(2*g) = 0
!>
!> with the bottom z and the depth h1 downstream. Called with the name of a flow and a
!> number of cells, the driver prints them and the depths: compare_swashes.py reads these.
program test_swe_bump
  use basins, only: basin_t, build, gravity
  use drying_flows, only: dam_break, outcome_t
  use swe_grid, only: cell_elevation, cell_transport, cell_water
  use swe_kinds, only: wp
  use swe_parameters, only: advection_limited, advection_upwind, drag_none, face_upwind, &
    swe_parameters_t, wetting_newton
  use swe_state, only: swe_forcing_t, swe_state_t
  use swe_step, only: swe_model_t
  use testing, only: check_below, finish, slope
  implicit none

  real(wp), parameter :: length = 25.0_wp !! of the channel [m]
  type(swe_parameters_t) :: scheme
  character(len=16) :: flow

  scheme = swe_parameters_t(theta=0.55_wp, gravity=gravity, face_depth=face_upwind, &
    drag=drag_none, advection=advection_limited, min_depth=1.0e-7_wp, &
    wetting=wetting_newton)
  call get_command_argument(1, flow)
  if (flow /= "") then
    call print_profile(trim(flow))
  else
    call check_subcritical(advection_upwind, 0.002_wp, 0.8_wp)
    call check_subcritical(advection_limited, 0.0005_wp, 1.2_wp)
    call finish()
  end if

contains

  !> Error and order of the flow that is slower than its waves everywhere.
  subroutine check_subcritical(advection, bound, order)
    integer, intent(in) :: advection
    real(wp), intent(in) :: bound !! of the relative error with 100 cells
    real(wp), intent(in) :: order !! least

    real(wp) :: coarse(50), errors(2), fine(100)

    scheme%advection = advection
    coarse = steady_depth(50, 4.42_wp, 2.0_wp)
    fine = steady_depth(100, 4.42_wp, 2.0_wp)
    errors = [sum(abs(coarse - bernoulli(50, 4.42_wp, 2.0_wp)))/sum(coarse), &
      sum(abs(fine - bernoulli(100, 4.42_wp, 2.0_wp)))/sum(fine)]
    call check_below(errors(2), bound, "flow over a bump")
    call check_below(order, -slope([50.0_wp, 100.0_wp], errors), "order at least")
  end subroutine check_subcritical

  !> Depth of the steady flow [m]. The channel's cells are 2 to n + 1: the first one names
  !> the discharge, the last one has the elevation.
  function steady_depth(n, discharge, depth_out) result(depth)
    integer, intent(in) :: n              !! cells
    real(wp), intent(in) :: discharge     !! [m2 s-1]
    real(wp), intent(in) :: depth_out     !! downstream [m]
    real(wp) :: depth(n)

    real(wp), parameter :: duration = 200.0_wp !! [s]: some thirty passages of a wave
    type(basin_t) :: basin
    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_forcing_t) :: forcing
    type(swe_parameters_t) :: parameters
    real(wp) :: dx
    integer :: k

    dx = length/n
    basin = basin_t(nx=n + 2, ny=1, dx=dx, dy=dx, tolerance=1.0e-11_wp)
    allocate (basin%depths(n + 2, 1), basin%cells(n + 2, 1))
    basin%cells = cell_water
    basin%cells(1, 1) = cell_transport
    basin%cells(n + 2, 1) = cell_elevation
    basin%depths(2:n + 1, 1) = -bottom(n)
    basin%depths([1, n + 2], 1) = 0.0_wp
    parameters = scheme
    parameters%dt = 0.5_wp*dx/(sqrt(gravity*depth_out) + discharge/depth_out)
    call build(basin, parameters, model, state)
    state%zeta(:, 1) = depth_out
    state%zeta(1, 1) = 0.0_wp
    allocate (forcing%open_zeta, forcing%open_u, mold=state%zeta)
    forcing%open_zeta = depth_out
    forcing%open_u = discharge
    call state%fill_halo(model%grid%block)
    do k = 1, ceiling(duration/parameters%dt)
      call model%step(state, forcing)
    end do
    depth = model%grid%depth(2:n + 1, 1) + state%zeta(2:n + 1, 1)
  end function steady_depth

  !> Height of the bottom in the cells' centres [m].
  pure function bottom(n)
    integer, intent(in) :: n
    real(wp) :: bottom(n)

    bottom = max(0.0_wp, 0.2_wp - 0.05_wp*(centres(n) - 10.0_wp)**2)
  end function bottom

  pure function centres(n)
    integer, intent(in) :: n
    real(wp) :: centres(n)

    integer :: i

    centres = [((i - 0.5_wp)*length/n, i=1, n)]
  end function centres

  !> The deeper of the two positive roots, by Newton's method from above.
  pure function bernoulli(n, discharge, depth_out) result(h)
    integer, intent(in) :: n
    real(wp), intent(in) :: discharge, depth_out
    real(wp) :: h(n)

    real(wp) :: a(n), z(n)
    integer :: k

    z = bottom(n)
    a = z - discharge**2/(2*gravity*depth_out**2) - depth_out
    h = 2*depth_out
    do k = 1, 100
      h = h - (h**3 + a*h**2 + discharge**2/(2*gravity))/(3*h**2 + 2*a*h)
    end do
  end function bernoulli

  !> Print x and depth of a flow that SWASHES knows.
  subroutine print_profile(name)
    character(len=*), intent(in) :: name

    type(outcome_t) :: outcome
    character(len=8) :: cells
    real(wp), allocatable :: depth(:)
    integer :: i, n

    call get_command_argument(2, cells)
    read (cells, *) n
    select case (name)
    case ("subcritical")
      depth = steady_depth(n, 4.42_wp, 2.0_wp)
    case ("jump")
      depth = steady_depth(n, 0.18_wp, 0.33_wp)
    case ("stoker")
      outcome = dam_break(n, 0.5_wp, 0.001_wp, scheme)
      depth = outcome%depth
    case ("ritter")
      outcome = dam_break(n, 0.5_wp, 0.0_wp, scheme)
      depth = outcome%depth
    case default
      error stop "no such flow"
    end select
    do i = 1, n
      print "(i6, es16.8)", i, depth(i)
    end do
  end subroutine print_profile

end program test_swe_bump
