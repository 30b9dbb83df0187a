! SPDX-License-Identifier: MIT
!> The slots where something learned, or anything else, plugs into a model.
!>
!> A model knows only these abstract types. A network fills them in `fortran/coupling`.
module closures
  use kinds, only: wp
  implicit none
  private
  public :: closure_t, stepper_t

  !> Adds a tendency to the resolved state: dx/dt = f(x) + b(x).
  type, abstract :: closure_t
  contains
    procedure(evaluate_i), deferred :: evaluate
  end type closure_t

  !> Replaces a whole time step: x <- M(x).
  type, abstract :: stepper_t
  contains
    procedure(step_i), deferred :: step
  end type stepper_t

  abstract interface
    subroutine evaluate_i(self, x, b, stat, errmsg)
      import :: closure_t, wp
      implicit none
      class(closure_t), intent(inout) :: self
      real(wp), intent(inout), target, contiguous :: x(:, :) !! state, read (site, member)
      real(wp), intent(inout), target, contiguous :: b(:, :) !! tendency, set (site, member)
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine evaluate_i

    subroutine step_i(self, x, stat, errmsg)
      import :: stepper_t, wp
      implicit none
      class(stepper_t), intent(inout) :: self
      real(wp), intent(inout), target, contiguous :: x(:, :) !! state (site, member)
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine step_i
  end interface
end module closures
