! SPDX-License-Identifier: MIT
!> Warm rain by moments: published values, conservation, positivity, order, blocks.
program test_bulk_box
  use bulk_box, only: bulk_advance, bulk_check, bulk_mean_rates, bulk_rates_at, bulk_step, &
    n_quantities, n_rates, seifert_beheng_t
  use, intrinsic :: ieee_arithmetic, only: ieee_is_finite, ieee_quiet_nan, ieee_value
  use kinds, only: wp
  use testing, only: check, check_below, finish, slope
  implicit none

  real(wp), parameter :: rounding = 1.0e-15_wp !! a few units in the last place
  real(wp), parameter :: sums = 1.0e-13_wp     !! rounding gathered over some thousand steps
  real(wp), parameter :: order_slack = 0.2_wp  !! steps are finite

  call rates_are_the_published_ones()
  call water_is_kept_and_nothing_is_negative()
  call runge_kutta_is_of_fourth_order()
  call mean_rates_make_the_step()
  call a_cell_does_not_know_its_neighbours()
  call absurd_rates_move_what_there_is()
  call bad_cells_are_named()
  call finish()

contains

  !> Clouds of the published design: 1 g m-3 and so on, all cloud.
  subroutine fill_clouds(state)
    real(wp), intent(out) :: state(:, :) !! (quantity, cell)

    real(wp), parameter :: pi = acos(-1.0_wp), water = 1000.0_wp
    integer :: i

    do i = 1, size(state, 2)
      state(5, i) = 1.0e-4_wp*(2 + mod(7*i, 19))
      state(6, i) = 1.0e-6_wp*(9 + mod(3*i, 7))
      state(7, i) = 0.5_wp*mod(i, 9)
      state(1, i) = state(5, i)
      state(2, i) = state(5, i)/(4.0_wp/3.0_wp*pi*water*state(6, i)**3)
      state(3:4, i) = 0.0_wp
    end do
  end subroutine fill_clouds

  !> Each formula once more, by its paper, at a state half rained out.
  subroutine rates_are_the_published_ones()
    real(wp), parameter :: lc = 6.0e-4_wp, nc = 5.0e7_wp, lr = 4.0e-4_wp, nr = 1.0e4_wp, &
      nu = 1.0_wp, tau = 0.4_wp
    real(wp) :: b(n_rates, 1), expected(n_rates), phi, state(n_quantities, 1)

    state(:, 1) = [lc, nc, lr, nr, 1.0e-3_wp, 13.0e-6_wp, nu]
    call bulk_rates_at(state, b)
    phi = 600.0_wp*tau**0.68_wp*(1.0_wp - tau**0.68_wp)**3
    expected(1) = 9.44e9_wp/(20.0_wp*2.6e-10_wp)*(3.0_wp*5.0_wp/4.0_wp)*lc**2 &
      *(lc/nc)**2*(1.0_wp + phi/(1.0_wp - tau)**2)
    expected(2) = 5.78_wp*lc*lr*(tau/(tau + 5.0e-4_wp))**4
    expected(3) = 9.44e9_wp*(3.0_wp/2.0_wp)*lc**2
    expected(4) = 4.33_wp*lr*nr
    call check_below(maxval(abs(b(:, 1)/expected - 1.0_wp)), 20*rounding, &
      "rates are those of the paper")
    state(3:4, 1) = 0.0_wp
    call bulk_rates_at(state, b)
    expected(1) = 9.44e9_wp/(20.0_wp*2.6e-10_wp)*(3.0_wp*5.0_wp/4.0_wp)*lc**2*(lc/nc)**2
    call check_below(abs(b(1, 1)/expected(1) - 1.0_wp), 20*rounding, &
      "autoconversion without rain has no Phi")
    call check(all(b([2, 4], 1) == 0.0_wp), "without rain nothing is accreted")
    state(:4, 1) = 0.0_wp
    call bulk_rates_at(state, b)
    call check(all(b == 0.0_wp), "without water nothing happens")
  end subroutine rates_are_the_published_ones

  !> Two hours of many clouds, in steps that are much too long.
  subroutine water_is_kept_and_nothing_is_negative()
    real(wp) :: state(n_quantities, 100), start(n_quantities, 100)

    call fill_clouds(start)
    state = start
    call bulk_advance(state, 60.0_wp, 120)
    call check(all(ieee_is_finite(state)) .and. all(state >= 0.0_wp), &
      "moments stay finite and not negative at steps of 60 s")
    call check_below(maxval(abs((state(1, :) + state(3, :))/start(1, :) - 1.0_wp)), sums, &
      "cloud and rain water together stay")
    call check(all(state(1, :) <= 2.6e-10_wp*state(2, :)*(1.0_wp + rounding)), &
      "cloud drops stay below the limit")
    call check(any(state(3, :) > 0.9_wp*start(1, :)), "heavy clouds rain out")
    call check(all(state(5:, :) == start(5:, :)), "what describes the start stays")
  end subroutine water_is_kept_and_nothing_is_negative

  !> Errors at 600 s against steps of 0.25 s.
  subroutine runge_kutta_is_of_fourth_order()
    real(wp) :: errors(2), reference(n_quantities, 1), state(n_quantities, 1)
    real(wp), parameter :: steps(2) = [20.0_wp, 10.0_wp]
    integer :: i

    reference(:, 1) = [1.0e-3_wp, 1.0e8_wp, 1.0e-5_wp, 1.0e3_wp, 1.0e-3_wp, 13.0e-6_wp, &
      1.0_wp]
    do i = 1, 2
      state = reference
      call bulk_advance(state, steps(i), nint(600/steps(i)))
      errors(i) = state(3, 1)
    end do
    call bulk_advance(reference, 0.25_wp, 2400)
    errors = abs(errors - reference(3, 1))
    call check_below(abs(slope(steps, errors) - 4.0_wp), order_slack, &
      "Runge-Kutta converges at fourth order")
  end subroutine runge_kutta_is_of_fourth_order

  !> Sub-steps, and one step of their mean rates, are the same.
  subroutine mean_rates_make_the_step()
    real(wp), target :: b(n_rates, 70), state(n_quantities, 70)
    real(wp) :: expected(n_quantities, 70)
    type(seifert_beheng_t) :: scheme

    call fill_clouds(state)
    call bulk_advance(state, 20.0_wp, 30)
    expected = state
    call bulk_advance(expected, 5.0_wp, 4)
    scheme = seifert_beheng_t(dt=20.0_wp, n_substeps=4)
    call scheme%evaluate(state, b)
    call bulk_step(state, b, 20.0_wp)
    call check_below(maxval(abs(state(:4, :)/expected(:4, :) - 1.0_wp)), sums, &
      "a step of mean rates equals its sub-steps")
  end subroutine mean_rates_make_the_step

  !> One cell alone, and among 130 others.
  subroutine a_cell_does_not_know_its_neighbours()
    real(wp) :: alone(n_quantities, 1), b(n_rates, 131), b_alone(n_rates, 1), &
      state(n_quantities, 131)

    call fill_clouds(state)
    alone = state(:, 131:)
    state(:4, 1:130) = ieee_value(1.0_wp, ieee_quiet_nan)
    call bulk_advance(state, 5.0_wp, 200)
    call bulk_advance(alone, 5.0_wp, 200)
    call check(all(state(:, 131) == alone(:, 1)), "a cell alone has the same bits")
    call bulk_mean_rates(state, 20.0_wp, 2, b)
    call bulk_mean_rates(alone, 20.0_wp, 2, b_alone)
    call check(all(b(:, 131) == b_alone(:, 1)), "rates alone have the same bits")
  end subroutine a_cell_does_not_know_its_neighbours

  !> Whatever stands in the slot, water is kept and nothing becomes negative.
  subroutine absurd_rates_move_what_there_is()
    real(wp) :: b(n_rates, 50), state(n_quantities, 50), total(50)

    call fill_clouds(state)
    total = state(1, :)
    b = 1.0e6_wp
    call bulk_step(state, b, 20.0_wp)
    call check(all(state(1, :) == 0.0_wp), "at most all cloud water moves")
    call check_below(maxval(abs(state(3, :)/total - 1.0_wp)), rounding, &
      "what leaves the cloud is in the rain")
    call check(all(state >= 0.0_wp), "no number becomes negative")
  end subroutine absurd_rates_move_what_there_is

  !> Text and status of a negative mass, of NaN and of a wrong shape.
  subroutine bad_cells_are_named()
    real(wp) :: state(n_quantities, 5)
    character(len=160) :: errmsg
    integer :: stat

    call fill_clouds(state)
    call bulk_check(state, stat, errmsg)
    call check(stat == 0, "clouds of the design are accepted")
    state(3, 4) = -1.0e-9_wp
    call bulk_check(state, stat, errmsg)
    call check(stat /= 0 .and. index(errmsg, "'lr' in cell 4") > 0, &
      "negative rain water is named with its cell")
    state(3, 4) = 0.0_wp
    state(2, 2) = ieee_value(1.0_wp, ieee_quiet_nan)
    call bulk_check(state, stat, errmsg)
    call check(stat /= 0 .and. index(errmsg, "'nc' in cell 2") > 0, "NaN is named")
    call bulk_check(state(:6, :), stat, errmsg)
    call check(index(errmsg, "expected 7") > 0, "six quantities are refused")
  end subroutine bad_cells_are_named

end program test_bulk_box
