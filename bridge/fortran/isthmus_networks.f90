! SPDX-License-Identifier: MIT
!> Networks on tensors: evaluated with a tape, looked into, trained, saved.
module isthmus_networks
  use, intrinsic :: iso_c_binding, only: c_int32_t, c_int64_t, c_loc, c_null_char, &
    c_null_ptr, c_ptr
  use, intrinsic :: iso_fortran_env, only: int64, output_unit
  use isthmus_handles, only: handle_t
  use isthmus_network_capi, only: c_network_is_training, isthmus_network_buffer, &
    isthmus_network_copy, isthmus_network_forward, isthmus_network_free, &
    isthmus_network_load, isthmus_network_n_buffers, isthmus_network_n_parameters, &
    isthmus_network_n_trainable, isthmus_network_parameter, isthmus_network_save, &
    isthmus_network_set_trainable, isthmus_network_set_training, isthmus_network_text, &
    isthmus_tensor_free
  use isthmus_status, only: isthmus_err_argument, isthmus_ok
  use isthmus_tensors, only: isthmus_tape_is_on, isthmus_tensor_t, message_of, &
    tensor_consume, tensor_find, tensor_own, tensor_yield
  use isthmus_texts, only: c_method, c_text, f_text, report
  implicit none
  private
  public :: tensor_handles

  !> A TorchScript network with its weights. A copy by assignment is the same network;
  !> `copy_of` makes one with weights of its own. Enquiries about a network that was never
  !> loaded give -1, "" or false.
  type, public :: isthmus_network_t
    private
    type(handle_t) :: object
  contains
    procedure, public :: load
    procedure, public :: copy_of
    procedure, public :: free
    procedure, public :: save => save_network
    generic, public :: forward => forward_one, forward_list
    procedure, public :: n_parameters
    procedure, public :: parameter_name
    procedure, public :: parameter => parameter_of
    procedure, public :: n_buffers
    procedure, public :: buffer_name
    procedure, public :: buffer => buffer_of
    procedure, public :: n_trainable
    procedure, public :: set_trainable
    procedure, public :: set_training
    procedure, public :: is_training
    procedure, public :: text => text_of
    procedure, public :: print => print_network
    procedure, public :: address
    procedure, public :: own
    procedure, private :: forward_one
    procedure, private :: forward_list
  end type isthmus_network_t

contains

  !> Load a `.pt` file.
  subroutine load(self, path, device, is_training, stat, errmsg)
    class(isthmus_network_t), intent(inout) :: self
    character(len=*), intent(in) :: path
    character(len=*), intent(in), optional :: device !! "cpu" by default
    logical, intent(in), optional :: is_training     !! mode to start in; .false. by default
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(c_ptr) :: network
    character(len=:), allocatable :: place
    integer :: status

    place = "cpu"
    if (present(device)) place = device
    network = c_null_ptr
    status = int(isthmus_network_load(c_text(path), c_text(place), flag(is_training), &
      network))
    if (status == isthmus_ok) call self%object%own(network, isthmus_network_free)
    call report(status, message_of(status), stat, errmsg)
  end subroutine load

  !> Become a copy of another network, with weights of its own.
  subroutine copy_of(self, other, stat, errmsg)
    class(isthmus_network_t), intent(inout) :: self
    class(isthmus_network_t), intent(in) :: other
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(c_ptr) :: network
    integer :: status

    network = c_null_ptr
    status = int(isthmus_network_copy(other%address(), network))
    if (status == isthmus_ok) call self%object%own(network, isthmus_network_free)
    call report(status, message_of(status), stat, errmsg)
  end subroutine copy_of

  !> Free the network, unless other copies of it are left.
  subroutine free(self)
    class(isthmus_network_t), intent(inout) :: self

    call self%object%free()
  end subroutine free

  !> Write a `.pt` file: it is whole, or as it was before.
  subroutine save_network(self, path, stat, errmsg)
    class(isthmus_network_t), intent(in) :: self
    character(len=*), intent(in) :: path
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: status

    status = int(isthmus_network_save(self%address(), c_text(path)))
    call report(status, message_of(status), stat, errmsg)
  end subroutine save_network

  !> Evaluate a network of one input and one output.
  subroutine forward_one(self, input, output, method, stat, errmsg)
    class(isthmus_network_t), intent(inout) :: self
    type(isthmus_tensor_t), intent(in) :: input
    type(isthmus_tensor_t), intent(inout) :: output
    character(len=*), intent(in), optional :: method !! "forward" by default
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(c_ptr) :: given(1), results(1)
    character(len=:), allocatable :: text
    integer :: status

    call tensor_find(input, given(1), status, text)
    if (status == isthmus_ok) call evaluate(self, method, given, results, status, text)
    call tensor_consume(input)
    if (status == isthmus_ok) call tensor_own(output, results(1))
    call report(status, text, stat, errmsg)
  end subroutine forward_one

  !> Evaluate a network. It is recorded for `backward` while the tape of this thread is on.
  subroutine forward_list(self, inputs, outputs, method, stat, errmsg)
    class(isthmus_network_t), intent(inout) :: self
    type(isthmus_tensor_t), intent(in) :: inputs(:)
    type(isthmus_tensor_t), intent(inout) :: outputs(:) !! as many as the network returns
    character(len=*), intent(in), optional :: method    !! "forward" by default
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(c_ptr), allocatable :: given(:)
    type(c_ptr) :: results(size(outputs))
    character(len=:), allocatable :: text
    integer :: i, status

    call tensor_handles(inputs, given, status, text)
    if (status == isthmus_ok) call evaluate(self, method, given, results, status, text)
    if (status == isthmus_ok) then
      do i = 1, size(outputs)
        call tensor_own(outputs(i), results(i))
      end do
    end if
    call report(status, text, stat, errmsg)
  end subroutine forward_list

  subroutine evaluate(self, method, given, results, status, text)
    class(isthmus_network_t), intent(inout) :: self
    character(len=*), intent(in), optional :: method
    type(c_ptr), intent(in) :: given(:)
    type(c_ptr), intent(inout) :: results(:)
    integer, intent(out) :: status
    character(len=:), allocatable, intent(out) :: text

    integer(c_int32_t) :: n

    results = c_null_ptr
    n = size(results, kind=c_int32_t)
    status = int(isthmus_network_forward(self%address(), c_method(method), given, &
      size(given, kind=c_int32_t), flag(isthmus_tape_is_on()), n, results, n))
    text = message_of(status)
    if (status == isthmus_ok .and. n < size(results)) call too_few(n, results, status, text)
  end subroutine evaluate

  !> Outputs that the network does not fill would be left with old values.
  subroutine too_few(n, results, status, text)
    integer(c_int32_t), intent(in) :: n
    type(c_ptr), intent(in) :: results(:)
    integer, intent(out) :: status
    character(len=:), allocatable, intent(out) :: text

    character(len=80) :: line
    integer :: i

    do i = 1, int(n)
      call isthmus_tensor_free(results(i))
    end do
    write (line, "(2(a, i0))") "the network returned ", n, " tensors, outputs has ", &
      size(results)
    status = isthmus_err_argument
    text = trim(line)
  end subroutine too_few

  !> Number of parameters.
  integer function n_parameters(self)
    class(isthmus_network_t), intent(in) :: self

    integer(c_int32_t) :: n

    n = -1
    if (isthmus_network_n_parameters(self%address(), n) /= isthmus_ok) n = -1
    n_parameters = int(n)
  end function n_parameters

  !> Name of a parameter, as in PyTorch; "" if there is none of this number.
  function parameter_name(self, i) result(name)
    class(isthmus_network_t), intent(in) :: self
    integer, intent(in) :: i !! from 1 on
    character(len=:), allocatable :: name

    type(c_ptr) :: found

    name = ""
    if (i < 1 .or. i > self%n_parameters()) return
    if (isthmus_network_parameter(self%address(), int(i - 1, c_int32_t), found) &
      == isthmus_ok) name = f_text(found)
  end function parameter_name

  !> A parameter: the very weights, no copy. Assign the result to a variable.
  function parameter_of(self, i) result(tensor)
    class(isthmus_network_t), intent(in) :: self
    integer, intent(in) :: i !! from 1 on
    type(isthmus_tensor_t) :: tensor

    type(c_ptr) :: handle, name
    integer :: status

    handle = c_null_ptr
    status = int(isthmus_network_parameter(self%address(), int(i - 1, c_int32_t), &
      name, handle))
    call tensor_yield(status, handle, message_of(status), tensor)
  end function parameter_of

  !> Number of buffers: tensors that are kept but not trained.
  integer function n_buffers(self)
    class(isthmus_network_t), intent(in) :: self

    integer(c_int32_t) :: n

    n = -1
    if (isthmus_network_n_buffers(self%address(), n) /= isthmus_ok) n = -1
    n_buffers = int(n)
  end function n_buffers

  !> Name of a buffer; "" if there is none of this number.
  function buffer_name(self, i) result(name)
    class(isthmus_network_t), intent(in) :: self
    integer, intent(in) :: i !! from 1 on
    character(len=:), allocatable :: name

    type(c_ptr) :: found

    name = ""
    if (i < 1 .or. i > self%n_buffers()) return
    if (isthmus_network_buffer(self%address(), int(i - 1, c_int32_t), found) &
      == isthmus_ok) name = f_text(found)
  end function buffer_name

  !> A buffer: no copy. Assign the result to a variable.
  function buffer_of(self, i) result(tensor)
    class(isthmus_network_t), intent(in) :: self
    integer, intent(in) :: i !! from 1 on
    type(isthmus_tensor_t) :: tensor

    type(c_ptr) :: handle, name
    integer :: status

    handle = c_null_ptr
    status = int(isthmus_network_buffer(self%address(), int(i - 1, c_int32_t), &
      name, handle))
    call tensor_yield(status, handle, message_of(status), tensor)
  end function buffer_of

  !> Number of values that are trained.
  integer(int64) function n_trainable(self)
    class(isthmus_network_t), intent(in) :: self

    integer(c_int64_t) :: n

    n = -1
    if (isthmus_network_n_trainable(self%address(), n) /= isthmus_ok) n = -1
    n_trainable = n
  end function n_trainable

  !> Train or freeze the parameters whose names start with `prefix`.
  subroutine set_trainable(self, is_trainable, prefix, stat, errmsg)
    class(isthmus_network_t), intent(inout) :: self
    logical, intent(in) :: is_trainable
    character(len=*), intent(in), optional :: prefix !! all parameters by default
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=:), allocatable :: start
    integer :: status

    start = ""
    if (present(prefix)) start = prefix
    status = int(isthmus_network_set_trainable(self%address(), c_text(start), &
      flag(is_trainable)))
    call report(status, message_of(status), stat, errmsg)
  end subroutine set_trainable

  !> Training mode (dropout acts, statistics are taken) or evaluation mode.
  subroutine set_training(self, is_training, stat, errmsg)
    class(isthmus_network_t), intent(inout) :: self
    logical, intent(in) :: is_training
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: status

    status = int(isthmus_network_set_training(self%address(), flag(is_training)))
    call report(status, message_of(status), stat, errmsg)
  end subroutine set_training

  !> Whether the network is in training mode.
  logical function is_training(self)
    class(isthmus_network_t), intent(in) :: self

    integer(c_int32_t) :: found

    found = 0
    is_training = .false.
    if (c_network_is_training(self%address(), found) == isthmus_ok) is_training = found == 1
  end function is_training

  !> The parameters as text: name, type, shape (slowest first), frozen or not.
  function text_of(self, with_values) result(text)
    class(isthmus_network_t), intent(in) :: self
    logical, intent(in), optional :: with_values !! .false. by default
    character(len=:), allocatable :: text

    character(len=:), allocatable, target :: room
    integer(c_int32_t) :: n

    text = ""
    n = 0
    if (isthmus_network_text(self%address(), flag(with_values), 0_c_int32_t, c_null_ptr, &
      n) /= isthmus_ok) return
    room = repeat(c_null_char, int(n) + 1)
    if (isthmus_network_text(self%address(), flag(with_values), n + 1_c_int32_t, &
      c_loc(room), n) == isthmus_ok) text = room(:n)
  end function text_of

  !> Print the parameters.
  subroutine print_network(self, with_values, unit)
    class(isthmus_network_t), intent(in) :: self
    logical, intent(in), optional :: with_values !! .false. by default
    integer, intent(in), optional :: unit        !! standard output by default

    integer :: to

    to = output_unit
    if (present(unit)) to = unit
    write (to, "(a)", advance="no") self%text(with_values)
  end subroutine print_network

  !> The C network, for the other modules of this folder; null if nothing is loaded.
  type(c_ptr) function address(self)
    class(isthmus_network_t), intent(in) :: self

    address = self%object%address()
  end function address

  !> Own a C network, for the other modules of this folder.
  subroutine own(self, network)
    class(isthmus_network_t), intent(inout) :: self
    type(c_ptr), intent(in) :: network

    call self%object%own(network, isthmus_network_free)
  end subroutine own

  !> The C tensors of a list, or why one of them is not there.
  subroutine tensor_handles(tensors, handles, status, text)
    type(isthmus_tensor_t), intent(in) :: tensors(:)
    type(c_ptr), allocatable, intent(out) :: handles(:)
    integer, intent(out) :: status
    character(len=:), allocatable, intent(out) :: text

    integer :: i

    allocate (handles(size(tensors)))
    status = isthmus_ok
    text = ""
    do i = 1, size(tensors)
      call tensor_find(tensors(i), handles(i), status, text)
      if (status /= isthmus_ok) return
    end do
  end subroutine tensor_handles

  !> C's truth; an absent one is false.
  pure integer(c_int32_t) function flag(is_so)
    logical, intent(in), optional :: is_so

    flag = 0
    if (present(is_so)) flag = merge(1_c_int32_t, 0_c_int32_t, is_so)
  end function flag

end module isthmus_networks
