! SPDX-License-Identifier: MIT
!> The model has no favourite direction: a mirrored basin gives the mirrored flow with the
!> other sign of f, a basin turned by a quarter the turned flow.
program test_swe_symmetries
  use basins, only: basin_t, build, gravity, largest_difference, run
  use swe_blocks, only: whole_grid
  use swe_grid, only: cell_land, cell_water
  use swe_kinds, only: wp
  use swe_parameters, only: drag_quadratic, face_backhaus, swe_parameters_t
  use swe_state, only: swe_state_t
  use swe_step, only: swe_model_t
  use testing, only: check_below, fill_random, finish
  implicit none

  integer, parameter :: nx = 24, ny = 17, n_steps = 20
  real(wp), parameter :: dx = 5000.0_wp, depth = 40.0_wp, f = 1.2e-4_wp
  real(wp), parameter :: celerity = sqrt(gravity*depth)
  real(wp), parameter :: tolerance = 1.0e-9_wp !! of the solver (1e-12 m), over the steps
  type(swe_state_t) :: start, forward, turned
  real(wp) :: depths(nx, ny), noise(nx, ny)
  integer :: cells(nx, ny)

  call choose_case()
  forward = advanced(nx, ny, depths, cells, f, start)
  turned = advanced(nx, ny, depths(nx:1:-1, :), cells(nx:1:-1, :), -f, mirrored_x(start))
  call check_below(largest_difference(turned, mirrored_x(forward), celerity), tolerance, &
    "mirrored in x, with -f")
  turned = advanced(nx, ny, depths(:, ny:1:-1), cells(:, ny:1:-1), -f, mirrored_y(start))
  call check_below(largest_difference(turned, mirrored_y(forward), celerity), tolerance, &
    "mirrored in y, with -f")
  turned = advanced(ny, nx, transpose(depths(:, ny:1:-1)), &
    transpose(cells(:, ny:1:-1)), f, quarter_turned(start))
  call check_below(largest_difference(turned, quarter_turned(forward), celerity), &
    tolerance, "turned by a quarter")
  call finish()

contains

  !> A rough bottom, an island, a bay, and a random flow.
  subroutine choose_case()
    type(swe_model_t) :: model

    call fill_random(noise, 1.0_wp)
    depths = depth*(1.0_wp + 0.3_wp*tanh(noise))
    cells = cell_water
    cells(8:10, 5:9) = cell_land
    cells(15:20, 1:3) = cell_land
    call build(basin_t(nx=nx, ny=ny, dx=dx, dy=dx, depths=depths, cells=cells, f=f), &
      swe_parameters_t(), model, start)
    call fill_random(noise, 0.2_wp)
    start%zeta(1:nx, 1:ny) = merge(noise, 0.0_wp, cells == cell_water)
    call fill_random(noise, 0.2_wp*celerity)
    start%u(1:nx, 1:ny) = noise*model%grid%open_u(1:nx, 1:ny)
    call fill_random(noise, 0.2_wp*celerity)
    start%v(1:nx, 1:ny) = noise*model%grid%open_v(1:nx, 1:ny)
  end subroutine choose_case

  !> The state some steps later: rotation, friction, a surface that counts in the depth.
  function advanced(n, m, depths, cells, f, from) result(state)
    integer, intent(in) :: n, m
    real(wp), intent(in) :: depths(n, m), f
    integer, intent(in) :: cells(n, m)
    type(swe_state_t), intent(in) :: from
    type(swe_state_t) :: state

    type(swe_model_t) :: model
    type(swe_state_t) :: rest
    real(wp) :: drag(n, m)

    call build(basin_t(nx=n, ny=m, dx=dx, dy=dx, depths=depths, cells=cells, f=f, &
      tolerance=1.0e-12_wp), swe_parameters_t(dt=1200.0_wp, theta=0.55_wp, &
      face_depth=face_backhaus, drag=drag_quadratic), model, rest)
    drag = 0.0025_wp
    call model%grid%set_drag(drag)
    state = from
    call run(model, state, n_steps)
  end function advanced

  !> x -> -x. Face i becomes face nx - i.
  function mirrored_x(state) result(mirrored)
    type(swe_state_t), intent(in) :: state
    type(swe_state_t) :: mirrored

    mirrored = state
    mirrored%zeta(1:nx, :) = state%zeta(nx:1:-1, :)
    mirrored%v(1:nx, :) = state%v(nx:1:-1, :)
    mirrored%u(0:nx, :) = -state%u(nx:0:-1, :)
  end function mirrored_x

  !> y -> -y.
  function mirrored_y(state) result(mirrored)
    type(swe_state_t), intent(in) :: state
    type(swe_state_t) :: mirrored

    mirrored = state
    mirrored%zeta(:, 1:ny) = state%zeta(:, ny:1:-1)
    mirrored%u(:, 1:ny) = state%u(:, ny:1:-1)
    mirrored%v(:, 0:ny) = -state%v(:, ny:0:-1)
  end function mirrored_y

  !> (x, y) -> (-y, x), so (U, V) -> (-V, U).
  function quarter_turned(state) result(turned)
    type(swe_state_t), intent(in) :: state
    type(swe_state_t) :: turned

    call turned%setup(whole_grid(ny, nx))
    turned%zeta(1:ny, 1:nx) = transpose(state%zeta(1:nx, ny:1:-1))
    turned%u(0:ny, 1:nx) = -transpose(state%v(1:nx, ny:0:-1))
    turned%v(1:ny, 0:nx) = transpose(state%u(0:nx, ny:1:-1))
  end function quarter_turned

end program test_swe_symmetries
