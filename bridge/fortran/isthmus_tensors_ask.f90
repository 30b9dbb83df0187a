! SPDX-License-Identifier: MIT
!> What a tensor is, and its values as text.
submodule(isthmus_tensors) isthmus_tensors_ask
  use isthmus_tensor_capi, only: isthmus_tensor_data, isthmus_tensor_device, &
    isthmus_tensor_dtype, isthmus_tensor_n_elements, isthmus_tensor_rank, &
    isthmus_tensor_shape, isthmus_tensor_strides, isthmus_tensor_text, isthmus_text_free
  implicit none

contains

  module procedure rank_of
    integer(c_int32_t) :: found

    found = -1
    if (isthmus_tensor_rank(handle_of(self), found) /= isthmus_ok) found = -1
    rank = int(found)
  end procedure rank_of

  module procedure shape_of
    integer(c_int64_t) :: extents(max_rank)
    integer :: n

    n = max(0, rank_of(self))
    if (isthmus_tensor_shape(handle_of(self), max_rank, extents) /= isthmus_ok) n = 0
    shape = int(extents(n:1:-1), int64)
  end procedure shape_of

  module procedure strides_of
    integer(c_int64_t) :: steps(max_rank)
    integer :: n

    n = max(0, rank_of(self))
    if (isthmus_tensor_strides(handle_of(self), max_rank, steps) /= isthmus_ok) n = 0
    strides = int(steps(n:1:-1), int64)
  end procedure strides_of

  module procedure dtype_of
    integer(c_int) :: found

    found = -1
    if (isthmus_tensor_dtype(handle_of(self), found) /= isthmus_ok) found = -1
    dtype = int(found)
  end procedure dtype_of

  module procedure device_of
    integer(c_int32_t) :: ignored
    type(c_ptr) :: name

    device = ""
    name = c_null_ptr
    ignored = 0
    if (isthmus_tensor_device(handle_of(self), name, ignored) == isthmus_ok) then
      device = f_text(name)
    end if
  end procedure device_of

  module procedure device_index_of
    integer(c_int32_t) :: found
    type(c_ptr) :: ignored

    found = -1
    ignored = c_null_ptr
    if (isthmus_tensor_device(handle_of(self), ignored, found) /= isthmus_ok) found = -1
    index = int(found)
  end procedure device_index_of

  module procedure n_elements_of
    integer(c_int64_t) :: found

    found = -1
    if (isthmus_tensor_n_elements(handle_of(self), found) /= isthmus_ok) found = -1
    n_elements = int(found, int64)
  end procedure n_elements_of

  module procedure data_of
    address = c_null_ptr
    if (isthmus_tensor_data(handle_of(self), address) /= isthmus_ok) address = c_null_ptr
  end procedure data_of

  module procedure text_of
    type(c_ptr) :: printed

    text = ""
    printed = c_null_ptr
    if (isthmus_tensor_text(handle_of(self), printed) /= isthmus_ok) return
    text = f_text(printed)
    call isthmus_text_free(printed)
  end procedure text_of

  module procedure print_tensor
    integer :: to_unit, status
    character(len=:), allocatable :: text
    type(c_ptr) :: ignored

    to_unit = output_unit
    if (present(unit)) to_unit = unit
    call tensor_find(self, ignored, status, text)
    if (status == isthmus_ok) then
      write (to_unit, "(a)") self%text()
    else
      write (to_unit, "(a)") "[no tensor: "//text//"]"
    end if
  end procedure print_tensor

  !> The C tensor, null if there is none.
  function handle_of(self) result(handle)
    class(isthmus_tensor_t), intent(in) :: self
    type(c_ptr) :: handle

    integer :: ignored
    character(len=:), allocatable :: text

    call tensor_find(self, handle, ignored, text)
  end function handle_of

end submodule isthmus_tensors_ask
