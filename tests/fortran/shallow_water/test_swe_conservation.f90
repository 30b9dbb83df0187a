! SPDX-License-Identifier: MIT
!> What holds to rounding however loose the solver is: volume, a lake at rest, the symmetry
!> of the matrix.
program test_swe_conservation
  use basins, only: basin_t, build, gravity, run, volume
  use swe_blocks, only: east_end, halo, lead
  use swe_exchange, only: exchange
  use swe_grid, only: cell_elevation, cell_land, cell_radiating, cell_water
  use swe_kinds, only: wp
  use swe_parameters, only: drag_none, face_backhaus, swe_parameters_t
  use swe_state, only: swe_state_t
  use swe_step, only: swe_model_t
  use testing, only: check, check_below, fill_random, finish
  implicit none

  integer, parameter :: nx = 12, ny = 9
  real(wp), parameter :: dx = 5000.0_wp, depth = 50.0_wp, f = 1.2e-4_wp
  real(wp), parameter :: volume_drift = 1.0e-12_wp !! relative, over 100 000 steps
  integer, parameter :: n_steps = 100000
  integer :: cells(nx, ny)
  real(wp) :: depths(nx, ny)

  call fill_random(depths, 1.0_wp)
  depths = depth*(1.0_wp + 0.6_wp*tanh(depths))
  cells = cell_water
  cells(5:6, 4:6) = cell_land
  call check_volume()
  call check_lake(0.0_wp)
  call check_lake(0.7_wp)
  call check_symmetry()
  call check_large_grid()
  call finish()

contains

  !> Water that moves for 100 000 steps, its surface counting in the depth.
  subroutine check_volume()
    type(swe_model_t) :: model
    type(swe_state_t) :: state
    real(wp) :: before, noise(nx, ny)

    call build(basin_t(nx=nx, ny=ny, dx=dx, dy=dx, depths=depths, cells=cells, &
      tolerance=1.0e-4_wp), swe_parameters_t(dt=5*dx/sqrt(gravity*depth), theta=0.5_wp, &
      face_depth=face_backhaus, drag=drag_none), model, state)
    call fill_random(noise, 0.1_wp)
    state%zeta(1:nx, 1:ny) = merge(noise, 0.0_wp, cells == cell_water)
    before = volume(model%grid, state)
    call run(model, state, n_steps)
    call check_below(abs(volume(model%grid, state)/before - 1.0_wp), volume_drift, &
      "volume after 100 000 steps")
    call check(maxval(abs(state%zeta)) > 1.0e-3_wp, "the water still moves")
  end subroutine check_volume

  !> A level surface over a rough bottom stays as it is, to the last bit.
  subroutine check_lake(level)
    real(wp), intent(in) :: level !! [m]

    type(swe_model_t) :: model
    type(swe_state_t) :: state

    call build(basin_t(nx=nx, ny=ny, dx=dx, dy=dx, depths=depths, cells=cells, f=f), &
      swe_parameters_t(dt=5*dx/sqrt(gravity*depth)), model, state)
    state%zeta(1:nx, 1:ny) = merge(level, 0.0_wp, cells == cell_water)
    call run(model, state, 1000)
    call check_below(max(maxval(abs(state%u)), maxval(abs(state%v))), 0.0_wp, &
      "transport in a lake at rest")
    call check_below(maxval(abs(state%zeta(1:nx, 1:ny) - level), cells == cell_water), &
      0.0_wp, "its surface")
  end subroutine check_lake

  !> Entry by entry, with all kinds of boundaries.
  subroutine check_symmetry()
    type(swe_model_t) :: model
    type(swe_state_t) :: state
    real(wp) :: matrix(nx*ny, nx*ny)
    real(wp), dimension(1 - lead:east_end(nx), 1 - halo:ny + halo) :: b, r, z
    integer :: column, j

    cells(nx, :) = cell_elevation
    cells(:, ny) = cell_radiating
    call build(basin_t(nx=nx, ny=ny, dx=dx, dy=2*dx, depths=depths, cells=cells, f=f), &
      swe_parameters_t(dt=5*dx/sqrt(gravity*depth)), model, state)
    call run(model, state, 1)
    b = 0.0_wp
    do column = 1, nx*ny
      z = 0.0_wp
      j = (column - 1)/nx
      z(column - j*nx, j + 1) = 1.0_wp
      call exchange(model%grid%block, z)
      call model%matrix%residual(b, z, r)
      matrix(:, column) = -reshape(r(1:nx, 1:ny), [nx*ny])
    end do
    call check(all(matrix == transpose(matrix)), "the matrix is symmetric to the last bit")
    call check(any(matrix < 0.0_wp), "and has couplings")
  end subroutine check_symmetry

  !> A field larger than a stack of 8 MiB: no part of the model keeps one there.
  subroutine check_large_grid()
    integer, parameter :: n = 1200
    type(swe_model_t) :: model
    type(swe_state_t) :: state

    call build(basin_t(nx=n, ny=n, depth=depth), swe_parameters_t(), model, state)
    call run(model, state, 1)
    call check_below(maxval(abs(state%zeta)), 0.0_wp, "a large lake at rest")
  end subroutine check_large_grid

end program test_swe_conservation
