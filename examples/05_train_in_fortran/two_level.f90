! SPDX-License-Identifier: MIT
!> Lorenz's model of 1996 with two levels: the truth that the closure is learned from.
module two_level
  use, intrinsic :: iso_fortran_env, only: real64
  implicit none
  private
  public :: start, step

  integer, parameter, public :: n_slow = 8   !! slow variables X
  integer, parameter, public :: n_fast = 16  !! fast variables Y for each of them
  real(real64), parameter, public :: dt = 0.01_real64 !! between states

  integer, parameter :: n_inner = 10         ! steps of the truth between states
  real(real64), parameter :: forcing = 18.0_real64, h = 1.0_real64
  real(real64), parameter :: b = 10.0_real64, c = 10.0_real64

contains

  !> A state near the attractor after some time: the same in every run.
  subroutine start(x, y)
    real(real64), intent(out) :: x(n_slow), y(n_fast*n_slow)

    integer :: i

    do i = 1, n_slow
      x(i) = forcing*sin(real(i*i, real64))
    end do
    do i = 1, size(y)
      y(i) = 0.1_real64*cos(real(i*i, real64))
    end do
    do i = 1, 300
      call step(x, y)
    end do
  end subroutine start

  !> Advance by dt, by the classical Runge-Kutta scheme.
  subroutine step(x, y)
    real(real64), intent(inout) :: x(n_slow), y(n_fast*n_slow)

    real(real64), parameter :: inner = dt/n_inner
    real(real64), dimension(n_slow) :: x1, x2, x3, x4
    real(real64), dimension(n_fast*n_slow) :: y1, y2, y3, y4
    integer :: i

    do i = 1, n_inner
      call tendency(x, y, x1, y1)
      call tendency(x + inner/2*x1, y + inner/2*y1, x2, y2)
      call tendency(x + inner/2*x2, y + inner/2*y2, x3, y3)
      call tendency(x + inner*x3, y + inner*y3, x4, y4)
      x = x + inner/6*(x1 + 2*x2 + 2*x3 + x4)
      y = y + inner/6*(y1 + 2*y2 + 2*y3 + y4)
    end do
  end subroutine step

  pure subroutine tendency(x, y, dx, dy)
    real(real64), intent(in) :: x(:), y(:)
    real(real64), intent(out) :: dx(:), dy(:)

    integer :: k

    dx = -cshift(x, -1)*(cshift(x, -2) - cshift(x, 1)) - x + forcing
    dy = -c*b*cshift(y, 1)*(cshift(y, 2) - cshift(y, -1)) - c*y
    do k = 1, n_slow
      associate (first => (k - 1)*n_fast + 1, last => k*n_fast)
        dx(k) = dx(k) - h*c/b*sum(y(first:last))
        dy(first:last) = dy(first:last) + h*c/b*x(k)
      end associate
    end do
  end subroutine tendency

end module two_level
