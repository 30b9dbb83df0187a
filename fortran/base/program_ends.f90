! SPDX-License-Identifier: MIT
!> How the programs begin and end: one argument, one sentence, one exit status.
!>
!> Exit status: 0 done, 1 the run failed, 2 the namelist is wrong, 130 Ctrl-C.
module program_ends
  use, intrinsic :: iso_fortran_env, only: error_unit, output_unit
  use failures, only: err_interrupted
  use interrupts, only: exit_program, interrupted_by
  use version, only: isthmus_version
  implicit none
  private
  public :: end_run, end_with, namelist_argument

  integer, parameter :: max_argument = 4096 !! characters of a path

contains

  !> The program's only argument; `--help` and `--version` are answered and end the program.
  function namelist_argument(name, help) result(path)
    character(len=*), intent(in) :: name    !! of the program
    character(len=*), intent(in) :: help(:) !! lines of its help
    character(len=:), allocatable :: path

    character(len=max_argument) :: argument
    integer :: i

    if (command_argument_count() /= 1) call end_with(name, 2, &
      "one argument expected, the namelist file; see --help")
    call get_command_argument(1, argument)
    select case (argument)
    case ("--help", "-h")
      write (output_unit, "(a)") "usage: "//name//" NAMELIST | --help | --version"
      write (output_unit, "(a)") ""
      do i = 1, size(help)
        write (output_unit, "(a)") trim(help(i))
      end do
      call exit_program(0)
    case ("--version")
      write (output_unit, "(a)") name//" "//isthmus_version
      call exit_program(0)
    case default
      path = trim(argument)
    end select
  end function namelist_argument

  !> End with the exit status that belongs to the outcome of a run.
  subroutine end_run(name, stat, errmsg)
    character(len=*), intent(in) :: name   !! of the program
    integer, intent(in) :: stat            !! outcome of the run
    character(len=*), intent(in) :: errmsg !! why it failed, if it did

    if (stat == err_interrupted) call end_with(name, 128 + interrupted_by(), errmsg)
    if (stat /= 0) call end_with(name, 1, errmsg)
    call exit_program(0)
  end subroutine end_run

  !> Print one sentence and end.
  subroutine end_with(name, status, text)
    character(len=*), intent(in) :: name !! of the program
    integer, intent(in) :: status        !! exit status
    character(len=*), intent(in) :: text !! why

    write (error_unit, "(a)") name//": "//trim(text)
    call exit_program(status)
  end subroutine end_with

end module program_ends
