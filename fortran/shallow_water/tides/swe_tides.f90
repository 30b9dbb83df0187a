! SPDX-License-Identifier: MIT
!> Elevation at open boundaries from the amplitudes and phases of tidal constituents.
!>
!>     zeta(t) = ramp(t)*sum f*a*cos(w*t + V0 + u - g)
!>
!> The ramp (1 - cos(pi*t/t_ramp))/2 wakes a sea at rest gently; it is 1 from t_ramp on.
!> zeta is linear in f*a*cos(g - V0 - u) and f*a*sin(g - V0 - u), which the type keeps: its
!> tangent-linear is itself, its adjoint is `elevation_ad`.
module swe_tides
  use, intrinsic :: iso_fortran_env, only: dp => real64
  use failures, only: err_argument, err_shape, fail, succeed
  use swe_constituents, only: constituent_t, degree
  use swe_kinds, only: wp
  implicit none
  private
  public :: swe_tide_t

  !> Two periods of M2, 12.4206 hours each [s]: the usual ramp.
  real(dp), parameter, public :: two_m2_periods = 89428.3_dp

  !> The tide at a set of points.
  type :: swe_tide_t
    type(constituent_t), allocatable :: constituents(:)
    real(wp), allocatable :: cosine(:, :) !! f*a*cos(g - V0 - u) [m] (point, constituent)
    real(wp), allocatable :: sine(:, :)   !! f*a*sin(g - V0 - u) [m], alike
    real(dp) :: ramp = two_m2_periods     !! t_ramp [s]; 0: none
  contains
    procedure :: setup
    procedure :: elevation
    procedure :: elevation_ad
    procedure :: ramp_factor
  end type swe_tide_t

contains

  !> Take amplitudes and Greenwich phase lags over.
  subroutine setup(self, constituents, amplitude, phase, ramp, stat, errmsg)
    class(swe_tide_t), intent(inout) :: self
    type(constituent_t), intent(in) :: constituents(:) !! of `set_constituents`
    real(wp), intent(in) :: amplitude(:, :)    !! a [m] (point, constituent)
    real(wp), intent(in) :: phase(:, :)        !! g [degrees], alike
    real(dp), intent(in), optional :: ramp     !! t_ramp [s]
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    real(dp) :: lag(size(phase, 1))
    character(len=120) :: text
    integer :: k

    call succeed(stat)
    if (any(shape(amplitude) /= shape(phase)) .or. &
      size(amplitude, 2) /= size(constituents)) then
      write (text, "(a, 2(i0, a), 2(i0, a), i0, a)") "tide: amplitudes [", &
        size(amplitude, 1), ", ", size(amplitude, 2), "] and phases [", size(phase, 1), &
        ", ", size(phase, 2), "] must both be [points, ", size(constituents), "]"
      call fail(err_shape, trim(text), stat, errmsg)
      return
    end if
    if (.not. (all(abs(amplitude) < huge(1.0_wp)) .and. &
      all(abs(phase) < huge(1.0_wp)))) then
      call fail(err_argument, "tide: an amplitude or phase is not finite: give every " &
        //"boundary point a number", stat, errmsg)
      return
    end if
    self%constituents = constituents
    if (present(ramp)) self%ramp = ramp
    if (allocated(self%cosine)) deallocate (self%cosine, self%sine)
    allocate (self%cosine, self%sine, mold=amplitude)
    do k = 1, size(constituents)
      lag = phase(:, k)*degree - constituents(k)%argument
      self%cosine(:, k) = real(constituents(k)%factor*amplitude(:, k)*cos(lag), wp)
      self%sine(:, k) = real(constituents(k)%factor*amplitude(:, k)*sin(lag), wp)
    end do
  end subroutine setup

  !> Elevation at all points.
  pure subroutine elevation(self, time, zeta)
    class(swe_tide_t), intent(in) :: self
    real(dp), intent(in) :: time         !! since the epoch [s]
    real(wp), intent(out) :: zeta(:)     !! [m] (point)

    real(dp) :: angle
    integer :: k

    zeta = 0.0_wp
    do k = 1, size(self%constituents)
      angle = self%constituents(k)%speed*time
      zeta = zeta + real(self%ramp_factor(time)*cos(angle), wp)*self%cosine(:, k) &
        + real(self%ramp_factor(time)*sin(angle), wp)*self%sine(:, k)
    end do
  end subroutine elevation

  !> Adjoint of `elevation`: adds to the sensitivities to `cosine` and `sine`.
  pure subroutine elevation_ad(self, time, zeta_ad, cosine_ad, sine_ad)
    class(swe_tide_t), intent(in) :: self
    real(dp), intent(in) :: time                 !! since the epoch [s]
    real(wp), intent(in) :: zeta_ad(:)           !! (point)
    real(wp), intent(inout) :: cosine_ad(:, :)   !! (point, constituent)
    real(wp), intent(inout) :: sine_ad(:, :)     !! alike

    real(dp) :: angle
    integer :: k

    do k = 1, size(self%constituents)
      angle = self%constituents(k)%speed*time
      cosine_ad(:, k) = cosine_ad(:, k) &
        + real(self%ramp_factor(time)*cos(angle), wp)*zeta_ad
      sine_ad(:, k) = sine_ad(:, k) + real(self%ramp_factor(time)*sin(angle), wp)*zeta_ad
    end do
  end subroutine elevation_ad

  !> The ramp [1]: 0 at the start, 1 from t_ramp on.
  pure real(dp) function ramp_factor(self, time)
    class(swe_tide_t), intent(in) :: self
    real(dp), intent(in) :: time !! since the start [s]

    ramp_factor = 1.0_dp
    if (time < self%ramp) ramp_factor = sin(90.0_dp*degree*max(0.0_dp, time)/self%ramp)**2
  end function ramp_factor

end module swe_tides
