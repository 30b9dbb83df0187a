! SPDX-License-Identifier: MIT
!> The one-level model over a window of steps, one member at a time: trajectory, tangent
!> linear and adjoint sweeps, and the gradient of a misfit to observations in one call.
!>
!> With `f_k(y) = y_{k-1} (y_{k+1} - y_{k-2}) - y_k + F` the classical Runge-Kutta step is
!> `y2 = x + dt/2 f(x)`, `y3 = x + dt/2 f(y2)`, `y4 = x + dt f(y3)` and
!> `x_next = (y2 + 2 y3 + y4 - x)/3 + dt/6 f(y4)`, differentiated by hand below.
!>
!> A tangent sweep is `dx_{i+1} = M_i dx_i`, an adjoint sweep `l_i = M_i^T l_{i+1} + s_i`
!> with a sensitivity `s_i` at each time: the gradient of any cost on the trajectory.
!> The loops run along the ring, which for one member is faster than blocks of members.
!> A step's bits do not depend on the window that it is part of.
module lorenz96_windows
  use kinds, only: wp
  implicit none
  private
  public :: lorenz96_misfit_gradient, lorenz96_sweep_ad, lorenz96_sweep_tl, &
    lorenz96_trajectory
  public :: close_ring, finish, stages, step_ad, step_tl, weigh ! of one step, for others

contains

  !> Fill a trajectory from its first state.
  pure subroutine lorenz96_trajectory(forcing, dt, x)
    real(wp), intent(in) :: forcing                     !! F [1]
    real(wp), intent(in) :: dt                          !! time step [1]
    real(wp), intent(inout), contiguous :: x(:, :, :)   !! state [1] (k, member, time)

    real(wp) :: y(-1:size(x, 1) + 2, 4)
    integer :: i, m, n

    n = size(x, 1)
    do m = 1, size(x, 2)
      do i = 1, size(x, 3) - 1
        y(1:n, 1) = x(:, m, i)
        call stages(n, forcing, dt, y)
        call finish(n, forcing, dt, y, x(:, m, i + 1))
      end do
    end do
  end subroutine lorenz96_trajectory

  !> Fill the changes of a trajectory from the first one.
  pure subroutine lorenz96_sweep_tl(forcing, dt, x, x_tl, forcing_tl)
    real(wp), intent(in) :: forcing                      !! F [1]
    real(wp), intent(in) :: dt                           !! time step [1]
    real(wp), intent(in), contiguous :: x(:, :, :)       !! trajectory (k, member, time)
    real(wp), intent(inout), contiguous :: x_tl(:, :, :) !! its change (k, member, time)
    real(wp), intent(in) :: forcing_tl(:)                !! change of F [1] (member)

    real(wp), dimension(-1:size(x, 1) + 2, 4) :: y, t
    integer :: i, m, n

    n = size(x, 1)
    do m = 1, size(x, 2)
      do i = 1, size(x, 3) - 1
        y(1:n, 1) = x(:, m, i)
        call stages(n, forcing, dt, y)
        t(1:n, 1) = x_tl(:, m, i)
        call step_tl(n, dt, y, forcing_tl(m), t, x_tl(:, m, i + 1))
      end do
    end do
  end subroutine lorenz96_sweep_tl

  !> Carry the sensitivities to all states of a trajectory back to its first.
  pure subroutine lorenz96_sweep_ad(forcing, dt, x, s, x_ad, forcing_ad)
    real(wp), intent(in) :: forcing                   !! F [1]
    real(wp), intent(in) :: dt                        !! time step [1]
    real(wp), intent(in), contiguous :: x(:, :, :)    !! trajectory (k, member, time)
    real(wp), intent(in), contiguous :: s(:, :, :)    !! sensitivities (k, member, time)
    real(wp), intent(inout), contiguous :: x_ad(:, :) !! set (k, member)
    real(wp), intent(inout) :: forcing_ad(:)          !! set (member)

    real(wp) :: y(-1:size(x, 1) + 2, 4)
    integer :: i, m, n

    n = size(x, 1)
    do m = 1, size(x, 2)
      forcing_ad(m) = 0.0_wp
      x_ad(:, m) = s(:, m, size(x, 3))
      do i = size(x, 3) - 1, 1, -1
        y(1:n, 1) = x(:, m, i)
        call stages(n, forcing, dt, y)
        call step_ad(n, dt, y, x_ad(:, m), forcing_ad(m))
        x_ad(:, m) = x_ad(:, m) + s(:, m, i)
      end do
    end do
  end subroutine lorenz96_sweep_ad

  !> `J = 1/2 sum w (x - y)^2` over sites and times, and its gradient in the first state.
  !> The stages of the window are kept, 32 K bytes for each of its steps.
  pure subroutine lorenz96_misfit_gradient(forcing, dt, x_0, observed, weight, cost, x_ad, &
    forcing_ad)
    real(wp), intent(in) :: forcing                     !! F [1]
    real(wp), intent(in) :: dt                          !! time step [1]
    real(wp), intent(in), contiguous :: x_0(:)          !! first state [1] (k)
    real(wp), intent(in), contiguous :: observed(:, :)  !! y, finite everywhere (k, time)
    real(wp), intent(in), contiguous :: weight(:, :)    !! w: 1/variance or 0 (k, time)
    real(wp), intent(out) :: cost                       !! J
    real(wp), intent(inout), contiguous :: x_ad(:)      !! its gradient (k)
    real(wp), intent(out) :: forcing_ad                 !! its derivative in F

    real(wp), allocatable :: y(:, :, :)
    real(wp) :: last(size(x_0)), s(size(x_0))
    integer :: i, n, n_times

    n = size(x_0)
    n_times = size(observed, 2)
    allocate (y(-1:n + 2, 4, n_times - 1))
    cost = 0.0_wp
    forcing_ad = 0.0_wp
    last = x_0
    do i = 1, n_times - 1
      y(1:n, 1, i) = last
      call stages(n, forcing, dt, y(:, :, i))
      call finish(n, forcing, dt, y(:, :, i), last)
    end do
    call weigh(n, last, observed(:, n_times), weight(:, n_times), x_ad, cost)
    do i = n_times - 1, 1, -1
      call step_ad(n, dt, y(:, :, i), x_ad, forcing_ad)
      call weigh(n, y(1:n, 1, i), observed(:, i), weight(:, i), s, cost)
      x_ad = x_ad + s
    end do
  end subroutine lorenz96_misfit_gradient

  !> The sensitivity `w (x - y)` at one time, and its part of the cost.
  pure subroutine weigh(n, x, y, w, s, cost)
    integer, intent(in) :: n            !! K
    real(wp), intent(in) :: x(n)        !! state
    real(wp), intent(in) :: y(n)        !! observations
    real(wp), intent(in) :: w(n)        !! inverse variances
    real(wp), intent(inout) :: s(n)     !! set
    real(wp), intent(inout) :: cost     !! J, added

    s = w*(x - y)
    cost = cost + sum(s*(x - y))/2.0_wp
  end subroutine weigh

  !> Close the ring of the state and make the other three stages, closed.
  pure subroutine stages(n, forcing, dt, y)
    integer, intent(in) :: n                    !! K
    real(wp), intent(in) :: forcing             !! F [1]
    real(wp), intent(in) :: dt                  !! time step [1]
    real(wp), intent(inout) :: y(-1:n + 2, 4)   !! the first is given at 1 to n

    call close_ring(n, y(:, 1))
    call stage(n, forcing, dt/2.0_wp, y(:, 1), y(:, 1), y(:, 2))
    call stage(n, forcing, dt/2.0_wp, y(:, 1), y(:, 2), y(:, 3))
    call stage(n, forcing, dt, y(:, 1), y(:, 3), y(:, 4))
  end subroutine stages

  !> `z = x + c f(y)`, closed.
  pure subroutine stage(n, forcing, c, x, y, z)
    integer, intent(in) :: n                  !! K
    real(wp), intent(in) :: forcing           !! F [1]
    real(wp), intent(in) :: c                 !! part of the time step [1]
    real(wp), intent(in) :: x(-1:n + 2)       !! state at the start of the step
    real(wp), intent(in) :: y(-1:n + 2)       !! where the tendency is taken
    real(wp), intent(inout) :: z(-1:n + 2)    !! the next stage

    integer :: k

    do k = 1, n
      z(k) = x(k) + c*(y(k - 1)*(y(k + 1) - y(k - 2)) - y(k) + forcing)
    end do
    call close_ring(n, z)
  end subroutine stage

  !> The state after the step.
  pure subroutine finish(n, forcing, dt, y, x_next)
    integer, intent(in) :: n                 !! K
    real(wp), intent(in) :: forcing          !! F [1]
    real(wp), intent(in) :: dt               !! time step [1]
    real(wp), intent(in) :: y(-1:n + 2, 4)   !! stages
    real(wp), intent(inout) :: x_next(n)     !! set

    real(wp) :: sixth, third
    integer :: k

    third = 1.0_wp/3.0_wp
    sixth = dt/6.0_wp
    do k = 1, n
      x_next(k) = third*(y(k, 2) + 2.0_wp*y(k, 3) + y(k, 4) - y(k, 1)) &
        + sixth*(y(k - 1, 4)*(y(k + 1, 4) - y(k - 2, 4)) - y(k, 4) + forcing)
    end do
  end subroutine finish

  !> The change of the state after the step.
  pure subroutine step_tl(n, dt, y, forcing_tl, t, x_tl)
    integer, intent(in) :: n                  !! K
    real(wp), intent(in) :: dt                !! time step [1]
    real(wp), intent(in) :: y(-1:n + 2, 4)    !! stages
    real(wp), intent(in) :: forcing_tl        !! change of F [1]
    real(wp), intent(inout) :: t(-1:n + 2, 4) !! changes of the stages; the first is given
    real(wp), intent(inout) :: x_tl(n)        !! set

    real(wp) :: f_tl(n), third

    third = 1.0_wp/3.0_wp
    call close_ring(n, t(:, 1))
    call tendency_tl(n, y(:, 1), t(:, 1), forcing_tl, f_tl)
    t(1:n, 2) = t(1:n, 1) + dt/2.0_wp*f_tl
    call close_ring(n, t(:, 2))
    call tendency_tl(n, y(:, 2), t(:, 2), forcing_tl, f_tl)
    t(1:n, 3) = t(1:n, 1) + dt/2.0_wp*f_tl
    call close_ring(n, t(:, 3))
    call tendency_tl(n, y(:, 3), t(:, 3), forcing_tl, f_tl)
    t(1:n, 4) = t(1:n, 1) + dt*f_tl
    call close_ring(n, t(:, 4))
    call tendency_tl(n, y(:, 4), t(:, 4), forcing_tl, f_tl)
    x_tl = third*(t(1:n, 2) + 2.0_wp*t(1:n, 3) + t(1:n, 4) - t(1:n, 1)) + dt/6.0_wp*f_tl
  end subroutine step_tl

  !> Change of the tendency.
  pure subroutine tendency_tl(n, y, t, forcing_tl, f_tl)
    integer, intent(in) :: n              !! K
    real(wp), intent(in) :: y(-1:n + 2)   !! stage
    real(wp), intent(in) :: t(-1:n + 2)   !! its change
    real(wp), intent(in) :: forcing_tl    !! change of F [1]
    real(wp), intent(out) :: f_tl(n)      !! change of f

    integer :: k

    do k = 1, n
      f_tl(k) = t(k - 1)*(y(k + 1) - y(k - 2)) + y(k - 1)*(t(k + 1) - t(k - 2)) - t(k) &
        + forcing_tl
    end do
  end subroutine tendency_tl

  !> Transpose of a step: with `u_s` the sensitivity to stage s, each is its own weight in
  !> the result plus what comes back through the tendency of the stage after it.
  pure subroutine step_ad(n, dt, y, x_ad, forcing_ad)
    integer, intent(in) :: n                !! K
    real(wp), intent(in) :: dt              !! time step [1]
    real(wp), intent(in) :: y(-1:n + 2, 4)  !! stages
    real(wp), intent(inout) :: x_ad(n)      !! sensitivity, carried back
    real(wp), intent(inout) :: forcing_ad   !! sensitivity to F, added

    real(wp) :: w(-1:n + 2), u(n), total(n), third

    third = 1.0_wp/3.0_wp
    w(1:n) = dt/6.0_wp*x_ad
    call tendency_ad(n, y(:, 4), third, x_ad, w, u, forcing_ad)
    total = u
    w(1:n) = dt*u
    call tendency_ad(n, y(:, 3), 2.0_wp*third, x_ad, w, u, forcing_ad)
    total = total + u
    w(1:n) = dt/2.0_wp*u
    call tendency_ad(n, y(:, 2), third, x_ad, w, u, forcing_ad)
    total = total + u
    w(1:n) = dt/2.0_wp*u
    call tendency_ad(n, y(:, 1), -third, x_ad, w, u, forcing_ad)
    x_ad = total + u
  end subroutine step_ad

  !> `u = c l + (df/dy)^T w`; `w` is closed here.
  pure subroutine tendency_ad(n, y, c, l, w, u, forcing_ad)
    integer, intent(in) :: n                 !! K
    real(wp), intent(in) :: y(-1:n + 2)      !! stage
    real(wp), intent(in) :: c                !! weight of the stage in the result
    real(wp), intent(in) :: l(n)             !! sensitivity to the result
    real(wp), intent(inout) :: w(-1:n + 2)   !! sensitivity to the tendency
    real(wp), intent(inout) :: u(n)          !! set: sensitivity to the stage
    real(wp), intent(inout) :: forcing_ad    !! sensitivity to F, added

    integer :: k

    call close_ring(n, w)
    do k = 1, n
      u(k) = c*l(k) - w(k) + w(k + 1)*(y(k + 2) - y(k - 1)) + w(k - 1)*y(k - 2) &
        - w(k + 2)*y(k + 1)
    end do
    forcing_ad = forcing_ad + sum(w(1:n))
  end subroutine tendency_ad

  !> Repeat two sites beyond either end.
  pure subroutine close_ring(n, y)
    integer, intent(in) :: n                !! K, at least 2
    real(wp), intent(inout) :: y(-1:n + 2)  !! ring

    y(-1) = y(n - 1)
    y(0) = y(n)
    y(n + 1) = y(1)
    y(n + 2) = y(2)
  end subroutine close_ring

end module lorenz96_windows
