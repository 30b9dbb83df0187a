! SPDX-License-Identifier: MIT
!> Advection on a ring, its tangent-linear and its adjoint, one member at a time.
!>
!> Slow ring: `a_k = x_{k-1} (x_{k+1} - x_{k-2})`. Fast ring, the mirror image:
!> `a_j = z_{j+1} (z_{j-1} - z_{j+2})`. Both are periodic, and `sum_k x_k a_k = 0`.
!> Lorenz (1996), "Predictability: a problem partly solved", equations 1 and 3.3.
!>
!> Each routine copies its ring into a local one with two more points on either side, so
!> that the loops have no branches and the compiler vectorizes them.
module lorenz96_rings
  use kinds, only: wp
  implicit none
  private
  public :: slow_advection, slow_advection_tl, slow_advection_ad
  public :: fast_advection, fast_advection_tl, fast_advection_ad

contains

  !> a_k = x_{k-1} (x_{k+1} - x_{k-2})
  pure subroutine slow_advection(x, a)
    real(wp), intent(in), contiguous :: x(:)  !! state [1] (k)
    real(wp), intent(out), contiguous :: a(:) !! advection [1] (k)

    real(wp) :: r(-1:size(x) + 2)
    integer :: k

    call close_ring(x, r)
    do k = 1, size(x)
      a(k) = r(k - 1)*(r(k + 1) - r(k - 2))
    end do
  end subroutine slow_advection

  !> Derivative of the slow advection at `x` in the direction `x_tl`.
  pure subroutine slow_advection_tl(x, x_tl, a_tl)
    real(wp), intent(in), contiguous :: x(:)     !! state [1] (k)
    real(wp), intent(in), contiguous :: x_tl(:)  !! direction [1] (k)
    real(wp), intent(out), contiguous :: a_tl(:) !! change of the advection [1] (k)

    real(wp) :: r(-1:size(x) + 2), t(-1:size(x) + 2)
    integer :: k

    call close_ring(x, r)
    call close_ring(x_tl, t)
    do k = 1, size(x)
      a_tl(k) = t(k - 1)*(r(k + 1) - r(k - 2)) + r(k - 1)*(t(k + 1) - t(k - 2))
    end do
  end subroutine slow_advection_tl

  !> Transpose of `slow_advection_tl`: gathered, not scattered, so that it vectorizes.
  pure subroutine slow_advection_ad(x, a_ad, x_ad)
    real(wp), intent(in), contiguous :: x(:)     !! state [1] (k)
    real(wp), intent(in), contiguous :: a_ad(:)  !! sensitivity to the advection (k)
    real(wp), intent(out), contiguous :: x_ad(:) !! sensitivity to the state (k)

    real(wp) :: r(-1:size(x) + 2), s(-1:size(x) + 2)
    integer :: k

    call close_ring(x, r)
    call close_ring(a_ad, s)
    do k = 1, size(x)
      x_ad(k) = s(k + 1)*(r(k + 2) - r(k - 1)) + s(k - 1)*r(k - 2) - s(k + 2)*r(k + 1)
    end do
  end subroutine slow_advection_ad

  !> a_j = z_{j+1} (z_{j-1} - z_{j+2})
  pure subroutine fast_advection(z, a)
    real(wp), intent(in), contiguous :: z(:)  !! state [1] (j)
    real(wp), intent(out), contiguous :: a(:) !! advection [1] (j)

    real(wp) :: r(-1:size(z) + 2)
    integer :: j

    call close_ring(z, r)
    do j = 1, size(z)
      a(j) = r(j + 1)*(r(j - 1) - r(j + 2))
    end do
  end subroutine fast_advection

  !> Derivative of the fast advection at `z` in the direction `z_tl`.
  pure subroutine fast_advection_tl(z, z_tl, a_tl)
    real(wp), intent(in), contiguous :: z(:)     !! state [1] (j)
    real(wp), intent(in), contiguous :: z_tl(:)  !! direction [1] (j)
    real(wp), intent(out), contiguous :: a_tl(:) !! change of the advection [1] (j)

    real(wp) :: r(-1:size(z) + 2), t(-1:size(z) + 2)
    integer :: j

    call close_ring(z, r)
    call close_ring(z_tl, t)
    do j = 1, size(z)
      a_tl(j) = t(j + 1)*(r(j - 1) - r(j + 2)) + r(j + 1)*(t(j - 1) - t(j + 2))
    end do
  end subroutine fast_advection_tl

  !> Transpose of `fast_advection_tl`.
  pure subroutine fast_advection_ad(z, a_ad, z_ad)
    real(wp), intent(in), contiguous :: z(:)     !! state [1] (j)
    real(wp), intent(in), contiguous :: a_ad(:)  !! sensitivity to the advection (j)
    real(wp), intent(out), contiguous :: z_ad(:) !! sensitivity to the state (j)

    real(wp) :: r(-1:size(z) + 2), s(-1:size(z) + 2)
    integer :: j

    call close_ring(z, r)
    call close_ring(a_ad, s)
    do j = 1, size(z)
      z_ad(j) = s(j - 1)*(r(j - 2) - r(j + 1)) + s(j + 1)*r(j + 2) - s(j - 2)*r(j - 1)
    end do
  end subroutine fast_advection_ad

  !> Copy a ring and repeat two points beyond either end.
  pure subroutine close_ring(x, r)
    real(wp), intent(in), contiguous :: x(:) !! ring (n), n >= 2
    real(wp), intent(out) :: r(-1:size(x) + 2) !! the same ring, closed

    integer :: n

    n = size(x)
    r(1:n) = x
    r(-1:0) = x(n - 1:n)
    r(n + 1:n + 2) = x(1:2)
  end subroutine close_ring

end module lorenz96_rings
