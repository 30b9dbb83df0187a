! SPDX-License-Identifier: MIT
!> Mechanisms and solvers as plain procedures on arrays, for f90wrap: Python calls these and
!> no others.
!>
!> A mechanism lives in a table here and is known by its number. Texts cross as arrays of
!> character codes: f90wrap has no way to return a text. Arrays that are set are `inout`,
!> for f90wrap would turn `out` into a result of unknown shape. Cells come last, which is
!> first in Python: y(species, cell) is [cell, species].
module chemistry_api
  use chemistry_derivatives, only: advance_ad, advance_tl
  use chemistry_mechanism, only: mechanism_t
  use chemistry_qssa, only: qssa_t
  use chemistry_rates, only: light_at, photolyse
  use chemistry_kernel, only: lanes
  use chemistry_reader, only: read_mechanism
  use chemistry_solver, only: chemistry_solver_t, flag_text, load_rates
  use kinds, only: wp
  implicit none
  private
  public :: chem_close, chem_flag_text, chem_integrate, chem_integrate_ad, &
    chem_integrate_tl, chem_light, chem_numbers, chem_open, chem_qssa, chem_rates, &
    chem_set_method, chem_text

  integer, parameter :: max_text = 4096 !! characters of a path or a message

  integer, parameter :: text_name = 1, text_unit = 2, text_time_unit = 3, &
    text_species = 4, text_element = 5, text_reaction = 6

  !> A mechanism with its solvers.
  type :: session_t
    type(mechanism_t) :: mechanism
    type(chemistry_solver_t) :: solver
    type(qssa_t) :: qssa
  end type session_t

  !> An entry of the table.
  type :: slot_t
    type(session_t), pointer :: session => null()
  end type slot_t

  type(slot_t), allocatable, target :: table(:)

contains

  !> Read a mechanism: its number, and the counts of species, reactions, elements. An
  !> empty message means that all went well.
  subroutine chem_open(path, handle, counts, message)
    integer, intent(in) :: path(:)       !! character codes
    integer, intent(inout) :: handle(1)  !! set
    integer, intent(inout) :: counts(3)  !! set
    integer, intent(inout) :: message(:) !! set: character codes, 0 after the last

    type(slot_t), allocatable :: more(:)
    type(session_t), pointer :: session
    character(len=max_text) :: errmsg
    integer :: n, stat

    errmsg = ""
    allocate (session)
    call read_mechanism(decoded(path), session%mechanism, stat, errmsg)
    if (stat == 0) call session%qssa%setup(session%mechanism, stat, errmsg)
    call encode(errmsg, message)
    if (stat /= 0) then
      deallocate (session)
      return
    end if
    if (.not. allocated(table)) allocate (table(0))
    n = size(table)
    allocate (more(n + 1))
    more(:n) = table
    more(n + 1)%session => session
    call move_alloc(more, table)
    handle = n + 1
    counts = [size(session%mechanism%species), size(session%mechanism%reactions), &
      size(session%mechanism%elements)]
  end subroutine chem_open

  !> Give a mechanism's memory back.
  subroutine chem_close(handle)
    integer, intent(in) :: handle !! of `chem_open`

    if (associated(table(handle)%session)) deallocate (table(handle)%session)
    nullify (table(handle)%session)
  end subroutine chem_close

  !> A text of a mechanism.
  subroutine chem_text(handle, what, index, text)
    integer, intent(in) :: handle     !! of `chem_open`
    integer, intent(in) :: what       !! 1 name, 2 unit, 3 time unit, 4 species, 5 element,
                                      !! 6 reaction
    integer, intent(in) :: index      !! of the species, element or reaction
    integer, intent(inout) :: text(:) !! set: character codes, 0 after the last

    associate (mechanism => table(handle)%session%mechanism)
      select case (what)
      case (text_name)
        call encode(mechanism%name, text)
      case (text_unit)
        call encode(mechanism%unit, text)
      case (text_time_unit)
        call encode(mechanism%time_unit, text)
      case (text_species)
        call encode(mechanism%species(index), text)
      case (text_element)
        call encode(mechanism%elements(index), text)
      case (text_reaction)
        call encode(mechanism%reactions(index)%text, text)
      case default
        text = 0
      end select
    end associate
  end subroutine chem_text

  !> The numbers of a mechanism.
  subroutine chem_numbers(handle, initial, composition, stoichiometry, others)
    integer, intent(in) :: handle                   !! of `chem_open`
    real(wp), intent(inout) :: initial(:)           !! set (species)
    real(wp), intent(inout) :: composition(:, :)    !! set (element or more, species)
    real(wp), intent(inout) :: stoichiometry(:, :)  !! set (species, reaction)
    real(wp), intent(inout) :: others(3)            !! set: end, temperature, hours per unit

    integer :: r

    associate (mechanism => table(handle)%session%mechanism)
      initial = mechanism%initial
      composition(:size(mechanism%elements), :) = mechanism%composition
      stoichiometry = 0.0_wp
      do r = 1, size(mechanism%reactions)
        associate (reaction => mechanism%reactions(r))
          stoichiometry(reaction%species, r) = reaction%change
        end associate
      end do
      others = [mechanism%end_time, mechanism%temperature, mechanism%sun%hours_per_unit]
    end associate
  end subroutine chem_numbers

  !> Choose method and tolerances.
  subroutine chem_set_method(handle, method, tolerances, options, message)
    integer, intent(in) :: handle          !! of `chem_open`
    integer, intent(in) :: method(:)       !! character codes
    real(wp), intent(in) :: tolerances(2)  !! relative, absolute
    integer, intent(in) :: options(3)      !! max_steps, negatives, fixed_steps
    integer, intent(inout) :: message(:)   !! set

    character(len=max_text) :: errmsg
    integer :: stat

    errmsg = ""
    associate (session => table(handle)%session)
      call session%solver%setup(session%mechanism, decoded(method), tolerances(1), &
        tolerances(2), stat, errmsg)
      session%solver%max_steps = options(1)
      session%solver%negatives = options(2)
      session%solver%fixed_steps = options(3)
    end associate
    call encode(errmsg, message)
  end subroutine chem_set_method

  !> Integrate cells. An empty message means that the call went well, flags tell how each
  !> cell fared.
  subroutine chem_integrate(handle, times, y, temperature, factors, h, flags, counts, &
      message)
    integer, intent(in) :: handle              !! of `chem_open`, after `chem_set_method`
    real(wp), intent(in) :: times(2)           !! t, dt [time unit]
    real(wp), intent(inout) :: y(:, :)         !! concentrations (species, cell)
    real(wp), intent(in) :: temperature(:)     !! [K] (cell)
    real(wp), intent(in) :: factors(:, :)      !! of the rates (reaction, cell); the
                                               !! first below zero: none
    real(wp), intent(inout) :: h(:)            !! first step or 0, then the next one (cell)
    integer, intent(inout) :: flags(:)         !! set (cell)
    integer, intent(inout) :: counts(2)        !! set: steps accepted, rejected
    integer, intent(inout) :: message(:)       !! set

    character(len=max_text) :: errmsg
    integer :: stat

    errmsg = ""
    associate (solver => table(handle)%session%solver)
      solver%n_accepted = 0
      solver%n_rejected = 0
      if (factors(1, 1) >= 0.0_wp) then
        call solver%integrate(y, times(1), times(2), flags, temperature, h, &
          factors=factors, stat=stat, errmsg=errmsg)
      else
        call solver%integrate(y, times(1), times(2), flags, temperature, h, stat=stat, &
          errmsg=errmsg)
      end if
      counts = int([solver%n_accepted, solver%n_rejected])
    end associate
    call encode(errmsg, message)
  end subroutine chem_integrate

  !> Integrate cells, and changes of their state and rates.
  subroutine chem_integrate_tl(handle, times, y, temperature, factors, h, flags, y_tl, &
      rates_tl, message)
    integer, intent(in) :: handle              !! of `chem_open`, after `chem_set_method`
    real(wp), intent(in) :: times(2)           !! t, dt [time unit]
    real(wp), intent(inout) :: y(:, :)         !! concentrations (species, cell)
    real(wp), intent(in) :: temperature(:)     !! [K] (cell)
    real(wp), intent(in) :: factors(:, :)      !! of the rates (reaction, cell)
    real(wp), intent(inout) :: h(:)            !! first step or 0, then the next one (cell)
    integer, intent(inout) :: flags(:)         !! set (cell)
    real(wp), intent(inout) :: y_tl(:, :)      !! change (species, cell)
    real(wp), intent(in) :: rates_tl(:, :)     !! relative change (reaction, cell)
    integer, intent(inout) :: message(:)       !! set

    character(len=max_text) :: errmsg
    integer :: stat

    errmsg = ""
    call advance_tl(table(handle)%session%solver, y, times(1), times(2), flags, &
      temperature, h, factors, y_tl, rates_tl, stat, errmsg)
    call encode(errmsg, message)
  end subroutine chem_integrate_tl

  !> Integrate cells, and bring sensitivities back to their start.
  subroutine chem_integrate_ad(handle, times, y, temperature, factors, h, flags, y_ad, &
      rates_ad, message)
    integer, intent(in) :: handle              !! of `chem_open`, after `chem_set_method`
    real(wp), intent(in) :: times(2)           !! t, dt [time unit]
    real(wp), intent(inout) :: y(:, :)         !! concentrations (species, cell)
    real(wp), intent(in) :: temperature(:)     !! [K] (cell)
    real(wp), intent(in) :: factors(:, :)      !! of the rates (reaction, cell)
    real(wp), intent(inout) :: h(:)            !! first step or 0, then the next one (cell)
    integer, intent(inout) :: flags(:)         !! set (cell)
    real(wp), intent(inout) :: y_ad(:, :)      !! sensitivity (species, cell)
    real(wp), intent(inout) :: rates_ad(:, :)  !! added (reaction, cell)
    integer, intent(inout) :: message(:)       !! set

    character(len=max_text) :: errmsg
    integer :: stat

    errmsg = ""
    call advance_ad(table(handle)%session%solver, y, times(1), times(2), flags, &
      temperature, h, factors, y_ad, rates_ad, stat, errmsg)
    call encode(errmsg, message)
  end subroutine chem_integrate_ad

  !> Integrate cells by the quasi-steady-state method.
  subroutine chem_qssa(handle, times, n_substeps, y, temperature, flags, message)
    integer, intent(in) :: handle          !! of `chem_open`
    real(wp), intent(in) :: times(2)       !! t, dt [time unit]
    integer, intent(in) :: n_substeps      !! sub-steps of dt
    real(wp), intent(inout) :: y(:, :)     !! concentrations (species, cell)
    real(wp), intent(in) :: temperature(:) !! [K] (cell)
    integer, intent(inout) :: flags(:)     !! set (cell)
    integer, intent(inout) :: message(:)   !! set

    character(len=max_text) :: errmsg
    integer :: stat

    errmsg = ""
    call table(handle)%session%qssa%integrate(y, times(1), times(2), n_substeps, flags, &
      temperature, stat, errmsg)
    call encode(errmsg, message)
  end subroutine chem_qssa

  !> The light at some times: S or cos(chi).
  subroutine chem_light(handle, t, light)
    integer, intent(in) :: handle         !! of `chem_open`
    real(wp), intent(in) :: t(:)          !! times [time unit]
    real(wp), intent(inout) :: light(:)   !! set

    real(wp) :: change(size(t))

    call light_at(table(handle)%session%mechanism%sun, t, light, change)
  end subroutine chem_light

  !> Rate constants at a time and a temperature, fixed reactants included.
  subroutine chem_rates(handle, t, temperature, k)
    integer, intent(in) :: handle       !! of `chem_open`
    real(wp), intent(in) :: t           !! [time unit]
    real(wp), intent(in) :: temperature !! [K]
    real(wp), intent(inout) :: k(:)     !! set (reaction)

    real(wp) :: block(lanes, size(k)), moment(lanes)

    associate (session => table(handle)%session)
      call load_rates(session%mechanism, temperature, k)
      block = spread(k, 1, lanes)
      moment = t
      call photolyse(session%mechanism, session%qssa%tables%photolytic, moment, block)
      k = block(1, :)
    end associate
  end subroutine chem_rates

  !> What a flag means.
  subroutine chem_flag_text(flag, text)
    integer, intent(in) :: flag       !! one of flag_*
    integer, intent(inout) :: text(:) !! set: character codes, 0 after the last

    call encode(flag_text(flag), text)
  end subroutine chem_flag_text

  !> Character codes to a text.
  function decoded(codes) result(text)
    integer, intent(in) :: codes(:)
    character(len=:), allocatable :: text

    integer :: i

    allocate (character(len=size(codes)) :: text)
    do i = 1, size(codes)
      text(i:i) = achar(codes(i))
    end do
  end function decoded

  !> A text to character codes; zeros follow.
  subroutine encode(text, codes)
    character(len=*), intent(in) :: text
    integer, intent(inout) :: codes(:)

    integer :: i

    codes = 0
    do i = 1, min(len_trim(text), size(codes))
      codes(i) = iachar(text(i:i))
    end do
  end subroutine encode

end module chemistry_api
