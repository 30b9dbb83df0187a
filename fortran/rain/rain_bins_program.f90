! SPDX-License-Identifier: MIT
!> `isthmus-rain-bins config.nml`: the clouds of isthmus-rain by bins, without noise.
program rain_bins_program
  use interrupts, only: catch_interrupts
  use program_ends, only: end_run, end_with, namelist_argument
  use rain_bins_run, only: rain_config_t, run
  implicit none

  character(len=*), parameter :: name = "isthmus-rain-bins"
  character(len=*), parameter :: help(*) = [character(len=92) :: &
    "The namelist is that of isthmus-rain; see its --help. Volume, droplets, sampling,", &
    "members, seed and max_substeps are not used. A step of 20 s is right up", &
    "to 1.5 g m-3 of water, one of 10 s to 2 g m-3; too long a step is reported.", &
    "", &
    "Exit status: 0 done, 1 the run failed, 2 the namelist is wrong, 130 Ctrl-C."]
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

end program rain_bins_program
