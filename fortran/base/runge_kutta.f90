! SPDX-License-Identifier: MIT
!> Tangent-linear and adjoint of the explicit steps, for any system dx/dt = f(x, p).
!>
!> A model extends `system_t` with its tendency, the tendency's derivative and the transpose
!> of that; Runge-Kutta's (or Euler's) step is differentiated here, stage by stage, so the
!> adjoint is that of the discrete scheme. `p` holds all parameters that stay fixed in a
!> step and are differentiated: forcing, coefficients, added tendencies.
!>
!> The loops run over one member's sites: a single trajectory costs no padding.
module runge_kutta
  use kinds, only: wp
  use schemes, only: scheme_rk4
  implicit none
  private
  public :: advance_ad, advance_tl, system_t

  !> A system of ordinary differential equations and its derivatives.
  type, abstract :: system_t
  contains
    procedure(tendency_i), deferred :: tendency
    procedure(tendency_tl_i), deferred :: tendency_tl
    procedure(tendency_ad_i), deferred :: tendency_ad
  end type system_t

  abstract interface
    !> f = f(x, p)
    pure subroutine tendency_i(self, x, p, f)
      import :: system_t, wp
      implicit none
      class(system_t), intent(in) :: self
      real(wp), intent(in), contiguous :: x(:)  !! state
      real(wp), intent(in), contiguous :: p(:)  !! parameters
      real(wp), intent(out), contiguous :: f(:) !! dx/dt
    end subroutine tendency_i

    !> f_tl = df/dx x_tl + df/dp p_tl
    pure subroutine tendency_tl_i(self, x, p, x_tl, p_tl, f_tl)
      import :: system_t, wp
      implicit none
      class(system_t), intent(in) :: self
      real(wp), intent(in), contiguous :: x(:)     !! state
      real(wp), intent(in), contiguous :: p(:)     !! parameters
      real(wp), intent(in), contiguous :: x_tl(:)  !! change of the state
      real(wp), intent(in), contiguous :: p_tl(:)  !! change of the parameters
      real(wp), intent(out), contiguous :: f_tl(:) !! change of dx/dt
    end subroutine tendency_tl_i

    !> x_ad = (df/dx)^T f_ad; p_ad gains (df/dp)^T f_ad
    pure subroutine tendency_ad_i(self, x, p, f_ad, x_ad, p_ad)
      import :: system_t, wp
      implicit none
      class(system_t), intent(in) :: self
      real(wp), intent(in), contiguous :: x(:)       !! state
      real(wp), intent(in), contiguous :: p(:)       !! parameters
      real(wp), intent(in), contiguous :: f_ad(:)    !! sensitivity to dx/dt
      real(wp), intent(out), contiguous :: x_ad(:)   !! sensitivity to the state
      real(wp), intent(inout), contiguous :: p_ad(:) !! sensitivity to p, added
    end subroutine tendency_ad_i
  end interface

contains

  !> Advance members and their changes together.
  subroutine advance_tl(system, scheme, dt, n_steps, x, p, x_tl, p_tl)
    class(system_t), intent(in) :: system             !! equations
    integer, intent(in) :: scheme                     !! one of `schemes`
    real(wp), intent(in) :: dt                        !! time step
    integer, intent(in) :: n_steps                    !! number of steps
    real(wp), intent(inout), contiguous :: x(:, :)    !! state, advanced (site, member)
    real(wp), intent(in), contiguous :: p(:, :)       !! parameters (i, member)
    real(wp), intent(inout), contiguous :: x_tl(:, :) !! change, advanced (site, member)
    real(wp), intent(in), contiguous :: p_tl(:, :)    !! change of p (i, member)

    integer :: i, m

    !$omp parallel do private(i) if(size(x) > 2560/max(1, n_steps))
    do m = 1, size(x, 2)
      do i = 1, n_steps
        call step_tl(system, n_stages(scheme), dt, x(:, m), p(:, m), x_tl(:, m), p_tl(:, m))
      end do
    end do
    !$omp end parallel do
  end subroutine advance_tl

  !> Carry sensitivities back from the end to the start. The trajectory is computed again
  !> and kept: `n_steps` times the stages of one member for each thread.
  subroutine advance_ad(system, scheme, dt, n_steps, x, p, x_ad, p_ad)
    class(system_t), intent(in) :: system             !! equations
    integer, intent(in) :: scheme                     !! one of `schemes`
    real(wp), intent(in) :: dt                        !! time step
    integer, intent(in) :: n_steps                    !! number of steps
    real(wp), intent(in), contiguous :: x(:, :)       !! state at the start (site, member)
    real(wp), intent(in), contiguous :: p(:, :)       !! parameters (i, member)
    real(wp), intent(inout), contiguous :: x_ad(:, :) !! sensitivity (site, member)
    real(wp), intent(inout), contiguous :: p_ad(:, :) !! sensitivity to p, added (i, member)

    real(wp), allocatable :: y(:, :, :)
    integer :: i, m

    !$omp parallel private(y, i) if(size(x) > 2560/max(1, n_steps))
    allocate (y(size(x, 1), n_stages(scheme), n_steps + 1))
    !$omp do
    do m = 1, size(x, 2)
      y(:, 1, 1) = x(:, m)
      do i = 1, n_steps
        call step(system, dt, p(:, m), y(:, :, i), y(:, 1, i + 1))
      end do
      do i = n_steps, 1, -1
        call step_ad(system, dt, y(:, :, i), p(:, m), x_ad(:, m), p_ad(:, m))
      end do
    end do
    !$omp end do
    !$omp end parallel
  end subroutine advance_ad

  !> Evaluations of the tendency in a step.
  pure integer function n_stages(scheme)
    integer, intent(in) :: scheme !! one of `schemes`

    n_stages = merge(4, 1, scheme == scheme_rk4)
  end function n_stages

  !> One step that keeps the states at which the tendency was evaluated.
  pure subroutine step(system, dt, p, y, x_next)
    class(system_t), intent(in) :: system            !! equations
    real(wp), intent(in) :: dt                       !! time step
    real(wp), intent(in), contiguous :: p(:)         !! parameters
    real(wp), intent(inout), contiguous :: y(:, :)   !! (site, stage); the first is given
    real(wp), intent(out), contiguous :: x_next(:)   !! state after the step

    real(wp) :: f(size(y, 1)), half, sixth, third

    call system%tendency(y(:, 1), p, f)
    if (size(y, 2) == 1) then
      x_next = y(:, 1) + dt*f
      return
    end if
    half = dt/2.0_wp
    third = dt/3.0_wp
    sixth = dt/6.0_wp
    y(:, 2) = y(:, 1) + half*f
    x_next = y(:, 1) + sixth*f
    call system%tendency(y(:, 2), p, f)
    y(:, 3) = y(:, 1) + half*f
    x_next = x_next + third*f
    call system%tendency(y(:, 3), p, f)
    y(:, 4) = y(:, 1) + dt*f
    x_next = x_next + third*f
    call system%tendency(y(:, 4), p, f)
    x_next = x_next + sixth*f
  end subroutine step

  !> One step of the state and of its change.
  pure subroutine step_tl(system, stages, dt, x, p, x_tl, p_tl)
    class(system_t), intent(in) :: system          !! equations
    integer, intent(in) :: stages                  !! 4 or 1
    real(wp), intent(in) :: dt                     !! time step
    real(wp), intent(inout), contiguous :: x(:)    !! state, advanced
    real(wp), intent(in), contiguous :: p(:)       !! parameters
    real(wp), intent(inout), contiguous :: x_tl(:) !! change of the state, advanced
    real(wp), intent(in), contiguous :: p_tl(:)    !! change of the parameters

    real(wp), parameter :: offset(4) = [0.0_wp, 0.5_wp, 0.5_wp, 1.0_wp] ! of the stages
    real(wp), parameter :: weight(4) = [1.0_wp, 2.0_wp, 2.0_wp, 1.0_wp]/6.0_wp
    real(wp) :: y(size(x), stages)
    real(wp), dimension(size(x)) :: f_tl, next, next_tl
    integer :: s

    y(:, 1) = x
    call step(system, dt, p, y, next)
    call system%tendency_tl(x, p, x_tl, p_tl, f_tl)
    if (stages == 1) then
      next_tl = x_tl + dt*f_tl
    else
      next_tl = x_tl + dt*weight(1)*f_tl
      do s = 2, 4
        call system%tendency_tl(y(:, s), p, x_tl + dt*offset(s)*f_tl, p_tl, f_tl)
        next_tl = next_tl + dt*weight(s)*f_tl
      end do
    end if
    x = next
    x_tl = next_tl
  end subroutine step_tl

  !> Transpose of one step.
  pure subroutine step_ad(system, dt, y, p, x_ad, p_ad)
    class(system_t), intent(in) :: system          !! equations
    real(wp), intent(in) :: dt                     !! time step
    real(wp), intent(in), contiguous :: y(:, :)    !! states of the stages (site, stage)
    real(wp), intent(in), contiguous :: p(:)       !! parameters
    real(wp), intent(inout), contiguous :: x_ad(:) !! sensitivity to the state
    real(wp), intent(inout), contiguous :: p_ad(:) !! sensitivity to p, added

    ! Stage s feeds the result by its weight and the next stage by that one's offset.
    real(wp), parameter :: offset(4) = [0.0_wp, 0.5_wp, 0.5_wp, 1.0_wp]
    real(wp), parameter :: weight(4) = [1.0_wp, 2.0_wp, 2.0_wp, 1.0_wp]/6.0_wp
    real(wp), dimension(size(x_ad)) :: f_ad, total, y_ad
    integer :: s

    total = x_ad
    if (size(y, 2) == 1) then
      f_ad = dt*x_ad
    else
      f_ad = dt*weight(4)*x_ad
      do s = 4, 2, -1
        call system%tendency_ad(y(:, s), p, f_ad, y_ad, p_ad)
        total = total + y_ad
        f_ad = dt*weight(s - 1)*x_ad + dt*offset(s)*y_ad
      end do
    end if
    call system%tendency_ad(y(:, 1), p, f_ad, y_ad, p_ad)
    x_ad = total + y_ad
  end subroutine step_ad

end module runge_kutta
