! SPDX-License-Identifier: MIT
!> A chemical mechanism as data: species, reactions, rates, elements, sun.
!>
!> A reaction r with reactants a, b, c runs at the speed
!>
!>     v_r = k_r(t, T) y_a y_b y_c        (mass action, order 0 to 3)
!>
!> and changes species i by S_ir v_r, where S_ir is what stands on the right minus what
!> stands on the left. Nothing else is known of a mechanism: right-hand side, Jacobian and
!> all derivatives follow from this list.
module chemistry_mechanism
  use kinds, only: wp
  implicit none
  private
  public :: mechanism_t, rate_t, reaction_t, sun_t

  integer, parameter, public :: name_length = 16 !! of a species or an element
  integer, parameter, public :: max_order = 3    !! reactants of a reaction

  integer, parameter, public :: rate_constant = 1   !! k = c1
  integer, parameter, public :: rate_arrhenius = 2  !! k = c1 (T/300)^c2 exp(c3/T)
  integer, parameter, public :: rate_falloff = 3    !! Troe: k0, power, kinf, power, Fc
  integer, parameter, public :: rate_photolysis = 4 !! k = c1 S(t)^c2
  integer, parameter, public :: rate_zenith = 5     !! k = c1 cos(chi)^c2 exp(-c3/cos(chi))

  integer, parameter, public :: sun_none = 0     !! no light
  integer, parameter, public :: sun_day = 1      !! S(t) between the hours of rise and set
  integer, parameter, public :: sun_position = 2 !! cos(chi) from latitude and declination

  !> How fast a reaction is.
  type :: rate_t
    integer :: form = rate_constant !! one of rate_*
    real(wp) :: c(5) = 0.0_wp       !! constants of the form, see there
  end type rate_t

  !> One reaction.
  type :: reaction_t
    character(len=:), allocatable :: text  !! as written
    integer :: line = 0                    !! where it stands in the file
    integer :: order = 0                   !! reactants that vary
    integer :: reactant(max_order) = 0     !! their species; repeated where squared
    logical :: has_fixed = .false.         !! some reactant is fixed
    real(wp) :: factor = 1.0_wp            !! product of the fixed reactants
    integer, allocatable :: species(:)     !! what it changes
    real(wp), allocatable :: change(:)     !! by how much: S_ir
    type(rate_t) :: rate
  end type reaction_t

  !> The light's cycle; t = 0 is local midnight.
  type :: sun_t
    integer :: form = sun_none           !! one of sun_*
    real(wp) :: hours_per_unit = 1.0_wp  !! length of the mechanism's time unit [h]
    real(wp) :: rise = 6.0_wp            !! sunrise [h], `sun_day`
    real(wp) :: set = 18.0_wp            !! sunset [h], `sun_day`
    real(wp) :: latitude = 0.0_wp        !! [degrees north], `sun_position`
    real(wp) :: declination = 0.0_wp     !! of the sun [degrees], `sun_position`
  end type sun_t

  !> All that a file says.
  type :: mechanism_t
    character(len=:), allocatable :: path   !! where it was read
    character(len=:), allocatable :: name   !! e.g. "POLLU"
    character(len=:), allocatable :: unit   !! of the concentrations
    character(len=:), allocatable :: time_unit !! "s", "min" or "h"; "1" without light
    real(wp) :: end_time = 0.0_wp           !! of the published problem
    real(wp) :: temperature = 298.15_wp     !! where none is given [K]
    type(sun_t) :: sun
    character(len=name_length), allocatable :: species(:)  !! names
    real(wp), allocatable :: initial(:)                    !! initial concentrations
    character(len=name_length), allocatable :: elements(:) !! names
    real(wp), allocatable :: composition(:, :)   !! atoms (element, species)
    character(len=name_length), allocatable :: fixed(:)    !! species that never change
    real(wp), allocatable :: fixed_value(:)                !! their concentrations
    logical, allocatable :: is_conserved(:)      !! elements that each reaction keeps
    type(reaction_t), allocatable :: reactions(:)
  contains
    procedure :: species_index
    procedure :: element_index
    procedure :: element_total
    procedure :: is_autonomous
  end type mechanism_t

contains

  !> Number of a species, or 0.
  pure integer function species_index(self, name) result(i)
    class(mechanism_t), intent(in) :: self
    character(len=*), intent(in) :: name !! e.g. "NO2"

    i = findloc(self%species == name, .true., dim=1)
  end function species_index

  !> Number of an element, or 0.
  pure integer function element_index(self, name) result(i)
    class(mechanism_t), intent(in) :: self
    character(len=*), intent(in) :: name !! e.g. "N"

    i = findloc(self%elements == name, .true., dim=1)
  end function element_index

  !> Amount of an element in a state.
  pure real(wp) function element_total(self, name, y) result(total)
    class(mechanism_t), intent(in) :: self
    character(len=*), intent(in) :: name !! e.g. "N"
    real(wp), intent(in) :: y(:)         !! concentrations (species)

    total = dot_product(self%composition(self%element_index(name), :), y)
  end function element_total

  !> Whether no rate depends on time.
  pure logical function is_autonomous(self)
    class(mechanism_t), intent(in) :: self

    integer :: r

    is_autonomous = .true.
    do r = 1, size(self%reactions)
      if (self%reactions(r)%rate%form >= rate_photolysis) is_autonomous = .false.
    end do
  end function is_autonomous

end module chemistry_mechanism
