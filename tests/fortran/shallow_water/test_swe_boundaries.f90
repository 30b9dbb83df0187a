! SPDX-License-Identifier: MIT
!> Open boundaries: a wave leaves through a radiating one, a prescribed transport fills a
!> basin by what it brings, and a forcing of another shape is refused.
program test_swe_boundaries
  use basins, only: basin_t, build, energy, gravity, linear_step, run, volume
  use swe_blocks, only: east_end, halo, lead
  use swe_explicit, only: swe_explicit_t
  use swe_grid, only: cell_elevation, cell_radiating, cell_transport, cell_water
  use swe_kinds, only: wp
  use swe_state, only: swe_forcing_t, swe_state_t
  use swe_step, only: swe_model_t
  use testing, only: check, check_below, finish
  implicit none

  integer, parameter :: nx = 200, ny = 3
  real(wp), parameter :: dx = 1000.0_wp, depth = 20.0_wp
  real(wp), parameter :: celerity = sqrt(gravity*depth)
  real(wp), parameter :: largest_reflection = 0.01_wp !! of energy, at normal incidence
  real(wp), parameter :: rounding = 1.0e-11_wp        !! relative, over 100 steps

  call check_reflection(0.5_wp)
  call check_reflection(2.0_wp)
  call check_reflection(5.0_wp)
  call check_inflow()
  call check_bounds()
  call check_shapes()
  call finish()

contains

  !> Energy left of an outgoing Gaussian when its remains would have come back.
  subroutine check_reflection(courant)
    real(wp), intent(in) :: courant

    real(wp), parameter :: width = 15.0_wp !! of the wave [cells]
    type(swe_model_t) :: model
    type(swe_state_t) :: state
    character(len=30) :: name
    real(wp) :: before
    integer :: cells(nx, ny), i

    cells = cell_water
    cells([1, nx], :) = cell_radiating
    call build(basin_t(nx=nx, ny=ny, dx=dx, dy=dx, depth=depth, cells=cells), &
      linear_step(courant*dx/celerity, theta=0.5_wp), model, state)
    do i = 2, nx - 1
      state%zeta(i, 1:ny) = 1.0e-3_wp*exp(-((i - 0.5_wp - nx/2)/width)**2)
      state%u(i, 1:ny) = 1.0e-3_wp*celerity*exp(-((i - nx/2)/width)**2)
    end do
    call state%fill_halo(model%grid%block)
    before = energy(model%grid, state)
    call run(model, state, nint(nx/courant))
    write (name, "(a, f3.1)") "energy reflected, c = ", courant
    call check_below(energy(model%grid, state)/before, largest_reflection, trim(name))
  end subroutine check_reflection

  !> A prescribed inflow: volume grows by dt*((1 - theta)*old + theta*new).
  subroutine check_inflow()
    real(wp), parameter :: theta = 0.6_wp
    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_forcing_t) :: forcing
    real(wp) :: before, inflow, inflow_before, brought
    integer :: cells(nx, ny), n

    cells = cell_water
    cells(1, :) = cell_transport
    call build(basin_t(nx=nx, ny=ny, dx=dx, dy=dx, depth=depth, cells=cells), &
      linear_step(5*dx/celerity, theta), model, state)
    allocate (forcing%open_u, source=state%u)
    before = volume(model%grid, state)
    brought = 0.0_wp
    inflow_before = 0.0_wp
    do n = 1, 100
      inflow = sin(0.1_wp*n)
      forcing%open_u = inflow
      call model%step(state, forcing)
      brought = brought + model%parameters%dt*ny*dx &
        *((1.0_wp - theta)*inflow_before + theta*inflow)
      inflow_before = inflow
    end do
    call check_below(maxval(abs(state%zeta(1, 1:ny))), 0.0_wp, &
      "the cells outside gather nothing")
    call check_below(abs(volume(model%grid, state) - before - brought)/before, rounding, &
      "volume grows by the prescribed transport")
  end subroutine check_inflow

  !> Where the indices of a forcing begin does not matter.
  subroutine check_bounds()
    type(swe_model_t) :: model
    type(swe_explicit_t) :: explicit
    type(swe_state_t) :: states(4)
    type(swe_forcing_t) :: forcings(2)
    integer :: cells(nx, ny), k, n

    cells = cell_water
    cells(1, :) = cell_elevation
    call build(basin_t(nx=nx, ny=ny, dx=dx, dy=dx, depth=depth, cells=cells), &
      linear_step(0.5_wp*dx/celerity, 0.6_wp), model, states(1))
    explicit%grid = model%grid
    explicit%parameters = model%parameters
    call explicit%setup()
    states(2:) = states(1)
    allocate (forcings(1)%open_zeta, mold=states(1)%zeta)
    do n = 1 - halo, ny + halo
      forcings(1)%open_zeta(:, n) = 0.1_wp*n
    end do
    allocate (forcings(2)%open_zeta(lead + east_end(nx), ny + 2*halo))
    forcings(2)%open_zeta(:, :) = forcings(1)%open_zeta
    do k = 1, 2
      do n = 1, 20
        call model%step(states(k), forcings(k))
        call explicit%step(states(2 + k), forcings(k))
      end do
    end do
    call check(maxval(abs(states(1)%zeta)) > 0.05_wp, "the boundary moves the water")
    call check_below(maxval(abs(states(1)%zeta - states(2)%zeta)), 0.0_wp, &
      "forcing whose indices begin at 1")
    call check_below(maxval(abs(states(3)%zeta - states(4)%zeta)), 0.0_wp, &
      "forcing whose indices begin at 1, explicit")
  end subroutine check_bounds

  !> A forcing without the halo is refused by name, and the state is left alone.
  subroutine check_shapes()
    type(swe_model_t) :: model
    type(swe_explicit_t) :: explicit
    type(swe_state_t) :: state
    type(swe_forcing_t) :: forcing
    character(len=200) :: errmsg
    integer :: stat

    call build(basin_t(nx=nx, ny=ny, dx=dx, dy=dx, depth=depth), &
      linear_step(0.5_wp*dx/celerity, 0.6_wp), model, state)
    explicit%grid = model%grid
    explicit%parameters = model%parameters
    call explicit%setup()
    allocate (forcing%stress_v(nx, ny), source=1.0_wp)
    call model%step(state, forcing, stat, errmsg)
    call check(stat /= 0 .and. index(errmsg, "'stress_v' of the forcing has the shape "// &
      "200 x 3, expected 216 x 7") > 0, "a forcing without halo is refused")
    call explicit%step(state, forcing, stat, errmsg)
    call check(stat /= 0 .and. index(errmsg, "'stress_v'") > 0, "by the explicit step too")
    deallocate (forcing%stress_v, state%u)
    allocate (state%u(1 - halo:nx + halo, 1 - halo:ny + halo), source=0.0_wp)
    call model%step(state, forcing, stat, errmsg)
    call check(stat /= 0 .and. index(errmsg, "must have the bounds") > 0, &
      "a state of other bounds is refused")
    call explicit%step(state, forcing, stat, errmsg)
    call check(stat /= 0 .and. index(errmsg, "must have the bounds") > 0, "so it is there")
    call check_below(maxval(abs(state%v)), 0.0_wp, "and nothing has moved")
  end subroutine check_shapes

end program test_swe_boundaries
