! SPDX-License-Identifier: MIT
!> Lorenz-96 with one level: K sites on a ring, an ensemble of members in one array.
!>
!> `dx_k/dt = -x_{k-1} (x_{k-2} - x_{k+1}) - x_k + F + b_k`, all quantities dimensionless; a
!> time unit is about five days. `b` is the tendency of a closure, zero without one.
!> Lorenz (1996), "Predictability: a problem partly solved", equation 1.
!>
!> The step is the classical Runge-Kutta scheme of order four, or Euler's, with fixed `dt`.
module lorenz96
  use closures, only: closure_t
  use failures, only: err_argument, err_shape, fail, succeed
  use kinds, only: wp
  use lorenz96_blocks, only: advance_blocks
  use lorenz96_rings, only: slow_advection
  use schemes, only: scheme_rk4
  implicit none
  private
  public :: lorenz96_t

  !> The smallest ring on which the four points of the stencil are distinct.
  integer, parameter, public :: min_sites = 4

  !> The largest ring: the adjoint's work arrays lie on the stack, and remain below 3 MB.
  integer, parameter, public :: max_sites = 16384

  !> Arrays that a step with a closure works in.
  integer, parameter, public :: n_work = 4

  !> Parameters of the model. The state belongs to the caller.
  type :: lorenz96_t
    integer :: n_sites = 40            !! K, sites on the ring
    real(wp) :: forcing = 8.0_wp       !! F [1]
    integer :: scheme = scheme_rk4     !! one of `schemes`
  contains
    procedure :: setup
    procedure :: tendency
    procedure :: step
    procedure :: hold
    procedure :: advance
    procedure :: check_state
  end type lorenz96_t

contains

  !> Set the parameters and check them.
  subroutine setup(self, n_sites, forcing, scheme, stat, errmsg)
    class(lorenz96_t), intent(inout) :: self
    integer, intent(in) :: n_sites          !! K, `min_sites` to `max_sites`
    real(wp), intent(in) :: forcing         !! F [1]
    integer, intent(in), optional :: scheme !! one of `schemes`, Runge-Kutta if absent
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=80) :: text

    if (n_sites < min_sites .or. n_sites > max_sites) then
      write (text, "(3(a, i0))") "lorenz96: 'n_sites' must be ", min_sites, " to ", &
        max_sites, ", found ", n_sites
      call fail(err_argument, trim(text), stat, errmsg)
      return
    end if
    self%n_sites = n_sites
    self%forcing = forcing
    self%scheme = scheme_rk4
    if (present(scheme)) self%scheme = scheme
    call succeed(stat)
  end subroutine setup

  !> Time derivative of the state, without closure.
  subroutine tendency(self, x, dxdt)
    class(lorenz96_t), intent(in) :: self
    real(wp), intent(in), contiguous :: x(:, :)     !! state [1] (k, member)
    real(wp), intent(out), contiguous :: dxdt(:, :) !! its time derivative [1] (k, member)

    integer :: m

    do m = 1, size(x, 2)
      call slow_advection(x(:, m), dxdt(:, m))
      dxdt(:, m) = (dxdt(:, m) - x(:, m)) + self%forcing
    end do
  end subroutine tendency

  !> Advance the ensemble by one step; `b` is held through the stages.
  subroutine step(self, x, dt, b)
    class(lorenz96_t), intent(in) :: self
    real(wp), intent(inout), contiguous :: x(:, :)     !! state [1] (k, member)
    real(wp), intent(in) :: dt                         !! time step [1]
    real(wp), intent(in), contiguous, optional :: b(:, :) !! added tendency (k, member)

    call advance_blocks(x, dt, 1, self%forcing, self%scheme, b)
  end subroutine step

  !> Advance the ensemble by many steps, `b` held throughout.
  subroutine hold(self, x, dt, n_steps, b)
    class(lorenz96_t), intent(in) :: self
    real(wp), intent(inout), contiguous :: x(:, :) !! state [1] (k, member)
    real(wp), intent(in) :: dt                     !! time step [1]
    integer, intent(in) :: n_steps                 !! number of steps
    real(wp), intent(in), contiguous :: b(:, :)    !! added tendency [1] (k, member)

    call advance_blocks(x, dt, n_steps, self%forcing, self%scheme, b)
  end subroutine hold

  !> Advance the ensemble by many steps, with a closure in the slot if there is one.
  subroutine advance(self, x, dt, n_steps, closure, every_stage, work, stat, errmsg)
    class(lorenz96_t), intent(in) :: self
    real(wp), intent(inout), target, contiguous :: x(:, :) !! state [1] (k, member)
    real(wp), intent(in) :: dt                  !! time step [1]
    integer, intent(in) :: n_steps              !! number of steps
    class(closure_t), intent(inout), optional :: closure !! adds its tendency
    logical, intent(in), optional :: every_stage
      !! evaluate the closure in each stage, else once per step (the default)
    real(wp), intent(inout), target, contiguous, optional :: work(:, :, :)
      !! (k, member, n_work): kept by the caller, so that a closure binds its arrays once
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    real(wp), allocatable, target :: own(:, :, :)

    call self%check_state(x, stat, errmsg)
    if (present(stat)) then
      if (stat /= 0) return
    end if
    if (.not. present(closure)) then
      call advance_blocks(x, dt, n_steps, self%forcing, self%scheme)
    else if (present(work)) then
      call advance_slot(self, x, dt, n_steps, closure, every_stage, work, stat, errmsg)
    else
      allocate (own(size(x, 1), size(x, 2), n_work))
      call advance_slot(self, x, dt, n_steps, closure, every_stage, own, stat, errmsg)
    end if
  end subroutine advance

  !> Advance with a closure as it is asked to enter.
  subroutine advance_slot(self, x, dt, n_steps, closure, every_stage, work, stat, errmsg)
    class(lorenz96_t), intent(in) :: self
    real(wp), intent(inout), target, contiguous :: x(:, :) !! state [1] (k, member)
    real(wp), intent(in) :: dt                      !! time step [1]
    integer, intent(in) :: n_steps                  !! number of steps
    class(closure_t), intent(inout) :: closure      !! adds its tendency
    logical, intent(in), optional :: every_stage    !! in each stage, else once per step
    real(wp), intent(inout), target, contiguous :: work(:, :, :) !! (k, member, n_work)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    logical :: staged
    integer :: i

    staged = .false.
    if (present(every_stage)) staged = every_stage
    call succeed(stat)
    do i = 1, n_steps
      if (staged) then
        call step_staged(self, x, dt, closure, work(:, :, 1), work(:, :, 2), work(:, :, &
          3), work(:, :, 4), stat, errmsg)
      else
        call step_held(self, x, dt, closure, work(:, :, 1), stat, errmsg)
      end if
      if (present(stat)) then
        if (stat /= 0) return
      end if
    end do
  end subroutine advance_slot

  !> Refuse an array whose first extent is not K.
  subroutine check_state(self, x, stat, errmsg)
    class(lorenz96_t), intent(in) :: self
    real(wp), intent(in), contiguous :: x(:, :) !! state [1] (k, member)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=80) :: text

    call succeed(stat)
    if (size(x, 1) == self%n_sites) return
    write (text, "(a, i0, a, i0)") "lorenz96: 'x' has ", size(x, 1), &
      " sites, expected ", self%n_sites
    call fail(err_shape, trim(text), stat, errmsg)
  end subroutine check_state

  !> One step with one evaluation of the closure.
  subroutine step_held(self, x, dt, closure, b, stat, errmsg)
    class(lorenz96_t), intent(in) :: self
    real(wp), intent(inout), target, contiguous :: x(:, :) !! state [1] (k, member)
    real(wp), intent(in) :: dt                             !! time step [1]
    class(closure_t), intent(inout) :: closure
    real(wp), intent(inout), target, contiguous :: b(:, :) !! its tendency (k, member)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call closure%evaluate(x, b, stat, errmsg)
    if (present(stat)) then
      if (stat /= 0) return
    end if
    call self%step(x, dt, b)
  end subroutine step_held

  !> One step with an evaluation of the closure in each stage. All stages share `y` and `b`,
  !> so that a closure binds them once.
  subroutine step_staged(self, x, dt, closure, b, y, f, total, stat, errmsg)
    class(lorenz96_t), intent(in) :: self
    real(wp), intent(inout), contiguous :: x(:, :)         !! state [1] (k, member)
    real(wp), intent(in) :: dt                             !! time step [1]
    class(closure_t), intent(inout) :: closure
    real(wp), intent(inout), target, contiguous :: b(:, :) !! its tendency (k, member)
    real(wp), intent(inout), target, contiguous :: y(:, :) !! state of a stage (k, member)
    real(wp), intent(inout), contiguous :: f(:, :)         !! dx/dt of a stage (k, member)
    real(wp), intent(inout), contiguous :: total(:, :)     !! their sum (k, member)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    real(wp), parameter :: offset(4) = [0.0_wp, 0.5_wp, 0.5_wp, 1.0_wp] ! of the stages
    real(wp), parameter :: weight(4) = [1.0_wp, 2.0_wp, 2.0_wp, 1.0_wp]/6.0_wp
    integer :: n_stages, s

    n_stages = merge(4, 1, self%scheme == scheme_rk4)
    total = 0.0_wp
    f = 0.0_wp
    do s = 1, n_stages
      y = x + offset(s)*dt*f
      call closure%evaluate(y, b, stat, errmsg)
      if (present(stat)) then
        if (stat /= 0) return
      end if
      call self%tendency(y, f)
      f = f + b
      total = total + merge(weight(s), 1.0_wp, n_stages == 4)*f
    end do
    x = x + dt*total
  end subroutine step_staged

end module lorenz96
