! SPDX-License-Identifier: MIT
!> Operator `*` of tensors, and of tensors and numbers of every kind on either side.
module isthmus_tensor_times
  use, intrinsic :: iso_fortran_env, only: int16, int32, int64, int8, real32, real64
  use isthmus_tensor_arithmetic, only: combine, isthmus_mul
  use isthmus_tensors, only: isthmus_tensor_t
  implicit none
  private
  public :: operator(*)

  interface operator(*)
    module procedure :: tensor_times_tensor, tensor_times_int8, tensor_times_int16, &
      tensor_times_int32, tensor_times_int64, tensor_times_real32, tensor_times_real64, &
      int8_times_tensor, int16_times_tensor, int32_times_tensor, int64_times_tensor, &
      real32_times_tensor, real64_times_tensor
  end interface operator(*)

contains

  function tensor_times_tensor(left, right) result(tensor)
    type(isthmus_tensor_t), intent(in) :: left, right
    type(isthmus_tensor_t) :: tensor

    call combine(left, isthmus_mul, right, tensor)
  end function tensor_times_tensor

  function tensor_times_int8(left, right) result(tensor)
    type(isthmus_tensor_t), intent(in) :: left
    integer(int8), intent(in) :: right
    type(isthmus_tensor_t) :: tensor

    call combine(left, isthmus_mul, int(right, int64), tensor)
  end function tensor_times_int8

  function int8_times_tensor(left, right) result(tensor)
    integer(int8), intent(in) :: left
    type(isthmus_tensor_t), intent(in) :: right
    type(isthmus_tensor_t) :: tensor

    call combine(int(left, int64), isthmus_mul, right, tensor)
  end function int8_times_tensor

  function tensor_times_int16(left, right) result(tensor)
    type(isthmus_tensor_t), intent(in) :: left
    integer(int16), intent(in) :: right
    type(isthmus_tensor_t) :: tensor

    call combine(left, isthmus_mul, int(right, int64), tensor)
  end function tensor_times_int16

  function int16_times_tensor(left, right) result(tensor)
    integer(int16), intent(in) :: left
    type(isthmus_tensor_t), intent(in) :: right
    type(isthmus_tensor_t) :: tensor

    call combine(int(left, int64), isthmus_mul, right, tensor)
  end function int16_times_tensor

  function tensor_times_int32(left, right) result(tensor)
    type(isthmus_tensor_t), intent(in) :: left
    integer(int32), intent(in) :: right
    type(isthmus_tensor_t) :: tensor

    call combine(left, isthmus_mul, int(right, int64), tensor)
  end function tensor_times_int32

  function int32_times_tensor(left, right) result(tensor)
    integer(int32), intent(in) :: left
    type(isthmus_tensor_t), intent(in) :: right
    type(isthmus_tensor_t) :: tensor

    call combine(int(left, int64), isthmus_mul, right, tensor)
  end function int32_times_tensor

  function tensor_times_int64(left, right) result(tensor)
    type(isthmus_tensor_t), intent(in) :: left
    integer(int64), intent(in) :: right
    type(isthmus_tensor_t) :: tensor

    call combine(left, isthmus_mul, right, tensor)
  end function tensor_times_int64

  function int64_times_tensor(left, right) result(tensor)
    integer(int64), intent(in) :: left
    type(isthmus_tensor_t), intent(in) :: right
    type(isthmus_tensor_t) :: tensor

    call combine(left, isthmus_mul, right, tensor)
  end function int64_times_tensor

  function tensor_times_real32(left, right) result(tensor)
    type(isthmus_tensor_t), intent(in) :: left
    real(real32), intent(in) :: right
    type(isthmus_tensor_t) :: tensor

    call combine(left, isthmus_mul, real(right, real64), tensor)
  end function tensor_times_real32

  function real32_times_tensor(left, right) result(tensor)
    real(real32), intent(in) :: left
    type(isthmus_tensor_t), intent(in) :: right
    type(isthmus_tensor_t) :: tensor

    call combine(real(left, real64), isthmus_mul, right, tensor)
  end function real32_times_tensor

  function tensor_times_real64(left, right) result(tensor)
    type(isthmus_tensor_t), intent(in) :: left
    real(real64), intent(in) :: right
    type(isthmus_tensor_t) :: tensor

    call combine(left, isthmus_mul, right, tensor)
  end function tensor_times_real64

  function real64_times_tensor(left, right) result(tensor)
    real(real64), intent(in) :: left
    type(isthmus_tensor_t), intent(in) :: right
    type(isthmus_tensor_t) :: tensor

    call combine(left, isthmus_mul, right, tensor)
  end function real64_times_tensor

end module isthmus_tensor_times
