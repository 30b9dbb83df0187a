! SPDX-License-Identifier: MIT
!> 4D-Var of Lorenz-96 as a plain procedure on arrays, for f90wrap.
!>
!> As in `lorenz96_api`: no derived types, no failures, `inout` for what is set.
module inverse_api
  use four_d_var, only: analysis_t, minimise
  use kinds, only: wp
  use lorenz96_observed, only: lorenz96_observed_t
  implicit none
  private
  public :: lorenz96_analysis

contains

  !> Analyse a window.
  subroutine lorenz96_analysis(x_b, s, has_background, observed, weight, forcing, dt, &
    tolerance, max_outer, max_inner, x, report)
    real(wp), intent(in) :: x_b(:)         !! background, or first guess (k)
    real(wp), intent(in) :: s(:)           !! standard deviations, ones without (k)
    integer, intent(in) :: has_background  !! 1 or 0
    real(wp), intent(in) :: observed(:, :) !! observations, finite (k, time)
    real(wp), intent(in) :: weight(:, :)   !! inverse variances or 0 (k, time)
    real(wp), intent(in) :: forcing        !! F
    real(wp), intent(in) :: dt             !! time step
    real(wp), intent(in) :: tolerance      !! factor by which the gradient falls
    integer, intent(in) :: max_outer       !! linearisations at most
    integer, intent(in) :: max_inner       !! conjugate gradients in each
    real(wp), intent(inout) :: x(:)        !! set: analysis (k)
    real(wp), intent(inout) :: report(6)
    !! set: cost, norm of the gradient at the end and the start, sweeps, outer loops, 1 if
    !! converged

    type(lorenz96_observed_t) :: window
    type(analysis_t) :: analysis

    window%forcing = forcing
    window%dt = dt
    window%y = observed
    window%weight = weight
    call minimise(window, x_b, s, has_background == 1, tolerance, max_outer, max_inner, x, &
      analysis)
    report = [analysis%cost, analysis%gradient_norm, analysis%gradient_norm_start, &
      real(analysis%n_sweeps, wp), real(analysis%n_outer, wp), &
      merge(1.0_wp, 0.0_wp, analysis%is_converged)]
  end subroutine lorenz96_analysis

end module inverse_api
