! SPDX-License-Identifier: MIT
!> Operators of tensors, and of tensors and numbers of every kind on either side.
!>
!> Types and devices must be the same, shapes equal, but for an operand of one element. An
!> operation that fails gives a tensor that carries the reason; whoever uses it stops.
module ftorch_operators
  use ftorch_int16_operators, only: operator(+), operator(-), operator(*), operator(/), &
    operator(**)
  use ftorch_int32_operators, only: operator(+), operator(-), operator(*), operator(/), &
    operator(**)
  use ftorch_int64_operators, only: operator(+), operator(-), operator(*), operator(/), &
    operator(**)
  use ftorch_int8_operators, only: operator(+), operator(-), operator(*), operator(/), &
    operator(**)
  use ftorch_real32_operators, only: operator(+), operator(-), operator(*), operator(/), &
    operator(**)
  use ftorch_real64_operators, only: operator(+), operator(-), operator(*), operator(/), &
    operator(**)
  use ftorch_values, only: torch_tensor
  use isthmus_tensor_arithmetic, only: apply, combine, isthmus_add, isthmus_div, &
    isthmus_mul, isthmus_pow, isthmus_sub
  implicit none
  private
  public :: operator(+), operator(-), operator(*), operator(/), operator(**)

  interface operator(+)
    module procedure :: tensor_plus_tensor
  end interface operator(+)

  interface operator(-)
    module procedure :: tensor_minus_tensor, minus_tensor
  end interface operator(-)

  interface operator(*)
    module procedure :: tensor_times_tensor
  end interface operator(*)

  interface operator(/)
    module procedure :: tensor_over_tensor
  end interface operator(/)

  interface operator(**)
    module procedure :: tensor_power_tensor
  end interface operator(**)

contains

  function tensor_plus_tensor(left, right) result(tensor)
    type(torch_tensor), intent(in) :: left, right
    type(torch_tensor) :: tensor

    call combine(left%t, isthmus_add, right%t, tensor%t)
  end function tensor_plus_tensor

  function tensor_minus_tensor(left, right) result(tensor)
    type(torch_tensor), intent(in) :: left, right
    type(torch_tensor) :: tensor

    call combine(left%t, isthmus_sub, right%t, tensor%t)
  end function tensor_minus_tensor

  function tensor_times_tensor(left, right) result(tensor)
    type(torch_tensor), intent(in) :: left, right
    type(torch_tensor) :: tensor

    call combine(left%t, isthmus_mul, right%t, tensor%t)
  end function tensor_times_tensor

  function tensor_over_tensor(left, right) result(tensor)
    type(torch_tensor), intent(in) :: left, right
    type(torch_tensor) :: tensor

    call combine(left%t, isthmus_div, right%t, tensor%t)
  end function tensor_over_tensor

  function tensor_power_tensor(left, right) result(tensor)
    type(torch_tensor), intent(in) :: left, right
    type(torch_tensor) :: tensor

    call combine(left%t, isthmus_pow, right%t, tensor%t)
  end function tensor_power_tensor

  function minus_tensor(operand) result(tensor)
    type(torch_tensor), intent(in) :: operand
    type(torch_tensor) :: tensor

    call apply("neg", operand%t, tensor%t)
  end function minus_tensor

end module ftorch_operators
