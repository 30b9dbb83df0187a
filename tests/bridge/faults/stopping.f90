! SPDX-License-Identifier: MIT
!> Without `stat`, a failure is printed and stops the program: what test_stopping.sh runs.
!> `stopping CASE NETWORK` must never reach its end.
program stopping
  use, intrinsic :: iso_fortran_env, only: real32
  use isthmus, only: isthmus_model_t
  implicit none

  type(isthmus_model_t) :: model
  real(real32), target :: single(4, 3)
  character(len=16) :: provoked
  character(len=1024) :: path
  character(len=80) :: errmsg

  call get_command_argument(1, provoked)
  call get_command_argument(2, path)
  single = 0.0_real32
  select case (provoked)
  case ("load")
    call model%load("absent.pt")
  case ("errmsg") ! alone it does not make the caller a listener
    call model%load("absent.pt", errmsg=errmsg)
  case ("bind")
    call model%load(trim(path))
    call model%bind_input("x", single)
  case ("run")
    call model%load(trim(path))
    call model%run()
  case default ! nothing is loaded
    call model%run_jvp()
  end select
  write (*, "(a)") "went on"
end program stopping
