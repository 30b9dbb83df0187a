! SPDX-License-Identifier: MIT
!> Runge-Kutta's step of a block of members, two stages in each sweep along the ring.
!>
!> With `a_k(x) = x_{k-1} (x_{k+1} - x_{k-2}) - x_k` and `g = F + b` the stages are
!> `y1 = x + dt/2 (a(x) + g)`, `y2 = x + dt/2 (a(y1) + g)`, `y3 = x + dt (a(y2) + g)`, and
!> the result is `(y1 + 2 y2 + y3 - x)/3 + dt/6 (a(y3) + g)`: the classical scheme without
!> its running sum.
!>
!> a_k reads k-2 to k+1, so a stage can follow the one before it one site behind. The first
!> sweep makes y1 at k and y2 at k-1, the second y3 at k and the result at k-1; of y1 and y3
!> only the last three sites are remembered. A sweep for each stage would move twice as many
!> values between the cache and the core; all stages in one sweep are slower too, for the
!> chain of dependent operations gets longer than the core looks ahead.
module lorenz96_kernel
  use kinds, only: wp
  implicit none
  private
  public :: close_ring, step_rk4

  integer, parameter, public :: block_size = 8 !! members in a block
  integer, parameter :: stride = 4              !! sites in a turn of a sweep

  ! The sweeps begin at site 2 and may overrun the ring by less than a stride: what they
  ! make there is what stands at the ring's beginning.
  integer, parameter, public :: before = 3 !! the halo begins at site -before
  integer, parameter, public :: after = 7  !! and ends at site n + after

contains

  !> One step.
  pure subroutine step_rk4(n, x, hg, dt, y2, s)
    integer, intent(in) :: n                                      !! K, at least 4
    real(wp), intent(inout) :: x(block_size, -before:n + after)   !! state, stepped
    real(wp), intent(in) :: hg(block_size, -before:n + after)     !! dt/2 (F + b)
    real(wp), intent(in) :: dt                                    !! time step [1]

    real(wp), intent(inout) :: y2(block_size, -before:n + after)  !! second stage (work)
    real(wp), intent(inout) :: s(block_size, -before:n + after)   !! partial sum (work)

    real(wp) :: r(block_size, 3) ! last sites of y1, then of y3
    real(wp) :: half
    integer :: k, m

    half = dt/2.0_wp
    call close_ring(n, x)
    do k = -1, 1
      do m = 1, block_size
        r(m, k + 2) = (x(m, k) + hg(m, k)) &
          + half*(x(m, k - 1)*(x(m, k + 1) - x(m, k - 2)) - x(m, k))
      end do
    end do
    do k = 2, n + 1, stride
      call first_sweep(x(:, k - 2:k + 4), hg(:, k - 2:k + 3), half, r, y2(:, k - 1:k + 2), &
        s(:, k - 1:k + 2))
    end do
    call close_ring(n, y2)
    do k = -1, 1
      do m = 1, block_size
        r(m, k + 2) = (x(m, k) + 2.0_wp*hg(m, k)) &
          + dt*(y2(m, k - 1)*(y2(m, k + 1) - y2(m, k - 2)) - y2(m, k))
      end do
    end do
    do k = 2, n + 1, stride
      call second_sweep(x(:, k - 1:k + 3), hg(:, k - 1:k + 3), dt, r, y2(:, k - 2:k + 4), &
        s(:, k - 1:k + 2))
    end do
  end subroutine step_rk4

  !> Repeat the ends of the ring beyond one another.
  pure subroutine close_ring(n, x)
    integer, intent(in) :: n                                    !! K
    real(wp), intent(inout) :: x(block_size, -before:n + after) !! block

    integer :: k

    do k = 0, before
      x(:, -k) = x(:, n - k)
    end do
    do k = 1, after
      x(:, n + k) = x(:, k)
    end do
  end subroutine close_ring

  !> Four sites of y1, 0 to 3 as counted here, and of y2, -1 to 2.
  pure subroutine first_sweep(x, hg, half, r, y2, s)
    real(wp), intent(in) :: x(block_size, -2:4)   !! state
    real(wp), intent(in) :: hg(block_size, -2:3)  !! dt/2 (F + b)
    real(wp), intent(in) :: half                  !! dt/2
    real(wp), intent(inout) :: r(block_size, 3)   !! y1 at -3 to -1, then at 1 to 3
    real(wp), intent(out) :: y2(block_size, -1:2) !! second stage
    real(wp), intent(out) :: s(block_size, -1:2)  !! y1 + 2 y2 - x + dt/2 g

    real(wp) :: a0, a1, a2, a3, b0, b1, b2, b3
    integer :: m

    !$omp simd
    do m = 1, block_size
      a0 = (x(m, 0) + hg(m, 0)) + half*(x(m, -1)*(x(m, 1) - x(m, -2)) - x(m, 0))
      a1 = (x(m, 1) + hg(m, 1)) + half*(x(m, 0)*(x(m, 2) - x(m, -1)) - x(m, 1))
      a2 = (x(m, 2) + hg(m, 2)) + half*(x(m, 1)*(x(m, 3) - x(m, 0)) - x(m, 2))
      a3 = (x(m, 3) + hg(m, 3)) + half*(x(m, 2)*(x(m, 4) - x(m, 1)) - x(m, 3))
      b0 = (x(m, -1) + hg(m, -1)) + half*(r(m, 2)*(a0 - r(m, 1)) - r(m, 3))
      b1 = (x(m, 0) + hg(m, 0)) + half*(r(m, 3)*(a1 - r(m, 2)) - a0)
      b2 = (x(m, 1) + hg(m, 1)) + half*(a0*(a2 - r(m, 3)) - a1)
      b3 = (x(m, 2) + hg(m, 2)) + half*(a1*(a3 - a0) - a2)
      s(m, -1) = (r(m, 3) + (hg(m, -1) - x(m, -1))) + 2.0_wp*b0
      s(m, 0) = (a0 + (hg(m, 0) - x(m, 0))) + 2.0_wp*b1
      s(m, 1) = (a1 + (hg(m, 1) - x(m, 1))) + 2.0_wp*b2
      s(m, 2) = (a2 + (hg(m, 2) - x(m, 2))) + 2.0_wp*b3
      y2(m, -1) = b0
      y2(m, 0) = b1
      y2(m, 1) = b2
      y2(m, 2) = b3
      r(m, 1) = a1
      r(m, 2) = a2
      r(m, 3) = a3
    end do
  end subroutine first_sweep

  !> Four sites of y3, 0 to 3 as counted here, and of the result, -1 to 2.
  pure subroutine second_sweep(x, hg, dt, r, y2, s)
    real(wp), intent(inout) :: x(block_size, -1:3) !! state; the result at -1 to 2
    real(wp), intent(in) :: hg(block_size, -1:3)   !! dt/2 (F + b)
    real(wp), intent(in) :: dt                     !! time step [1]
    real(wp), intent(inout) :: r(block_size, 3)    !! y3 at -3 to -1, then at 1 to 3
    real(wp), intent(in) :: y2(block_size, -2:4)   !! second stage
    real(wp), intent(in) :: s(block_size, -1:2)    !! y1 + 2 y2 - x + dt/2 g

    real(wp) :: c0, c1, c2, c3, sixth, third
    integer :: m

    third = 1.0_wp/3.0_wp
    sixth = dt/6.0_wp
    !$omp simd
    do m = 1, block_size
      c0 = (x(m, 0) + 2.0_wp*hg(m, 0)) + dt*(y2(m, -1)*(y2(m, 1) - y2(m, -2)) - y2(m, 0))
      c1 = (x(m, 1) + 2.0_wp*hg(m, 1)) + dt*(y2(m, 0)*(y2(m, 2) - y2(m, -1)) - y2(m, 1))
      c2 = (x(m, 2) + 2.0_wp*hg(m, 2)) + dt*(y2(m, 1)*(y2(m, 3) - y2(m, 0)) - y2(m, 2))
      c3 = (x(m, 3) + 2.0_wp*hg(m, 3)) + dt*(y2(m, 2)*(y2(m, 4) - y2(m, 1)) - y2(m, 3))
      x(m, -1) = third*(s(m, -1) + r(m, 3)) + sixth*(r(m, 2)*(c0 - r(m, 1)) - r(m, 3))
      x(m, 0) = third*(s(m, 0) + c0) + sixth*(r(m, 3)*(c1 - r(m, 2)) - c0)
      x(m, 1) = third*(s(m, 1) + c1) + sixth*(c0*(c2 - r(m, 3)) - c1)
      x(m, 2) = third*(s(m, 2) + c2) + sixth*(c1*(c3 - c0) - c2)
      r(m, 1) = c1
      r(m, 2) = c2
      r(m, 3) = c3
    end do
  end subroutine second_sweep

end module lorenz96_kernel
