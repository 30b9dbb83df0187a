! SPDX-License-Identifier: MIT
!> `isthmus-rain-bulk-coupled config.nml`: warm rain with a network of rates, and no Python.
!>
!> The network reads the state (quantity, cell) and answers with rates (rate, cell); fluxes
!> and limits are the model's, so water is kept whatever the network says.
program coupled_rain
  use bulk_run, only: bulk_config_t, run
  use coupling_config, only: check_time_step, coupling_config_t, max_role
  use interrupts, only: catch_interrupts
  use network_closure, only: network_closure_t
  use program_ends, only: end_run, end_with, namelist_argument
  implicit none

  character(len=*), parameter :: name = "isthmus-rain-bulk-coupled"
  character(len=*), parameter :: help(*) = [character(len=92) :: &
    "&coupling     network = model file (.pt or .pt2), device = 'cpu' (or 'cuda', ...)", &
    "", &
    "All other groups are those of isthmus-rain-bulk; see its --help. The network has", &
    "one input, the state (cell, 7), and one output, the rates (cell, 4). Its time step", &
    "must be that of the namelist."]
  character(len=2048) :: errmsg
  character(len=:), allocatable :: path
  type(bulk_config_t) :: config
  type(coupling_config_t) :: coupling
  type(network_closure_t) :: closure
  integer :: stat

  path = namelist_argument(name, help)
  errmsg = ""
  call config%read(path, others=["coupling"], stat=stat, errmsg=errmsg)
  coupling%roles = [character(len=max_role) :: "closure"]
  if (stat == 0) call coupling%read(path, only=["coupling"], stat=stat, errmsg=errmsg)
  if (stat /= 0) call end_with(name, 2, errmsg)
  call catch_interrupts()
  call closure%load(trim(coupling%network), trim(coupling%device), stat, errmsg)
  if (stat == 0) call check_time_step(trim(coupling%network), closure%time_step(), &
    config%dt, stat, errmsg)
  if (stat == 0) call run(config, closure, trim(coupling%network), stat, errmsg)
  call end_run(name, stat, errmsg)

end program coupled_rain
