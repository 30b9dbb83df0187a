! SPDX-License-Identifier: MIT
!> `isthmus-chemistry-coupled config.nml`: boxes of chemistry with a network, or another
!> method, in the slot of the stiff solver; and no Python.
program coupled_chemistry
  use, intrinsic :: iso_fortran_env, only: error_unit
  use chemistry_coupling, only: chemistry_coupling_t
  use chemistry_reactors, only: qssa_reactor_t, solver_reactor_t
  use chemistry_run, only: chemistry_config_t, run, setup_solver
  use interrupts, only: catch_interrupts
  use network_reactor, only: network_reactor_t
  use program_ends, only: end_run, end_with, namelist_argument
  implicit none

  character(len=*), parameter :: name = "isthmus-chemistry-coupled"
  character(len=*), parameter :: help(*) = [character(len=92) :: &
    "&coupling     reactor = 'network' (or 'qssa', 'solver'),", &
    "              network = model file (.pt, .pt2; .nc: computed in Fortran),", &
    "              guarded = .true. (cells outside the network's range by the solver),", &
    "              n_substeps = 60 (of 'qssa'), keep_steps = .true. (of 'solver')", &
    "", &
    "All other groups are those of isthmus-chemistry; see its --help. They describe the", &
    "solver that takes the cells outside the network's range. The network's time step", &
    "must be 'dt'."]
  character(len=2048) :: errmsg
  character(len=:), allocatable :: path
  type(chemistry_config_t) :: config
  type(chemistry_coupling_t) :: coupling
  integer :: stat

  path = namelist_argument(name, help)
  errmsg = ""
  call config%read(path, others=["coupling"], stat=stat, errmsg=errmsg)
  if (stat /= 0) call end_with(name, 2, errmsg)
  call coupling%read(path, only=["coupling"], stat=stat, errmsg=errmsg)
  if (stat /= 0) call end_with(name, 2, errmsg)
  call catch_interrupts()
  select case (coupling%reactor)
  case ("qssa")
    call run_qssa()
  case ("solver")
    call run_solver()
  case default
    call run_network()
  end select
  call end_run(name, stat, errmsg)

contains

  !> The network, with the solver behind it.
  subroutine run_network()
    type(network_reactor_t) :: reactor

    call setup_solver(config, reactor%fallback%solver, stat, errmsg)
    if (stat == 0) call reactor%load(trim(coupling%network), coupling%guarded, stat, errmsg)
    if (stat == 0) call run(config, reactor, stat, errmsg)
    if (stat == 0) write (error_unit, "(i0, a, i0, a)") reactor%n_fallback, " of ", &
      reactor%n_cells, " cell steps by the solver, outside the network's range"
  end subroutine run_network

  !> The stiff solver through the slot.
  subroutine run_solver()
    type(solver_reactor_t) :: reactor

    call setup_solver(config, reactor%solver, stat, errmsg)
    reactor%keeps_steps = coupling%keep_steps
    if (stat == 0) call run(config, reactor, stat, errmsg)
  end subroutine run_solver

  !> Quasi-steady state.
  subroutine run_qssa()
    type(qssa_reactor_t) :: reactor
    type(solver_reactor_t) :: described

    call setup_solver(config, described%solver, stat, errmsg)
    if (stat == 0) call reactor%qssa%setup(described%solver%mechanism, stat, errmsg)
    reactor%n_substeps = coupling%n_substeps
    if (stat == 0) call run(config, reactor, stat, errmsg)
  end subroutine run_qssa

end program coupled_chemistry
