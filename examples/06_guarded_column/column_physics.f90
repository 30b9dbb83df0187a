! SPDX-License-Identifier: MIT
!> The physics of a moist column: temperature relaxes to a profile, what is above saturation
!> rains out and heats, the lowest level evaporates.
module column_physics
  use, intrinsic :: iso_fortran_env, only: wp => real64
  implicit none
  private
  public :: initial_columns, tendencies

  integer, parameter, public :: n_levels = 10
  real(wp), parameter, public :: dt_step = 600.0_wp !! time step [s]
  real(wp), parameter :: tau = 86400.0_wp           !! relaxation time [s]
  real(wp), parameter :: heating = 2500.0_wp        !! latent heat over capacity [K]

contains

  !> Tendencies of temperature and humidity.
  pure subroutine tendencies(t, q, dt, dq)
    real(wp), intent(in) :: t(:, :)   !! temperature [K] (level, column)
    real(wp), intent(in) :: q(:, :)   !! humidity [kg kg-1] (level, column)
    real(wp), intent(out) :: dt(:, :) !! [K s-1] (level, column)
    real(wp), intent(out) :: dq(:, :) !! [kg kg-1 s-1] (level, column)

    real(wp) :: rain, saturation
    integer :: column, k

    do column = 1, size(t, 2)
      do k = 1, size(t, 1)
        saturation = 0.01_wp*exp(0.07_wp*(t(k, column) - 280.0_wp))
        rain = max(q(k, column) - saturation, 0.0_wp)/(4.0_wp*dt_step)
        dt(k, column) = (296.0_wp - 6.0_wp*k - t(k, column))/tau + heating*rain
        dq(k, column) = -rain
        if (k == 1) dq(k, column) = dq(k, column) + (0.8_wp*saturation - q(k, column))/tau
      end do
    end do
  end subroutine tendencies

  !> Columns around the profile, each another.
  pure subroutine initial_columns(t, q)
    real(wp), intent(out) :: t(:, :) !! [K] (level, column)
    real(wp), intent(out) :: q(:, :) !! [kg kg-1] (level, column)

    integer :: column, k

    do column = 1, size(t, 2)
      do k = 1, size(t, 1)
        t(k, column) = 296.0_wp - 6.0_wp*k + 4.0_wp*sin(1.7_wp*k + 0.9_wp*column)
        q(k, column) = (0.7_wp + 0.3_wp*sin(2.3_wp*k*column))*0.01_wp &
          *exp(0.07_wp*(t(k, column) - 280.0_wp))
      end do
    end do
  end subroutine initial_columns

end module column_physics
