! SPDX-License-Identifier: MIT
!> A run of many boxes from its settings: start, splitting step after splitting step, write.
!>
!> Anything else that carries cells through a step enters by the slot `reactor`; without it
!> the stiff solver does. A cell that cannot be integrated is flagged, counted, told of at
!> the end, and NaN in all records from then on; the others go on. The run fails when no
!> cell is left.
module chemistry_run
  use, intrinsic :: ieee_arithmetic, only: ieee_quiet_nan, ieee_value
  use, intrinsic :: iso_fortran_env, only: error_unit
  use chemistry_config, only: chemistry_config_t
  use chemistry_mechanism, only: mechanism_t, sun_position
  use chemistry_output, only: create_output, write_state
  use chemistry_reactors, only: reactor_t
  use chemistry_reader, only: read_mechanism
  use chemistry_solver, only: chemistry_solver_t, flag_done, flag_text, negatives_clip, &
    negatives_keep, negatives_reject
  use chemistry_start, only: start_cells
  use early_ends, only: keep_trajectory
  use failures, only: err_argument, err_interrupted, err_runtime, fail, succeed
  use interrupts, only: interrupted_by
  use kinds, only: int64, wp
  use trajectories, only: trajectory_t
  implicit none
  private
  public :: chemistry_config_t, run, setup_solver

  integer, parameter :: max_errmsg = 512
  integer, parameter :: progress_percent = 5 !! between two messages
  integer, parameter :: last_flag = 6        !! of those in `chemistry_solver`
  real(wp), parameter :: relative_atol = 1.0e-9_wp !! of the largest start, by default

  !> The mechanism, the state and the file of a run.
  type :: march_t
    type(chemistry_config_t) :: config
    type(mechanism_t) :: mechanism
    type(chemistry_solver_t) :: solver
    type(trajectory_t) :: trajectory
    real(wp), allocatable :: y(:, :)        !! concentrations (species, cell)
    real(wp), allocatable :: temperature(:) !! [K] (cell)
    real(wp), allocatable :: h(:)           !! next inner step (cell)
    integer, allocatable :: flags(:)        !! of the last splitting step (cell)
    integer, allocatable :: first_flag(:)   !! the first one that was not zero (cell)
    integer :: step = 0                     !! splitting steps made
    real(wp) :: seconds = 0.0_wp            !! of processor in the splitting steps
  end type march_t

contains

  !> Run as the settings say.
  subroutine run(config, reactor, stat, errmsg)
    type(chemistry_config_t), intent(in) :: config !! settings
    class(reactor_t), intent(inout), optional :: reactor !! in place of the stiff solver
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(march_t), target :: march
    character(len=max_errmsg) :: message
    integer :: status

    message = ""
    march%config = config
    call prepare(march, status, message)
    if (status == 0 .and. present(reactor) .and. config%temperature_spread > 0.0_wp) then
      status = err_argument
      message = "'temperature_spread' needs the stiff solver itself"
    end if
    if (status == 0 .and. config%output /= "") then
      call create_output(march%config, march%mechanism, march%trajectory, status, message)
      if (status == 0) call march%trajectory%write_constant("temperature", &
        reshape(march%temperature, [config%n_cells, 1]), status, message)
    end if
    if (status == 0) call march_on(march, status, message, reactor)
    if (status == 0 .and. march%trajectory%is_open()) then
      call march%trajectory%finish(stat=status, errmsg=message)
    end if
    if (status == err_runtime .or. status == err_interrupted) then
      call keep_trajectory(march%trajectory, march%config%output, status, "trajectories", &
        message)
    end if
    call march%trajectory%abandon()
    if (status /= 0) then
      call fail(status, trim(message), stat, errmsg)
    else
      call summarise(march)
      call succeed(stat)
    end if
  end subroutine run

  !> Solver and start.
  subroutine prepare(march, stat, errmsg)
    type(march_t), intent(inout) :: march
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    associate (config => march%config)
      call setup_solver(config, march%solver, stat, errmsg)
      if (stat /= 0) return
      march%mechanism = march%solver%mechanism
      call start_cells(config, march%mechanism, march%y, march%temperature, stat, errmsg)
      allocate (march%h(config%n_cells), source=0.0_wp)
      allocate (march%flags(config%n_cells), source=flag_done)
      allocate (march%first_flag(config%n_cells), source=flag_done)
    end associate
  end subroutine prepare

  !> The solver that the settings describe; defaults that depend on the mechanism are set.
  subroutine setup_solver(config, solver, stat, errmsg)
    type(chemistry_config_t), intent(inout) :: config
    type(chemistry_solver_t), intent(inout) :: solver
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    type(mechanism_t) :: mechanism

    call read_mechanism(trim(config%file), mechanism, stat, errmsg)
    if (stat == 0) call set_conditions(config, mechanism, stat, errmsg)
    if (stat /= 0) return
    if (config%dt < 0.0_wp) config%dt = mechanism%end_time
    if (config%atol < 0.0_wp) config%atol = relative_atol*maxval(mechanism%initial)
    if (.not. (config%dt > 0.0_wp .and. config%atol > 0.0_wp)) then
      stat = err_argument
      errmsg = "'dt' and 'atol' must be given: '"//mechanism%path// &
        "' has no 'end', or all of it starts with 0"
      return
    end if
    call solver%setup(mechanism, trim(config%method), config%rtol, config%atol, stat, &
      errmsg)
    if (stat /= 0) return
    solver%max_steps = config%max_steps
    select case (config%negatives)
    case ("keep")
      solver%negatives = negatives_keep
    case ("clip")
      solver%negatives = negatives_clip
    case default
      solver%negatives = negatives_reject
    end select
  end subroutine setup_solver

  !> Temperature and sun of the namelist in place of the mechanism's.
  subroutine set_conditions(config, mechanism, stat, errmsg)
    type(chemistry_config_t), intent(in) :: config !! settings
    type(mechanism_t), intent(inout) :: mechanism  !! changed
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    stat = 0
    if (config%temperature >= 0.0_wp) mechanism%temperature = config%temperature
    if (max(config%latitude, config%declination) < -90.0_wp) return
    if (mechanism%sun%form /= sun_position) then
      stat = err_argument
      errmsg = "'latitude' and 'declination' need a mechanism with 'sun position'; '"// &
        mechanism%path//"' has none"
      return
    end if
    if (config%latitude >= -90.0_wp) mechanism%sun%latitude = config%latitude
    if (config%declination >= -90.0_wp) mechanism%sun%declination = config%declination
  end subroutine set_conditions

  !> The run itself: from record to record.
  subroutine march_on(march, stat, errmsg, reactor)
    type(march_t), intent(inout), target :: march
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg
    class(reactor_t), intent(inout), optional :: reactor

    integer :: reported

    reported = 0
    stat = 0
    associate (config => march%config)
      call write_record(march, stat, errmsg)
      do while (stat == 0 .and. march%step < config%n_steps)
        call advance(march, stat, errmsg, reactor)
        if (stat /= 0) exit
        if (modulo(march%step, config%output_every) == 0) then
          call write_record(march, stat, errmsg)
        end if
        call report(march%step, config%n_steps, reported)
        if (stat == 0 .and. interrupted_by() /= 0) then
          stat = err_interrupted
          write (errmsg, "(a, i0)") "interrupted after step ", march%step
        end if
      end do
    end associate
  end subroutine march_on

  !> One splitting step of all cells.
  subroutine advance(march, stat, errmsg, reactor)
    type(march_t), intent(inout), target :: march
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg
    class(reactor_t), intent(inout), optional :: reactor

    real(wp) :: begin, end
    integer :: c

    call cpu_time(begin)
    if (present(reactor)) then
      call reactor%react(march%y, time_of(march), march%config%dt, march%flags, stat, &
        errmsg)
    else
      call march%solver%integrate(march%y, time_of(march), march%config%dt, march%flags, &
        march%temperature, march%h, stat=stat, errmsg=errmsg)
    end if
    call cpu_time(end)
    if (stat /= 0) return
    march%seconds = march%seconds + end - begin
    march%step = march%step + 1
    do c = 1, size(march%flags)
      if (march%flags(c) == flag_done) cycle
      ! NaN keeps the cell out of the steps that follow, and out of anyone's averages.
      if (march%first_flag(c) == flag_done) march%first_flag(c) = march%flags(c)
      march%y(:, c) = ieee_value(1.0_wp, ieee_quiet_nan)
    end do
    if (any(march%first_flag == flag_done)) return
    stat = err_runtime
    write (errmsg, "(a, i0, 2a)") "no cell is left after step ", march%step, ": ", &
      flag_counts(march%first_flag)
  end subroutine advance

  !> Model time.
  pure real(wp) function time_of(march)
    type(march_t), intent(in) :: march

    time_of = march%config%t_start + march%step*march%config%dt
  end function time_of

  !> Write the present state if there is a file.
  subroutine write_record(march, stat, errmsg)
    type(march_t), intent(inout) :: march
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    stat = 0
    if (march%trajectory%is_open()) call write_state(march%trajectory, time_of(march), &
      march%y, march%first_flag, stat, errmsg)
  end subroutine write_record

  !> Steps, time and flagged cells of the whole run.
  subroutine summarise(march)
    type(march_t), intent(in) :: march

    integer(int64) :: tried
    real(wp) :: cell_steps

    cell_steps = real(size(march%flags), wp)*march%step
    write (error_unit, "(i0, 3a, i0, a, f0.3, a)") size(march%flags), " cells of ", &
      march%mechanism%name, ", ", march%step, " splitting steps, ", &
      1.0e6_wp*march%seconds/cell_steps, &
      " us per cell and step, all threads together"
    tried = march%solver%n_accepted + march%solver%n_rejected
    if (tried > 0) write (error_unit, "(f0.2, a, f0.1, a)") tried/cell_steps, &
      " inner steps per cell and step (", 100.0_wp*march%solver%n_rejected/tried, &
      " % of them repeated)"
    if (any(march%first_flag /= flag_done)) then
      write (error_unit, "(a)") "flagged, NaN from then on: "// &
        flag_counts(march%first_flag)
    end if
  end subroutine summarise

  !> How many cells have which flag.
  function flag_counts(flags) result(text)
    integer, intent(in) :: flags(:) !! (cell)
    character(len=:), allocatable :: text

    character(len=16) :: number
    integer :: flag

    text = ""
    do flag = 1, last_flag
      if (.not. any(flags == flag)) cycle
      write (number, "(i0)") count(flags == flag)
      if (text /= "") text = text//"; "
      text = text//trim(number)//" of them because "//flag_text(flag)
    end do
  end function flag_counts

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

end module chemistry_run
