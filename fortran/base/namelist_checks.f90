! SPDX-License-Identifier: MIT
!> Checks of what a namelist says. The first that fails fills `problem`, others are silent.
module namelist_checks
  use kinds, only: wp
  implicit none
  private
  public :: check_at_least, check_choice, check_multiple, check_positive

  real(wp), parameter :: part_of_step = 1.0e-6_wp
    !! accepted difference of an interval from whole steps [steps]: decimal fractions

contains

  !> Say so if a word is none of those offered.
  subroutine check_choice(key, value, choices, problem)
    character(len=*), intent(in) :: key        !! of the namelist
    character(len=*), intent(in) :: value      !! what it says
    character(len=*), intent(in) :: choices(:) !! what it may say
    character(len=*), intent(inout) :: problem !! set if it does not

    integer :: i

    if (problem /= "" .or. any(choices == value)) return
    problem = "'"//key//"' must be "//trim(choices(1))
    do i = 2, size(choices)
      problem = trim(problem)//" or "//trim(choices(i))
    end do
    problem = trim(problem)//", found '"//trim(value)//"'"
  end subroutine check_choice

  !> Say so if a count is too small.
  subroutine check_at_least(key, value, least, problem)
    character(len=*), intent(in) :: key        !! of the namelist
    integer, intent(in) :: value               !! what it says
    integer, intent(in) :: least               !! smallest that makes sense
    character(len=*), intent(inout) :: problem !! set if it is less

    if (problem /= "" .or. value >= least) return
    write (problem, "(3a, i0, a, i0)") "'", key, "' must be at least ", least, &
      ", found ", value
  end subroutine check_at_least

  !> Say so if a number is not positive and finite.
  subroutine check_positive(key, value, problem)
    character(len=*), intent(in) :: key        !! of the namelist
    real(wp), intent(in) :: value              !! what it says
    character(len=*), intent(inout) :: problem !! set if it is not

    if (problem /= "" .or. (value > 0.0_wp .and. value < huge(value))) return
    write (problem, "(3a, g0)") "'", key, "' must be positive and finite, found ", value
  end subroutine check_positive

  !> Say so if an interval is not so many times another one.
  subroutine check_multiple(key, value, part_key, part, problem)
    character(len=*), intent(in) :: key        !! of the interval
    real(wp), intent(in) :: value              !! its length
    character(len=*), intent(in) :: part_key   !! of the shorter one
    real(wp), intent(in) :: part               !! its length
    character(len=*), intent(inout) :: problem !! set if it is not

    if (problem /= "" .or. abs(value/part - anint(value/part)) < part_of_step) return
    write (problem, "(5a, g0, a, g0)") "'", key, "' must be a multiple of '", part_key, &
      "', found ", value, " and ", part
  end subroutine check_multiple

end module namelist_checks
