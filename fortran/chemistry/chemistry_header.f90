! SPDX-License-Identifier: MIT
!> Lines of a mechanism file before its first section: units, sun, elements.
module chemistry_header
  use chemistry_mechanism, only: mechanism_t, name_length, sun_day, sun_position
  use chemistry_words, only: take_number
  use kinds, only: wp
  implicit none
  private
  public :: take_header

contains

  !> Keywords before the first section.
  subroutine take_header(words, mechanism, problem)
    character(len=*), intent(in) :: words(:)
    type(mechanism_t), intent(inout) :: mechanism
    character(len=*), intent(inout) :: problem

    integer :: i

    select case (words(1))
    case ("mechanism")
      if (size(words) == 2) mechanism%name = trim(words(2))
      if (size(words) /= 2) problem = "'mechanism' needs one name"
    case ("units")
      call take_units(words, mechanism, problem)
    case ("end")
      call take_number(words, 2, mechanism%end_time, problem)
    case ("temperature")
      call take_number(words, 2, mechanism%temperature, problem)
      if (problem == "" .and. .not. mechanism%temperature > 0.0_wp) problem = &
        "'temperature' must be above 0 K, found '"//trim(words(2))//"'"
    case ("elements")
      mechanism%elements = words(2:)(:name_length)
      mechanism%is_conserved = [(.true., i=2, size(words))]
      deallocate (mechanism%composition)
      allocate (mechanism%composition(size(words) - 1, 0))
    case ("sun")
      call take_sun(words, mechanism, problem)
    case default
      problem = "unknown keyword '"//trim(words(1))//"': expected mechanism, units, "// &
        "end, temperature, elements, sun, species, fixed or reactions"
    end select
  end subroutine take_header

  !> units CONCENTRATION TIME
  subroutine take_units(words, mechanism, problem)
    character(len=*), intent(in) :: words(:)
    type(mechanism_t), intent(inout) :: mechanism
    character(len=*), intent(inout) :: problem

    if (size(words) /= 3) then
      problem = "'units' needs two words: of concentration and of time"
      return
    end if
    mechanism%unit = trim(words(2))
    mechanism%time_unit = trim(words(3))
    select case (mechanism%time_unit)
    case ("s")
      mechanism%sun%hours_per_unit = 1.0_wp/3600.0_wp
    case ("min")
      mechanism%sun%hours_per_unit = 1.0_wp/60.0_wp
    case ("h", "1")
      mechanism%sun%hours_per_unit = 1.0_wp
    case default
      problem = "unknown unit of time '"//trim(words(3))//"': expected 1, s, min or h"
    end select
  end subroutine take_units

  !> sun day RISE SET  or  sun position LATITUDE DECLINATION
  subroutine take_sun(words, mechanism, problem)
    character(len=*), intent(in) :: words(:)
    type(mechanism_t), intent(inout) :: mechanism
    character(len=*), intent(inout) :: problem

    if (size(words) /= 4) then
      problem = "expected 'sun day RISE SET' or 'sun position LATITUDE DECLINATION'"
    else if (words(2) == "day") then
      mechanism%sun%form = sun_day
      call take_number(words, 3, mechanism%sun%rise, problem)
      call take_number(words, 4, mechanism%sun%set, problem)
    else if (words(2) == "position") then
      mechanism%sun%form = sun_position
      call take_number(words, 3, mechanism%sun%latitude, problem)
      call take_number(words, 4, mechanism%sun%declination, problem)
    else
      problem = "unknown sun '"//trim(words(2))//"': expected day or position"
    end if
  end subroutine take_sun

end module chemistry_header
