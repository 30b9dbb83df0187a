! SPDX-License-Identifier: MIT
!> Ocean columns: heat is kept whatever the fluxes are, diffusion is that of theory, and
!> sub-steps of the physics are the same as short steps.
program test_ocean_column
  use kinds, only: wp
  use ocean_column, only: ocean_column_t
  use testing, only: check, check_below, fill_random, finish
  implicit none

  real(wp), parameter :: rounding = 1.0e-13_wp !! of sums over some hundred terms
  real(wp), parameter :: pi = acos(-1.0_wp)

  call absurd_fluxes_keep_heat()
  call a_cosine_decays_as_theory_says()
  call substeps_are_short_steps()
  call currents_turn_in_a_pendulum_day()
  call bad_settings_are_refused()
  call finish()

contains

  !> Columns of some levels.
  subroutine make(model, keys, values, dt)
    type(ocean_column_t), intent(out) :: model
    character(len=*), intent(in) :: keys(:) !! settings that differ from the defaults
    real(wp), intent(in) :: values(:)
    real(wp), intent(in) :: dt              !! [s]

    character(len=256) :: problem
    integer :: i

    call model%declare()
    do i = 1, size(keys)
      model%settings(findloc(model%keys == keys(i), .true., dim=1)) = values(i)
    end do
    model%dt = dt
    problem = ""
    call model%set_up(problem)
    call check(problem == "", "settings that make sense are taken")
  end subroutine make

  subroutine absurd_fluxes_keep_heat()
    type(ocean_column_t) :: model
    real(wp) :: first(5), last(5)
    real(wp), allocatable :: fluxes(:, :), state(:, :)
    integer :: i

    call make(model, [character(len=16) ::], [real(wp) ::], 600.0_wp)
    allocate (state(model%n_values, 5), fluxes(model%n_fluxes, 5))
    call model%start(state)
    call model%budget(state, first)
    do i = 1, 100
      call fill_random(fluxes, 1.0e-2_wp)
      call model%force(600.0_wp*(i - 1), state)
      call model%apply(fluxes, state)
    end do
    call model%budget(state, last)
    call check(maxval(abs(state(:20, :))) > 40.0_wp, "the fluxes were absurd")
    call check_below(maxval(abs(last - first)/abs(first)), 100*rounding, &
      "heat changes by what comes in, whatever the fluxes are")
  end subroutine absurd_fluxes_keep_heat

  !> Water colder above than below has the same diffusivity everywhere.
  subroutine a_cosine_decays_as_theory_says()
    real(wp), parameter :: convective = 1.0e-3_wp, steady = convective + 1.0e-4_wp + &
      1.0e-5_wp, day = 86400.0_wp
    type(ocean_column_t) :: model
    real(wp) :: expected
    real(wp), allocatable, target :: fluxes(:, :), state(:, :)
    integer :: i, k, n

    n = 50
    call make(model, [character(len=16) :: "levels", "convective", "substeps"], &
      [real(wp) :: n, convective, 10], 600.0_wp)
    allocate (state(model%n_values, 1), fluxes(model%n_fluxes, 1))
    state = 0.0_wp
    state(:n, 1) = [(10.0_wp - cos(pi*(k - 0.5_wp)/n), k=1, n)] ! colder above
    do i = 1, 144
      call model%evaluate(state, fluxes)
      call model%apply(fluxes, state)
    end do
    ! Eigenvalue of the discrete Laplacian; implicit Euler's own error is below 1e-4.
    expected = exp(-steady*day*(2.0_wp*sin(0.5_wp*pi/n)/(100.0_wp/n))**2)
    call check_below(abs((10.0_wp - state(1, 1))/cos(0.5_wp*pi/n) - expected), 1.0e-4_wp, &
      "a cosine of convecting water decays as theory says")
  end subroutine a_cosine_decays_as_theory_says

  subroutine substeps_are_short_steps()
    type(ocean_column_t) :: long, short
    real(wp), allocatable, target :: fluxes(:, :), state(:, :), stepped(:, :)
    integer :: i

    call make(long, [character(len=16) :: "coriolis", "substeps"], [0.0_wp, 5.0_wp], &
      600.0_wp)
    call make(short, [character(len=16) :: "coriolis", "substeps"], [0.0_wp, 1.0_wp], &
      120.0_wp)
    allocate (state(long%n_values, 3), fluxes(long%n_fluxes, 3))
    call long%start(state)
    call long%force(43200.0_wp, state)
    stepped = state
    call long%evaluate(state, fluxes)
    call long%apply(fluxes, state)
    do i = 1, 5
      call short%evaluate(stepped, fluxes)
      call short%apply(fluxes, stepped)
    end do
    call check_below(maxval(abs(state - stepped)), 1.0e-12_wp, &
      "mean fluxes of five sub-steps make five short steps")
  end subroutine substeps_are_short_steps

  subroutine currents_turn_in_a_pendulum_day()
    type(ocean_column_t) :: model
    real(wp), allocatable :: fluxes(:, :), state(:, :), first(:, :)
    integer :: i, n_steps

    n_steps = 100
    call make(model, [character(len=16) ::], [real(wp) ::], 2.0_wp*pi/1.0e-4_wp/n_steps)
    allocate (state(model%n_values, 1), fluxes(model%n_fluxes, 1))
    call model%start(state)
    state = 0.0_wp
    fluxes = 0.0_wp
    state(21:40, 1) = 0.3_wp
    first = state
    do i = 1, n_steps
      call model%force(0.0_wp, state) ! half a turn, and wind, which is taken away
      state(61:, 1) = 0.0_wp
      call model%apply(fluxes, state)
      if (i == n_steps/4) call check_below(maxval(abs(state(41:60, 1) + 0.3_wp)), &
        rounding, "an eastward current turns southward, to the right")
    end do
    call check_below(maxval(abs(state(:60, :) - first(:60, :))), rounding, &
      "currents come back after an inertial period")
  end subroutine currents_turn_in_a_pendulum_day

  subroutine bad_settings_are_refused()
    type(ocean_column_t) :: model
    character(len=256) :: problem

    call model%declare()
    model%settings(1) = 1.0_wp
    problem = ""
    call model%set_up(problem)
    call check(index(problem, "'levels'") > 0, "one level is refused by name")
  end subroutine bad_settings_are_refused

end program test_ocean_column
