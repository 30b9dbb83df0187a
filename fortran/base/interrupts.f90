! SPDX-License-Identifier: MIT
!> Ctrl-C and SIGTERM as a flag that a run looks at between steps.
module interrupts
  use, intrinsic :: iso_c_binding, only: c_funloc, c_funptr, c_int
  implicit none
  private
  public :: catch_interrupts, exit_program, interrupted_by

  integer(c_int), parameter :: sigint = 2, sigterm = 15 ! the same on all POSIX systems
  integer(c_int), volatile :: caught = 0

  interface
    type(c_funptr) function c_signal(number, handler) bind(c, name="signal")
      import :: c_funptr, c_int
      implicit none
      integer(c_int), value :: number
      type(c_funptr), value :: handler
    end function c_signal

    subroutine c_exit(status) bind(c, name="exit")
      import :: c_int
      implicit none
      integer(c_int), value :: status
    end subroutine c_exit
  end interface

contains

  !> From now on SIGINT and SIGTERM only raise the flag.
  subroutine catch_interrupts()
    type(c_funptr) :: ignored

    caught = 0
    ignored = c_signal(sigint, c_funloc(note))
    ignored = c_signal(sigterm, c_funloc(note))
  end subroutine catch_interrupts

  !> The signal that was caught, 0 if none.
  integer function interrupted_by()
    interrupted_by = int(caught)
  end function interrupted_by

  !> End with a status and without the runtime's notes on floating-point flags.
  subroutine exit_program(status)
    integer, intent(in) :: status !! 0 is success

    call c_exit(int(status, c_int))
  end subroutine exit_program

  !> The handler: it may do nothing but note the signal.
  subroutine note(number) bind(c, name="isthmus_note_signal")
    integer(c_int), value :: number !! signal

    caught = number
  end subroutine note

end module interrupts
