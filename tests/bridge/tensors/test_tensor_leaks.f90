! SPDX-License-Identifier: MIT
!> A million operations on tensors: no tensor is left over, and the memory stays flat.
! allow(C121)
program test_tensor_leaks
  use, intrinsic :: iso_c_binding, only: c_int64_t
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use checks, only: check, finish
  use isthmus
  implicit none

  interface
    !> How many tensors Fortran holds (tensor_table.c).
    function isthmus_fortran_n_kept() result(n) bind(c)
      import :: c_int64_t
      implicit none
      integer(c_int64_t) :: n
    end function isthmus_fortran_n_kept
  end interface

  integer, parameter :: n_warm_up = 2000, n_rounds = 100000 !! ten operations each
  integer, parameter :: slack = 4096 !! [kB] pages that the allocator takes once and keeps
  integer(int64) :: resident_before, kept_before
  real(real64), target :: x(40)

  call random_number(x)
  call rounds(n_warm_up)
  kept_before = isthmus_fortran_n_kept()
  resident_before = resident_memory()
  call rounds(n_rounds)
  call check(isthmus_fortran_n_kept() == kept_before, "no tensor is left over")
  call check(resident_memory() - resident_before < slack, "the memory stays flat")
  write (*, "(a, i0, a, i0, a)") "resident memory ", resident_before, " kB before, ", &
    resident_memory(), " kB after"
  call failures_leave_nothing()
  call leaving_a_procedure_leaves_nothing()
  call finish()

contains

  subroutine rounds(n)
    integer, intent(in) :: n

    type(isthmus_tensor_t) :: a, b, pair(2)
    integer :: i

    do i = 1, n
      call a%from_array(x)
      b = a
      b = (b + a)*a - 2*a/3.0_real64
      pair(1) = -b
      pair(2) = tensor_sum(pair(1)**2)
      pair = b
    end do
  end subroutine rounds

  subroutine failures_leave_nothing()
    integer(int64) :: before
    integer :: i, stat

    before = isthmus_fortran_n_kept()
    do i = 1, 100
      call fail(stat)
      if (stat == isthmus_ok) exit
    end do
    call check(stat /= isthmus_ok, "the operation fails")
    call check(isthmus_fortran_n_kept() == before, "failures leave nothing")
  end subroutine failures_leave_nothing

  subroutine fail(stat)
    integer, intent(out) :: stat

    type(isthmus_tensor_t) :: a, b, c

    call a%ones([2], isthmus_float64)
    call b%ones([3], isthmus_float64)
    c = 2*(a + b) - a*a
    call c%check(stat)
  end subroutine fail

  subroutine leaving_a_procedure_leaves_nothing()
    integer(int64) :: before

    before = isthmus_fortran_n_kept()
    call hold_some()
    call check(isthmus_fortran_n_kept() == before, "what goes out of scope is freed")
  end subroutine leaving_a_procedure_leaves_nothing

  subroutine hold_some()
    type(isthmus_tensor_t) :: one, several(5)
    type(isthmus_tensor_t), allocatable :: on_heap(:)
    integer :: i

    allocate (on_heap(3))
    call one%ones([2], isthmus_float64)
    do i = 1, 5
      several(i) = one + i
    end do
    on_heap = one
    call check(isthmus_fortran_n_kept() >= 9, "tensors are counted")
  end subroutine hold_some

  !> Of this process, in kB.
  integer(int64) function resident_memory()
    character(len=256) :: line
    integer :: unit, iostat

    resident_memory = 0
    open (newunit=unit, file="/proc/self/status", action="read", iostat=iostat)
    do while (iostat == 0)
      read (unit, "(a)", iostat=iostat) line
      if (iostat /= 0) exit
      if (line(:6) /= "VmRSS:") cycle
      read (line(7:index(line, "kB") - 1), *) resident_memory
      exit
    end do
    close (unit)
  end function resident_memory

end program test_tensor_leaks
