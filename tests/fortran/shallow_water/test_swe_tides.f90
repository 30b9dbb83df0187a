! SPDX-License-Identifier: MIT
!> Constituents against published numbers and the moon's calendar, the boundary's tide
!> against its formula, the analysis against signals that are known.
program test_swe_tides
  use, intrinsic :: iso_fortran_env, only: dp => real64
  use failures, only: err_argument, err_runtime, err_shape
  use swe_constituents, only: constituent_t, degree, set_constituents
  use swe_harmonics, only: swe_harmonics_t
  use swe_kinds, only: wp
  use swe_tides, only: swe_tide_t, two_m2_periods
  use testing, only: check, check_below, fill_random, finish
  implicit none

  character(len=3), parameter :: names(9) = &
    ["M2 ", "S2 ", "N2 ", "K2 ", "K1 ", "O1 ", "P1 ", "Q1 ", "M4 "]
  !> Schureman (1958): Manual of harmonic analysis and prediction of tides, table 2.
  real(dp), parameter :: published(9) = [28.9841042_dp, 30.0_dp, 28.4397295_dp, &
    30.0821373_dp, 15.0410686_dp, 13.9430356_dp, 14.9589314_dp, 13.3986609_dp, &
    57.9682084_dp] !! [degrees/hour]
  !> Of those numbers; the M4 printed there is twice the rounded M2.
  real(dp), parameter :: last_digit = 1.0e-7_dp
  real(dp), parameter :: rounding = 1.0e-12_dp  !! of sums of some thousand numbers near 1
  real(dp), parameter :: hour = 3600.0_dp

  call published_speeds()
  call arguments_follow_the_moon()
  call nodal_factors_swing_as_published()
  call ramp_is_smooth()
  call analysis_recovers_the_boundary_tide()
  call adjoint_is_transpose_of_elevation()
  call bad_input_is_told()
  call finish()

contains

  subroutine published_speeds()
    type(constituent_t), allocatable :: constituents(:)

    call set_constituents(constituents, names)
    call check_below(maxval(abs(constituents%speed*hour/degree - published)), last_digit, &
      "speeds of nine constituents as published [degrees/hour]")
  end subroutine published_speeds

  !> At the mean new moon M2 and S2 are in phase, at the mean perigee M2 and N2. Their dates
  !> are Meeus' (1998), chapters 49 and 50.
  subroutine arguments_follow_the_moon()
    real(dp), parameter :: minutes = 0.05_dp !! the moon's way in some minutes [degrees]
    type(constituent_t), allocatable :: c(:)
    integer :: i

    call set_constituents(c, ["S2", "M2"], "2000-01-06T14:20:38")
    call check_below(between(c(1)%argument - c(2)%argument), minutes, &
      "M2 and S2 in phase at a mean new moon [degrees]")
    call set_constituents(c, ["M2", "N2"], "1999-12-22T04:04")
    call check_below(between(c(1)%argument - c(2)%argument), minutes, &
      "M2 and N2 in phase at the perigee of December 1999 [degrees]")
    call set_constituents(c, names, "2026-02-28")
    call check_below(between(c(2)%argument), rounding*360, "S2 is zero at midnight")
    call check_below(between(c(5)%argument + c(6)%argument - c(1)%argument), rounding*360, &
      "K1 and O1 make M2")
    call check_below(between(c(5)%argument + c(7)%argument - c(2)%argument), rounding*360, &
      "K1 and P1 make S2")
    call check_below(between(c(9)%argument - 2*c(1)%argument), rounding*360, &
      "M4 is M2 twice")
    call check(all([(c(i)%factor >= 1.0_dp .and. c(i)%factor <= 1.0_dp, i=1, size(c))]), &
      "no nodal factor unless asked for")
  end subroutine arguments_follow_the_moon

  !> Distance of an angle from zero [degrees].
  real(dp) function between(angle)
    real(dp), intent(in) :: angle !! [rad]

    between = abs(modulo(angle/degree + 180.0_dp, 360.0_dp) - 180.0_dp)
  end function between

  !> f and u over the 18.6 years from 2006, when the node passed the equinox.
  subroutine nodal_factors_swing_as_published()
    type(constituent_t), allocatable :: c(:), plain(:)
    character(len=10) :: date
    real(dp) :: largest(4), smallest(4), swing
    integer :: month, year

    largest = 0.0_dp
    smallest = 9.0_dp
    swing = 0.0_dp
    do year = 2006, 2025
      do month = 1, 12
        write (date, "(i4, '-', i2.2, '-15')") year, month
        call set_constituents(c, ["M2", "K1", "O1", "K2"], date, has_nodal=.true.)
        call set_constituents(plain, ["M2"], date)
        largest = max(largest, c%factor)
        smallest = min(smallest, c%factor)
        swing = max(swing, between(c(1)%argument - plain(1)%argument))
        if (year == 2006 .and. month == 6) call check_below(abs(c(1)%factor - 0.963_dp), &
          0.001_dp, "f of M2 is smallest in June 2006")
        if (year == 2015 .and. month == 10) call check_below(abs(c(1)%factor - 1.038_dp), &
          0.001_dp, "f of M2 is largest in October 2015")
      end do
    end do
    call check_below(maxval(abs(smallest - [0.963_dp, 0.882_dp, 0.806_dp, 0.748_dp])), &
      0.002_dp, "smallest f of M2, K1, O1, K2 as in Schureman's table 14")
    call check_below(maxval(abs(largest - [1.038_dp, 1.113_dp, 1.183_dp, 1.317_dp])), &
      0.002_dp, "largest f of M2, K1, O1, K2 as in Schureman's table 14")
    call check_below(abs(swing - 2.14_dp), 0.01_dp, "u of M2 swings by 2.14 degrees")
  end subroutine nodal_factors_swing_as_published

  subroutine ramp_is_smooth()
    type(swe_tide_t) :: tide

    call check(abs(tide%ramp_factor(0.0_dp)) <= 0.0_dp, "the ramp starts at zero")
    call check_below(abs(tide%ramp_factor(0.5_dp*two_m2_periods) - 0.5_dp), rounding, &
      "half the ramp after half its time")
    call check(tide%ramp_factor(two_m2_periods) >= 1.0_dp, "the ramp ends at one")
    tide%ramp = 0.0_dp
    call check(tide%ramp_factor(0.0_dp) >= 1.0_dp, "no ramp if its time is zero")
  end subroutine ramp_is_smooth

  !> Six points, five constituents, nodal corrections: 30 days of elevations at odd times
  !> give the amplitudes and phases back.
  subroutine analysis_recovers_the_boundary_tide()
    integer, parameter :: nx = 3, ny = 2, n_samples = 1000
    type(constituent_t), allocatable :: constituents(:)
    type(swe_harmonics_t) :: analysis
    type(swe_tide_t) :: tide
    real(wp) :: amplitude(nx*ny, 5), phase(nx*ny, 5), zeta(nx*ny)
    real(wp) :: found(nx, ny, 5), lag(nx, ny, 5), mean(nx, ny), gap(nx*ny, 5)
    real(dp) :: time
    integer :: k

    call set_constituents(constituents, ["M2", "S2", "K1", "O1", "M4"], &
      "2026-11-21T15:00", has_nodal=.true.)
    call fill_random(amplitude, 1.0_wp)
    amplitude = 0.1_wp + abs(amplitude)
    call fill_random(phase, 100.0_wp)
    call tide%setup(constituents, amplitude, phase, ramp=0.0_dp)
    call analysis%setup(constituents, nx, ny)
    do k = 1, n_samples
      time = 30*24*hour*(k + 0.4_dp*sin(7.0_dp*k))/n_samples
      call tide%elevation(time, zeta)
      call analysis%add(time, reshape(zeta + 0.25_wp, [nx, ny]))
    end do
    call analysis%solve(found, lag, mean)
    gap = abs(reshape(found, [nx*ny, 5])*exp_i(reshape(lag, [nx*ny, 5])) &
      - amplitude*exp_i(phase))
    call check_below(real(maxval(gap), dp), rounding, "amplitudes and phases come back [m]")
    call check_below(real(maxval(abs(mean - 0.25_wp)), dp), rounding, "so does the mean")
  end subroutine analysis_recovers_the_boundary_tide

  !> exp(i*angle) of degrees.
  elemental complex(wp) function exp_i(angle)
    real(wp), intent(in) :: angle !! [degrees]

    exp_i = cmplx(cos(angle*degree), sin(angle*degree), wp)
  end function exp_i

  subroutine adjoint_is_transpose_of_elevation()
    type(constituent_t), allocatable :: constituents(:)
    type(swe_tide_t) :: tide
    real(wp) :: amplitude(4, 2), phase(4, 2), zeta(4), zeta_ad(4, 1)
    real(wp) :: cosine_ad(4, 2), sine_ad(4, 2)
    real(dp), parameter :: time = 40000.0_dp !! within the ramp [s]

    call set_constituents(constituents, ["M2", "S2"])
    call fill_random(amplitude, 1.0_wp)
    call fill_random(phase, 100.0_wp)
    call fill_random(zeta_ad, 1.0_wp)
    call tide%setup(constituents, amplitude, phase)
    call tide%elevation(time, zeta)
    cosine_ad = 0.0_wp
    sine_ad = 0.0_wp
    call tide%elevation_ad(time, zeta_ad(:, 1), cosine_ad, sine_ad)
    call check_below(real(abs(dot_product(zeta, zeta_ad(:, 1)) &
      - sum(cosine_ad*tide%cosine) - sum(sine_ad*tide%sine)), dp), rounding, &
      "the adjoint is the transpose")
  end subroutine adjoint_is_transpose_of_elevation

  subroutine bad_input_is_told()
    type(constituent_t), allocatable :: constituents(:)
    type(swe_harmonics_t) :: analysis
    type(swe_tide_t) :: tide
    real(wp) :: amplitude(2, 1), phase(2, 1), found(1, 1, 2), lag(1, 1, 2)
    character(len=240) :: errmsg
    integer :: k, stat

    call set_constituents(constituents, ["M9"], stat=stat, errmsg=errmsg)
    call check(stat == err_argument .and. index(errmsg, "'M9' is not known") > 0, &
      "an unknown constituent is named")
    call set_constituents(constituents, ["M2"], "31.12.2026", stat=stat, errmsg=errmsg)
    call check(stat == err_argument .and. index(errmsg, "YYYY-MM-DD") > 0, &
      "a date of another form is refused")
    call set_constituents(constituents, ["m2", "S2"])
    amplitude = 1.0_wp
    phase = 0.0_wp
    call tide%setup(constituents, amplitude, phase, stat=stat, errmsg=errmsg)
    call check(stat == err_shape .and. index(errmsg, "[points, 2]") > 0, &
      "amplitudes of another shape are refused")
    amplitude(1, 1) = amplitude(1, 1)/(amplitude(1, 1) - amplitude(2, 1))
    call tide%setup(constituents(:1), amplitude, phase, stat=stat, errmsg=errmsg)
    call check(stat == err_argument .and. index(errmsg, "not finite") > 0, &
      "an infinite amplitude is refused")
    call analysis%setup(constituents, 1, 1)
    call analysis%solve(found, lag, stat=stat, errmsg=errmsg)
    call check(stat == err_argument, "an analysis of nothing is refused")
    do k = 1, 50
      call analysis%add(k*0.5_dp*hour, reshape([1.0_wp], [1, 1]))
    end do
    call analysis%solve(found, lag, stat=stat, errmsg=errmsg)
    call check(stat == err_runtime .and. index(errmsg, "at least 354.4 hours") > 0, &
      "M2 and S2 cannot be told apart in a day: "//trim(errmsg))
  end subroutine bad_input_is_told

end program test_swe_tides
