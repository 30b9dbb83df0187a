! SPDX-License-Identifier: MIT
!> Sums, gradients and copies between devices and types, of FTorch's tensors.
module ftorch_calculus
  use, intrinsic :: iso_c_binding, only: c_associated, c_int, c_int32_t, c_int64_t, &
    c_null_ptr, c_ptr
  use ftorch_values, only: demand, handle_of, put, torch_tensor
  use isthmus_network_capi, only: isthmus_tensor_free
  use isthmus_status, only: isthmus_ok
  use isthmus_tensor_math_capi, only: isthmus_tensor_backward, isthmus_tensor_gradient, &
    isthmus_tensor_reduce, isthmus_tensor_reshape
  use isthmus_tensors, only: tensor_consume, tensor_memory, tensor_own
  use isthmus_texts, only: report
  implicit none
  private
  public :: torch_tensor_backward, torch_tensor_get_gradient, torch_tensor_mean
  public :: torch_tensor_sum, torch_tensor_to
  public :: write_or_take

  integer(c_int), parameter :: isthmus_sum = 0, isthmus_mean = 1 ! of tensor_math.h

  !> Add the derivatives of a tensor to the gradients of what it was made from.
  interface torch_tensor_backward
    module procedure :: backward_of_number, backward_with_gradient
  end interface torch_tensor_backward

contains

  !> Sum over all elements, into a tensor of one element.
  subroutine torch_tensor_sum(output, input)
    type(torch_tensor), intent(inout) :: output
    type(torch_tensor), intent(in) :: input

    call reduce(isthmus_sum, output, input, "torch_tensor_sum")
  end subroutine torch_tensor_sum

  !> Mean over all elements, into a tensor of one element.
  subroutine torch_tensor_mean(output, input)
    type(torch_tensor), intent(inout) :: output
    type(torch_tensor), intent(in) :: input

    call reduce(isthmus_mean, output, input, "torch_tensor_mean")
  end subroutine torch_tensor_mean

  !> Of a tensor of one element.
  subroutine backward_of_number(tensor, retain_graph)
    type(torch_tensor), intent(in) :: tensor
    logical, intent(in), optional :: retain_graph !! .true. allows a second call

    call backward(tensor, c_null_ptr, retain_graph)
  end subroutine backward_of_number

  !> Of a tensor of any shape, its elements weighted by `external_gradient`.
  subroutine backward_with_gradient(tensor, external_gradient, retain_graph)
    type(torch_tensor), intent(in) :: tensor
    type(torch_tensor), intent(in) :: external_gradient
    logical, intent(in), optional :: retain_graph !! .true. allows a second call

    call backward(tensor, handle_of(external_gradient, &
      "torch_tensor_backward, external_gradient"), retain_graph)
    call tensor_consume(external_gradient%t)
  end subroutine backward_with_gradient

  !> Write the gradient that backward left in `tensor` where `gradient` has its values.
  subroutine torch_tensor_get_gradient(gradient, tensor)
    type(torch_tensor), intent(inout) :: gradient
    type(torch_tensor), intent(in) :: tensor

    character(len=*), parameter :: me = "torch_tensor_get_gradient"
    type(c_ptr) :: found

    found = c_null_ptr
    call demand(isthmus_tensor_gradient(handle_of(tensor, me), found), me)
    call write_or_take(gradient, found, me)
  end subroutine torch_tensor_get_gradient

  !> Copy into another tensor, of any type and on any device; shapes must be equal.
  subroutine torch_tensor_to(source, target, non_blocking)
    type(torch_tensor), intent(in) :: source
    type(torch_tensor), intent(in) :: target
    logical, intent(in), optional :: non_blocking !! the copy is done on return anyway

    character(len=*), parameter :: me = "torch_tensor_to"
    type(c_ptr) :: value
    character(len=:), allocatable :: text
    integer :: status

    value = handle_of(source, me//", source")
    if (c_associated(handle_of(target, me//", target"), value)) return
    call put(target, value, me, status, text, convert=.true.)
    call tensor_consume(source%t)
    if (status /= isthmus_ok) call report(status, text)
    if (present(non_blocking)) return
  end subroutine torch_tensor_to

  ! For the other modules of this folder

  !> Write a C tensor where `tensor` has its values, or let it take it over if it has none.
  !> The C tensor is owned or freed afterwards.
  subroutine write_or_take(tensor, value, where)
    type(torch_tensor), intent(inout) :: tensor
    type(c_ptr), intent(in) :: value
    character(len=*), intent(in) :: where

    character(len=:), allocatable :: text
    integer :: status

    if (.not. c_associated(tensor_memory(tensor%t))) then
      call tensor_own(tensor%t, value)
      return
    end if
    call put(tensor, value, where, status, text)
    call isthmus_tensor_free(value)
    if (status /= isthmus_ok) call report(status, text)
  end subroutine write_or_take

  ! Helpers

  subroutine reduce(reduction, output, input, where)
    integer(c_int), intent(in) :: reduction
    type(torch_tensor), intent(inout) :: output
    type(torch_tensor), intent(in) :: input
    character(len=*), intent(in) :: where

    type(c_ptr) :: number, row
    integer(c_int32_t) :: no_dims(1)

    no_dims = 0
    number = c_null_ptr
    row = c_null_ptr
    call demand(isthmus_tensor_reduce(handle_of(input, where//", input"), reduction, &
      0_c_int32_t, no_dims, number), where)
    call demand(isthmus_tensor_reshape(number, 1_c_int32_t, [1_c_int64_t], row), where)
    call isthmus_tensor_free(number)
    call write_or_take(output, row, where)
    call tensor_consume(input%t)
  end subroutine reduce

  subroutine backward(tensor, weights, retain_graph)
    type(torch_tensor), intent(in) :: tensor
    type(c_ptr), intent(in) :: weights
    logical, intent(in), optional :: retain_graph

    character(len=*), parameter :: me = "torch_tensor_backward"
    integer(c_int32_t) :: retained

    retained = 0
    if (present(retain_graph)) retained = merge(1_c_int32_t, 0_c_int32_t, retain_graph)
    call demand(isthmus_tensor_backward(handle_of(tensor, me), weights, retained, &
      0_c_int32_t), me)
  end subroutine backward

end module ftorch_calculus
