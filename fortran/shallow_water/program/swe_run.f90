! SPDX-License-Identifier: MIT
!> A shallow water run from its settings to its files.
!>
!> All ranks go through all of it; rank 0 writes the files. A failure of one rank is a
!> failure of all, at the same step (`swe_agreement`).
module swe_run
  use, intrinsic :: iso_fortran_env, only: error_unit
  use failures, only: err_argument, err_file, err_interrupted, err_runtime, fail, succeed
  use files, only: check_writable, delete_file, with_suffix
  use interrupts, only: interrupted_by
  use swe_agreement, only: agree, everyone
  use swe_analysis, only: analysis_t
  use swe_blocks, only: block_t, ranks_t
  use swe_budgets, only: budget_of, inflow, swe_budget_t, water_volume
  use swe_config, only: swe_config_t
  use swe_conjugate_gradients, only: conjugate_gradients_t
  use swe_decomposition, only: decompose
  use swe_domain, only: swe_domain_t
  use swe_exchange, only: global_maximum, global_sum
  use swe_extrapolation, only: extrapolation_t
  use swe_five_point, only: solution_t
  use swe_gauges, only: gauges_t
  use swe_grid_file, only: read_grid
  use swe_islands, only: resolve_islands
  use swe_kinds, only: real64, wp
  use swe_limits, only: check_advection, check_time_step, courant_number
  use swe_open_boundary, only: open_boundary_t
  use swe_output, only: create_output, write_state
  use swe_restart, only: save_state, start_state
  use swe_slots, only: swe_slots_t
  use swe_solvers, only: make_solver
  use swe_state, only: swe_forcing_t, swe_state_t
  use swe_step, only: swe_model_t
  use swe_tracers, only: swe_tracers_t
  use swe_weather, only: weather_t
  use trajectories, only: trajectory_t
  implicit none
  private
  public :: run, swe_config_t

  integer, parameter :: max_errmsg = 1024
  integer, parameter :: progress_percent = 5 !! between two messages
  integer, parameter :: values_per_look = 5000000
    !! cell-steps between two looks at the state and at the interrupt flag
  integer, parameter :: min_look = 5, max_look = 20 !! steps: a look costs a tenth of one
  real(wp), parameter :: largest = 1.0e6_wp !! |zeta| [m] of a state that has blown up

  !> The model, the state and the files of a run.
  type :: march_t
    type(swe_config_t) :: config
    type(swe_domain_t) :: domain
    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_tracers_t) :: tracers !! none unless named
    type(swe_state_t) :: good      !! the last state that was looked at and found finite
    real(wp), allocatable :: good_c(:, :, :) !! its concentrations
    type(swe_forcing_t) :: forcing
    type(swe_slots_t) :: slots     !! what acts instead of the model, or in it
    type(extrapolation_t) :: extrapolation !! the first guess, if it is to be one
    logical :: has_calm = .false.  !! no wind: the stress is all a closure's
    integer :: step = 0            !! since the start
    integer :: good_step = 0
    integer :: first_step = 0      !! of this run
    integer :: look_every = 1      !! steps between two looks
    type(trajectory_t) :: trajectory
    type(open_boundary_t) :: boundary
    type(weather_t) :: weather
    type(gauges_t) :: gauges
    type(analysis_t) :: analysis
    type(swe_budget_t) :: first_budget
    real(real64) :: water = 1      !! volume of all water [m3]
    real(real64) :: gained = 0     !! volume through open boundaries, of this block [m3]
    integer :: n_iterations = 0    !! of the solver since the last message
    integer :: n_steps_counted = 0 !! steps since the last message
    real(wp) :: solver_error = 0.0_wp !! largest |zeta - z| since the last message [m]
  end type march_t

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

  !> Everything before the first step.
  subroutine set_up(march, ranks, stat, errmsg)
    type(march_t), intent(inout), target :: march
    type(ranks_t), intent(in) :: ranks
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    type(block_t) :: block

    call set_up_domain(march, stat, errmsg)
    call agree(everyone(ranks), stat, errmsg)
    if (stat == 0) call decompose(ranks, march%domain%nx, march%domain%ny, &
      march%domain%periodic_x, march%domain%periodic_y, block, &
      march%config%integration%is_reproducible, stat, errmsg)
    if (stat /= 0) return
    call set_up_model(march, block, stat, errmsg)
    if (stat == 0) call march%analysis%setup(march%config, block, stat, errmsg)
    if (stat == 0) call start_state(march%config, march%domain, march%model%grid, &
      march%state, march%tracers, march%analysis, march%step, stat, errmsg)
    march%first_step = march%step
    call march%analysis%rehearse(march%config, march%first_step, stat, errmsg)
    if (stat == 0) call set_up_forcing(march, stat, errmsg)
    if (stat == 0) call connect_slots(march, stat, errmsg)
    if (stat == 0 .and. block%rank == 0) call create_files(march, stat, errmsg)
    call agree(block, stat, errmsg)
    if (stat /= 0) return
    march%look_every = max(min_look, min(max_look, values_per_look &
      /(march%domain%nx*march%domain%ny)))
    march%water = water_volume(march%model%grid)
    march%first_budget = budget_of(march%model%grid, march%model%parameters, march%state)
    call look(march, stat, errmsg)
    if (stat == 0) call announce(march)
  end subroutine set_up

  !> Cells, depths and boundaries of the whole grid.
  subroutine set_up_domain(march, stat, errmsg)
    type(march_t), intent(inout) :: march
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    associate (config => march%config, domain => march%domain)
      if (config%grid%file /= "") then
        call read_grid(config%grid, domain, errmsg)
      else
        call domain%make_box(config%grid)
      end if
      stat = merge(err_file, 0, errmsg /= "")
      if (stat /= 0) return
      call domain%set_rotation(config%grid)
      call domain%adjust_depth(config%grid)
      if (.not. allocated(domain%drag)) allocate (domain%drag(domain%nx, domain%ny), &
        source=config%drag_coefficient)
      call domain%open_sides(trim(config%boundary%west), trim(config%boundary%east), &
        trim(config%boundary%south), trim(config%boundary%north))
      call march%boundary%read(config, domain, errmsg)
      call resolve_islands(domain, config%grid%islands, errmsg)
      call march%gauges%read(config, domain, errmsg)
      stat = merge(err_argument, 0, errmsg /= "")
    end associate
  end subroutine set_up_domain

  !> The model of one block.
  subroutine set_up_model(march, block, stat, errmsg)
    type(march_t), intent(inout) :: march
    type(block_t), intent(in) :: block
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    associate (config => march%config, model => march%model)
      call march%domain%make_grid(block, model%grid)
      model%parameters = config%parameters
      call check_time_step(config, model%grid, errmsg)
      stat = merge(err_argument, 0, errmsg /= "")
      if (stat /= 0) return
      call make_solver(model%solver, trim(config%solver%name), &
        real(config%solver%tolerance, wp), stat, errmsg)
      if (stat /= 0) return
      if (associated(march%slots%preconditioner)) call precondition(march%slots, model)
      model%solver%max_iterations = config%solver%max_iterations
      call model%setup()
    end associate
  end subroutine set_up_model

  !> Solve by conjugate gradients with the preconditioner of a slot.
  subroutine precondition(slots, model)
    type(swe_slots_t), intent(in) :: slots
    type(swe_model_t), intent(inout) :: model !! its solver is another one

    type(conjugate_gradients_t), allocatable :: cg

    allocate (cg)
    allocate (cg%preconditioner, source=slots%preconditioner)
    cg%tolerance = model%solver%tolerance
    call move_alloc(cg, model%solver)
  end subroutine precondition

  !> Boundary and weather of this block, if they cover the run.
  subroutine set_up_forcing(march, stat, errmsg)
    type(march_t), intent(inout) :: march
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    real(real64) :: dt, first, last

    dt = real(march%config%parameters%dt, real64)
    first = march%first_step*dt
    last = (march%first_step + march%config%integration%n_steps)*dt
    call march%boundary%setup(march%model%grid, march%forcing)
    if (march%boundary%has_series) call march%boundary%axis%check_range( &
      trim(march%config%boundary%file), first, last, errmsg)
    call march%weather%open(march%config, march%model%grid, first, last, march%forcing, &
      errmsg)
    stat = merge(err_file, 0, errmsg /= "")
  end subroutine set_up_forcing

  !> Show the slots the arrays they will see.
  subroutine connect_slots(march, stat, errmsg)
    type(march_t), intent(inout), target :: march
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    stat = 0
    associate (slots => march%slots, model => march%model)
      march%extrapolation%order = march%config%solver%first_guess
      if (march%extrapolation%order > 0 .and. .not. associated(slots%guess)) slots%guess &
        => march%extrapolation
      if (associated(slots%stepper)) then
        if (size(march%tracers%c, 3) > 0 .or. march%config%forcing_file /= "") then
          call fail(err_argument, "a network in place of the step knows neither wind "// &
            "nor tracers: take &forcing and &tracers out", stat, errmsg)
          return
        end if
        call slots%stepper%connect(model%grid, model%parameters, march%state, stat, errmsg)
      end if
      if (stat == 0 .and. associated(slots%closure)) call slots%closure%connect( &
        model%grid, model%parameters, march%state, stat, errmsg)
      if (stat == 0 .and. associated(slots%guess)) call slots%guess%connect( &
        model%grid, model%parameters, model%old, stat, errmsg)
      model%guess => slots%guess
      if (.not. associated(slots%closure) .or. allocated(march%forcing%stress_u)) return
      allocate (march%forcing%stress_u, march%forcing%stress_v, mold=march%state%u)
      march%has_calm = .true.
    end associate
  end subroutine connect_slots

  !> Create the files, and refuse names that cannot be written: better now than after the
  !> run.
  subroutine create_files(march, stat, errmsg)
    type(march_t), intent(inout) :: march
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    stat = 0
    associate (config => march%config)
      call check_name(config%files%restart_out, stat, errmsg)
      call check_name(config%analysis%output, stat, errmsg)
      if (stat == 0 .and. config%files%output /= "") call create_output(config, &
        march%domain, march%trajectory, stat, errmsg)
      if (stat == 0 .and. config%gauges%output /= "") call march%gauges%create(config, &
        march%domain, stat, errmsg)
    end associate
  end subroutine create_files

  !> Refuse the name of a file that cannot be written.
  subroutine check_name(path, stat, errmsg)
    character(len=*), intent(in) :: path
    integer, intent(inout) :: stat
    character(len=*), intent(inout) :: errmsg

    if (stat /= 0 .or. path == "") return
    call check_writable(trim(path)//".part", stat, errmsg)
    if (stat == 0) call delete_file(trim(path)//".part")
  end subroutine check_name

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

  !> Whether something that is done every so many steps is done now.
  pure logical function is_due(march, every)
    type(march_t), intent(in) :: march
    integer, intent(in) :: every !! 0: never

    is_due = .false.
    if (every > 0) is_due = modulo(march%step, every) == 0
  end function is_due

  !> Whether the spin-up is over.
  pure logical function is_recording(march)
    type(march_t), intent(in) :: march

    is_recording = march%step*real(march%config%parameters%dt, real64) &
      >= march%config%integration%spin_up
  end function is_recording

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
    real(wp), intent(in), contiguous :: field(:, :) !! with halo
    integer, intent(inout) :: stat
    character(len=*), intent(inout) :: errmsg

    real(wp) :: bound
    integer :: i, j, place(2), width

    if (stat /= 0) return
    bound = largest
    if (name /= "zeta") bound = 1.0e4_wp*largest
    associate (block => march%model%grid%block)
      width = (size(field, 1) - block%nx)/2
      do j = width + 1, width + block%ny
        if (all(abs(field(width + 1:width + block%nx, j)) <= bound)) cycle
        i = findloc(abs(field(width + 1:width + block%nx, j)) <= bound, .false., 1)
        place = [i + block%i_offset, j - width + block%j_offset]
        stat = err_runtime
        write (errmsg, "(3a, g0.4, 2(a, i0), 2(a, g0.6), a)") "'", &
          name, "' is ", field(width + i, j), " in column ", place(1), ", row ", place(2), &
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

    character(len=:), allocatable :: path, word
    character(len=max_errmsg) :: problem
    integer :: status

    word = "failed"
    if (stat == err_interrupted) word = "interrupted"
    call keep_file(march%trajectory, trim(march%config%files%output), word, "fields", &
      errmsg)
    call keep_file(march%gauges%trajectory, trim(march%config%gauges%output), word, &
      "gauges", errmsg)
    if (march%config%files%restart_out == "" .or. .not. allocated(march%good%zeta)) return
    path = with_suffix(trim(march%config%files%restart_out), word)
    problem = ""
    if (march%good_step == march%step) then
      call save_state(path, march%config, march%domain, march%model%grid, march%good, &
        march%good_c, march%good_step, status, problem, march%analysis)
    else ! the sums of the analysis are ahead of the last good state
      call save_state(path, march%config, march%domain, march%model%grid, march%good, &
        march%good_c, march%good_step, status, problem)
    end if
    if (status == 0) problem = "restart from the last good state: '"//path//"'"
    errmsg = trim(errmsg)//"; "//trim(problem)
  end subroutine keep

  !> Keep one file under a name that says why it ended early.
  subroutine keep_file(trajectory, path, word, what, errmsg)
    type(trajectory_t), intent(inout) :: trajectory
    character(len=*), intent(in) :: path       !! its name had all been well
    character(len=*), intent(in) :: word       !! why it ended
    character(len=*), intent(in) :: what       !! is in it
    character(len=*), intent(inout) :: errmsg  !! extended by the name

    character(len=max_errmsg) :: problem
    integer :: status

    if (.not. trajectory%is_open()) return
    problem = ""
    call trajectory%finish(as=with_suffix(path, word), stat=status, errmsg=problem)
    if (status == 0) problem = what//" so far: '"//with_suffix(path, word)//"'"
    errmsg = trim(errmsg)//"; "//trim(problem)
  end subroutine keep_file

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

end module swe_run
