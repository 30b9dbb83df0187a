! SPDX-License-Identifier: MIT
!> Tensors of FTorch made by torch, or from an address.
! allow(C071)
module ftorch_making
  use, intrinsic :: iso_c_binding, only: c_char, c_int, c_int32_t, c_int64_t, c_loc, &
    c_null_char, c_null_ptr, c_ptr
  use ftorch_devices, only: device_text, torch_kCPU
  use ftorch_types, only: dtype_of
  use ftorch_values, only: demand, torch_tensor
  use isthmus_arrays, only: array_view_t
  use isthmus_network_capi, only: isthmus_tensor_free
  use isthmus_status, only: isthmus_err_argument, isthmus_err_device, isthmus_float16, &
    isthmus_float32, isthmus_float64, isthmus_int16, isthmus_int32, isthmus_int64
  use isthmus_tensor_capi, only: isthmus_tensor_dtype, isthmus_tensor_empty, &
    isthmus_tensor_from_array, isthmus_tensor_ones, &
    isthmus_tensor_to, isthmus_tensor_zeros
  use isthmus_tensor_math_capi, only: isthmus_tensor_set_requires_grad
  use isthmus_tensors, only: tensor_own
  use isthmus_texts, only: c_text, report
  implicit none
  private
  public :: torch_tensor_empty, torch_tensor_from_blob, torch_tensor_ones
  public :: torch_tensor_zeros
  public :: finish_tensor, place

  integer, parameter :: max_rank = 15 !! of an array

  abstract interface
    !> The C functions that make a tensor.
    function maker(dtype, rank, shape, device, tensor) result(status) bind(c)
      use, intrinsic :: iso_c_binding, only: c_char, c_int, c_int32_t, c_int64_t, c_ptr
      implicit none
      integer(c_int), value :: dtype
      integer(c_int32_t), value :: rank
      integer(c_int64_t), intent(in) :: shape(*)
      character(kind=c_char), intent(in) :: device(*)
      type(c_ptr), intent(inout) :: tensor
      integer(c_int) :: status
    end function maker
  end interface

contains

  !> A tensor whose values are not set.
  subroutine torch_tensor_empty(tensor, ndims, tensor_shape, dtype, device_type, &
    device_index, requires_grad)
    type(torch_tensor), intent(inout) :: tensor
    integer(c_int), intent(in) :: ndims                !! number of dimensions
    integer(c_int64_t), intent(in) :: tensor_shape(:) !! as torch has it
    integer(c_int), intent(in) :: dtype                !! torch_kFloat32, ...
    integer(c_int), intent(in) :: device_type          !! torch_kCPU, ...
    integer, intent(in), optional :: device_index      !! of a GPU, from 0
    logical, intent(in), optional :: requires_grad     !! .false. by default

    call make(tensor, isthmus_tensor_empty, "torch_tensor_empty", ndims, tensor_shape, &
      dtype, device_type, device_index, requires_grad)
  end subroutine torch_tensor_empty

  !> A tensor of zeros; arguments as for torch_tensor_empty.
  subroutine torch_tensor_zeros(tensor, ndims, tensor_shape, dtype, device_type, &
    device_index, requires_grad)
    type(torch_tensor), intent(inout) :: tensor
    integer(c_int), intent(in) :: ndims, dtype, device_type
    integer(c_int64_t), intent(in) :: tensor_shape(:)
    integer, intent(in), optional :: device_index
    logical, intent(in), optional :: requires_grad

    call make(tensor, isthmus_tensor_zeros, "torch_tensor_zeros", ndims, tensor_shape, &
      dtype, device_type, device_index, requires_grad)
  end subroutine torch_tensor_zeros

  !> A tensor of ones; arguments as for torch_tensor_empty.
  subroutine torch_tensor_ones(tensor, ndims, tensor_shape, dtype, device_type, &
    device_index, requires_grad)
    type(torch_tensor), intent(inout) :: tensor
    integer(c_int), intent(in) :: ndims, dtype, device_type
    integer(c_int64_t), intent(in) :: tensor_shape(:)
    integer, intent(in), optional :: device_index
    logical, intent(in), optional :: requires_grad

    call make(tensor, isthmus_tensor_ones, "torch_tensor_ones", ndims, tensor_shape, &
      dtype, device_type, device_index, requires_grad)
  end subroutine torch_tensor_ones

  !> Look at memory by its address. Dimension layout(1) of the tensor has its elements side
  !> by side in memory, then comes layout(2), and so on.
  subroutine torch_tensor_from_blob(tensor, data, ndims, tensor_shape, layout, dtype, &
    device_type, device_index, requires_grad)
    type(torch_tensor), intent(inout) :: tensor
    type(c_ptr), intent(in) :: data                    !! of the first element, on the host
    integer(c_int), intent(in) :: ndims                !! number of dimensions
    integer(c_int64_t), intent(in) :: tensor_shape(:) !! as torch has it
    integer, intent(in) :: layout(:)                   !! [1, 2, ...] is Fortran's order
    integer(c_int), intent(in) :: dtype                !! torch_kFloat32, ...
    integer(c_int), intent(in) :: device_type          !! torch_kCPU, ...
    integer, intent(in), optional :: device_index      !! of a GPU, from 0
    logical, intent(in), optional :: requires_grad     !! .false. by default

    character(len=*), parameter :: me = "torch_tensor_from_blob"
    type(array_view_t), target :: view
    type(c_ptr) :: handle
    integer(c_int64_t) :: step
    integer :: i

    call check_form(me, ndims, tensor_shape, dtype)
    if (size(layout) /= ndims .or. any([(count(layout == i) /= 1, i=1, ndims)])) then
      call report(isthmus_err_argument, me//": 'layout' must hold each dimension of "// &
        "the tensor once")
    end if
    view%shape(:ndims) = tensor_shape(:ndims)
    step = size_of(dtype_of(dtype))
    do i = 1, ndims
      view%strides(layout(i)) = step
      step = step*tensor_shape(layout(i))
    end do
    view%c%data = data
    view%c%dtype = dtype_of(dtype)
    view%c%rank = int(ndims, c_int32_t)
    view%c%shape = c_loc(view%shape)
    view%c%strides = c_loc(view%strides)
    handle = c_null_ptr
    call demand(isthmus_tensor_from_array(view%c, c_null_ptr, handle), me)
    call finish_tensor(tensor, handle, me, device_type, device_index, requires_grad)
  end subroutine torch_tensor_from_blob

  ! For the other modules of this folder

  !> Copy a tensor of the host to the device asked for, ask for gradients, hand it over.
  subroutine finish_tensor(tensor, handle, where, device_type, device_index, requires_grad)
    type(torch_tensor), intent(inout) :: tensor
    type(c_ptr), intent(in) :: handle
    character(len=*), intent(in) :: where
    integer(c_int), intent(in) :: device_type
    integer, intent(in), optional :: device_index
    logical, intent(in), optional :: requires_grad

    type(c_ptr) :: made
    character(kind=c_char, len=:), allocatable, target :: device
    integer(c_int) :: dtype

    made = handle
    if (device_type /= torch_kCPU) then
      device = place(where, device_type, device_index)//c_null_char
      dtype = -1
      made = c_null_ptr
      call demand(isthmus_tensor_dtype(handle, dtype), where)
      call demand(isthmus_tensor_to(handle, dtype, c_loc(device), made), where)
      call isthmus_tensor_free(handle)
    end if
    if (present(requires_grad)) then
      if (requires_grad) call demand(isthmus_tensor_set_requires_grad(made, 1_c_int32_t), &
        where)
    end if
    call tensor_own(tensor%t, made)
  end subroutine finish_tensor

  !> Torch's string for a device; stops if FTorch has no such device type.
  function place(where, device_type, device_index) result(text)
    character(len=*), intent(in) :: where
    integer(c_int), intent(in) :: device_type
    integer, intent(in), optional :: device_index
    character(len=:), allocatable :: text

    text = device_text(device_type, device_index)
    if (text == "") call report(isthmus_err_device, where//": 'device_type' is none of "// &
      "torch_kCPU, torch_kCUDA, torch_kHIP, torch_kXPU, torch_kMPS")
  end function place

  ! Helpers

  subroutine make(tensor, of_library, where, ndims, tensor_shape, dtype, device_type, &
    device_index, requires_grad)
    type(torch_tensor), intent(inout) :: tensor
    procedure(maker) :: of_library
    character(len=*), intent(in) :: where
    integer(c_int), intent(in) :: ndims, dtype, device_type
    integer(c_int64_t), intent(in) :: tensor_shape(:)
    integer, intent(in), optional :: device_index
    logical, intent(in), optional :: requires_grad

    type(c_ptr) :: handle

    call check_form(where, ndims, tensor_shape, dtype)
    handle = c_null_ptr
    call demand(of_library(dtype_of(dtype), int(ndims, c_int32_t), tensor_shape, &
      c_text(place(where, device_type, device_index)), handle), where)
    call finish_tensor(tensor, handle, where, torch_kCPU, requires_grad=requires_grad)
  end subroutine make

  subroutine check_form(where, ndims, tensor_shape, dtype)
    character(len=*), intent(in) :: where
    integer(c_int), intent(in) :: ndims, dtype
    integer(c_int64_t), intent(in) :: tensor_shape(:)

    if (ndims < 0 .or. ndims > max_rank .or. ndims > size(tensor_shape)) then
      call report(isthmus_err_argument, where//": 'ndims' must be 0 to 15, and "// &
        "'tensor_shape' must have as many elements")
    end if
    if (dtype_of(dtype) < 0) then
      call report(isthmus_err_argument, where//": 'dtype' must be torch_kInt8, "// &
        "torch_kInt16, torch_kInt32, torch_kInt64, torch_kFloat32 or torch_kFloat64")
    end if
  end subroutine check_form

  !> Bytes of an element.
  pure integer(c_int64_t) function size_of(dtype)
    integer(c_int), intent(in) :: dtype

    select case (dtype)
    case (isthmus_int64, isthmus_float64)
      size_of = 8
    case (isthmus_int32, isthmus_float32)
      size_of = 4
    case (isthmus_int16, isthmus_float16)
      size_of = 2
    case default
      size_of = 1
    end select
  end function size_of

end module ftorch_making
