! SPDX-License-Identifier: MIT
!> The explicit step: the same solution as the semi-implicit one, when both steps are short.
program test_swe_explicit
  !$ use omp_lib, only: omp_set_num_threads
  use basins, only: basin_t, build, gravity, is_full_run, largest_difference, linear_step, &
    pi, report, volume
  use swe_explicit, only: swe_explicit_t
  use swe_grid, only: cell_elevation, cell_land, cell_radiating, cell_water
  use swe_kinds, only: wp
  use swe_parameters, only: drag_none, drag_quadratic, face_backhaus, swe_parameters_t
  use swe_state, only: swe_forcing_t, swe_state_t
  use swe_step, only: swe_model_t
  use testing, only: check, check_below, fill_random, finish, slope
  implicit none

  real(wp), parameter :: depth = 50.0_wp, f = 1.2e-4_wp
  real(wp), parameter :: celerity = sqrt(gravity*depth)
  real(wp), parameter :: order_slack = 0.1_wp !! what these grids may miss
  integer, parameter :: nx = 30, ny = 21

  call check_kelvin()
  call check_peer()
  call check_threads()
  call check_plain()
  call check_volume()
  call check_refusal()
  call finish()

contains

  !> Second order on a Kelvin wave, as in test_swe_kelvin.
  subroutine check_kelvin()
    integer, parameter :: rows(3) = [10, 20, 40]
    real(wp) :: errors(3)
    integer :: k

    do k = 1, 3
      errors(k) = kelvin_error(rows(k))
      call report("kelvin-explicit", 200.0e3_wp/rows(k), errors(k))
    end do
    call check_below(2.0_wp - slope(1.0_wp/rows(2:3), errors(2:3)), order_slack, &
      "a Kelvin wave converges with second order")
  end subroutine check_kelvin

  real(wp) function kelvin_error(n_rows)
    integer, intent(in) :: n_rows

    real(wp), parameter :: length = 800.0e3_wp, courant = 0.5_wp
    type(swe_explicit_t) :: model
    type(swe_forcing_t) :: forcing
    type(swe_model_t) :: peer
    type(swe_state_t) :: state
    real(wp), allocatable :: exact(:, :)
    real(wp) :: dx, lag
    integer :: i, j, n

    dx = length/(4*n_rows)
    call build(basin_t(nx=4*n_rows, ny=n_rows, dx=dx, dy=dx, depth=depth, f=f, &
      periodic_x=.true.), linear_step(courant*dx/celerity, theta=0.5_wp), peer, state)
    call take_over(peer, model)
    ! Transports are half a step ahead: they advance with the new elevation.
    lag = 0.5_wp*courant*dx
    do j = 1, n_rows
      do i = 1, 4*n_rows
        state%zeta(i, j) = exp(-f*(j - 0.5_wp)*dx/celerity)*cos(2*pi*(i - 0.5_wp)*dx/length)
        state%u(i, j) = celerity*exp(-f*(j - 0.5_wp)*dx/celerity) &
          *cos(2*pi*(i*dx - lag)/length)
      end do
    end do
    call state%fill_halo(model%grid%block)
    exact = state%zeta(1:4*n_rows, 1:n_rows)
    do n = 1, nint(length/(courant*dx))
      call model%step(state, forcing)
    end do
    kelvin_error = norm2(state%zeta(1:4*n_rows, 1:n_rows) - exact)/norm2(exact)
  end function kelvin_error

  !> The difference to the semi-implicit step goes to zero with the time step: rough bottom,
  !> island, rotation, quadratic drag, a tide that enters, waves that leave.
  subroutine check_peer()
    real(wp) :: differences(3)
    real(wp), parameter :: steps(3) = [120.0_wp, 60.0_wp, 30.0_wp]
    integer :: k

    do k = 1, 3
      differences(k) = difference(steps(k))
      call report("explicit-peer", steps(k), differences(k))
    end do
    call check_below(1.0_wp - slope(steps(2:3), differences(2:3)), order_slack, &
      "explicit and semi-implicit step converge to each other")
  end subroutine check_peer

  !> Largest difference of the two after six hours [m].
  real(wp) function difference(dt)
    real(wp), intent(in) :: dt

    type(swe_explicit_t) :: model
    type(swe_forcing_t) :: forcing
    type(swe_model_t) :: peer
    type(swe_state_t) :: ahead, state
    integer :: n, n_steps

    call build_case(dt, peer, state)
    call take_over(peer, model)
    ahead = state
    allocate (forcing%open_zeta, source=state%zeta)
    n_steps = nint(6*3600.0_wp/dt)
    do n = 1, n_steps
      forcing%open_zeta(1, :) = 1.0_wp - cos(2*pi*n/n_steps)
      call peer%step(ahead, forcing)
      call model%step(state, forcing)
    end do
    difference = largest_difference(state, ahead, celerity)
  end function difference

  !> A basin with everything that the explicit step has, at rest.
  subroutine build_case(dt, peer, state)
    real(wp), intent(in) :: dt
    type(swe_model_t), intent(out) :: peer
    type(swe_state_t), intent(out) :: state

    real(wp), parameter :: dx = 5000.0_wp
    real(wp) :: depths(nx, ny), drag(nx, ny)
    integer :: cells(nx, ny), i, j

    cells = cell_water
    cells(1, 3:ny - 2) = cell_elevation
    cells(1, :2) = cell_land
    cells(1, ny - 1:) = cell_land
    cells(nx, :) = cell_radiating
    cells(12:15, 8:11) = cell_land
    do j = 1, ny
      do i = 1, nx
        depths(i, j) = depth*(1.0_wp + 0.4_wp*sin(0.7_wp*i)*cos(0.5_wp*j))
      end do
    end do
    call build(basin_t(nx=nx, ny=ny, dx=dx, dy=dx, depths=depths, cells=cells, f=f), &
      swe_parameters_t(dt=dt, theta=0.5_wp, gravity=gravity, face_depth=face_backhaus, &
      drag=drag_quadratic), peer, state)
    drag = 0.0025_wp
    call peer%grid%set_drag(drag)
  end subroutine build_case

  !> An explicit model with the grid and the parameters of another one.
  subroutine take_over(peer, model)
    type(swe_model_t), intent(in) :: peer
    type(swe_explicit_t), intent(out) :: model

    model%grid = peer%grid
    model%parameters = peer%parameters
    call model%setup()
  end subroutine take_over

  !> Bands of rows do not see each other: the same bits on any number of threads.
  subroutine check_threads()
    type(swe_state_t) :: alone, together
    integer :: n_threads

    alone = after_steps(1, is_plain=.false.)
    do n_threads = 2, 5
      together = after_steps(n_threads, is_plain=.false.)
      call check_below(largest_difference(alone, together, celerity), 0.0_wp, &
        "threads change nothing")
    end do
    alone = after_steps(1, is_plain=.true.)
    together = after_steps(3, is_plain=.true.)
    call check_below(largest_difference(alone, together, celerity), 0.0_wp, &
      "nor for the plain step")
  end subroutine check_threads

  !> The short form of the step against the general one, which is told that the same basin
  !> is not plain: open edges, and a periodic one with noise.
  subroutine check_plain()
    real(wp), parameter :: rounding = 1.0e-13_wp
    type(swe_explicit_t) :: general, plain
    type(swe_model_t) :: peer
    type(swe_state_t) :: one, other, state
    real(wp) :: noise(nx, ny)
    logical :: is_open
    integer :: k

    do k = 1, 2
      is_open = k == 1
      if (is_open) then
        call build_case(60.0_wp, peer, state)
        peer%grid%f_u = 0.0_wp
        peer%grid%f_v = 0.0_wp
      else
        call build(basin_t(nx=nx, ny=ny, depth=depth, periodic_x=.true., &
          periodic_y=.true.), linear_step(20.0_wp, 0.5_wp), peer, state)
        call fill_random(noise, 0.1_wp)
        state%zeta(1:nx, 1:ny) = noise
        call state%fill_halo(peer%grid%block)
      end if
      peer%parameters = linear_step(merge(60.0_wp, 20.0_wp, is_open), 0.5_wp)
      peer%parameters%linear_drag = 1.0e-4_wp
      call take_over(peer, plain)
      call take_over(peer, general)
      general%is_plain = .false.
      one = state
      other = state
      call run_up(plain, is_open, one)
      call run_up(general, is_open, other)
      call check(plain%is_plain .and. maxval(abs(other%u)) > 0.01_wp, "a plain flow")
      call check_below(largest_difference(one, other, celerity), rounding, &
        "the plain step is the general one")
    end do
  end subroutine check_plain

  !> Some steps, with water that rises at the open edge.
  subroutine run_up(model, is_open, state)
    type(swe_explicit_t), intent(inout) :: model
    logical, intent(in) :: is_open
    type(swe_state_t), intent(inout) :: state

    type(swe_forcing_t) :: forcing
    integer :: n

    if (is_open) allocate (forcing%open_zeta, source=state%zeta)
    do n = 1, 50
      if (is_open) forcing%open_zeta(1, :) = 0.01_wp*n
      call model%step(state, forcing)
    end do
  end subroutine run_up

  function after_steps(n_threads, is_plain) result(state)
    integer, intent(in) :: n_threads
    logical, intent(in) :: is_plain
    type(swe_state_t) :: state

    type(swe_explicit_t) :: model
    type(swe_forcing_t) :: forcing
    type(swe_model_t) :: peer
    integer :: n

    call build_case(60.0_wp, peer, state)
    if (is_plain) then
      peer%parameters = linear_step(60.0_wp, 0.5_wp)
      peer%grid%f_u = 0.0_wp
      peer%grid%f_v = 0.0_wp
    end if
    !$ call omp_set_num_threads(n_threads)
    call take_over(peer, model)
    call check(model%is_plain .eqv. is_plain, "the step knows whether it is plain")
    allocate (forcing%open_zeta, source=state%zeta)
    do n = 1, 50
      forcing%open_zeta(1, :) = 0.01_wp*n
      call model%step(state, forcing)
    end do
    !$ call omp_set_num_threads(1)
  end function after_steps

  !> Volume to rounding, and a lake at rest to the last bit.
  subroutine check_volume()
    real(wp), parameter :: rounding = 1.0e-13_wp
    type(swe_explicit_t) :: model
    type(swe_forcing_t) :: forcing
    type(swe_model_t) :: peer
    type(swe_state_t) :: state
    real(wp) :: before, depths(nx, ny), noise(nx, ny)
    integer :: n

    call fill_random(depths, 1.0_wp)
    depths = depth*(1.0_wp + 0.6_wp*tanh(depths))
    call build(basin_t(nx=nx, ny=ny, depths=depths, f=f), swe_parameters_t(dt=20.0_wp, &
      face_depth=face_backhaus, drag=drag_none), peer, state)
    call take_over(peer, model)
    do n = 1, 100
      call model%step(state, forcing)
    end do
    call check(maxval(abs(state%u)) + maxval(abs(state%zeta)) <= 0.0_wp, "a lake at rest")
    call fill_random(noise, 0.1_wp)
    state%zeta(1:nx, 1:ny) = noise
    before = volume(model%grid, state)
    do n = 1, 1000
      call model%step(state, forcing)
    end do
    call check_below(abs(volume(model%grid, state)/before - 1.0_wp), rounding, &
      "the explicit step keeps volume")
  end subroutine check_volume

  !> A step beyond the stability limit is refused with a sentence.
  subroutine check_refusal()
    type(swe_explicit_t) :: model
    type(swe_forcing_t) :: forcing
    type(swe_model_t) :: peer
    type(swe_state_t) :: state
    character(len=200) :: errmsg
    integer :: stat

    call build_case(3600.0_wp, peer, state)
    model%grid = peer%grid
    model%parameters = peer%parameters
    errmsg = ""
    call model%setup(stat, errmsg)
    call check(stat /= 0 .and. index(errmsg, "'dt'") > 0, "a step too long is refused")
    print "(a)", trim(errmsg)
    model%parameters%dt = 60.0_wp
    call model%setup(stat, errmsg)
    call check(stat == 0, "a short one is not")
    allocate (forcing%head, source=state%zeta)
    call model%step(state, forcing, stat, errmsg)
    call check(stat /= 0 .and. index(errmsg, "'head'") > 0, "air pressure is refused")
  end subroutine check_refusal

end program test_swe_explicit
