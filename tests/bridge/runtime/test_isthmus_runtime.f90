! SPDX-License-Identifier: MIT
!> The process-wide switches from Fortran: the program's OpenMP threads stay as they were,
!> the allocator keeps and returns memory, bits do not change.
program test_isthmus_runtime
  use, intrinsic :: iso_fortran_env, only: int64, real32
  use omp_lib, only: omp_get_max_threads, omp_set_num_threads
  use checks, only: check, expect, finish, network
  use isthmus, only: isthmus_allocator_cached_bytes, isthmus_err_argument, &
    isthmus_err_runtime, isthmus_model_t, isthmus_set_allocator, &
    isthmus_set_deterministic, isthmus_set_threads, isthmus_threads, &
    isthmus_trim_allocator
  implicit none

  type(isthmus_model_t) :: model
  real(real32), target :: x(64, 512), y(32, 512), few(4), copy(4)
  real(real32) :: reference(32, 512)
  character(len=512) :: errmsg
  integer :: stat, i

  x = reshape([(sin(0.37_real32*real(i, real32)), i=1, size(x))], shape(x))
  call model%load(network("wide.pt"))
  call model%bind_input("x", x)
  call model%bind_output("output_0", y)
  call model%run()
  reference = y

  call isthmus_set_allocator("caching", limit=2_int64**28)
  do i = 1, 3
    y = 0.0_real32
    call model%run()
    call check(all(abs(y - reference) <= 0.0_real32), "the allocator changes no bit")
  end do
  call check(isthmus_allocator_cached_bytes() > 0_int64, "memory is kept")
  call isthmus_trim_allocator()
  call check(isthmus_allocator_cached_bytes() == 0_int64, "memory is returned")
  call isthmus_set_allocator("default", stat=stat)
  call check(stat == 0, "back to the default")
  call isthmus_set_allocator("fast", stat=stat, errmsg=errmsg)
  call expect(isthmus_err_argument, "no allocator 'fast'", stat, errmsg, "no such one")
  call isthmus_set_allocator("caching", limit=-1_int64, stat=stat, errmsg=errmsg)
  call expect(isthmus_err_argument, "-1 bytes", stat, errmsg, "negative limit")

  call omp_set_num_threads(3)
  call isthmus_set_threads(1)
  call check(isthmus_threads() == 1, "the number set is told")
  call model%run()
  call check(omp_get_max_threads() == 3, "the program's threads stay")
  call isthmus_set_threads(0)
  call isthmus_set_threads(-1, stat, errmsg)
  call expect(isthmus_err_argument, "threads is -1", stat, errmsg, "negative threads")

  few = [1.0_real32, 2.0_real32, 3.0_real32, 4.0_real32]
  copy = 0.0_real32
  call model%load(network("putting.pt"))
  call model%bind_input("x", few)
  call model%bind_output("output_0", copy)
  call isthmus_set_deterministic(.true.)
  call model%run(stat, errmsg)
  call expect(isthmus_err_runtime, "put_", stat, errmsg, "bits that do not repeat")
  call isthmus_set_deterministic(.false.)
  call model%run()
  call check(all(abs(copy - few) <= 0.0_real32), "allowed again")
  call finish()
end program test_isthmus_runtime
