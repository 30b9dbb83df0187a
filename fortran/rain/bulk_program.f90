! SPDX-License-Identifier: MIT
!> `isthmus-rain-bulk config.nml`: warm rain by moments in boxes or columns.
program bulk_program
  use bulk_run, only: bulk_config_t, run
  use interrupts, only: catch_interrupts
  use program_ends, only: end_run, end_with, namelist_argument
  implicit none

  character(len=*), parameter :: name = "isthmus-rain-bulk"
  character(len=*), parameter :: help(*) = [character(len=92) :: &
    "&clouds       liquid_water = 1e-3 [kg m-3], mean_radius = 13e-6 [m], shape = 1.0:", &
    "              lists; boxes are all combinations, columns take the last two in turn", &
    "&shaft        levels = 0 (boxes), columns = 1, dz = 50.0 [m], cloud_base = 600.0", &
    "              [m], lapse = 2e-6 [kg m-4], updraft_time = 1200.0 [s],", &
    "              updraft_every = 0.0 [s] (0: once), updraft_min = 1.0, updraft_max =", &
    "              3.0 [m s-1] (first and last column)", &
    "&integration  dt = 20.0 [s], substeps = 4 (of Seifert-Beheng), duration = 3600.0", &
    "              [s], output_every = 20.0 [s]", &
    "&files        output = netCDF file", &
    "", &
    "Exit status: 0 done, 1 the run failed, 2 the namelist is wrong, 130 Ctrl-C."]
  character(len=2048) :: errmsg
  character(len=:), allocatable :: path
  type(bulk_config_t) :: config
  integer :: stat

  path = namelist_argument(name, help)
  errmsg = ""
  call config%read(path, stat=stat, errmsg=errmsg)
  if (stat /= 0) call end_with(name, 2, errmsg)
  call catch_interrupts()
  call run(config, stat=stat, errmsg=errmsg)
  call end_run(name, stat, errmsg)

end program bulk_program
