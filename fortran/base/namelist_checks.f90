! SPDX-License-Identifier: MIT
!> Checks of what a namelist says. The first that fails fills `problem`, others are silent.
module namelist_checks
  use kinds, only: wp
  implicit none
  private
  public :: check_amount, check_at_least, check_choice, check_multiple, check_not_negative
  public :: check_paths, check_positive, check_range

  real(wp), parameter :: part_of_step = 1.0e-6_wp
    !! accepted difference of an interval from whole steps [steps]: decimal fractions
  real(wp), parameter :: most_steps = 1.0e9_wp !! that are counted

  interface check_positive
    procedure :: check_one_positive, check_all_positive
  end interface check_positive

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
  subroutine check_one_positive(key, value, problem)
    character(len=*), intent(in) :: key        !! of the namelist
    real(wp), intent(in) :: value              !! what it says
    character(len=*), intent(inout) :: problem !! set if it is not

    if (problem /= "" .or. (value > 0.0_wp .and. value < huge(value))) return
    write (problem, "(3a, g0.6)") "'", key, "' must be positive and finite, found ", value
  end subroutine check_one_positive

  !> Say so if a list is empty or one of its numbers is not positive and finite.
  subroutine check_all_positive(key, values, problem)
    character(len=*), intent(in) :: key        !! of the namelist
    real(wp), intent(in) :: values(:)          !! what it says
    character(len=*), intent(inout) :: problem !! set if they are not

    integer :: i

    if (problem == "" .and. size(values) == 0) problem = "'"//key//"' has no values"
    do i = 1, size(values)
      call check_one_positive(key, values(i), problem)
    end do
  end subroutine check_all_positive

  !> Say so if a number is negative or not finite.
  subroutine check_not_negative(key, value, problem)
    character(len=*), intent(in) :: key        !! of the namelist
    real(wp), intent(in) :: value              !! what it says
    character(len=*), intent(inout) :: problem !! set if it is

    if (problem /= "" .or. (value >= 0.0_wp .and. value < huge(value))) return
    write (problem, "(3a, g0.6)") "'", key, "' must not be negative, found ", value
  end subroutine check_not_negative

  !> Say so if a number is out of its range or not finite.
  subroutine check_range(key, value, least, most, problem)
    character(len=*), intent(in) :: key        !! of the namelist
    real(wp), intent(in) :: value              !! what it says
    real(wp), intent(in) :: least, most        !! range that makes sense
    character(len=*), intent(inout) :: problem !! set if it is outside

    if (problem /= "" .or. (value >= least .and. value <= most)) return
    write (problem, "(3a, g0.6, a, g0.6, a, g0.6)") "'", key, "' must be from ", least, &
      " to ", most, ", found ", value
  end subroutine check_range

  !> Say so if an interval is not so many times another one.
  subroutine check_multiple(key, value, part_key, part, problem)
    character(len=*), intent(in) :: key        !! of the longer interval
    real(wp), intent(in) :: value              !! what it says
    character(len=*), intent(in) :: part_key   !! of the shorter one
    real(wp), intent(in) :: part               !! what that says, above 0
    character(len=*), intent(inout) :: problem !! set if it is not

    logical :: is_multiple

    is_multiple = value/part < most_steps .and. &
      abs(value/part - anint(value/part)) < part_of_step
    if (problem /= "" .or. is_multiple) return
    write (problem, "(5a, g0.6, a, g0.6)") "'", key, "' must be a multiple of '", &
      part_key, "', found ", value, " and ", part
  end subroutine check_multiple

  !> Say so if counts make more values than an array of the programs can hold.
  subroutine check_amount(keys, counts, each, problem)
    character(len=*), intent(in) :: keys       !! of the namelist, as text
    integer, intent(in) :: counts(:)           !! what they say, to be multiplied
    integer, intent(in) :: each                !! values, at least, of one that is counted
    character(len=*), intent(inout) :: problem !! set if they are too many

    real(wp) :: amount

    amount = product(real(counts, wp))*each
    if (problem /= "" .or. amount <= real(huge(1), wp)) return
    write (problem, "(2a, es8.2, a, i0)") keys, " make ", amount, &
      " values, more than an array holds: at most ", huge(1)
  end subroutine check_amount

  !> Say so if a file would be written twice, or over one that is read.
  subroutine check_paths(keys, paths, n_written, problem)
    character(len=*), intent(in) :: keys(:)    !! of the namelist, those written first
    character(len=*), intent(in) :: paths(:)   !! what they say; empty: nothing
    integer, intent(in) :: n_written           !! files that are written
    character(len=*), intent(inout) :: problem !! set if two of them are one

    integer :: i, j

    if (problem /= "") return
    do i = 1, n_written
      do j = i + 1, size(paths)
        if (paths(i) == "" .or. paths(i) /= paths(j)) cycle
        problem = "'"//trim(keys(i))//"' and '"//trim(keys(j))//"' both name '"// &
          trim(paths(i))//"'"
        if (j > n_written) problem = trim(problem)//", which would be overwritten"
        return
      end do
    end do
  end subroutine check_paths

end module namelist_checks
