! SPDX-License-Identifier: MIT
!> A Lorenz-96 run from its settings: start, spin up, march, write; and end well.
!>
!> A network, or anything else, enters by the slots `closure` and `stepper`; without them
!> the settings' own closure is used. A state that is no longer finite and a signal both
!> end the run with what was computed so far in files whose names say so.
module lorenz96_run
  use, intrinsic :: iso_fortran_env, only: error_unit
  use closures, only: closure_t, stepper_t
  use early_ends, only: add_kept, early_name, keep_trajectory
  use failures, only: err_argument, err_file, err_interrupted, err_runtime, fail, succeed
  use files, only: check_writable, delete_file
  use interrupts, only: interrupted_by
  use kinds, only: wp
  use lorenz96, only: lorenz96_t, n_work
  use lorenz96_closures, only: polynomial_closure_t
  use lorenz96_config, only: lorenz96_config_t
  use lorenz96_output, only: create_output, write_state
  use lorenz96_state, only: is_finite, lorenz96_state_t, save_state, start_state
  use lorenz96_two_level, only: coupling_mean, coupling_sum, two_level_t, wrap_ring, &
    wrap_sites
  use schemes, only: scheme_from_name
  use trajectories, only: trajectory_t
  implicit none
  private
  public :: lorenz96_config_t, run

  integer, parameter :: max_errmsg = 512
  integer, parameter :: values_per_piece = 20000000
    !! site-steps between two looks at the interrupt flag: about 50 ms
  integer, parameter :: progress_percent = 5 !! between two messages

  !> The models, the state and the file of a run.
  type :: march_t
    type(lorenz96_config_t) :: config
    type(lorenz96_t) :: one_level
    type(two_level_t) :: two_level
    type(lorenz96_state_t) :: state
    type(lorenz96_state_t) :: good !! the last state that was finite
    type(trajectory_t) :: trajectory
    real(wp), allocatable :: work(:, :, :) !! of a closure, at one place for the whole run
    character(len=16) :: closure_name = "none"
  end type march_t

contains

  !> Run as the settings say.
  subroutine run(config, closure, stepper, stat, errmsg)
    type(lorenz96_config_t), intent(in) :: config !! settings
    class(closure_t), intent(inout), optional :: closure !! tendency added to dx/dt
    class(stepper_t), intent(inout), optional :: stepper !! replaces the whole step
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(polynomial_closure_t) :: polynomial
    character(len=max_errmsg) :: message
    integer :: status

    message = ""
    if (config%levels == 2 .and. (present(closure) .or. present(stepper))) then
      call fail(err_argument, "a closure or stepper stands for the second level: "// &
        "it needs 'levels' = 1", stat, errmsg)
      return
    else if (config%closure /= "none" .and. (present(closure) .or. present(stepper))) then
      call fail(err_argument, "&closure asks for '"//trim(config%closure)// &
        "', and the slot is filled already", stat, errmsg)
      return
    end if
    if (present(closure)) then
      call run_all(config, "external", status, message, closure=closure)
    else if (present(stepper)) then
      call run_all(config, "stepper", status, message, stepper=stepper)
    else if (config%closure /= "none") then
      polynomial%coefficients = config%coefficients
      call run_all(config, trim(config%closure), status, message, closure=polynomial)
    else
      call run_all(config, "none", status, message)
    end if
    if (status /= 0) then
      call fail(status, trim(message), stat, errmsg)
    else
      call succeed(stat)
    end if
  end subroutine run

  !> All of a run once it is known what fills the slots.
  subroutine run_all(config, closure_name, stat, errmsg, closure, stepper)
    type(lorenz96_config_t), intent(in) :: config !! settings
    character(len=*), intent(in) :: closure_name  !! what fills the slot
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg
    class(closure_t), intent(inout), optional :: closure
    class(stepper_t), intent(inout), optional :: stepper

    type(march_t), target :: march

    march%config = config
    march%closure_name = closure_name
    allocate (march%work(config%n_sites, config%n_members, merge(n_work, 0, &
      present(closure))))
    call setup_models(march, stat, errmsg)
    if (stat == 0) call start_state(config, closure_name, march%state, stat, errmsg)
    if (stat == 0) call check_start(march, stat, errmsg)
    if (stat == 0) call spin_up(march, stat, errmsg, closure, stepper)
    if (stat == 0 .and. config%output /= "") then
      call create_output(config, closure_name, march%trajectory, stat, errmsg)
    end if
    if (stat /= 0) then
      call march%trajectory%abandon()
      return
    end if
    call march_on(march, stat, errmsg, closure, stepper)
    if (stat == 0 .and. march%trajectory%is_open()) then
      call march%trajectory%finish(stat=stat, errmsg=errmsg)
    end if
    if (stat == 0 .and. config%restart_out /= "") call save_state( &
      trim(config%restart_out), config, closure_name, march%state, stat, errmsg)
    if (stat == err_runtime .or. stat == err_interrupted) call keep(march, stat, errmsg)
    call march%trajectory%abandon()
  end subroutine run_all

  !> Give the models their parameters.
  subroutine setup_models(march, stat, errmsg)
    type(march_t), intent(inout) :: march
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    associate (config => march%config)
      if (config%levels == 1) then
        call march%one_level%setup(config%n_sites, config%forcing, &
          scheme_from_name(trim(config%scheme)), stat, errmsg)
      else
        call march%two_level%setup(config%n_sites, config%n_fast, config%forcing, &
          config%h, &
          config%c, config%b, merge(wrap_ring, wrap_sites, config%wrap == "ring"), &
          merge(coupling_mean, coupling_sum, config%coupling == "mean"), &
          scheme_from_name(trim(config%scheme)), stat, errmsg)
      end if
    end associate
  end subroutine setup_models

  !> Refuse a state that is broken before the first step.
  subroutine check_start(march, stat, errmsg)
    type(march_t), intent(in) :: march
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    stat = 0
    if (march%config%restart_out /= "") then
      ! Better now than after the run.
      call check_writable(trim(march%config%restart_out)//".part", stat, errmsg)
      if (stat /= 0) return
      call delete_file(trim(march%config%restart_out)//".part")
    end if
    if (is_finite(march%state)) return
    stat = err_file
    errmsg = "the state is not finite before the first step"
    if (march%config%restart_in /= "") then
      errmsg = "restart '"//trim(march%config%restart_in)// &
        "' holds values that are not finite"
    end if
  end subroutine check_start

  !> The steps before time 0; a restart has them behind it.
  subroutine spin_up(march, stat, errmsg, closure, stepper)
    type(march_t), intent(inout), target :: march
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg
    class(closure_t), intent(inout), optional :: closure
    class(stepper_t), intent(inout), optional :: stepper

    stat = 0
    if (march%config%restart_in /= "") return
    call advance(march, march%config%spin_up_steps, stat, errmsg, closure, stepper)
    march%state%step = 0
    if (stat /= 0) return
    if (.not. is_finite(march%state)) then
      stat = err_runtime
      errmsg = "the state is not finite after the spin-up: is 'dt' too long?"
    end if
  end subroutine spin_up

  !> The run itself: from record to record.
  subroutine march_on(march, stat, errmsg, closure, stepper)
    type(march_t), intent(inout), target :: march
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg
    class(closure_t), intent(inout), optional :: closure
    class(stepper_t), intent(inout), optional :: stepper

    integer :: first, last, reported

    first = march%state%step
    last = first + march%config%n_steps
    reported = 0
    march%good = march%state
    ! A restarted run does not repeat the record it begins with.
    stat = 0
    if (march%config%restart_in == "") call write_record(march, stat, errmsg)
    do while (stat == 0 .and. march%state%step < last)
      associate (every => march%config%output_every, step => march%state%step)
        call advance(march, min(every - modulo(step, every), last - step), stat, errmsg, &
          closure, stepper)
        if (stat /= 0) exit
        if (.not. is_finite(march%state)) then
          stat = err_runtime
          write (errmsg, "(a, i0, a, i0)") "the state is not finite after step ", &
            step, "; the last good one is that of step ", march%good%step
          exit
        end if
        march%good = march%state
        if (modulo(step, every) == 0) call write_record(march, stat, errmsg)
      end associate
      call report(march%state%step - first, march%config%n_steps, reported)
    end do
  end subroutine march_on

  !> Write the present state if there is a trajectory.
  subroutine write_record(march, stat, errmsg)
    type(march_t), intent(inout) :: march
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    stat = 0
    if (march%trajectory%is_open()) call write_state(march%config, march%two_level, &
      march%state, march%trajectory, stat, errmsg)
  end subroutine write_record

  !> Advance by some steps, in pieces short enough for Ctrl-C to be answered.
  subroutine advance(march, n_steps, stat, errmsg, closure, stepper)
    type(march_t), intent(inout), target :: march
    integer, intent(in) :: n_steps !! number of steps
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg
    class(closure_t), intent(inout), optional :: closure
    class(stepper_t), intent(inout), optional :: stepper

    integer :: done, piece

    piece = max(1, values_per_piece/(size(march%state%x) + size(march%state%z)))
    if (present(closure) .or. present(stepper)) piece = 1
    done = 0
    stat = 0
    do while (done < n_steps .and. stat == 0)
      piece = min(piece, n_steps - done)
      call advance_piece(march, piece, stat, errmsg, closure, stepper)
      done = done + piece
      if (stat == 0) march%state%step = march%state%step + piece
      if (stat == 0 .and. interrupted_by() /= 0) then
        stat = err_interrupted
        if (is_finite(march%state)) march%good = march%state
        write (errmsg, "(a, i0)") "interrupted after step ", march%state%step
      end if
    end do
  end subroutine advance

  !> Advance by some steps with whatever makes them.
  subroutine advance_piece(march, n_steps, stat, errmsg, closure, stepper)
    type(march_t), intent(inout), target :: march
    integer, intent(in) :: n_steps !! number of steps
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg
    class(closure_t), intent(inout), optional :: closure
    class(stepper_t), intent(inout), optional :: stepper

    integer :: i

    stat = 0
    associate (x => march%state%x, z => march%state%z, dt => march%config%dt)
      if (present(stepper)) then
        do i = 1, n_steps
          call stepper%step(x, stat, errmsg)
          if (stat /= 0) return
        end do
      else if (march%config%levels == 2) then
        call march%two_level%advance(x, z, dt, n_steps, stat, errmsg)
      else
        call march%one_level%advance(x, dt, n_steps, closure, &
          march%config%closure_scheme == "every_stage", march%work, stat, errmsg)
      end if
    end associate
  end subroutine advance_piece

  !> Keep what there is of a run that ended early, under names that say so.
  subroutine keep(march, stat, errmsg)
    type(march_t), intent(inout) :: march
    integer, intent(in) :: stat                !! why it ended
    character(len=*), intent(inout) :: errmsg  !! extended by the names

    character(len=:), allocatable :: path
    character(len=max_errmsg) :: problem
    integer :: status

    call keep_trajectory(march%trajectory, march%config%output, stat, "trajectory", errmsg)
    if (march%config%restart_out == "") return
    path = early_name(march%config%restart_out, stat)
    problem = ""
    call save_state(path, march%config, trim(march%closure_name), march%good, status, &
      problem)
    call add_kept("restart from the last good state", path, status, problem, errmsg)
  end subroutine keep

  !> Say how far the run is, every few per cent.
  subroutine report(done, total, reported)
    integer, intent(in) :: done        !! steps done
    integer, intent(in) :: total       !! steps to do
    integer, intent(inout) :: reported !! percentage of the last message

    integer :: percent

    percent = int(100.0_wp*done/max(1, total))
    if (percent < reported + progress_percent) return
    reported = percent - modulo(percent, progress_percent)
    write (error_unit, "(i3, a, i0, a, i0, a)") percent, " % (", done, " of ", total, &
      " steps)"
  end subroutine report

end module lorenz96_run
