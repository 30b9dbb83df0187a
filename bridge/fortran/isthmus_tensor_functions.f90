! SPDX-License-Identifier: MIT
!> Functions of tensors: of each element, sums over dimensions, products, other shapes.
!> Dimensions are Fortran's: counted from 1, fastest first. As operators do, a function that
!> fails yields a tensor without values that carries the reason.
module isthmus_tensor_functions
  use, intrinsic :: iso_c_binding, only: c_int, c_int32_t, c_int64_t, c_loc, c_null_ptr, &
    c_ptr
  use isthmus_status, only: isthmus_err_argument, isthmus_ok
  use isthmus_tensor_arithmetic, only: apply
  use isthmus_tensor_math_capi, only: isthmus_tensor_cat, isthmus_tensor_dot, &
    isthmus_tensor_matmul, isthmus_tensor_permute, isthmus_tensor_reduce, &
    isthmus_tensor_reshape, isthmus_tensor_slice
  use isthmus_tensors, only: isthmus_tensor_t, message_of, tensor_consume, tensor_find, &
    tensor_yield
  implicit none
  private
  public :: tensor_apply, tensor_cat, tensor_dot, tensor_matmul, tensor_max, tensor_mean
  public :: tensor_min, tensor_norm, tensor_permute, tensor_reshape, tensor_slice
  public :: tensor_sum, tensor_transpose

  ! isthmus_reduction of tensor_math.h
  integer(c_int), parameter :: sum_of = 0, mean_of = 1, min_of = 2, max_of = 3, norm_of = 4

contains

  !> A function of each element by name: "exp", "log", "tanh", ... (see tensor_math.h).
  function tensor_apply(name, operand) result(tensor)
    character(len=*), intent(in) :: name
    type(isthmus_tensor_t), intent(in) :: operand
    type(isthmus_tensor_t) :: tensor

    call apply(name, operand, tensor)
  end function tensor_apply

  !> Sum over all elements, or over one dimension.
  function tensor_sum(operand, dim) result(tensor)
    type(isthmus_tensor_t), intent(in) :: operand
    integer, intent(in), optional :: dim
    type(isthmus_tensor_t) :: tensor

    call reduce(operand, sum_of, dim, tensor)
  end function tensor_sum

  !> Mean over all elements, or over one dimension.
  function tensor_mean(operand, dim) result(tensor)
    type(isthmus_tensor_t), intent(in) :: operand
    integer, intent(in), optional :: dim
    type(isthmus_tensor_t) :: tensor

    call reduce(operand, mean_of, dim, tensor)
  end function tensor_mean

  !> Least of all elements, or along one dimension.
  function tensor_min(operand, dim) result(tensor)
    type(isthmus_tensor_t), intent(in) :: operand
    integer, intent(in), optional :: dim
    type(isthmus_tensor_t) :: tensor

    call reduce(operand, min_of, dim, tensor)
  end function tensor_min

  !> Greatest of all elements, or along one dimension.
  function tensor_max(operand, dim) result(tensor)
    type(isthmus_tensor_t), intent(in) :: operand
    integer, intent(in), optional :: dim
    type(isthmus_tensor_t) :: tensor

    call reduce(operand, max_of, dim, tensor)
  end function tensor_max

  !> Root of the sum of squares of all elements, or along one dimension.
  function tensor_norm(operand, dim) result(tensor)
    type(isthmus_tensor_t), intent(in) :: operand
    integer, intent(in), optional :: dim
    type(isthmus_tensor_t) :: tensor

    call reduce(operand, norm_of, dim, tensor)
  end function tensor_norm

  !> Sum over all elements of `left * right`.
  function tensor_dot(left, right) result(tensor)
    type(isthmus_tensor_t), intent(in) :: left, right
    type(isthmus_tensor_t) :: tensor

    type(c_ptr) :: of_left, of_right, handle
    integer :: status
    character(len=:), allocatable :: text

    handle = c_null_ptr
    call find_pair(left, right, of_left, of_right, status, text)
    if (status == isthmus_ok) then
      status = int(isthmus_tensor_dot(of_left, of_right, handle))
      text = message_of(status)
    end if
    call consume_pair(left, right)
    call tensor_yield(status, handle, text, tensor)
  end function tensor_dot

  !> As the intrinsic `matmul` of Fortran arrays: (n, k) by (k, m) is (n, m).
  function tensor_matmul(left, right) result(tensor)
    type(isthmus_tensor_t), intent(in) :: left, right
    type(isthmus_tensor_t) :: tensor

    type(c_ptr) :: of_left, of_right, handle
    integer :: status
    character(len=:), allocatable :: text

    handle = c_null_ptr
    call find_pair(left, right, of_left, of_right, status, text)
    if (status == isthmus_ok) then ! Fortran's matrices are the library's transposed
      status = int(isthmus_tensor_matmul(of_right, of_left, handle))
      text = message_of(status)
    end if
    call consume_pair(left, right)
    call tensor_yield(status, handle, text, tensor)
  end function tensor_matmul

  !> Reverse the order of the dimensions; the memory is the operand's.
  function tensor_transpose(operand) result(tensor)
    type(isthmus_tensor_t), intent(in) :: operand
    type(isthmus_tensor_t) :: tensor

    call permute(operand, c_null_ptr, tensor)
  end function tensor_transpose

  !> Dimension i of the result is dimension order(i) of the operand, whose memory it shares.
  function tensor_permute(operand, order) result(tensor)
    type(isthmus_tensor_t), intent(in) :: operand
    integer, intent(in) :: order(:)
    type(isthmus_tensor_t) :: tensor

    integer(c_int32_t), target :: of_library(size(order))

    of_library = int(size(order) - order(size(order):1:-1), c_int32_t)
    if (size(order) == operand%rank()) then
      call permute(operand, c_loc(of_library), tensor)
    else
      call refuse("permute: 'order' must hold each dimension once", operand, tensor)
    end if
  end function tensor_permute

  !> The elements in Fortran order under another shape, fastest first.
  function tensor_reshape(operand, shape) result(tensor)
    type(isthmus_tensor_t), intent(in) :: operand
    integer, intent(in) :: shape(:)
    type(isthmus_tensor_t) :: tensor

    type(c_ptr) :: of_operand, handle
    integer :: status
    character(len=:), allocatable :: text

    handle = c_null_ptr
    call tensor_find(operand, of_operand, status, text)
    if (status == isthmus_ok) then
      status = int(isthmus_tensor_reshape(of_operand, size(shape, kind=c_int32_t), &
        int(shape(size(shape):1:-1), c_int64_t), handle))
      text = message_of(status)
    end if
    call tensor_consume(operand)
    call tensor_yield(status, handle, text, tensor)
  end function tensor_reshape

  !> Elements first:last:step along one dimension; the memory is the operand's.
  function tensor_slice(operand, dim, first, last, step) result(tensor)
    type(isthmus_tensor_t), intent(in) :: operand
    integer, intent(in) :: dim, first, last
    integer, intent(in), optional :: step !! 1 by default
    type(isthmus_tensor_t) :: tensor

    type(c_ptr) :: of_operand, handle
    integer :: status, stride
    character(len=:), allocatable :: text

    handle = c_null_ptr
    stride = 1
    if (present(step)) stride = step
    call find_along(operand, dim, of_operand, status, text)
    if (status == isthmus_ok) then
      status = int(isthmus_tensor_slice(of_operand, library_dim(operand, dim), &
        int(first - 1, c_int64_t), int(last, c_int64_t), int(stride, c_int64_t), handle))
      text = message_of(status)
    end if
    call tensor_consume(operand)
    call tensor_yield(status, handle, text, tensor)
  end function tensor_slice

  !> Tensors one after the other along a dimension.
  function tensor_cat(tensors, dim) result(tensor)
    type(isthmus_tensor_t), intent(in) :: tensors(:)
    integer, intent(in) :: dim
    type(isthmus_tensor_t) :: tensor

    type(c_ptr) :: handles(size(tensors)), handle
    integer :: status, i
    character(len=:), allocatable :: text

    handle = c_null_ptr
    status = isthmus_err_argument
    text = "cat: there are no tensors"
    do i = 1, size(tensors)
      call find_along(tensors(i), dim, handles(i), status, text)
      if (status /= isthmus_ok) exit
    end do
    if (status == isthmus_ok) then
      status = int(isthmus_tensor_cat(size(tensors, kind=c_int32_t), handles, &
        library_dim(tensors(1), dim), handle))
      text = message_of(status)
    end if
    do i = 1, size(tensors)
      call tensor_consume(tensors(i))
    end do
    call tensor_yield(status, handle, text, tensor)
  end function tensor_cat

  ! Helpers

  subroutine reduce(operand, reduction, dim, tensor)
    type(isthmus_tensor_t), intent(in) :: operand
    integer(c_int), intent(in) :: reduction
    integer, intent(in), optional :: dim
    type(isthmus_tensor_t), intent(inout) :: tensor

    type(c_ptr) :: of_operand, handle
    integer(c_int32_t) :: dims(1), n_dims
    integer :: status
    character(len=:), allocatable :: text

    handle = c_null_ptr
    n_dims = 0
    dims = 0
    if (present(dim)) then
      call find_along(operand, dim, of_operand, status, text)
      n_dims = 1
      dims = library_dim(operand, dim)
    else
      call tensor_find(operand, of_operand, status, text)
    end if
    if (status == isthmus_ok) then
      status = int(isthmus_tensor_reduce(of_operand, reduction, n_dims, dims, handle))
      text = message_of(status)
    end if
    call tensor_consume(operand)
    call tensor_yield(status, handle, text, tensor)
  end subroutine reduce

  subroutine permute(operand, order, tensor)
    type(isthmus_tensor_t), intent(in) :: operand
    type(c_ptr), intent(in) :: order !! of the library, or null
    type(isthmus_tensor_t), intent(inout) :: tensor

    type(c_ptr) :: of_operand, handle
    integer :: status
    character(len=:), allocatable :: text

    handle = c_null_ptr
    call tensor_find(operand, of_operand, status, text)
    if (status == isthmus_ok) then
      status = int(isthmus_tensor_permute(of_operand, order, handle))
      text = message_of(status)
    end if
    call tensor_consume(operand)
    call tensor_yield(status, handle, text, tensor)
  end subroutine permute

  subroutine refuse(text, operand, tensor)
    character(len=*), intent(in) :: text
    type(isthmus_tensor_t), intent(in) :: operand
    type(isthmus_tensor_t), intent(inout) :: tensor

    call tensor_consume(operand)
    call tensor_yield(isthmus_err_argument, c_null_ptr, text, tensor)
  end subroutine refuse

  subroutine find_pair(left, right, of_left, of_right, status, text)
    type(isthmus_tensor_t), intent(in) :: left, right
    type(c_ptr), intent(out) :: of_left, of_right
    integer, intent(out) :: status
    character(len=:), allocatable, intent(out) :: text

    of_right = c_null_ptr
    call tensor_find(left, of_left, status, text)
    if (status == isthmus_ok) call tensor_find(right, of_right, status, text)
  end subroutine find_pair

  subroutine consume_pair(left, right)
    type(isthmus_tensor_t), intent(in) :: left, right

    call tensor_consume(left)
    call tensor_consume(right)
  end subroutine consume_pair

  !> The C tensor, if it has the dimension.
  subroutine find_along(operand, dim, handle, status, text)
    type(isthmus_tensor_t), intent(in) :: operand
    integer, intent(in) :: dim
    type(c_ptr), intent(out) :: handle
    integer, intent(out) :: status
    character(len=:), allocatable, intent(out) :: text

    integer :: rank
    character(len=80) :: numbers

    call tensor_find(operand, handle, status, text)
    if (status /= isthmus_ok) return
    rank = operand%rank()
    if (dim >= 1 .and. dim <= rank) return
    status = isthmus_err_argument
    write (numbers, "(a, i0, a, i0)") "'dim' is ", dim, ", the tensor has rank ", rank
    text = trim(numbers)
  end subroutine find_along

  !> Dimension `dim` as the library counts it.
  integer(c_int32_t) function library_dim(operand, dim)
    type(isthmus_tensor_t), intent(in) :: operand
    integer, intent(in) :: dim

    library_dim = int(operand%rank() - dim, c_int32_t)
  end function library_dim

end module isthmus_tensor_functions
