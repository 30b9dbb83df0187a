! SPDX-License-Identifier: MIT
!> The arrays of an emulator, and who owns it: the base of `isthmus_emulator_t`.
module isthmus_emulator_bindings
  use, intrinsic :: iso_c_binding, only: c_associated, c_bool, c_loc, c_null_ptr, &
    c_ptr
  use, intrinsic :: iso_fortran_env, only: int32, int64, real32, real64
  use isthmus_arrays, only: array_view_t, describe, describe_pointer
  use isthmus_emulators_capi, only: isthmus_emulator_bind_alpha, &
    isthmus_emulator_bind_fallback, isthmus_emulator_bind_flags, &
    isthmus_emulator_bind_input, isthmus_emulator_bind_output, &
    isthmus_emulator_bind_spread, isthmus_emulator_free
  use isthmus_status, only: isthmus_bool, isthmus_err_argument, isthmus_float32, &
    isthmus_float64, isthmus_int32, isthmus_int64, isthmus_ok
  use isthmus_texts, only: c_text, last_message, report
  implicit none
  private
  public :: emulator_bindings_t, emulator_message

  !> What all copies of one emulator have in common.
  type :: shared_t
    type(c_ptr) :: handle = c_null_ptr !! the C emulator
    integer :: n_owners = 1            !! it is freed with the last one
  end type shared_t

  !> An emulator as far as its arrays go. They stay allocated and in place, and are targets.
  type :: emulator_bindings_t
    private
    type(shared_t), pointer :: shared => null()
    type(c_ptr) :: owner = c_null_ptr !! address of this object, where it counts as owner
    integer :: anchor = 0             !! gives the object an address
  contains
    generic, public :: bind_input => bind_input_bool, bind_input_int32, &
      bind_input_int64, bind_input_real32, bind_input_real64
    generic, public :: bind_output => bind_output_int32, bind_output_int64, &
      bind_output_real32, bind_output_real64
    generic, public :: bind_fallback => bind_fallback_int32, bind_fallback_int64, &
      bind_fallback_real32, bind_fallback_real64
    generic, public :: bind_spread => bind_spread_real32, bind_spread_real64
    procedure, public :: bind_pointer
    procedure, public :: bind_flags
    procedure, public :: bind_alpha
    procedure, public :: free
    procedure, public :: is_loaded
    procedure, public :: handle
    procedure, public :: adopt
    generic, public :: assignment(=) => assign
    procedure, private :: assign
    procedure, private :: bind_input_bool
    procedure, private :: bind_input_int32
    procedure, private :: bind_input_int64
    procedure, private :: bind_input_real32
    procedure, private :: bind_input_real64
    procedure, private :: bind_output_int32
    procedure, private :: bind_output_int64
    procedure, private :: bind_output_real32
    procedure, private :: bind_output_real64
    procedure, private :: bind_fallback_int32
    procedure, private :: bind_fallback_int64
    procedure, private :: bind_fallback_real32
    procedure, private :: bind_fallback_real64
    procedure, private :: bind_spread_real32
    procedure, private :: bind_spread_real64
  end type emulator_bindings_t

contains

  ! bind_*: one procedure for each kind, of any rank and section. The dummy is a pointer, so
  ! that the actual must be a target and is never a temporary copy.

  !> Let the networks read input `name` from `array` at each step.
  subroutine bind_input_bool(self, name, array, stat, errmsg)
    class(emulator_bindings_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    logical(c_bool), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call bind_any(self, "input", name, array, isthmus_bool, stat, errmsg)
  end subroutine bind_input_bool

  !> Let the networks read input `name` from `array` at each step.
  subroutine bind_input_int32(self, name, array, stat, errmsg)
    class(emulator_bindings_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    integer(int32), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call bind_any(self, "input", name, array, isthmus_int32, stat, errmsg)
  end subroutine bind_input_int32

  !> Let the networks read input `name` from `array` at each step.
  subroutine bind_input_int64(self, name, array, stat, errmsg)
    class(emulator_bindings_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    integer(int64), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call bind_any(self, "input", name, array, isthmus_int64, stat, errmsg)
  end subroutine bind_input_int64

  !> Let the networks read input `name` from `array` at each step.
  subroutine bind_input_real32(self, name, array, stat, errmsg)
    class(emulator_bindings_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    real(real32), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call bind_any(self, "input", name, array, isthmus_float32, stat, errmsg)
  end subroutine bind_input_real32

  !> Let the networks read input `name` from `array` at each step.
  subroutine bind_input_real64(self, name, array, stat, errmsg)
    class(emulator_bindings_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    real(real64), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call bind_any(self, "input", name, array, isthmus_float64, stat, errmsg)
  end subroutine bind_input_real64

  !> Where output `name` goes at the end of each step.
  subroutine bind_output_int32(self, name, array, stat, errmsg)
    class(emulator_bindings_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    integer(int32), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call bind_any(self, "output", name, array, isthmus_int32, stat, errmsg)
  end subroutine bind_output_int32

  !> Where output `name` goes at the end of each step.
  subroutine bind_output_int64(self, name, array, stat, errmsg)
    class(emulator_bindings_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    integer(int64), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call bind_any(self, "output", name, array, isthmus_int64, stat, errmsg)
  end subroutine bind_output_int64

  !> Where output `name` goes at the end of each step.
  subroutine bind_output_real32(self, name, array, stat, errmsg)
    class(emulator_bindings_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    real(real32), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call bind_any(self, "output", name, array, isthmus_float32, stat, errmsg)
  end subroutine bind_output_real32

  !> Where output `name` goes at the end of each step.
  subroutine bind_output_real64(self, name, array, stat, errmsg)
    class(emulator_bindings_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    real(real64), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call bind_any(self, "output", name, array, isthmus_float64, stat, errmsg)
  end subroutine bind_output_real64

  !> The physics' values of output `name`, computed before `run` or `wait`.
  subroutine bind_fallback_int32(self, name, array, stat, errmsg)
    class(emulator_bindings_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    integer(int32), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call bind_any(self, "fallback", name, array, isthmus_int32, stat, errmsg)
  end subroutine bind_fallback_int32

  !> The physics' values of output `name`, computed before `run` or `wait`.
  subroutine bind_fallback_int64(self, name, array, stat, errmsg)
    class(emulator_bindings_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    integer(int64), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call bind_any(self, "fallback", name, array, isthmus_int64, stat, errmsg)
  end subroutine bind_fallback_int64

  !> The physics' values of output `name`, computed before `run` or `wait`.
  subroutine bind_fallback_real32(self, name, array, stat, errmsg)
    class(emulator_bindings_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    real(real32), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call bind_any(self, "fallback", name, array, isthmus_float32, stat, errmsg)
  end subroutine bind_fallback_real32

  !> The physics' values of output `name`, computed before `run` or `wait`.
  subroutine bind_fallback_real64(self, name, array, stat, errmsg)
    class(emulator_bindings_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    real(real64), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call bind_any(self, "fallback", name, array, isthmus_float64, stat, errmsg)
  end subroutine bind_fallback_real64

  !> Where the ensemble's standard deviation of output `name` goes.
  subroutine bind_spread_real32(self, name, array, stat, errmsg)
    class(emulator_bindings_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    real(real32), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call bind_any(self, "spread", name, array, isthmus_float32, stat, errmsg)
  end subroutine bind_spread_real32

  !> Where the ensemble's standard deviation of output `name` goes.
  subroutine bind_spread_real64(self, name, array, stat, errmsg)
    class(emulator_bindings_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    real(real64), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call bind_any(self, "spread", name, array, isthmus_float64, stat, errmsg)
  end subroutine bind_spread_real64

  !> Bind memory by its address: components of arrays of derived type, other kinds.
  subroutine bind_pointer(self, role, name, address, dtype, shape, stat, errmsg, strides)
    class(emulator_bindings_t), intent(inout) :: self
    character(len=*), intent(in) :: role        !! input, output, fallback or spread
    character(len=*), intent(in) :: name        !! of the variable
    type(c_ptr), intent(in) :: address          !! c_loc of the first element
    integer, intent(in) :: dtype                !! isthmus_float64, ...
    integer, intent(in) :: shape(:)             !! shape(array), fastest first
    integer, intent(in), optional :: strides(:) !! bytes, fastest first; else contiguous
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(array_view_t), target :: view
    character(len=:), allocatable :: text
    integer :: status

    call describe_pointer(name, address, dtype, shape, view, status, text, strides)
    if (status == isthmus_ok) call bind_view(self, role, name, view, status, text)
    call report(status, text, stat, errmsg)
  end subroutine bind_pointer

  !> Where the reason bits of each sample go, see isthmus_reason_input_range and others.
  subroutine bind_flags(self, flags, stat, errmsg)
    class(emulator_bindings_t), intent(inout) :: self
    integer(int32), pointer, intent(in) :: flags(:) !! (sample)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call bind_any(self, "flags", "flags", flags, isthmus_int32, stat, errmsg)
  end subroutine bind_flags

  !> Weight of the network in each sample in mode "blend", read at each step.
  subroutine bind_alpha(self, alpha, stat, errmsg)
    class(emulator_bindings_t), intent(inout) :: self
    real(real64), pointer, intent(in) :: alpha(:) !! [1] 0 to 1 (sample)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call bind_any(self, "alpha", "alpha", alpha, isthmus_float64, stat, errmsg)
  end subroutine bind_alpha

  ! Ownership

  !> Own a C emulator from now on; what was owned before is let go.
  subroutine adopt(self, emulator)
    class(emulator_bindings_t), intent(inout), target :: self
    type(c_ptr), intent(in) :: emulator !! isthmus_emulator *

    call self%free()
    allocate (self%shared)
    self%shared%handle = emulator
    self%owner = c_loc(self%anchor)
  end subroutine adopt

  !> Free the emulator, unless other copies of it are left.
  subroutine free(self)
    class(emulator_bindings_t), intent(inout), target :: self

    ! What was copied bit by bit (allocate with source=) never counted as an owner.
    if (associated(self%shared) .and. c_associated(self%owner, c_loc(self%anchor))) then
      self%shared%n_owners = self%shared%n_owners - 1
      if (self%shared%n_owners == 0) then
        call isthmus_emulator_free(self%shared%handle)
        deallocate (self%shared)
      end if
    end if
    self%shared => null()
    self%owner = c_null_ptr
  end subroutine free

  !> One more owner of the same emulator.
  impure elemental subroutine assign(self, other)
    class(emulator_bindings_t), intent(inout), target :: self
    class(emulator_bindings_t), intent(in) :: other

    if (associated(self%shared, other%shared)) return
    call self%free()
    if (.not. associated(other%shared)) return
    self%shared => other%shared
    self%shared%n_owners = self%shared%n_owners + 1
    self%owner = c_loc(self%anchor)
  end subroutine assign

  !> True between `load` and `free`.
  pure logical function is_loaded(self)
    class(emulator_bindings_t), intent(in) :: self

    is_loaded = associated(self%shared)
  end function is_loaded

  !> The C emulator, null if nothing is loaded.
  type(c_ptr) function handle(self)
    class(emulator_bindings_t), intent(in) :: self

    handle = c_null_ptr
    if (associated(self%shared)) handle = self%shared%handle
  end function handle

  !> The library's message; for an emulator that was never loaded, one that says so.
  function emulator_message() result(text)
    character(len=:), allocatable :: text

    text = last_message()
    if (text == "argument 'emulator' is null") text = "no emulator is loaded"
  end function emulator_message

  ! Helpers

  !> `array` is forwarded without its type: then the compiler takes the size of an element
  !> from the descriptor, and a component of an array of derived type shows.
  subroutine bind_any(self, role, name, array, dtype, stat, errmsg)
    class(emulator_bindings_t), intent(inout) :: self
    character(len=*), intent(in) :: role, name
    type(*), dimension(..), intent(in), target :: array
    integer, intent(in) :: dtype !! isthmus_float64, ...
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(array_view_t), target :: view
    character(len=:), allocatable :: text
    integer :: status

    call describe(name, array, dtype, view, status, text)
    if (status == isthmus_ok) call bind_view(self, role, name, view, status, text)
    call report(status, text, stat, errmsg)
  end subroutine bind_any

  subroutine bind_view(self, role, name, view, status, text)
    class(emulator_bindings_t), intent(inout) :: self
    character(len=*), intent(in) :: role, name
    type(array_view_t), intent(in) :: view
    integer, intent(out) :: status
    character(len=:), allocatable, intent(out) :: text

    select case (role)
    case ("input")
      status = isthmus_emulator_bind_input(self%handle(), c_text(name), view%c)
    case ("output")
      status = isthmus_emulator_bind_output(self%handle(), c_text(name), view%c)
    case ("fallback")
      status = isthmus_emulator_bind_fallback(self%handle(), c_text(name), view%c)
    case ("spread")
      status = isthmus_emulator_bind_spread(self%handle(), c_text(name), view%c)
    case ("flags")
      status = isthmus_emulator_bind_flags(self%handle(), view%c)
    case ("alpha")
      status = isthmus_emulator_bind_alpha(self%handle(), view%c)
    case default
      status = isthmus_err_argument
      text = "no role '"//role//"' to bind: expected input, output, fallback or spread"
      return
    end select
    text = view%explained(emulator_message(), status)
  end subroutine bind_view

end module isthmus_emulator_bindings
