! SPDX-License-Identifier: MIT
!> A line of a mechanism file that is a reaction: two sides and a rate.
module chemistry_reactions
  use chemistry_mechanism, only: max_order, mechanism_t, rate_arrhenius, rate_constant, &
    rate_falloff, rate_photolysis, rate_zenith, reaction_t
  use chemistry_words, only: joined, take_number
  use kinds, only: wp
  implicit none
  private
  public :: take_reaction

contains

  !> LEFT -> RIGHT ; RATE
  subroutine take_reaction(words, number, mechanism, problem)
    character(len=*), intent(in) :: words(:)
    integer, intent(in) :: number
    type(mechanism_t), intent(inout) :: mechanism
    character(len=*), intent(inout) :: problem

    type(reaction_t) :: reaction
    real(wp) :: change(size(mechanism%species))
    integer :: arrow, i, rate

    arrow = findloc(words == "->", .true., dim=1)
    rate = findloc(words == ";", .true., dim=1)
    if (arrow == 0 .or. rate < arrow) then
      problem = "a reaction needs 'LEFT -> RIGHT ; RATE'"
      return
    end if
    reaction%line = number
    reaction%text = joined(words(:rate - 1))
    change = 0.0_wp
    call take_side(words(:arrow - 1), -1, mechanism, reaction, change, problem)
    call take_side(words(arrow + 1:rate - 1), 1, mechanism, reaction, change, problem)
    if (problem == "") call take_rate(words(rate + 1:), reaction, problem)
    if (problem /= "") return
    reaction%species = pack([(i, i=1, size(change))], change /= 0.0_wp)
    reaction%change = change(reaction%species)
    mechanism%reactions = [mechanism%reactions, reaction]
  end subroutine take_reaction

  !> [COEFFICIENT] SPECIES [+ ...]; "hv" says that light is needed and means nothing else.
  subroutine take_side(words, sign, mechanism, reaction, change, problem)
    character(len=*), intent(in) :: words(:)
    integer, intent(in) :: sign                    !! -1: reactants, 1: products
    type(mechanism_t), intent(in) :: mechanism
    type(reaction_t), intent(inout) :: reaction    !! order and reactants, if sign is -1
    real(wp), intent(inout) :: change(:)           !! net stoichiometry (species)
    character(len=*), intent(inout) :: problem

    real(wp) :: coefficient
    integer :: i
    logical :: expects_plus

    coefficient = 1.0_wp
    expects_plus = .false.
    do i = 1, size(words)
      if (problem /= "") return
      if (words(i) == "+" .neqv. expects_plus) then
        problem = "'"//trim(words(i))//"' in '"//reaction%text//"': expected "// &
          merge("'+' or an end", "a species    ", expects_plus)
      else if (expects_plus) then
        expects_plus = .false.
      else if (scan(words(i)(1:1), "0123456789.") > 0) then
        call take_number(words, i, coefficient, problem)
      else
        call take_member(words(i), sign, coefficient, mechanism, reaction, change, problem)
        coefficient = 1.0_wp
        expects_plus = .true.
      end if
    end do
    if (problem == "" .and. size(words) > 0 .and. .not. expects_plus) problem = &
      "'"//reaction%text//"' lacks a species at the end of a side"
  end subroutine take_side

  !> One species of a side.
  subroutine take_member(name, sign, coefficient, mechanism, reaction, change, problem)
    character(len=*), intent(in) :: name
    integer, intent(in) :: sign
    real(wp), intent(in) :: coefficient
    type(mechanism_t), intent(in) :: mechanism
    type(reaction_t), intent(inout) :: reaction
    real(wp), intent(inout) :: change(:)
    character(len=*), intent(inout) :: problem

    integer :: f, i, n

    if (name == "hv") return
    i = mechanism%species_index(trim(name))
    f = findloc(mechanism%fixed == name, .true., dim=1)
    if (i == 0 .and. f == 0) then
      problem = "unknown species '"//trim(name)//"' in '"//reaction%text// &
        "': declare it under 'species' or 'fixed', or correct the name"
      return
    end if
    if (i > 0) change(i) = change(i) + sign*coefficient
    if (sign > 0) return
    n = nint(coefficient)
    if (abs(coefficient - n) > 0.0_wp .or. n < 1) then
      problem = "'"//reaction%text// &
        "': a coefficient on the left is an order, a whole number"
    else if (f > 0) then
      reaction%factor = reaction%factor*mechanism%fixed_value(f)**n
      reaction%has_fixed = .true.
    else if (reaction%order + n > max_order) then
      problem = "'"//reaction%text//"' has more than three reactants"
    else
      reaction%reactant(reaction%order + 1:reaction%order + n) = i
      reaction%order = reaction%order + n
    end if
  end subroutine take_member

  !> VALUE, or FORM and its constants.
  subroutine take_rate(words, reaction, problem)
    character(len=*), intent(in) :: words(:)
    type(reaction_t), intent(inout) :: reaction
    character(len=*), intent(inout) :: problem

    integer :: i, n_constants

    if (size(words) == 0) then
      problem = "'"//reaction%text//"' has no rate behind ';'"
      return
    end if
    select case (words(1))
    case ("arrhenius")
      reaction%rate%form = rate_arrhenius
      n_constants = 3
    case ("falloff")
      reaction%rate%form = rate_falloff
      n_constants = 5
      if (.not. reaction%has_fixed) problem = "'"//reaction%text// &
        "': 'falloff' needs a third body among the fixed species on the left"
    case ("photolysis")
      reaction%rate%form = rate_photolysis
      n_constants = 2
    case ("zenith")
      reaction%rate%form = rate_zenith
      n_constants = 3
    case default
      reaction%rate%form = rate_constant
      call take_number(words, 1, reaction%rate%c(1), problem)
      if (problem == "" .and. size(words) > 1) problem = "'"//trim(words(2))// &
        "' behind the rate of '"//reaction%text//"' is not understood"
      if (problem /= "") problem = trim(problem)//"; forms: VALUE, arrhenius, falloff, "// &
        "photolysis, zenith"
      return
    end select
    if (problem /= "") return
    if (size(words) /= 1 + n_constants) then
      write (problem, "(5a, i0, a, i0)") "rate '", trim(words(1)), "' of '", &
        reaction%text, "' needs ", n_constants, " constants, found ", size(words) - 1
      return
    end if
    do i = 1, n_constants
      if (problem == "") call take_number(words, i + 1, reaction%rate%c(i), problem)
    end do
  end subroutine take_rate

end module chemistry_reactions
