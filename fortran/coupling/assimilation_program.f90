! SPDX-License-Identifier: MIT
!> `isthmus-four-d-var config.nml`: 4D-Var of Lorenz-96 or its emulator, and no Python.
program assimilation_program
  use assimilation_config, only: assimilation_config_t
  use assimilation_run, only: run
  use program_ends, only: end_run, end_with, namelist_argument
  implicit none

  character(len=*), parameter :: name = "isthmus-four-d-var"
  character(len=*), parameter :: help(*) = [character(len=92) :: &
    "&assimilation  n_sites = 40, forcing = 8.0, dt = 0.05 (between observation times),", &
    "               n_window = 8 (observation times in a window),", &
    "               network = emulator of one step (.pt or .pt2 with jvp and vjp) in the", &
    "               place of the model, none if absent, device = 'cpu',", &
    "               sd = 0.0 (of background errors; 0: no background term),", &
    "               observation_sd = 1.0, tolerance = 1e-4 (the gradient falls by it),", &
    "               max_outer = 20, max_inner = 50,", &
    "               observations = netCDF file: y(time, k), missing values masked, and", &
    "               x_first(k), the background of the first window;", &
    "               analysis = 'analysis.nc'", &
    "", &
    "Exit status: 0 done, 1 the run failed, 2 the namelist is wrong."]
  character(len=2048) :: errmsg
  character(len=:), allocatable :: path
  type(assimilation_config_t) :: config
  integer :: stat

  path = namelist_argument(name, help)
  errmsg = ""
  call config%read(path, stat=stat, errmsg=errmsg)
  if (stat /= 0) call end_with(name, 2, errmsg)
  call run(config, stat, errmsg)
  call end_run(name, stat, errmsg)

end program assimilation_program
