! SPDX-License-Identifier: MIT
!> Devices and streams from Fortran, where there is only the processor: what is there is
!> told, what is not is refused by name.
program test_isthmus_places
  use, intrinsic :: iso_c_binding, only: c_loc, c_null_ptr
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use isthmus, only: isthmus_err_device, isthmus_float64, isthmus_model_t, isthmus_ok
  use checks, only: check, expect, finish, network
  implicit none

  type(isthmus_model_t) :: model
  real(real64), target :: x(40), y(40)
  character(len=300) :: text
  integer :: stat, i

  call check(model%device() == "", "nothing loaded is nowhere")
  call model%load(network("indexed.pt"))
  call check(model%device() == "cpu", "a network is on the processor")
  call model%bind_input_pointer("x", c_loc(x), isthmus_float64, shape(x), device="cuda:0", &
    stat=stat, errmsg=text)
  call expect(isthmus_err_device, "'cuda:0'", stat, text, "bind_input_pointer")
  call model%set_stream(c_null_ptr, stat, text)
  call expect(isthmus_err_device, "'cpu' takes no stream", stat, text, "set_stream")
  call model%set_stream(0_int64, stat, text)
  call expect(isthmus_err_device, "'cpu' takes no stream", stat, text, "by its number")
  call model%bind_input_pointer("x", c_loc(x), isthmus_float64, shape(x), device="cpu")
  call model%bind_output_pointer("output_0", c_loc(y), isthmus_float64, shape(y))
  x = [(real(i, real64), i = 1, size(x))]
  y = 0.0_real64
  call model%run(stat, text)
  call check(stat == isthmus_ok .and. all(y == 3.0_real64 * x - 1.0_real64), &
    "host memory runs as ever")
  call finish()
end program test_isthmus_places
