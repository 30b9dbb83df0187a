! SPDX-License-Identifier: MIT
!> The public names of FTorch, implemented over Isthmus: programs written for FTorch are
!> relinked, not rewritten. What differs is in docs/ftorch.md.
! allow(C121)
module ftorch
  use ftorch_devices, only: torch_kCPU, torch_kCUDA, torch_kHIP, torch_kMPS, torch_kXPU
  use ftorch_loss, only: torch_kMean, torch_kNone, torch_kSum, torch_loss_cross_entropy, &
    torch_loss_mse
  use ftorch_model, only: assignment(=), torch_model, torch_model_delete, &
    torch_model_forward, torch_model_is_training, torch_model_load, &
    torch_model_parameters, torch_model_print_parameters, torch_model_save
  use ftorch_optim, only: assignment(=), torch_optim, torch_optim_Adam, &
    torch_optim_AdamW, torch_optim_delete, torch_optim_SGD, torch_optim_step, &
    torch_optim_zero_grad
  use ftorch_tensor
  use ftorch_types, only: torch_kBool, torch_kFloat16, torch_kFloat32, torch_kFloat64, &
    torch_kInt16, torch_kInt32, torch_kInt64, torch_kInt8, torch_kUInt8
  implicit none
  public

  !> Free a tensor, a network, an optimizer; or an array of them.
  interface torch_delete
    procedure :: torch_tensor_delete, torch_model_delete, torch_optim_delete
  end interface torch_delete
end module ftorch
