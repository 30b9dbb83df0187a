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
  use chemistry_header, only: take_header
  use chemistry_mechanism, only: mechanism_t, reaction_t, sun_none
  use chemistry_reactions, only: take_reaction
  use chemistry_species, only: take_fixed, take_species
  use chemistry_words, only: line_length, max_words, split
  use failures, only: err_file, fail, succeed
  use kinds, only: wp
  implicit none
  private
  public :: read_mechanism

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
