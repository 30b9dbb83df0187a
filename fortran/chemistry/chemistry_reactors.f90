! SPDX-License-Identifier: MIT
!> The slot for the chemistry of an operator-splitting step, and the solvers that fill it.
!>
!> A host carries cells from t to t + dt and does not know how. The stiff solver and the
!> quasi-steady-state method stand here; a network fills the slot in `fortran/coupling`.
module chemistry_reactors
  use chemistry_qssa, only: qssa_t
  use chemistry_solver, only: chemistry_solver_t
  use kinds, only: wp
  implicit none
  private
  public :: qssa_reactor_t, reactor_t, solver_reactor_t

  !> Carries cells through a splitting step.
  type, abstract :: reactor_t
  contains
    procedure(react_i), deferred :: react
  end type reactor_t

  abstract interface
    subroutine react_i(self, y, t, dt, flags, stat, errmsg)
      import :: reactor_t, wp
      implicit none
      class(reactor_t), intent(inout) :: self
      real(wp), intent(inout), target, contiguous :: y(:, :)
        !! concentrations (species, cell)
      real(wp), intent(in) :: t                    !! start [mechanism's time unit]
      real(wp), intent(in) :: dt                   !! length
      integer, intent(out), contiguous :: flags(:) !! one of flag_*: the cell stays (cell)
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine react_i
  end interface

  !> The Rosenbrock solver. It keeps the inner step of each cell from call to call, which
  !> saves the start-up; the cells must be the same ones, in the same order.
  type, extends(reactor_t) :: solver_reactor_t
    type(chemistry_solver_t) :: solver
    real(wp), allocatable :: h(:)    !! next inner step, 0 if not known (cell)
    logical :: keeps_steps = .true.  !! .false.: each call starts anew
  contains
    procedure :: react => react_solver
  end type solver_reactor_t

  !> Quasi-steady state with equal sub-steps.
  type, extends(reactor_t) :: qssa_reactor_t
    type(qssa_t) :: qssa
    integer :: n_substeps = 60 !! of a splitting step
  contains
    procedure :: react => react_qssa
  end type qssa_reactor_t

contains

  !> By the stiff solver.
  subroutine react_solver(self, y, t, dt, flags, stat, errmsg)
    class(solver_reactor_t), intent(inout) :: self
    real(wp), intent(inout), target, contiguous :: y(:, :)
    real(wp), intent(in) :: t, dt
    integer, intent(out), contiguous :: flags(:)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    if (allocated(self%h)) then
      if (size(self%h) /= size(flags)) deallocate (self%h)
    end if
    if (.not. allocated(self%h)) allocate (self%h(size(flags)), source=0.0_wp)
    if (.not. self%keeps_steps) self%h = 0.0_wp
    call self%solver%integrate(y, t, dt, flags, h=self%h, stat=stat, errmsg=errmsg)
  end subroutine react_solver

  !> By quasi-steady state.
  subroutine react_qssa(self, y, t, dt, flags, stat, errmsg)
    class(qssa_reactor_t), intent(inout) :: self
    real(wp), intent(inout), target, contiguous :: y(:, :)
    real(wp), intent(in) :: t, dt
    integer, intent(out), contiguous :: flags(:)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call self%qssa%integrate(y, t, dt, self%n_substeps, flags, stat=stat, errmsg=errmsg)
  end subroutine react_qssa

end module chemistry_reactors
