! SPDX-License-Identifier: MIT
!> Tensors copied, converted, shared and filled.
submodule(isthmus_tensors) isthmus_tensors_move
  use isthmus_tensor_capi, only: isthmus_tensor_alias, isthmus_tensor_copy, &
    isthmus_tensor_fill_float64, isthmus_tensor_fill_int64, &
    isthmus_tensor_to
  implicit none

contains

  module procedure alias_of
    type(c_ptr) :: handle, of_other
    character(len=:), allocatable :: text
    integer :: status

    call tensor_find(other, of_other, status, text)
    if (status == isthmus_ok) then
      handle = c_null_ptr
      status = int(isthmus_tensor_alias(of_other, handle))
      text = message_of(status)
      if (status == isthmus_ok) call tensor_own(self, handle)
    end if
    call report(status, text, stat, errmsg)
  end procedure alias_of

  module procedure clone
    type(c_ptr) :: handle, of_copy
    character(len=:), allocatable :: text
    integer :: status

    call tensor_find(self, handle, status, text)
    of_copy = c_null_ptr
    if (status == isthmus_ok) then
      status = int(isthmus_tensor_clone(handle, of_copy))
      text = message_of(status)
    end if
    call tensor_yield(status, of_copy, text, copy)
  end procedure clone

  module procedure to
    type(c_ptr) :: handle, of_copy, place
    character(len=:), allocatable :: text
    character(len=:), allocatable, target :: name
    integer :: status, element_type

    call tensor_find(self, handle, status, text)
    of_copy = c_null_ptr
    if (status == isthmus_ok) then
      element_type = self%dtype()
      if (present(dtype)) element_type = dtype
      place = c_null_ptr
      if (present(device)) then
        name = c_text(device)
        place = c_loc(name)
      end if
      status = int(isthmus_tensor_to(handle, int(element_type, c_int), place, of_copy))
      text = message_of(status)
    end if
    call tensor_yield(status, of_copy, text, copy)
  end procedure to

  module procedure copy_from
    type(c_ptr) :: handle, of_source
    character(len=:), allocatable :: text
    integer :: status, conversion

    conversion = 0
    if (present(convert)) conversion = merge(1, 0, convert)
    call tensor_find(self, handle, status, text)
    if (status == isthmus_ok) call tensor_find(source, of_source, status, text)
    if (status == isthmus_ok) then
      status = int(isthmus_tensor_copy(handle, of_source, int(conversion, c_int)))
      text = message_of(status)
    end if
    call report(status, text, stat, errmsg)
  end procedure copy_from

  module procedure fill
    type(c_ptr) :: handle
    character(len=:), allocatable :: text
    integer :: status

    call tensor_find(self, handle, status, text)
    if (status == isthmus_ok) then
      if (self%dtype() >= isthmus_float32) then
        status = int(isthmus_tensor_fill_float64(handle, number))
      else if (is_whole(number)) then
        status = int(isthmus_tensor_fill_int64(handle, int(number, c_int64_t)))
      else
        status = int(isthmus_tensor_fill_float64(handle, number)) ! to have it refused
      end if
      text = message_of(status)
    end if
    call report(status, text, stat, errmsg)
  end procedure fill

  !> Whether an int64 holds the number exactly.
  pure logical function is_whole(number)
    real(real64), intent(in) :: number

    is_whole = abs(number) < 2.0_real64**53
    if (is_whole) is_whole = abs(number - aint(number)) <= 0.0_real64
  end function is_whole

end submodule isthmus_tensors_move
