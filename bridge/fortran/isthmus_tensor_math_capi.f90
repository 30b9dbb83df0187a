! SPDX-License-Identifier: MIT
!> The C functions of `tensor_math.h` and `tape.h` as Fortran sees them, for the modules of
!> this folder only.
! allow(C071)
module isthmus_tensor_math_capi
  use, intrinsic :: iso_c_binding, only: c_char, c_double, c_int, c_int32_t, &
    c_int64_t, c_ptr
  implicit none
  private
  public :: isthmus_tensor_combine, isthmus_tensor_combine_float64
  public :: isthmus_tensor_combine_int64, isthmus_tensor_float64_combine
  public :: isthmus_tensor_int64_combine, isthmus_tensor_unary, isthmus_tensor_reduce
  public :: isthmus_tensor_dot, isthmus_tensor_matmul, isthmus_tensor_permute
  public :: isthmus_tensor_reshape, isthmus_tensor_slice, isthmus_tensor_cat
  public :: isthmus_tape_set, c_tape_is_on, isthmus_tensor_set_requires_grad
  public :: isthmus_tensor_requires_grad, isthmus_tensor_is_leaf
  public :: isthmus_tensor_backward, isthmus_tensor_gradient, isthmus_tensor_zero_grad
  public :: isthmus_tensor_detach

  interface
    function isthmus_tensor_combine(left, op, right, outcome) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: left, right
      integer(c_int), value :: op
      type(c_ptr), intent(inout) :: outcome
      integer(c_int) :: status
    end function isthmus_tensor_combine

    function isthmus_tensor_combine_float64(left, op, right, outcome) result(status) bind(c)
      import :: c_double, c_int, c_ptr
      implicit none
      type(c_ptr), value :: left
      integer(c_int), value :: op
      real(c_double), value :: right
      type(c_ptr), intent(inout) :: outcome
      integer(c_int) :: status
    end function isthmus_tensor_combine_float64

    function isthmus_tensor_combine_int64(left, op, right, outcome) result(status) bind(c)
      import :: c_int, c_int64_t, c_ptr
      implicit none
      type(c_ptr), value :: left
      integer(c_int), value :: op
      integer(c_int64_t), value :: right
      type(c_ptr), intent(inout) :: outcome
      integer(c_int) :: status
    end function isthmus_tensor_combine_int64

    function isthmus_tensor_float64_combine(left, op, right, outcome) result(status) bind(c)
      import :: c_double, c_int, c_ptr
      implicit none
      real(c_double), value :: left
      integer(c_int), value :: op
      type(c_ptr), value :: right
      type(c_ptr), intent(inout) :: outcome
      integer(c_int) :: status
    end function isthmus_tensor_float64_combine

    function isthmus_tensor_int64_combine(left, op, right, outcome) result(status) bind(c)
      import :: c_int, c_int64_t, c_ptr
      implicit none
      integer(c_int64_t), value :: left
      integer(c_int), value :: op
      type(c_ptr), value :: right
      type(c_ptr), intent(inout) :: outcome
      integer(c_int) :: status
    end function isthmus_tensor_int64_combine

    function isthmus_tensor_unary(tensor, name, outcome) result(status) bind(c)
      import :: c_char, c_int, c_ptr
      implicit none
      type(c_ptr), value :: tensor
      character(kind=c_char), intent(in) :: name(*)
      type(c_ptr), intent(inout) :: outcome
      integer(c_int) :: status
    end function isthmus_tensor_unary

    function isthmus_tensor_reduce(tensor, reduction, n_dims, dims, outcome) &
      result(status) bind(c)
      import :: c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: tensor
      integer(c_int), value :: reduction
      integer(c_int32_t), value :: n_dims
      integer(c_int32_t), intent(in) :: dims(*)
      type(c_ptr), intent(inout) :: outcome
      integer(c_int) :: status
    end function isthmus_tensor_reduce

    function isthmus_tensor_dot(left, right, outcome) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: left, right
      type(c_ptr), intent(inout) :: outcome
      integer(c_int) :: status
    end function isthmus_tensor_dot

    function isthmus_tensor_matmul(left, right, outcome) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: left, right
      type(c_ptr), intent(inout) :: outcome
      integer(c_int) :: status
    end function isthmus_tensor_matmul

    function isthmus_tensor_permute(tensor, order, outcome) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: tensor
      type(c_ptr), value :: order
      type(c_ptr), intent(inout) :: outcome
      integer(c_int) :: status
    end function isthmus_tensor_permute

    function isthmus_tensor_reshape(tensor, rank, shape, outcome) result(status) bind(c)
      import :: c_int, c_int32_t, c_int64_t, c_ptr
      implicit none
      type(c_ptr), value :: tensor
      integer(c_int32_t), value :: rank
      integer(c_int64_t), intent(in) :: shape(*)
      type(c_ptr), intent(inout) :: outcome
      integer(c_int) :: status
    end function isthmus_tensor_reshape

    function isthmus_tensor_slice(tensor, dim, first, end, step, outcome) &
      result(status) bind(c)
      import :: c_int, c_int32_t, c_int64_t, c_ptr
      implicit none
      type(c_ptr), value :: tensor
      integer(c_int32_t), value :: dim
      integer(c_int64_t), value :: first, end, step
      type(c_ptr), intent(inout) :: outcome
      integer(c_int) :: status
    end function isthmus_tensor_slice

    function isthmus_tensor_cat(n_tensors, tensors, dim, outcome) result(status) bind(c)
      import :: c_int, c_int32_t, c_ptr
      implicit none
      integer(c_int32_t), value :: n_tensors
      type(c_ptr), intent(in) :: tensors(*)
      integer(c_int32_t), value :: dim
      type(c_ptr), intent(inout) :: outcome
      integer(c_int) :: status
    end function isthmus_tensor_cat

    function isthmus_tape_set(is_on) result(status) bind(c)
      import :: c_int, c_int32_t
      implicit none
      integer(c_int32_t), value :: is_on
      integer(c_int) :: status
    end function isthmus_tape_set

    function c_tape_is_on(is_on) result(status) bind(c, name="isthmus_tape_is_on")
      import :: c_int, c_int32_t
      implicit none
      integer(c_int32_t), intent(inout) :: is_on
      integer(c_int) :: status
    end function c_tape_is_on

    function isthmus_tensor_set_requires_grad(tensor, is_required) result(status) bind(c)
      import :: c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: tensor
      integer(c_int32_t), value :: is_required
      integer(c_int) :: status
    end function isthmus_tensor_set_requires_grad

    function isthmus_tensor_requires_grad(tensor, is_required) result(status) bind(c)
      import :: c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: tensor
      integer(c_int32_t), intent(inout) :: is_required
      integer(c_int) :: status
    end function isthmus_tensor_requires_grad

    function isthmus_tensor_is_leaf(tensor, is_leaf) result(status) bind(c)
      import :: c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: tensor
      integer(c_int32_t), intent(inout) :: is_leaf
      integer(c_int) :: status
    end function isthmus_tensor_is_leaf

    function isthmus_tensor_backward(tensor, gradient, retain_graph, create_graph) &
      result(status) bind(c)
      import :: c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: tensor, gradient
      integer(c_int32_t), value :: retain_graph, create_graph
      integer(c_int) :: status
    end function isthmus_tensor_backward

    function isthmus_tensor_gradient(tensor, gradient) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: tensor
      type(c_ptr), intent(inout) :: gradient
      integer(c_int) :: status
    end function isthmus_tensor_gradient

    function isthmus_tensor_zero_grad(tensor) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: tensor
      integer(c_int) :: status
    end function isthmus_tensor_zero_grad

    function isthmus_tensor_detach(tensor, outcome) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: tensor
      type(c_ptr), intent(inout) :: outcome
      integer(c_int) :: status
    end function isthmus_tensor_detach
  end interface
end module isthmus_tensor_math_capi
