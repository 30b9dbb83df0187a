! SPDX-License-Identifier: MIT
!> `isthmus-rain-bulk-coupled config.nml`: warm rain with a network of rates, and no Python.
!>
!> The network reads the state (quantity, cell) and answers with rates (rate, cell); fluxes
!> and limits are the model's, so water is kept whatever the network says.
program coupled_rain
  use bulk_run, only: bulk_config_t, run
  use coupling_config, only: coupling_config_t
  use failures, only: err_argument, fail
  use interrupts, only: catch_interrupts
  use kinds, only: wp
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
  real(wp), parameter :: same = 1.0e-12_wp !! relative; one number, read from two texts
  character(len=2048) :: errmsg
  character(len=:), allocatable :: path
  type(bulk_config_t) :: config
  type(coupling_config_t) :: coupling
  type(network_closure_t) :: closure
  integer :: stat

  path = namelist_argument(name, help)
  errmsg = ""
  call config%read(path, others=["coupling"], stat=stat, errmsg=errmsg)
  if (stat == 0) call coupling%read(path, only=["coupling"], stat=stat, &
    errmsg=errmsg)
  if (stat == 0 .and. coupling%role /= "closure") call fail(err_argument, path// &
    ": 'role' in &coupling must be closure, found '"//trim(coupling%role)//"'", stat, &
    errmsg)
  if (stat /= 0) call end_with(name, 2, errmsg)
  call catch_interrupts()
  call closure%load(trim(coupling%network), trim(coupling%device), stat, errmsg)
  if (stat == 0) call check_time_step()
  if (stat == 0) call run(config, closure, trim(coupling%network), stat, errmsg)
  call end_run(name, stat, errmsg)

contains

  !> Refuse rates that are means over another time than a step.
  subroutine check_time_step()
    character(len=64) :: steps
    real(wp) :: dt

    dt = closure%time_step()
    if (.not. dt > 0.0_wp .or. abs(dt - config%dt) <= same*dt) return
    write (steps, "(f0.3, a, f0.3)") dt, " s, the namelist has dt = ", config%dt
    call fail(err_argument, "network '"//trim(coupling%network)// &
      "' answers with means over "//trim(steps), stat, errmsg)
  end subroutine check_time_step

end program coupled_rain
