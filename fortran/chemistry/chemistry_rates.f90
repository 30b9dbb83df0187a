! SPDX-License-Identifier: MIT
!> Rate constants at a temperature and a time of day.
!>
!> Falloff after Troe as in the JPL evaluations: with the third body M among the reactants,
!> k [M] = k0 [M]/(1 + x) Fc^(1/(1 + log10(x)^2)), x = k0 [M]/kinf.
!> Photolysis "day" after the KPP examples (Sandu & Sander 2006): T = (2 h - rise - set)/
!> (set - rise), S = (1 + cos(pi T|T|))/2. Photolysis "zenith" after Saunders et al. (2003),
!> ACP 3, 161: l cos(chi)^m exp(-n/cos(chi)), with all its derivatives zero at sunrise.
module chemistry_rates
  use chemistry_kernel, only: lanes
  use chemistry_mechanism, only: mechanism_t, rate_arrhenius, rate_constant, rate_falloff, &
    rate_photolysis, reaction_t, sun_day, sun_position, sun_t
  use kinds, only: wp
  implicit none
  private
  public :: light_at, photolyse, thermal_rate

  real(wp), parameter :: pi = acos(-1.0_wp)
  real(wp), parameter :: reference = 300.0_wp !! temperature of the constants [K]
  real(wp), parameter :: day = 24.0_wp        !! [h]
  real(wp), parameter :: darkness = 1.0e-3_wp !! cos(chi) below which exp(-n/cos) is zero

contains

  !> Rate constant of a reaction that needs no light, fixed reactants included.
  pure real(wp) function thermal_rate(reaction, temperature) result(k)
    type(reaction_t), intent(in) :: reaction
    real(wp), intent(in) :: temperature !! [K]

    real(wp) :: ratio, x

    ratio = temperature/reference
    associate (c => reaction%rate%c)
      select case (reaction%rate%form)
      case (rate_constant)
        k = c(1)*reaction%factor
      case (rate_arrhenius)
        k = c(1)*ratio**c(2)*exp(c(3)/temperature)*reaction%factor
      case (rate_falloff)
        k = c(1)*ratio**c(2)*reaction%factor
        x = k/(c(3)*ratio**c(4))
        k = k/(1.0_wp + x)*c(5)**(1.0_wp/(1.0_wp + log10(x)**2))
      case default
        k = 0.0_wp
      end select
    end associate
  end function thermal_rate

  !> S(t) or cos(chi), and its derivative in time; zero at night.
  elemental subroutine light_at(sun, t, light, change)
    type(sun_t), intent(in) :: sun
    real(wp), intent(in) :: t         !! time since midnight [time unit]
    real(wp), intent(out) :: light    !! [1]
    real(wp), intent(out) :: change   !! [1/time unit]

    real(wp) :: hour, phase, slope

    hour = modulo(t*sun%hours_per_unit, day)
    light = 0.0_wp
    change = 0.0_wp
    select case (sun%form)
    case (sun_day)
      if (hour <= sun%rise .or. hour >= sun%set) return
      phase = (2*hour - sun%rise - sun%set)/(sun%set - sun%rise)
      slope = 2*sun%hours_per_unit/(sun%set - sun%rise)
      light = 0.5_wp*(1.0_wp + cos(pi*phase*abs(phase)))
      change = -pi*abs(phase)*slope*sin(pi*phase*abs(phase))
    case (sun_position)
      associate (latitude => sun%latitude*pi/180, declination => sun%declination*pi/180)
        phase = 2*pi*(hour - day/2)/day
        light = sin(latitude)*sin(declination) + cos(latitude)*cos(declination)*cos(phase)
        if (light <= darkness) then
          light = 0.0_wp
        else
          change = -cos(latitude)*cos(declination)*sin(phase)*2*pi*sun%hours_per_unit/day
        end if
      end associate
    case default
      return
    end select
  end subroutine light_at

  !> Rate constants of the photolytic reactions of all lanes, and their derivative in time.
  pure subroutine photolyse(mechanism, photolytic, t, k, k_t, factor)
    type(mechanism_t), intent(in) :: mechanism
    integer, intent(in) :: photolytic(:)                     !! reactions
    real(wp), intent(in) :: t(lanes)                         !! time [time unit]
    real(wp), intent(inout) :: k(lanes, size(mechanism%reactions))   !! set for those
    real(wp), intent(inout), optional :: k_t(lanes, size(mechanism%reactions)) !! as well
    real(wp), intent(in), optional :: factor(lanes, size(mechanism%reactions)) !! of both

    real(wp), dimension(lanes) :: light, change, rate, log_light, relative
    integer :: l, p, r

    call light_at(mechanism%sun, t, light, change)
    log_light = log(max(light, tiny(light)))
    do p = 1, size(photolytic)
      r = photolytic(p)
      associate (c => mechanism%reactions(r)%rate%c, f => mechanism%reactions(r)%factor)
        if (mechanism%reactions(r)%rate%form == rate_photolysis) then
          do l = 1, lanes
            rate(l) = merge(f*c(1)*exp(c(2)*log_light(l)), 0.0_wp, light(l) > 0.0_wp)
            relative(l) = c(2)/max(light(l), tiny(light))
          end do
        else
          do l = 1, lanes
            rate(l) = merge(f*c(1)*exp(c(2)*log_light(l) - c(3)/max(light(l), darkness)), &
              0.0_wp, light(l) > 0.0_wp)
            relative(l) = (c(2) + c(3)/max(light(l), darkness))/max(light(l), darkness)
          end do
        end if
      end associate
      if (present(factor)) rate = rate*factor(:, r)
      k(:, r) = rate
      if (present(k_t)) k_t(:, r) = merge(rate*relative*change, 0.0_wp, light > 0.0_wp)
    end do
  end subroutine photolyse

end module chemistry_rates
