! SPDX-License-Identifier: MIT
!> Wind, air pressure, viscosity and advection of momentum, each alone.
program test_swe_tendencies
  use basins, only: basin_t, build, pi
  use swe_kinds, only: wp
  use swe_parameters, only: advection_limited, advection_none, advection_upwind, &
    drag_none, swe_parameters_t
  use swe_state, only: swe_forcing_t, swe_state_t
  use swe_step, only: swe_model_t
  use swe_viscosity, only: viscosity_number
  use testing, only: check, check_below, finish, slope
  implicit none

  real(wp), parameter :: rounding = 1.0e-12_wp !! of sums and of some hundred steps
  real(wp), parameter :: at_rest = 1.0e-8_wp   !! [m2 s-1]: the solver leaves 1e-12 m
  integer, parameter :: advections(2) = [advection_upwind, advection_limited]
  integer :: k

  call check_inverse_barometer()
  call check_wind()
  call check_shear_decay()
  call check_poiseuille(.true.)
  call check_poiseuille(.false.)
  do k = 1, 2
    call check_momentum(advections(k))
  end do
  call check_order(advection_upwind, 0.8_wp)
  call check_order(advection_limited, 1.7_wp)
  call finish()

contains

  !> A rotating lake whose surface answers the air pressure is at rest.
  subroutine check_inverse_barometer()
    integer, parameter :: n = 24

    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_forcing_t) :: forcing
    integer :: i, j

    call build_rectangle(model, state, n, n, 1000.0_wp, .false., .false., 1.2e-4_wp, &
      swe_parameters_t(dt=400.0_wp))
    allocate (forcing%head, mold=state%zeta)
    do j = -1, n + 2
      do i = -1, n + 2
        forcing%head(i, j) = 0.3_wp*cos(0.2_wp*i)*sin(0.3_wp*j)
      end do
    end do
    state%zeta(:, :) = -forcing%head
    do i = 1, 50
      call model%step(state, forcing)
    end do
    call check_below(max(maxval(abs(state%u)), maxval(abs(state%v))), at_rest, &
      "transport under the inverse barometer")
    deallocate (forcing%head)
    call model%step(state, forcing)
    call check(maxval(abs(state%u)) > 1.0e-3_wp, "without the head the lake moves")
  end subroutine check_inverse_barometer

  !> Wind over a periodic channel adds its stress to the momentum, step by step.
  subroutine check_wind()
    integer, parameter :: n = 8, n_steps = 100
    real(wp), parameter :: stress = 1.0e-4_wp, dt = 60.0_wp

    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_forcing_t) :: forcing
    integer :: i

    call build_rectangle(model, state, n, n, 1000.0_wp, .true., .false., 0.0_wp, &
      swe_parameters_t(dt=dt, drag=drag_none))
    allocate (forcing%stress_u, mold=state%zeta)
    forcing%stress_u = stress
    do i = 1, n_steps
      call model%step(state, forcing)
    end do
    call check_below(maxval(abs(state%u(1:n, 1:n) - n_steps*dt*stress)), rounding, &
      "wind's momentum")
    call check_below(maxval(abs(state%zeta)), rounding, "surface under an even wind")
  end subroutine check_wind

  !> A shear wave decays at the rate of the discrete Laplacian.
  subroutine check_shear_decay()
    integer, parameter :: n = 32, n_steps = 200
    real(wp), parameter :: dx = 100.0_wp, dt = 20.0_wp, viscosity = 50.0_wp

    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_forcing_t) :: forcing
    real(wp) :: wave(n), rate
    integer :: j

    call build_rectangle(model, state, n, n, dx, .true., .true., 0.0_wp, &
      swe_parameters_t(dt=dt, drag=drag_none, viscosity=viscosity))
    wave = [(sin(2*pi*3*j/n), j=1, n)]
    do j = 1, n
      state%u(1:n, j) = wave(j)
    end do
    call state%fill_halo(model%grid%block)
    do j = 1, n_steps
      call model%step(state, forcing)
    end do
    rate = 1 - viscosity*dt*(2*sin(pi*3/n)/dx)**2
    call check_below(maxval(abs(state%u(5, 1:n) - rate**n_steps*wave)), rounding, &
      "decay of a shear wave")
    call check_below(abs(viscosity_number(model%grid, model%parameters) - 0.2_wp), &
      rounding, "number that limits viscosity")
  end subroutine check_shear_decay

  !> A channel under an even stress: a parabola between walls that hold the water, even
  !> acceleration between walls that do not.
  subroutine check_poiseuille(no_slip)
    logical, intent(in) :: no_slip

    integer, parameter :: n = 16, n_steps = 1500
    real(wp), parameter :: dx = 100.0_wp, dt = 40.0_wp, viscosity = 50.0_wp
    real(wp), parameter :: stress = 1.0e-4_wp
    real(wp), parameter :: relative = 0.02_wp !! second order: (1/16)**2 and their corners

    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_forcing_t) :: forcing
    real(wp) :: parabola(n), y(n)
    integer :: j

    call build_rectangle(model, state, 4, n, dx, .true., .false., 0.0_wp, &
      swe_parameters_t(dt=dt, drag=drag_none, viscosity=viscosity, no_slip=no_slip))
    allocate (forcing%stress_u, mold=state%zeta)
    forcing%stress_u = stress
    do j = 1, n_steps
      call model%step(state, forcing)
    end do
    if (no_slip) then
      y = [((j - 0.5_wp)*dx, j=1, n)]
      parabola = stress*y*(n*dx - y)/(2*viscosity)
      call check_below(maxval(abs(state%u(2, 1:n) - parabola))/maxval(parabola), relative, &
        "flow between walls that hold it")
    else
      call check_below(maxval(abs(state%u(2, 1:n)/(n_steps*dt*stress) - 1)), rounding, &
        "flow between walls that let it slip")
    end if
  end subroutine check_poiseuille

  !> In a flow without divergence the tendencies by advection add to nothing.
  subroutine check_momentum(advection)
    integer, intent(in) :: advection

    integer, parameter :: n = 24

    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_forcing_t) :: forcing
    real(wp) :: stream(0:n, 0:n)
    integer :: i, j

    call build_rectangle(model, state, n, n, 100.0_wp, .true., .true., 0.0_wp, &
      swe_parameters_t(dt=5.0_wp, drag=drag_none, advection=advection))
    do j = 0, n
      do i = 0, n
        stream(i, j) = 20*sin(2*pi*i/n)*cos(4*pi*j/n) + 5*cos(6*pi*i/n)
      end do
    end do
    state%u(1:n, 1:n) = stream(1:, 1:) - stream(1:, :n - 1) + 3
    state%v(1:n, 1:n) = stream(:n - 1, 1:) - stream(1:, 1:) - 2
    call state%fill_halo(model%grid%block)
    call model%step(state, forcing)
    call check_below(abs(sum(model%east%extra(1:n, 1:n)))/n**2, rounding, &
      "sum of eastward tendencies")
    call check_below(abs(sum(model%north%extra(1:n, 1:n)))/n**2, rounding, &
      "sum of northward tendencies")
    call check(maxval(abs(model%east%extra)) > 1.0e-5_wp, "momentum is advected")
  end subroutine check_momentum

  !> An even flow carries a shear wave once round a periodic channel.
  subroutine check_order(advection, least)
    integer, intent(in) :: advection
    real(wp), intent(in) :: least !! order of convergence

    real(wp) :: errors(2)

    errors = [round_trip_error(advection, 64), round_trip_error(advection, 128)]
    call check_below(least, -slope([64.0_wp, 128.0_wp], errors), &
      "order of advection at least")
  end subroutine check_order

  !> Mean error of the shear wave after the trip.
  real(wp) function round_trip_error(advection, n)
    integer, intent(in) :: advection, n

    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_forcing_t) :: forcing
    real(wp) :: wave(n)
    integer :: j

    call build_rectangle(model, state, 4, n, 6400.0_wp/n, .true., .true., 0.0_wp, &
      swe_parameters_t(dt=3200.0_wp/n, drag=drag_none, advection=advection))
    wave = [(sin(2*pi*j/n), j=1, n)]
    do j = 1, n
      state%u(1:4, j) = 0.1_wp*wave(j)
    end do
    state%v = 10.0_wp ! a metre per second: half a cell in a step
    call state%fill_halo(model%grid%block)
    do j = 1, 2*n
      call model%step(state, forcing)
    end do
    round_trip_error = sum(abs(10*state%u(2, 1:n) - wave))/n
  end function round_trip_error

  !> A rectangle of ten metres' depth at rest.
  subroutine build_rectangle(model, state, nx, ny, dx, periodic_x, periodic_y, f, &
    parameters)
    type(swe_model_t), intent(out) :: model
    type(swe_state_t), intent(out) :: state
    integer, intent(in) :: nx, ny
    real(wp), intent(in) :: dx !! [m]
    logical, intent(in) :: periodic_x, periodic_y
    real(wp), intent(in) :: f  !! Coriolis parameter [s-1]
    type(swe_parameters_t), intent(in) :: parameters

    call build(basin_t(nx=nx, ny=ny, dx=dx, dy=dx, depth=10.0_wp, f=f, &
      periodic_x=periodic_x, periodic_y=periodic_y, tolerance=1.0e-12_wp), parameters, &
      model, state)
  end subroutine build_rectangle

end program test_swe_tendencies
