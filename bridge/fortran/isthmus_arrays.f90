! SPDX-License-Identifier: MIT
!> Fortran arrays described for the C interface: any kind, rank and section, uncopied.
! allow(C071)
module isthmus_arrays
  use, intrinsic :: iso_c_binding, only: c_char, c_int, c_int32_t, c_int64_t, c_loc, &
    c_null_char, c_null_ptr, c_ptr
  use isthmus_status, only: isthmus_err_shape, isthmus_ok
  use isthmus_capi, only: c_array_t
  use isthmus_texts, only: c_text, until_null
  implicit none
  private
  public :: array_view_t, describe, describe_pointer

  integer, parameter, public :: max_rank = 15 !! of an array
  integer, parameter :: n_text = 1024

  !> An array as the C interface takes it. `c` points into the object itself: pass it on
  !> before the object (a `target`) goes out of scope.
  type :: array_view_t
    type(c_array_t) :: c
    integer(c_int64_t) :: shape(max_rank) = 0   !! slowest first
    integer(c_int64_t) :: strides(max_rank) = 0 !! bytes, slowest first
  contains
    procedure :: explained
  end type array_view_t

  interface
    !> Read a C descriptor; `text` receives why that fails (descriptor.c).
    function isthmus_fortran_describe(name, array, dtype, address, rank, shape, strides, &
      text, n_text) result(status) bind(c)
      import :: c_char, c_int, c_int32_t, c_int64_t, c_ptr
      implicit none
      character(kind=c_char), intent(in) :: name(*)
      type(*), dimension(..), intent(in), target :: array
      integer(c_int), value :: dtype
      type(c_ptr), intent(out) :: address
      integer(c_int32_t), intent(out) :: rank
      integer(c_int64_t), intent(inout) :: shape(*), strides(*)
      character(kind=c_char), intent(inout) :: text(*)
      integer(c_int), value :: n_text
      integer(c_int) :: status
    end function isthmus_fortran_describe
  end interface

contains

  !> Describe an array of known element type. `array` must come without its type, as
  !> `type(*)`: then a component of an array of derived type shows, and is refused.
  subroutine describe(name, array, dtype, view, status, text)
    character(len=*), intent(in) :: name !! for messages
    type(*), dimension(..), intent(in), target :: array
    integer, intent(in) :: dtype         !! isthmus_float64, ...
    type(array_view_t), intent(out), target :: view
    integer, intent(out) :: status
    character(len=:), allocatable, intent(out) :: text

    character(len=n_text) :: reason

    status = isthmus_fortran_describe(c_text(name), array, int(dtype, c_int), view%c%data, &
      view%c%rank, view%shape, view%strides, reason, n_text)
    text = ""
    if (status /= isthmus_ok) text = until_null(reason)
    view%c%dtype = int(dtype, c_int)
    view%c%shape = c_loc(view%shape)
    view%c%strides = c_loc(view%strides)
  end subroutine describe

  !> Describe memory by its address: components of arrays of derived type, and compilers
  !> without C descriptors.
  subroutine describe_pointer(name, address, dtype, shape, view, status, text, strides)
    character(len=*), intent(in) :: name        !! for messages
    type(c_ptr), intent(in) :: address          !! c_loc of the first element
    integer, intent(in) :: dtype                !! isthmus_float64, ...
    integer, intent(in) :: shape(:)             !! shape(array), fastest first
    type(array_view_t), intent(out), target :: view
    integer, intent(out) :: status
    character(len=:), allocatable, intent(out) :: text
    integer, intent(in), optional :: strides(:) !! bytes, fastest first; else contiguous

    integer :: rank

    rank = size(shape)
    text = ""
    status = isthmus_err_shape
    if (rank > max_rank) then
      text = "'"//name//"' must have 0 to 15 dimensions"
      return
    end if
    if (present(strides)) then
      if (size(strides) /= rank) then
        text = "'"//name//"' has strides for another rank than its shape"
        return
      end if
      view%strides(:rank) = strides(rank:1:-1)
      view%c%strides = c_loc(view%strides)
    end if
    view%shape(:rank) = shape(rank:1:-1)
    view%c%data = address
    view%c%dtype = int(dtype, c_int)
    view%c%rank = int(rank, c_int32_t)
    view%c%shape = c_loc(view%shape)
    status = isthmus_ok
  end subroutine describe_pointer

  !> The library speaks of shapes slowest first: say so to a Fortran reader.
  pure function explained(self, message, status) result(text)
    class(array_view_t), intent(in) :: self
    character(len=*), intent(in) :: message
    integer, intent(in) :: status
    character(len=:), allocatable :: text

    text = message
    if (status == isthmus_err_shape .and. self%c%rank > 1) then
      text = text//" (shapes slowest first: Fortran's extents in reverse)"
    end if
  end function explained

end module isthmus_arrays
