! SPDX-License-Identifier: MIT
!> `isthmus-chemistry config.nml`: integrate boxes of a mechanism as a namelist says.
program chemistry_program
  use chemistry_run, only: chemistry_config_t, run
  use interrupts, only: catch_interrupts
  use program_ends, only: end_run, end_with, namelist_argument
  implicit none

  character(len=*), parameter :: name = "isthmus-chemistry"
  character(len=*), parameter :: help(*) = [character(len=92) :: &
    "&mechanism    file = mechanism (text, see docs/chemistry.md), temperature [K],", &
    "              temperature_spread = 0.0 [K, half width over the cells],", &
    "              latitude, declination [degrees, for mechanisms with 'sun position']", &
    "&integration  method = 'rodas3' (or 'ros2', 'ros3', 'ros4', 'rodas4'),", &
    "              rtol = 1e-3, atol (1e-9 of the largest initial concentration),", &
    "              negatives = 'reject' (or 'keep', 'clip'), max_steps = 100000,", &
    "              t_start = 0.0 (midnight), dt = splitting step (the mechanism's end),", &
    "              n_steps = 1, n_cells = 1, output_every = 1, seed = 1,", &
    "              spread = 1.0 (initial concentrations times spread**u, u in (-1, 1))", &
    "&files        output, initial (netCDF files, none if absent),", &
    "              initial_record = 0 (the last), precision = 'float64' (or 'float32')", &
    "", &
    "Times are in the mechanism's unit.", &
    "Exit status: 0 done, 1 the run failed, 2 the namelist is wrong, 130 Ctrl-C.", &
    "A cell that cannot be integrated is flagged and NaN from then on; the rest goes on.", &
    "A file appears under its name only when it is complete; one that ended early is", &
    "kept as NAME.failed.nc or NAME.interrupted.nc."]
  character(len=2048) :: errmsg
  character(len=:), allocatable :: path
  type(chemistry_config_t) :: config
  integer :: stat

  path = namelist_argument(name, help)
  errmsg = ""
  call config%read(path, stat=stat, errmsg=errmsg)
  if (stat /= 0) call end_with(name, 2, errmsg)
  call catch_interrupts()
  call run(config, stat=stat, errmsg=errmsg)
  call end_run(name, stat, errmsg)

end program chemistry_program
