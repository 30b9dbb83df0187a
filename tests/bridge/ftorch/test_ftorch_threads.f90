! SPDX-License-Identifier: MIT
!> One network called by several OpenMP threads, each with tensors of its own.
program test_ftorch_threads
  use, intrinsic :: iso_fortran_env, only: real32
  use checks, only: check, finish, network
  use ftorch, only: assignment(=), operator(*), operator(+), torch_kCPU, torch_model, &
    torch_model_forward, torch_model_load, torch_tensor, torch_tensor_from_array
  implicit none

  integer, parameter :: n_blocks = 16, n_calls = 100
  type(torch_model) :: model
  integer :: block, n_wrong

  call torch_model_load(model, network("doubling.pt"), torch_kCPU)
  n_wrong = 0
  ! No call before this one: threads meet a network that was never evaluated.
  !$omp parallel do num_threads(4) reduction(+:n_wrong) schedule(dynamic)
  do block = 1, n_blocks
    n_wrong = n_wrong + wrong_calls(block)
  end do
  !$omp end parallel do
  call check(n_wrong == 0, "every thread has its own results")
  call finish()

contains

  integer function wrong_calls(block)
    integer, intent(in) :: block

    type(torch_tensor) :: inputs(1), outputs(1), total
    real(real32), target :: x(5), y(5), z(5)
    integer :: i

    wrong_calls = 0
    do i = 1, n_calls
      x = real(block, real32) + real(i, real32)/1024.0_real32
      call torch_tensor_from_array(inputs(1), x, torch_kCPU)
      call torch_tensor_from_array(outputs(1), y, torch_kCPU)
      call torch_tensor_from_array(total, z, torch_kCPU)
      call torch_model_forward(model, inputs, outputs)
      total = outputs(1)*2 + inputs(1)
      if (any(abs(y - 2*x) > 0) .or. any(abs(z - 5*x) > 0)) wrong_calls = wrong_calls + 1
    end do
  end function wrong_calls

end program test_ftorch_threads
