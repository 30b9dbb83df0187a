! SPDX-License-Identifier: MIT
!> `isthmus-shallow-water config.nml`: run the shallow water model as a namelist says.
program swe_program
  use interrupts, only: catch_interrupts
  use program_ends, only: end_run, end_with, namelist_argument
  use swe_agreement, only: agree, everyone
  use swe_blocks, only: ranks_t
  use swe_help, only: help_text
  use swe_ranks, only: end_ranks, start_ranks
  use swe_run, only: run, swe_config_t
  implicit none

  character(len=*), parameter :: name = "isthmus-shallow-water"
  character(len=2048) :: errmsg
  character(len=:), allocatable :: path
  type(ranks_t) :: ranks
  type(swe_config_t) :: config
  integer :: stat

  path = namelist_argument(name, help_text)
  call start_ranks(ranks)
  errmsg = ""
  call config%read(path, stat=stat, errmsg=errmsg)
  call agree(everyone(ranks), stat, errmsg)
  if (stat /= 0) call end_all(2)
  call catch_interrupts()
  call run(config, ranks, stat=stat, errmsg=errmsg)
  call end_all(1)

contains

  !> End on all ranks; rank 0 says why.
  subroutine end_all(status)
    integer, intent(in) :: status !! exit status of a failure

    integer :: rank

    rank = ranks%rank
    call end_ranks(ranks)
    if (rank /= 0) call end_run(name, 0, "")
    if (stat /= 0 .and. status == 2) call end_with(name, 2, errmsg)
    call end_run(name, stat, errmsg)
  end subroutine end_all

end program swe_program
