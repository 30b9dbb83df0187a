! SPDX-License-Identifier: MIT
!> Lines of a mechanism file that name a species, or what has a fixed concentration.
module chemistry_species
  use chemistry_mechanism, only: mechanism_t, name_length
  use chemistry_words, only: listed, take_number
  use kinds, only: wp
  implicit none
  private
  public :: take_fixed, take_species

contains

  !> NAME [ELEMENT ATOMS]... [= INITIAL]
  subroutine take_species(words, mechanism, problem)
    character(len=*), intent(in) :: words(:)
    type(mechanism_t), intent(inout) :: mechanism
    character(len=*), intent(inout) :: problem

    real(wp) :: atoms(size(mechanism%elements)), initial
    integer :: e, i

    call check_new_name(words(1), mechanism, problem)
    atoms = 0.0_wp
    initial = 0.0_wp
    i = 2
    do while (i <= size(words) .and. problem == "")
      if (words(i) == "=") then
        call take_number(words, i + 1, initial, problem)
      else
        e = mechanism%element_index(trim(words(i)))
        if (e == 0) then
          problem = "unknown element '"//trim(words(i))//"' of '"//trim(words(1))// &
            "': expected one of"//listed(mechanism%elements)
          return
        end if
        call take_number(words, i + 1, atoms(e), problem)
      end if
      i = i + 2
    end do
    if (problem /= "") return
    mechanism%species = [mechanism%species, words(1)(:name_length)]
    mechanism%initial = [mechanism%initial, initial]
    mechanism%composition = reshape([mechanism%composition, atoms], &
      [size(atoms), size(mechanism%species)])
  end subroutine take_species

  !> NAME = VALUE
  subroutine take_fixed(words, mechanism, problem)
    character(len=*), intent(in) :: words(:)
    type(mechanism_t), intent(inout) :: mechanism
    character(len=*), intent(inout) :: problem

    real(wp) :: value

    call check_new_name(words(1), mechanism, problem)
    if (problem /= "") return
    if (size(words) /= 3) then
      problem = "a fixed species needs 'NAME = VALUE'"
      return
    end if
    call take_number(words, 3, value, problem)
    mechanism%fixed = [mechanism%fixed, words(1)(:name_length)]
    mechanism%fixed_value = [mechanism%fixed_value, value]
  end subroutine take_fixed

  !> A name must be new, and no longer than names are.
  subroutine check_new_name(name, mechanism, problem)
    character(len=*), intent(in) :: name
    type(mechanism_t), intent(in) :: mechanism
    character(len=*), intent(inout) :: problem

    if (len_trim(name) > name_length) then
      problem = "the name '"//trim(name)//"' has more than 16 letters"
    else if (mechanism%species_index(trim(name)) > 0 .or. any(mechanism%fixed == name)) then
      problem = "species '"//trim(name)//"' is declared twice"
    end if
  end subroutine check_new_name

end module chemistry_species
