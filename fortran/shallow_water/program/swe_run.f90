! SPDX-License-Identifier: MIT
!> A shallow water run from its settings to its files.
!>
!> All ranks go through all of it; rank 0 writes the files. A failure of one rank is a
!> failure of all, at the same step (`swe_agreement`).
module swe_run
  use failures, only: err_file, err_interrupted, err_runtime, fail, succeed
  use swe_agreement, only: agree
  use swe_blocks, only: ranks_t
  use swe_budgets, only: inflow
  use swe_config, only: swe_config_t
  use swe_five_point, only: solution_t
  use swe_kinds, only: real64, wp
  use swe_log, only: report
  use swe_march, only: is_due, is_recording, march_t, max_errmsg
  use swe_output, only: write_state
  use swe_restart, only: save_state
  use swe_slots, only: swe_slots_t
  use swe_start, only: set_up
  use swe_watch, only: keep, look
  implicit none
  private
  public :: run, swe_config_t

contains

  !> Run as the settings say.
  subroutine run(config, ranks, slots, stat, errmsg)
    type(swe_config_t), intent(in) :: config !! settings
    type(ranks_t), intent(in) :: ranks       !! all that share the run
    type(swe_slots_t), intent(in), optional :: slots !! what acts in the model
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(march_t), target :: march
    character(len=max_errmsg) :: message
    integer :: status

    march%config = config
    if (present(slots)) march%slots = slots
    message = ""
    call set_up(march, ranks, status, message)
    if (status == 0) call march_on(march, status, message)
    if (status == 0) call finish(march, status, message)
    if (allocated(march%model%grid%cell)) call agree(march%model%grid%block, status, &
      message) ! without a grid they have agreed already
    if (status == err_runtime .or. status == err_interrupted) call keep(march, status, &
      message)
    call march%trajectory%abandon()
    call march%gauges%trajectory%abandon()
    call march%weather%close()
    if (status /= 0) then
      call fail(status, trim(message), stat, errmsg)
    else
      call succeed(stat)
    end if
  end subroutine run

  !> Give the files of a run that is done their names.
  subroutine finish(march, stat, errmsg)
    type(march_t), intent(inout) :: march
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    stat = 0
    if (march%trajectory%is_open()) call march%trajectory%finish(stat=stat, errmsg=errmsg)
    if (stat == 0 .and. march%gauges%trajectory%is_open()) call &
      march%gauges%trajectory%finish(stat=stat, errmsg=errmsg)
    call agree(march%model%grid%block, stat, errmsg)
    if (stat == 0 .and. march%config%analysis%output /= "") call march%analysis%write( &
      march%config, march%domain, march%model%grid, stat, errmsg)
  end subroutine finish

  !> The run itself: step by step.
  subroutine march_on(march, stat, errmsg)
    type(march_t), intent(inout), target :: march
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    integer :: last, reported

    last = march%first_step + march%config%integration%n_steps
    reported = 0
    stat = 0
    ! A restarted run does not repeat the record it begins with.
    if (march%config%files%restart_in == "") then
      if (march%config%files%output_every > 0 .and. is_recording(march)) then
        call write_record(march, stat, errmsg)
      end if
      call write_gauges(march, stat, errmsg)
    end if
    do while (stat == 0 .and. march%step < last)
      call advance(march, stat, errmsg)
      if (stat /= 0) exit
      if (is_due(march, march%look_every) .or. march%step == last .or. &
        .not. march%model%solution%has_converged) call look(march, stat, errmsg)
      if (stat == 0) call write_due(march, last, stat, errmsg)
      if (stat == 0) call report(march, last, reported)
    end do
  end subroutine march_on

  !> One step, and what it adds to the accounts.
  subroutine advance(march, stat, errmsg)
    type(march_t), intent(inout), target :: march
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    real(real64) :: dt

    dt = real(march%config%parameters%dt, real64)
    call march%boundary%fill((march%step + 1)*dt, march%model%grid, march%forcing)
    call march%weather%fill((march%step + 0.5_real64)*dt, march%domain, &
      march%model%grid, march%config%parameters%gravity, march%forcing, errmsg)
    stat = merge(err_file, 0, errmsg /= "")
    if (stat /= 0) return
    call take_step(march, stat, errmsg)
    if (stat /= 0) return
    march%step = march%step + 1
    if (size(march%tracers%c, 3) > 0) call march%tracers%advance(march%model, march%state, &
      stat, errmsg)
    call march%analysis%sample(march%model%grid, march%state, march%step, march%step*dt)
    associate (model => march%model)
      if (model%keeps_velocity) then
        march%gained = march%gained + inflow(model%grid, model%parameters, model%moved, &
          model%moved)
      else
        march%gained = march%gained + inflow(model%grid, model%parameters, model%old, &
          march%state)
      end if
      march%n_iterations = march%n_iterations + model%solution%n_iterations
      march%n_steps_counted = march%n_steps_counted + 1
      march%solver_error = max(march%solver_error, model%solver_error)
    end associate
  end subroutine advance

  !> The state one step later, by the model or what stands in its place.
  subroutine take_step(march, stat, errmsg)
    type(march_t), intent(inout), target :: march
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    logical :: is_done

    stat = 0
    is_done = .false.
    associate (model => march%model, slots => march%slots)
      if (associated(slots%stepper)) then
        call model%old%copy(march%state)
        call slots%stepper%step(march%state, is_done, stat, errmsg)
      end if
      if (stat == 0 .and. associated(slots%closure) .and. .not. is_done) then
        if (march%has_calm) march%forcing%stress_u = 0.0_wp
        if (march%has_calm) march%forcing%stress_v = 0.0_wp
        call slots%closure%add(march%state, march%forcing, stat, errmsg)
      end if
      if (stat /= 0) return
      if (is_done) then
        call march%state%fill_halo(model%grid%block)
        model%solution = solution_t(0, 0.0_wp, .true.)
        model%solver_error = 0.0_wp
      else
        call model%step(march%state, march%forcing)
      end if
    end associate
  end subroutine take_step

  !> Write what this step is to be recorded in.
  subroutine write_due(march, last, stat, errmsg)
    type(march_t), intent(inout) :: march
    integer, intent(in) :: last !! step of this run
    integer, intent(inout) :: stat
    character(len=*), intent(inout) :: errmsg

    logical :: is_restart_due, is_record_due

    associate (files => march%config%files)
      is_record_due = is_due(march, files%output_every) .and. is_recording(march)
      if (files%output_every == 0) is_record_due = march%step == last
      if (is_record_due .and. files%output /= "") call write_record(march, stat, errmsg)
      call write_gauges(march, stat, errmsg)
      is_restart_due = is_due(march, files%restart_every) .or. march%step == last
      if (stat == 0 .and. is_restart_due .and. files%restart_out /= "") then
        call save_state(trim(files%restart_out), march%config, march%domain, &
          march%model%grid, march%state, march%tracers%c, march%step, stat, errmsg, &
          march%analysis)
        call agree(march%model%grid%block, stat, errmsg)
      end if
    end associate
  end subroutine write_due

  !> Write the present state.
  subroutine write_record(march, stat, errmsg)
    type(march_t), intent(inout) :: march
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    stat = 0
    if (march%config%files%output == "") return
    call write_state(march%config, march%domain, march%model%grid, march%state, &
      march%tracers%c, march%step, march%trajectory, stat, errmsg)
    call agree(march%model%grid%block, stat, errmsg)
  end subroutine write_record

  !> Write the gauges if it is time to.
  subroutine write_gauges(march, stat, errmsg)
    type(march_t), intent(inout) :: march
    integer, intent(inout) :: stat
    character(len=*), intent(inout) :: errmsg

    if (stat /= 0 .or. march%config%gauges%output == "") return
    if (.not. (is_due(march, march%config%gauges%every) .and. is_recording(march))) return
    call march%gauges%write(march%config, march%model%grid, march%state, march%step, stat, &
      errmsg)
    call agree(march%model%grid%block, stat, errmsg)
  end subroutine write_gauges

end module swe_run
