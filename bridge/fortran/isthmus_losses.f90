! SPDX-License-Identifier: MIT
!> Losses of tensors: of a prediction and a target of one shape, element type and device.
!> As functions of tensors do, a loss that fails yields a tensor without values that carries
!> the reason.
module isthmus_losses
  use, intrinsic :: iso_c_binding, only: c_double, c_int, c_null_ptr, c_ptr
  use, intrinsic :: iso_fortran_env, only: real64
  use isthmus_network_capi, only: isthmus_loss_cross_entropy, isthmus_loss_huber, &
    isthmus_loss_l1, isthmus_loss_mse, loss_mean, loss_none, loss_sum
  use isthmus_status, only: isthmus_err_argument, isthmus_ok
  use isthmus_tensors, only: isthmus_tensor_t, message_of, tensor_consume, tensor_find, &
    tensor_yield
  implicit none
  private
  public :: loss_cross_entropy, loss_huber, loss_l1, loss_mse

  integer, parameter :: is_mse = 1, is_l1 = 2, is_huber = 3, is_cross_entropy = 4

contains

  !> Squared error.
  function loss_mse(prediction, target, reduction) result(loss)
    type(isthmus_tensor_t), intent(in) :: prediction, target
    character(len=*), intent(in), optional :: reduction !! "mean" (default), "sum", "none"
    type(isthmus_tensor_t) :: loss

    call evaluate(is_mse, prediction, target, reduction, 1.0_real64, loss)
  end function loss_mse

  !> Absolute error.
  function loss_l1(prediction, target, reduction) result(loss)
    type(isthmus_tensor_t), intent(in) :: prediction, target
    character(len=*), intent(in), optional :: reduction !! "mean" (default), "sum", "none"
    type(isthmus_tensor_t) :: loss

    call evaluate(is_l1, prediction, target, reduction, 1.0_real64, loss)
  end function loss_l1

  !> Half the squared error up to `delta`, linear beyond.
  function loss_huber(prediction, target, delta, reduction) result(loss)
    type(isthmus_tensor_t), intent(in) :: prediction, target
    real(real64), intent(in), optional :: delta         !! 1 by default
    character(len=*), intent(in), optional :: reduction !! "mean" (default), "sum", "none"
    type(isthmus_tensor_t) :: loss

    real(real64) :: bend

    bend = 1.0_real64
    if (present(delta)) bend = delta
    call evaluate(is_huber, prediction, target, reduction, bend, loss)
  end function loss_huber

  !> Cross entropy of unnormalized scores (..., class, batch) with classes from 0 on (int64,
  !> (..., batch)) or probabilities (shape and type of the scores).
  function loss_cross_entropy(prediction, target, reduction) result(loss)
    type(isthmus_tensor_t), intent(in) :: prediction, target
    character(len=*), intent(in), optional :: reduction !! "mean" (default), "sum", "none"
    type(isthmus_tensor_t) :: loss

    call evaluate(is_cross_entropy, prediction, target, reduction, 1.0_real64, loss)
  end function loss_cross_entropy

  subroutine evaluate(kind, prediction, target, reduction, delta, loss)
    integer, intent(in) :: kind
    type(isthmus_tensor_t), intent(in) :: prediction, target
    character(len=*), intent(in), optional :: reduction
    real(real64), intent(in) :: delta
    type(isthmus_tensor_t), intent(inout) :: loss

    type(c_ptr) :: given, wanted, found
    character(len=:), allocatable :: text
    integer(c_int) :: how
    integer :: status

    found = c_null_ptr
    call read_reduction(reduction, how, status, text)
    if (status == isthmus_ok) call tensor_find(prediction, given, status, text)
    if (status == isthmus_ok) call tensor_find(target, wanted, status, text)
    if (status == isthmus_ok) then
      select case (kind)
      case (is_mse)
        status = int(isthmus_loss_mse(given, wanted, how, found))
      case (is_l1)
        status = int(isthmus_loss_l1(given, wanted, how, found))
      case (is_huber)
        status = int(isthmus_loss_huber(given, wanted, real(delta, c_double), how, found))
      case default
        status = int(isthmus_loss_cross_entropy(given, wanted, how, found))
      end select
      text = message_of(status)
    end if
    call tensor_consume(prediction)
    call tensor_consume(target)
    call tensor_yield(status, found, text, loss)
  end subroutine evaluate

  subroutine read_reduction(reduction, how, status, text)
    character(len=*), intent(in), optional :: reduction
    integer(c_int), intent(out) :: how
    integer, intent(out) :: status
    character(len=:), allocatable, intent(out) :: text

    how = loss_mean
    status = isthmus_ok
    text = ""
    if (.not. present(reduction)) return
    select case (reduction)
    case ("mean")
      how = loss_mean
    case ("sum")
      how = loss_sum
    case ("none")
      how = loss_none
    case default
      status = isthmus_err_argument
      text = "'reduction' is '"//trim(reduction)//"', expected 'mean', 'sum' or 'none'"
    end select
  end subroutine read_reduction

end module isthmus_losses
