! SPDX-License-Identifier: MIT
!> Optimizers of FTorch.
module ftorch_optim
  use, intrinsic :: iso_c_binding, only: c_associated, c_int32_t, c_loc, c_null_ptr, c_ptr
  use, intrinsic :: iso_fortran_env, only: real64
  use ftorch_values, only: demand, handle_of, torch_tensor
  use isthmus_network_capi, only: isthmus_optimizer_free, isthmus_optimizer_make, &
    c_optimizer_step, isthmus_optimizer_zero_grad
  use isthmus_status, only: isthmus_err_argument
  use isthmus_texts, only: c_text, report
  implicit none
  private
  public :: assignment(=)
  public :: torch_optim_Adam, torch_optim_AdamW, torch_optim_SGD
  public :: torch_optim_delete, torch_optim_step, torch_optim_zero_grad

  !> What all copies of one optimizer have in common.
  type :: shared_t
    type(c_ptr) :: optimizer = c_null_ptr
    integer :: n_owners = 1 !! it is freed with the last one
  end type shared_t

  !> An optimizer of some tensors. A copy by assignment is the same optimizer.
  type, public :: torch_optim
    private
    type(shared_t), pointer :: shared => null()
    type(c_ptr) :: owner = c_null_ptr !! address of this object, where it counts as owner
    integer :: anchor = 0             !! gives the object an address
  contains
    procedure :: step => torch_optim_step
    procedure :: zero_grad => torch_optim_zero_grad
    final :: torch_optim_delete
  end type torch_optim

  interface assignment(=)
    module procedure :: torch_optim_assign
  end interface assignment(=)

contains

  !> Stochastic gradient descent; what is absent is as in PyTorch.
  subroutine torch_optim_SGD(optim, parameters, learning_rate, momentum, weight_decay, &
    dampening, nesterov)
    type(torch_optim), intent(inout) :: optim
    type(torch_tensor), intent(in) :: parameters(:)       !! leaves that require a gradient
    real(real64), intent(in), optional :: learning_rate   !! 1e-3
    real(real64), intent(in), optional :: momentum        !! 0
    real(real64), intent(in), optional :: weight_decay    !! 0
    real(real64), intent(in), optional :: dampening       !! 0
    logical, intent(in), optional :: nesterov             !! .false.

    call make(optim, "sgd", "torch_optim_SGD", parameters, &
      pair("learning_rate", learning_rate)//pair("momentum", momentum)// &
      pair("dampening", dampening)//pair("weight_decay", weight_decay)// &
      switch("nesterov", nesterov))
  end subroutine torch_optim_SGD

  !> Adam; what is absent is as in PyTorch.
  subroutine torch_optim_Adam(optim, parameters, learning_rate, beta_1, beta_2, eps, &
    weight_decay, amsgrad)
    type(torch_optim), intent(inout) :: optim
    type(torch_tensor), intent(in) :: parameters(:)       !! leaves that require a gradient
    real(real64), intent(in), optional :: learning_rate   !! 1e-3
    real(real64), intent(in), optional :: beta_1, beta_2  !! 0.9, 0.999
    real(real64), intent(in), optional :: eps             !! 1e-8
    real(real64), intent(in), optional :: weight_decay    !! 0
    logical, intent(in), optional :: amsgrad              !! .false.

    call make(optim, "adam", "torch_optim_Adam", parameters, adam_settings( &
      learning_rate, beta_1, beta_2, eps, weight_decay, amsgrad))
  end subroutine torch_optim_Adam

  !> Adam with decoupled weight decay; what is absent is as in PyTorch.
  subroutine torch_optim_AdamW(optim, parameters, learning_rate, beta_1, beta_2, eps, &
    weight_decay, amsgrad)
    type(torch_optim), intent(inout) :: optim
    type(torch_tensor), intent(in) :: parameters(:)       !! leaves that require a gradient
    real(real64), intent(in), optional :: learning_rate   !! 1e-3
    real(real64), intent(in), optional :: beta_1, beta_2  !! 0.9, 0.999
    real(real64), intent(in), optional :: eps             !! 1e-8
    real(real64), intent(in), optional :: weight_decay    !! 1e-2
    logical, intent(in), optional :: amsgrad              !! .false.

    call make(optim, "adamw", "torch_optim_AdamW", parameters, adam_settings( &
      learning_rate, beta_1, beta_2, eps, weight_decay, amsgrad))
  end subroutine torch_optim_AdamW

  !> Change the tensors along their gradients.
  subroutine torch_optim_step(optim)
    class(torch_optim), intent(in) :: optim

    call demand(c_optimizer_step(made(optim, "torch_optim_step")), "torch_optim_step")
  end subroutine torch_optim_step

  !> Forget the gradients.
  subroutine torch_optim_zero_grad(optim)
    class(torch_optim), intent(in) :: optim

    character(len=*), parameter :: me = "torch_optim_zero_grad"

    call demand(isthmus_optimizer_zero_grad(made(optim, me)), me)
  end subroutine torch_optim_zero_grad

  !> Free the optimizer with its last copy.
  impure elemental subroutine torch_optim_delete(optim)
    type(torch_optim), intent(inout), target :: optim

    if (.not. associated(optim%shared)) return
    ! What was copied bit by bit never counted as an owner.
    if (c_associated(optim%owner, c_loc(optim%anchor))) then
      optim%shared%n_owners = optim%shared%n_owners - 1
      if (optim%shared%n_owners == 0) then
        call isthmus_optimizer_free(optim%shared%optimizer)
        deallocate (optim%shared)
      end if
    end if
    optim%shared => null()
    optim%owner = c_null_ptr
  end subroutine torch_optim_delete

  impure elemental subroutine torch_optim_assign(optim, other)
    type(torch_optim), intent(inout), target :: optim
    type(torch_optim), intent(in) :: other

    if (associated(optim%shared, other%shared)) return
    call torch_optim_delete(optim)
    if (.not. associated(other%shared)) return
    optim%shared => other%shared
    optim%shared%n_owners = optim%shared%n_owners + 1
    optim%owner = c_loc(optim%anchor)
  end subroutine torch_optim_assign

  ! Helpers

  subroutine make(optim, kind, where, parameters, settings)
    type(torch_optim), intent(inout), target :: optim
    character(len=*), intent(in) :: kind, where
    type(torch_tensor), intent(in) :: parameters(:)
    character(len=*), intent(in) :: settings

    type(c_ptr) :: handles(size(parameters)), optimizer
    integer :: i

    do i = 1, size(parameters)
      handles(i) = handle_of(parameters(i), where//", parameters")
    end do
    optimizer = c_null_ptr
    call demand(isthmus_optimizer_make(c_text(kind), c_text(settings), handles, &
      size(handles, kind=c_int32_t), optimizer), where)
    call torch_optim_delete(optim)
    allocate (optim%shared)
    optim%shared%optimizer = optimizer
    optim%owner = c_loc(optim%anchor)
  end subroutine make

  function made(optim, where) result(optimizer)
    class(torch_optim), intent(in) :: optim
    character(len=*), intent(in) :: where
    type(c_ptr) :: optimizer

    optimizer = c_null_ptr
    if (.not. associated(optim%shared)) then
      call report(isthmus_err_argument, where//": the optimizer was never made")
    end if
    optimizer = optim%shared%optimizer
  end function made

  function adam_settings(learning_rate, beta_1, beta_2, eps, weight_decay, amsgrad) &
    result(text)
    real(real64), intent(in), optional :: learning_rate, beta_1, beta_2, eps, weight_decay
    logical, intent(in), optional :: amsgrad
    character(len=:), allocatable :: text

    text = pair("learning_rate", learning_rate)//pair("beta1", beta_1)// &
      pair("beta2", beta_2)//pair("eps", eps)//pair("weight_decay", weight_decay)// &
      switch("amsgrad", amsgrad)
  end function adam_settings

  !> "name = number ", or nothing.
  function pair(name, number) result(text)
    character(len=*), intent(in) :: name
    real(real64), intent(in), optional :: number
    character(len=:), allocatable :: text

    character(len=26) :: digits

    text = ""
    if (.not. present(number)) return
    write (digits, "(es26.17e3)") number
    text = name//" = "//trim(adjustl(digits))//" "
  end function pair

  !> "name = 1 ", or nothing.
  function switch(name, is_on) result(text)
    character(len=*), intent(in) :: name
    logical, intent(in), optional :: is_on
    character(len=:), allocatable :: text

    text = ""
    if (present(is_on)) text = name//" = "//merge("1", "0", is_on)//" "
  end function switch

end module ftorch_optim
