! SPDX-License-Identifier: MIT
!> Budgets: known energies, and a volume that changes by what comes in.
program test_swe_budgets
  use basins, only: basin_t, build, gravity, linear_step
  use swe_blocks, only: east_end, halo, lead
  use swe_budgets, only: budget_of, inflow, swe_budget_t, water_volume
  use swe_grid, only: cell_elevation, cell_radiating, cell_transport, cell_water
  use swe_kinds, only: real64, wp
  use swe_parameters, only: face_backhaus, swe_parameters_t
  use swe_state, only: swe_forcing_t, swe_state_t
  use swe_step, only: swe_model_t
  use testing, only: check_below, finish
  implicit none

  integer, parameter :: nx = 12, ny = 9
  real(wp), parameter :: depth = 20.0_wp, side = 1000.0_wp
  real(real64), parameter :: rounding = 1.0e-13_real64 !! of sums of 100 numbers, relative

  call known_states_have_known_budgets()
  call volume_changes_by_what_comes_in(.false.)
  call volume_changes_by_what_comes_in(.true.)
  call finish()

contains

  subroutine known_states_have_known_budgets()
    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_budget_t) :: budget
    real(real64) :: area, expected

    call build(basin_t(nx=nx, ny=ny, dx=side, dy=2*side, depth=depth, periodic_x=.true.), &
      linear_step(100.0_wp, 0.5_wp), model, state)
    area = nx*ny*2*side**2
    state%zeta(1:nx, 1:ny) = 0.25_wp
    state%zeta(3, 3) = -2.0_wp
    state%u(1:nx, 1:ny) = 3.0_wp
    call state%fill_halo(model%grid%block)
    budget = budget_of(model%grid, model%parameters, state)
    call check_below(abs(water_volume(model%grid)/(area*depth) - 1), rounding, "water")
    expected = 0.25_real64*area*(1 - 1.0_real64/(nx*ny)) - 2*area/(nx*ny)
    call check_below(abs(budget%volume/expected - 1), rounding, "volume")
    expected = 0.5_real64*gravity*(0.0625_real64*area*(1 - 1.0_real64/(nx*ny)) &
      + 4*area/(nx*ny))
    call check_below(abs(budget%potential/expected - 1), rounding, "potential energy")
    expected = 0.5_real64*area*9.0_real64/depth
    call check_below(abs(budget%kinetic/expected - 1), rounding, "kinetic energy")
    call check_below(abs(budget%largest_zeta - 2), rounding, "largest elevation")
    call check_below(abs(budget%fastest - 0.15_real64), rounding, "fastest")
  end subroutine known_states_have_known_budgets

  !> Water comes in by transport and prescribed elevation and radiates away.
  subroutine volume_changes_by_what_comes_in(is_advected)
    logical, intent(in) :: is_advected !! else the step does not keep velocity

    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_forcing_t) :: forcing
    type(swe_budget_t) :: first, last
    type(swe_parameters_t) :: parameters
    real(real64) :: gained
    integer :: cells(nx, ny), n

    cells = cell_water
    cells(:, 1) = cell_radiating
    cells(1, 2:) = cell_transport
    cells(nx, 4:6) = cell_elevation
    parameters = linear_step(300.0_wp, 0.6_wp)
    parameters%face_depth = face_backhaus
    if (is_advected) parameters%advection = 1
    call build(basin_t(nx=nx, ny=ny, dx=side, dy=side, depth=depth, cells=cells), &
      parameters, model, state)
    allocate (forcing%open_zeta(1 - lead:east_end(nx), 1 - halo:ny + halo), source=0.0_wp)
    allocate (forcing%open_u, forcing%open_v, source=forcing%open_zeta)
    forcing%open_u(1, 2:ny) = 0.5_wp
    first = budget_of(model%grid, model%parameters, state)
    gained = 0
    do n = 1, 50
      forcing%open_zeta(nx, 4:6) = 0.1_wp*sin(0.3_wp*n)
      call model%step(state, forcing)
      if (is_advected) then
        gained = gained + inflow(model%grid, model%parameters, model%moved, model%moved)
      else
        gained = gained + inflow(model%grid, model%parameters, model%old, state)
      end if
    end do
    last = budget_of(model%grid, model%parameters, state)
    call check_below(-abs(gained), -1.0e5_real64, "much came in")
    call check_below(abs(last%volume - first%volume - gained)/water_volume(model%grid), &
      rounding, "volume changes by what comes in")
  end subroutine volume_changes_by_what_comes_in

end program test_swe_budgets
