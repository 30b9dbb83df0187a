! SPDX-License-Identifier: MIT
!> A look at a shallow water run: is it sound? And what is kept of one that is not.
module swe_watch
  use early_ends, only: add_kept, early_name, keep_trajectory
  use failures, only: err_interrupted, err_runtime
  use interrupts, only: interrupted_by
  use swe_agreement, only: agree
  use swe_blocks, only: halo, lead
  use swe_exchange, only: global_maximum
  use swe_kinds, only: real64, wp
  use swe_limits, only: check_advection
  use swe_march, only: march_t, max_errmsg
  use swe_restart, only: save_state
  implicit none
  private
  public :: keep, look

  real(wp), parameter :: largest = 1.0e6_wp !! |zeta| [m] of a state that has blown up

contains

  !> Look at the state: is it finite, did the solver converge, was there a signal?
  subroutine look(march, stat, errmsg)
    type(march_t), intent(inout) :: march
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    integer :: signal

    stat = 0
    call check_field(march, "zeta", march%state%zeta, stat, errmsg)
    call check_field(march, "u", march%state%u, stat, errmsg)
    call check_field(march, "v", march%state%v, stat, errmsg)
    if (stat == 0) then
      call check_advection(march%config, march%domain, march%model%grid, march%state, &
        errmsg)
      if (errmsg /= "") then
        stat = err_runtime
        call tell_when(march, errmsg)
      end if
    end if
    call agree(march%model%grid%block, stat, errmsg)
    if (stat == 0 .and. march%step > march%first_step .and. &
      .not. march%model%solution%has_converged) then
      stat = err_runtime
      write (errmsg, "(a, i0, a, es9.2, a, i0)") "the solver left, after ", &
        march%model%solution%n_iterations, " iterations, a residual of ", &
        march%model%solution%residual, " m in step ", march%step
      errmsg = trim(errmsg)//": raise 'max_iterations' or 'tolerance' in &solver, or "// &
        "take a shorter 'dt'"
    end if
    if (stat /= 0) return
    march%good = march%state
    march%good_c = march%tracers%c
    march%good_step = march%step
    signal = nint(global_maximum(march%model%grid%block, real(interrupted_by(), wp)))
    if (signal == 0) return
    stat = err_interrupted
    write (errmsg, "(a, i0)") "interrupted after step ", march%step
  end subroutine look

  !> Say so if a field is not finite or has left all bounds: which, where and when.
  subroutine check_field(march, name, field, stat, errmsg)
    type(march_t), intent(in) :: march
    character(len=*), intent(in) :: name
    real(wp), intent(in), contiguous :: field(1 - lead:, 1 - halo:)
    integer, intent(inout) :: stat
    character(len=*), intent(inout) :: errmsg

    real(wp) :: bound
    integer :: i, j, place(2)

    if (stat /= 0) return
    bound = largest
    if (name /= "zeta") bound = 1.0e4_wp*largest
    associate (block => march%model%grid%block)
      do j = 1, block%ny
        if (all(abs(field(1:block%nx, j)) <= bound)) cycle
        i = findloc(abs(field(1:block%nx, j)) <= bound, .false., 1)
        place = [i + block%i_offset, j + block%j_offset]
        stat = err_runtime
        write (errmsg, "(3a, g0.4, 2(a, i0), 2(a, g0.6), a)") "'", &
          name, "' is ", field(i, j), " in column ", place(1), ", row ", place(2), &
          " (x = ", march%domain%x(place(1)), ", y = ", march%domain%y(place(2)), ")"
        call tell_when(march, errmsg)
        return
      end do
    end associate
  end subroutine check_field

  !> Extend a message by the time of a disaster, and what is left.
  subroutine tell_when(march, errmsg)
    type(march_t), intent(in) :: march
    character(len=*), intent(inout) :: errmsg

    character(len=128) :: text

    if (march%step == march%first_step) then
      errmsg = trim(errmsg)//" before the first step"
      return
    end if
    write (text, "(a, i0, a, g0.8, a, i0)") " after step ", march%step, ", ", &
      march%step*real(march%config%parameters%dt, real64), &
      " s: is 'dt' too long? The last good state is that of step ", march%good_step
    errmsg = trim(errmsg)//text
  end subroutine tell_when

  !> Keep what there is of a run that ended early, under names that say so.
  subroutine keep(march, stat, errmsg)
    type(march_t), intent(inout) :: march
    integer, intent(in) :: stat                !! why it ended
    character(len=*), intent(inout) :: errmsg  !! extended by the names

    character(len=:), allocatable :: path
    character(len=max_errmsg) :: problem
    integer :: status

    associate (files => march%config%files)
      call keep_trajectory(march%trajectory, files%output, stat, "fields", errmsg)
      call keep_trajectory(march%gauges%trajectory, march%config%gauges%output, stat, &
        "gauges", errmsg)
      if (files%restart_out == "" .or. .not. allocated(march%good%zeta)) return
      path = early_name(files%restart_out, stat)
    end associate
    problem = ""
    if (march%good_step == march%step) then
      call save_state(path, march%config, march%domain, march%model%grid, march%good, &
        march%good_c, march%good_step, status, problem, march%analysis)
    else ! the sums of the analysis are ahead of the last good state
      call save_state(path, march%config, march%domain, march%model%grid, march%good, &
        march%good_c, march%good_step, status, problem)
    end if
    call add_kept("restart from the last good state", path, status, problem, errmsg)
  end subroutine keep

end module swe_watch
