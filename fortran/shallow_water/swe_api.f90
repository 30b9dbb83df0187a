! SPDX-License-Identifier: MIT
!> The shallow water model as plain procedures on arrays, for f90wrap: Python calls these
!> and no others.
!>
!> No derived types, no optional arguments, no failures: a model lives in a table here and
!> is known by its number; `isthmus.models` checks shapes and parameters before it calls,
!> and reads `report` after it. Arrays are (nx, ny) without halos, [y, x] in Python; those
!> that are set are `inout`, for f90wrap would turn `out` into a result of unknown shape.
module swe_api
  use swe_blocks, only: halo, lead, whole_grid
  use swe_controls, only: swe_controls_t
  use swe_exchange, only: exchange
  use swe_kinds, only: wp
  use swe_parameters, only: swe_parameters_t
  use swe_run_linearised, only: held_forcing_t, run_ad, run_tl
  use swe_solvers, only: make_solver
  use swe_state, only: swe_state_t
  use swe_step, only: swe_model_t
  use swe_step_linearised, only: swe_linearised_t
  implicit none
  private
  public :: create, destroy, set_fields, step, step_ad, step_tl

  integer, parameter :: n_forcings = 6
    !! stress_u, stress_v, head, open_zeta, open_u, open_v, in this order

  !> A model of the table.
  type :: session_t
    type(swe_model_t) :: model
    type(swe_linearised_t) :: linearised
    type(swe_state_t) :: state, change
    type(swe_controls_t) :: controls
    type(held_forcing_t) :: source
    logical :: is_linearised = .false. !! the work space of the derivatives is there
  end type session_t

  !> An entry of the table.
  type :: slot_t
    type(session_t), pointer :: session => null()
  end type slot_t

  type(slot_t), allocatable, target :: table(:)

contains

  !> Make a model and return its number.
  subroutine create(cell, depth, metric, dy, numbers, options, handle)
    integer, intent(in) :: cell(:, :)    !! kinds of the cells (nx, ny)
    real(wp), intent(in) :: depth(:, :)  !! undisturbed [m] (nx, ny)
    real(wp), intent(in) :: metric(:, :)
      !! dx, dx at north faces [m], f at east and at north faces [s-1] (ny + 4, 4)
    real(wp), intent(in) :: dy           !! [m]
    real(wp), intent(in) :: numbers(:)
      !! dt, theta, gravity, linear drag, viscosity, min_depth, thin_depth, tolerances of
      !! the solver [m] and of the derivatives [1]
    integer, intent(in) :: options(:)
      !! face_depth, drag, advection, no slip, periodic in x, in y, solver, iterations,
      !! wetting
    integer, intent(inout) :: handle(1)  !! set

    type(session_t), pointer :: session

    call find_slot(handle(1))
    allocate (table(handle(1))%session)
    session => table(handle(1))%session
    associate (model => session%model)
      call model%grid%setup(whole_grid(size(cell, 1), size(cell, 2), options(5) /= 0, &
        options(6) /= 0), cell, depth, metric(:, 1), metric(:, 2), dy, metric(:, 3), &
        metric(:, 4))
      model%parameters = swe_parameters_t(dt=numbers(1), theta=numbers(2), &
        gravity=numbers(3), face_depth=options(1), drag=options(2), &
        linear_drag=numbers(4), viscosity=numbers(5), no_slip=options(4) /= 0, &
        advection=options(3), wetting=options(9), min_depth=numbers(6), &
        thin_depth=numbers(7))
      call make_solver(model%solver, solver_name(options(7)), numbers(8))
      model%solver%max_iterations = options(8)
      call model%setup()
      call session%state%setup(model%grid%block)
    end associate
    session%linearised%tolerance = numbers(9)
  end subroutine create

  !> A number of the table that is free.
  subroutine find_slot(handle)
    integer, intent(out) :: handle

    type(slot_t), allocatable :: longer(:)

    if (.not. allocated(table)) allocate (table(4))
    do handle = 1, size(table)
      if (.not. associated(table(handle)%session)) return
    end do
    allocate (longer(2*size(table)))
    longer(:size(table)) = table
    call move_alloc(longer, table)
  end subroutine find_slot

  !> Names of `swe_solvers` by their number here.
  pure function solver_name(number) result(name)
    integer, intent(in) :: number
    character(len=:), allocatable :: name

    select case (number)
    case (1)
      name = "sor"
    case (2)
      name = "cg"
    case (3)
      name = "cg_incomplete"
    case default
      name = "cg_multigrid"
    end select
  end function solver_name

  !> Free a model.
  subroutine destroy(handle)
    integer, intent(in) :: handle

    deallocate (table(handle)%session)
  end subroutine destroy

  !> Change the undisturbed depth, the drag coefficient at centres and the linear drag.
  subroutine set_fields(handle, depth, drag, linear_drag)
    integer, intent(in) :: handle
    real(wp), intent(in) :: depth(:, :)  !! [m] (nx, ny)
    real(wp), intent(in) :: drag(:, :)   !! cd [1] or n [m-1/3 s] (nx, ny)
    real(wp), intent(in) :: linear_drag  !! [s-1]

    associate (model => table(handle)%session%model)
      call put(depth, model%grid%depth)
      call exchange(model%grid%block, model%grid%depth)
      call model%grid%set_drag(drag)
      model%parameters%linear_drag = linear_drag
    end associate
  end subroutine set_fields

  !> Advance a state by some steps under a forcing that is held.
  subroutine step(handle, n_steps, zeta, u, v, forcing, places, report)
    integer, intent(in) :: handle
    integer, intent(in) :: n_steps
    real(wp), intent(inout) :: zeta(:, :)    !! advanced [m] (nx, ny)
    real(wp), intent(inout) :: u(:, :)       !! advanced [m2 s-1] (nx, ny)
    real(wp), intent(inout) :: v(:, :)       !! advanced [m2 s-1] (nx, ny)
    real(wp), intent(in) :: forcing(:, :, :) !! those that act (nx, ny, part)
    integer, intent(in) :: places(:)         !! of the six forcings among them, or 0
    real(wp), intent(inout) :: report(:)
      !! set: steps made, iterations, largest residual [m], largest solver error [m]

    integer :: n

    associate (session => table(handle)%session)
      call put_state(session, zeta, u, v)
      call put_forcing(session, forcing, places)
      report = 0.0_wp
      do n = 1, n_steps
        call session%model%step(session%state, session%source%forcing)
        report(2) = report(2) + session%model%solution%n_iterations
        report(3) = max(report(3), session%model%solution%residual)
        report(4) = max(report(4), session%model%solver_error)
        if (.not. session%model%solution%has_converged) exit
        report(1) = report(1) + 1
      end do
      call get_state(session%state, zeta, u, v)
    end associate
  end subroutine step

  !> Advance a state and its change.
  subroutine step_tl(handle, n_steps, zeta, u, v, forcing, places, zeta_tl, u_tl, v_tl, &
    depth_tl, drag_tl, linear_drag_tl, forcing_tl, report)
    integer, intent(in) :: handle
    integer, intent(in) :: n_steps
    real(wp), intent(inout) :: zeta(:, :)       !! advanced [m] (nx, ny)
    real(wp), intent(inout) :: u(:, :)          !! advanced [m2 s-1] (nx, ny)
    real(wp), intent(inout) :: v(:, :)          !! advanced [m2 s-1] (nx, ny)
    real(wp), intent(in) :: forcing(:, :, :)    !! those that act (nx, ny, part)
    integer, intent(in) :: places(:)            !! of the six forcings among them, or 0
    real(wp), intent(inout) :: zeta_tl(:, :)    !! change of zeta, advanced (nx, ny)
    real(wp), intent(inout) :: u_tl(:, :)       !! change of u, advanced (nx, ny)
    real(wp), intent(inout) :: v_tl(:, :)       !! change of v, advanced (nx, ny)
    real(wp), intent(in) :: depth_tl(:, :)      !! change of the depth [m] (nx, ny)
    real(wp), intent(in) :: drag_tl(:, :)       !! change of the drag (nx, ny)
    real(wp), intent(in) :: linear_drag_tl      !! change of r [s-1]
    real(wp), intent(in) :: forcing_tl(:, :, :) !! change of all six (nx, ny, 6)
    real(wp), intent(inout) :: report(:)
      !! set: 0 if it went well, iterations of the last derivative's solve, its residual [1]

    character(len=200) :: errmsg
    integer :: stat

    associate (session => table(handle)%session)
      call prepare(session)
      call put_state(session, zeta, u, v)
      call put_forcing(session, forcing, places)
      associate (block => session%model%grid%block, controls => session%controls)
        call put(zeta_tl, session%change%zeta)
        call put(u_tl, session%change%u)
        call put(v_tl, session%change%v)
        call session%change%fill_halo(block)
        call put(depth_tl, controls%depth)
        call put(forcing_tl(:, :, 1), controls%stress_u)
        call put(forcing_tl(:, :, 2), controls%stress_v)
        call put(forcing_tl(:, :, 3), controls%head)
        call put(forcing_tl(:, :, 4), controls%open_zeta)
        call put(forcing_tl(:, :, 5), controls%open_u)
        call put(forcing_tl(:, :, 6), controls%open_v)
        call controls%fill_halo(block)
        call controls%set_drag_tl(block, drag_tl)
        controls%linear_drag = linear_drag_tl
      end associate
      call run_tl(session%linearised, session%model, session%source, n_steps, &
        session%state, session%change, session%controls, stat, errmsg)
      call get_state(session%state, zeta, u, v)
      call get_state(session%change, zeta_tl, u_tl, v_tl)
      call tell(session, stat, report)
    end associate
  end subroutine step_tl

  !> Carry sensitivities back to the start of some steps.
  subroutine step_ad(handle, n_steps, zeta, u, v, forcing, places, zeta_ad, u_ad, v_ad, &
    depth_ad, drag_ad, linear_drag_ad, forcing_ad, report)
    integer, intent(in) :: handle
    integer, intent(in) :: n_steps
    real(wp), intent(in) :: zeta(:, :)          !! at the start [m] (nx, ny)
    real(wp), intent(in) :: u(:, :)             !! at the start [m2 s-1] (nx, ny)
    real(wp), intent(in) :: v(:, :)             !! at the start [m2 s-1] (nx, ny)
    real(wp), intent(in) :: forcing(:, :, :)    !! those that act (nx, ny, part)
    integer, intent(in) :: places(:)            !! of the six forcings among them, or 0
    real(wp), intent(inout) :: zeta_ad(:, :)    !! sensitivity to zeta, carried back
    real(wp), intent(inout) :: u_ad(:, :)       !! sensitivity to u, carried back
    real(wp), intent(inout) :: v_ad(:, :)       !! sensitivity to v, carried back
    real(wp), intent(inout) :: depth_ad(:, :)   !! set (nx, ny)
    real(wp), intent(inout) :: drag_ad(:, :)    !! set (nx, ny)
    real(wp), intent(inout) :: linear_drag_ad(1) !! set
    real(wp), intent(inout) :: forcing_ad(:, :, :) !! set, all six (nx, ny, 6)
    real(wp), intent(inout) :: report(:)        !! set, as by `step_tl`

    character(len=200) :: errmsg
    integer :: stat

    associate (session => table(handle)%session)
      call prepare(session)
      call put_state(session, zeta, u, v)
      call put_forcing(session, forcing, places)
      call put(zeta_ad, session%change%zeta)
      call put(u_ad, session%change%u)
      call put(v_ad, session%change%v)
      call session%controls%clear()
      call run_ad(session%linearised, session%model, session%source, n_steps, &
        session%state, session%change, session%controls, stat, errmsg)
      call get_state(session%change, zeta_ad, u_ad, v_ad)
      associate (block => session%model%grid%block, controls => session%controls)
        call controls%get_drag_ad(block, drag_ad)
        call controls%collect_halo(block)
        call get(controls%depth, depth_ad)
        linear_drag_ad = controls%linear_drag
        call get(controls%stress_u, forcing_ad(:, :, 1))
        call get(controls%stress_v, forcing_ad(:, :, 2))
        call get(controls%head, forcing_ad(:, :, 3))
        call get(controls%open_zeta, forcing_ad(:, :, 4))
        call get(controls%open_u, forcing_ad(:, :, 5))
        call get(controls%open_v, forcing_ad(:, :, 6))
      end associate
      call tell(session, stat, report)
    end associate
  end subroutine step_ad

  !> Allocate what the derivatives need, at their first call.
  subroutine prepare(session)
    type(session_t), intent(inout) :: session

    if (session%is_linearised) return
    call session%linearised%setup(session%model)
    call session%change%setup(session%model%grid%block)
    call session%controls%setup(session%model%grid%block)
    session%is_linearised = .true.
  end subroutine prepare

  !> How a derivative went.
  subroutine tell(session, stat, report)
    type(session_t), intent(in) :: session
    integer, intent(in) :: stat
    real(wp), intent(inout) :: report(:) !! set

    report = 0.0_wp
    report(1) = stat
    report(2) = session%linearised%solution%n_iterations
    report(3) = session%linearised%solution%residual
  end subroutine tell

  !> Copy a state in and fill its halos.
  subroutine put_state(session, zeta, u, v)
    type(session_t), intent(inout) :: session
    real(wp), intent(in) :: zeta(:, :), u(:, :), v(:, :) !! (nx, ny)

    call put(zeta, session%state%zeta)
    call put(u, session%state%u)
    call put(v, session%state%v)
    call session%state%fill_halo(session%model%grid%block)
  end subroutine put_state

  !> Copy a state out.
  subroutine get_state(state, zeta, u, v)
    type(swe_state_t), intent(in) :: state
    real(wp), intent(inout) :: zeta(:, :), u(:, :), v(:, :) !! set (nx, ny)

    call get(state%zeta, zeta)
    call get(state%u, u)
    call get(state%v, v)
  end subroutine get_state

  !> Copy the forcings that act in, fill their halos; free those that do not act.
  subroutine put_forcing(session, forcing, places)
    type(session_t), intent(inout) :: session
    real(wp), intent(in) :: forcing(:, :, :) !! (nx, ny, part)
    integer, intent(in) :: places(n_forcings)

    associate (source => session%source%forcing)
      call one(places(1), source%stress_u)
      call one(places(2), source%stress_v)
      call one(places(3), source%head)
      call one(places(4), source%open_zeta)
      call one(places(5), source%open_u)
      call one(places(6), source%open_v)
    end associate

  contains

    subroutine one(place, field)
      integer, intent(in) :: place
      real(wp), intent(inout), allocatable :: field(:, :)

      if (place == 0) then
        if (allocated(field)) deallocate (field)
        return
      end if
      if (.not. allocated(field)) then
        allocate (field, mold=session%state%zeta)
        field = 0.0_wp
      end if
      call put(forcing(:, :, place), field)
      call exchange(session%model%grid%block, field)
    end subroutine one

  end subroutine put_forcing

  !> Set the cells of the block.
  subroutine put(values, field)
    real(wp), intent(in) :: values(:, :) !! (nx, ny)
    real(wp), intent(inout), contiguous :: field(1 - lead:, 1 - halo:)

    field(1:size(values, 1), 1:size(values, 2)) = values
  end subroutine put

  !> Copy the cells of the block.
  subroutine get(field, values)
    real(wp), intent(in), contiguous :: field(1 - lead:, 1 - halo:)
    real(wp), intent(inout) :: values(:, :) !! set (nx, ny)

    values = field(1:size(values, 1), 1:size(values, 2))
  end subroutine get

end module swe_api
