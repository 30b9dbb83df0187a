! SPDX-License-Identifier: MIT
!> Tensors made by libtorch or from an address.
! allow(C071)
submodule(isthmus_tensors) isthmus_tensors_make
  use isthmus_tensor_capi, only: isthmus_manual_seed, isthmus_tensor_empty, &
    isthmus_tensor_from_array, isthmus_tensor_ones, isthmus_tensor_rand, &
    isthmus_tensor_randn, isthmus_tensor_zeros
  implicit none

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

  module procedure make_empty
    call make(self, isthmus_tensor_empty, shape, dtype, device, requires_grad, stat, errmsg)
  end procedure make_empty

  module procedure make_zeros
    call make(self, isthmus_tensor_zeros, shape, dtype, device, requires_grad, stat, errmsg)
  end procedure make_zeros

  module procedure make_ones
    call make(self, isthmus_tensor_ones, shape, dtype, device, requires_grad, stat, errmsg)
  end procedure make_ones

  module procedure make_rand
    call make(self, isthmus_tensor_rand, shape, dtype, device, requires_grad, stat, errmsg)
  end procedure make_rand

  module procedure make_randn
    call make(self, isthmus_tensor_randn, shape, dtype, device, requires_grad, stat, errmsg)
  end procedure make_randn

  module procedure from_pointer
    type(array_view_t), target :: view
    type(c_ptr) :: handle
    character(len=:), allocatable, target :: place
    character(len=:), allocatable :: text
    integer :: status

    call describe_pointer("address", address, dtype, shape, view, status, text, strides)
    if (status == isthmus_ok) then
      if (present(device)) then
        place = c_text(device)
        view%c%device = c_loc(place)
      end if
      handle = c_null_ptr
      status = int(isthmus_tensor_from_array(view%c, c_null_ptr, handle))
      text = message_of(status)
      if (status == isthmus_ok) call tensor_own(self, handle)
    end if
    call report(status, text, stat, errmsg)
  end procedure from_pointer

  module procedure isthmus_seed
    integer(c_int) :: status

    status = isthmus_manual_seed(int(seed, c_int64_t))
    call report(int(status), message_of(int(status)))
  end procedure isthmus_seed

  subroutine make(self, of_library, shape, dtype, device, requires_grad, stat, errmsg)
    class(isthmus_tensor_t), intent(inout) :: self
    procedure(maker) :: of_library
    integer, intent(in) :: shape(:), dtype
    character(len=*), intent(in), optional :: device
    logical, intent(in), optional :: requires_grad
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(c_ptr) :: handle
    character(len=:), allocatable :: place
    integer :: status

    place = "cpu"
    if (present(device)) place = device
    handle = c_null_ptr
    status = int(of_library(int(dtype, c_int), size(shape, kind=c_int32_t), &
      int(shape(size(shape):1:-1), c_int64_t), c_text(place), handle))
    if (status == isthmus_ok) call tensor_own(self, handle)
    call report(status, message_of(status), stat, errmsg)
    if (status == isthmus_ok .and. present(requires_grad)) then
      call self%set_requires_grad(requires_grad, stat, errmsg)
    end if
  end subroutine make

end submodule isthmus_tensors_make
