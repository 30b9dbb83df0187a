! SPDX-License-Identifier: MIT
!> What the linear equations keep: energy, inertial circles, and their temper.
program test_swe_energy
  use basins, only: basin_t, build, energy, gravity, linear_step, pi, run
  use swe_kinds, only: wp
  use swe_state, only: swe_state_t
  use swe_step, only: swe_model_t
  use testing, only: check, check_below, fill_random, finish, slope
  implicit none

  real(wp), parameter :: dx = 5000.0_wp, depth = 50.0_wp
  real(wp), parameter :: celerity = sqrt(gravity*depth)

  call check_energy()
  call check_circle()
  call check_escarpment()
  call finish()

contains

  !> theta = 1/2 without rotation keeps energy, over a rough bottom and at any Courant
  !> number.
  subroutine check_energy()
    integer, parameter :: nx = 30, ny = 20
    real(wp), parameter :: tolerance = 1.0e-10_wp !! of the solver, relative
    type(swe_model_t) :: model
    type(swe_state_t) :: state
    real(wp) :: before, noise(nx, ny)

    call fill_random(noise, 1.0_wp)
    call build(basin_t(nx=nx, ny=ny, dx=dx, dy=dx, tolerance=1.0e-13_wp, &
      depths=depth*(1.0_wp + 0.5_wp*tanh(noise))), linear_step(5*dx/celerity, &
      theta=0.5_wp), model, state)
    call fill_random(noise, 1.0_wp)
    state%zeta(1:nx, 1:ny) = noise
    before = energy(model%grid, state)
    call run(model, state, 200)
    call check_below(abs(energy(model%grid, state)/before - 1.0_wp), tolerance, &
      "theta = 1/2 keeps energy")
  end subroutine check_energy

  !> A uniform flow runs in inertial circles: U + iV = (U0 + iV0) exp(-i f t).
  subroutine check_circle()
    integer, parameter :: n = 6, n_steps = 1000
    real(wp), parameter :: f = 1.2e-4_wp, dt = 0.3_wp/f
    real(wp), parameter :: rounding = 1.0e-12_wp
    type(swe_model_t) :: model
    type(swe_state_t) :: state
    complex(wp) :: exact

    call build(basin_t(nx=n, ny=n, dx=dx, dy=dx, depth=depth, f=f, periodic_x=.true., &
      periodic_y=.true.), linear_step(dt, theta=0.55_wp), model, state)
    state%u = 1.0_wp
    call run(model, state, n_steps)
    exact = exp(cmplx(0.0_wp, -f*dt*n_steps, wp))
    call check_below(maxval(abs(cmplx(state%u(1:n, 1:n), state%v(1:n, 1:n), wp) - exact)), &
      rounding, &
      "inertial circles")
  end subroutine check_circle

  !> Rotation does no work where a shelf meets the deep sea: from a level surface, energy
  !> changes with dt**2 only, and a noisy flow fades (Espelid, Berntsen and Barthel 2000,
  !> Int. J. Numer. Meth. Engng 49, 1521-1545).
  subroutine check_escarpment()
    real(wp), parameter :: order_slack = 0.1_wp
    real(wp), parameter :: steps(2) = [0.02_wp, 0.01_wp] !! [s]
    real(wp) :: changes(2), energies(3)
    integer :: k

    do k = 1, 2
      energies(:2) = energies_over_escarpment(steps(k), [0, 1])
      changes(k) = abs(energies(2)/energies(1) - 1.0_wp)
    end do
    call check_below(2.0_wp - slope(steps, changes), order_slack, &
      "rotation does no work over an escarpment")
    energies = energies_over_escarpment(800.0_wp, [1000, 2000, 3000])
    call check(energies(2) < energies(1) .and. energies(3) < energies(2), &
      "a noisy flow over an escarpment fades")
  end subroutine check_escarpment

  !> Energy after some numbers of steps.
  function energies_over_escarpment(dt, moments) result(energies)
    real(wp), intent(in) :: dt        !! [s]
    integer, intent(in) :: moments(:) !! steps made, ascending
    real(wp) :: energies(size(moments))

    integer, parameter :: nx = 32, ny = 24
    type(swe_model_t) :: model
    type(swe_state_t) :: state
    real(wp) :: depths(nx, ny), noise(nx, ny)
    integer :: k, n

    depths = 1000.0_wp
    depths(:, 1:ny/2) = depth
    depths(nx/2:, ny/2:ny/2 + 3) = depth
    call build(basin_t(nx=nx, ny=ny, dx=dx, dy=dx, depths=depths, f=1.2e-4_wp, &
      periodic_x=.true.), linear_step(dt, theta=0.51_wp), model, state)
    call fill_random(noise, 1.0_wp)
    state%u(1:nx, 1:ny) = noise*model%grid%open_u(1:nx, 1:ny)
    call fill_random(noise, 1.0_wp)
    state%v(1:nx, 1:ny) = noise*model%grid%open_v(1:nx, 1:ny)
    call state%fill_halo(model%grid%block)
    n = 0
    do k = 1, size(moments)
      call run(model, state, moments(k) - n)
      n = moments(k)
      energies(k) = energy(model%grid, state)
    end do
  end function energies_over_escarpment

end program test_swe_energy
