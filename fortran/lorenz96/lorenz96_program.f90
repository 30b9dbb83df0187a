! SPDX-License-Identifier: MIT
!> `isthmus-lorenz96 config.nml`: integrate Lorenz-96 as a namelist says.
program lorenz96_program
  use, intrinsic :: iso_fortran_env, only: error_unit, output_unit
  use failures, only: err_interrupted
  use interrupts, only: catch_interrupts, exit_program, interrupted_by
  use lorenz96_run, only: lorenz96_config_t, read_config, run
  use version, only: isthmus_version
  implicit none

  type(lorenz96_config_t) :: config
  character(len=1024) :: argument
  character(len=2048) :: errmsg
  integer :: stat

  if (command_argument_count() /= 1) call end_with(2, &
    "one argument expected, the namelist file; see --help")
  call get_command_argument(1, argument)
  select case (argument)
  case ("--help", "-h")
    call print_help()
    call exit_program(0)
  case ("--version")
    write (output_unit, "(a)") "isthmus-lorenz96 "//isthmus_version
    call exit_program(0)
  end select

  errmsg = ""
  call read_config(trim(argument), config, stat=stat, errmsg=errmsg)
  if (stat /= 0) call end_with(2, errmsg)
  call catch_interrupts()
  call run(config, stat=stat, errmsg=errmsg)
  if (stat == err_interrupted) call end_with(128 + interrupted_by(), errmsg)
  if (stat /= 0) call end_with(1, errmsg)
  call exit_program(0)

contains

  !> Print one sentence and end.
  subroutine end_with(status, text)
    integer, intent(in) :: status        !! exit status
    character(len=*), intent(in) :: text !! why

    write (error_unit, "(a)") "isthmus-lorenz96: "//trim(text)
    call exit_program(status)
  end subroutine end_with

  !> All groups and keys with their defaults.
  subroutine print_help()
    character(len=*), parameter :: lines(*) = [character(len=80) :: &
      "usage: isthmus-lorenz96 NAMELIST | --help | --version", &
      "", &
      "&model        levels = 1 (or 2), n_sites = 40, n_fast = 10, forcing = 8.0,", &
      "              h = 1.0, c = 10.0, b = 10.0, wrap = 'ring' (or 'sites'),", &
      "              coupling = 'mean' (or 'sum')", &
      "&integration  scheme = 'rk4' (or 'euler'), dt = 0.05, n_steps = 1000,", &
      "              n_members = 1, spin_up_steps = 0, output_every = 1, seed = 1,", &
      "              perturbation = standard deviation of the initial noise", &
      "              (1 without 'initial', 0 with it)", &
      "&files        output, restart_in, restart_out, initial (netCDF files, none if", &
      "              absent), initial_record = 0 (the last), precision = 'float64'", &
      "              (or 'float32'), write_fast = .true.", &
      "&closure      kind = 'none' (or 'linear', 'polynomial'), coefficients = of x^0,", &
      "              x^1, ..., scheme = 'held' (or 'every_stage')", &
      "", &
      "Exit status: 0 done, 1 the run failed, 2 the namelist is wrong, 130 Ctrl-C.", &
      "A trajectory appears under its name only when it is complete; one that ended", &
      "early is kept as NAME.failed.nc or NAME.interrupted.nc."]
    integer :: i

    do i = 1, size(lines)
      write (output_unit, "(a)") trim(lines(i))
    end do
  end subroutine print_help

end program lorenz96_program
