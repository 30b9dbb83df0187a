! SPDX-License-Identifier: MIT
!> torch's optimizers: SGD, Adam, AdamW, L-BFGS.
module isthmus_optimizers
  use, intrinsic :: iso_c_binding, only: c_double, c_f_pointer, c_funloc, c_int, &
    c_int32_t, c_loc, c_null_ptr, c_ptr
  use, intrinsic :: iso_fortran_env, only: real64
  use isthmus_handles, only: handle_t
  use isthmus_network_capi, only: c_optimizer_step, c_optimizer_step_closure, &
    isthmus_optimizer_add_group, isthmus_optimizer_clip_norm, &
    isthmus_optimizer_clip_value, isthmus_optimizer_free, &
    isthmus_optimizer_learning_rate, isthmus_optimizer_make, &
    isthmus_optimizer_of_network, isthmus_optimizer_set_learning_rate, &
    isthmus_optimizer_settings, isthmus_optimizer_zero_grad
  use isthmus_networks, only: isthmus_network_t, tensor_handles
  use isthmus_status, only: isthmus_ok
  use isthmus_tensors, only: isthmus_tensor_t, message_of
  use isthmus_texts, only: c_text, f_text, report
  implicit none
  private
  public :: isthmus_closure

  !> An optimizer. A copy by assignment is the same one.
  type, public :: isthmus_optimizer_t
    private
    type(handle_t) :: object
  contains
    generic, public :: make => of_tensors, of_network
    procedure, public :: add_group
    procedure, public :: free
    procedure, public :: settings => settings_of
    generic, public :: step => step_gradient, step_closure
    procedure, public :: zero_grad
    procedure, public :: learning_rate
    procedure, public :: set_learning_rate
    procedure, public :: clip_norm
    procedure, public :: clip_value
    procedure, public :: address
    procedure, private :: of_tensors
    procedure, private :: of_network
    procedure, private :: step_gradient
    procedure, private :: step_closure
  end type isthmus_optimizer_t

  abstract interface
    !> Sets the gradients to zero, evaluates the loss and calls `backward`.
    subroutine isthmus_closure(loss, stat)
      import :: real64
      implicit none
      real(real64), intent(out) :: loss
      integer, intent(out) :: stat !! anything but 0 ends the step
    end subroutine isthmus_closure
  end interface

  !> What travels through C to call the procedure of the caller.
  type :: context_t
    procedure(isthmus_closure), pointer, nopass :: closure => null()
  end type context_t

contains

  !> Optimize these tensors: leaves that require a gradient.
  subroutine of_tensors(self, parameters, kind, settings, stat, errmsg)
    class(isthmus_optimizer_t), intent(inout) :: self
    type(isthmus_tensor_t), intent(in) :: parameters(:)
    character(len=*), intent(in) :: kind               !! "sgd", "adam", "adamw", "lbfgs"
    character(len=*), intent(in), optional :: settings !! "learning_rate=0.01 momentum=0.9"
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(c_ptr), allocatable :: handles(:)
    type(c_ptr) :: optimizer
    character(len=:), allocatable :: text
    integer :: status

    optimizer = c_null_ptr
    call tensor_handles(parameters, handles, status, text)
    if (status == isthmus_ok) then
      status = int(isthmus_optimizer_make(c_text(kind), c_settings(settings), handles, &
        size(handles, kind=c_int32_t), optimizer))
      text = message_of(status)
    end if
    if (status == isthmus_ok) call self%object%own(optimizer, isthmus_optimizer_free)
    call report(status, text, stat, errmsg)
  end subroutine of_tensors

  !> Optimize all parameters of a network that are trained.
  subroutine of_network(self, network, kind, settings, stat, errmsg)
    class(isthmus_optimizer_t), intent(inout) :: self
    class(isthmus_network_t), intent(in) :: network
    character(len=*), intent(in) :: kind               !! "sgd", "adam", "adamw", "lbfgs"
    character(len=*), intent(in), optional :: settings !! "learning_rate=0.01 momentum=0.9"
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(c_ptr) :: optimizer
    integer :: status

    optimizer = c_null_ptr
    status = int(isthmus_optimizer_of_network(network%address(), c_text(kind), &
      c_settings(settings), optimizer))
    if (status == isthmus_ok) call self%object%own(optimizer, isthmus_optimizer_free)
    call report(status, message_of(status), stat, errmsg)
  end subroutine of_network

  !> Add further tensors with settings of their own. Not for "lbfgs".
  subroutine add_group(self, parameters, settings, stat, errmsg)
    class(isthmus_optimizer_t), intent(inout) :: self
    type(isthmus_tensor_t), intent(in) :: parameters(:)
    character(len=*), intent(in), optional :: settings
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(c_ptr), allocatable :: handles(:)
    character(len=:), allocatable :: text
    integer :: status

    call tensor_handles(parameters, handles, status, text)
    if (status == isthmus_ok) then
      status = int(isthmus_optimizer_add_group(self%address(), c_settings(settings), &
        handles, size(handles, kind=c_int32_t)))
      text = message_of(status)
    end if
    call report(status, text, stat, errmsg)
  end subroutine add_group

  !> Free the optimizer, unless other copies of it are left.
  subroutine free(self)
    class(isthmus_optimizer_t), intent(inout) :: self

    call self%object%free()
  end subroutine free

  !> All settings of the first group, as `make` reads them; "" if there is no optimizer.
  function settings_of(self) result(text)
    class(isthmus_optimizer_t), intent(in) :: self
    character(len=:), allocatable :: text

    type(c_ptr) :: found

    found = c_null_ptr
    text = ""
    if (isthmus_optimizer_settings(self%address(), found) /= isthmus_ok) return
    text = f_text(found)
  end function settings_of

  !> Change the tensors by one step along their gradients.
  subroutine step_gradient(self, stat, errmsg)
    class(isthmus_optimizer_t), intent(inout) :: self
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: status

    status = int(c_optimizer_step(self%address()))
    call report(status, message_of(status), stat, errmsg)
  end subroutine step_gradient

  !> One step of an optimizer that evaluates the loss more than once; "lbfgs" needs it.
  !> After a failure the tensors are as they were before.
  subroutine step_closure(self, closure, loss, stat, errmsg)
    class(isthmus_optimizer_t), intent(inout) :: self
    procedure(isthmus_closure) :: closure
    real(real64), intent(inout), optional :: loss !! at the start of the step
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(context_t), target :: context
    real(c_double) :: first
    integer :: status

    context%closure => closure
    first = 0.0_c_double
    status = int(c_optimizer_step_closure(self%address(), c_funloc(call_back), &
      c_loc(context), first))
    if (status == isthmus_ok .and. present(loss)) loss = first
    call report(status, message_of(status), stat, errmsg)
  end subroutine step_closure

  function call_back(context, loss) result(status) bind(c)
    type(c_ptr), value :: context
    real(c_double), intent(inout) :: loss
    integer(c_int) :: status

    type(context_t), pointer :: own
    real(real64) :: value
    integer :: stat

    call c_f_pointer(context, own)
    call own%closure(value, stat)
    if (stat == 0) loss = value
    status = int(stat, c_int)
  end function call_back

  !> Forget the gradients. Without this call they add up: that is accumulation.
  subroutine zero_grad(self, stat, errmsg)
    class(isthmus_optimizer_t), intent(inout) :: self
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: status

    status = int(isthmus_optimizer_zero_grad(self%address()))
    call report(status, message_of(status), stat, errmsg)
  end subroutine zero_grad

  !> Learning rate of the first group, -1 if there is no optimizer.
  real(real64) function learning_rate(self)
    class(isthmus_optimizer_t), intent(in) :: self

    real(c_double) :: found

    found = 0.0_c_double
    learning_rate = -1.0_real64
    if (isthmus_optimizer_learning_rate(self%address(), found) /= isthmus_ok) return
    learning_rate = found
  end function learning_rate

  !> Set the learning rate of one group or of all.
  subroutine set_learning_rate(self, learning_rate, group, stat, errmsg)
    class(isthmus_optimizer_t), intent(inout) :: self
    real(real64), intent(in) :: learning_rate
    integer, intent(in), optional :: group !! from 1 on; all by default
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer(c_int32_t) :: which
    integer :: status

    which = -1
    ! Group 0 is none: -2 lets the library say so.
    if (present(group)) which = merge(int(group - 1, c_int32_t), -2_c_int32_t, group > 0)
    status = int(isthmus_optimizer_set_learning_rate(self%address(), which, &
      real(learning_rate, c_double)))
    call report(status, message_of(status), stat, errmsg)
  end subroutine set_learning_rate

  !> Shorten all gradients together so that their norm is at most `max_norm`.
  subroutine clip_norm(self, max_norm, norm, stat, errmsg)
    class(isthmus_optimizer_t), intent(inout) :: self
    real(real64), intent(in) :: max_norm
    real(real64), intent(inout), optional :: norm !! before
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    real(c_double) :: found
    integer :: status

    found = 0.0_c_double
    status = int(isthmus_optimizer_clip_norm(self%address(), real(max_norm, c_double), &
      found))
    if (status == isthmus_ok .and. present(norm)) norm = found
    call report(status, message_of(status), stat, errmsg)
  end subroutine clip_norm

  !> Limit every element of the gradients to -max_value .. max_value.
  subroutine clip_value(self, max_value, stat, errmsg)
    class(isthmus_optimizer_t), intent(inout) :: self
    real(real64), intent(in) :: max_value
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: status

    status = int(isthmus_optimizer_clip_value(self%address(), real(max_value, c_double)))
    call report(status, message_of(status), stat, errmsg)
  end subroutine clip_value

  !> The C optimizer, for the other modules of this folder.
  type(c_ptr) function address(self)
    class(isthmus_optimizer_t), intent(in) :: self

    address = self%object%address()
  end function address

  function c_settings(settings) result(text)
    use, intrinsic :: iso_c_binding, only: c_char
    character(len=*), intent(in), optional :: settings
    character(kind=c_char, len=:), allocatable :: text

    text = c_text("")
    if (present(settings)) text = c_text(settings)
  end function c_settings

end module isthmus_optimizers
