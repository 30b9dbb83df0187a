! SPDX-License-Identifier: MIT
!> Reads a mechanism from a plain text file.
!>
!>     mechanism POLLU
!>     units ppm min                    # concentration, time (1, s, min, h)
!>     end 60
!>     species
!>       NO   N 1  = 0.2                # atoms, initial concentration
!>     reactions
!>       NO + O3 -> NO2 ; 26.6          # order = what stands on the left
!>
!> All keywords and rate forms are listed in docs/chemistry.md. Words are separated by
!> blanks. A mistake is reported with file, line and the word that is wrong.
module chemistry_reader
  use chemistry_mechanism, only: max_order, mechanism_t, name_length, rate_arrhenius, &
    rate_constant, rate_falloff, rate_photolysis, rate_zenith, reaction_t, sun_day, &
    sun_none, sun_position
  use failures, only: err_file, fail, succeed
  use kinds, only: wp
  implicit none
  private
  public :: read_mechanism

  integer, parameter :: line_length = 512 !! longest line
  integer, parameter :: max_words = 64    !! most words in a line
  real(wp), parameter :: imbalance = 1.0e-12_wp !! atoms; sums of decimal coefficients

  character(len=*), parameter :: section_none = "", section_species = "species", &
    section_fixed = "fixed", section_reactions = "reactions"

contains

  !> Read a mechanism.
  subroutine read_mechanism(path, mechanism, stat, errmsg)
    character(len=*), intent(in) :: path           !! text file
    type(mechanism_t), intent(out) :: mechanism    !! what it says
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=line_length) :: line, problem
    character(len=:), allocatable :: section
    integer :: number, status, unit

    call begin_mechanism(path, mechanism)
    section = section_none
    open (newunit=unit, file=path, status="old", action="read", iostat=status, &
      iomsg=problem)
    if (status /= 0) then
      call fail(err_file, "mechanism file '"//path//"': "//trim(problem), stat, errmsg)
      return
    end if
    problem = ""
    number = 0
    do
      read (unit, "(a)", iostat=status, iomsg=problem) line
      if (status /= 0) exit
      problem = ""
      number = number + 1
      call take_line(line, number, section, mechanism, problem)
      if (problem /= "") exit
    end do
    close (unit)
    if (is_iostat_end(status)) problem = ""
    if (problem == "") then
      call check_whole(mechanism, number, problem)
    end if
    if (problem /= "") then
      call fail(err_file, at(path, number)//trim(problem), stat, errmsg)
      return
    end if
    call succeed(stat)
  end subroutine read_mechanism

  !> An empty mechanism.
  subroutine begin_mechanism(path, mechanism)
    character(len=*), intent(in) :: path
    type(mechanism_t), intent(out) :: mechanism

    mechanism%path = path
    mechanism%name = ""
    mechanism%unit = "1"
    mechanism%time_unit = "1"
    allocate (mechanism%species(0), mechanism%initial(0), mechanism%elements(0), &
      mechanism%composition(0, 0), mechanism%fixed(0), mechanism%fixed_value(0), &
      mechanism%is_conserved(0), mechanism%reactions(0))
  end subroutine begin_mechanism

  !> What only the whole file can tell.
  subroutine check_whole(mechanism, number, problem)
    type(mechanism_t), intent(in) :: mechanism
    integer, intent(inout) :: number              !! line that is to blame
    character(len=*), intent(inout) :: problem    !! set if something is missing

    integer :: r

    if (size(mechanism%species) == 0) then
      problem = "no species: a section 'species' is missing"
    else if (size(mechanism%reactions) == 0) then
      problem = "no reactions: a section 'reactions' is missing"
    else if (.not. mechanism%is_autonomous() .and. mechanism%sun%form == sun_none) then
      problem = "a reaction needs light: a line 'sun ...' is missing"
    else
      do r = 1, size(mechanism%reactions)
        call check_balance(mechanism, mechanism%reactions(r), problem)
        if (problem == "") cycle
        number = mechanism%reactions(r)%line
        return
      end do
    end if
  end subroutine check_whole

  !> A reaction between species must keep the elements that the file calls conserved.
  subroutine check_balance(mechanism, reaction, problem)
    type(mechanism_t), intent(in) :: mechanism
    type(reaction_t), intent(in) :: reaction
    character(len=*), intent(inout) :: problem

    character(len=24) :: digits
    integer :: e
    real(wp) :: gain

    ! Emission and deposition have one side only.
    if (reaction%order == 0 .or. .not. any(reaction%change > 0.0_wp)) return
    do e = 1, size(mechanism%elements)
      if (.not. mechanism%is_conserved(e)) cycle
      gain = dot_product(mechanism%composition(e, reaction%species), reaction%change)
      if (abs(gain) <= imbalance) cycle
      write (digits, "(g0.6)") gain
      problem = "'"//reaction%text//"' gains "//trim(digits)//" atoms of '"// &
        trim(mechanism%elements(e))//"', which is to be conserved"
      return
    end do
  end subroutine check_balance

  !> Take one line.
  subroutine take_line(line, number, section, mechanism, problem)
    character(len=*), intent(in) :: line                    !! as it stands
    integer, intent(in) :: number                           !! its number
    character(len=:), allocatable, intent(inout) :: section !! open section
    type(mechanism_t), intent(inout) :: mechanism           !! so far
    character(len=*), intent(inout) :: problem              !! set if the line is wrong

    character(len=line_length) :: words(max_words)
    integer :: n

    call split(line(:scan(line//"#", "#") - 1), words, n, problem)
    if (n == 0 .or. problem /= "") return
    select case (words(1))
    case (section_species, section_fixed, section_reactions)
      if (n == 1) then
        section = trim(words(1))
        return
      end if
    case default
      continue
    end select
    select case (section)
    case (section_species)
      call take_species(words(:n), mechanism, problem)
    case (section_fixed)
      call take_fixed(words(:n), mechanism, problem)
    case (section_reactions)
      call take_reaction(words(:n), number, mechanism, problem)
    case default
      call take_header(words(:n), mechanism, problem)
    end select
  end subroutine take_line

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

  !> A number among the words.
  subroutine take_number(words, i, value, problem)
    character(len=*), intent(in) :: words(:)
    integer, intent(in) :: i              !! which one
    real(wp), intent(inout) :: value      !! set
    character(len=*), intent(inout) :: problem

    integer :: status

    if (i > size(words)) then
      problem = "a number is missing behind '"//trim(words(size(words)))//"'"
      return
    end if
    ! List-directed reading takes commas and slashes for an early end.
    if (verify(trim(words(i)), "+-.0123456789eEdD") == 0) then
      read (words(i), *, iostat=status) value
      if (status == 0) return
    end if
    problem = "'"//trim(words(i))//"' is not a number"
  end subroutine take_number

  !> Words of a line.
  subroutine split(line, words, n, problem)
    character(len=*), intent(in) :: line
    character(len=*), intent(out) :: words(:)
    integer, intent(out) :: n
    character(len=*), intent(inout) :: problem

    character(len=*), parameter :: blanks = " "//achar(9)//achar(13)
    integer :: first, length

    n = 0
    first = 1
    do
      length = verify(line(first:)//"x", blanks) - 1
      first = first + length
      if (first > len(line)) return
      if (n == size(words)) then
        problem = "the line has more than 64 words"
        return
      end if
      length = scan(line(first:)//" ", blanks) - 1
      n = n + 1
      words(n) = line(first:first + length - 1)
      first = first + length
      if (first > len(line)) return
    end do
  end subroutine split

  !> Words with blanks between them.
  function joined(words) result(text)
    character(len=*), intent(in) :: words(:)
    character(len=:), allocatable :: text

    text = adjustl(listed(words))
    text = trim(text)
  end function joined

  !> Words, each with a blank before it.
  function listed(words) result(text)
    character(len=*), intent(in) :: words(:)
    character(len=:), allocatable :: text

    integer :: i

    text = ""
    do i = 1, size(words)
      text = text//" "//trim(words(i))
    end do
  end function listed

  !> "path:line: "
  function at(path, number) result(text)
    character(len=*), intent(in) :: path !! file
    integer, intent(in) :: number        !! line
    character(len=:), allocatable :: text

    character(len=16) :: digits

    write (digits, "(i0)") number
    text = path//":"//trim(digits)//": "
  end function at

end module chemistry_reader
