! SPDX-License-Identifier: MIT
!> Tangent-linear and adjoint of the step: transposes to rounding, and the derivative of the
!> step by Taylor's theorem, for each control, on grids with land, islands, rotation and all
!> boundary conditions.
program test_swe_linearised
  !$ use omp_lib, only: omp_set_num_threads
  use swe_blocks, only: halo, lead, whole_grid
  use swe_conjugate_gradients, only: conjugate_gradients_t
  use swe_controls, only: swe_controls_t
  use swe_grid, only: cell_elevation, cell_land, cell_radiating, cell_transport, cell_water
  use swe_kinds, only: wp
  use swe_parameters, only: advection_limited, advection_none, advection_upwind, &
    drag_manning, drag_none, drag_quadratic, face_backhaus, face_linear, face_upwind, &
    swe_parameters_t, wetting_newton
  use swe_state, only: swe_forcing_t, swe_state_t
  use swe_step, only: swe_model_t
  use swe_step_linearised, only: swe_linearised_t
  use testing, only: check, check_below, fill_random, finish, slope
  implicit none

  integer, parameter :: nx = 14, ny = 11
  integer, parameter :: closed = 1, ring = 2, torus = 3, open = 4 !! basins
  integer, parameter :: faces(3) = [face_linear, face_backhaus, face_upwind]
  integer, parameter :: drags(3) = [drag_none, drag_quadratic, drag_manning]
  real(wp), parameter :: rounding = 1.0e-12_wp
    !! relative to |J dx| |dy|: solves to 1e-13 of their right-hand sides
  real(wp), parameter :: exact = 1.0e-12_wp
    !! relative remainder of a control in which the step is linear: the solver's 1e-14 m
  real(wp), parameter :: slope_error = 0.01_wp !! terms of third order at these sizes
  real(wp), parameter :: sizes(3) = [3.0e-4_wp, 3.0e-5_wp, 3.0e-6_wp]
    !! of the changes: between two of them no face switches
  character(len=*), parameter :: names(9) = [character(len=12) :: "state", "depth", &
    "drag", "linear drag", "stress", "head", "elevation", "transport", "all"]
  integer :: basin, k, l

  call check_basin(open, face_upwind, drag_manning, advection_limited, 50.0_wp)
  !$ call omp_set_num_threads(1) ! grids this small are faster so
  do basin = closed, open
    do k = 1, size(faces)
      do l = 1, size(drags)
        call check_basin(basin, faces(k), drags(l), advection_none, 0.0_wp)
      end do
    end do
    call check_basin(basin, face_backhaus, drag_quadratic, advection_upwind, 0.0_wp)
    call check_basin(basin, face_backhaus, drag_quadratic, advection_limited, 0.0_wp)
    call check_basin(basin, face_upwind, drag_quadratic, advection_limited, 0.0_wp)
    call check_basin(basin, face_backhaus, drag_quadratic, advection_none, 50.0_wp)
  end do
  call check_drag_field()
  call check_rest()
  call check_tolerance()
  call check_drying()
  call check_closing_face()
  call finish()

contains

  !> Both properties in one basin.
  subroutine check_basin(basin, face_depth, drag, advection, viscosity)
    integer, intent(in) :: basin, face_depth, drag, advection
    real(wp), intent(in) :: viscosity

    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_forcing_t) :: forcing
    character(len=60) :: what
    integer :: i

    call build(model, state, forcing, basin, face_depth, drag, advection, viscosity)
    write (what, "(5(a, i0))") "basin ", basin, ", H ", face_depth, ", drag ", drag, &
      ", advection ", advection, ", viscosity ", nint(viscosity)
    call check_transpose(model, state, forcing, 3, trim(what))
    do i = 1, size(names)
      if (face_depth == face_backhaus .or. drag == drag_quadratic) then
        call check_taylor(model, state, forcing, trim(names(i)), trim(what))
      end if
    end do
  end subroutine check_basin

  !> <J dx, dy> = <dx, J' dy> over some steps.
  subroutine check_transpose(model, start, forcing, n_steps, what)
    type(swe_model_t), intent(inout) :: model
    type(swe_state_t), intent(in) :: start
    type(swe_forcing_t), intent(in) :: forcing
    integer, intent(in) :: n_steps
    character(len=*), intent(in) :: what

    type(swe_linearised_t) :: linearised
    type(swe_state_t) :: state, state_tl, state_ad, change, before(n_steps)
    type(swe_controls_t) :: controls_tl, controls_ad
    real(wp) :: forward, backward, size
    integer :: n

    call linearised%setup(model)
    linearised%tolerance = 1.0e-13_wp
    call change_state(model, change)
    call change_controls(model, "all", controls_tl)
    state = start
    state_tl = change
    do n = 1, n_steps
      before(n) = state
      call linearised%step_tl(model, state, forcing, state_tl, controls_tl)
    end do
    call change_state(model, state_ad)
    forward = product_of_states(state_tl, state_ad)
    size = sqrt(product_of_states(state_tl, state_tl)*product_of_states(state_ad, state_ad))
    call controls_ad%setup(model%grid%block)
    do n = n_steps, 1, -1
      call linearised%step_ad(model, before(n), forcing, state_ad, controls_ad)
    end do
    call controls_ad%collect_halo(model%grid%block)
    backward = product_of_states(change, state_ad) &
      + product_of_controls(controls_tl, controls_ad)
    call check_below(abs(forward - backward)/size, rounding, &
      "adjoint_is_transpose_of_tangent_linear, "//what)
  end subroutine check_transpose

  !> |f(x + e dx) - f(x) - e J dx| falls like e**2.
  subroutine check_taylor(model, start, forcing, name, what)
    type(swe_model_t), intent(inout) :: model
    type(swe_state_t), intent(in) :: start
    type(swe_forcing_t), intent(in) :: forcing
    character(len=*), intent(in) :: name, what

    type(swe_linearised_t) :: linearised
    type(swe_state_t) :: changed, state, state_tl, change
    type(swe_controls_t) :: controls_tl
    real(wp) :: remainders(3), found
    integer :: k

    call linearised%setup(model)
    linearised%tolerance = 1.0e-13_wp
    call change_state(model, change)
    if (name /= "state" .and. name /= "all") call erase(change)
    call change_controls(model, name, controls_tl)
    state = start
    state_tl = change
    call linearised%step_tl(model, state, forcing, state_tl, controls_tl)
    do k = 1, 3
      call changed_step(model, start, forcing, change, controls_tl, sizes(k), changed)
      remainders(k) = sqrt(sum((changed%zeta - state%zeta - sizes(k)*state_tl%zeta)**2) &
        + sum((changed%u - state%u - sizes(k)*state_tl%u)**2) &
        + sum((changed%v - state%v - sizes(k)*state_tl%v)**2))
    end do
    if (remainders(1) <= exact*sqrt(product_of_states(state_tl, state_tl))) then
      call check(.true., "the step is linear in the "//name//", "//what)
      return
    end if
    found = min(abs(slope(sizes(:2), remainders(:2)) - 2), abs(slope(sizes(2:), &
      remainders(2:)) - 2))
    call check_below(found, slope_error, &
      "remainder falls with the square of a change of "//name//", "//what)
  end subroutine check_taylor

  !> One step of the changed model from the changed state.
  subroutine changed_step(model, start, forcing, change, controls, size, state)
    type(swe_model_t), intent(in) :: model
    type(swe_state_t), intent(in) :: start, change
    type(swe_forcing_t), intent(in) :: forcing
    type(swe_controls_t), intent(in) :: controls
    real(wp), intent(in) :: size
    type(swe_state_t), intent(out) :: state

    type(swe_model_t) :: other
    type(swe_forcing_t) :: its_forcing

    other = model
    its_forcing = forcing
    state = start
    state%zeta = state%zeta + size*change%zeta
    state%u = state%u + size*change%u
    state%v = state%v + size*change%v
    other%grid%depth = other%grid%depth + size*controls%depth
    other%grid%drag_u = other%grid%drag_u + size*controls%drag_u
    other%grid%drag_v = other%grid%drag_v + size*controls%drag_v
    other%parameters%linear_drag = other%parameters%linear_drag + size*controls%linear_drag
    its_forcing%stress_u = its_forcing%stress_u + size*controls%stress_u
    its_forcing%stress_v = its_forcing%stress_v + size*controls%stress_v
    its_forcing%head = its_forcing%head + size*controls%head
    its_forcing%open_zeta = its_forcing%open_zeta + size*controls%open_zeta
    its_forcing%open_u = its_forcing%open_u + size*controls%open_u
    its_forcing%open_v = its_forcing%open_v + size*controls%open_v
    call other%step(state, its_forcing)
  end subroutine changed_step

  !> A random change of the state.
  subroutine change_state(model, change)
    type(swe_model_t), intent(in) :: model
    type(swe_state_t), intent(out) :: change

    call change%setup(model%grid%block)
    call fill(change%zeta, 0.1_wp)
    call fill(change%u, 1.0_wp)
    call fill(change%v, 1.0_wp)
    call change%fill_halo(model%grid%block)
  end subroutine change_state

  subroutine erase(state)
    type(swe_state_t), intent(inout) :: state

    state%zeta = 0.0_wp
    state%u = 0.0_wp
    state%v = 0.0_wp
  end subroutine erase

  !> A random change of one control, or of all.
  subroutine change_controls(model, name, change)
    type(swe_model_t), intent(in) :: model
    character(len=*), intent(in) :: name
    type(swe_controls_t), intent(out) :: change

    real(wp) :: drag(nx, ny)
    logical :: all

    all = name == "all"
    call change%setup(model%grid%block)
    if (all .or. name == "depth") call fill(change%depth, 1.0_wp)
    if (all .or. name == "linear drag") change%linear_drag = 1.0e-4_wp
    if (all .or. name == "elevation") call fill(change%open_zeta, 0.1_wp)
    if (all .or. name == "head") call fill(change%head, 0.1_wp)
    if (all .or. name == "stress") then
      call fill(change%stress_u, 1.0e-2_wp)
      call fill(change%stress_v, 1.0e-2_wp)
    end if
    if (all .or. name == "transport") then
      call fill(change%open_u, 1.0_wp)
      call fill(change%open_v, 1.0_wp)
    end if
    call change%fill_halo(model%grid%block)
    if (.not. (all .or. name == "drag")) return
    call fill_random(drag, 0.01_wp)
    call change%set_drag_tl(model%grid%block, drag)
  end subroutine change_controls

  !> Fill the block of a field.
  subroutine fill(field, scale)
    real(wp), intent(inout) :: field(1 - lead:, 1 - halo:)
    real(wp), intent(in) :: scale

    call fill_random(field(1:nx, 1:ny), scale)
  end subroutine fill

  pure real(wp) function product_of_states(one, other)
    type(swe_state_t), intent(in) :: one, other

    product_of_states = inner(one%zeta, other%zeta) + inner(one%u, other%u) &
      + inner(one%v, other%v)
  end function product_of_states

  pure real(wp) function product_of_controls(one, other)
    type(swe_controls_t), intent(in) :: one, other

    product_of_controls = inner(one%depth, other%depth) + inner(one%drag_u, other%drag_u) &
      + inner(one%drag_v, other%drag_v) + one%linear_drag*other%linear_drag &
      + inner(one%stress_u, other%stress_u) + inner(one%stress_v, other%stress_v) &
      + inner(one%head, other%head) + inner(one%open_zeta, other%open_zeta) &
      + inner(one%open_u, other%open_u) + inner(one%open_v, other%open_v)
  end function product_of_controls

  !> Over the cells of the block.
  pure real(wp) function inner(one, other)
    real(wp), intent(in) :: one(1 - lead:, 1 - halo:), other(1 - lead:, 1 - halo:)

    inner = sum(one(1:nx, 1:ny)*other(1:nx, 1:ny))
  end function inner

  !> A rough basin in motion.
  subroutine build(model, state, forcing, basin, face_depth, drag, advection, viscosity, &
    wetting)
    type(swe_model_t), intent(out) :: model
    type(swe_state_t), intent(out) :: state
    type(swe_forcing_t), intent(out) :: forcing
    integer, intent(in) :: basin, face_depth, drag
    integer, intent(in), optional :: advection, wetting
    real(wp), intent(in), optional :: viscosity

    type(swe_controls_t) :: weather
    real(wp), dimension(-1:ny + 2) :: dx, dx_v, f_u, f_v
    real(wp) :: coefficient(nx, ny), depth(nx, ny)
    integer :: cell(nx, ny), j

    dx = [(1000.0_wp - merge(0, 10, basin == torus)*j, j=-1, ny + 2)]
    dx_v = dx - merge(0.0_wp, 5.0_wp, basin == torus)
    f_u = 1.0e-4_wp
    f_v = f_u + 1.0e-6_wp
    call fill_random(depth, 2.0_wp)
    depth = 20.0_wp + depth
    call set_cells(cell, basin)
    call model%grid%setup(whole_grid(nx, ny, basin == ring .or. basin == torus, &
      basin == torus), cell, depth, dx, dx_v, 900.0_wp, f_u, f_v)
    call fill_random(coefficient, 1.0e-4_wp)
    coefficient = merge(0.03_wp, 3.0e-3_wp, drag == drag_manning)*(1 + 100*coefficient)
    call model%grid%set_drag(coefficient)
    model%parameters = swe_parameters_t(dt=150.0_wp, theta=0.6_wp, face_depth=face_depth, &
      drag=drag, linear_drag=1.0e-4_wp, thin_depth=18.0_wp)
    model%parameters%no_slip = basin /= ring
    if (present(advection)) model%parameters%advection = advection
    if (present(wetting)) model%parameters%wetting = wetting
    if (present(viscosity)) model%parameters%viscosity = viscosity
    allocate (conjugate_gradients_t :: model%solver)
    model%solver%tolerance = 1.0e-14_wp
    model%solver%max_iterations = 200
    call model%setup()
    call change_state(model, state)
    state%u = 3*state%u
    state%v = 3*state%v
    call change_controls(model, "all", weather)
    forcing%open_zeta = weather%open_zeta
    forcing%open_u = weather%open_u
    forcing%open_v = weather%open_v
    forcing%stress_u = weather%stress_u
    forcing%stress_v = weather%stress_v
    forcing%head = weather%head
  end subroutine build

  !> Land, an island, and what bounds the basin.
  subroutine set_cells(cell, basin)
    integer, intent(out) :: cell(:, :)
    integer, intent(in) :: basin

    cell = cell_water
    cell(5:6, 4) = cell_land
    cell(10, 7:8) = cell_land
    cell(1:2, 1) = cell_land
    if (basin /= open) return
    cell(1, 3:9) = cell_elevation
    cell(2, 9) = cell_elevation
    cell(nx, 2:7) = cell_radiating
    cell(4:9, ny) = cell_radiating
    cell(5:8, 1) = cell_transport
    cell(nx, 9) = cell_transport
  end subroutine set_cells

  !> The sensitivity to a drag coefficient at centres.
  subroutine check_drag_field()
    type(swe_controls_t) :: change, sensitivity
    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_forcing_t) :: forcing
    real(wp) :: drag(nx, ny), drag_ad(nx, ny), forward

    call build(model, state, forcing, torus, face_backhaus, drag_quadratic)
    call change%setup(model%grid%block)
    call sensitivity%setup(model%grid%block)
    call fill_random(drag, 1.0_wp)
    call change%set_drag_tl(model%grid%block, drag)
    call fill(sensitivity%drag_u, 1.0_wp)
    call fill(sensitivity%drag_v, 1.0_wp)
    forward = product_of_controls(change, sensitivity)
    call sensitivity%get_drag_ad(model%grid%block, drag_ad)
    call check_below(abs(forward - sum(drag*drag_ad))/abs(forward), rounding, &
      "get_drag_ad is the transpose of set_drag_tl")
  end subroutine check_drag_field

  !> Water at rest under quadratic drag: no derivative of the speed, and nothing wild.
  subroutine check_rest()
    type(swe_model_t) :: model
    type(swe_state_t) :: state, state_ad
    type(swe_forcing_t) :: forcing
    type(swe_linearised_t) :: linearised
    type(swe_controls_t) :: controls_ad

    call build(model, state, forcing, closed, face_backhaus, drag_quadratic)
    call erase(state)
    call change_state(model, state_ad)
    call linearised%setup(model)
    call controls_ad%setup(model%grid%block)
    call linearised%step_ad(model, state, forcing, state_ad, controls_ad)
    call check(all(abs(state_ad%u) < huge(1.0_wp)) .and. &
      all(abs(controls_ad%depth) < huge(1.0_wp)), "sensitivities are finite at rest")
  end subroutine check_rest

  !> A solve that does not get there is told, not used.
  subroutine check_tolerance()
    type(swe_model_t) :: model
    type(swe_state_t) :: state, state_ad
    type(swe_forcing_t) :: forcing
    type(swe_linearised_t) :: linearised
    type(swe_controls_t) :: controls_ad
    character(len=300) :: errmsg
    integer :: stat

    call build(model, state, forcing, closed, face_backhaus, drag_quadratic)
    call change_state(model, state_ad)
    call linearised%setup(model)
    call controls_ad%setup(model%grid%block)
    model%solver%max_iterations = 2
    call linearised%step_ad(model, state, forcing, state_ad, controls_ad, stat, errmsg)
    call check(stat /= 0 .and. index(errmsg, "max_iterations") > 0, &
      "an adjoint solve that stopped early is an error: "//trim(errmsg))
  end subroutine check_tolerance

  !> With Newton's wetting: a transpose while all cells stay wet, an error if one dries.
  subroutine check_drying()
    type(swe_model_t) :: model
    type(swe_state_t) :: state, state_ad
    type(swe_forcing_t) :: forcing
    type(swe_linearised_t) :: linearised
    type(swe_controls_t) :: controls_ad
    character(len=300) :: errmsg
    integer :: stat

    call build(model, state, forcing, closed, face_upwind, drag_manning, advection_upwind, &
      wetting=wetting_newton)
    call check_transpose(model, state, forcing, 2, "wet cells by Newton's method")
    call change_state(model, state_ad)
    call linearised%setup(model)
    call controls_ad%setup(model%grid%block)
    state%zeta(7:, :) = -model%grid%depth(7:, :)
    call linearised%step_ad(model, state, forcing, state_ad, controls_ad, stat, errmsg)
    call check(stat /= 0 .and. index(errmsg, "'wetting'") > 0, trim(errmsg))
  end subroutine check_drying

  !> At a face that is about to close the derivative is that of the open side; on the other
  !> side the step jumps, and its derivative is that of the closed face.
  subroutine check_closing_face()
    real(wp), parameter :: e = 1.0e-6_wp
    real(wp), parameter :: one_sided = 1.0e-4_wp !! relative: e times the curvature

    type(swe_model_t) :: model
    type(swe_state_t) :: before, changed, none, state, state_tl
    type(swe_forcing_t) :: forcing
    type(swe_linearised_t) :: linearised
    type(swe_controls_t) :: change
    real(wp) :: base(2), size
    integer :: k

    call build(model, before, forcing, closed, face_linear, drag_quadratic)
    model%parameters%min_depth = 8.0_wp
    base = [0.0_wp, -2*e] ! the faces of cell (8, 4) hold 8 m, or a little less
    do k = 1, 2
      model%grid%depth(1:nx, 1:ny) = 16.0_wp
      model%grid%depth(8, 4) = base(k)
      linearised = swe_linearised_t()
      call linearised%setup(model)
      change = swe_controls_t()
      call change%setup(model%grid%block)
      change%depth(8, 4) = 1.0_wp
      state = before
      none = before
      call erase(none)
      state_tl = none
      call linearised%step_tl(model, state, forcing, state_tl, change)
      call check((model%east%h(8, 4) > 0.0_wp) .eqv. k == 1, "the face is open, or not")
      call changed_step(model, before, forcing, none, change, e, changed)
      size = sqrt(product_of_states(state_tl, state_tl))
      call check_below(sqrt(sum((changed%zeta - state%zeta - e*state_tl%zeta)**2) &
        + sum((changed%u - state%u - e*state_tl%u)**2) &
        + sum((changed%v - state%v - e*state_tl%v)**2))/max(e*size, e), one_sided, &
        "one-sided derivative at a face that closes")
    end do
  end subroutine check_closing_face

end program test_swe_linearised
