! SPDX-License-Identifier: MIT
!> Flows with moving shores and bores whose solution is known, and how far the model is off.
!>
!> Dam breaks over water (Stoker 1957) and over dry ground (Ritter 1892), and water that
!> swings in a paraboloid, radially or as a plane (Thacker 1981, Journal of Fluid Mechanics
!> 107, 499-508), in the sizes of the SWASHES library (Delestre and others 2013,
!> International Journal for Numerical Methods in Fluids 72, 269-300).
module drying_flows
  use basins, only: basin_t, build, gravity, pi, volume
  use swe_kinds, only: wp
  use swe_parameters, only: swe_parameters_t
  use swe_state, only: swe_forcing_t, swe_state_t
  use swe_step, only: swe_model_t
  implicit none
  private
  public :: dam_break, outcome_t, planar_swing, radial_swing

  !> What a run showed.
  type :: outcome_t
    real(wp) :: depth_error = 0.0_wp  !! sum|h - exact|/sum(exact) at the end [1]
    real(wp) :: volume_error = 0.0_wp !! largest relative change of volume [1]
    real(wp) :: least_depth = huge(1.0_wp) !! of all cells and steps [m]
    real(wp) :: passes = 0.0_wp       !! of Newton's method, mean
    real(wp) :: largest_speed = 0.0_wp !! U/H at the end [m s-1]
    integer :: n_steps = 0
    real(wp), allocatable :: depth(:) !! of the middle row at the end [m]
    real(wp), allocatable :: exact(:) !! what it should be [m]
    real(wp), allocatable :: bed(:)   !! undisturbed depth there [m]
  end type outcome_t

  real(wp), parameter :: dam_length = 10.0_wp, dam_depth = 0.005_wp, dam_time = 6.0_wp
  real(wp), parameter :: bowl_depth = 0.1_wp, bowl_radius = 1.0_wp, bowl_length = 4.0_wp
  integer, parameter :: n_periods = 3

contains

  !> A dam of 5 mm of water breaks; `downstream` water lies behind it.
  function dam_break(n, courant, downstream, parameters) result(outcome)
    integer, intent(in) :: n            !! cells
    real(wp), intent(in) :: courant     !! of twice the wave speed [1]
    real(wp), intent(in) :: downstream  !! [m]
    type(swe_parameters_t), intent(in) :: parameters !! all but the time step
    type(outcome_t) :: outcome

    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_parameters_t) :: in_use
    real(wp) :: dx, x(n), exact(n, 1)
    integer :: i

    dx = dam_length/n
    x = [((i - 0.5_wp)*dx - 0.5_wp*dam_length, i=1, n)]
    outcome%n_steps = ceiling(dam_time*2*sqrt(gravity*dam_depth)/(courant*dx))
    in_use = parameters
    in_use%dt = dam_time/outcome%n_steps
    call build(basin_t(nx=n, ny=1, dx=dx, dy=dx, tolerance=1.0e-12_wp), in_use, model, &
      state)
    state%zeta(1:n, 1) = merge(dam_depth, downstream, x < 0.0_wp)
    call state%fill_halo(model%grid%block)
    if (downstream > 0.0_wp) then
      exact(:, 1) = stoker(x, dam_time, dam_depth, downstream)
    else
      exact(:, 1) = ritter(x, dam_time, dam_depth)
    end if
    call advance(model, state, exact, outcome)
  end function dam_break

  !> Water swings in a paraboloid, a hump that rises and falls.
  function radial_swing(n, courant, parameters) result(outcome)
    integer, intent(in) :: n        !! cells in each direction
    real(wp), intent(in) :: courant !! of the wave speed in the middle [1]
    type(swe_parameters_t), intent(in) :: parameters !! all but the time step
    type(outcome_t) :: outcome

    real(wp), parameter :: inner = 0.8_wp !! radius of the shore when the hump is highest
    real(wp), parameter :: a = (bowl_radius**2 - inner**2)/(bowl_radius**2 + inner**2)
    real(wp) :: exact(n, n), zero(n, n)

    exact = max(0.0_wp, bowl(n) + bowl_depth*(sqrt(1 - a**2)/(1 - a) - 1 &
      - squared_radius(n)/bowl_radius**2*((1 - a**2)/(1 - a)**2 - 1)))
    zero = 0.0_wp
    outcome = swing(n, courant, 2*pi*bowl_radius/sqrt(8*gravity*bowl_depth), exact, zero, &
      parameters)
  end function radial_swing

  !> Water swings round in a paraboloid with a plane surface.
  function planar_swing(n, courant, parameters) result(outcome)
    integer, intent(in) :: n        !! cells in each direction
    real(wp), intent(in) :: courant !! of the wave speed in the middle [1]
    type(swe_parameters_t), intent(in) :: parameters !! all but the time step
    type(outcome_t) :: outcome

    real(wp), parameter :: eta = 0.5_wp
    real(wp) :: exact(n, n), omega, x(n), v(n, n)
    integer :: j

    omega = sqrt(2*gravity*bowl_depth)/bowl_radius
    x = coordinates(n)
    do j = 1, n
      exact(:, j) = eta*bowl_depth/bowl_radius**2*(2*x - eta)
    end do
    exact = max(0.0_wp, exact + bowl(n))
    v = merge(eta*omega, 0.0_wp, exact > 0.0_wp)
    outcome = swing(n, courant, 2*pi/omega, exact, v, parameters)
  end function planar_swing

  !> Some periods from a depth and a northward velocity back to it.
  function swing(n, courant, period, exact, v, parameters) result(outcome)
    integer, intent(in) :: n
    real(wp), intent(in) :: courant     !! [1]
    real(wp), intent(in) :: period      !! [s]
    real(wp), intent(in) :: exact(:, :) !! depth [m] (n, n)
    real(wp), intent(in) :: v(:, :)     !! [m s-1] (n, n)
    type(swe_parameters_t), intent(in) :: parameters !! all but the time step
    type(outcome_t) :: outcome

    type(basin_t) :: basin
    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_parameters_t) :: in_use
    real(wp) :: dx

    dx = bowl_length/n
    basin = basin_t(nx=n, ny=n, dx=dx, dy=dx, tolerance=1.0e-10_wp)
    basin%depths = bowl(n)
    outcome%n_steps = ceiling(n_periods*period*sqrt(gravity*bowl_depth)/(courant*dx))
    in_use = parameters
    in_use%dt = n_periods*period/outcome%n_steps
    call build(basin, in_use, model, state)
    state%zeta(1:n, 1:n) = exact - basin%depths
    state%v(1:n, 1:n - 1) = 0.5_wp*(exact(:, :n - 1) + exact(:, 2:))*0.5_wp &
      *(v(:, :n - 1) + v(:, 2:))
    call state%fill_halo(model%grid%block)
    call advance(model, state, exact, outcome)
  end function swing

  !> Make the steps, look at depth and volume in each, at the error in the end.
  subroutine advance(model, state, exact, outcome)
    type(swe_model_t), intent(inout) :: model
    type(swe_state_t), intent(inout) :: state
    real(wp), intent(in) :: exact(:, :) !! depth at the end [m]
    type(outcome_t), intent(inout) :: outcome

    type(swe_forcing_t) :: forcing
    real(wp) :: depth(size(exact, 1), size(exact, 2)), first
    integer :: k, nx, ny

    nx = size(exact, 1)
    ny = size(exact, 2)
    first = volume(model%grid, state)
    do k = 1, outcome%n_steps
      call model%step(state, forcing)
      depth = model%grid%depth(1:nx, 1:ny) + state%zeta(1:nx, 1:ny)
      outcome%least_depth = min(outcome%least_depth, minval(depth))
      outcome%volume_error = max(outcome%volume_error, &
        abs(volume(model%grid, state)/first - 1))
      outcome%passes = outcome%passes + real(model%n_newton, wp)/outcome%n_steps
    end do
    outcome%depth = depth(:, (ny + 1)/2)
    outcome%exact = exact(:, (ny + 1)/2)
    outcome%bed = model%grid%depth(1:nx, (ny + 1)/2)
    outcome%depth_error = sum(abs(depth - exact))/sum(exact)
    outcome%largest_speed = max(maxval(abs(state%u)/merge(model%h_u, 1.0_wp, model%h_u > &
      0.0_wp)), maxval(abs(state%v)/merge(model%h_v, 1.0_wp, model%h_v > 0.0_wp)))
  end subroutine advance

  !> Depth after a dam broke over water: a fan, a plateau and a bore.
  pure function stoker(x, t, upstream, downstream) result(depth)
    real(wp), intent(in) :: x(:)       !! from the dam [m]
    real(wp), intent(in) :: t          !! since it broke [s]
    real(wp), intent(in) :: upstream   !! depths before [m]
    real(wp), intent(in) :: downstream
    real(wp) :: depth(size(x))

    real(wp) :: celerity, high, low, middle, bore
    integer :: k

    celerity = sqrt(gravity*upstream)
    low = sqrt(gravity*downstream)
    high = celerity
    do k = 1, 200
      middle = 0.5_wp*(low + high)
      if (jump(middle) < 0.0_wp) then
        low = middle
      else
        high = middle
      end if
    end do
    bore = 2*middle**2*(celerity - middle)/(middle**2 - gravity*downstream)
    depth = min(upstream, max(middle**2/gravity, fan(x, t, celerity)))
    depth = merge(downstream, depth, x > bore*t)

  contains

    !> Changes sign where the fan's velocity and the bore's agree.
    pure real(wp) function jump(c)
      real(wp), intent(in) :: c !! wave speed of the plateau [m s-1]

      jump = (c**2 - gravity*downstream)**2*(c**2 + gravity*downstream) &
        - 8*gravity*downstream*c**2*(celerity - c)**2
    end function jump

  end function stoker

  !> Depth after a dam broke over dry ground.
  pure function ritter(x, t, upstream) result(depth)
    real(wp), intent(in) :: x(:)     !! from the dam [m]
    real(wp), intent(in) :: t        !! since it broke [s]
    real(wp), intent(in) :: upstream !! depth before [m]
    real(wp) :: depth(size(x))

    depth = min(upstream, fan(x, t, sqrt(gravity*upstream)))
  end function ritter

  !> Depth of the rarefaction, zero beyond its tip.
  elemental real(wp) function fan(x, t, celerity)
    real(wp), intent(in) :: x, t     !! [m], [s]
    real(wp), intent(in) :: celerity !! upstream [m s-1]

    fan = 4*max(0.0_wp, celerity - 0.5_wp*x/t)**2/(9*gravity)
  end function fan

  !> Undisturbed depth of the paraboloid; negative is land.
  pure function bowl(n)
    integer, intent(in) :: n
    real(wp) :: bowl(n, n)

    bowl = bowl_depth*(1 - squared_radius(n)/bowl_radius**2)
  end function bowl

  !> Of the cells' centres.
  pure function squared_radius(n)
    integer, intent(in) :: n
    real(wp) :: squared_radius(n, n)

    real(wp) :: x(n)
    integer :: j

    x = coordinates(n)
    do j = 1, n
      squared_radius(:, j) = x**2 + x(j)**2
    end do
  end function squared_radius

  !> Of the cells' centres from the bowl's middle.
  pure function coordinates(n)
    integer, intent(in) :: n
    real(wp) :: coordinates(n)

    integer :: i

    coordinates = [((i - 0.5_wp)*bowl_length/n - 0.5_wp*bowl_length, i=1, n)]
  end function coordinates

end module drying_flows
