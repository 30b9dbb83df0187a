! SPDX-License-Identifier: MIT
!> A program written for FTorch: nothing in it knows of Isthmus.
program from_ftorch
  use, intrinsic :: iso_fortran_env, only: sp => real32
  use ftorch, only: assignment(=), operator(-), operator(**), torch_delete, torch_kCPU, &
    torch_model, torch_model_forward, torch_model_load, torch_tensor, &
    torch_tensor_backward, torch_tensor_from_array, torch_tensor_get_gradient, &
    torch_tensor_mean
  implicit none

  integer, parameter :: n_columns = 3, n_variables = 10
  type(torch_model) :: model
  type(torch_tensor) :: inputs(1), outputs(1), wanted, loss, gradient
  real(sp), dimension(n_columns, n_variables), target :: x, y, z, sensitivity
  real(sp), target :: misfit(1)
  integer :: i, j

  x = reshape([((real(i, sp)/n_columns - 0.1_sp*j, i=1, n_columns), j=1, n_variables)], &
    shape(x))
  call torch_model_load(model, "scheme.pt", torch_kCPU)
  call torch_tensor_from_array(inputs(1), x, torch_kCPU, requires_grad=.true.)
  call torch_tensor_from_array(outputs(1), y, torch_kCPU)
  call torch_model_forward(model, inputs, outputs)
  print "(a, 4f10.6)", "column 1: ", y(1, :4)

  ! How the misfit to a wanted state depends on the input.
  z = 0
  call torch_tensor_from_array(wanted, z, torch_kCPU)
  call torch_tensor_from_array(loss, misfit, torch_kCPU)
  call torch_tensor_from_array(gradient, sensitivity, torch_kCPU)
  call torch_model_forward(model, inputs, outputs, requires_grad=.true.)
  call torch_tensor_mean(loss, (outputs(1) - wanted)**2)
  call torch_tensor_backward(loss)
  call torch_tensor_get_gradient(gradient, inputs(1))
  print "(a, f10.6)", "misfit:   ", misfit
  print "(a, 4f10.6)", "gradient: ", sensitivity(1, :4)

  call torch_delete(model)
  call torch_delete(inputs)
  call torch_delete(outputs)
end program from_ftorch
