! SPDX-License-Identifier: MIT
!> Networks of FTorch: TorchScript files, run on arrays of tensors.
module ftorch_model
  use, intrinsic :: iso_c_binding, only: c_associated, c_char, c_int, c_int32_t, c_loc, &
    c_null_char, c_null_ptr, c_ptr
  use, intrinsic :: iso_fortran_env, only: output_unit
  use ftorch_making, only: place
  use ftorch_values, only: demand, message, put, torch_tensor
  use isthmus_network_capi, only: isthmus_network_forward, isthmus_network_free, &
    c_network_is_training, isthmus_network_load, isthmus_network_n_parameters, &
    isthmus_network_parameter, isthmus_network_save, isthmus_network_text, &
    isthmus_tensor_free
  use isthmus_status, only: isthmus_err_argument, isthmus_ok
  use isthmus_tensor_math_capi, only: isthmus_tensor_detach
  use isthmus_tensors, only: tensor_find, tensor_own, tensor_reseat
  use isthmus_texts, only: c_text, report
  implicit none
  private
  public :: assignment(=)
  public :: torch_model_delete, torch_model_forward, torch_model_is_training
  public :: torch_model_load, torch_model_parameters, torch_model_print_parameters
  public :: torch_model_save

  !> What all copies of one loaded network have in common.
  type :: shared_t
    type(c_ptr) :: network = c_null_ptr
    integer :: n_owners = 1 !! it is freed with the last one
  end type shared_t

  !> A network. A copy by assignment is the same network.
  type, public :: torch_model
    private
    type(shared_t), pointer :: shared => null()
    type(c_ptr) :: owner = c_null_ptr !! address of this object, where it counts as owner
    integer :: anchor = 0             !! gives the object an address
  contains
    procedure :: print_parameters => torch_model_print_parameters
    procedure :: is_training => torch_model_is_training
    final :: torch_model_delete
  end type torch_model

  interface assignment(=)
    module procedure :: torch_model_assign
  end interface assignment(=)

contains

  !> Load a TorchScript file.
  subroutine torch_model_load(model, filename, device_type, device_index, requires_grad, &
    is_training, stat, errmsg)
    type(torch_model), intent(inout), target :: model
    character(len=*), intent(in) :: filename
    integer(c_int), intent(in) :: device_type      !! torch_kCPU, ...
    integer, intent(in), optional :: device_index  !! of a GPU, from 0
    logical, intent(in), optional :: requires_grad !! .false. freezes nothing: see the docs
    logical, intent(in), optional :: is_training   !! .false.: evaluation mode
    integer, intent(out), optional :: stat         !! not in FTorch, which stops
    character(len=*), intent(inout), optional :: errmsg

    character(len=*), parameter :: me = "torch_model_load"
    type(c_ptr) :: network
    integer(c_int) :: status

    network = c_null_ptr
    status = isthmus_network_load(c_text(filename), c_text(place(me, device_type, &
      device_index)), flag(is_training), network)
    if (status == isthmus_ok) then
      call torch_model_delete(model)
      allocate (model%shared)
      model%shared%network = network
      model%owner = c_loc(model%anchor)
    end if
    call report(int(status), message(me), stat, errmsg)
    if (.false. .and. present(requires_grad)) return ! as in FTorch, without effect
  end subroutine torch_model_load

  !> Evaluate the network and write its results where the output tensors have their values.
  !> With `requires_grad` the outputs can be differentiated, and the arrays they were made
  !> from hold the values too.
  subroutine torch_model_forward(model, input_tensors, output_tensors, requires_grad, &
    stat, errmsg)
    type(torch_model), intent(in) :: model
    type(torch_tensor), intent(in) :: input_tensors(:)
    type(torch_tensor), intent(in) :: output_tensors(:) !! set; their values change
    logical, intent(in), optional :: requires_grad      !! .false. by default
    integer, intent(out), optional :: stat              !! not in FTorch, which stops
    character(len=*), intent(inout), optional :: errmsg

    character(len=*), parameter :: me = "torch_model_forward"
    type(c_ptr) :: inputs(size(input_tensors)), results(size(output_tensors))
    integer(c_int32_t) :: n_results
    integer :: status, i
    character(len=:), allocatable :: text

    call find_all(input_tensors, me, "input_tensors", inputs)
    call find_all(output_tensors, me, "output_tensors", results)
    results = c_null_ptr
    n_results = 0
    status = int(isthmus_network_forward(network_of(model), c_text("forward"), inputs, &
      size(inputs, kind=c_int32_t), flag(requires_grad), size(results, kind=c_int32_t), &
      results, n_results))
    text = ""
    if (status /= isthmus_ok) then
      text = message(me)
    else if (n_results < size(results)) then
      status = isthmus_err_argument
      text = me//": the network returned fewer tensors than 'output_tensors' has"
    end if
    do i = 1, n_results
      if (status == isthmus_ok) then
        call deliver(output_tensors(i), results(i), flag(requires_grad) == 1, status, text)
        if (status /= isthmus_ok) text = named(me, "output_tensors", i)//text
      else
        call isthmus_tensor_free(results(i))
      end if
    end do
    call report(status, text, stat, errmsg)
  end subroutine torch_model_forward

  !> The parameters of the network: the very weights, not copies.
  subroutine torch_model_parameters(model, parameters)
    type(torch_model), intent(in) :: model
    type(torch_tensor), intent(inout) :: parameters(:) !! as many as the network has

    character(len=*), parameter :: me = "torch_model_parameters"
    type(c_ptr) :: handle
    character(len=16) :: expected, found
    integer(c_int32_t) :: n, i

    n = 0
    call demand(isthmus_network_n_parameters(network_of(model), n), me)
    if (n /= size(parameters)) then
      write (expected, "(i0)") n
      write (found, "(i0)") size(parameters)
      call report(isthmus_err_argument, me//": the network has "//trim(expected)// &
        " parameters, 'parameters' has room for "//trim(found))
    end if
    do i = 1, n
      handle = c_null_ptr
      call demand(isthmus_network_parameter(network_of(model), i - 1, &
        parameter_tensor=handle), me)
      call tensor_own(parameters(i)%t, handle)
    end do
  end subroutine torch_model_parameters

  !> Names, types, shapes and values to standard output.
  subroutine torch_model_print_parameters(model)
    class(torch_model), intent(in) :: model

    character(len=*), parameter :: me = "torch_model_print_parameters"
    character(kind=c_char, len=:), allocatable, target :: text
    integer(c_int32_t) :: length

    length = 0
    call demand(isthmus_network_text(network_of(model), 1_c_int32_t, 0_c_int32_t, &
      c_null_ptr, length), me)
    allocate (character(len=length + 1) :: text)
    call demand(isthmus_network_text(network_of(model), 1_c_int32_t, length + 1, &
      c_loc(text), length), me)
    write (output_unit, "(a)") text(:length)
  end subroutine torch_model_print_parameters

  logical function torch_model_is_training(model) result(is_training)
    class(torch_model), intent(in) :: model

    integer(c_int32_t) :: found

    found = 0
    call demand(c_network_is_training(network_of(model), found), &
      "torch_model_is_training")
    is_training = found == 1
  end function torch_model_is_training

  !> Write the network with its weights as they are: a TorchScript file.
  subroutine torch_model_save(model, filename)
    type(torch_model), intent(in) :: model
    character(len=*), intent(in) :: filename

    call demand(isthmus_network_save(network_of(model), c_text(filename)), &
      "torch_model_save")
  end subroutine torch_model_save

  !> Free the network with its last copy.
  impure elemental subroutine torch_model_delete(model)
    type(torch_model), intent(inout), target :: model

    if (.not. associated(model%shared)) return
    ! What was copied bit by bit never counted as an owner.
    if (c_associated(model%owner, c_loc(model%anchor))) then
      model%shared%n_owners = model%shared%n_owners - 1
      if (model%shared%n_owners == 0) then
        call isthmus_network_free(model%shared%network)
        deallocate (model%shared)
      end if
    end if
    model%shared => null()
    model%owner = c_null_ptr
  end subroutine torch_model_delete

  impure elemental subroutine torch_model_assign(model, other)
    type(torch_model), intent(inout), target :: model
    type(torch_model), intent(in) :: other

    if (associated(model%shared, other%shared)) return
    call torch_model_delete(model)
    if (.not. associated(other%shared)) return
    model%shared => other%shared
    model%shared%n_owners = model%shared%n_owners + 1
    model%owner = c_loc(model%anchor)
  end subroutine torch_model_assign

  ! Helpers

  type(c_ptr) function network_of(model)
    class(torch_model), intent(in) :: model

    network_of = c_null_ptr
    if (associated(model%shared)) network_of = model%shared%network
  end function network_of

  !> The C tensors; stops where there is none. Names are put together on failure only.
  subroutine find_all(tensors, where, argument, handles)
    type(torch_tensor), intent(in) :: tensors(:)
    character(len=*), intent(in) :: where, argument
    type(c_ptr), intent(out) :: handles(:)

    integer :: status, i
    character(len=:), allocatable :: text

    do i = 1, size(tensors)
      call tensor_find(tensors(i)%t, handles(i), status, text)
      if (status /= isthmus_ok) call report(status, named(where, argument, i)//": "//text)
    end do
  end subroutine find_all

  !> Hand a result over: its values where the tensor has its own, and with a tape the
  !> result itself. The result is freed or owned afterwards.
  subroutine deliver(tensor, result, with_tape, status, text)
    type(torch_tensor), intent(in) :: tensor
    type(c_ptr), intent(in) :: result
    logical, intent(in) :: with_tape
    integer, intent(inout) :: status
    character(len=:), allocatable, intent(inout) :: text

    type(c_ptr) :: values

    values = result
    if (with_tape) then
      values = c_null_ptr
      call demand(isthmus_tensor_detach(result, values), "torch_model_forward")
    end if
    call put(tensor, values, "", status, text, may_be_leaf=.true.)
    call isthmus_tensor_free(values)
    if (with_tape .and. status == isthmus_ok) then
      call tensor_reseat(tensor%t, result, is_elsewhere=.true.)
    else if (with_tape) then
      call isthmus_tensor_free(result)
    end if
  end subroutine deliver

  !> "procedure: argument(i)"
  pure function named(where, argument, i) result(text)
    character(len=*), intent(in) :: where, argument
    integer, intent(in) :: i
    character(len=:), allocatable :: text

    character(len=12) :: number

    write (number, "(i0)") i
    text = where//": "//argument//"("//trim(number)//")"
  end function named

  pure integer(c_int32_t) function flag(is_so)
    logical, intent(in), optional :: is_so

    flag = 0
    if (present(is_so)) flag = merge(1_c_int32_t, 0_c_int32_t, is_so)
  end function flag

end module ftorch_model
