! SPDX-License-Identifier: MIT
!> Closures without learning: a polynomial of the local state, b_k = sum_i c_i x_k^i.
!>
!> Wilks (2005), "Effects of stochastic parametrizations in the Lorenz '96 system",
!> doi:10.1256/qj.04.03, fits one of order four; order one is the linear closure.
module lorenz96_closures
  use closures, only: closure_t
  use failures, only: err_argument, fail, succeed
  use kinds, only: wp
  implicit none
  private
  public :: polynomial_closure_t

  !> A polynomial of the state at the same site.
  type, extends(closure_t) :: polynomial_closure_t
    real(wp), allocatable :: coefficients(:) !! of x^0, x^1, ... [1]
  contains
    procedure :: evaluate
  end type polynomial_closure_t

contains

  !> Set the tendency by Horner's rule.
  subroutine evaluate(self, x, b, stat, errmsg)
    class(polynomial_closure_t), intent(inout) :: self
    real(wp), intent(inout), target, contiguous :: x(:, :) !! state, read (site, member)
    real(wp), intent(inout), target, contiguous :: b(:, :) !! tendency, set (site, member)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: i, k, m, n

    n = size(self%coefficients)
    if (n == 0) then
      call fail(err_argument, "polynomial closure: no coefficients", stat, errmsg)
      return
    end if
    do m = 1, size(x, 2)
      do k = 1, size(x, 1)
        b(k, m) = self%coefficients(n)
        do i = n - 1, 1, -1
          b(k, m) = b(k, m)*x(k, m) + self%coefficients(i)
        end do
      end do
    end do
    call succeed(stat)
  end subroutine evaluate

end module lorenz96_closures
