! SPDX-License-Identifier: MIT
!> `isthmus-lorenz96 config.nml`: integrate Lorenz-96 as a namelist says.
program lorenz96_program
  use interrupts, only: catch_interrupts
  use lorenz96_run, only: lorenz96_config_t, run
  use program_ends, only: end_run, end_with, namelist_argument
  implicit none

  character(len=*), parameter :: name = "isthmus-lorenz96"
  character(len=*), parameter :: help(*) = [character(len=92) :: &
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
  character(len=2048) :: errmsg
  character(len=:), allocatable :: path
  type(lorenz96_config_t) :: config
  integer :: stat

  path = namelist_argument(name, help)
  errmsg = ""
  call config%read(path, stat=stat, errmsg=errmsg)
  if (stat /= 0) call end_with(name, 2, errmsg)
  call catch_interrupts()
  call run(config, stat=stat, errmsg=errmsg)
  call end_run(name, stat, errmsg)

end program lorenz96_program
