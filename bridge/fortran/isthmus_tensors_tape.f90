! SPDX-License-Identifier: MIT
!> Gradients of tensors.
submodule(isthmus_tensors) isthmus_tensors_tape
  use isthmus_tensor_math_capi, only: c_tape_is_on, isthmus_tape_set, &
    isthmus_tensor_backward, isthmus_tensor_detach, isthmus_tensor_gradient, &
    isthmus_tensor_is_leaf, isthmus_tensor_requires_grad, &
    isthmus_tensor_set_requires_grad, isthmus_tensor_zero_grad
  implicit none

contains

  module procedure set_requires_grad
    type(c_ptr) :: handle
    character(len=:), allocatable :: text
    integer :: status

    call tensor_find(self, handle, status, text)
    if (status == isthmus_ok) then
      status = int(isthmus_tensor_set_requires_grad(handle, flag(is_required)))
      text = message_of(status)
    end if
    call report(status, text, stat, errmsg)
  end procedure set_requires_grad

  module procedure is_required
    type(c_ptr) :: handle
    character(len=:), allocatable :: text
    integer :: status
    integer(c_int32_t) :: found

    found = 0
    call tensor_find(self, handle, status, text)
    if (status == isthmus_ok) status = int(isthmus_tensor_requires_grad(handle, found))
    is_so = found == 1
  end procedure is_required

  module procedure is_leaf_of
    type(c_ptr) :: handle
    character(len=:), allocatable :: text
    integer :: status
    integer(c_int32_t) :: found

    found = 0
    call tensor_find(self, handle, status, text)
    if (status == isthmus_ok) status = int(isthmus_tensor_is_leaf(handle, found))
    is_leaf = found == 1
  end procedure is_leaf_of

  module procedure backward
    type(c_ptr) :: handle, weights
    character(len=:), allocatable :: text
    integer :: status

    weights = c_null_ptr
    call tensor_find(self, handle, status, text)
    if (status == isthmus_ok .and. present(gradient)) then
      call tensor_find(gradient, weights, status, text)
    end if
    if (status == isthmus_ok) then
      status = int(isthmus_tensor_backward(handle, weights, flag(retain_graph), &
        flag(create_graph)))
      text = message_of(status)
    end if
    if (present(gradient)) call tensor_consume(gradient)
    call report(status, text, stat, errmsg)
  end procedure backward

  module procedure gradient
    type(c_ptr) :: handle, of_gradient
    character(len=:), allocatable :: text
    integer :: status

    of_gradient = c_null_ptr
    call tensor_find(self, handle, status, text)
    if (status == isthmus_ok) then
      status = int(isthmus_tensor_gradient(handle, of_gradient))
      text = message_of(status)
    end if
    call tensor_yield(status, of_gradient, text, tensor)
  end procedure gradient

  module procedure zero_grad
    type(c_ptr) :: handle
    character(len=:), allocatable :: text
    integer :: status

    call tensor_find(self, handle, status, text)
    if (status == isthmus_ok) then
      status = int(isthmus_tensor_zero_grad(handle))
      text = message_of(status)
    end if
    call report(status, text, stat, errmsg)
  end procedure zero_grad

  module procedure detach
    type(c_ptr) :: handle, apart
    character(len=:), allocatable :: text
    integer :: status

    apart = c_null_ptr
    call tensor_find(self, handle, status, text)
    if (status == isthmus_ok) then
      status = int(isthmus_tensor_detach(handle, apart))
      text = message_of(status)
    end if
    call tensor_yield(status, apart, text, tensor)
  end procedure detach

  module procedure isthmus_set_tape
    integer(c_int) :: status

    status = isthmus_tape_set(flag(is_on))
    call report(int(status), message_of(int(status)))
  end procedure isthmus_set_tape

  module procedure isthmus_tape_is_on
    integer(c_int32_t) :: found

    found = 0
    is_on = .false.
    if (c_tape_is_on(found) == isthmus_ok) is_on = found == 1
  end procedure isthmus_tape_is_on

  !> C's truth; an absent one is false.
  pure integer(c_int32_t) function flag(is_so)
    logical, intent(in), optional :: is_so

    flag = 0
    if (present(is_so)) flag = merge(1_c_int32_t, 0_c_int32_t, is_so)
  end function flag

end submodule isthmus_tensors_tape
