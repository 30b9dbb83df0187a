! SPDX-License-Identifier: MIT
!> Fortran arrays seen as tensors, and values written into Fortran arrays.
submodule(isthmus_tensors) isthmus_tensors_arrays
  use isthmus_tensor_capi, only: isthmus_tensor_copy_to_array, isthmus_tensor_from_array
  implicit none

contains

  module procedure from_any
    type(array_view_t), target :: view
    type(c_ptr) :: handle
    character(len=:), allocatable :: text
    integer :: status

    call described(array, dtype, layout, view, status, text)
    if (status == isthmus_ok) then
      handle = c_null_ptr
      status = int(isthmus_tensor_from_array(view%c, c_null_ptr, handle))
      text = message_of(status)
      if (status == isthmus_ok) call tensor_own(self, handle)
    end if
    call report(status, text, stat, errmsg)
    if (status == isthmus_ok .and. present(requires_grad)) then
      call self%set_requires_grad(requires_grad, stat, errmsg)
    end if
  end procedure from_any

  module procedure to_any
    type(array_view_t), target :: view
    type(c_ptr) :: handle
    character(len=:), allocatable :: text
    integer :: status, conversion

    conversion = 0
    if (present(convert)) conversion = merge(1, 0, convert)
    call tensor_find(self, handle, status, text)
    if (status == isthmus_ok) call described(array, dtype, layout, view, status, text)
    if (status == isthmus_ok) then
      status = int(isthmus_tensor_copy_to_array(handle, view%c, int(conversion, c_int)))
      text = message_of(status)
    end if
    call report(status, text, stat, errmsg)
  end procedure to_any

  !> Describe an array with its dimensions in the order that `layout` says.
  subroutine described(array, dtype, layout, view, status, text)
    type(*), dimension(..), intent(in), target :: array
    integer, intent(in) :: dtype
    integer, intent(in), optional :: layout(:)
    type(array_view_t), intent(inout), target :: view
    integer, intent(out) :: status
    character(len=:), allocatable, intent(out) :: text

    integer :: rank, i

    call describe("array", array, dtype, view, status, text)
    if (status /= isthmus_ok .or. .not. present(layout)) return
    rank = int(view%c%rank)
    if (.not. is_permutation(layout, rank)) then
      status = isthmus_err_argument
      text = "'layout' must hold each dimension of the array once"
      return
    end if
    view%shape(:rank) = [(view%shape(rank + 1 - layout(i)), i=1, rank)]
    view%strides(:rank) = [(view%strides(rank + 1 - layout(i)), i=1, rank)]
  end subroutine described

  pure logical function is_permutation(layout, rank)
    integer, intent(in) :: layout(:), rank

    integer :: i

    is_permutation = size(layout) == rank
    do i = 1, rank
      if (is_permutation) is_permutation = count(layout == i) == 1
    end do
  end function is_permutation

end submodule isthmus_tensors_arrays
