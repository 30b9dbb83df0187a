! SPDX-License-Identifier: MIT
!> `isthmus-rain-shaft config.nml`: rain shafts of super-droplets.
program superdroplet_shaft_program
  use interrupts, only: catch_interrupts
  use program_ends, only: end_run, end_with, namelist_argument
  use superdroplet_shaft_run, only: read_config, run, shaft_config_t
  implicit none

  character(len=*), parameter :: name = "isthmus-rain-shaft"
  character(len=*), parameter :: help(*) = [character(len=92) :: &
    "The groups &clouds, &shaft, &integration and &files are those of isthmus-rain-bulk", &
    "(see its --help); 'levels' must be positive, 'dt' and 'substeps' of &integration", &
    "belong to the scheme for moments. The drops have a group of their own:", &
    "", &
    "&droplets     members = 4, seed = 1, kernel = 'long' (or 'hall', 'geometric',", &
    "              'golovin'), new_droplets = 32 (form in a level at a time),", &
    "              form_every = 10.0 [s], dt = 1.0 [s], volume = 1.0 [m3] (of a level),", &
    "              max_substeps = 1 (parts of a step of collisions), tallies = .false.", &
    "              (write what collisions and falling did, level by level)", &
    "", &
    "Exit status: 0 done, 1 the run failed, 2 the namelist is wrong, 130 Ctrl-C."]
  character(len=2048) :: errmsg
  character(len=:), allocatable :: path
  type(shaft_config_t) :: config
  integer :: stat

  path = namelist_argument(name, help)
  errmsg = ""
  call read_config(path, config, stat, errmsg)
  if (stat /= 0) call end_with(name, 2, errmsg)
  call catch_interrupts()
  call run(config, stat, errmsg)
  call end_run(name, stat, errmsg)

end program superdroplet_shaft_program
