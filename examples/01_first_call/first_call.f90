! SPDX-License-Identifier: MIT
!> Call a PyTorch network on arrays of Fortran: first_call [network.pt]
program first_call
  use, intrinsic :: iso_fortran_env, only: real64
  use isthmus, only: isthmus_model_t
  implicit none

  type(isthmus_model_t) :: model
  real(real64), target :: x(4, 3), y(2, 3) ! the network sees [3, 4] and [3, 2]
  character(len=1024) :: path
  integer :: i

  path = "network.pt"
  if (command_argument_count() > 0) call get_command_argument(1, path)
  x = reshape([(0.1_real64*i, i=1, 12)], shape(x))

  call model%load(path)
  call model%bind_input("input", x) ! bound once; from here on the network reads x
  call model%bind_output("output_0", y)
  call model%run()

  print "(2f18.14)", y
end program first_call
