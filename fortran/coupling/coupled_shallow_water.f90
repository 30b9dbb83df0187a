! SPDX-License-Identifier: MIT
!> `isthmus-shallow-water-coupled config.nml`: the shallow water model with a network, and
!> no Python.
!>
!> The network makes the step, adds a stress, or says where the elliptic solver begins.
!> Gauges, budgets, restarts and output are those of the model.
program coupled_shallow_water
  use, intrinsic :: iso_fortran_env, only: error_unit
  use interrupts, only: catch_interrupts
  use network_fields, only: network_fields_t
  use network_preconditioner, only: network_preconditioner_t
  use network_swe, only: network_guess_t, network_swe_closure_t, network_swe_stepper_t
  use program_ends, only: end_run, end_with, namelist_argument
  use swe_blocks, only: ranks_t
  use swe_coupling, only: swe_coupling_t
  use swe_run, only: run, swe_config_t
  use swe_slots, only: swe_slots_t
  implicit none

  character(len=*), parameter :: name = "isthmus-shallow-water-coupled"
  character(len=*), parameter :: help(*) = [character(len=92) :: &
    "&coupling     network = model file (.pt or .pt2), device = 'cpu' (or 'cuda', ...),", &
    "              role = 'step' (or 'closure', 'first_guess', 'preconditioner'),", &
    "              guarded = .true. (outside the limits of the contract the model acts)", &
    "", &
    "All other groups are those of isthmus-shallow-water; see its --help. Inputs are any", &
    "of zeta, u, v, depth (y, x). Outputs: zeta_next, u_next, v_next of a step; stress_u", &
    "and stress_v of a closure; z of a first guess. A preconditioner has r and s.", &
    "docs/shallow_water_emulators.md has more."]
  character(len=2048) :: errmsg
  character(len=:), allocatable :: path
  type(swe_config_t) :: config
  type(swe_coupling_t) :: coupling
  type(network_swe_stepper_t), target :: stepper
  type(network_swe_closure_t), target :: closure
  type(network_guess_t), target :: guess
  type(network_preconditioner_t), target :: preconditioner
  type(swe_slots_t) :: slots
  type(ranks_t) :: ranks
  integer :: stat

  path = namelist_argument(name, help)
  errmsg = ""
  call config%read(path, others=["coupling"], stat=stat, errmsg=errmsg)
  if (stat == 0) call coupling%read(path, only=["coupling"], stat=stat, errmsg=errmsg)
  if (stat /= 0) call end_with(name, 2, errmsg)
  call catch_interrupts()
  select case (coupling%role)
  case ("closure")
    slots%closure => closure
    call run_with(closure%network)
  case ("first_guess")
    slots%guess => guess
    call run_with(guess%network)
  case ("preconditioner")
    slots%preconditioner => preconditioner
    call run_preconditioned()
  case default
    slots%stepper => stepper
    call run_with(stepper%network)
  end select
  call end_run(name, stat, errmsg)

contains

  !> Load the network of the slot, run, and say how often the guard refused it.
  subroutine run_with(network)
    type(network_fields_t), intent(inout) :: network

    call network%load(trim(coupling%network), trim(coupling%device), coupling%guarded, &
      stat, errmsg)
    if (stat == 0) call run(config, ranks, slots, stat, errmsg)
    if (network%n_calls > 0) write (error_unit, "(i0, a, i0, a)") network%n_refused, &
      " of ", network%n_calls, " steps without the network: outside its limits"
  end subroutine run_with

  !> The same for a preconditioner.
  subroutine run_preconditioned()
    call preconditioner%load(trim(coupling%network), trim(coupling%device), stat, errmsg)
    if (stat == 0) call run(config, ranks, slots, stat, errmsg)
    if (preconditioner%work%n_failed > 0) write (error_unit, "(i0, a, i0, 2a)") &
      preconditioner%work%n_failed, " of ", preconditioner%work%n_calls, &
      " calls of the preconditioner failed and were answered by the diagonal: ", &
      trim(preconditioner%work%problem)
  end subroutine run_preconditioned

end program coupled_shallow_water
