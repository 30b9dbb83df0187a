! SPDX-License-Identifier: MIT
!> The four ways of ways.f90 timed: one column, microseconds per
!> step, of processor time.
program time_loop
  use, intrinsic :: iso_fortran_env, only: real64, sp => real32
  use ways, only: bound, everything_before_the_loop, load_in_the_loop, n_variables, &
    tensors_in_the_loop, x
  implicit none

  integer, parameter :: n_steps = 2000, n_bad_steps = 50, n_rounds = 5
  real(sp) :: reference(n_variables, 1)
  real(real64) :: micros(4)
  integer :: i

  micros = huge(micros)
  do i = 1, n_rounds ! interleaved; the least is told
    micros(1) = min(micros(1), timed(load_in_the_loop, n_bad_steps))
    reference = x
    call timed_and_compared(2, tensors_in_the_loop)
    call timed_and_compared(3, everything_before_the_loop)
    call timed_and_compared(4, bound)
  end do
  print "(a, f9.2)", "bad:    load, and make tensors, at every step ", micros(1)
  print "(a, f9.2)", "better: load once, make tensors at every step ", micros(2)
  print "(a, f9.2)", "good:   load and make tensors once            ", micros(3)
  print "(a, f9.2)", "best:   bind the arrays once, isthmus_model_t ", micros(4)

contains

  !> Microseconds of processor time per step; the first steps, when torch sets itself up, do
  !> not count.
  real(real64) function timed(loop, n)
    interface
      subroutine loop(n)
        implicit none
        integer, intent(in) :: n
      end subroutine loop
    end interface
    integer, intent(in) :: n

    real(real64) :: first, last

    x = 0.5_sp
    call loop(5)
    x = 0.5_sp
    call cpu_time(first)
    call loop(n)
    call cpu_time(last)
    timed = 1e6_real64*(last - first)/n
  end function timed

  !> Time a way, and make sure that it does what the bad way does.
  subroutine timed_and_compared(way, loop)
    integer, intent(in) :: way
    interface
      subroutine loop(n)
        implicit none
        integer, intent(in) :: n
      end subroutine loop
    end interface

    micros(way) = min(micros(way), timed(loop, n_steps))
    x = 0.5_sp
    call loop(n_bad_steps)
    if (any(abs(x - reference) > epsilon(x)*n_bad_steps)) error stop "another result"
  end subroutine timed_and_compared

end program time_loop
