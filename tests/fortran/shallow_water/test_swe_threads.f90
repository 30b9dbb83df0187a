! SPDX-License-Identifier: MIT
!> The number of threads changes no bit of a run, with plain and with reproducible sums.
program test_swe_threads
  !$ use omp_lib, only: omp_set_num_threads
  use basins, only: basin_t, build, run
  use swe_conjugate_gradients, only: conjugate_gradients_t
  use swe_five_point, only: five_point_solver_t
  use swe_kinds, only: int64, wp
  use swe_over_relaxation, only: over_relaxation_t
  use swe_parameters, only: swe_parameters_t
  use swe_reduced_gradients, only: reduced_gradients_t
  use swe_state, only: swe_state_t
  use swe_step, only: swe_model_t
  use testing, only: check, finish
  implicit none

  integer, parameter :: nx = 250, ny = 120 !! enough for solvers to share the work
  integer, parameter :: n_steps = 4
  real(wp), parameter :: tolerance = 1.0e-7_wp !! of the solver [m]
  type(conjugate_gradients_t) :: gradients
  type(over_relaxation_t) :: over_relaxation

  call check_solver("gradients", gradients)
  call check_solver("reduced gradients", reduced_gradients_t(n_levels=1))
  call check_solver("reduced gradients with multigrid", reduced_gradients_t(n_levels=4))
  call check_solver("over-relaxation", over_relaxation)
  call finish()

contains

  !> One, two and three threads.
  subroutine check_solver(name, solver)
    character(len=*), intent(in) :: name
    class(five_point_solver_t), intent(in) :: solver

    type(swe_state_t) :: one, several
    integer :: mode, n_threads

    do mode = 0, 1
      call make_run(solver, mode == 1, 1, one)
      do n_threads = 2, 3
        call make_run(solver, mode == 1, n_threads, several)
        call check(all(same(several%zeta, one%zeta)) .and. all(same(several%u, one%u)) &
          .and. all(same(several%v, one%v)), "the bits are those of one thread: "//name)
      end do
    end do
  end subroutine check_solver

  !> A hump runs over a rough bottom.
  subroutine make_run(solver, is_reproducible, n_threads, state)
    class(five_point_solver_t), intent(in) :: solver
    logical, intent(in) :: is_reproducible
    integer, intent(in) :: n_threads
    type(swe_state_t), intent(out) :: state

    type(basin_t) :: basin
    type(swe_model_t) :: model
    integer :: i, j

    basin = basin_t(nx=nx, ny=ny, f=1.0e-4_wp)
    allocate (basin%depths(nx, ny))
    do j = 1, ny
      basin%depths(:, j) = [(30.0_wp + 9.0_wp*sin(0.7_wp*i)*cos(0.9_wp*j), i=1, nx)]
    end do
    call build(basin, swe_parameters_t(dt=150.0_wp), model, state)
    !$ call omp_set_num_threads(n_threads)
    deallocate (model%solver)
    allocate (model%solver, source=solver)
    model%solver%tolerance = tolerance
    model%matrix%block%is_reproducible = is_reproducible
    do j = 1, ny
      state%zeta(1:nx, j) = [(exp(-((i - 80)**2 + (j - 50)**2)/200.0_wp), i=1, nx)]
    end do
    call run(model, state, n_steps)
  end subroutine make_run

  !> Bit for bit.
  elemental logical function same(one, other)
    real(wp), intent(in) :: one, other

    same = transfer(one, 0_int64) == transfer(other, 0_int64)
  end function same

end program test_swe_threads
