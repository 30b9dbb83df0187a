! SPDX-License-Identifier: MIT
!> One way to fail, as `allocate` does it: a present `stat` receives the code and the caller
!> goes on; without `stat` the message is printed and the program stops.
module failures
  use, intrinsic :: iso_fortran_env, only: error_unit
  implicit none
  private
  public :: fail, succeed

  integer, parameter, public :: err_argument = 1 !! a value that makes no sense
  integer, parameter, public :: err_file = 2     !! absent, unreadable, unwritable, foreign
  integer, parameter, public :: err_shape = 3    !! extents that do not fit together
  integer, parameter, public :: err_runtime = 5  !! not finite, diverged, failed inside
  integer, parameter, public :: err_interrupted = 7 !! stopped by a signal

contains

  !> Report a failure to the caller, or stop if it does not listen.
  subroutine fail(code, text, stat, errmsg)
    integer, intent(in) :: code                     !! one of err_*
    character(len=*), intent(in) :: text            !! what was wrong, expected, found
    integer, intent(out), optional :: stat          !! receives `code`
    character(len=*), intent(inout), optional :: errmsg !! receives `text`

    if (present(errmsg)) errmsg = text
    if (present(stat)) then
      stat = code
    else
      write (error_unit, "(a)") text
      error stop
    end if
  end subroutine fail

  !> Set `stat` to zero if it is there.
  subroutine succeed(stat)
    integer, intent(out), optional :: stat !! receives 0

    if (present(stat)) stat = 0
  end subroutine succeed

end module failures
