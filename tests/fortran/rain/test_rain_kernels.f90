! SPDX-License-Identifier: MIT
!> Fall speeds, efficiencies and kernels against published values.
program test_rain_kernels
  use kinds, only: wp
  use rain_drops, only: mass_of_radius, pi, radius_of_mass, water_density
  use rain_efficiencies, only: efficiency_table_t
  use rain_fall_speeds, only: fall_speed
  use rain_kernels, only: kernel_names, kernel_t
  use testing, only: check, check_below, finish
  implicit none

  real(wp), parameter :: rounding = 1.0e-13_wp

  call drops_fall_as_measured()
  call fall_speeds_have_no_steps()
  call efficiencies_are_those_of_the_table()
  call kernels_are_symmetric_and_not_negative()
  call kernels_have_their_published_values()
  call an_absent_kernel_is_refused()
  call finish()

contains

  !> From 0.3 mm of diameter on: Gunn and Kinzer (1949), table 2,
  !> doi:10.1175/1520-0469(1949)006<0243:TTVOFF>2.0.CO;2.
  subroutine drops_fall_as_measured()
    real(wp), parameter :: tolerance = 0.03_wp !! Beard's fit of several measurements
    real(wp), parameter :: diameter(8) = 1.0e-3_wp*[0.3_wp, 0.4_wp, 0.8_wp, 1.0_wp, &
      1.6_wp, 2.4_wp, 3.6_wp, 5.0_wp]
    real(wp), parameter :: measured(8) = [1.17_wp, 1.62_wp, 3.27_wp, 4.03_wp, 5.65_wp, &
      7.27_wp, 8.60_wp, 9.09_wp]

    call check_below(maxval(abs(fall_speed(0.5_wp*diameter)/measured - 1)), tolerance, &
      "speeds of Gunn and Kinzer")
  end subroutine drops_fall_as_measured

  !> The three regimes meet, and the speed grows with size.
  subroutine fall_speeds_have_no_steps()
    real(wp), parameter :: joint = 0.02_wp !! Beard's regimes meet within 2 %
    real(wp), parameter :: ends(2) = 0.5_wp*[19.0e-6_wp, 1.07e-3_wp]
    real(wp) :: radii(2000), speeds(2000)
    integer :: i

    call check_below(maxval(abs(fall_speed(ends*(1 + 1.0e-9_wp)) &
      /fall_speed(ends*(1 - 1.0e-9_wp)) - 1)), joint, "the regimes meet")
    radii = 1.0e-6_wp*1.0041_wp**[(i, i=0, 1999)]
    speeds = fall_speed(radii)
    call check(all(speeds(2:) > (1.0_wp - joint)*speeds(:1999)), "larger drops fall faster")
  end subroutine fall_speeds_have_no_steps

  !> Values of Hall's table at its nodes, halfway, and beyond its end.
  subroutine efficiencies_are_those_of_the_table()
    type(efficiency_table_t) :: table
    real(wp) :: e(6)

    call table%setup()
    call table%evaluate(1.0e-6_wp*[10, 30, 300, 35, 15, 900], &
      [0.5_wp, 0.4_wp, 0.2_wp, 0.5_wp, 0.525_wp, 1.0_wp], e)
    call check_below(maxval(abs(e - [0.033_wp, 0.40_wp, 1.0_wp, 0.675_wp, 0.046_wp, &
      1.0_wp])), rounding, "Hall's efficiencies")
  end subroutine efficiencies_are_those_of_the_table

  subroutine kernels_are_symmetric_and_not_negative()
    type(kernel_t) :: kernel
    real(wp) :: masses(60)
    integer :: i, j, k
    logical :: holds

    masses = 1.0e-16_wp*1.6_wp**[(i, i=0, 59)]
    do k = 1, size(kernel_names)
      call kernel%setup(trim(kernel_names(k)))
      holds = .true.
      do j = 1, 60
        do i = 1, 60
          holds = holds .and. kernel%rate(masses(i), masses(j)) >= 0.0_wp .and. &
            abs(kernel%rate(masses(i), masses(j)) - kernel%rate(masses(j), masses(i))) <= &
            rounding*kernel%rate(masses(i), masses(j))
        end do
      end do
      call check(holds, trim(kernel_names(k))//": K(x, y) = K(y, x) >= 0")
    end do
  end subroutine kernels_are_symmetric_and_not_negative

  !> Formulas written out once more, at one pair each.
  subroutine kernels_have_their_published_values()
    real(wp), parameter :: table_error = 1.0e-4_wp !! fall speeds are interpolated
    type(kernel_t) :: kernel
    real(wp) :: x, y

    x = mass_of_radius(20.0e-6_wp)
    y = mass_of_radius(10.0e-6_wp)
    call check_below(abs(radius_of_mass(x)/20.0e-6_wp - 1.0_wp), rounding, "radius of mass")
    call kernel%setup("golovin", golovin_b=1500.0_wp)
    call check_below(abs(kernel%rate(x, y)/(1500.0_wp*(x + y)/water_density) - 1.0_wp), &
      rounding, "Golovin's kernel")
    call kernel%setup("long")
    call check_below(abs(kernel%rate(x, y)/(9.44e9_wp*(x**2 + y**2)) - 1.0_wp), rounding, &
      "Long's kernel of small drops")
    x = mass_of_radius(51.0e-6_wp)
    call check_below(abs(kernel%rate(x, y)/(5.78_wp*(x + y)) - 1.0_wp), rounding, &
      "Long's kernel of large drops")
    x = mass_of_radius(20.0e-6_wp)
    call kernel%setup("hall")
    call check_below(abs(kernel%rate(x, y)/(0.068_wp*pi*(30.0e-6_wp)**2* &
      (fall_speed(20.0e-6_wp) - fall_speed(10.0e-6_wp))) - 1.0_wp), table_error, &
      "Hall's kernel")
  end subroutine kernels_have_their_published_values

  subroutine an_absent_kernel_is_refused()
    type(kernel_t) :: kernel
    character(len=200) :: errmsg
    integer :: stat

    call kernel%setup("lang", stat=stat, errmsg=errmsg)
    call check(stat /= 0 .and. index(errmsg, "'kernel'") > 0 .and. &
      index(errmsg, "lang") > 0, "an absent kernel is refused by name")
  end subroutine an_absent_kernel_is_refused

end program test_rain_kernels
