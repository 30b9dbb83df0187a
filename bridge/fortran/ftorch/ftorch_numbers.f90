! SPDX-License-Identifier: MIT
!> Operators of tensors and numbers, one module for each kind of number: all that differs is
!> the kind, so they share their bodies and this file. FTorch has `tensor**number` only.

!> Operators of tensors and integer numbers of kind int8.
module ftorch_int8_operators
  use, intrinsic :: iso_fortran_env, only: int64, number => int8
  use ftorch_values, only: torch_tensor
  use isthmus_tensor_arithmetic, only: combine, isthmus_add, isthmus_div, isthmus_mul, &
    isthmus_pow, isthmus_sub
  implicit none
  private
  public :: operator(+), operator(-), operator(*), operator(/), operator(**)

  include "ftorch_integer_operators.inc"

end module ftorch_int8_operators

!> Operators of tensors and integer numbers of kind int16.
module ftorch_int16_operators
  use, intrinsic :: iso_fortran_env, only: int64, number => int16
  use ftorch_values, only: torch_tensor
  use isthmus_tensor_arithmetic, only: combine, isthmus_add, isthmus_div, isthmus_mul, &
    isthmus_pow, isthmus_sub
  implicit none
  private
  public :: operator(+), operator(-), operator(*), operator(/), operator(**)

  include "ftorch_integer_operators.inc"

end module ftorch_int16_operators

!> Operators of tensors and integer numbers of kind int32.
module ftorch_int32_operators
  use, intrinsic :: iso_fortran_env, only: int64, number => int32
  use ftorch_values, only: torch_tensor
  use isthmus_tensor_arithmetic, only: combine, isthmus_add, isthmus_div, isthmus_mul, &
    isthmus_pow, isthmus_sub
  implicit none
  private
  public :: operator(+), operator(-), operator(*), operator(/), operator(**)

  include "ftorch_integer_operators.inc"

end module ftorch_int32_operators

!> Operators of tensors and integer numbers of kind int64.
module ftorch_int64_operators
  use, intrinsic :: iso_fortran_env, only: int64, number => int64
  use ftorch_values, only: torch_tensor
  use isthmus_tensor_arithmetic, only: combine, isthmus_add, isthmus_div, isthmus_mul, &
    isthmus_pow, isthmus_sub
  implicit none
  private
  public :: operator(+), operator(-), operator(*), operator(/), operator(**)

  include "ftorch_integer_operators.inc"

end module ftorch_int64_operators

!> Operators of tensors and real numbers of kind real32.
module ftorch_real32_operators
  use, intrinsic :: iso_fortran_env, only: real64, number => real32
  use ftorch_values, only: torch_tensor
  use isthmus_tensor_arithmetic, only: combine, isthmus_add, isthmus_div, isthmus_mul, &
    isthmus_pow, isthmus_sub
  implicit none
  private
  public :: operator(+), operator(-), operator(*), operator(/), operator(**)

  include "ftorch_real_operators.inc"

end module ftorch_real32_operators

!> Operators of tensors and real numbers of kind real64.
module ftorch_real64_operators
  use, intrinsic :: iso_fortran_env, only: real64, number => real64
  use ftorch_values, only: torch_tensor
  use isthmus_tensor_arithmetic, only: combine, isthmus_add, isthmus_div, isthmus_mul, &
    isthmus_pow, isthmus_sub
  implicit none
  private
  public :: operator(+), operator(-), operator(*), operator(/), operator(**)

  include "ftorch_real_operators.inc"

end module ftorch_real64_operators
