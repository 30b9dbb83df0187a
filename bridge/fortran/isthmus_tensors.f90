! SPDX-License-Identifier: MIT
!> Tensors of libtorch in Fortran: made from arrays without a copy, moved, differentiated.
!> Operators are in isthmus_tensor_operators, sums and products in isthmus_tensor_functions.
!>
!> A tensor is a value: `b = a` copies the elements of a variable and takes over the result
!> of an expression; `alias_of` shares instead. What is made from an array looks at that
!> array, which must stay allocated and in place, and have the `target` attribute.
!> Shapes are Fortran's: the array `u(nx, ny)` is a tensor of shape [nx, ny] here, and
!> [ny, nx] in C and PyTorch; `layout` permutes that.
!>
!> An operation that fails in an expression gives a tensor without values that carries the
!> reason; it is told by the next call that takes `stat`. Enquiries about such a tensor, or
!> one never set, give -1, "" or an empty array.
! Interfaces of module procedures have the `implicit none` of the module.
! allow(C002)
module isthmus_tensors
  use, intrinsic :: iso_c_binding, only: c_associated, c_bool, c_int, c_int32_t, &
    c_int64_t, c_loc, c_null_ptr, c_ptr
  use, intrinsic :: iso_fortran_env, only: int16, int32, int64, int8, output_unit, real32, &
    real64
  use isthmus_arrays, only: array_view_t, describe, describe_pointer
  use isthmus_capi, only: isthmus_error_message
  use isthmus_status, only: isthmus_bool, isthmus_err_argument, isthmus_err_shape, &
    isthmus_float32, isthmus_float64, isthmus_int16, isthmus_int32, isthmus_int64, &
    isthmus_int8, isthmus_ok
  use isthmus_tensor_capi, only: isthmus_tensor_clone
  use isthmus_tensor_table, only: isthmus_fortran_find, isthmus_fortran_keep, &
    isthmus_fortran_keep_failure, isthmus_fortran_memory, isthmus_fortran_release, &
    isthmus_fortran_rename, isthmus_fortran_reseat
  use isthmus_texts, only: c_text, f_text, report, until_null
  implicit none
  private
  public :: isthmus_seed, isthmus_set_tape, isthmus_tape_is_on
  public :: message_of, tensor_consume, tensor_find, tensor_memory, tensor_own
  public :: tensor_reseat, tensor_yield

  integer, parameter :: max_rank = 15, n_text = 1024

  !> A tensor, or nothing yet.
  type, public :: isthmus_tensor_t
    private
    integer(c_int64_t) :: key = 0     !! in the table; 0: never set
    type(c_ptr) :: owner = c_null_ptr !! address of this object; null: result of a function
    integer :: anchor = 0             !! gives the object an address
  contains
    generic, public :: from_array => from_bool, from_int8, from_int16, &
      from_int32, from_int64, from_real32, from_real64
    generic, public :: to_array => to_bool, to_int8, to_int16, &
      to_int32, to_int64, to_real32, to_real64
    procedure, public :: from_pointer
    procedure, public :: empty => make_empty
    procedure, public :: zeros => make_zeros
    procedure, public :: ones => make_ones
    procedure, public :: rand => make_rand
    procedure, public :: randn => make_randn
    procedure, public :: alias_of
    procedure, public :: clone
    procedure, public :: to
    procedure, public :: copy_from
    procedure, public :: fill
    procedure, public :: free
    procedure, public :: check => check_tensor
    procedure, public :: is_set
    procedure, public :: rank => rank_of
    procedure, public :: shape => shape_of
    procedure, public :: strides => strides_of
    procedure, public :: dtype => dtype_of
    procedure, public :: device => device_of
    procedure, public :: device_index => device_index_of
    procedure, public :: n_elements => n_elements_of
    procedure, public :: data => data_of
    procedure, public :: text => text_of
    procedure, public :: print => print_tensor
    procedure, public :: set_requires_grad
    procedure, public :: requires_grad => is_required
    procedure, public :: is_leaf => is_leaf_of
    procedure, public :: backward
    procedure, public :: gradient
    procedure, public :: zero_grad
    procedure, public :: detach
    generic, public :: assignment(=) => assign
    procedure, private :: assign
    procedure, private :: from_bool
    procedure, private :: from_int8
    procedure, private :: from_int16
    procedure, private :: from_int32
    procedure, private :: from_int64
    procedure, private :: from_real32
    procedure, private :: from_real64
    procedure, private :: to_bool
    procedure, private :: to_int8
    procedure, private :: to_int16
    procedure, private :: to_int32
    procedure, private :: to_int64
    procedure, private :: to_real32
    procedure, private :: to_real64
    final :: finalize
  end type isthmus_tensor_t

  ! isthmus_tensors_make
  interface
    !> A tensor of `shape` whose values are not set.
    module subroutine make_empty(self, shape, dtype, device, requires_grad, stat, errmsg)
      class(isthmus_tensor_t), intent(inout) :: self
      integer, intent(in) :: shape(:)                  !! fastest first
      integer, intent(in) :: dtype                     !! isthmus_float64, ...
      character(len=*), intent(in), optional :: device !! "cpu" (default), "cuda:1", ...
      logical, intent(in), optional :: requires_grad   !! .false. by default
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine make_empty

    !> A tensor of zeros; arguments as for `empty`.
    module subroutine make_zeros(self, shape, dtype, device, requires_grad, stat, errmsg)
      class(isthmus_tensor_t), intent(inout) :: self
      integer, intent(in) :: shape(:), dtype
      character(len=*), intent(in), optional :: device
      logical, intent(in), optional :: requires_grad
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine make_zeros

    !> A tensor of ones; arguments as for `empty`.
    module subroutine make_ones(self, shape, dtype, device, requires_grad, stat, errmsg)
      class(isthmus_tensor_t), intent(inout) :: self
      integer, intent(in) :: shape(:), dtype
      character(len=*), intent(in), optional :: device
      logical, intent(in), optional :: requires_grad
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine make_ones

    !> A tensor of random numbers, even in [0, 1); arguments as for `empty`.
    module subroutine make_rand(self, shape, dtype, device, requires_grad, stat, errmsg)
      class(isthmus_tensor_t), intent(inout) :: self
      integer, intent(in) :: shape(:), dtype
      character(len=*), intent(in), optional :: device
      logical, intent(in), optional :: requires_grad
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine make_rand

    !> A tensor of normal random numbers; arguments as for `empty`.
    module subroutine make_randn(self, shape, dtype, device, requires_grad, stat, errmsg)
      class(isthmus_tensor_t), intent(inout) :: self
      integer, intent(in) :: shape(:), dtype
      character(len=*), intent(in), optional :: device
      logical, intent(in), optional :: requires_grad
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine make_randn

    !> Look at memory by its address: of a device, or of a component of an array of derived
    !> type.
    module subroutine from_pointer(self, address, dtype, shape, strides, device, stat, &
      errmsg)
      class(isthmus_tensor_t), intent(inout) :: self
      type(c_ptr), intent(in) :: address               !! c_loc of the first element
      integer, intent(in) :: dtype                     !! isthmus_float64, ...
      integer, intent(in) :: shape(:)                  !! fastest first
      integer, intent(in), optional :: strides(:)      !! bytes; else contiguous
      character(len=*), intent(in), optional :: device !! "cpu" by default
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine from_pointer

    !> Start the random numbers anew.
    module subroutine isthmus_seed(seed)
      integer, intent(in) :: seed
    end subroutine isthmus_seed
  end interface

  ! isthmus_tensors_move
  interface
    !> Share the memory, and the gradient, of another tensor.
    module subroutine alias_of(self, other, stat, errmsg)
      class(isthmus_tensor_t), intent(inout) :: self
      class(isthmus_tensor_t), intent(in) :: other
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine alias_of

    !> A copy with memory of its own; `b = a%clone()` is `b = a`.
    module function clone(self) result(copy)
      class(isthmus_tensor_t), intent(in) :: self
      type(isthmus_tensor_t) :: copy
    end function clone

    !> A copy of another element type or on another device; absent ones are kept.
    module function to(self, dtype, device) result(copy)
      class(isthmus_tensor_t), intent(in) :: self
      integer, intent(in), optional :: dtype !! isthmus_float32, ...
      character(len=*), intent(in), optional :: device
      type(isthmus_tensor_t) :: copy
    end function to

    !> Overwrite the values, in the array looked at too, by those of another tensor.
    module subroutine copy_from(self, source, convert, stat, errmsg)
      class(isthmus_tensor_t), intent(inout) :: self
      class(isthmus_tensor_t), intent(in) :: source
      logical, intent(in), optional :: convert !! between element types; .false. by default
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine copy_from

    !> Set every element to `number`.
    module subroutine fill(self, number, stat, errmsg)
      class(isthmus_tensor_t), intent(inout) :: self
      real(real64), intent(in) :: number
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine fill
  end interface

  ! isthmus_tensors_ask
  interface
    !> Number of dimensions.
    module function rank_of(self) result(rank)
      class(isthmus_tensor_t), intent(in) :: self
      integer :: rank
    end function rank_of

    !> Extents, fastest first, as of a Fortran array.
    module function shape_of(self) result(shape)
      class(isthmus_tensor_t), intent(in) :: self
      integer(int64), allocatable :: shape(:)
    end function shape_of

    !> Strides in elements, in the order of the shape.
    module function strides_of(self) result(strides)
      class(isthmus_tensor_t), intent(in) :: self
      integer(int64), allocatable :: strides(:)
    end function strides_of

    !> Element type, isthmus_float64 and so on.
    module function dtype_of(self) result(dtype)
      class(isthmus_tensor_t), intent(in) :: self
      integer :: dtype
    end function dtype_of

    !> Device type: "cpu", "cuda", ...
    module function device_of(self) result(device)
      class(isthmus_tensor_t), intent(in) :: self
      character(len=:), allocatable :: device
    end function device_of

    !> Which of several devices.
    module function device_index_of(self) result(index)
      class(isthmus_tensor_t), intent(in) :: self
      integer :: index
    end function device_index_of

    module function n_elements_of(self) result(n_elements)
      class(isthmus_tensor_t), intent(in) :: self
      integer(int64) :: n_elements
    end function n_elements_of

    !> Address of the first element, null if there is none.
    module function data_of(self) result(address)
      class(isthmus_tensor_t), intent(in) :: self
      type(c_ptr) :: address
    end function data_of

    !> Values, type and shape (slowest first) as torch prints them.
    module function text_of(self) result(text)
      class(isthmus_tensor_t), intent(in) :: self
      character(len=:), allocatable :: text
    end function text_of

    module subroutine print_tensor(self, unit)
      class(isthmus_tensor_t), intent(in) :: self
      integer, intent(in), optional :: unit !! standard output by default
    end subroutine print_tensor
  end interface

  ! isthmus_tensors_tape
  interface
    !> Ask for the gradient with respect to this tensor, or no longer.
    module subroutine set_requires_grad(self, is_required, stat, errmsg)
      class(isthmus_tensor_t), intent(inout) :: self
      logical, intent(in) :: is_required
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine set_requires_grad

    !> Whether a gradient flows through this tensor.
    module function is_required(self) result(is_so)
      class(isthmus_tensor_t), intent(in) :: self
      logical :: is_so
    end function is_required

    !> Whether this is no result of a recorded operation.
    module function is_leaf_of(self) result(is_leaf)
      class(isthmus_tensor_t), intent(in) :: self
      logical :: is_leaf
    end function is_leaf_of

    !> Add the derivatives of this tensor to the gradients of all it was made from.
    module subroutine backward(self, gradient, retain_graph, create_graph, stat, errmsg)
      class(isthmus_tensor_t), intent(in) :: self
      type(isthmus_tensor_t), intent(in), optional :: gradient !! weights; 1 for one element
      logical, intent(in), optional :: retain_graph            !! .false. by default
      logical, intent(in), optional :: create_graph            !! .false. by default
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine backward

    !> The gradient that `backward` left; it shares memory with it.
    module function gradient(self) result(tensor)
      class(isthmus_tensor_t), intent(in) :: self
      type(isthmus_tensor_t) :: tensor
    end function gradient

    module subroutine zero_grad(self, stat, errmsg)
      class(isthmus_tensor_t), intent(inout) :: self
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine zero_grad

    !> A leaf without gradient that looks at the same memory.
    module function detach(self) result(tensor)
      class(isthmus_tensor_t), intent(in) :: self
      type(isthmus_tensor_t) :: tensor
    end function detach

    !> Turn the recording of this thread on (as it starts) or off.
    module subroutine isthmus_set_tape(is_on)
      logical, intent(in) :: is_on
    end subroutine isthmus_set_tape

    module function isthmus_tape_is_on() result(is_on)
      logical :: is_on
    end function isthmus_tape_is_on
  end interface

  ! isthmus_tensors_arrays
  interface
    !> `array` comes without its type: see `describe`.
    module subroutine from_any(self, array, dtype, layout, requires_grad, stat, errmsg)
      class(isthmus_tensor_t), intent(inout) :: self
      type(*), dimension(..), intent(in), target :: array
      integer, intent(in) :: dtype
      integer, intent(in), optional :: layout(:)
      logical, intent(in), optional :: requires_grad
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine from_any

    !> `array` comes without its type: see `describe`.
    module subroutine to_any(self, array, dtype, layout, convert, stat, errmsg)
      class(isthmus_tensor_t), intent(in) :: self
      type(*), dimension(..), intent(in), target :: array
      integer, intent(in) :: dtype
      integer, intent(in), optional :: layout(:)
      logical, intent(in), optional :: convert
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine to_any
  end interface

contains

  ! from_array, to_array: one procedure for each kind, of any rank and section. The dummy is
  ! a pointer, so that the actual must be a target and is never a temporary copy.
  ! `layout(i)`: which dimension of the array is dimension i of the tensor as PyTorch counts
  ! them; by default they are reversed, so that memory order is kept.

  !> Look at `array`, without a copy.
  subroutine from_bool(self, array, layout, requires_grad, stat, errmsg)
    class(isthmus_tensor_t), intent(inout) :: self
    logical(c_bool), dimension(..), pointer, intent(in) :: array
    integer, intent(in), optional :: layout(:)
    logical, intent(in), optional :: requires_grad
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call from_any(self, array, isthmus_bool, layout, requires_grad, stat, errmsg)
  end subroutine from_bool

  !> Look at `array`, without a copy.
  subroutine from_int8(self, array, layout, requires_grad, stat, errmsg)
    class(isthmus_tensor_t), intent(inout) :: self
    integer(int8), dimension(..), pointer, intent(in) :: array
    integer, intent(in), optional :: layout(:)
    logical, intent(in), optional :: requires_grad
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call from_any(self, array, isthmus_int8, layout, requires_grad, stat, errmsg)
  end subroutine from_int8

  !> Look at `array`, without a copy.
  subroutine from_int16(self, array, layout, requires_grad, stat, errmsg)
    class(isthmus_tensor_t), intent(inout) :: self
    integer(int16), dimension(..), pointer, intent(in) :: array
    integer, intent(in), optional :: layout(:)
    logical, intent(in), optional :: requires_grad
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call from_any(self, array, isthmus_int16, layout, requires_grad, stat, errmsg)
  end subroutine from_int16

  !> Look at `array`, without a copy.
  subroutine from_int32(self, array, layout, requires_grad, stat, errmsg)
    class(isthmus_tensor_t), intent(inout) :: self
    integer(int32), dimension(..), pointer, intent(in) :: array
    integer, intent(in), optional :: layout(:)
    logical, intent(in), optional :: requires_grad
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call from_any(self, array, isthmus_int32, layout, requires_grad, stat, errmsg)
  end subroutine from_int32

  !> Look at `array`, without a copy.
  subroutine from_int64(self, array, layout, requires_grad, stat, errmsg)
    class(isthmus_tensor_t), intent(inout) :: self
    integer(int64), dimension(..), pointer, intent(in) :: array
    integer, intent(in), optional :: layout(:)
    logical, intent(in), optional :: requires_grad
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call from_any(self, array, isthmus_int64, layout, requires_grad, stat, errmsg)
  end subroutine from_int64

  !> Look at `array`, without a copy.
  subroutine from_real32(self, array, layout, requires_grad, stat, errmsg)
    class(isthmus_tensor_t), intent(inout) :: self
    real(real32), dimension(..), pointer, intent(in) :: array
    integer, intent(in), optional :: layout(:)
    logical, intent(in), optional :: requires_grad
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call from_any(self, array, isthmus_float32, layout, requires_grad, stat, errmsg)
  end subroutine from_real32

  !> Look at `array`, without a copy.
  subroutine from_real64(self, array, layout, requires_grad, stat, errmsg)
    class(isthmus_tensor_t), intent(inout) :: self
    real(real64), dimension(..), pointer, intent(in) :: array
    integer, intent(in), optional :: layout(:)
    logical, intent(in), optional :: requires_grad
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call from_any(self, array, isthmus_float64, layout, requires_grad, stat, errmsg)
  end subroutine from_real64

  !> Write the values into `array`.
  subroutine to_bool(self, array, layout, convert, stat, errmsg)
    class(isthmus_tensor_t), intent(in) :: self
    logical(c_bool), dimension(..), pointer, intent(in) :: array
    integer, intent(in), optional :: layout(:)
    logical, intent(in), optional :: convert
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call to_any(self, array, isthmus_bool, layout, convert, stat, errmsg)
  end subroutine to_bool

  !> Write the values into `array`.
  subroutine to_int8(self, array, layout, convert, stat, errmsg)
    class(isthmus_tensor_t), intent(in) :: self
    integer(int8), dimension(..), pointer, intent(in) :: array
    integer, intent(in), optional :: layout(:)
    logical, intent(in), optional :: convert
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call to_any(self, array, isthmus_int8, layout, convert, stat, errmsg)
  end subroutine to_int8

  !> Write the values into `array`.
  subroutine to_int16(self, array, layout, convert, stat, errmsg)
    class(isthmus_tensor_t), intent(in) :: self
    integer(int16), dimension(..), pointer, intent(in) :: array
    integer, intent(in), optional :: layout(:)
    logical, intent(in), optional :: convert
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call to_any(self, array, isthmus_int16, layout, convert, stat, errmsg)
  end subroutine to_int16

  !> Write the values into `array`.
  subroutine to_int32(self, array, layout, convert, stat, errmsg)
    class(isthmus_tensor_t), intent(in) :: self
    integer(int32), dimension(..), pointer, intent(in) :: array
    integer, intent(in), optional :: layout(:)
    logical, intent(in), optional :: convert
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call to_any(self, array, isthmus_int32, layout, convert, stat, errmsg)
  end subroutine to_int32

  !> Write the values into `array`.
  subroutine to_int64(self, array, layout, convert, stat, errmsg)
    class(isthmus_tensor_t), intent(in) :: self
    integer(int64), dimension(..), pointer, intent(in) :: array
    integer, intent(in), optional :: layout(:)
    logical, intent(in), optional :: convert
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call to_any(self, array, isthmus_int64, layout, convert, stat, errmsg)
  end subroutine to_int64

  !> Write the values into `array`.
  subroutine to_real32(self, array, layout, convert, stat, errmsg)
    class(isthmus_tensor_t), intent(in) :: self
    real(real32), dimension(..), pointer, intent(in) :: array
    integer, intent(in), optional :: layout(:)
    logical, intent(in), optional :: convert
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call to_any(self, array, isthmus_float32, layout, convert, stat, errmsg)
  end subroutine to_real32

  !> Write the values into `array`.
  subroutine to_real64(self, array, layout, convert, stat, errmsg)
    class(isthmus_tensor_t), intent(in) :: self
    real(real64), dimension(..), pointer, intent(in) :: array
    integer, intent(in), optional :: layout(:)
    logical, intent(in), optional :: convert
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call to_any(self, array, isthmus_float64, layout, convert, stat, errmsg)
  end subroutine to_real64

  !> Free the tensor; one that was never set is allowed.
  subroutine free(self)
    class(isthmus_tensor_t), intent(inout), target :: self

    ! What was copied bit by bit (allocate with source=) never counted as an owner.
    if (.not. c_associated(self%owner) .or. &
      c_associated(self%owner, c_loc(self%anchor))) then
      call isthmus_fortran_release(self%key)
    end if
    self%key = 0
    self%owner = c_null_ptr
  end subroutine free

  !> Tell whether there is a tensor, and if not, why.
  subroutine check_tensor(self, stat, errmsg)
    class(isthmus_tensor_t), intent(in) :: self
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(c_ptr) :: handle
    integer :: status
    character(len=:), allocatable :: text

    call tensor_find(self, handle, status, text)
    call report(status, text, stat, errmsg)
  end subroutine check_tensor

  !> Whether there is a tensor: it was set, nothing failed, and it was not freed.
  logical function is_set(self)
    class(isthmus_tensor_t), intent(in) :: self

    integer :: status

    call self%check(status)
    is_set = status == isthmus_ok
  end function is_set

  ! Ownership

  !> Copy the tensor of a variable; take over the result of a function.
  impure elemental subroutine assign(self, other)
    class(isthmus_tensor_t), intent(inout), target :: self
    class(isthmus_tensor_t), intent(in) :: other

    integer(c_int64_t) :: key

    if (other%key == self%key) return
    key = 0
    if (other%key /= 0 .and. c_associated(other%owner)) then
      key = key_of_copy(other)
    else if (other%key /= 0) then
      key = isthmus_fortran_rename(other%key) ! `other` may be finalized, or not
    end if
    call self%free()
    self%key = key
    self%owner = c_loc(self%anchor)
  end subroutine assign

  !> A key for a copy of what `other` holds, be it a tensor or a failure.
  function key_of_copy(other) result(key)
    class(isthmus_tensor_t), intent(in) :: other
    integer(c_int64_t) :: key

    type(c_ptr) :: handle, copy
    integer :: status
    character(len=:), allocatable :: text

    copy = c_null_ptr
    call tensor_find(other, handle, status, text)
    if (status == isthmus_ok) then
      status = int(isthmus_tensor_clone(handle, copy))
      text = message_of(status)
    end if
    key = key_for(status, copy, text)
  end function key_of_copy

  function key_for(status, handle, text) result(key)
    integer, intent(in) :: status
    type(c_ptr), intent(in) :: handle
    character(len=*), intent(in) :: text !! of a failure
    integer(c_int64_t) :: key

    if (status == isthmus_ok) then
      key = isthmus_fortran_keep(handle)
    else
      key = isthmus_fortran_keep_failure(int(status, c_int), c_text(text))
    end if
  end function key_for

  impure elemental subroutine finalize(self)
    type(isthmus_tensor_t), intent(inout), target :: self

    call self%free()
  end subroutine finalize

  ! For the other modules of this folder

  !> The C tensor, or why there is none.
  subroutine tensor_find(tensor, handle, status, text)
    class(isthmus_tensor_t), intent(in) :: tensor
    type(c_ptr), intent(out) :: handle
    integer, intent(out) :: status
    character(len=:), allocatable, intent(out) :: text !! set on failure

    character(len=n_text) :: reason

    handle = c_null_ptr
    status = int(isthmus_fortran_find(tensor%key, handle, reason, n_text))
    text = ""
    if (status /= isthmus_ok) text = until_null(reason)
  end subroutine tensor_find

  !> Free the result of a function that was an operand. gfortran 12 does not finalize such
  !> results; where they are finalized after this, nothing happens.
  subroutine tensor_consume(tensor)
    type(isthmus_tensor_t), intent(in) :: tensor

    if (.not. c_associated(tensor%owner)) call isthmus_fortran_release(tensor%key)
  end subroutine tensor_consume

  !> The result of a function: a C tensor, or why there is none.
  subroutine tensor_yield(status, handle, text, tensor)
    integer, intent(in) :: status
    type(c_ptr), intent(in) :: handle
    character(len=*), intent(in) :: text !! of a failure
    type(isthmus_tensor_t), intent(inout) :: tensor

    tensor%key = key_for(status, handle, text)
    tensor%owner = c_null_ptr
  end subroutine tensor_yield

  !> Let a variable own a C tensor; what it had before is freed.
  subroutine tensor_own(tensor, handle)
    class(isthmus_tensor_t), intent(inout), target :: tensor
    type(c_ptr), intent(in) :: handle

    call tensor%free()
    tensor%key = isthmus_fortran_keep(handle)
    tensor%owner = c_loc(tensor%anchor)
  end subroutine tensor_own

  !> The C tensor whose memory takes what is assigned; null if there is none.
  function tensor_memory(tensor) result(handle)
    class(isthmus_tensor_t), intent(in) :: tensor
    type(c_ptr) :: handle

    handle = isthmus_fortran_memory(tensor%key)
  end function tensor_memory

  !> Let the object, and all bitwise copies of it, stand for another C tensor. With
  !> `is_elsewhere`, what is assigned later is still written to the memory it had.
  subroutine tensor_reseat(tensor, handle, is_elsewhere)
    class(isthmus_tensor_t), intent(in) :: tensor
    type(c_ptr), intent(in) :: handle
    logical, intent(in) :: is_elsewhere

    call isthmus_fortran_reseat(tensor%key, handle, merge(1_c_int, 0_c_int, is_elsewhere))
  end subroutine tensor_reseat

  !> Why the last call failed. The library speaks of shapes slowest first: say so.
  function message_of(status) result(text)
    integer, intent(in) :: status
    character(len=:), allocatable :: text

    text = ""
    if (status == isthmus_ok) return
    text = f_text(isthmus_error_message())
    if (status == isthmus_err_shape .and. index(text, "[") > 0) then
      text = text//" (shapes slowest first: Fortran's extents in reverse)"
    end if
  end function message_of

end module isthmus_tensors
