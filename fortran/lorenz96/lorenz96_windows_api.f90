! SPDX-License-Identifier: MIT
!> Windows of the one-level model as plain procedures on arrays, for f90wrap.
!>
!> As in `lorenz96_api`: no derived types, no failures, `inout` for what is set, and whoever
!> calls has checked the shapes. x(k, member, time) is [time, member, k] in Python.
module lorenz96_windows_api
  use kinds, only: wp
  use lorenz96_second_order, only: lorenz96_sweep_soa
  use lorenz96_windows, only: lorenz96_sweep_ad, lorenz96_sweep_tl, lorenz96_trajectory
  implicit none
  private
  public :: sweep_ad, sweep_soa, sweep_tl, trajectory

contains

  !> Fill a trajectory from its first state.
  subroutine trajectory(x, forcing, dt)
    real(wp), intent(inout) :: x(:, :, :) !! the first time is given (k, member, time)
    real(wp), intent(in) :: forcing       !! F
    real(wp), intent(in) :: dt            !! time step

    call lorenz96_trajectory(forcing, dt, x)
  end subroutine trajectory

  !> Fill the changes of a trajectory from the first one.
  subroutine sweep_tl(x, x_tl, forcing, dt, forcing_tl)
    real(wp), intent(in) :: x(:, :, :)       !! trajectory (k, member, time)
    real(wp), intent(inout) :: x_tl(:, :, :) !! the first time is given (k, member, time)
    real(wp), intent(in) :: forcing          !! F
    real(wp), intent(in) :: dt               !! time step
    real(wp), intent(in) :: forcing_tl(:)    !! change of F (member)

    call lorenz96_sweep_tl(forcing, dt, x, x_tl, forcing_tl)
  end subroutine sweep_tl

  !> Carry sensitivities back to the first state.
  subroutine sweep_ad(x, s, forcing, dt, x_ad, forcing_ad)
    real(wp), intent(in) :: x(:, :, :)       !! trajectory (k, member, time)
    real(wp), intent(in) :: s(:, :, :)       !! sensitivity to it (k, member, time)
    real(wp), intent(in) :: forcing          !! F
    real(wp), intent(in) :: dt               !! time step
    real(wp), intent(inout) :: x_ad(:, :)    !! set (k, member)
    real(wp), intent(inout) :: forcing_ad(:) !! set (member)

    call lorenz96_sweep_ad(forcing, dt, x, s, x_ad, forcing_ad)
  end subroutine sweep_ad

  !> Carry sensitivities and their changes back to the first state.
  subroutine sweep_soa(x, x_tl, forcing, dt, forcing_tl, s, s_tl, x_ad, x_ad_tl, &
    forcing_ad, forcing_ad_tl)
    real(wp), intent(in) :: x(:, :, :)          !! trajectory (k, member, time)
    real(wp), intent(in) :: x_tl(:, :, :)       !! its change (k, member, time)
    real(wp), intent(in) :: forcing             !! F
    real(wp), intent(in) :: dt                  !! time step
    real(wp), intent(in) :: forcing_tl(:)       !! change of F (member)
    real(wp), intent(in) :: s(:, :, :)          !! sensitivity (k, member, time)
    real(wp), intent(in) :: s_tl(:, :, :)       !! its change (k, member, time)
    real(wp), intent(inout) :: x_ad(:, :)       !! set (k, member)
    real(wp), intent(inout) :: x_ad_tl(:, :)    !! set (k, member)
    real(wp), intent(inout) :: forcing_ad(:)    !! set (member)
    real(wp), intent(inout) :: forcing_ad_tl(:) !! set (member)

    call lorenz96_sweep_soa(forcing, dt, x, x_tl, forcing_tl, s, s_tl, x_ad, x_ad_tl, &
      forcing_ad, forcing_ad_tl)
  end subroutine sweep_soa

end module lorenz96_windows_api
