! SPDX-License-Identifier: MIT
!> Rain shafts: fall speeds, budgets of water and number, what falls first.
program test_bulk_shaft
  use bulk_box, only: bulk_step, n_quantities, n_rates, seifert_beheng_t
  use bulk_shaft, only: fall_speeds, shaft_t
  use kinds, only: wp
  use testing, only: check, check_below, finish
  implicit none

  real(wp), parameter :: sums = 1.0e-12_wp !! rounding gathered over some thousand fluxes
  real(wp), parameter :: rounding = 1.0e-14_wp

  call speeds_are_means_over_the_spectrum()
  call water_is_accounted_for()
  call rain_without_collisions_keeps_its_drops()
  call finish()

contains

  !> A mean mass of a mm drop's spectrum, against a sum over diameters.
  subroutine speeds_are_means_over_the_spectrum()
    real(wp), parameter :: pi = acos(-1.0_wp), scale = 4.0e-4_wp, width = 1.0e-7_wp
    real(wp), parameter :: quadrature = 1.0e-4_wp !! of the midpoint sum, up to 40 scales
    real(wp) :: d, mass, number, sum_mass, sum_number, v, v_mass, v_number
    integer :: i

    sum_mass = 0.0_wp
    sum_number = 0.0_wp
    mass = 0.0_wp
    number = 0.0_wp
    do i = 1, 160000
      d = (i - 0.5_wp)*width
      v = (9.65_wp - 10.3_wp*exp(-600.0_wp*d))*exp(-d/scale)
      sum_number = sum_number + v
      sum_mass = sum_mass + v*d**3
      number = number + exp(-d/scale)
      mass = mass + d**3*exp(-d/scale)
    end do
    call fall_speeds(1.0e3_wp*pi*1000.0_wp*scale**3, 1.0e3_wp, v_mass, v_number)
    call check_below(abs(v_number - sum_number/number), quadrature, "speed of number")
    call check_below(abs(v_mass - sum_mass/mass), quadrature, "speed of mass")
    call check(v_mass > v_number, "mass falls faster than number")
    call fall_speeds(0.0_wp, 0.0_wp, v_mass, v_number)
    call check(v_mass == 0.0_wp .and. v_number == 0.0_wp, "no rain falls not")
  end subroutine speeds_are_means_over_the_spectrum

  !> Two hours of three columns with the published scheme.
  subroutine water_is_accounted_for()
    integer, parameter :: n_levels = 40, n = 3
    real(wp), parameter :: dt = 20.0_wp
    type(shaft_t) :: shaft
    type(seifert_beheng_t) :: scheme
    real(wp), target :: b(n_rates, n*n_levels), state(n_quantities, n*n_levels)
    integer :: i

    shaft = shaft_t(n_levels=n_levels, updraft=[1.0_wp, 2.0_wp, 4.0_wp], &
      mean_radius=[12.0e-6_wp, 13.0e-6_wp, 14.0e-6_wp])
    call shaft%setup([0.0_wp, 1.0_wp, 2.0_wp], state)
    scheme = seifert_beheng_t(dt=dt, n_substeps=4)
    do i = 1, 360
      call shaft%force((i - 1)*dt, dt, state)
      call scheme%evaluate(state, b)
      call bulk_step(state, b, dt)
    end do
    call check_below(maxval(abs(shaft%condensed - shaft%rained - shaft%left &
      - shaft%water_path(state))/shaft%condensed), sums, "all water is accounted for")
    call check(all(state >= 0.0_wp), "no moment is negative")
    call check(all(shaft%rained > 0.1_wp*shaft%condensed), "it rains in all columns")
  end subroutine water_is_accounted_for

  !> Nothing condenses, nothing collides: drops only fall.
  subroutine rain_without_collisions_keeps_its_drops()
    type(shaft_t) :: shaft
    real(wp) :: state(n_quantities, 20), total

    shaft = shaft_t(n_levels=20, lapse=0.0_wp, updraft=[1.0e-3_wp], &
      mean_radius=[13.0e-6_wp])
    call shaft%setup([1.0_wp], state)
    state(3, 15:18) = 1.0e-3_wp
    state(4, 15:18) = 1.0e3_wp
    total = sum(state(4, :))
    call shaft%force(0.0_wp, 60.0_wp, state)
    call check(shaft%rained(1) == 0.0_wp, "after a minute nothing has arrived")
    call check_below(abs(sum(state(4, :))/total - 1.0_wp), rounding, "drops are kept")
    call check(sum(state(3, :10)) > 1.0e-6_wp*sum(state(4, :10)), &
      "large drops are ahead of small ones")
    call shaft%force(60.0_wp, 7200.0_wp, state) ! the smallest drops need most of it
    call check_below(abs(shaft%rained(1)/(4*1.0e-3_wp*50.0_wp) - 1.0_wp), 1.0e-6_wp, &
      "in the end all is on the ground")
  end subroutine rain_without_collisions_keeps_its_drops

end program test_bulk_shaft
