! SPDX-License-Identifier: MIT
!> A shallow water run under way: the model, its state, its files and its accounts.
module swe_march
  use swe_analysis, only: analysis_t
  use swe_budgets, only: swe_budget_t
  use swe_config, only: swe_config_t
  use swe_domain, only: swe_domain_t
  use swe_extrapolation, only: extrapolation_t
  use swe_gauges, only: gauges_t
  use swe_kinds, only: real64, wp
  use swe_open_boundary, only: open_boundary_t
  use swe_slots, only: swe_slots_t
  use swe_state, only: swe_forcing_t, swe_state_t
  use swe_step, only: swe_model_t
  use swe_tracers, only: swe_tracers_t
  use swe_weather, only: weather_t
  use trajectories, only: trajectory_t
  implicit none
  private
  public :: is_due, is_recording, march_t

  integer, parameter, public :: max_errmsg = 1024

  !> The model, the state and the files of a run.
  type :: march_t
    type(swe_config_t) :: config
    type(swe_domain_t) :: domain
    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_tracers_t) :: tracers !! none unless named
    type(swe_state_t) :: good      !! the last state that was looked at and found finite
    real(wp), allocatable :: good_c(:, :, :) !! its concentrations
    type(swe_forcing_t) :: forcing
    type(swe_slots_t) :: slots     !! what acts instead of the model, or in it
    type(extrapolation_t) :: extrapolation !! the first guess, if it is to be one
    logical :: has_calm = .false.  !! no wind: the stress is all a closure's
    integer :: step = 0            !! since the start
    integer :: good_step = 0
    integer :: first_step = 0      !! of this run
    integer :: look_every = 1      !! steps between two looks
    type(trajectory_t) :: trajectory
    type(open_boundary_t) :: boundary
    type(weather_t) :: weather
    type(gauges_t) :: gauges
    type(analysis_t) :: analysis
    type(swe_budget_t) :: first_budget
    real(real64) :: water = 1      !! volume of all water [m3]
    real(real64) :: gained = 0     !! volume through open boundaries, of this block [m3]
    integer :: n_iterations = 0    !! of the solver since the last message
    integer :: n_steps_counted = 0 !! steps since the last message
    real(wp) :: solver_error = 0.0_wp !! largest |zeta - z| since the last message [m]
  end type march_t

contains

  !> Whether something that is done every so many steps is done now.
  pure logical function is_due(march, every)
    type(march_t), intent(in) :: march
    integer, intent(in) :: every !! 0: never

    is_due = .false.
    if (every > 0) is_due = modulo(march%step, every) == 0
  end function is_due

  !> Whether the spin-up is over.
  pure logical function is_recording(march)
    type(march_t), intent(in) :: march

    is_recording = march%step*real(march%config%parameters%dt, real64) &
      >= march%config%integration%spin_up
  end function is_recording

end module swe_march
