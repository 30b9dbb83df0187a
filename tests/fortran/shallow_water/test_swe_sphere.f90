! SPDX-License-Identifier: MIT
!> The same code on a sphere: rows of unequal width.
!>
!> A standing wave in a meridional channel obeys
!> zeta = cos(w t) P(phi), (cos(phi) P')' + w**2 a**2/(g D) cos(phi) P = 0, P' = 0 at the
!> ends; the equation is integrated here by another way (Runge-Kutta, shooting).
program test_swe_sphere
  use basins, only: energy, gravity, linear_step, pi, report, run, volume
  use swe_blocks, only: halo, whole_grid
  use swe_conjugate_gradients, only: conjugate_gradients_t
  use swe_grid, only: cell_water
  use swe_kinds, only: wp
  use swe_state, only: swe_state_t
  use swe_step, only: swe_model_t
  use testing, only: check_below, fill_random, finish, slope
  implicit none

  real(wp), parameter :: earth = 6.371e6_wp !! [m]
  real(wp), parameter :: south = 20.0_wp*pi/180, north = 75.0_wp*pi/180
  real(wp), parameter :: depth = 100.0_wp
  integer, parameter :: rows(3) = [20, 40, 80]
  real(wp), parameter :: order_slack = 0.1_wp !! what these grids may miss
  real(wp), parameter :: rounding = 1.0e-14_wp !! of volume, relative
  real(wp), parameter :: tolerance = 1.0e-10_wp !! of the solver, in energy, relative
  real(wp) :: errors(size(rows))
  integer :: k

  call check_basin()
  do k = 1, size(rows)
    errors(k) = seiche_error(rows(k))
    call report("sphere-seiche", (north - south)*earth/rows(k), errors(k))
  end do
  call check_below(2.0_wp - slope(1.0_wp/rows(2:3), errors(2:3)), order_slack, &
    "a meridional seiche converges with second order")
  call finish()

contains

  !> A closed basin of random depth keeps volume and energy.
  subroutine check_basin()
    integer, parameter :: nx = 20, ny = 16
    type(swe_model_t) :: model
    type(swe_state_t) :: state
    real(wp) :: before(2), depths(nx, ny), noise(nx, ny)

    call fill_random(noise, 1.0_wp)
    depths = depth*(1.0_wp + 0.5_wp*tanh(noise))
    call build_sector(depths, 10*earth*(north - south)/ny/sqrt(gravity*depth), &
      model, state)
    call fill_random(noise, 1.0_wp)
    state%zeta(1:nx, 1:ny) = noise
    before = [volume(model%grid, state), energy(model%grid, state)]
    call run(model, state, 200)
    call check_below(abs(volume(model%grid, state)/before(1) - 1.0_wp), rounding, &
      "volume on a sphere")
    call check_below(abs(energy(model%grid, state)/before(2) - 1.0_wp), tolerance, &
      "energy on a sphere")
  end subroutine check_basin

  !> What is left of the first meridional mode after five quarters of a period, when it
  !> should pass through zero: relative error (L2).
  real(wp) function seiche_error(ny)
    integer, intent(in) :: ny

    type(swe_model_t) :: model
    type(swe_state_t) :: state
    real(wp) :: dt, mode(ny), omega
    real(wp), allocatable :: depths(:, :)
    integer :: j, n_steps

    omega = first_mode()*sqrt(gravity*depth)/earth
    dt = 2*pi/omega/(2*ny)
    n_steps = 5*ny/2
    allocate (depths(2, ny), source=depth)
    call build_sector(depths, dt, model, state)
    do j = 1, ny
      mode(j) = mode_at(omega*earth/sqrt(gravity*depth), 100*(2*j - 1), 200*ny)
      state%zeta(1:2, j) = mode(j)
    end do
    call run(model, state, n_steps)
    seiche_error = norm2(state%zeta(1, 1:ny))/norm2(mode)
  end function seiche_error

  !> w a/c of the first mode: where P' vanishes at the northern end, by bisection.
  real(wp) function first_mode()
    real(wp) :: high, low
    integer :: k

    low = 0.5_wp*pi/(north - south)
    high = 1.5_wp*pi/(north - south)
    do k = 1, 60
      first_mode = 0.5_wp*(low + high)
      if (slope_at_end(first_mode) < 0.0_wp) then
        low = first_mode
      else
        high = first_mode
      end if
    end do
  end function first_mode

  real(wp) function slope_at_end(wave_number)
    real(wp), intent(in) :: wave_number

    real(wp) :: mode(2)

    mode = shoot(wave_number, 2000, 2000)
    slope_at_end = mode(2)
  end function slope_at_end

  real(wp) function mode_at(wave_number, n, n_all)
    real(wp), intent(in) :: wave_number
    integer, intent(in) :: n, n_all

    real(wp) :: mode(2)

    mode = shoot(wave_number, n, n_all)
    mode_at = mode(1)
  end function mode_at

  !> P and cos(phi) P' after n of n_all steps northward from P = 1, P' = 0.
  function shoot(wave_number, n, n_all) result(mode)
    real(wp), intent(in) :: wave_number
    integer, intent(in) :: n, n_all
    real(wp) :: mode(2)

    real(wp) :: h, k1(2), k2(2), k3(2), k4(2), phi
    integer :: k

    h = (north - south)/n_all
    mode = [1.0_wp, 0.0_wp]
    do k = 1, n
      phi = south + (k - 1)*h
      k1 = change(wave_number, phi, mode)
      k2 = change(wave_number, phi + h/2, mode + h/2*k1)
      k3 = change(wave_number, phi + h/2, mode + h/2*k2)
      k4 = change(wave_number, phi + h, mode + h*k3)
      mode = mode + h/6*(k1 + 2*k2 + 2*k3 + k4)
    end do
  end function shoot

  !> d/dphi of P and cos(phi) P'.
  pure function change(wave_number, phi, mode)
    real(wp), intent(in) :: wave_number, phi, mode(2)
    real(wp) :: change(2)

    change = [mode(2)/cos(phi), -wave_number**2*cos(phi)*mode(1)]
  end function change

  !> A closed sector of the sphere without rotation, theta = 1/2.
  subroutine build_sector(depths, dt, model, state)
    real(wp), intent(in) :: depths(:, :), dt
    type(swe_model_t), intent(out) :: model
    type(swe_state_t), intent(out) :: state

    integer :: cells(size(depths, 1), size(depths, 2)), j, ny
    real(wp), dimension(1 - halo:size(depths, 2) + halo) :: no_rotation, width, width_v
    real(wp) :: dphi

    ny = size(depths, 2)
    dphi = (north - south)/ny
    cells = cell_water
    no_rotation = 0.0_wp
    width = [(earth*dphi*cos(south + (j - 0.5_wp)*dphi), j=1 - halo, ny + halo)]
    width_v = [(earth*dphi*cos(south + j*dphi), j=1 - halo, ny + halo)]
    call model%grid%setup(whole_grid(size(depths, 1), ny), cells, depths, width, width_v, &
      earth*dphi, no_rotation, no_rotation)
    model%parameters = linear_step(dt, theta=0.5_wp)
    allocate (conjugate_gradients_t :: model%solver)
    model%solver%tolerance = 1.0e-12_wp
    call model%setup()
    call state%setup(model%grid%block)
  end subroutine build_sector

end program test_swe_sphere
