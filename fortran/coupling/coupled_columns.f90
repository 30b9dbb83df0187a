! SPDX-License-Identifier: MIT
!> Any column model with a network in its closure slot.
!>
!> The network has one input, the state (value, column), and one output, the fluxes (flux,
!> column); the model applies their divergence, so what it conserves stays conserved.
module coupled_columns
  use column_run, only: column_config_t, column_help, read_column_config, run_columns
  use columns, only: column_t
  use coupling_config, only: check_time_step, coupling_config_t, max_role
  use interrupts, only: catch_interrupts
  use network_closure, only: network_closure_t
  use program_ends, only: end_run, end_with, namelist_argument
  implicit none
  private
  public :: run_coupled_program

  character(len=*), parameter :: help(*) = [character(len=92) :: &
    "&coupling     network = model file (.pt or .pt2), device = 'cpu' (or 'cuda', ...)", &
    "", &
    "All other groups are those of the program without '-coupled'; see its --help. The", &
    "network has one input, the state (column, value), and one output, the fluxes", &
    "(column, flux). Its time step must be that of the namelist."]

contains

  !> The program: namelist, network, run.
  subroutine run_coupled_program(name, model)
    character(len=*), intent(in) :: name     !! of the program
    class(column_t), intent(inout) :: model

    character(len=2048) :: errmsg
    character(len=:), allocatable :: path
    type(column_config_t) :: config
    type(coupling_config_t) :: coupling
    type(network_closure_t) :: closure
    integer :: stat

    path = namelist_argument(name, [help, column_help])
    errmsg = ""
    call model%declare()
    call read_column_config(path, config, model, ["coupling"], stat, errmsg)
    coupling%roles = [character(len=max_role) :: "closure"]
    if (stat == 0) call coupling%read(path, only=["coupling"], stat=stat, errmsg=errmsg)
    if (stat /= 0) call end_with(name, 2, errmsg)
    call catch_interrupts()
    call closure%load(trim(coupling%network), trim(coupling%device), stat, errmsg)
    if (stat == 0) call check_time_step(trim(coupling%network), closure%time_step(), &
      config%dt, stat, errmsg)
    if (stat == 0) call run_columns(config, model, closure, trim(coupling%network), stat, &
      errmsg)
    call end_run(name, stat, errmsg)
  end subroutine run_coupled_program

end module coupled_columns
