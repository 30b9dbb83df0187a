! SPDX-License-Identifier: MIT
!> `isthmus-lorenz96-coupled config.nml`: Lorenz-96 with a network inside, and no Python.
!>
!> The network either adds a tendency (`role = 'closure'`) or replaces the whole time step
!> (`role = 'stepper'`).
program coupled_lorenz96
  use coupling_config, only: coupling_config_t, max_role
  use interrupts, only: catch_interrupts, exit_program
  use lorenz96_run, only: lorenz96_config_t, run
  use network_closure, only: network_closure_t
  use network_stepper, only: network_stepper_t
  use program_ends, only: end_run, end_with, namelist_argument
  implicit none

  character(len=*), parameter :: name = "isthmus-lorenz96-coupled"
  character(len=*), parameter :: help(*) = [character(len=92) :: &
    "&coupling     network = model file (.pt or .pt2), role = 'closure' (or 'stepper'),", &
    "              device = 'cpu' (or 'cuda', 'cuda:1', ...)", &
    "", &
    "All other groups are those of isthmus-lorenz96; see its --help. The network reads", &
    "and writes the model's own arrays. A stepper's time step must be that of the", &
    "namelist."]
  character(len=2048) :: errmsg
  character(len=:), allocatable :: path
  type(lorenz96_config_t) :: config
  type(coupling_config_t) :: coupling
  integer :: stat

  path = namelist_argument(name, help)
  errmsg = ""
  call config%read(path, others=["coupling"], stat=stat, errmsg=errmsg)
  if (stat /= 0) call end_with(name, 2, errmsg)
  coupling%roles = [character(len=max_role) :: "closure", "stepper"]
  call coupling%read(path, only=["coupling"], stat=stat, errmsg=errmsg)
  if (stat /= 0) call end_with(name, 2, errmsg)
  call catch_interrupts()
  if (coupling%role == "closure") then
    call run_with_closure()
  else
    call run_with_stepper()
  end if
  call end_run(name, stat, errmsg)

contains

  !> The network in the closure slot.
  subroutine run_with_closure()
    type(network_closure_t) :: closure

    call closure%load(trim(coupling%network), trim(coupling%device), stat, errmsg)
    if (stat == 0) call run(config, closure=closure, stat=stat, errmsg=errmsg)
  end subroutine run_with_closure

  !> The network in place of the step.
  subroutine run_with_stepper()
    type(network_stepper_t) :: stepper

    call stepper%load(trim(coupling%network), trim(coupling%device), config%dt, stat, &
      errmsg)
    if (stat == 0) call run(config, stepper=stepper, stat=stat, errmsg=errmsg)
  end subroutine run_with_stepper

end program coupled_lorenz96
