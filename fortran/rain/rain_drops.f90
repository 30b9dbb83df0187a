! SPDX-License-Identifier: MIT
!> Drops of water: mass and radius, and the gamma distribution a cloud begins with.
!>
!>   f(x) = A x^nu exp(-B x)   drops per volume and mass [m-3 kg-1]
!>
!> with the mean mass (nu + 1)/B = 4/3 pi rho r_m^3 and the liquid water L = integral x f.
!> Source: Seifert and Rasp (2020), "Potential and limitations of machine learning for
!> modeling warm-rain cloud microphysical processes", doi:10.1029/2020MS002301.
module rain_drops
  use kinds, only: wp
  implicit none
  private
  public :: cloud_t, mass_of_radius, radius_of_mass

  real(wp), parameter, public :: pi = 3.14159265358979323846_wp
  real(wp), parameter, public :: water_density = 1000.0_wp !! [kg m-3]
  real(wp), parameter, public :: x_star = 2.6e-10_wp
    !! limit of cloud and rain [kg], 40 um (Seifert and Beheng 2001)
  real(wp), parameter :: mass_factor = 4.0_wp/3.0_wp*pi*water_density

  !> What a cloud begins with.
  type :: cloud_t
    real(wp) :: liquid_water = 1.0e-3_wp !! L [kg m-3]
    real(wp) :: mean_radius = 13.0e-6_wp !! r_m, of the mean mass [m]
    real(wp) :: shape = 1.0_wp           !! nu [1]
  contains
    procedure :: mean_mass
    procedure :: number
    procedure :: density
  end type cloud_t

contains

  !> Mass of a drop [kg].
  elemental real(wp) function mass_of_radius(radius)
    real(wp), intent(in) :: radius !! [m]

    mass_of_radius = mass_factor*radius**3
  end function mass_of_radius

  !> Radius of a drop [m].
  elemental real(wp) function radius_of_mass(mass)
    real(wp), intent(in) :: mass !! [kg]

    radius_of_mass = exp(log(mass*(1.0_wp/mass_factor))*(1.0_wp/3.0_wp))
  end function radius_of_mass

  !> Mean mass of the drops [kg].
  pure real(wp) function mean_mass(self)
    class(cloud_t), intent(in) :: self

    mean_mass = mass_of_radius(self%mean_radius)
  end function mean_mass

  !> Number of drops [m-3].
  pure real(wp) function number(self)
    class(cloud_t), intent(in) :: self

    number = self%liquid_water/self%mean_mass()
  end function number

  !> Distribution f of the drops over their mass [m-3 kg-1].
  elemental real(wp) function density(self, mass)
    class(cloud_t), intent(in) :: self
    real(wp), intent(in) :: mass !! [kg], positive

    real(wp) :: b

    b = (self%shape + 1.0_wp)/self%mean_mass()
    density = self%number()*b*exp(self%shape*log(b*mass) - b*mass &
      - log_gamma(self%shape + 1.0_wp))
  end function density

end module rain_drops
