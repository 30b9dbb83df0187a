! SPDX-License-Identifier: MIT
!> The slot where what tracers do with each other plugs in: chemistry, decay, or a network.
!>
!> A model knows only this abstract type; see `closures` for those of the other models.
module swe_reactions
  use swe_kinds, only: wp
  implicit none
  private
  public :: reaction_t

  !> Changes the concentrations of a cell in time, without transport.
  type, abstract :: reaction_t
  contains
    procedure(react_i), deferred :: react
  end type reaction_t

  abstract interface
    !> Advance the concentrations by `dt`, in the cells where `water` is positive.
    subroutine react_i(self, c, water, dt, stat, errmsg)
      import :: reaction_t, wp
      implicit none
      class(reaction_t), intent(inout) :: self
      real(wp), intent(inout) :: c(:, :, :)  !! concentrations (nx, ny, tracer)
      real(wp), intent(in) :: water(:, :)    !! depth [m] (nx, ny)
      real(wp), intent(in) :: dt             !! [s]
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine react_i
  end interface

end module swe_reactions
