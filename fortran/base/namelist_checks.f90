! SPDX-License-Identifier: MIT
!> Checks of what a namelist says. The first that fails fills `problem`, others are silent.
module namelist_checks
  implicit none
  private
  public :: check_at_least, check_choice

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

end module namelist_checks
