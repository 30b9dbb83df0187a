! SPDX-License-Identifier: MIT
!> Bad and good ways to call a network in a time loop: four bodies of one model.
module ways
  use, intrinsic :: iso_fortran_env, only: sp => real32
  use ftorch, only: torch_kCPU, torch_model, torch_model_forward, torch_model_load, &
    torch_tensor, torch_tensor_delete, torch_tensor_from_array
  use isthmus, only: isthmus_model_t
  implicit none
  private
  public :: bound, everything_before_the_loop, load_in_the_loop, tensors_in_the_loop

  integer, parameter, public :: n_variables = 10
  real(sp), parameter :: dt = 0.01_sp !! small: all ways must follow the same path

  real(sp), target, public :: x(n_variables, 1) !! state of one column
  real(sp), target :: y(n_variables, 1)         !! its tendency, by the network

contains

  !> What is often written first: everything in the routine that the loop calls.
  subroutine load_in_the_loop(n)
    integer, intent(in) :: n

    type(torch_model) :: model
    type(torch_tensor) :: inputs(1), outputs(1)
    integer :: step

    do step = 1, n
      call torch_model_load(model, "scheme.pt", torch_kCPU)
      call torch_tensor_from_array(inputs(1), x, [2, 1], torch_kCPU)
      call torch_tensor_from_array(outputs(1), y, [2, 1], torch_kCPU)
      call torch_model_forward(model, inputs, outputs)
      x = x + dt*y
    end do
  end subroutine load_in_the_loop

  subroutine tensors_in_the_loop(n)
    integer, intent(in) :: n

    type(torch_model) :: model
    type(torch_tensor) :: inputs(1), outputs(1)
    integer :: step

    call torch_model_load(model, "scheme.pt", torch_kCPU)
    do step = 1, n
      call torch_tensor_from_array(inputs(1), x, [2, 1], torch_kCPU)
      call torch_tensor_from_array(outputs(1), y, [2, 1], torch_kCPU)
      call torch_model_forward(model, inputs, outputs)
      call torch_tensor_delete(inputs)
      call torch_tensor_delete(outputs)
      x = x + dt*y
    end do
  end subroutine tensors_in_the_loop

  !> The tensors look at `x` and `y`: made once, they follow them.
  subroutine everything_before_the_loop(n)
    integer, intent(in) :: n

    type(torch_model) :: model
    type(torch_tensor) :: inputs(1), outputs(1)
    integer :: step

    call torch_model_load(model, "scheme.pt", torch_kCPU)
    call torch_tensor_from_array(inputs(1), x, [2, 1], torch_kCPU)
    call torch_tensor_from_array(outputs(1), y, [2, 1], torch_kCPU)
    do step = 1, n
      call torch_model_forward(model, inputs, outputs)
      x = x + dt*y
    end do
  end subroutine everything_before_the_loop

  !> The same with Isthmus' own module: names and shapes are checked here, not in the loop.
  subroutine bound(n)
    integer, intent(in) :: n

    type(isthmus_model_t) :: model
    integer :: step

    call model%load("scheme.pt")
    call model%bind_input("x", x)
    call model%bind_output("output_0", y)
    do step = 1, n
      call model%run()
      x = x + dt*y
    end do
  end subroutine bound

end module ways
