! SPDX-License-Identifier: MIT
!> Ctrl-C and SIGTERM as a flag that a run looks at between steps.
module interrupts
  use, intrinsic :: iso_c_binding, only: c_funloc, c_funptr, c_int, c_intptr_t, &
    c_null_funptr
  use, intrinsic :: iso_fortran_env, only: error_unit, output_unit
  implicit none
  private
  public :: catch_interrupts, exit_program, interrupted_by

  integer(c_int), parameter :: sigint = 2, sigterm = 15 ! the same on all POSIX systems
  integer(c_int), parameter :: sigxfsz = 25 ! Linux and macOS
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

    subroutine c_exit_at_once(status) bind(c, name="_exit")
      import :: c_int
      implicit none
      integer(c_int), value :: status
    end subroutine c_exit_at_once
  end interface

contains

  !> From now on SIGINT and SIGTERM only raise the flag. SIGXFSZ is ignored: a file beyond
  !> the user's limit is then an error of writing, reported as that of a full disk.
  subroutine catch_interrupts()
    type(c_funptr) :: ignored

    caught = 0
    ignored = c_signal(sigint, c_funloc(note))
    ignored = c_signal(sigterm, c_funloc(note))
    ignored = c_signal(sigxfsz, transfer(1_c_intptr_t, c_null_funptr)) ! 1 is SIG_IGN
  end subroutine catch_interrupts

  !> The signal that was caught, 0 if none.
  integer function interrupted_by()
    interrupted_by = int(caught)
  end function interrupted_by

  !> End with a status and without the runtime's notes on floating-point flags. After a
  !> failure the libraries' exit handlers are skipped: HDF5's crashes if a disk was full.
  subroutine exit_program(status)
    integer, intent(in) :: status !! 0 is success

    flush (output_unit)
    flush (error_unit)
    if (status == 0) then
      call c_exit(int(status, c_int))
    else
      call c_exit_at_once(int(status, c_int))
    end if
  end subroutine exit_program

  !> The handler: it may do nothing but note the signal.
  subroutine note(number) bind(c, name="isthmus_note_signal")
    integer(c_int), value :: number !! signal

    caught = number
  end subroutine note

end module interrupts
