! SPDX-License-Identifier: MIT
!> Everything before the first step of a shallow water run.
module swe_start
  use failures, only: err_argument, err_file, fail
  use files, only: check_writable, delete_file
  use swe_agreement, only: agree, everyone
  use swe_blocks, only: block_t, ranks_t
  use swe_budgets, only: budget_of, water_volume
  use swe_conjugate_gradients, only: conjugate_gradients_t
  use swe_decomposition, only: decompose
  use swe_grid_file, only: read_grid
  use swe_islands, only: resolve_islands
  use swe_kinds, only: real64, wp
  use swe_limits, only: check_time_step
  use swe_log, only: announce
  use swe_march, only: march_t
  use swe_output, only: create_output
  use swe_restart, only: start_state
  use swe_slots, only: swe_slots_t
  use swe_solvers, only: make_solver
  use swe_step, only: swe_model_t
  use swe_watch, only: look
  implicit none
  private
  public :: set_up

  integer, parameter :: values_per_look = 5000000
    !! cell-steps between two looks at the state and at the interrupt flag
  integer, parameter :: min_look = 5, max_look = 20 !! steps: a look costs a tenth of one

contains

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
        trim(config%boundary%south), trim(config%boundary%north), errmsg)
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

end module swe_start
