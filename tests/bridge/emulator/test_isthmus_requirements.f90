! SPDX-License-Identifier: MIT
!> A Fortran host declares what it will pass, dimensions fastest first: every mismatch is
!> refused before step one by a message that names the variable.
program test_isthmus_requirements
  use, intrinsic :: iso_fortran_env, only: real64
  use checks, only: check, expect, finish, network
  use isthmus, only: isthmus_err_argument, isthmus_err_contract, isthmus_err_shape, &
    isthmus_float32, isthmus_float64, isthmus_model_t, isthmus_ok
  implicit none

  real(real64), parameter :: rounding = 1.0e-12_real64 ! the contract's own tolerance
  character(len=6), parameter :: dims(2) = [character(len=6) :: "level", "column"]
  type(isthmus_model_t) :: model
  character(len=512) :: errmsg
  real(real64) :: error
  integer :: stat

  call model%require_input("t", units="K", stat=stat, errmsg=errmsg)
  call expect(isthmus_err_argument, "no network is loaded", stat, errmsg, "not loaded")
  call model%load(network("column.pt"))

  call model%require_input("t", units="K", dims=dims, shape=[4, -1], dtype=isthmus_float64)
  call model%require_input("q", units="kg kg-1", dims=dims, shape=[4, 100])
  call model%require_input("ps", "hPa", dims(2:2), [-1], isthmus_float64, stat, errmsg)
  call expect(isthmus_ok, "", stat, errmsg, "ps fits")
  call model%require_output("dq", units="kg kg-1 s-1", shape=[4, -1])
  call model%require_time_step(2.0_real64)

  call model%require_input("t", units="kg kg-1", stat=stat, errmsg=errmsg)
  call expect(isthmus_err_contract, "'t' has units 'kg kg-1' in the host, "// &
    "the network expects 'K'", stat, errmsg, "two inputs swapped")
  call model%require_input("t", units="degC", stat=stat, errmsg=errmsg)
  call expect(isthmus_err_contract, "'t' has units 'degC'", stat, errmsg, "another unit")
  call model%require_input("t", dims=dims(2:1:-1), stat=stat, errmsg=errmsg)
  call expect(isthmus_err_contract, "'t' has dimensions [level, column] in the host,"// &
    " the network expects [column, level]: they are transposed (slowest first:"// &
    " Fortran's dimensions in reverse)", stat, errmsg, "transposed dimensions")
  call model%require_input("t", shape=[100, 4], stat=stat, errmsg=errmsg)
  call expect(isthmus_err_shape, "'t' has shape [4, 100] in the host, the network"// &
    " expects [column, 4]: it is transposed", stat, errmsg, "transposed shape")
  call model%require_input("q", shape=[3, 100], stat=stat, errmsg=errmsg)
  call expect(isthmus_err_shape, "'q' has shape [100, 3]", stat, errmsg, "truncated levels")
  call model%require_output("dt", dtype=isthmus_float32, stat=stat, errmsg=errmsg)
  call expect(isthmus_err_shape, "'dt' has type float32", stat, errmsg, "another type")
  call model%require_output("t", stat=stat, errmsg=errmsg)
  call expect(isthmus_err_argument, "no output 't': the network has 'dt', 'dq'", stat, &
    errmsg, "an input is no output")
  call model%require_input("t", dims=dims, shape=[4], stat=stat, errmsg=errmsg)
  call expect(isthmus_err_shape, "'t' is declared with names for another rank", stat, &
    errmsg, "rank of names and shape")
  call model%require_input("t", shape=[(1, stat=1, 16)], stat=stat, errmsg=errmsg)
  call expect(isthmus_err_shape, "0 to 15", stat, errmsg, "rank 16")
  call model%require_time_step(1.0_real64, stat, errmsg)
  call expect(isthmus_err_contract, "the host's time step is 1, the network was trained"// &
    " for 2", stat, errmsg, "another time step")

  error = -1.0_real64
  call model%self_test(error)
  call check(error >= 0.0_real64 .and. error <= rounding, "the self-test passes here")
  call model%load(network("wrong_test.pt"))
  error = -1.0_real64
  call model%self_test(error, stat, errmsg)
  call expect(isthmus_err_contract, "self-test: 'dq' differs from PyTorch by 0.5", stat, &
    errmsg, "a failed self-test")
  call check(error < 0.0_real64, "a failed self-test leaves its argument")
  call finish()
end program test_isthmus_requirements
