! SPDX-License-Identifier: MIT
!> A window of the one-level Lorenz-96 model with observations of its sites.
!>
!> The misfit is `1/2 sum w (x - y)^2` over sites and times, w being inverse variances, 0
!> where nothing was observed. Its stages are kept, so that a pair of linear sweeps costs no
!> step of the model.
module lorenz96_observed
  use four_d_var, only: window_t
  use kinds, only: wp
  use lorenz96_windows, only: finish, stages, step_ad, step_tl, weigh
  implicit none
  private
  public :: lorenz96_observed_t

  !> Model and observations.
  type, extends(window_t) :: lorenz96_observed_t
    real(wp) :: forcing = 8.0_wp           !! F [1]
    real(wp) :: dt = 0.05_wp               !! time step [1]
    real(wp), allocatable :: y(:, :)       !! observations, finite (k, time)
    real(wp), allocatable :: weight(:, :)  !! inverse variances or 0 (k, time)
    real(wp), allocatable :: stage(:, :, :) !! of all steps; made by `misfit`
  contains
    procedure :: misfit
    procedure :: curvature
  end type lorenz96_observed_t

contains

  !> Jo and its gradient.
  subroutine misfit(self, x, cost, x_ad)
    class(lorenz96_observed_t), intent(inout) :: self
    real(wp), intent(in), contiguous :: x(:)       !! first state (k)
    real(wp), intent(out) :: cost                  !! Jo
    real(wp), intent(inout), contiguous :: x_ad(:) !! set: gradient (k)

    real(wp) :: forcing_ad, last(size(x)), s(size(x))
    integer :: i, n, n_steps

    n = size(x)
    n_steps = size(self%y, 2) - 1
    if (.not. allocated(self%stage)) allocate (self%stage(-1:n + 2, 4, n_steps))
    cost = 0.0_wp
    forcing_ad = 0.0_wp
    last = x
    do i = 1, n_steps
      self%stage(1:n, 1, i) = last
      call stages(n, self%forcing, self%dt, self%stage(:, :, i))
      call finish(n, self%forcing, self%dt, self%stage(:, :, i), last)
    end do
    call weigh(n, last, self%y(:, n_steps + 1), self%weight(:, n_steps + 1), x_ad, cost)
    do i = n_steps, 1, -1
      call step_ad(n, self%dt, self%stage(:, :, i), x_ad, forcing_ad)
      call weigh(n, self%stage(1:n, 1, i), self%y(:, i), self%weight(:, i), s, cost)
      x_ad = x_ad + s
    end do
  end subroutine misfit

  !> `x_ad = G x_tl` along the stages of the last `misfit`.
  subroutine curvature(self, x_tl, x_ad)
    class(lorenz96_observed_t), intent(inout) :: self
    real(wp), intent(in), contiguous :: x_tl(:)    !! change of the first state (k)
    real(wp), intent(inout), contiguous :: x_ad(:) !! set (k)

    real(wp) :: change(size(x_tl), size(self%y, 2)), forcing_ad
    real(wp) :: t(-1:size(x_tl) + 2, 4)
    integer :: i, n, n_steps

    n = size(x_tl)
    n_steps = size(self%y, 2) - 1
    forcing_ad = 0.0_wp
    change(:, 1) = x_tl
    do i = 1, n_steps
      t(1:n, 1) = change(:, i)
      call step_tl(n, self%dt, self%stage(:, :, i), 0.0_wp, t, change(:, i + 1))
    end do
    x_ad = self%weight(:, n_steps + 1)*change(:, n_steps + 1)
    do i = n_steps, 1, -1
      call step_ad(n, self%dt, self%stage(:, :, i), x_ad, forcing_ad)
      x_ad = x_ad + self%weight(:, i)*change(:, i)
    end do
  end subroutine curvature

end module lorenz96_observed
