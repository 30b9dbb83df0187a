! SPDX-License-Identifier: MIT
!> A run of any column model, from its namelist to its file, by physics or by a network.
!>
!> Groups: &model (the model's own keys), &integration, &files, and those of the caller.
module column_run
  use closures, only: closure_t
  use columns, only: column_t
  use failures, only: err_interrupted, err_runtime, fail, succeed
  use, intrinsic :: ieee_arithmetic, only: ieee_is_finite
  use interrupts, only: catch_interrupts, interrupted_by
  use kinds, only: wp
  use namelist_checks, only: check_amount, check_at_least, check_multiple, check_positive
  use namelist_settings, only: key_visitor_t, max_path, settings_t
  use program_ends, only: end_run, end_with, namelist_argument
  use trajectories, only: trajectory_t
  use version, only: isthmus_version
  implicit none
  private
  public :: column_config_t, column_help, read_column_config, run_columns, run_program

  character(len=*), parameter :: column_help(*) = [character(len=92) :: &
    "&integration  columns = 1, dt = 600.0 [s], duration = 86400.0 [s], output_every =", &
    "              3600.0 [s], output_from = 0.0 [s]", &
    "&files        output = netCDF file", &
    "", &
    "Exit status: 0 done, 1 the run failed, 2 the namelist is wrong, 130 Ctrl-C."]

  !> Settings of a run that all column models share, and those of one.
  type, extends(settings_t) :: column_config_t
    class(column_t), pointer, private :: model => null() !! while they are read
    integer :: columns = 1                    !! how many
    real(wp) :: dt = 600.0_wp                 !! [s]
    real(wp) :: duration = 86400.0_wp         !! [s]
    real(wp) :: output_every = 3600.0_wp      !! [s]
    real(wp) :: output_from = 0.0_wp          !! nothing is written before [s]
    character(len=max_path) :: output = ""    !! netCDF
  contains
    procedure :: visit_group
    procedure :: check
  end type column_config_t

contains

  !> The program of a model that runs by its own physics.
  subroutine run_program(name, model)
    character(len=*), intent(in) :: name     !! of the program
    class(column_t), intent(inout) :: model

    character(len=:), allocatable :: path
    character(len=2048) :: errmsg
    type(column_config_t) :: config
    integer :: stat

    call model%declare()
    path = namelist_argument(name, [model_help(model), column_help])
    errmsg = ""
    call read_column_config(path, config, model, [character(len=1) ::], stat, errmsg)
    if (stat /= 0) call end_with(name, 2, errmsg)
    call catch_interrupts()
    call run_columns(config, model, stat=stat, errmsg=errmsg)
    call end_run(name, stat, errmsg)
  end subroutine run_program

  !> A line of help for each key of the model.
  function model_help(model) result(lines)
    class(column_t), intent(in) :: model
    character(len=92) :: lines(size(model%keys))

    character(len=6) :: group
    integer :: i

    do i = 1, size(lines)
      group = merge("&model", "      ", i == 1)
      write (lines(i), "(a6, 8x, 2a, g0.6)") group, trim(model%keys(i)), " = ", &
        model%settings(i)
    end do
  end function model_help

  !> Read a namelist; groups named in `others` belong to others. Sets the model up.
  subroutine read_column_config(path, config, model, others, stat, errmsg)
    character(len=*), intent(in) :: path         !! namelist file
    type(column_config_t), intent(out) :: config !! what it says
    class(column_t), intent(inout), target :: model !! its keys are declared
    character(len=*), intent(in) :: others(:)    !! groups left alone
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    config%model => model
    call config%read(path, others=others, stat=stat, errmsg=errmsg)
    nullify (config%model)
  end subroutine read_column_config

  !> All keys of the group at hand.
  subroutine visit_group(self, keys, group)
    class(column_config_t), intent(inout) :: self
    type(key_visitor_t), intent(inout) :: keys
    character(len=*), intent(in) :: group

    integer :: i

    select case (group)
    case ("model")
      do i = 1, size(self%model%keys)
        call keys%visit(trim(self%model%keys(i)), self%model%settings(i))
      end do
    case ("integration")
      call keys%visit("columns", self%columns)
      call keys%visit("dt", self%dt)
      call keys%visit("duration", self%duration)
      call keys%visit("output_every", self%output_every)
      call keys%visit("output_from", self%output_from)
    case ("files")
      call keys%visit("output", self%output)
    case default
      keys%problem = "unknown group, expected &model, &integration or &files"
    end select
  end subroutine visit_group

  !> Refuse what cannot be run; set the model up.
  subroutine check(self, problem)
    class(column_config_t), intent(inout) :: self
    character(len=*), intent(inout) :: problem !! set if there is one

    if (self%output == "") problem = "'output' in &files is missing"
    call check_at_least("columns", self%columns, 1, problem)
    call check_amount("'columns'", [self%columns], 2, problem)
    call check_positive("dt", self%dt, problem)
    call check_positive("duration", self%duration, problem)
    call check_positive("output_every", self%output_every, problem)
    call check_multiple("output_every", self%output_every, "dt", self%dt, problem)
    call check_multiple("duration", self%duration, "output_every", self%output_every, &
      problem)
    if (problem == "" .and. .not. all(ieee_is_finite(self%model%settings))) problem = &
      "all of &model must be finite numbers"
    self%model%dt = self%dt
    if (problem == "") call self%model%set_up(problem)
  end subroutine check

  !> Run with a closure in the slot, the model's own physics if none is given.
  subroutine run_columns(config, model, closure, closure_name, stat, errmsg)
    type(column_config_t), intent(in) :: config
    class(column_t), intent(inout) :: model                  !! set up
    class(closure_t), intent(inout), optional :: closure     !! state to fluxes
    character(len=*), intent(in), optional :: closure_name   !! for the file
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    type(trajectory_t) :: file
    real(wp), allocatable :: state(:, :)

    allocate (state(model%n_values, config%columns))
    call model%start(state)
    if (present(closure)) then
      call create_file(file, config, model, closure_name, stat, errmsg)
    else
      call create_file(file, config, model, "physics", stat, errmsg)
    end if
    if (stat == 0) call march(config, model, file, state, closure, stat, errmsg)
    if (stat == 0) call file%finish(stat=stat, errmsg=errmsg)
    if (stat /= 0 .and. file%is_open()) call file%abandon()
  end subroutine run_columns

  !> Step to the end, and write.
  subroutine march(config, model, file, state, closure, stat, errmsg)
    type(column_config_t), intent(in) :: config
    class(column_t), intent(inout) :: model
    type(trajectory_t), intent(inout) :: file
    real(wp), allocatable, target, intent(inout) :: state(:, :) !! (value, column)
    class(closure_t), intent(inout), optional :: closure
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    real(wp), allocatable, target :: fluxes(:, :)
    integer :: i, n_between

    allocate (fluxes(model%n_fluxes, config%columns), source=0.0_wp)
    n_between = nint(config%output_every/config%dt)
    stat = 0
    if (.not. config%output_from > 0.0_wp) call write_record(0)
    do i = 1, nint(config%duration/config%dt)
      if (stat /= 0) return
      call model%force((i - 1)*config%dt, state)
      if (present(closure)) then
        call closure%evaluate(state, fluxes, stat, errmsg)
      else
        call model%evaluate(state, fluxes, stat, errmsg)
      end if
      if (stat /= 0) return
      call model%apply(fluxes, state)
      call check_finite(state, i*config%dt, stat, errmsg)
      if (stat == 0 .and. modulo(i, n_between) == 0 .and. &
        i*config%dt >= config%output_from) call write_record(i)
      if (stat == 0 .and. interrupted_by() /= 0) call fail(err_interrupted, &
        "interrupted, the file was not finished", stat, errmsg)
    end do

  contains

    !> Write the state after `step` steps.
    subroutine write_record(step)
      integer, intent(in) :: step

      real(wp) :: budget(config%columns, 1)
      integer :: f

      call file%begin_record(step*config%dt, stat, errmsg)
      do f = 1, size(model%fields)
        associate (field => model%fields(f))
          if (stat /= 0) return
          if (field%n == 1) then
            call file%write_field(trim(field%name), &
              reshape(state(field%first, :), [config%columns, 1]), stat, errmsg)
          else
            call file%write_field(trim(field%name), &
              state(field%first:field%first + field%n - 1, :), stat, errmsg)
          end if
        end associate
      end do
      call model%budget(state, budget(:, 1))
      if (stat == 0) call file%write_field("budget", budget, stat, errmsg)
    end subroutine write_record

  end subroutine march

  !> Name the first column that is not a number any more.
  subroutine check_finite(state, t, stat, errmsg)
    real(wp), intent(in) :: state(:, :)
    real(wp), intent(in) :: t !! [s]
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    character(len=128) :: text
    integer :: place(2)

    call succeed(stat)
    if (all(ieee_is_finite(state))) return
    place = findloc(ieee_is_finite(state), .false.)
    write (text, "(a, i0, a, i0, a, g0.6, a)") "value ", place(1), " of column ", &
      place(2), " is not finite at ", t, " s"
    call fail(err_runtime, trim(text), stat, errmsg)
  end subroutine check_finite

  !> Create the file and define all that will be in it.
  subroutine create_file(file, config, model, closure_name, stat, errmsg)
    type(trajectory_t), intent(inout) :: file
    type(column_config_t), intent(in) :: config
    class(column_t), intent(in) :: model
    character(len=*), intent(in) :: closure_name
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    character(len=6), parameter :: dims(2) = ["level ", "column"]
    integer :: i

    call file%create(trim(config%output), stat, errmsg, time_units="s")
    if (stat == 0) call file%add_coordinate("level", model%depth, "m", &
      "depth of the middle of a level", stat, errmsg)
    if (stat == 0) call file%add_dimension("column", config%columns, "column", stat, errmsg)
    do i = 1, size(model%fields)
      associate (field => model%fields(i))
        if (stat == 0) call file%add_variable(trim(field%name), &
          dims(merge(2, 1, field%n == 1):), trim(field%units), trim(field%long_name), &
          .false., stat, errmsg)
      end associate
    end do
    if (stat == 0) call file%add_variable("budget", dims(2:), "1", &
      "what is conserved less what came in", .false., stat, errmsg)
    if (stat == 0) call file%add_attribute("Conventions", "CF-1.11", stat, errmsg)
    if (stat == 0) call file%add_attribute("source", "isthmus "//isthmus_version, stat, &
      errmsg)
    if (stat == 0) call file%add_attribute("closure", closure_name, stat, errmsg)
    if (stat == 0) call file%add_attribute("dt", config%dt, stat, errmsg)
    do i = 1, size(model%keys)
      if (stat == 0) call file%add_attribute(trim(model%keys(i)), model%settings(i), stat, &
        errmsg)
    end do
  end subroutine create_file

end module column_run
