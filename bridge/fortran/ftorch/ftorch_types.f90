! SPDX-License-Identifier: MIT
!> Element types of FTorch, and ours for them.
module ftorch_types
  use, intrinsic :: iso_c_binding, only: c_int
  use isthmus_status, only: isthmus_bool, isthmus_float16, isthmus_float32, &
    isthmus_float64, isthmus_int16, isthmus_int32, isthmus_int64, isthmus_int8
  implicit none
  private
  public :: dtype_of, is_lossless, torch_type_of

  integer(c_int), parameter, public :: torch_kUInt8 = 0   !! no Fortran kind
  integer(c_int), parameter, public :: torch_kInt8 = 1
  integer(c_int), parameter, public :: torch_kInt16 = 2
  integer(c_int), parameter, public :: torch_kInt32 = 3
  integer(c_int), parameter, public :: torch_kInt64 = 4
  integer(c_int), parameter, public :: torch_kFloat16 = 5 !! no Fortran kind
  integer(c_int), parameter, public :: torch_kFloat32 = 6
  integer(c_int), parameter, public :: torch_kFloat64 = 7
  integer(c_int), parameter, public :: torch_kBool = 11   !! logical(c_bool); not in FTorch

  integer, parameter :: ours(0:11) = [-1, isthmus_int8, isthmus_int16, isthmus_int32, &
    isthmus_int64, isthmus_float16, isthmus_float32, isthmus_float64, -1, -1, -1, &
    isthmus_bool]

contains

  !> Our element type for one of FTorch's; -1 if there is none.
  pure integer(c_int) function dtype_of(torch_type)
    integer(c_int), intent(in) :: torch_type

    dtype_of = -1_c_int
    if (torch_type >= 0 .and. torch_type <= ubound(ours, 1)) then
      dtype_of = int(ours(torch_type), c_int)
    end if
  end function dtype_of

  !> FTorch's element type for one of ours; -1 if there is none.
  pure integer(c_int) function torch_type_of(dtype)
    integer(c_int), intent(in) :: dtype

    integer :: i

    torch_type_of = -1_c_int
    do i = 0, ubound(ours, 1)
      if (dtype >= 0 .and. ours(i) == dtype) torch_type_of = int(i, c_int)
    end do
  end function torch_type_of

  !> Whether every value of one of our types is a value of another.
  pure logical function is_lossless(from, to)
    integer(c_int), intent(in) :: from, to

    logical :: from_integer, to_integer

    from_integer = from >= isthmus_int8 .and. from <= isthmus_int64
    to_integer = to >= isthmus_int8 .and. to <= isthmus_int64
    is_lossless = from == to .or. from == isthmus_bool
    if (from_integer .and. to_integer) is_lossless = from <= to
    if (from > isthmus_float64) is_lossless = to == isthmus_float32 .or. from == to
    if (from >= isthmus_float32 .and. to == isthmus_float64) is_lossless = .true.
    if (from_integer .and. to == isthmus_float64) is_lossless = from <= isthmus_int32
    if (from_integer .and. to == isthmus_float32) is_lossless = from <= isthmus_int16
  end function is_lossless

end module ftorch_types
