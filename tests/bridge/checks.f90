! SPDX-License-Identifier: MIT
!> What the bridge's Fortran tests assert with.
module checks
  use, intrinsic :: iso_fortran_env, only: error_unit
  implicit none
  private
  public :: check, expect, finish, network

  integer :: n_checks = 0
  integer :: n_failures = 0

contains

  !> Assert a property.
  subroutine check(holds, what)
    logical, intent(in) :: holds
    character(len=*), intent(in) :: what !! the property, in words

    n_checks = n_checks + 1
    if (holds) return
    n_failures = n_failures + 1
    write (error_unit, "(2a)") "not so: ", what
  end subroutine check

  !> Assert the outcome of a call.
  subroutine expect(status, fragment, stat, errmsg, what)
    integer, intent(in) :: status              !! expected
    character(len=*), intent(in) :: fragment   !! of the message
    integer, intent(in) :: stat                !! found
    character(len=*), intent(in) :: errmsg     !! found
    character(len=*), intent(in) :: what       !! was called

    n_checks = n_checks + 1
    if (stat == status .and. (status == 0 .or. index(errmsg, fragment) > 0)) return
    n_failures = n_failures + 1
    write (error_unit, "(2a, 2(a, i0), 4a)") what, ":", " expected ", status, ", found ", &
      stat, ", message: ", trim(errmsg), " expected: ", fragment
  end subroutine expect

  !> Path of a test network, below the folder that is the program's argument.
  function network(name) result(path)
    character(len=*), intent(in) :: name
    character(len=:), allocatable :: path

    character(len=1024) :: folder

    call get_command_argument(1, folder)
    path = trim(folder)//"/"//name
  end function network

  !> Tell the sum, stop with a failure if there was one.
  subroutine finish()
    write (*, "(i0, a, i0, a)") n_checks, " checks, ", n_failures, " failures"
    if (n_failures > 0) error stop
    if (n_checks == 0) error stop "nothing was checked"
  end subroutine finish

end module checks
