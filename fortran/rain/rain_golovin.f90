! SPDX-License-Identifier: MIT
!> Golovin's exact solution of the coalescence equation, as a test of numerical ones.
!>
!> With K = b (x + y)/rho and an exponential distribution at the start (shape 0),
!>
!>   n(x, t) = N0 (1 - T)/(x sqrt(T)) exp(-(1 + T) x/x0) I1(2 x sqrt(T)/x0)
!>   T = 1 - exp(-b L t/rho)
!>
!> Golovin (1963); in this form Scott (1968), "Analytic studies of cloud droplet coalescence
!> I", doi:10.1175/1520-0469(1968)025<0054:ASOCDC>2.0.CO;2.
module rain_golovin
  use kinds, only: wp
  use rain_drops, only: cloud_t, pi, water_density, x_star
  implicit none
  private
  public :: golovin_density, golovin_moments

  integer, parameter :: n_points = 20000       !! of the quadrature, on either side
  real(wp), parameter :: least = 1.0e-12_wp    !! lower end of it, over the mean mass
  real(wp), parameter :: negligible = 60.0_wp  !! upper end: exponent of the decay
  real(wp), parameter :: large_argument = 30.0_wp !! of I1: asymptotic series from here

contains

  !> Distribution of drops over mass [m-3 kg-1].
  elemental real(wp) function golovin_density(cloud, b, time, mass) result(density)
    type(cloud_t), intent(in) :: cloud !! at the start, of shape 0
    real(wp), intent(in) :: b          !! of the kernel [s-1]
    real(wp), intent(in) :: time       !! [s]
    real(wp), intent(in) :: mass       !! [kg]

    real(wp) :: root, t, z

    z = mass/cloud%mean_mass()
    if (time <= 0.0_wp) then
      density = cloud%density(mass)
      return
    end if
    t = 1.0_wp - exp(-b*cloud%liquid_water/water_density*time)
    root = sqrt(t)
    ! exp(-(1 + T) z + 2 sqrt(T) z) = exp(-(1 - sqrt(T))^2 z): nothing overflows.
    density = cloud%number()*(1.0_wp - t)/(mass*root)*exp(-(1.0_wp - root)**2*z) &
      *scaled_i1(2.0_wp*z*root)
  end function golovin_density

  !> Mass and number of cloud and rain: Lc, Lr [kg m-3], Nc, Nr [m-3].
  pure function golovin_moments(cloud, b, time, limit) result(moments)
    type(cloud_t), intent(in) :: cloud !! at the start, of shape 0
    real(wp), intent(in) :: b          !! of the kernel [s-1]
    real(wp), intent(in) :: time       !! [s]
    real(wp), intent(in), optional :: limit !! of cloud and rain [kg]; x* if absent
    real(wp) :: moments(4)

    real(wp) :: decay, last, middle, root

    middle = x_star
    if (present(limit)) middle = limit
    root = sqrt(1.0_wp - exp(-b*cloud%liquid_water/water_density*time))
    decay = (1.0_wp - root)**2
    last = max(cloud%mean_mass()*negligible/decay, 10.0_wp*middle)
    moments([1, 3]) = integral(cloud, b, time, least*cloud%mean_mass(), middle)
    moments([2, 4]) = integral(cloud, b, time, middle, last)
  end function golovin_moments

  !> Mass and number between two masses, by Simpson's rule over the logarithm.
  pure function integral(cloud, b, time, first, last) result(sums)
    type(cloud_t), intent(in) :: cloud
    real(wp), intent(in) :: b          !! [s-1]
    real(wp), intent(in) :: time       !! [s]
    real(wp), intent(in) :: first      !! [kg]
    real(wp), intent(in) :: last       !! [kg]
    real(wp) :: sums(2)                !! mass [kg m-3], number [m-3]

    real(wp) :: step, weight, x
    integer :: i

    step = log(last/first)/n_points
    sums = 0.0_wp
    do i = 0, n_points
      weight = merge(4.0_wp, 2.0_wp, modulo(i, 2) == 1)
      if (i == 0 .or. i == n_points) weight = 1.0_wp
      x = first*exp(step*i)
      sums = sums + weight*x*golovin_density(cloud, b, time, x)*[x, 1.0_wp]
    end do
    sums = sums*step/3.0_wp
  end function integral

  !> exp(-z) I1(z), the modified Bessel function: power series, or the asymptotic one.
  elemental real(wp) function scaled_i1(z) result(value)
    real(wp), intent(in) :: z !! not negative

    real(wp) :: term
    integer :: k

    if (z < large_argument) then
      term = 0.5_wp*z*exp(-z)
      value = term
      do k = 1, 80
        term = term*(0.25_wp*z*z)/(k*(k + 1.0_wp))
        value = value + term
        if (term <= epsilon(value)*value) exit
      end do
    else
      term = 1.0_wp
      value = term
      do k = 1, 20
        term = -term*(4.0_wp - (2*k - 1.0_wp)**2)/(8.0_wp*k*z)
        value = value + term
        if (abs(term) <= epsilon(value)*value) exit
      end do
      value = value/sqrt(2.0_wp*pi*z)
    end if
  end function scaled_i1

end module rain_golovin
