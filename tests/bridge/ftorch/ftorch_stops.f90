! SPDX-License-Identifier: MIT
!> What makes FTorch abort, crash, hang or go on with wrong numbers: here it stops with a
!> message. ftorch_stops NETWORKS CASE
! allow(C121)
program ftorch_stops
  use, intrinsic :: iso_c_binding, only: c_int64_t
  use, intrinsic :: iso_fortran_env, only: int32, real32, real64
  use checks, only: network
  use ftorch
  implicit none

  type(torch_model) :: model
  type(torch_tensor) :: a, b, c, d, loss, inputs(1), outputs(1), unset, parameters(2)
  type(torch_optim) :: optimizer
  real(real32), target :: x(5), y(5), short(4), square(2, 2), rows(4, 5), all_rows(4, 5)
  real(real64), target :: wide(5)
  integer(int32), target :: whole(5)
  character(len=40) :: case

  x = 1
  short = 1
  wide = 1
  square = 1
  rows = 1
  call get_command_argument(2, case)
  call torch_tensor_from_array(a, x, torch_kCPU)
  call torch_tensor_from_array(b, short, torch_kCPU)
  call torch_tensor_from_array(c, wide, torch_kCPU)
  call torch_tensor_from_array(inputs(1), x, torch_kCPU)
  call torch_tensor_from_array(outputs(1), y, torch_kCPU)
  call torch_model_load(model, network("doubling.pt"), torch_kCPU)

  select case (case)
  case ("shapes")
    d = a + b
  case ("types")
    d = a*c
  case ("nested")
    d = (a + b)*a - a
  case ("assign_shape")
    b = a
  case ("assign_type")
    a = c
  case ("assign_leaf")
    call torch_tensor_from_array(d, y, torch_kCPU, requires_grad=.true.)
    d = a
  case ("copy_shape")
    call torch_tensor_to(a, b)
  case ("unset_rank")
    print *, unset%get_rank()
  case ("unset_print")
    call unset%print()
  case ("unset_input")
    call torch_model_forward(model, [unset], outputs)
  case ("unset_output")
    call torch_model_forward(model, inputs, [unset])
  case ("freed")
    call torch_delete(a)
    d = a + a
  case ("no_model")
    call torch_delete(model)
    call torch_model_forward(model, inputs, outputs)
  case ("no_file")
    call torch_model_load(model, "no_such_file.pt", torch_kCPU)
  case ("no_cuda")
    call torch_tensor_ones(d, 1, [2_c_int64_t], torch_kFloat32, torch_kCUDA, device_index=7)
  case ("model_on_cuda")
    call torch_model_load(model, network("doubling.pt"), torch_kCUDA, device_index=7)
  case ("layout")
    call torch_tensor_from_array(d, square, [1, 3], torch_kCPU)
  case ("input_shape")
    call torch_model_forward(model, [b], outputs)
  case ("output_type")
    call torch_tensor_from_array(outputs(1), whole, torch_kCPU)
    call torch_model_forward(model, inputs, outputs)
  case ("output_shape")
    call torch_model_load(model, network("single.pt"), torch_kCPU)
    call torch_tensor_from_array(inputs(1), rows, torch_kCPU)
    call torch_tensor_from_array(outputs(1), all_rows, torch_kCPU)
    call torch_model_forward(model, inputs, outputs)
  case ("too_many_results")
    call torch_model_load(model, network("pair.pt"), torch_kCPU)
    call torch_model_forward(model, [a, a], outputs)
  case ("too_few_results")
    call torch_model_forward(model, inputs, [outputs(1), outputs(1)])
  case ("parameters")
    call torch_model_parameters(model, parameters)
  case ("backward_shape")
    call torch_tensor_from_array(d, y, torch_kCPU, requires_grad=.true.)
    a = d*d
    call torch_tensor_backward(a)
  case ("no_gradient")
    call torch_tensor_from_array(d, y, torch_kCPU, requires_grad=.true.)
    call torch_tensor_get_gradient(a, d)
  case ("no_optimizer")
    call optimizer%step()
  case ("overwritten")
    ! The square needs `d` for its gradient, and `d` has other values by then.
    call torch_tensor_from_array(unset, y, torch_kCPU, requires_grad=.true.)
    d = unset + 1
    call torch_tensor_sum(loss, d*d)
    d = unset + 2
    call torch_tensor_backward(loss)
  case default
    error stop "no such case"
  end select
  print "(a)", "went on"
end program ftorch_stops
