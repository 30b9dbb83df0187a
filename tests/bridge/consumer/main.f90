! SPDX-License-Identifier: MIT
program consumer
  use isthmus, only: isthmus_model_t
  implicit none

  type(isthmus_model_t) :: model
  character(len=1024) :: path

  call get_command_argument(1, path)
  call model%load(trim(path))
  print "(a)", model%engine()
end program consumer
