! SPDX-License-Identifier: MIT
!> Warm rain as plain procedures on arrays, for f90wrap: Python calls these and no others.
!>
!> No failures: `isthmus.models` checks shapes and values before it calls. Arrays that are
!> set are `inout`. Cells come last, which is first in Python: state(quantity, cell) is
!> [cell, quantity].
module bulk_api
  use bulk_box, only: bulk_advance, bulk_mean_rates, bulk_rates_at, bulk_step
  use kinds, only: wp
  implicit none
  private
  public :: rain_bulk_advance, rain_bulk_mean_rates, rain_bulk_rates, rain_bulk_step

contains

  !> Rates of Seifert & Beheng.
  subroutine rain_bulk_rates(state, b)
    real(wp), intent(in) :: state(:, :) !! Lc, Nc, Lr, Nr, L0, rm, nu (quantity, cell)
    real(wp), intent(inout) :: b(:, :)  !! AU, AC, SCc, SCr, set (rate, cell)

    call bulk_rates_at(state, b)
  end subroutine rain_bulk_rates

  !> Their means over a step.
  subroutine rain_bulk_mean_rates(state, dt, n_substeps, b)
    real(wp), intent(in) :: state(:, :) !! (quantity, cell)
    real(wp), intent(in) :: dt          !! [s]
    integer, intent(in) :: n_substeps   !! at least 1
    real(wp), intent(inout) :: b(:, :)  !! set (rate, cell)

    call bulk_mean_rates(state, dt, n_substeps, b)
  end subroutine rain_bulk_mean_rates

  !> Advance by the published scheme.
  subroutine rain_bulk_advance(state, dt, n_steps)
    real(wp), intent(inout) :: state(:, :) !! (quantity, cell)
    real(wp), intent(in) :: dt             !! [s]
    integer, intent(in) :: n_steps         !! number of steps

    call bulk_advance(state, dt, n_steps)
  end subroutine rain_bulk_advance

  !> Let given rates act.
  subroutine rain_bulk_step(state, b, dt)
    real(wp), intent(inout) :: state(:, :) !! (quantity, cell)
    real(wp), intent(in) :: b(:, :)        !! AU, AC, SCc, SCr (rate, cell)
    real(wp), intent(in) :: dt             !! [s]

    call bulk_step(state, b, dt)
  end subroutine rain_bulk_step

end module bulk_api
