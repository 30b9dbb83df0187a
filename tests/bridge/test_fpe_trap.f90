! SPDX-License-Identifier: MIT
!> A host built with -ffpe-trap=invalid,zero,overflow survives a network whose kernels raise
!> all three, on the host's own OpenMP workers too; its traps and flags are its own after.
program test_fpe_trap
  use, intrinsic :: ieee_arithmetic, only: ieee_divide_by_zero, ieee_get_flag, &
    ieee_get_halting_mode, ieee_invalid, ieee_overflow, ieee_set_flag
  use, intrinsic :: iso_fortran_env, only: real64
  use checks, only: check, finish, network
  use isthmus, only: isthmus_err_contract, isthmus_model_t
  implicit none

  type(isthmus_model_t) :: model
  real(real64), target :: x(200000), y(200000), x_ad(200000), y_ad(200000)
  logical :: halts(3), flags(3)
  integer :: n_threads, stat

  n_threads = 0
  !$omp parallel reduction(+:n_threads)
  n_threads = n_threads + 1
  !$omp end parallel
  call check(n_threads == 2, "the host has a worker")
  call ieee_get_halting_mode([ieee_invalid, ieee_divide_by_zero, ieee_overflow], halts)
  call check(all(halts), "the host traps")
  call model%load(network("flipped_code.pt"), stat=stat)
  call check(stat == isthmus_err_contract, "a refused load returns")
  call model%load(network("wild.pt"))
  x = 1.0_real64
  y_ad = 1.0_real64
  call model%bind_input("x", x)
  call model%bind_output("output_0", y)
  call model%bind_input("output_0_ad", y_ad)
  call model%bind_output("x_ad", x_ad)
  call ieee_set_flag([ieee_invalid, ieee_divide_by_zero, ieee_overflow], .false.)
  call model%run()
  call model%run_vjp()
  call check(all(abs(y - 4.0_real64) < 1.0e-15_real64), "the result is right")
  call ieee_get_flag([ieee_invalid, ieee_divide_by_zero, ieee_overflow], flags)
  call check(.not. any(flags), "the network's exceptions are not the host's")
  call ieee_get_halting_mode([ieee_invalid, ieee_divide_by_zero, ieee_overflow], halts)
  call check(all(halts), "the host still traps")
  call finish()
end program test_fpe_trap
