! SPDX-License-Identifier: MIT
!> Tensors of FTorch made from arrays: every kind, any rank and section, without a copy.
module ftorch_arrays
  use, intrinsic :: iso_c_binding, only: c_bool, c_int, c_null_ptr, c_ptr
  use, intrinsic :: iso_fortran_env, only: int16, int32, int64, int8, real32, real64
  use ftorch_making, only: finish_tensor
  use ftorch_types, only: dtype_of, torch_kBool, torch_kFloat32, torch_kFloat64, &
    torch_kInt16, torch_kInt32, torch_kInt64, torch_kInt8
  use ftorch_values, only: demand, torch_tensor
  use isthmus_arrays, only: array_view_t, describe
  use isthmus_status, only: isthmus_err_argument, isthmus_ok
  use isthmus_tensor_capi, only: isthmus_tensor_from_array
  use isthmus_texts, only: report
  implicit none
  private
  public :: torch_tensor_from_array

  character(len=*), parameter :: me = "torch_tensor_from_array"

  !> Look at an array. One procedure for each kind, without and with `layout`; the dummy is
  !> a pointer, so that the actual must be a target and is never a temporary copy.
  interface torch_tensor_from_array
    module procedure :: from_bool, from_int8, from_int16, from_int32, from_int64, &
      from_real32, from_real64
    module procedure :: from_bool_layout, from_int8_layout, from_int16_layout, &
      from_int32_layout, from_int64_layout, from_real32_layout, from_real64_layout
  end interface torch_tensor_from_array

contains

  subroutine from_bool(tensor, data_in, device_type, device_index, requires_grad, &
    permute_dims)
    logical(c_bool), dimension(..), pointer, intent(in) :: data_in
    include "ftorch_from_array.inc"

    call from_any(tensor, data_in, torch_kBool, device_type, device_index, &
      requires_grad, dims=permute_dims)
  end subroutine from_bool

  subroutine from_bool_layout(tensor, data_in, layout, device_type, device_index, &
    requires_grad)
    logical(c_bool), dimension(..), pointer, intent(in) :: data_in
    include "ftorch_from_array_layout.inc"

    call from_any(tensor, data_in, torch_kBool, device_type, device_index, &
      requires_grad, layout=layout)
  end subroutine from_bool_layout

  subroutine from_int8(tensor, data_in, device_type, device_index, requires_grad, &
    permute_dims)
    integer(int8), dimension(..), pointer, intent(in) :: data_in
    include "ftorch_from_array.inc"

    call from_any(tensor, data_in, torch_kInt8, device_type, device_index, &
      requires_grad, dims=permute_dims)
  end subroutine from_int8

  subroutine from_int8_layout(tensor, data_in, layout, device_type, device_index, &
    requires_grad)
    integer(int8), dimension(..), pointer, intent(in) :: data_in
    include "ftorch_from_array_layout.inc"

    call from_any(tensor, data_in, torch_kInt8, device_type, device_index, &
      requires_grad, layout=layout)
  end subroutine from_int8_layout

  subroutine from_int16(tensor, data_in, device_type, device_index, requires_grad, &
    permute_dims)
    integer(int16), dimension(..), pointer, intent(in) :: data_in
    include "ftorch_from_array.inc"

    call from_any(tensor, data_in, torch_kInt16, device_type, device_index, &
      requires_grad, dims=permute_dims)
  end subroutine from_int16

  subroutine from_int16_layout(tensor, data_in, layout, device_type, device_index, &
    requires_grad)
    integer(int16), dimension(..), pointer, intent(in) :: data_in
    include "ftorch_from_array_layout.inc"

    call from_any(tensor, data_in, torch_kInt16, device_type, device_index, &
      requires_grad, layout=layout)
  end subroutine from_int16_layout

  subroutine from_int32(tensor, data_in, device_type, device_index, requires_grad, &
    permute_dims)
    integer(int32), dimension(..), pointer, intent(in) :: data_in
    include "ftorch_from_array.inc"

    call from_any(tensor, data_in, torch_kInt32, device_type, device_index, &
      requires_grad, dims=permute_dims)
  end subroutine from_int32

  subroutine from_int32_layout(tensor, data_in, layout, device_type, device_index, &
    requires_grad)
    integer(int32), dimension(..), pointer, intent(in) :: data_in
    include "ftorch_from_array_layout.inc"

    call from_any(tensor, data_in, torch_kInt32, device_type, device_index, &
      requires_grad, layout=layout)
  end subroutine from_int32_layout

  subroutine from_int64(tensor, data_in, device_type, device_index, requires_grad, &
    permute_dims)
    integer(int64), dimension(..), pointer, intent(in) :: data_in
    include "ftorch_from_array.inc"

    call from_any(tensor, data_in, torch_kInt64, device_type, device_index, &
      requires_grad, dims=permute_dims)
  end subroutine from_int64

  subroutine from_int64_layout(tensor, data_in, layout, device_type, device_index, &
    requires_grad)
    integer(int64), dimension(..), pointer, intent(in) :: data_in
    include "ftorch_from_array_layout.inc"

    call from_any(tensor, data_in, torch_kInt64, device_type, device_index, &
      requires_grad, layout=layout)
  end subroutine from_int64_layout

  subroutine from_real32(tensor, data_in, device_type, device_index, requires_grad, &
    permute_dims)
    real(real32), dimension(..), pointer, intent(in) :: data_in
    include "ftorch_from_array.inc"

    call from_any(tensor, data_in, torch_kFloat32, device_type, device_index, &
      requires_grad, dims=permute_dims)
  end subroutine from_real32

  subroutine from_real32_layout(tensor, data_in, layout, device_type, device_index, &
    requires_grad)
    real(real32), dimension(..), pointer, intent(in) :: data_in
    include "ftorch_from_array_layout.inc"

    call from_any(tensor, data_in, torch_kFloat32, device_type, device_index, &
      requires_grad, layout=layout)
  end subroutine from_real32_layout

  subroutine from_real64(tensor, data_in, device_type, device_index, requires_grad, &
    permute_dims)
    real(real64), dimension(..), pointer, intent(in) :: data_in
    include "ftorch_from_array.inc"

    call from_any(tensor, data_in, torch_kFloat64, device_type, device_index, &
      requires_grad, dims=permute_dims)
  end subroutine from_real64

  subroutine from_real64_layout(tensor, data_in, layout, device_type, device_index, &
    requires_grad)
    real(real64), dimension(..), pointer, intent(in) :: data_in
    include "ftorch_from_array_layout.inc"

    call from_any(tensor, data_in, torch_kFloat64, device_type, device_index, &
      requires_grad, layout=layout)
  end subroutine from_real64_layout

  !> `array` comes without its type, so that a component of an array of derived type shows.
  subroutine from_any(tensor, array, torch_type, device_type, device_index, requires_grad, &
    dims, layout)
    type(torch_tensor), intent(inout) :: tensor
    type(*), dimension(..), intent(in), target :: array
    integer(c_int), intent(in) :: torch_type, device_type
    integer, intent(in), optional :: device_index
    logical, intent(in), optional :: requires_grad
    integer, intent(in), optional :: dims(:)   !! tensor dim i is array dim dims(i)
    integer, intent(in), optional :: layout(:) !! array dim i is tensor dim layout(i)

    type(array_view_t), target :: view
    type(c_ptr) :: handle
    character(len=:), allocatable :: text
    integer :: status, rank, i

    call describe("data_in", array, int(dtype_of(torch_type)), view, status, text)
    if (status /= isthmus_ok) call report(status, me//": "//text)
    rank = int(view%c%rank)
    if (present(layout)) then
      call reorder(view, inverse(layout, rank, "layout"))
    else if (present(dims)) then
      call reorder(view, inverse(inverse(dims, rank, "permute_dims"), rank, ""))
    else
      call reorder(view, [(i, i=1, rank)])
    end if
    handle = c_null_ptr
    call demand(isthmus_tensor_from_array(view%c, c_null_ptr, handle), me)
    call finish_tensor(tensor, handle, me, device_type, device_index, requires_grad)
  end subroutine from_any

  !> Let dimension i of the view be dimension dims(i) of the array; before, it is described
  !> slowest first.
  pure subroutine reorder(view, dims)
    type(array_view_t), intent(inout) :: view
    integer, intent(in) :: dims(:)

    integer :: n

    n = size(dims)
    view%shape(:n) = view%shape(n + 1 - dims)
    view%strides(:n) = view%strides(n + 1 - dims)
  end subroutine reorder

  !> The permutation undone; stops if it is none.
  function inverse(permutation, n, name) result(undone)
    integer, intent(in) :: permutation(:), n
    character(len=*), intent(in) :: name
    integer :: undone(n)

    character(len=4) :: number
    integer :: i

    undone = 0
    do i = 1, size(permutation)
      if (permutation(i) >= 1 .and. permutation(i) <= n) undone(permutation(i)) = i
    end do
    if (size(permutation) == n .and. all(undone > 0)) return
    write (number, "(i0)") n
    call report(isthmus_err_argument, me//": '"//name//"' must hold each dimension of "// &
      "'data_in', 1 to "//trim(number)//", once")
  end function inverse

end module ftorch_arrays
