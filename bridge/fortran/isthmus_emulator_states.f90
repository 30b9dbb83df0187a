! SPDX-License-Identifier: MIT
!> What the host's restart must keep of an emulator: as named arrays, or as bytes.
module isthmus_emulator_states
  use, intrinsic :: iso_c_binding, only: c_int, c_int32_t, c_int64_t, c_null_ptr, c_ptr
  use, intrinsic :: iso_fortran_env, only: int32, int64, int8, real32, real64
  use isthmus_arrays, only: array_view_t, describe
  use isthmus_emulator_bindings, only: emulator_bindings_t, emulator_message
  use isthmus_emulators_capi, only: isthmus_emulator_get_state, &
    isthmus_emulator_pack_state, isthmus_emulator_put_state, isthmus_emulator_state_array, &
    isthmus_emulator_state_count, isthmus_emulator_state_size, isthmus_emulator_unpack_state
  use isthmus_status, only: isthmus_float32, isthmus_float64, isthmus_int32, &
    isthmus_int64, isthmus_ok
  use isthmus_texts, only: c_text, f_text, report
  implicit none
  private
  public :: emulator_state_t

  integer, parameter :: max_rank = 15

  !> An emulator as far as its restart goes: bind its arrays first, they tell the sizes.
  type, extends(emulator_bindings_t) :: emulator_state_t
  contains
    procedure, public :: n_states
    procedure, public :: describe_state
    generic, public :: get_state => get_state_int32, get_state_int64, get_state_real32, &
      get_state_real64
    generic, public :: put_state => put_state_int32, put_state_int64, put_state_real32, &
      put_state_real64
    procedure, public :: pack_state
    procedure, public :: unpack_state
    procedure, private :: get_state_int32
    procedure, private :: get_state_int64
    procedure, private :: get_state_real32
    procedure, private :: get_state_real64
    procedure, private :: put_state_int32
    procedure, private :: put_state_int64
    procedure, private :: put_state_real32
    procedure, private :: put_state_real64
  end type emulator_state_t

contains

  !> Number of arrays in the state.
  subroutine n_states(self, n, stat, errmsg)
    class(emulator_state_t), intent(inout) :: self
    integer, intent(inout) :: n !! untouched on failure
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer(c_int32_t) :: count
    integer(c_int) :: status

    count = 0
    status = isthmus_emulator_state_count(self%handle(), count)
    if (status == isthmus_ok) n = int(count)
    call report(int(status), emulator_message(), stat, errmsg)
  end subroutine n_states

  !> Name, type and shape of state array `index`.
  subroutine describe_state(self, index, name, dtype, shape, stat, errmsg)
    class(emulator_state_t), intent(inout) :: self
    integer, intent(in) :: index                            !! from 1
    character(len=:), allocatable, intent(inout) :: name    !! "memory.0.h", ...
    integer, intent(inout) :: dtype                         !! isthmus_float64, ...
    integer(int64), allocatable, intent(inout) :: shape(:)  !! fastest first
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(c_ptr) :: address
    integer(c_int) :: status, code
    integer(c_int32_t) :: rank
    integer(c_int64_t) :: extents(max_rank)

    address = c_null_ptr
    code = 0
    rank = 0
    extents = 0
    status = isthmus_emulator_state_array(self%handle(), int(index - 1, c_int32_t), &
      address, code, rank, extents)
    if (status == isthmus_ok) then
      name = f_text(address)
      dtype = int(code)
      shape = extents(rank:1:-1)
    end if
    call report(int(status), emulator_message(), stat, errmsg)
  end subroutine describe_state

  !> The whole state as bytes, for a restart that takes them.
  subroutine pack_state(self, bytes, stat, errmsg)
    class(emulator_state_t), intent(inout) :: self
    integer(int8), allocatable, intent(inout) :: bytes(:) !! untouched on failure
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer(int8), allocatable :: packed(:)
    integer(c_int64_t) :: n_bytes
    integer(c_int) :: status

    n_bytes = 0
    status = isthmus_emulator_state_size(self%handle(), n_bytes)
    if (status == isthmus_ok) then
      allocate (packed(n_bytes))
      status = isthmus_emulator_pack_state(self%handle(), packed, n_bytes)
    end if
    if (status == isthmus_ok) call move_alloc(packed, bytes)
    call report(int(status), emulator_message(), stat, errmsg)
  end subroutine pack_state

  !> Take the whole state from bytes: all of it or, on failure, nothing.
  subroutine unpack_state(self, bytes, stat, errmsg)
    class(emulator_state_t), intent(inout) :: self
    integer(int8), intent(in) :: bytes(:)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer(c_int) :: status

    status = isthmus_emulator_unpack_state(self%handle(), bytes, &
      size(bytes, kind=c_int64_t))
    call report(int(status), emulator_message(), stat, errmsg)
  end subroutine unpack_state

  !> Copy state array `name` to the host's memory, of exactly its shape.
  subroutine get_state_int32(self, name, array, stat, errmsg)
    class(emulator_state_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    integer(int32), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call pass_state(self, name, array, isthmus_int32, .false., stat, errmsg)
  end subroutine get_state_int32

  !> Copy state array `name` to the host's memory, of exactly its shape.
  subroutine get_state_int64(self, name, array, stat, errmsg)
    class(emulator_state_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    integer(int64), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call pass_state(self, name, array, isthmus_int64, .false., stat, errmsg)
  end subroutine get_state_int64

  !> Copy state array `name` to the host's memory, of exactly its shape.
  subroutine get_state_real32(self, name, array, stat, errmsg)
    class(emulator_state_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    real(real32), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call pass_state(self, name, array, isthmus_float32, .false., stat, errmsg)
  end subroutine get_state_real32

  !> Copy state array `name` to the host's memory, of exactly its shape.
  subroutine get_state_real64(self, name, array, stat, errmsg)
    class(emulator_state_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    real(real64), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call pass_state(self, name, array, isthmus_float64, .false., stat, errmsg)
  end subroutine get_state_real64

  !> Copy state array `name` from the host's memory.
  subroutine put_state_int32(self, name, array, stat, errmsg)
    class(emulator_state_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    integer(int32), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call pass_state(self, name, array, isthmus_int32, .true., stat, errmsg)
  end subroutine put_state_int32

  !> Copy state array `name` from the host's memory.
  subroutine put_state_int64(self, name, array, stat, errmsg)
    class(emulator_state_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    integer(int64), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call pass_state(self, name, array, isthmus_int64, .true., stat, errmsg)
  end subroutine put_state_int64

  !> Copy state array `name` from the host's memory.
  subroutine put_state_real32(self, name, array, stat, errmsg)
    class(emulator_state_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    real(real32), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call pass_state(self, name, array, isthmus_float32, .true., stat, errmsg)
  end subroutine put_state_real32

  !> Copy state array `name` from the host's memory.
  subroutine put_state_real64(self, name, array, stat, errmsg)
    class(emulator_state_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    real(real64), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call pass_state(self, name, array, isthmus_float64, .true., stat, errmsg)
  end subroutine put_state_real64

  subroutine pass_state(self, name, array, dtype, is_put, stat, errmsg)
    class(emulator_state_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    type(*), dimension(..), intent(in), target :: array
    integer, intent(in) :: dtype !! isthmus_float64, ...
    logical, intent(in) :: is_put
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(array_view_t), target :: view
    character(len=:), allocatable :: text
    integer :: status

    call describe(name, array, dtype, view, status, text)
    if (status == isthmus_ok) then
      if (is_put) then
        status = isthmus_emulator_put_state(self%handle(), c_text(name), view%c)
      else
        status = isthmus_emulator_get_state(self%handle(), c_text(name), view%c)
      end if
      text = view%explained(emulator_message(), status)
    end if
    call report(status, text, stat, errmsg)
  end subroutine pass_state

end module isthmus_emulator_states
