! SPDX-License-Identifier: MIT
!> Keys of a namelist that are told once: read one by one, listed all together.
program test_namelist_keys
  use kinds, only: int64, real32, wp
  use namelist_keys, only: key_visitor_t
  use namelists, only: assignment_t
  use testing, only: check, finish
  implicit none

  !> One setting of each type.
  type :: settings_t
    integer :: n = 3
    integer(int64) :: long = 4
    real(wp) :: x = 0.5_wp
    real(real32) :: single = 0.25_real32
    logical :: is_on = .false.
    character(len=8) :: word = "none"
    integer :: choice = 1
    character(len=8), allocatable :: words(:)
    real(wp), allocatable :: numbers(:)
  end type settings_t

  type(settings_t) :: found
  type(key_visitor_t) :: keys

  call read_one("n", "12", "")
  call check(found%n == 12, "an integer is read")
  call read_one("long", "5000000000", "")
  call check(found%long == 5000000000_int64, "a long integer is read")
  call read_one("x", "1.5e3", "")
  call check(found%x == 1500.0_wp, "a number is read")
  call read_one("single", "0.1", "")
  call check(found%single == 0.1_real32, "a number in single precision is read")
  call read_one("is_on", ".true.", "")
  call check(found%is_on, "a logical is read")
  call read_one("word", "'a b'", "")
  call check(found%word == "a b", "a text is read")
  call read_one("choice", "'two'", "")
  call check(found%choice == 2, "a choice is read")
  call read_one("words", "'M2', ""S2""", "")
  call check(size(found%words) == 2 .and. found%words(2) == "S2", "texts are read")
  call read_one("numbers", "1 2*3.5", "")
  call check(all(found%numbers == [1.0_wp, 3.5_wp, 3.5_wp]), "numbers are read")
  call read_one("x", ",", "")
  call check(found%x == 1500.0_wp, "a number that is left out keeps its value")
  call read_one("word", ",", "quotation marks")
  call read_one("numbers", "1, , 3", "must be numbers")
  call read_one("n", "1.5", "an integer")
  call read_one("n", "1 2", "an integer")
  call read_one("n", "", "no value")
  call read_one("x", "1.5 m", "a number")
  call read_one("is_on", "7", ".true. or .false.")
  call read_one("word", "plain", "quotation marks")
  call read_one("word", "'much too long'", "longer than 8")
  call read_one("choice", "'three'", "must be one or two, found 'three'")
  call read_one("words", "M2", "quotation marks")
  call read_one("numbers", "1, b", "must be numbers")
  call unknown_keys_stay_unknown()
  call all_keys_are_listed_with_their_values()
  call finish()

contains

  !> The keys, told once.
  subroutine visit()
    call keys%visit("n", found%n)
    call keys%visit("long", found%long)
    call keys%visit("x", found%x)
    call keys%visit("single", found%single)
    call keys%visit("is_on", found%is_on)
    call keys%visit("word", found%word)
    call keys%choose("choice", ["one", "two"], [1, 2], found%choice)
    call keys%visit("words", found%words)
    call keys%visit("numbers", found%numbers)
  end subroutine visit

  !> Read one assignment and expect a problem, or none.
  subroutine read_one(key, text, problem)
    character(len=*), intent(in) :: key     !! assigned
    character(len=*), intent(in) :: text    !! its value
    character(len=*), intent(in) :: problem !! part of what is said, "" if all is well

    type(assignment_t) :: item

    item%group = "test"
    item%key = key
    item%text = key//" = "//text
    call keys%look_for(item)
    call visit()
    call check(keys%is_known, "key '"//key//"' is known")
    if (problem == "") then
      call check(keys%problem == "", key//" = "//text//" is read")
    else
      call check(index(keys%problem, problem) > 0, key//" = "//text//" is refused")
    end if
  end subroutine read_one

  subroutine unknown_keys_stay_unknown()
    type(assignment_t) :: item

    item%group = "test"
    item%key = "m"
    item%text = "m = 1"
    call keys%look_for(item)
    call visit()
    call check(.not. keys%is_known, "a key that is not visited is unknown")
  end subroutine unknown_keys_stay_unknown

  subroutine all_keys_are_listed_with_their_values()
    found%n = 12
    found%choice = 2
    found%words = [character(len=8) :: "M2", "S2"]
    found%numbers = [1.0_wp, 2.0_wp, 3.0_wp]
    call keys%list()
    call visit()
    call check(size(keys%settings) == 11, "every key is listed, lists by their values")
    call check(keys%settings(1)%name == "n" .and. keys%settings(1)%number == 12.0_wp, &
      "an integer is listed as a number")
    call check(keys%settings(5)%text == "true", "a logical is listed as text")
    call check(keys%settings(7)%text == "two", "a choice is listed as its word")
    call check(keys%settings(8)%text == "M2 S2", "texts are listed in one")
  end subroutine all_keys_are_listed_with_their_values

end program test_namelist_keys
