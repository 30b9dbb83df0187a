! SPDX-License-Identifier: MIT
!> Checks that are counted; a driver ends with `finish`, which fails if one did.
module testing
  use, intrinsic :: iso_fortran_env, only: error_unit, output_unit
  use kinds, only: wp
  use random, only: random_t
  implicit none
  private
  public :: check, check_below, fill_random, finish, slope

  integer :: n_checks = 0, n_failures = 0
  type(random_t) :: stream

contains

  !> Count a property that holds or does not.
  subroutine check(holds, property)
    logical, intent(in) :: holds             !! whether it does
    character(len=*), intent(in) :: property !! a sentence

    n_checks = n_checks + 1
    if (holds) return
    n_failures = n_failures + 1
    write (error_unit, "(a)") "FAILED: "//property
  end subroutine check

  !> Count a number that must not exceed a bound, and print it.
  subroutine check_below(value, bound, property)
    real(wp), intent(in) :: value            !! found
    real(wp), intent(in) :: bound            !! largest that is right
    character(len=*), intent(in) :: property !! a sentence

    write (output_unit, "(2a, es10.2, a, es10.2)") property, ": ", value, " <= ", bound
    call check(value <= bound, property)
  end subroutine check_below

  !> Normal deviates, the same in every run.
  subroutine fill_random(values, scale)
    real(wp), intent(out) :: values(:, :) !! set
    real(wp), intent(in) :: scale         !! standard deviation

    integer :: i, j

    do j = 1, size(values, 2)
      do i = 1, size(values, 1)
        call stream%normal(values(i, j))
        values(i, j) = scale*values(i, j)
      end do
    end do
  end subroutine fill_random

  !> Slope of log(errors) over log(sizes) between two measurements.
  pure real(wp) function slope(sizes, errors)
    real(wp), intent(in) :: sizes(2)  !! e.g. time steps
    real(wp), intent(in) :: errors(2) !! their errors

    slope = log(errors(2)/errors(1))/log(sizes(2)/sizes(1))
  end function slope

  !> Fail the driver if a check failed.
  subroutine finish()
    write (output_unit, "(i0, a, i0, a)") n_checks - n_failures, " of ", n_checks, " hold"
    if (n_failures > 0) error stop
  end subroutine finish

end module testing
