! SPDX-License-Identifier: MIT
!> The type torch_tensor of FTorch: what it is asked, and how values get into it.
!>
!> A torch_tensor holds an isthmus_tensor_t, and so frees itself. Shapes are torch's, which
!> by default are those of the Fortran array: FTorch keeps the order of the indices.
module ftorch_values
  use, intrinsic :: iso_c_binding, only: c_associated, c_int, c_int32_t, c_int64_t, &
    c_null_ptr, c_ptr
  use, intrinsic :: iso_fortran_env, only: output_unit
  use ftorch_devices, only: device_type_of, torch_kCPU
  use ftorch_types, only: is_lossless, torch_type_of
  use isthmus_capi, only: isthmus_error_message
  use isthmus_network_capi, only: isthmus_tensor_free
  use isthmus_status, only: isthmus_err_argument, isthmus_ok
  use isthmus_tensor_capi, only: isthmus_tensor_copy, isthmus_tensor_device, &
    isthmus_tensor_dtype, isthmus_tensor_fill_int64, &
    isthmus_tensor_n_elements, isthmus_tensor_rank, isthmus_tensor_shape, &
    isthmus_tensor_strides, isthmus_tensor_text, isthmus_text_free
  use isthmus_tensor_math_capi, only: isthmus_tensor_detach, isthmus_tensor_is_leaf, &
    isthmus_tensor_requires_grad, isthmus_tensor_reshape, isthmus_tensor_zero_grad
  use isthmus_tensors, only: isthmus_tensor_t, tensor_consume, tensor_find, tensor_memory, &
    tensor_reseat
  use isthmus_texts, only: f_text, report
  implicit none
  private
  public :: assignment(=)
  public :: torch_tensor_get_device_index, torch_tensor_get_device_type
  public :: torch_tensor_get_dtype, torch_tensor_get_rank, torch_tensor_get_shape
  public :: torch_tensor_get_stride, torch_tensor_print, torch_tensor_requires_grad
  public :: torch_tensor_delete, torch_tensor_zero, torch_tensor_zero_grad
  public :: demand, handle_of, message, put

  integer, parameter :: max_rank = 64 !! of torch's tensors

  !> A tensor of torch, or nothing yet.
  type, public :: torch_tensor
    type(isthmus_tensor_t) :: t !! not for users
  contains
    procedure :: get_rank => torch_tensor_get_rank
    procedure :: get_shape => torch_tensor_get_shape
    procedure :: get_stride => torch_tensor_get_stride
    procedure :: shape => torch_tensor_get_shape !! as later versions of FTorch name them
    procedure :: stride => torch_tensor_get_stride
    procedure :: get_dtype => torch_tensor_get_dtype
    procedure :: get_device_type => torch_tensor_get_device_type
    procedure :: get_device_index => torch_tensor_get_device_index
    procedure :: requires_grad => torch_tensor_requires_grad
    procedure :: zero => torch_tensor_zero
    procedure :: zero_grad => torch_tensor_zero_grad
    procedure :: print => torch_tensor_print
  end type torch_tensor

  interface assignment(=)
    module procedure :: torch_tensor_assign
  end interface assignment(=)

contains

  ! Asked

  function torch_tensor_get_rank(self) result(rank)
    class(torch_tensor), intent(in) :: self
    integer(c_int) :: rank

    rank = -1
    call demand(isthmus_tensor_rank(handle_of(self, "torch_tensor_get_rank"), rank), &
      "torch_tensor_get_rank")
  end function torch_tensor_get_rank

  function torch_tensor_get_shape(self) result(sizes)
    class(torch_tensor), intent(in) :: self
    integer(c_int64_t), allocatable :: sizes(:)

    integer(c_int64_t) :: found(max_rank)

    call demand(isthmus_tensor_shape(handle_of(self, "torch_tensor_get_shape"), max_rank, &
      found), "torch_tensor_get_shape")
    sizes = found(:self%get_rank())
  end function torch_tensor_get_shape

  !> In elements, not bytes.
  function torch_tensor_get_stride(self) result(strides)
    class(torch_tensor), intent(in) :: self
    integer(c_int64_t), allocatable :: strides(:)

    integer(c_int64_t) :: found(max_rank)

    call demand(isthmus_tensor_strides(handle_of(self, "torch_tensor_get_stride"), &
      max_rank, found), "torch_tensor_get_stride")
    strides = found(:self%get_rank())
  end function torch_tensor_get_stride

  !> torch_kFloat32, ...
  function torch_tensor_get_dtype(self) result(dtype)
    class(torch_tensor), intent(in) :: self
    integer(c_int) :: dtype

    dtype = torch_type_of(our_dtype(handle_of(self, "torch_tensor_get_dtype")))
  end function torch_tensor_get_dtype

  !> torch_kCPU, ...
  function torch_tensor_get_device_type(self) result(device_type)
    class(torch_tensor), intent(in) :: self
    integer(c_int) :: device_type

    type(c_ptr) :: name
    integer(c_int32_t) :: ignored

    name = c_null_ptr
    ignored = 0
    call demand(isthmus_tensor_device(handle_of(self, "torch_tensor_get_device_type"), &
      name, ignored), "torch_tensor_get_device_type")
    device_type = device_type_of(f_text(name))
  end function torch_tensor_get_device_type

  !> -1 on the host, from 0 on elsewhere.
  function torch_tensor_get_device_index(self) result(device_index)
    class(torch_tensor), intent(in) :: self
    integer(c_int) :: device_index

    type(c_ptr) :: ignored

    ignored = c_null_ptr
    device_index = -1
    call demand(isthmus_tensor_device(handle_of(self, "torch_tensor_get_device_index"), &
      ignored, device_index), "torch_tensor_get_device_index")
    if (self%get_device_type() == torch_kCPU) device_index = -1
  end function torch_tensor_get_device_index

  function torch_tensor_requires_grad(self) result(requires_grad)
    class(torch_tensor), intent(in) :: self
    logical :: requires_grad

    integer(c_int32_t) :: found

    found = 0
    call demand(isthmus_tensor_requires_grad(handle_of(self, &
      "torch_tensor_requires_grad"), found), "torch_tensor_requires_grad")
    requires_grad = found == 1
  end function torch_tensor_requires_grad

  !> Values, type and shape to standard output, as torch writes them.
  subroutine torch_tensor_print(tensor)
    class(torch_tensor), intent(in) :: tensor

    type(c_ptr) :: text

    text = c_null_ptr
    call demand(isthmus_tensor_text(handle_of(tensor, "torch_tensor_print"), text), &
      "torch_tensor_print")
    write (output_unit, "(a)") f_text(text)
    call isthmus_text_free(text)
  end subroutine torch_tensor_print

  ! Changed

  !> Set all values to zero.
  subroutine torch_tensor_zero(tensor)
    class(torch_tensor), intent(in) :: tensor

    call demand(isthmus_tensor_fill_int64(handle_of(tensor, "torch_tensor_zero"), &
      0_c_int64_t), "torch_tensor_zero")
  end subroutine torch_tensor_zero

  !> Set the gradient to zero where there is one.
  subroutine torch_tensor_zero_grad(tensor)
    class(torch_tensor), intent(in) :: tensor

    call demand(isthmus_tensor_zero_grad(handle_of(tensor, "torch_tensor_zero_grad")), &
      "torch_tensor_zero_grad")
  end subroutine torch_tensor_zero_grad

  !> Free a tensor; nothing happens where there is none.
  impure elemental subroutine torch_tensor_delete(tensor)
    type(torch_tensor), intent(inout) :: tensor

    call tensor%t%free()
  end subroutine torch_tensor_delete

  !> Write the values of `input` where `output` has its own: into the array it was made
  !> from. A tensor that was never set gets memory of its own.
  impure elemental subroutine torch_tensor_assign(output, input)
    type(torch_tensor), intent(inout) :: output
    type(torch_tensor), intent(in) :: input

    type(c_ptr) :: value, old
    character(len=:), allocatable :: text
    integer :: status

    value = handle_of(input, "assignment(=), right-hand side")
    call tensor_find(output%t, old, status, text)
    if (status /= isthmus_ok) then
      output%t = input%t
      return
    end if
    if (c_associated(value, old)) return
    call put(output, value, "assignment(=)", status, text)
    call tensor_consume(input%t)
    if (status /= isthmus_ok) call report(status, text)
  end subroutine torch_tensor_assign

  ! For the other modules of this folder

  !> The C tensor; stops where there is none.
  function handle_of(tensor, where) result(handle)
    class(torch_tensor), intent(in) :: tensor
    character(len=*), intent(in) :: where !! procedure and argument, for messages
    type(c_ptr) :: handle

    integer :: status
    character(len=:), allocatable :: text

    call tensor_find(tensor%t, handle, status, text)
    if (status /= isthmus_ok) call report(status, where//": "//text)
  end function handle_of

  !> Stop unless a C function succeeded.
  subroutine demand(status, where)
    integer(c_int), intent(in) :: status
    character(len=*), intent(in) :: where !! for messages

    if (status /= isthmus_ok) call report(int(status), message(where))
  end subroutine demand

  !> Why the last C function failed.
  function message(where) result(text)
    character(len=*), intent(in) :: where
    character(len=:), allocatable :: text

    text = where//": "//f_text(isthmus_error_message())
  end function message

  !> Write a C tensor into the memory of `tensor`, which on the tape becomes its result.
  subroutine put(tensor, value, where, status, text, convert, may_be_leaf)
    type(torch_tensor), intent(in) :: tensor
    type(c_ptr), intent(in) :: value
    character(len=*), intent(in) :: where
    integer, intent(out) :: status
    character(len=:), allocatable, intent(out) :: text !! set on failure
    logical, intent(in), optional :: convert           !! to any element type
    logical, intent(in), optional :: may_be_leaf       !! that requires a gradient

    type(c_ptr) :: memory, fresh
    logical :: is_plain, keeps_leaf

    memory = tensor_memory(tensor%t)
    keeps_leaf = is_required(memory)
    ! After a forward with gradients the tensor is the network's result, its memory apart.
    is_plain = c_associated(memory, handle_of(tensor, where)) .and. .not. keeps_leaf
    if (is_plain) is_plain = .not. is_required(value)
    if (keeps_leaf) keeps_leaf = is_leaf(memory)
    if (keeps_leaf .and. .not. present(may_be_leaf)) then
      status = isthmus_err_argument
      text = where//": the tensor on the left was made with requires_grad=.true.; a "// &
        "result would replace what gradients are asked for. Give it a tensor of its own"
      return
    end if
    if (is_plain) then
      call write_values(memory, value, where, status, text, convert)
      return
    end if
    ! A new tensor of the same memory: it forgets what it was made from before.
    fresh = c_null_ptr
    call demand(isthmus_tensor_detach(memory, fresh), where)
    call write_values(fresh, value, where, status, text, convert)
    if (status /= isthmus_ok .or. keeps_leaf) then
      call isthmus_tensor_free(fresh)
    else
      call tensor_reseat(tensor%t, fresh, is_elsewhere=.false.)
    end if
  end subroutine put

  !> Copy values, and refuse what changes them: other shapes, narrower element types.
  subroutine write_values(memory, value, where, status, text, convert)
    type(c_ptr), intent(in) :: memory, value
    character(len=*), intent(in) :: where
    integer, intent(out) :: status
    character(len=:), allocatable, intent(out) :: text !! set on failure
    logical, intent(in), optional :: convert           !! to any element type

    type(c_ptr) :: fitting
    integer(c_int) :: conversion

    conversion = 0
    if (is_lossless(our_dtype(value), our_dtype(memory))) conversion = 1
    if (present(convert)) conversion = merge(1_c_int, conversion, convert)
    fitting = c_null_ptr
    call fit_single(value, memory, fitting)
    if (c_associated(fitting)) then
      status = int(isthmus_tensor_copy(memory, fitting, conversion))
      call isthmus_tensor_free(fitting)
    else
      status = int(isthmus_tensor_copy(memory, value, conversion))
    end if
    text = ""
    if (status /= isthmus_ok) text = message(where)
  end subroutine write_values

  !> A number written to a tensor of one element: FTorch has no tensors of rank 0.
  subroutine fit_single(value, memory, fitting)
    type(c_ptr), intent(in) :: value, memory
    type(c_ptr), intent(inout) :: fitting !! set if the shapes differ

    integer(c_int32_t) :: rank, rank_there
    integer(c_int64_t) :: n, n_there, shape(max_rank)

    rank = -1
    rank_there = -1
    if (isthmus_tensor_rank(value, rank) /= isthmus_ok) return
    if (isthmus_tensor_rank(memory, rank_there) /= isthmus_ok) return
    if (rank == rank_there .or. min(rank, rank_there) > 0) return
    if (isthmus_tensor_n_elements(value, n) /= isthmus_ok) return
    if (isthmus_tensor_n_elements(memory, n_there) /= isthmus_ok) return
    if (n /= 1 .or. n_there /= 1) return
    shape = 1
    if (isthmus_tensor_reshape(value, rank_there, shape, fitting) /= isthmus_ok) return
  end subroutine fit_single

  logical function is_required(handle)
    type(c_ptr), intent(in) :: handle

    integer(c_int32_t) :: found

    found = 0
    if (isthmus_tensor_requires_grad(handle, found) /= isthmus_ok) found = 0
    is_required = found == 1
  end function is_required

  logical function is_leaf(handle)
    type(c_ptr), intent(in) :: handle

    integer(c_int32_t) :: found

    found = 0
    if (isthmus_tensor_is_leaf(handle, found) /= isthmus_ok) found = 0
    is_leaf = found == 1
  end function is_leaf

  integer(c_int) function our_dtype(handle)
    type(c_ptr), intent(in) :: handle

    our_dtype = -1_c_int
    if (isthmus_tensor_dtype(handle, our_dtype) /= isthmus_ok) our_dtype = -1_c_int
  end function our_dtype

end module ftorch_values
