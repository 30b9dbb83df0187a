! SPDX-License-Identifier: MIT
!> Loss functions of FTorch.
module ftorch_loss
  use, intrinsic :: iso_c_binding, only: c_int, c_null_ptr, c_ptr
  use ftorch_calculus, only: write_or_take
  use ftorch_values, only: demand, handle_of, torch_tensor
  use isthmus_network_capi, only: isthmus_loss_cross_entropy, isthmus_loss_mse
  use isthmus_tensors, only: tensor_consume
  implicit none
  private
  public :: torch_loss_cross_entropy, torch_loss_mse

  integer(c_int), parameter, public :: torch_kNone = 0 !! the loss of each element
  integer(c_int), parameter, public :: torch_kMean = 1 !! the default
  integer(c_int), parameter, public :: torch_kSum = 2

  abstract interface
    !> The C functions that compute a loss.
    function loss_of(prediction, truth, reduction, loss) result(status) bind(c)
      use, intrinsic :: iso_c_binding, only: c_int, c_ptr
      implicit none
      type(c_ptr), value :: prediction, truth
      integer(c_int), value :: reduction
      type(c_ptr), intent(inout) :: loss
      integer(c_int) :: status
    end function loss_of
  end interface

contains

  !> Squared error.
  subroutine torch_loss_mse(loss_tensor, input_tensor, target_tensor, reduction_type)
    type(torch_tensor), intent(inout) :: loss_tensor
    type(torch_tensor), intent(in) :: input_tensor
    type(torch_tensor), intent(in) :: target_tensor      !! of the same shape and type
    integer(c_int), intent(in), optional :: reduction_type !! torch_kMean by default

    call evaluate(isthmus_loss_mse, "torch_loss_mse", loss_tensor, input_tensor, &
      target_tensor, reduction_type)
  end subroutine torch_loss_mse

  !> Cross entropy of unnormalized scores [batch, class, ...] with classes from 0 on (int64)
  !> or probabilities.
  subroutine torch_loss_cross_entropy(loss_tensor, input_tensor, target_tensor, &
    reduction_type)
    type(torch_tensor), intent(inout) :: loss_tensor
    type(torch_tensor), intent(in) :: input_tensor
    type(torch_tensor), intent(in) :: target_tensor
    integer(c_int), intent(in), optional :: reduction_type !! torch_kMean by default

    call evaluate(isthmus_loss_cross_entropy, "torch_loss_cross_entropy", loss_tensor, &
      input_tensor, target_tensor, reduction_type)
  end subroutine torch_loss_cross_entropy

  subroutine evaluate(loss, where, loss_tensor, input_tensor, target_tensor, reduction_type)
    procedure(loss_of) :: loss
    character(len=*), intent(in) :: where
    type(torch_tensor), intent(inout) :: loss_tensor
    type(torch_tensor), intent(in) :: input_tensor, target_tensor
    integer(c_int), intent(in), optional :: reduction_type

    type(c_ptr) :: value
    integer(c_int) :: reduction

    reduction = torch_kMean
    if (present(reduction_type)) reduction = reduction_type
    value = c_null_ptr
    call demand(loss(handle_of(input_tensor, where//", input_tensor"), &
      handle_of(target_tensor, where//", target_tensor"), reduction, value), where)
    call write_or_take(loss_tensor, value, where)
    call tensor_consume(input_tensor%t)
    call tensor_consume(target_tensor%t)
  end subroutine evaluate

end module ftorch_loss
