! SPDX-License-Identifier: MIT
!> Warm rain linearised: the tangent against differences, the adjoint against the tangent.
program test_bulk_linearised
  use bulk_box, only: bulk_advance, n_quantities
  use bulk_linearised, only: bulk_advance_ad, bulk_advance_tl
  use kinds, only: wp
  use testing, only: check, check_below, finish, slope
  implicit none

  integer, parameter :: n_cells = 130, n_steps = 60
  real(wp), parameter :: dt = 20.0_wp
  real(wp), parameter :: rounding = 1.0e-11_wp
    !! of sums over 60 steps whose terms differ by ten orders of magnitude
  real(wp), parameter :: slope_slack = 0.15_wp !! perturbations are finite

  call tangent_is_what_differences_tend_to()
  call adjoint_is_the_transpose_of_the_tangent()
  call a_run_beside_its_tangent_is_the_run()
  call nothing_is_perturbed_where_nothing_is()
  call finish()

contains

  !> Clouds with some rain in them: the derivative has no bound where there is none.
  subroutine fill(state)
    real(wp), intent(out) :: state(n_quantities, n_cells)

    integer :: i

    do i = 1, n_cells
      state(5:, i) = [1.0e-4_wp*(2 + mod(7*i, 19)), 13.0e-6_wp, 0.5_wp*mod(i, 9)]
      state(3, i) = state(5, i)*0.004_wp*mod(5*i, 23) + 1.0e-8_wp
      state(1, i) = state(5, i) - state(3, i)
      state(2, i) = state(1, i)/(2.0e-12_wp*(3 + mod(i, 5)))
      state(4, i) = state(3, i)/(1.0e-9_wp*(1 + mod(i, 3)))
    end do
  end subroutine fill

  !> A direction as large as the state, of both signs.
  subroutine fill_direction(state, direction, seed)
    real(wp), intent(in) :: state(n_quantities, n_cells)
    real(wp), intent(out) :: direction(4, n_cells)
    integer, intent(in) :: seed

    integer :: i, m

    do i = 1, n_cells
      do m = 1, 4
        direction(m, i) = state(m, i)*sin(real(seed + 3*m + 7*i, wp))
      end do
    end do
  end subroutine fill_direction

  !> The error of the first-order change falls with the square of the perturbation.
  subroutine tangent_is_what_differences_tend_to()
    integer, parameter :: n_sizes = 2
    real(wp) :: direction(4, n_cells), end(n_quantities, n_cells), error(n_sizes), &
      other(n_quantities, n_cells), scale(4), start(n_quantities, n_cells), &
      step(n_sizes), tangent(4, n_cells)
    integer :: i, m

    call fill(start)
    call fill_direction(start, direction, 1)
    end = start
    tangent = direction
    call bulk_advance_tl(end, tangent, dt, n_steps)
    scale = maxval(end(:4, :), dim=2)
    do i = 1, n_sizes
      step(i) = 1.0e-3_wp/4.0_wp**i
      other = start
      other(:4, :) = other(:4, :) + step(i)*direction
      call bulk_advance(other, dt, n_steps)
      error(i) = 0.0_wp
      do m = 1, 4
        error(i) = max(error(i), maxval(abs(other(m, :) - end(m, :) - step(i) &
          *tangent(m, :)))/scale(m))
      end do
    end do
    call check_below(abs(slope(step, error) - 2.0_wp), slope_slack, &
      "the tangent's error is of second order")
  end subroutine tangent_is_what_differences_tend_to

  subroutine adjoint_is_the_transpose_of_the_tangent()
    real(wp) :: adjoint(4, n_cells), forward, back, state(n_quantities, n_cells), &
      start(n_quantities, n_cells), tangent(4, n_cells), weights(4, n_cells), &
      x(4, n_cells)
    integer :: m

    call fill(start)
    call fill_direction(start, x, 2)
    state = start
    tangent = x
    call bulk_advance_tl(state, tangent, dt, n_steps)
    call fill_direction(start, weights, 5)
    do m = 1, 4 ! so that each moment has a say in the product
      weights(m, :) = weights(m, :)/maxval(abs(start(m, :)))**2
    end do
    adjoint = weights
    call bulk_advance_ad(start, adjoint, dt, n_steps)
    forward = sum(weights*tangent)
    back = sum(adjoint*x)
    call check_below(abs(forward/back - 1.0_wp), rounding, &
      "the adjoint is the transpose of the tangent-linear")
  end subroutine adjoint_is_the_transpose_of_the_tangent

  subroutine a_run_beside_its_tangent_is_the_run()
    real(wp) :: alone(n_quantities, n_cells), beside(n_quantities, n_cells), &
      tangent(4, n_cells)

    call fill(alone)
    beside = alone
    call fill_direction(alone, tangent, 1)
    call bulk_advance(alone, dt, n_steps)
    call bulk_advance_tl(beside, tangent, dt, n_steps)
    call check(all(alone == beside), "a perturbation beside it does not change a run")
  end subroutine a_run_beside_its_tangent_is_the_run

  subroutine nothing_is_perturbed_where_nothing_is()
    real(wp) :: adjoint(4, n_cells), state(n_quantities, n_cells), tangent(4, n_cells)

    call fill(state)
    state(:4, :) = 0.0_wp
    tangent = 1.0_wp
    adjoint = 1.0_wp
    call bulk_advance_ad(state, adjoint, dt, n_steps)
    call bulk_advance_tl(state, tangent, dt, n_steps)
    call check(all(abs(tangent) < huge(1.0_wp)) .and. all(abs(adjoint) < huge(1.0_wp)), &
      "cells without water have finite derivatives")
  end subroutine nothing_is_perturbed_where_nothing_is

end program test_bulk_linearised
