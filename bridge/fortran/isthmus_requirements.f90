! SPDX-License-Identifier: MIT
!> What the host declares it will pass, and the network's own test, before step one.
submodule(isthmus_models) isthmus_requirements
  use isthmus_requirements_capi, only: c_requirement_t, isthmus_model_check_derivatives, &
    isthmus_model_require_input, &
    isthmus_model_require_output, isthmus_model_require_time_step, isthmus_model_self_test
  implicit none

  !> A requirement and the memory it points into: pass it on as a `target`.
  type :: said_t
    type(c_requirement_t) :: c
    character(kind=c_char, len=:), allocatable :: units
    character(kind=c_char, len=:), allocatable :: dims(:) !! slowest first
    type(c_ptr) :: addresses(max_rank) = c_null_ptr       !! of `dims`
    integer(c_int64_t) :: shape(max_rank) = 0             !! slowest first
    integer(c_int) :: dtype = 0
  end type said_t

contains

  module procedure require_input
    type(said_t), target :: said
    character(len=:), allocatable :: text
    integer :: status

    call describe_said(name, said, status, text, units, dims, shape, dtype)
    if (status == isthmus_ok) then
      status = isthmus_model_require_input(self%handle(), c_text(name), said%c)
      text = explained(said, last_message(), status)
    end if
    call report(status, text, stat, errmsg)
  end procedure require_input

  module procedure require_output
    type(said_t), target :: said
    character(len=:), allocatable :: text
    integer :: status

    call describe_said(name, said, status, text, units, dims, shape, dtype)
    if (status == isthmus_ok) then
      status = isthmus_model_require_output(self%handle(), c_text(name), said%c)
      text = explained(said, last_message(), status)
    end if
    call report(status, text, stat, errmsg)
  end procedure require_output

  module procedure require_time_step
    integer(c_int) :: status

    status = isthmus_model_require_time_step(self%handle(), dt)
    call report(int(status), last_message(), stat, errmsg)
  end procedure require_time_step

  module procedure self_test
    integer(c_int) :: status

    status = isthmus_model_self_test(self%handle(), largest_error)
    call report(int(status), last_message(), stat, errmsg)
  end procedure self_test

  module procedure check_derivatives
    integer(c_int) :: status
    integer(c_int64_t) :: start

    start = 1
    if (present(seed)) start = int(seed, c_int64_t)
    status = isthmus_model_check_derivatives(self%handle(), start, dot_error, taylor_error)
    call report(int(status), last_message(), stat, errmsg)
  end procedure check_derivatives

  !> What was said, reversed: the library names dimensions slowest first.
  subroutine describe_said(name, said, status, text, units, dims, shape, dtype)
    character(len=*), intent(in) :: name
    type(said_t), intent(inout), target :: said
    integer, intent(out) :: status
    character(len=:), allocatable, intent(out) :: text
    character(len=*), intent(in), optional :: units, dims(:)
    integer, intent(in), optional :: shape(:), dtype

    integer :: rank

    status = isthmus_err_shape
    text = ""
    rank = 0
    if (present(dims)) rank = size(dims)
    if (present(shape)) rank = size(shape)
    if (rank > max_rank) text = "'"//name//"' must have 0 to 15 dimensions"
    if (present(dims) .and. present(shape)) then
      if (size(dims) /= size(shape)) text = &
        "'"//name//"' is declared with names for another rank than its shape"
    end if
    if (len(text) > 0) return
    status = isthmus_ok
    said%c%rank = int(rank, c_int32_t)
    if (present(shape)) then
      said%shape(:rank) = shape(rank:1:-1)
      said%c%shape = c_loc(said%shape)
    end if
    if (present(dims)) call say_dims(said, dims)
    if (present(units)) then
      said%units = c_text(units)
      said%c%units = c_loc(said%units)
    end if
    if (present(dtype)) then
      said%dtype = int(dtype, c_int)
      said%c%dtype = c_loc(said%dtype)
    end if
  end subroutine describe_said

  subroutine say_dims(said, dims)
    type(said_t), intent(inout), target :: said
    character(len=*), intent(in) :: dims(:)

    integer :: i, rank

    rank = size(dims)
    allocate (character(kind=c_char, len=len(dims) + 1) :: said%dims(rank))
    do i = 1, rank
      said%dims(i) = c_text(dims(rank + 1 - i))
      said%addresses(i) = c_loc(said%dims(i))
    end do
    said%c%dims = c_loc(said%addresses)
  end subroutine say_dims

  !> The library speaks of dimensions slowest first: say so to a Fortran reader.
  function explained(said, message, status) result(text)
    type(said_t), intent(in) :: said
    character(len=*), intent(in) :: message
    integer, intent(in) :: status
    character(len=:), allocatable :: text

    text = message
    if (status /= isthmus_ok .and. said%c%rank > 1 .and. index(message, "[") > 0) then
      text = text//" (slowest first: Fortran's dimensions in reverse)"
    end if
  end function explained

end submodule isthmus_requirements
