! SPDX-License-Identifier: MIT
!> `isthmus-rain config.nml`: ensembles of warm clouds as a namelist says.
program rain_program
  use interrupts, only: catch_interrupts
  use program_ends, only: end_run, end_with, namelist_argument
  use rain_run, only: rain_config_t, run
  implicit none

  character(len=*), parameter :: name = "isthmus-rain"
  character(len=*), parameter :: help(*) = [character(len=92) :: &
    "&clouds       liquid_water = [kg m-3], mean_radius = [m], shape = [1]: lists, all", &
    "              combinations are run; without them the published 13 x 7 x 9 = 819", &
    "&box          volume = 10.0 [m3], droplets = 4096,", &
    "              sampling = 'tail' (or 'constant'),", &
    "              kernel = 'long' (or 'hall', 'geometric', 'golovin'),", &
    "              golovin_b = 1500.0 [s-1]", &
    "              method = 'droplets' (or 'bins', without chance: per_doubling = 8)", &
    "&integration  members = 10, seed = 1, dt = 1.0 [s], duration = 3600.0 [s],", &
    "              output_every = 20.0 [s], max_substeps = 1 (parts of a step in which", &
    "              more collisions are due than drops are there)", &
    "&files        output = netCDF file", &
    "", &
    "Exit status: 0 done, 1 the run failed, 2 the namelist is wrong, 130 Ctrl-C.", &
    "Finished cases stand in OUTPUT.part; the same command goes on where it was stopped.", &
    "OMP_NUM_THREADS sets the threads; the results do not depend on it."]
  character(len=2048) :: errmsg
  character(len=:), allocatable :: path
  type(rain_config_t) :: config
  integer :: stat

  path = namelist_argument(name, help)
  errmsg = ""
  call config%read(path, stat=stat, errmsg=errmsg)
  if (stat /= 0) call end_with(name, 2, errmsg)
  call catch_interrupts()
  call run(config, stat=stat, errmsg=errmsg)
  call end_run(name, stat, errmsg)

end program rain_program
