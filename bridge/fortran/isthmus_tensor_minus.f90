! SPDX-License-Identifier: MIT
!> Operator `-` of tensors, and of tensors and numbers of every kind on either side.
module isthmus_tensor_minus
  use, intrinsic :: iso_fortran_env, only: int16, int32, int64, int8, real32, real64
  use isthmus_tensor_arithmetic, only: combine, apply, isthmus_sub
  use isthmus_tensors, only: isthmus_tensor_t
  implicit none
  private
  public :: operator(-)

  interface operator(-)
    module procedure :: tensor_minus_tensor, tensor_minus_int8, tensor_minus_int16, &
      tensor_minus_int32, tensor_minus_int64, tensor_minus_real32, tensor_minus_real64, &
      int8_minus_tensor, int16_minus_tensor, int32_minus_tensor, int64_minus_tensor, &
      real32_minus_tensor, real64_minus_tensor, minus_tensor
  end interface operator(-)

contains

  function tensor_minus_tensor(left, right) result(tensor)
    type(isthmus_tensor_t), intent(in) :: left, right
    type(isthmus_tensor_t) :: tensor

    call combine(left, isthmus_sub, right, tensor)
  end function tensor_minus_tensor

  function minus_tensor(right) result(tensor)
    type(isthmus_tensor_t), intent(in) :: right
    type(isthmus_tensor_t) :: tensor

    call apply("neg", right, tensor)
  end function minus_tensor

  function tensor_minus_int8(left, right) result(tensor)
    type(isthmus_tensor_t), intent(in) :: left
    integer(int8), intent(in) :: right
    type(isthmus_tensor_t) :: tensor

    call combine(left, isthmus_sub, int(right, int64), tensor)
  end function tensor_minus_int8

  function int8_minus_tensor(left, right) result(tensor)
    integer(int8), intent(in) :: left
    type(isthmus_tensor_t), intent(in) :: right
    type(isthmus_tensor_t) :: tensor

    call combine(int(left, int64), isthmus_sub, right, tensor)
  end function int8_minus_tensor

  function tensor_minus_int16(left, right) result(tensor)
    type(isthmus_tensor_t), intent(in) :: left
    integer(int16), intent(in) :: right
    type(isthmus_tensor_t) :: tensor

    call combine(left, isthmus_sub, int(right, int64), tensor)
  end function tensor_minus_int16

  function int16_minus_tensor(left, right) result(tensor)
    integer(int16), intent(in) :: left
    type(isthmus_tensor_t), intent(in) :: right
    type(isthmus_tensor_t) :: tensor

    call combine(int(left, int64), isthmus_sub, right, tensor)
  end function int16_minus_tensor

  function tensor_minus_int32(left, right) result(tensor)
    type(isthmus_tensor_t), intent(in) :: left
    integer(int32), intent(in) :: right
    type(isthmus_tensor_t) :: tensor

    call combine(left, isthmus_sub, int(right, int64), tensor)
  end function tensor_minus_int32

  function int32_minus_tensor(left, right) result(tensor)
    integer(int32), intent(in) :: left
    type(isthmus_tensor_t), intent(in) :: right
    type(isthmus_tensor_t) :: tensor

    call combine(int(left, int64), isthmus_sub, right, tensor)
  end function int32_minus_tensor

  function tensor_minus_int64(left, right) result(tensor)
    type(isthmus_tensor_t), intent(in) :: left
    integer(int64), intent(in) :: right
    type(isthmus_tensor_t) :: tensor

    call combine(left, isthmus_sub, right, tensor)
  end function tensor_minus_int64

  function int64_minus_tensor(left, right) result(tensor)
    integer(int64), intent(in) :: left
    type(isthmus_tensor_t), intent(in) :: right
    type(isthmus_tensor_t) :: tensor

    call combine(left, isthmus_sub, right, tensor)
  end function int64_minus_tensor

  function tensor_minus_real32(left, right) result(tensor)
    type(isthmus_tensor_t), intent(in) :: left
    real(real32), intent(in) :: right
    type(isthmus_tensor_t) :: tensor

    call combine(left, isthmus_sub, real(right, real64), tensor)
  end function tensor_minus_real32

  function real32_minus_tensor(left, right) result(tensor)
    real(real32), intent(in) :: left
    type(isthmus_tensor_t), intent(in) :: right
    type(isthmus_tensor_t) :: tensor

    call combine(real(left, real64), isthmus_sub, right, tensor)
  end function real32_minus_tensor

  function tensor_minus_real64(left, right) result(tensor)
    type(isthmus_tensor_t), intent(in) :: left
    real(real64), intent(in) :: right
    type(isthmus_tensor_t) :: tensor

    call combine(left, isthmus_sub, right, tensor)
  end function tensor_minus_real64

  function real64_minus_tensor(left, right) result(tensor)
    real(real64), intent(in) :: left
    type(isthmus_tensor_t), intent(in) :: right
    type(isthmus_tensor_t) :: tensor

    call combine(left, isthmus_sub, right, tensor)
  end function real64_minus_tensor

end module isthmus_tensor_minus
