! SPDX-License-Identifier: MIT
!> Where the solver begins in a short step: at the elevation that the old transports lead
!> to. It saves iterations, changes the result by less than the tolerance, and is of the
!> state alone, so that a restart keeps its bits.
program test_swe_first_guess
  use basins, only: basin_t, build, gravity, linear_step, run
  use swe_kinds, only: wp
  use swe_state, only: swe_state_t
  use swe_step, only: swe_model_t
  use testing, only: check, check_below, fill_random, finish
  implicit none

  integer, parameter :: nx = 40, ny = 30
  real(wp), parameter :: dx = 5000.0_wp, depth = 50.0_wp
  real(wp), parameter :: longest = dx/sqrt(2.0_wp*gravity*depth) !! explicit step [s]
  real(wp), parameter :: tolerance = 1.0e-5_wp                   !! of the solver [m]
  real(wp), parameter :: saving = 0.8_wp !! of the iterations remain at half that step

  call only_short_steps_are_carried()
  call guess_saves_iterations()
  call guess_is_of_the_state_alone()
  call finish()

contains

  !> A rough basin and, after some steps, a flow in it.
  subroutine flow(courant, model, state)
    real(wp), intent(in) :: courant !! of the step, 1 is the longest explicit one
    type(swe_model_t), intent(out) :: model
    type(swe_state_t), intent(out) :: state

    real(wp) :: noise(nx, ny)
    integer :: i, j

    call fill_random(noise, 0.2_wp)
    call build(basin_t(nx=nx, ny=ny, dx=dx, dy=dx, tolerance=tolerance, &
      depths=depth*(1.0_wp - abs(noise))), linear_step(courant*longest, theta=0.5_wp), &
      model, state)
    do j = 1, ny
      do i = 1, nx
        state%zeta(i, j) = 0.5_wp*exp(-((i - 15)**2 + (j - 12)**2)/36.0_wp)
      end do
    end do
    call run(model, state, 10)
  end subroutine flow

  !> The limit is that of explicit schemes in the deepest cell.
  subroutine only_short_steps_are_carried()
    type(swe_model_t) :: model
    type(swe_state_t) :: state

    call flow(0.9_wp, model, state)
    call check(model%is_short, "a step that an explicit scheme could make is short")
    call flow(1.3_wp, model, state)
    call check(.not. model%is_short, "a longer one is not")
  end subroutine only_short_steps_are_carried

  !> The same steps from the old elevation take more iterations to the same result.
  subroutine guess_saves_iterations()
    integer, parameter :: n_steps = 100
    type(swe_model_t) :: model
    type(swe_state_t) :: state, carried
    integer :: k, n_carried, n_plain

    call flow(0.5_wp, model, state)
    n_carried = 0
    n_plain = 0
    do k = 1, n_steps
      carried = state
      model%is_short = .true.
      call run(model, carried, 1)
      n_carried = n_carried + model%solution%n_iterations
      model%is_short = .false.
      call run(model, state, 1)
      n_plain = n_plain + model%solution%n_iterations
      if (maxval(abs(carried%zeta - state%zeta)) > 2*tolerance) exit
    end do
    print "(2(a, i0))", "iterations: ", n_carried, " instead of ", n_plain
    call check(k > n_steps, "the guess changes nothing beyond the tolerance")
    call check_below(n_carried/real(n_plain, wp), saving, "the guess saves iterations")
  end subroutine guess_saves_iterations

  !> A model that was just made goes on like one that has run: bit for bit.
  subroutine guess_is_of_the_state_alone()
    type(swe_model_t) :: model, fresh
    type(swe_state_t) :: state, restarted, unused

    call flow(0.5_wp, model, state)
    call build(basin_t(nx=nx, ny=ny, dx=dx, dy=dx, tolerance=tolerance, &
      depths=model%grid%depth(1:nx, 1:ny)), model%parameters, fresh, unused)
    restarted = state
    call run(model, state, 5)
    call run(fresh, restarted, 5)
    call check(all(abs(state%zeta - restarted%zeta) <= 0.0_wp) .and. &
      all(abs(state%u - restarted%u) <= 0.0_wp), "the guess is of the state alone")
  end subroutine guess_is_of_the_state_alone

end program test_swe_first_guess
