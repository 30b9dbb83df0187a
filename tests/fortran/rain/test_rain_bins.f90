! SPDX-License-Identifier: MIT
!> Golovin's exact solution, and bins against it.
program test_rain_bins
  use kinds, only: wp
  use rain_bins, only: rain_bins_t
  use rain_drops, only: cloud_t, mass_of_radius
  use rain_golovin, only: golovin_moments
  use rain_kernels, only: kernel_t
  use testing, only: check, check_below, finish, slope
  implicit none

  real(wp), parameter :: b = 1500.0_wp        !! of Golovin's kernel [s-1]
  type(cloud_t), parameter :: clouds(3) = [cloud_t(1.0e-3_wp, 13.0e-6_wp, 0.0_wp), &
    cloud_t(1.0e-3_wp, 10.0e-6_wp, 0.0_wp), cloud_t(2.0e-3_wp, 13.0e-6_wp, 0.0_wp)]

  call exact_moments_are_those_of_the_table()
  call exact_moments_obey_their_own_laws()
  call bins_meet_the_exact_moments()
  call bins_converge_with_the_square_of_their_width()
  call finish()

contains

  !> Made with other quadratures, closed to 1e-15: Lc, Lr [g m-3], Nc, Nr [cm-3] of drops
  !> below and above 40 um.
  subroutine exact_moments_are_those_of_the_table()
    real(wp), parameter :: printed = 2.0e-7_wp !! last digit of the smallest numbers
    real(wp), parameter :: units(4) = [1.0e-3_wp, 1.0e-3_wp, 1.0e6_wp, 1.0e6_wp]
    real(wp), parameter :: times(8) = [600, 1200, 2400, 600, 1200, 2400, 600, 1200]
    integer, parameter :: cloud(8) = [1, 1, 1, 2, 2, 2, 3, 3]
    real(wp), parameter :: table(4, 8) = reshape([ &
      0.89639209_wp, 0.10360791_wp, 43.905892_wp, 0.27315097_wp, &
      0.44312147_wp, 0.55687853_wp, 17.140616_wp, 0.82124247_wp, &
      0.07130703_wp, 0.92869297_wp, 2.692833_wp, 0.27624270_wp, &
      0.98777138_wp, 0.01222862_wp, 97.024120_wp, 0.03723625_wp, &
      0.64074910_wp, 0.35925090_wp, 38.768757_wp, 0.69344547_wp, &
      0.11174207_wp, 0.88825793_wp, 6.139762_wp, 0.38329652_wp, &
      0.88624294_wp, 1.11375706_wp, 34.281232_wp, 1.64248493_wp, &
      0.14261406_wp, 1.85738594_wp, 5.385665_wp, 0.55248539_wp], [4, 8])
    real(wp) :: worst
    integer :: i

    worst = 0.0_wp
    do i = 1, 8
      worst = max(worst, maxval(abs(golovin_moments(clouds(cloud(i)), b, times(i), &
        mass_of_radius(40.0e-6_wp))/(table(:, i)*units) - 1.0_wp)))
    end do
    call check_below(worst, printed, "exact moments against the table")
  end subroutine exact_moments_are_those_of_the_table

  !> Mass is constant, number falls as exp(-b L t/rho).
  subroutine exact_moments_obey_their_own_laws()
    real(wp), parameter :: quadrature = 1.0e-8_wp
    type(cloud_t) :: cloud
    real(wp) :: m(4)

    cloud = clouds(1)
    m = golovin_moments(cloud, b, 1800.0_wp)
    call check_below(abs(sum(m(:2))/1.0e-3_wp - 1.0_wp), quadrature, "mass is constant")
    call check_below(abs(sum(m(3:))/(cloud%number()*exp(-b*1.0e-6_wp*1800.0_wp)) - 1), &
      quadrature,        "number falls exponentially")
  end subroutine exact_moments_obey_their_own_laws

  !> Errors of the four moments after some time.
  function errors_of_bins(per_doubling, cloud, time) result(errors)
    integer, intent(in) :: per_doubling
    type(cloud_t), intent(in) :: cloud
    real(wp), intent(in) :: time !! [s]
    real(wp) :: errors(4)

    real(wp), parameter :: dt = 20.0_wp !! [s]
    real(wp), parameter :: rounding = 1.0e-12_wp !! of 10^8 additions of positive numbers
    type(kernel_t) :: kernel
    type(rain_bins_t) :: bins
    integer :: i

    call kernel%setup("golovin", golovin_b=b)
    call bins%setup(per_doubling, kernel, limit=mass_of_radius(40.0e-6_wp))
    call bins%start(cloud)
    do i = 1, nint(time/dt)
      call bins%step(dt)
    end do
    call check(all(bins%number >= 0.0_wp), "no pivot has fewer than no drops")
    call check_below(abs(sum(bins%mass*bins%number)/cloud%liquid_water - 1), rounding, &
      "bins conserve mass")
    errors = bins%moments()/golovin_moments(cloud, b, time, mass_of_radius(40.0e-6_wp)) - 1
  end function errors_of_bins

  subroutine bins_meet_the_exact_moments()
    real(wp), parameter :: asked = 0.01_wp !! of each moment
    integer :: i

    do i = 1, 3
      call check_below(maxval(abs(errors_of_bins(16, clouds(i), 1200.0_wp))), asked, &
        "bins against the exact moments after 1200 s")
    end do
    call check_below(maxval(abs(errors_of_bins(16, clouds(1), 600.0_wp))), asked, &
      "bins against the exact moments after 600 s")
  end subroutine bins_meet_the_exact_moments

  subroutine bins_converge_with_the_square_of_their_width()
    real(wp), parameter :: order = 1.8_wp !! 2, less the next terms
    real(wp) :: coarse(4), fine(4)
    integer :: i

    coarse = errors_of_bins(4, clouds(1), 1200.0_wp)
    fine = errors_of_bins(8, clouds(1), 1200.0_wp)
    do i = 1, 4
      call check_below(order, slope([1.0_wp, 0.5_wp], abs([coarse(i), fine(i)])), &
        "order of convergence")
    end do
  end subroutine bins_converge_with_the_square_of_their_width

end program test_rain_bins
