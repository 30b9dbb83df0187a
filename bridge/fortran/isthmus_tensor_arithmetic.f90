! SPDX-License-Identifier: MIT
!> What all operators of tensors do: find the operands, call the library, let go of operands
!> that are results of functions, and yield a tensor or the reason why there is none.
module isthmus_tensor_arithmetic
  use, intrinsic :: iso_c_binding, only: c_int, c_null_ptr, c_ptr
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use isthmus_status, only: isthmus_ok
  use isthmus_tensor_math_capi, only: isthmus_tensor_combine, &
    isthmus_tensor_combine_float64, isthmus_tensor_combine_int64, &
    isthmus_tensor_float64_combine, isthmus_tensor_int64_combine, isthmus_tensor_unary
  use isthmus_tensors, only: isthmus_tensor_t, message_of, tensor_consume, tensor_find, &
    tensor_yield
  use isthmus_texts, only: c_text
  implicit none
  private
  public :: apply, combine

  ! isthmus_operator of tensor_math.h
  integer(c_int), parameter, public :: isthmus_add = 0
  integer(c_int), parameter, public :: isthmus_sub = 1
  integer(c_int), parameter, public :: isthmus_mul = 2
  integer(c_int), parameter, public :: isthmus_div = 3
  integer(c_int), parameter, public :: isthmus_pow = 4

  !> `left op right`
  interface combine
    module procedure :: combine_tensors, combine_real_right, combine_integer_right, &
      combine_real_left, combine_integer_left
  end interface combine

contains

  subroutine combine_tensors(left, op, right, tensor)
    type(isthmus_tensor_t), intent(in) :: left, right
    integer(c_int), intent(in) :: op
    type(isthmus_tensor_t), intent(inout) :: tensor

    type(c_ptr) :: of_left, of_right, handle
    integer :: status
    character(len=:), allocatable :: text

    handle = c_null_ptr
    call tensor_find(left, of_left, status, text)
    if (status == isthmus_ok) call tensor_find(right, of_right, status, text)
    if (status == isthmus_ok) then
      status = int(isthmus_tensor_combine(of_left, op, of_right, handle))
      text = message_of(status)
    end if
    call tensor_consume(left)
    call tensor_consume(right)
    call tensor_yield(status, handle, text, tensor)
  end subroutine combine_tensors

  subroutine combine_real_right(left, op, right, tensor)
    type(isthmus_tensor_t), intent(in) :: left
    integer(c_int), intent(in) :: op
    real(real64), intent(in) :: right
    type(isthmus_tensor_t), intent(inout) :: tensor

    type(c_ptr) :: operand, handle
    integer :: status
    character(len=:), allocatable :: text

    handle = c_null_ptr
    call tensor_find(left, operand, status, text)
    if (status == isthmus_ok) then
      status = int(isthmus_tensor_combine_float64(operand, op, right, handle))
      text = message_of(status)
    end if
    call tensor_consume(left)
    call tensor_yield(status, handle, text, tensor)
  end subroutine combine_real_right

  subroutine combine_integer_right(left, op, right, tensor)
    type(isthmus_tensor_t), intent(in) :: left
    integer(c_int), intent(in) :: op
    integer(int64), intent(in) :: right
    type(isthmus_tensor_t), intent(inout) :: tensor

    type(c_ptr) :: operand, handle
    integer :: status
    character(len=:), allocatable :: text

    handle = c_null_ptr
    call tensor_find(left, operand, status, text)
    if (status == isthmus_ok) then
      status = int(isthmus_tensor_combine_int64(operand, op, right, handle))
      text = message_of(status)
    end if
    call tensor_consume(left)
    call tensor_yield(status, handle, text, tensor)
  end subroutine combine_integer_right

  subroutine combine_real_left(left, op, right, tensor)
    real(real64), intent(in) :: left
    integer(c_int), intent(in) :: op
    type(isthmus_tensor_t), intent(in) :: right
    type(isthmus_tensor_t), intent(inout) :: tensor

    type(c_ptr) :: operand, handle
    integer :: status
    character(len=:), allocatable :: text

    handle = c_null_ptr
    call tensor_find(right, operand, status, text)
    if (status == isthmus_ok) then
      status = int(isthmus_tensor_float64_combine(left, op, operand, handle))
      text = message_of(status)
    end if
    call tensor_consume(right)
    call tensor_yield(status, handle, text, tensor)
  end subroutine combine_real_left

  subroutine combine_integer_left(left, op, right, tensor)
    integer(int64), intent(in) :: left
    integer(c_int), intent(in) :: op
    type(isthmus_tensor_t), intent(in) :: right
    type(isthmus_tensor_t), intent(inout) :: tensor

    type(c_ptr) :: operand, handle
    integer :: status
    character(len=:), allocatable :: text

    handle = c_null_ptr
    call tensor_find(right, operand, status, text)
    if (status == isthmus_ok) then
      status = int(isthmus_tensor_int64_combine(left, op, operand, handle))
      text = message_of(status)
    end if
    call tensor_consume(right)
    call tensor_yield(status, handle, text, tensor)
  end subroutine combine_integer_left

  !> A function of each element, by its name.
  subroutine apply(name, operand, tensor)
    character(len=*), intent(in) :: name
    type(isthmus_tensor_t), intent(in) :: operand
    type(isthmus_tensor_t), intent(inout) :: tensor

    type(c_ptr) :: of_operand, handle
    integer :: status
    character(len=:), allocatable :: text

    handle = c_null_ptr
    call tensor_find(operand, of_operand, status, text)
    if (status == isthmus_ok) then
      status = int(isthmus_tensor_unary(of_operand, c_text(name), handle))
      text = message_of(status)
    end if
    call tensor_consume(operand)
    call tensor_yield(status, handle, text, tensor)
  end subroutine apply

end module isthmus_tensor_arithmetic
