! SPDX-License-Identifier: MIT
!> What a shallow water run says of itself while it goes.
module swe_log
  use, intrinsic :: iso_fortran_env, only: error_unit
  use swe_budgets, only: budget_of, swe_budget_t
  use swe_exchange, only: global_sum
  use swe_kinds, only: real64, wp
  use swe_limits, only: courant_number
  use swe_march, only: is_due, march_t
  implicit none
  private
  public :: announce, report

  integer, parameter :: progress_percent = 5 !! between two messages

contains

  !> Say what is run.
  subroutine announce(march)
    type(march_t), intent(in) :: march

    real(real64) :: courant

    courant = courant_number(march%config, march%model%grid)
    if (march%model%grid%block%rank /= 0) return
    associate (domain => march%domain, block => march%model%grid%block)
      write (error_unit, "(3(i0, a), g0.5, a, f0.2, a, i0, a)") domain%nx, " x ", &
        domain%ny, " cells (", count(domain%cell > 0), " water), dt ", &
        march%config%parameters%dt, " s, Courant number ", courant, ", ", &
        block%n_ranks_x*block%n_ranks_y, " rank(s)"
      if (domain%n_unknown > 0) write (error_unit, "(i0, 3a)") domain%n_unknown, &
        " cells of '", trim(march%config%grid%file), "' have no depth: they are land"
    end associate
  end subroutine announce

  !> Say how far the run is and how its accounts stand, every few per cent.
  subroutine report(march, last, reported)
    type(march_t), intent(inout) :: march
    integer, intent(in) :: last        !! step of this run
    integer, intent(inout) :: reported !! percentage of the last message

    type(swe_budget_t) :: budget
    real(real64) :: drift
    real(wp) :: gained(1)
    integer :: percent

    percent = int(100.0_real64*(march%step - march%first_step)/max(1, last &
      - march%first_step))
    if (march%config%log_every > 0) then
      if (.not. (is_due(march, march%config%log_every) .or. march%step == last)) return
    else if (percent < reported + progress_percent) then
      return
    end if
    reported = percent - modulo(percent, progress_percent)
    budget = budget_of(march%model%grid, march%model%parameters, march%state)
    gained = global_sum(march%model%grid%block, [real(march%gained, wp)])
    drift = (budget%volume - march%first_budget%volume - gained(1))/march%water
    if (march%model%grid%block%rank == 0) write (error_unit, &
      "(i3, a, i0, a, i0, 4(a, es8.2), a, f0.1, a, es7.1, a)") percent, " % (step ", &
      march%step, " of ", last, "): max|zeta| ", budget%largest_zeta, " m, fastest ", &
      budget%fastest, " m/s, energy ", budget%kinetic + budget%potential, &
      " m5/s2, volume error ", abs(drift), ", ", march%n_iterations &
      /real(max(1, march%n_steps_counted), real64), " iterations, max|zeta - z| ", &
      march%solver_error, " m"
    march%n_iterations = 0
    march%n_steps_counted = 0
    march%solver_error = 0.0_wp
  end subroutine report

end module swe_log
