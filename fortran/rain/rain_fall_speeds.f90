! SPDX-License-Identifier: MIT
!> Fall speed of water drops at rest in air of 20 C and 1013.25 hPa.
!>
!> Beard (1976), "Terminal velocity and shape of cloud and precipitation drops aloft",
!> doi:10.1175/1520-0469(1976)033<0851:TVASOC>2.0.CO;2: Stokes' law with slip below 19 um
!> of diameter, then polynomials of the logarithm of the Davies number, from 1.07 mm on of
!> the Bond and the physical property number. Above 7 mm, where drops break, the speed of
!> 7 mm is kept.
module rain_fall_speeds
  use kinds, only: wp
  use rain_drops, only: water_density
  implicit none
  private
  public :: fall_speed

  real(wp), parameter :: gravity = 9.80665_wp       !! [m s-2]
  real(wp), parameter :: air_density = 1.2041_wp    !! [kg m-3] at 20 C, 1013.25 hPa
  real(wp), parameter :: viscosity = 1.818e-5_wp    !! of air [kg m-1 s-1] at 20 C
  real(wp), parameter :: free_path = 6.62e-8_wp     !! of air molecules [m]
  real(wp), parameter :: tension = 7.28e-2_wp       !! of water against air [N m-1] at 20 C
  real(wp), parameter :: lift = water_density - air_density !! [kg m-3]
  real(wp), parameter :: first_limit = 19.0e-6_wp   !! of diameters [m]
  real(wp), parameter :: second_limit = 1.07e-3_wp  !! [m]
  real(wp), parameter :: largest = 7.0e-3_wp        !! [m]
  real(wp), parameter :: small(0:6) = [-3.18657_wp, 0.992696_wp, -1.53193e-3_wp, &
    -9.87059e-4_wp, -5.78878e-4_wp, 8.55176e-5_wp, -3.27815e-6_wp]
  real(wp), parameter :: large(0:5) = [-5.00015_wp, 5.23778_wp, -2.04914_wp, &
    0.475294_wp, -5.42819e-2_wp, 2.38449e-3_wp]

contains

  !> Fall speed of a drop [m s-1].
  elemental real(wp) function fall_speed(radius) result(speed)
    real(wp), intent(in) :: radius !! [m]

    real(wp) :: d, np6, slip, x

    d = min(2.0_wp*radius, largest)
    slip = 1.0_wp + 2.51_wp*free_path/d
    if (d < first_limit) then
      speed = slip*lift*gravity*d**2/(18.0_wp*viscosity)
    else if (d < second_limit) then
      x = log(4.0_wp*air_density*lift*gravity*d**3/(3.0_wp*viscosity**2))
      speed = viscosity/(air_density*d)*slip*exp(polynomial(small, x))
    else
      np6 = (tension**3*air_density**2/(viscosity**4*lift*gravity))**(1.0_wp/6.0_wp)
      x = log(4.0_wp*lift*gravity*d**2/(3.0_wp*tension)*np6)
      speed = viscosity/(air_density*d)*np6*exp(polynomial(large, x))
    end if
  end function fall_speed

  !> Horner's rule.
  pure real(wp) function polynomial(coefficients, x) result(y)
    real(wp), intent(in) :: coefficients(0:) !! of x^0, x^1, ...
    real(wp), intent(in) :: x

    integer :: i

    y = 0.0_wp
    do i = ubound(coefficients, 1), 0, -1
      y = y*x + coefficients(i)
    end do
  end function polynomial

end module rain_fall_speeds
