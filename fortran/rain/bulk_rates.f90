! SPDX-License-Identifier: MIT
!> Warm rain by four moments: the rates of Seifert & Beheng, and the fluxes they drive.
!>
!> Cloud and rain are told apart at the drop mass x* (40 um). Mass L [kg m-3] and number
!> N [m-3] of both change by collisions,
!>
!>   dLc/dt = -AU - AC             dLr/dt = AU + AC
!>   dNc/dt = -AC/xc - SCc         dNr/dt = AU/x* - SCr
!>
!>   AU  = kcc/(20 x*) (nu+2)(nu+4)/(nu+1)^2 Lc^2 xc^2 [1 + Phi/(1-tau)^2]   autoconversion
!>   AC  = kcr Lc Lr (tau/(tau + 5e-4))^4                                    accretion
!>   SCc = kcc (nu+2)/(nu+1) Lc^2        self-collection of cloud, autoconversion included
!>   SCr = krr Lr Nr                     self-collection of rain
!>
!> with xc = Lc/Nc the mean mass of a cloud drop now, tau = Lr/(Lc+Lr) and
!> Phi = 600 tau^0.68 (1 - tau^0.68)^3. Source: Seifert & Beheng (2001), "A double-moment
!> parameterization for simulating autoconversion, accretion and selfcollection", Atmos.
!> Res. 59-60, 265-281, doi:10.1016/S0169-8095(01)00126-0, for Long's kernel.
!>
!> Cells are worked on in blocks of `lanes`, always whole ones, so that a cell's bits do not
!> depend on how many there are.
module bulk_rates
  use kinds, only: wp
  implicit none
  private
  public :: apply_fluxes, block_rates

  integer, parameter, public :: lanes = 64   !! cells of a block
  integer, parameter, public :: n_fluxes = 5 !! AU, AC, SCc, SCr and AC/xc
  real(wp), parameter, public :: kcc = 9.44e9_wp     !! cloud-cloud [m3 kg-2 s-1]
  real(wp), parameter, public :: kcr = 5.78_wp       !! cloud-rain [m3 kg-1 s-1]
  real(wp), parameter, public :: krr = 4.33_wp       !! rain-rain [m3 kg-1 s-1]
  real(wp), parameter, public :: x_star = 2.6e-10_wp !! limit of cloud and rain [kg]
  real(wp), parameter, public :: tau_accretion = 5.0e-4_wp !! onset of accretion [1]
  real(wp), parameter, public :: phi_factor = 600.0_wp     !! of Phi [1]
  real(wp), parameter, public :: phi_power = 0.68_wp  !! of tau in Phi [1]
  real(wp), parameter, public :: least = 1.0e-100_wp  !! keeps quotients of zeros finite

contains

  !> Rates of a block of cells.
  pure subroutine block_rates(y, nu, r)
    real(wp), intent(in) :: y(lanes, 4)         !! Lc, Nc, Lr, Nr [kg m-3, m-3]
    real(wp), intent(in) :: nu(lanes)           !! shape of the first spectrum [1]
    real(wp), intent(out) :: r(lanes, n_fluxes) !! AU, AC [kg m-3 s-1], rest [m-3 s-1]

    real(wp) :: accreted, lc, nc, p, phi, spread, tau, total, xc
    integer :: i

    do i = 1, lanes
      lc = y(i, 1)
      ! A cloud drop is no heavier than x*, so there are at least Lc/x* of them.
      nc = max(y(i, 2), lc*(1.0_wp/x_star))
      xc = lc/max(nc, least)
      total = lc + y(i, 3)
      tau = y(i, 3)/max(total, least)
      p = exp(phi_power*log(max(tau, least)))
      phi = phi_factor*p*(1.0_wp - p)**3
      spread = (nu(i) + 2.0_wp)/(nu(i) + 1.0_wp)
      accreted = kcr*y(i, 3)*(tau/(tau + tau_accretion))**4
      ! Lc^2 [1 + Phi/(1-tau)^2] without the quotient, for 1 - tau = Lc/total.
      r(i, 1) = kcc/(20.0_wp*x_star)*spread*(nu(i) + 4.0_wp)/(nu(i) + 1.0_wp)*xc**2 &
        *(lc**2 + phi*total**2)
      r(i, 2) = accreted*lc
      r(i, 3) = kcc*spread*lc**2
      r(i, 4) = krr*y(i, 3)*y(i, 4)
      r(i, 5) = accreted*nc
    end do
  end subroutine block_rates

  !> Let fluxes act for `dt`, where no more moves than the donor holds.
  !>
  !> What leaves the cloud arrives in the rain, so mass is kept whatever the rates are.
  !> Number: cloud loses at most what keeps its drops below x*, rain at most what it has.
  pure subroutine apply_fluxes(y, r, dt, y_new)
    real(wp), intent(in) :: y(lanes, 4)        !! Lc, Nc, Lr, Nr before
    real(wp), intent(in) :: r(lanes, n_fluxes) !! mean rates, none negative but r(:, 3)
    real(wp), intent(in) :: dt                 !! for this time [s]
    real(wp), intent(out) :: y_new(lanes, 4)   !! after

    real(wp) :: gain, loss, moved, part
    integer :: i

    do i = 1, lanes
      moved = dt*(r(i, 1) + r(i, 2))
      part = min(1.0_wp, y(i, 1)/max(moved, least))
      moved = min(moved, y(i, 1))
      y_new(i, 1) = y(i, 1) - moved
      y_new(i, 3) = y(i, 3) + moved
      loss = max(dt*(r(i, 3) + part*r(i, 5)), 0.0_wp)
      y_new(i, 2) = max(y(i, 2) - loss, min(y(i, 2), y_new(i, 1)*(1.0_wp/x_star)))
      gain = part*dt*r(i, 1)*(1.0_wp/x_star)
      y_new(i, 4) = max(y(i, 4) + gain - dt*r(i, 4), 0.0_wp)
    end do
  end subroutine apply_fluxes

end module bulk_rates
