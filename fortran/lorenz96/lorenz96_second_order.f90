! SPDX-License-Identifier: MIT
!> Second-order adjoint of the one-level model over a window, by hand: the change of an
!> adjoint sweep along a change of the trajectory, which makes Hessians times vectors.
!>
!> The adjoint of a stage is `u = c l + f'(y)^T w`. Since f is quadratic, its change along
!> `y + t` is exactly `u_tl = c l_tl + f'(y)^T w_tl + f''(t)^T w`, with
!> `(f''(t)^T w)_k = w_{k+1} (t_{k+2} - t_{k-1}) + w_{k-1} t_{k-2} - w_{k+2} t_{k+1}`.
!>
!> Le Dimet, Navon and Daescu (2002), doi 10.1175/1520-0493(2002)130<0629:SOIIDA>2.0.CO;2.
module lorenz96_second_order
  use kinds, only: wp
  use lorenz96_windows, only: close_ring, stages, step_tl
  implicit none
  private
  public :: lorenz96_sweep_soa

contains

  !> Carry sensitivities and their changes back to the first state of a trajectory.
  pure subroutine lorenz96_sweep_soa(forcing, dt, x, x_tl, forcing_tl, s, s_tl, x_ad, &
    x_ad_tl, forcing_ad, forcing_ad_tl)
    real(wp), intent(in) :: forcing                      !! F [1]
    real(wp), intent(in) :: dt                           !! time step [1]
    real(wp), intent(in), contiguous :: x(:, :, :)       !! trajectory (k, member, time)
    real(wp), intent(in), contiguous :: x_tl(:, :, :)    !! its change (k, member, time)
    real(wp), intent(in) :: forcing_tl(:)                !! change of F [1] (member)
    real(wp), intent(in), contiguous :: s(:, :, :)       !! sensitivities (k, member, time)
    real(wp), intent(in), contiguous :: s_tl(:, :, :)    !! their changes
    real(wp), intent(inout), contiguous :: x_ad(:, :)    !! set (k, member)
    real(wp), intent(inout), contiguous :: x_ad_tl(:, :) !! set: its change (k, member)
    real(wp), intent(inout) :: forcing_ad(:)             !! set (member)
    real(wp), intent(inout) :: forcing_ad_tl(:)          !! set: its change (member)

    real(wp), dimension(-1:size(x, 1) + 2, 4) :: y, t
    real(wp) :: next_tl(size(x, 1))
    integer :: i, last, m, n

    n = size(x, 1)
    last = size(x, 3)
    do m = 1, size(x, 2)
      forcing_ad(m) = 0.0_wp
      forcing_ad_tl(m) = 0.0_wp
      x_ad(:, m) = s(:, m, last)
      x_ad_tl(:, m) = s_tl(:, m, last)
      do i = last - 1, 1, -1
        y(1:n, 1) = x(:, m, i)
        call stages(n, forcing, dt, y)
        t(1:n, 1) = x_tl(:, m, i)
        call step_tl(n, dt, y, forcing_tl(m), t, next_tl)
        call close_ring(n, t(:, 4))
        call step_soa(n, dt, y, t, x_ad(:, m), x_ad_tl(:, m), forcing_ad(m), &
          forcing_ad_tl(m))
        x_ad(:, m) = x_ad(:, m) + s(:, m, i)
        x_ad_tl(:, m) = x_ad_tl(:, m) + s_tl(:, m, i)
      end do
    end do
  end subroutine lorenz96_sweep_soa

  !> Transpose of a step, and its change; as `step_ad` of `lorenz96_windows`.
  pure subroutine step_soa(n, dt, y, t, x_ad, x_ad_tl, forcing_ad, forcing_ad_tl)
    integer, intent(in) :: n                 !! K
    real(wp), intent(in) :: dt               !! time step [1]
    real(wp), intent(in) :: y(-1:n + 2, 4)   !! stages
    real(wp), intent(in) :: t(-1:n + 2, 4)   !! their changes
    real(wp), intent(inout) :: x_ad(n)       !! sensitivity, carried back
    real(wp), intent(inout) :: x_ad_tl(n)    !! its change, carried back
    real(wp), intent(inout) :: forcing_ad    !! sensitivity to F, added
    real(wp), intent(inout) :: forcing_ad_tl !! its change, added

    real(wp), parameter :: third = 1.0_wp/3.0_wp
    real(wp), parameter :: weights(4) = [-third, third, 2.0_wp*third, third]
    real(wp) :: inner(4)
    real(wp), dimension(n) :: total, total_tl, u, u_tl
    real(wp), dimension(-1:n + 2) :: w, w_tl
    integer :: stage

    inner = [dt/2.0_wp, dt/2.0_wp, dt, dt/6.0_wp]
    u = x_ad
    u_tl = x_ad_tl
    total = 0.0_wp
    total_tl = 0.0_wp
    do stage = 4, 1, -1
      w(1:n) = inner(stage)*u
      w_tl(1:n) = inner(stage)*u_tl
      call tendency_soa(n, y(:, stage), t(:, stage), w, w_tl, u, u_tl)
      u = u + weights(stage)*x_ad
      u_tl = u_tl + weights(stage)*x_ad_tl
      total = total + u
      total_tl = total_tl + u_tl
      forcing_ad = forcing_ad + sum(w(1:n))
      forcing_ad_tl = forcing_ad_tl + sum(w_tl(1:n))
    end do
    x_ad = total
    x_ad_tl = total_tl
  end subroutine step_soa

  !> `u = f'(y)^T w` and its change; `w` and `w_tl` are closed here.
  pure subroutine tendency_soa(n, y, t, w, w_tl, u, u_tl)
    integer, intent(in) :: n                  !! K
    real(wp), intent(in) :: y(-1:n + 2)       !! stage
    real(wp), intent(in) :: t(-1:n + 2)       !! its change
    real(wp), intent(inout) :: w(-1:n + 2)    !! sensitivity to the tendency
    real(wp), intent(inout) :: w_tl(-1:n + 2) !! its change
    real(wp), intent(inout) :: u(n)           !! set: sensitivity to the stage
    real(wp), intent(inout) :: u_tl(n)        !! set: its change

    integer :: k

    call close_ring(n, w)
    call close_ring(n, w_tl)
    do k = 1, n
      u(k) = w(k + 1)*(y(k + 2) - y(k - 1)) + w(k - 1)*y(k - 2) - w(k + 2)*y(k + 1) - w(k)
      u_tl(k) = w_tl(k + 1)*(y(k + 2) - y(k - 1)) + w_tl(k - 1)*y(k - 2) &
        - w_tl(k + 2)*y(k + 1) - w_tl(k) &
        + w(k + 1)*(t(k + 2) - t(k - 1)) + w(k - 1)*t(k - 2) - w(k + 2)*t(k + 1)
    end do
  end subroutine tendency_soa

end module lorenz96_second_order
