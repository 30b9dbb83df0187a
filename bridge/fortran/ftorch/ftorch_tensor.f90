! SPDX-License-Identifier: MIT
!> All of FTorch's tensors under one name.
module ftorch_tensor
  use ftorch_arrays, only: torch_tensor_from_array
  use ftorch_calculus, only: torch_tensor_backward, torch_tensor_get_gradient, &
    torch_tensor_mean, torch_tensor_sum, torch_tensor_to
  use ftorch_making, only: torch_tensor_empty, torch_tensor_from_blob, torch_tensor_ones, &
    torch_tensor_zeros
  use ftorch_operators, only: operator(+), operator(-), operator(*), operator(/), &
    operator(**)
  use ftorch_values, only: assignment(=), torch_tensor, torch_tensor_delete, &
    torch_tensor_get_device_index, torch_tensor_get_device_type, torch_tensor_get_dtype, &
    torch_tensor_get_rank, torch_tensor_get_shape, torch_tensor_get_stride, &
    torch_tensor_print, torch_tensor_requires_grad, torch_tensor_zero, &
    torch_tensor_zero_grad
  implicit none
  public
end module ftorch_tensor
