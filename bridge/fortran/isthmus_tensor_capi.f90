! SPDX-License-Identifier: MIT
!> The C functions of `tensor.h` as Fortran sees them, for the modules of this folder only.
! allow(C071)
module isthmus_tensor_capi
  use, intrinsic :: iso_c_binding, only: c_char, c_double, c_int, c_int32_t, &
    c_int64_t, c_ptr
  use isthmus_capi, only: c_array_t
  implicit none
  private
  public :: isthmus_tensor_empty, isthmus_tensor_zeros, isthmus_tensor_ones
  public :: isthmus_tensor_rand, isthmus_tensor_randn, isthmus_manual_seed
  public :: isthmus_tensor_from_array, isthmus_tensor_clone, isthmus_tensor_alias
  public :: isthmus_tensor_rank, isthmus_tensor_shape, isthmus_tensor_strides
  public :: isthmus_tensor_dtype, isthmus_tensor_device, isthmus_tensor_n_elements
  public :: isthmus_tensor_data, isthmus_tensor_text, isthmus_text_free
  public :: isthmus_tensor_to, isthmus_tensor_copy, isthmus_tensor_copy_to_array
  public :: isthmus_tensor_copy_from_array, isthmus_tensor_fill_float64
  public :: isthmus_tensor_fill_int64

  interface
    function isthmus_tensor_empty(dtype, rank, shape, device, tensor) result(status) bind(c)
      import :: c_char, c_int, c_int32_t, c_int64_t, c_ptr
      implicit none
      integer(c_int), value :: dtype
      integer(c_int32_t), value :: rank
      integer(c_int64_t), intent(in) :: shape(*)
      character(kind=c_char), intent(in) :: device(*)
      type(c_ptr), intent(inout) :: tensor
      integer(c_int) :: status
    end function isthmus_tensor_empty

    function isthmus_tensor_zeros(dtype, rank, shape, device, tensor) result(status) bind(c)
      import :: c_char, c_int, c_int32_t, c_int64_t, c_ptr
      implicit none
      integer(c_int), value :: dtype
      integer(c_int32_t), value :: rank
      integer(c_int64_t), intent(in) :: shape(*)
      character(kind=c_char), intent(in) :: device(*)
      type(c_ptr), intent(inout) :: tensor
      integer(c_int) :: status
    end function isthmus_tensor_zeros

    function isthmus_tensor_ones(dtype, rank, shape, device, tensor) result(status) bind(c)
      import :: c_char, c_int, c_int32_t, c_int64_t, c_ptr
      implicit none
      integer(c_int), value :: dtype
      integer(c_int32_t), value :: rank
      integer(c_int64_t), intent(in) :: shape(*)
      character(kind=c_char), intent(in) :: device(*)
      type(c_ptr), intent(inout) :: tensor
      integer(c_int) :: status
    end function isthmus_tensor_ones

    function isthmus_tensor_rand(dtype, rank, shape, device, tensor) result(status) bind(c)
      import :: c_char, c_int, c_int32_t, c_int64_t, c_ptr
      implicit none
      integer(c_int), value :: dtype
      integer(c_int32_t), value :: rank
      integer(c_int64_t), intent(in) :: shape(*)
      character(kind=c_char), intent(in) :: device(*)
      type(c_ptr), intent(inout) :: tensor
      integer(c_int) :: status
    end function isthmus_tensor_rand

    function isthmus_tensor_randn(dtype, rank, shape, device, tensor) result(status) bind(c)
      import :: c_char, c_int, c_int32_t, c_int64_t, c_ptr
      implicit none
      integer(c_int), value :: dtype
      integer(c_int32_t), value :: rank
      integer(c_int64_t), intent(in) :: shape(*)
      character(kind=c_char), intent(in) :: device(*)
      type(c_ptr), intent(inout) :: tensor
      integer(c_int) :: status
    end function isthmus_tensor_randn

    function isthmus_manual_seed(seed) result(status) bind(c)
      import :: c_int, c_int64_t
      implicit none
      integer(c_int64_t), value :: seed
      integer(c_int) :: status
    end function isthmus_manual_seed

    function isthmus_tensor_from_array(array, order, tensor) result(status) bind(c)
      import :: c_array_t, c_int, c_ptr
      implicit none
      type(c_array_t), intent(in) :: array
      type(c_ptr), value :: order
      type(c_ptr), intent(inout) :: tensor
      integer(c_int) :: status
    end function isthmus_tensor_from_array

    function isthmus_tensor_clone(tensor, copy) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: tensor
      type(c_ptr), intent(inout) :: copy
      integer(c_int) :: status
    end function isthmus_tensor_clone

    function isthmus_tensor_alias(tensor, alias) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: tensor
      type(c_ptr), intent(inout) :: alias
      integer(c_int) :: status
    end function isthmus_tensor_alias

    function isthmus_tensor_rank(tensor, rank) result(status) bind(c)
      import :: c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: tensor
      integer(c_int32_t), intent(inout) :: rank
      integer(c_int) :: status
    end function isthmus_tensor_rank

    function isthmus_tensor_shape(tensor, room, shape) result(status) bind(c)
      import :: c_int, c_int32_t, c_int64_t, c_ptr
      implicit none
      type(c_ptr), value :: tensor
      integer(c_int32_t), value :: room
      integer(c_int64_t), intent(inout) :: shape(*)
      integer(c_int) :: status
    end function isthmus_tensor_shape

    function isthmus_tensor_strides(tensor, room, strides) result(status) bind(c)
      import :: c_int, c_int32_t, c_int64_t, c_ptr
      implicit none
      type(c_ptr), value :: tensor
      integer(c_int32_t), value :: room
      integer(c_int64_t), intent(inout) :: strides(*)
      integer(c_int) :: status
    end function isthmus_tensor_strides

    function isthmus_tensor_dtype(tensor, dtype) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: tensor
      integer(c_int), intent(inout) :: dtype
      integer(c_int) :: status
    end function isthmus_tensor_dtype

    function isthmus_tensor_device(tensor, device, index) result(status) bind(c)
      import :: c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: tensor
      type(c_ptr), intent(inout) :: device
      integer(c_int32_t), intent(inout) :: index
      integer(c_int) :: status
    end function isthmus_tensor_device

    function isthmus_tensor_n_elements(tensor, n_elements) result(status) bind(c)
      import :: c_int, c_int64_t, c_ptr
      implicit none
      type(c_ptr), value :: tensor
      integer(c_int64_t), intent(inout) :: n_elements
      integer(c_int) :: status
    end function isthmus_tensor_n_elements

    function isthmus_tensor_data(tensor, data) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: tensor
      type(c_ptr), intent(inout) :: data
      integer(c_int) :: status
    end function isthmus_tensor_data

    function isthmus_tensor_text(tensor, text) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: tensor
      type(c_ptr), intent(inout) :: text
      integer(c_int) :: status
    end function isthmus_tensor_text

    subroutine isthmus_text_free(text) bind(c)
      import :: c_ptr
      implicit none
      type(c_ptr), value :: text
    end subroutine isthmus_text_free

    function isthmus_tensor_to(tensor, dtype, device, copy) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: tensor
      integer(c_int), value :: dtype
      type(c_ptr), value :: device
      type(c_ptr), intent(inout) :: copy
      integer(c_int) :: status
    end function isthmus_tensor_to

    function isthmus_tensor_copy(target_tensor, source, conversion) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: target_tensor, source
      integer(c_int), value :: conversion
      integer(c_int) :: status
    end function isthmus_tensor_copy

    function isthmus_tensor_copy_to_array(source, array, conversion) result(status) bind(c)
      import :: c_array_t, c_int, c_ptr
      implicit none
      type(c_ptr), value :: source
      type(c_array_t), intent(in) :: array
      integer(c_int), value :: conversion
      integer(c_int) :: status
    end function isthmus_tensor_copy_to_array

    function isthmus_tensor_copy_from_array(tensor, array, conversion) &
      result(status) bind(c)
      import :: c_array_t, c_int, c_ptr
      implicit none
      type(c_ptr), value :: tensor
      type(c_array_t), intent(in) :: array
      integer(c_int), value :: conversion
      integer(c_int) :: status
    end function isthmus_tensor_copy_from_array

    function isthmus_tensor_fill_float64(tensor, number) result(status) bind(c)
      import :: c_double, c_int, c_ptr
      implicit none
      type(c_ptr), value :: tensor
      real(c_double), value :: number
      integer(c_int) :: status
    end function isthmus_tensor_fill_float64

    function isthmus_tensor_fill_int64(tensor, number) result(status) bind(c)
      import :: c_int, c_int64_t, c_ptr
      implicit none
      type(c_ptr), value :: tensor
      integer(c_int64_t), value :: number
      integer(c_int) :: status
    end function isthmus_tensor_fill_int64
  end interface
end module isthmus_tensor_capi
