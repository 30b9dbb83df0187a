! SPDX-License-Identifier: MIT
!> Tangent-linear and adjoint of one step of the shallow water model, by hand.
!>
!> Both start from the state at the beginning of the step: the step itself is made again and
!> leaves its stages in the model, then each stage is linearised by the module that mirrors
!> it. So a trajectory costs one state per step and no more. The linear system is
!> differentiated as the exact solution that it stands for: one solve with the same solver,
!> to a relative tolerance of its own, in either direction.
!>
!> Derivatives reach the state and all of `swe_controls_t`. A transport through a closed
!> face is a state like any other: the step reads it once, then it is zero.
!>
!> Where the step switches (a face closes for want of water, the upstream side changes, a
!> limiter acts, the water at a face stands still under quadratic drag) there is no
!> derivative; the one of the branch taken is given, and zero for that of the speed at rest.
!> A face that closes holds `min_depth` of water, so the step jumps there. With
!> `wetting_newton` a step in which a cell fell dry is refused. Tracers are no part of the
!> step and have no linearisation.
module swe_step_linearised
  use failures, only: err_argument, err_runtime, fail, succeed
  use swe_blocks, only: halo, lead
  use swe_boundaries_linearised, only: boundary_transports_ad, boundary_transports_tl, &
    fix_elevations_ad, fix_elevations_tl, radiated_transports_ad, radiated_transports_tl
  use swe_controls, only: swe_controls_t
  use swe_elimination_linearised, only: driven_transports_ad, driven_transports_tl, &
    flux_balance_ad, flux_balance_tl, new_elevation_ad, new_elevation_tl, &
    new_transports_ad, new_transports_tl
  use swe_depths_linearised, only: at_depth_ad, at_depth_tl, current_depths_ad, &
    current_depths_tl
  use swe_elimination, only: new_transports, put_fixed
  use swe_exchange, only: exchange, exchange_ad, global_maximum
  use swe_faces_linearised, only: surface_slopes_ad, surface_slopes_tl
  use swe_faces, only: surface_slopes
  use swe_five_point, only: solution_t
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_momentum, only: scaled_transports
  use swe_momentum_linearised, only: face_changes_t, provisional_transports_ad, &
    provisional_transports_tl, scaled_transports_ad, scaled_transports_tl
  use swe_parameters, only: wetting_newton
  use swe_state, only: swe_forcing_t, swe_state_t
  use swe_step, only: swe_model_t
  use swe_tendencies_linearised, only: other_tendencies_ad, other_tendencies_tl
  implicit none
  private
  public :: swe_linearised_t

  !> Work space of the tangent-linear and of the adjoint of a model.
  type :: swe_linearised_t
    real(wp) :: tolerance = 100*epsilon(1.0_wp)
      !! of the linear solves: largest residual left, relative to the right-hand side [1]
    type(solution_t) :: solution !! how the last of these solves went, relative
    type(face_changes_t), private :: east, north !! changes, or sensitivities
    type(swe_state_t), private :: old            !! changes at the start of the step
    type(swe_state_t), private :: new
      !! the new level before transports got its depth, where they do
    real(wp), allocatable, private :: h_u(:, :), h_v(:, :) !! changes of its depths
    real(wp), allocatable, private :: first_u(:, :), first_v(:, :)
      !! depths of first order
    real(wp), allocatable, private :: r(:, :)    !! right-hand side
    real(wp), allocatable, private :: z(:, :)    !! solution
    real(wp), allocatable, private :: work(:, :) !! sensitivity to the outflow
  contains
    procedure :: setup
    procedure :: step_tl
    procedure :: step_ad
    procedure, private :: solve
    procedure, private :: keep_velocity_tl
    procedure, private :: keep_velocity_ad
    procedure, private :: explicit_part_ad
  end type swe_linearised_t

contains

  !> Allocate the work space for a model that is set up.
  subroutine setup(self, model)
    class(swe_linearised_t), intent(inout) :: self
    type(swe_model_t), intent(in) :: model

    call setup_faces(self%east, model%grid%depth)
    call setup_faces(self%north, model%grid%depth)
    call self%old%setup(model%grid%block)
    allocate (self%r, self%z, self%work, mold=model%grid%depth)
    self%r(:, :) = 0.0_wp
    self%z(:, :) = 0.0_wp
    self%work(:, :) = 0.0_wp
    call self%new%setup(model%grid%block)
    allocate (self%h_u, self%h_v, self%first_u, self%first_v, source=self%work)
  end subroutine setup

  !> Allocate the fields of one direction, zero.
  subroutine setup_faces(faces, like)
    type(face_changes_t), intent(inout) :: faces
    real(wp), intent(in) :: like(1 - lead:, 1 - halo:) !! a field of the model

    allocate (faces%h(1 - lead:ubound(like, 1), 1 - halo:ubound(like, 2)), source=0.0_wp)
    allocate (faces%slope, faces%scaled, faces%friction, faces%extra, faces%star, &
      faces%velocity, faces%mean, faces%cross, faces%drag, faces%change, &
      faces%change_tl, source=faces%h)
  end subroutine setup_faces

  !> Advance the state and a change of it by one step.
  subroutine step_tl(self, model, state, forcing, state_tl, controls_tl, stat, errmsg)
    class(swe_linearised_t), intent(inout) :: self
    type(swe_model_t), intent(inout) :: model
    type(swe_state_t), intent(inout) :: state      !! advanced
    type(swe_forcing_t), intent(in) :: forcing     !! of the step
    type(swe_state_t), intent(inout) :: state_tl
      !! its change, with filled halos; advanced
    type(swe_controls_t), intent(in) :: controls_tl !! changes, with filled halos
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    self%new%u(:, :) = state%u
    self%new%v(:, :) = state%v
    call model%step(state, forcing)
    if (is_refused(self, model, stat, errmsg)) return
    call keep_rows(model, forcing)
    self%old%zeta(:, :) = state_tl%zeta
    self%old%u(:, :) = state_tl%u
    self%old%v(:, :) = state_tl%v
    associate (grid => model%grid, parameters => model%parameters, east => model%east, &
      north => model%north)
      self%east%drag(:, :) = controls_tl%drag_u
      self%north%drag(:, :) = controls_tl%drag_v
      call current_depths_tl(grid, parameters, model%old, east%h, north%h, self%old, &
        controls_tl%depth, self%first_u, self%first_v, self%east%h, self%north%h)
      call surface_slopes_tl(grid, self%old%zeta, east%h, north%h, self%east%slope, &
        self%north%slope)
      call other_tendencies_tl(grid, parameters, forcing, model%old, east, north, &
        self%old, controls_tl, self%east, self%north)
      call scaled_transports_tl(grid, east, north, self%old%u, self%old%v, self%east, &
        self%north)
      call provisional_transports_tl(grid, parameters, model%old%u, model%old%v, east, &
        north, self%old%u, self%old%v, controls_tl%linear_drag, self%east, self%north)
      call driven_transports_tl(grid, parameters, model%z, east, north, self%east, &
        self%north)
      call boundary_transports_tl(grid, parameters, forcing, model%z, east, north, &
        controls_tl%open_zeta, controls_tl%open_u, controls_tl%open_v, self%east, &
        self%north)
      call flux_balance_tl(grid, parameters, self%old%zeta, self%old%u, self%old%v, &
        self%east%star, self%north%star, self%r)
      call fix_elevations_tl(grid, parameters, east, north, controls_tl%open_zeta, self%r)
      call self%solve(model, stat, errmsg)
      if (.not. self%solution%has_converged) return
      call new_transports_tl(grid, parameters, self%z, east, north, self%east, &
        self%north, state_tl%u, state_tl%v)
      call radiated_transports_tl(grid, parameters, self%z, east, north, state_tl%u, &
        state_tl%v)
      call new_elevation_tl(grid, parameters, self%old%u, self%old%v, state_tl%u, &
        state_tl%v, state_tl%zeta)
      call put_fixed(grid, self%z, state_tl%zeta)
      call state_tl%fill_halo(grid%block)
    end associate
    if (model%keeps_velocity) then
      call self%keep_velocity_tl(model, state, state_tl, controls_tl)
    end if
  end subroutine step_tl

  !> Carry the sensitivity to the state at the end of a step to that at its start, and add
  !> to those to the controls.
  subroutine step_ad(self, model, state, forcing, state_ad, controls_ad, stat, errmsg)
    class(swe_linearised_t), intent(inout) :: self
    type(swe_model_t), intent(inout) :: model
    type(swe_state_t), intent(in) :: state       !! at the start of the step
    type(swe_forcing_t), intent(in) :: forcing   !! of the step
    type(swe_state_t), intent(inout) :: state_ad
      !! sensitivity on the block's cells, carried back; its halo is not used and becomes 0
    type(swe_controls_t), intent(inout) :: controls_ad !! added to; see `collect_halo`
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    self%old%zeta(:, :) = state%zeta
    self%old%u(:, :) = state%u
    self%old%v(:, :) = state%v
    self%new%u(:, :) = state%u
    self%new%v(:, :) = state%v
    call model%step(self%old, forcing)
    if (is_refused(self, model, stat, errmsg)) return
    call keep_rows(model, forcing)
    call clear_faces(self%east)
    call clear_faces(self%north)
    self%r(:, :) = 0.0_wp
    associate (grid => model%grid, parameters => model%parameters, east => model%east, &
      north => model%north, nx => model%grid%block%nx, ny => model%grid%block%ny)
      call clear_halo(state_ad%zeta, nx, ny)
      call clear_halo(state_ad%u, nx, ny)
      call clear_halo(state_ad%v, nx, ny)
      if (model%keeps_velocity) call self%keep_velocity_ad(model, state_ad, controls_ad)
      self%east%star(1:nx, 1:ny) = state_ad%u(1:nx, 1:ny)
      self%north%star(1:nx, 1:ny) = state_ad%v(1:nx, 1:ny)
      state_ad%u(:, :) = 0.0_wp
      state_ad%v(:, :) = 0.0_wp
      call take_fixed(grid, state_ad%zeta, self%r)
      call new_elevation_ad(grid, parameters, state_ad%zeta, self%work, state_ad%u, &
        state_ad%v, self%east%star, self%north%star)
      call radiated_transports_ad(grid, parameters, east, north, self%east, self%north, &
        self%r)
      call new_transports_ad(grid, parameters, east, north, self%east, self%north, self%r)
      call exchange_ad(grid%block, self%r)
      call self%solve(model, stat, errmsg)
      if (.not. self%solution%has_converged) return
      call clear_halo(self%z, nx, ny)
      call fix_elevations_ad(grid, parameters, east, north, self%z, controls_ad%open_zeta)
      call flux_balance_ad(grid, parameters, self%z, self%work, state_ad%zeta, &
        state_ad%u, state_ad%v, self%east%star, self%north%star)
      call driven_transports_ad(grid, parameters, model%z, east, north, self%east, &
        self%north)
      call boundary_transports_ad(grid, parameters, forcing, model%z, east, north, &
        self%east, self%north, controls_ad%open_zeta, controls_ad%open_u, &
        controls_ad%open_v)
    end associate
    call self%explicit_part_ad(model, forcing, state_ad, controls_ad)
  end subroutine step_ad

  !> Slopes and scaled transports at the start of the step, which the step itself has row by
  !> row only.
  subroutine keep_rows(model, forcing)
    type(swe_model_t), intent(inout) :: model
    type(swe_forcing_t), intent(in) :: forcing

    associate (east => model%east, north => model%north)
      if (.not. allocated(east%slope)) then
        allocate (east%slope, east%scaled, north%slope, north%scaled, source=east%h)
      end if
      call surface_slopes(model%grid, model%old%zeta, forcing%head, east%h, north%h, &
        east%slope, north%slope)
      call scaled_transports(model%grid, model%old%u, model%old%v, east, north)
    end associate
  end subroutine keep_rows

  !> Transports that were brought to the depth of the new level.
  subroutine keep_velocity_tl(self, model, state, state_tl, controls_tl)
    class(swe_linearised_t), intent(inout) :: self
    type(swe_model_t), intent(in) :: model
    type(swe_state_t), intent(in) :: state          !! at the end of the step
    type(swe_state_t), intent(inout) :: state_tl    !! `u` and `v` are changed
    type(swe_controls_t), intent(in) :: controls_tl

    integer :: i, j

    call set_new(self, model, state%zeta)
    call current_depths_tl(model%grid, model%parameters, self%new, model%h_u, model%h_v, &
      state_tl, controls_tl%depth, self%first_u, self%first_v, self%h_u, self%h_v)
    !$omp parallel do private(i)
    do j = 1, model%grid%block%ny
      do i = 1, model%grid%block%nx
        state_tl%u(i, j) = at_depth_tl(self%new%u(i, j), model%east%h(i, j), &
          model%h_u(i, j), model%grid%open_u(i, j), state_tl%u(i, j), self%east%h(i, j), &
          self%h_u(i, j))
        state_tl%v(i, j) = at_depth_tl(self%new%v(i, j), model%north%h(i, j), &
          model%h_v(i, j), model%grid%open_v(i, j), state_tl%v(i, j), &
          self%north%h(i, j), self%h_v(i, j))
      end do
    end do
    call exchange(model%grid%block, state_tl%u, state_tl%v)
  end subroutine keep_velocity_tl

  !> Transpose of `keep_velocity_tl`, on the block's cells.
  subroutine keep_velocity_ad(self, model, state_ad, controls_ad)
    class(swe_linearised_t), intent(inout) :: self
    type(swe_model_t), intent(in) :: model
    type(swe_state_t), intent(inout) :: state_ad       !! its halo is zero
    type(swe_controls_t), intent(inout) :: controls_ad !! added to

    integer :: i, j

    ! The step that was made again left its result in `old`.
    call set_new(self, model, self%old%zeta)
    self%h_u(:, :) = 0.0_wp
    self%h_v(:, :) = 0.0_wp
    !$omp parallel do private(i)
    do j = 1, model%grid%block%ny
      do i = 1, model%grid%block%nx
        call at_depth_ad(self%new%u(i, j), model%east%h(i, j), model%h_u(i, j), &
          model%grid%open_u(i, j), state_ad%u(i, j), self%east%h(i, j), self%h_u(i, j))
        call at_depth_ad(self%new%v(i, j), model%north%h(i, j), model%h_v(i, j), &
          model%grid%open_v(i, j), state_ad%v(i, j), self%north%h(i, j), self%h_v(i, j))
      end do
    end do
    call current_depths_ad(model%grid, model%parameters, self%new, model%h_u, model%h_v, &
      self%h_u, self%h_v, self%first_u, self%first_v, state_ad, controls_ad%depth)
    call collect_state(model%grid, state_ad)
  end subroutine keep_velocity_ad

  !> The new level before its transports got its depth.
  subroutine set_new(self, model, zeta)
    class(swe_linearised_t), intent(inout) :: self
    type(swe_model_t), intent(in) :: model
    real(wp), intent(in), contiguous :: zeta(1 - lead:, 1 - halo:) !! at the new level [m]

    self%new%zeta(:, :) = zeta
    call new_transports(model%grid, model%parameters, model%z, model%east, model%north, &
      self%new%u, self%new%v)
    call exchange(model%grid%block, self%new%u, self%new%v)
  end subroutine set_new

  !> Bring the sensitivities in the halo home to the cells that own it.
  subroutine collect_state(grid, state_ad)
    type(swe_grid_t), intent(in) :: grid
    type(swe_state_t), intent(inout) :: state_ad

    call exchange_ad(grid%block, state_ad%zeta)
    call exchange_ad(grid%block, state_ad%u)
    call exchange_ad(grid%block, state_ad%v)
    call clear_halo(state_ad%zeta, grid%block%nx, grid%block%ny)
    call clear_halo(state_ad%u, grid%block%nx, grid%block%ny)
    call clear_halo(state_ad%v, grid%block%nx, grid%block%ny)
  end subroutine collect_state

  !> The stages at the old level.
  subroutine explicit_part_ad(self, model, forcing, state_ad, controls_ad)
    class(swe_linearised_t), intent(inout) :: self
    type(swe_model_t), intent(in) :: model
    type(swe_forcing_t), intent(in) :: forcing         !! of the step
    type(swe_state_t), intent(inout) :: state_ad       !! added to
    type(swe_controls_t), intent(inout) :: controls_ad !! added to

    associate (grid => model%grid, parameters => model%parameters, east => model%east, &
      north => model%north)
      call provisional_transports_ad(grid, parameters, model%old%u, model%old%v, east, &
        north, self%east, self%north, state_ad%u, state_ad%v, controls_ad%linear_drag)
      call scaled_transports_ad(grid, east, north, self%east, self%north, state_ad%u, &
        state_ad%v)
      call surface_slopes_ad(grid, east%h, north%h, self%east%slope, self%north%slope, &
        state_ad%zeta)
      call other_tendencies_ad(grid, parameters, forcing, model%old, east, north, &
        self%east, self%north, state_ad, controls_ad)
      call current_depths_ad(grid, parameters, model%old, east%h, north%h, &
        self%east%h, self%north%h, self%first_u, self%first_v, state_ad, controls_ad%depth)
      controls_ad%drag_u = controls_ad%drag_u + self%east%drag
      controls_ad%drag_v = controls_ad%drag_v + self%north%drag
      call collect_state(grid, state_ad)
    end associate
  end subroutine explicit_part_ad

  !> Whether cells dried, or gave less than they should, in the step that was made: those
  !> branches of `wetting_newton` are not linearised. It is told, not left out.
  logical function is_refused(self, model, stat, errmsg)
    class(swe_linearised_t), intent(in) :: self !! `new` holds the state at the start
    type(swe_model_t), intent(in) :: model
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    real(wp) :: limited

    is_refused = .false.
    if (model%parameters%wetting /= wetting_newton) return
    associate (nx => model%grid%block%nx, ny => model%grid%block%ny)
      limited = max(1.0_wp - min(minval(model%wet(1:nx, 1:ny)), &
        minval(model%share(1:nx, 1:ny))), &
        maxval(abs(self%new%u(1:nx, 1:ny) - model%old%u(1:nx, 1:ny))), &
        maxval(abs(self%new%v(1:nx, 1:ny) - model%old%v(1:nx, 1:ny))))
    end associate
    is_refused = global_maximum(model%grid%block, limited) > 0.0_wp
    if (is_refused) call fail(err_argument, "swe_step_linearised: 'wetting': a cell "// &
      "fell dry or was drained in this step, which has no linearisation; use "// &
      "wetting_static, or keep the water deeper", stat, errmsg)
  end function is_refused

  !> z = A**-1 r with the step's matrix. The right-hand side is scaled to 1: the solver's
  !> tolerance is absolute and a sensitivity may have any size and unit.
  subroutine solve(self, model, stat, errmsg)
    class(swe_linearised_t), intent(inout) :: self
    type(swe_model_t), intent(inout) :: model
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=200) :: text
    real(wp) :: scale, tolerance
    integer :: i, j

    scale = 0.0_wp
    do j = 1, model%grid%block%ny
      do i = 1, model%grid%block%nx
        scale = max(scale, abs(self%r(i, j))/model%grid%area(j))
      end do
    end do
    scale = global_maximum(model%grid%block, scale)
    if (.not. scale > 0.0_wp) scale = 1.0_wp
    self%r(:, :) = self%r/scale
    self%z(:, :) = 0.0_wp
    tolerance = model%solver%tolerance
    model%solver%tolerance = self%tolerance
    call model%solver%solve(model%matrix, self%r, self%z, self%solution)
    model%solver%tolerance = tolerance
    self%z(:, :) = self%z*scale
    if (self%solution%has_converged) then
      call succeed(stat)
    else
      write (text, "(a, es9.2, a, i0, a, es9.2, a)") &
        "swe_step_linearised: the linear solve left a relative residual of ", &
        self%solution%residual, " after ", self%solution%n_iterations, &
        " iterations, expected ", self%tolerance, &
        ": raise the solver's max_iterations or this tolerance"
      call fail(err_runtime, trim(text), stat, errmsg)
    end if
  end subroutine solve

  !> Transpose of `put_fixed`, on the block's cells: the halo of zeta is zero.
  pure subroutine take_fixed(grid, zeta_ad, z_ad)
    type(swe_grid_t), intent(in) :: grid
    real(wp), intent(inout), contiguous :: zeta_ad(1 - lead:, 1 - halo:) !! becomes 0 there
    real(wp), intent(inout), contiguous :: z_ad(1 - lead:, 1 - halo:)    !! added to

    integer :: k

    do k = 1, size(grid%fixed, 2)
      associate (i => grid%fixed(1, k), j => grid%fixed(2, k))
        z_ad(i, j) = z_ad(i, j) + zeta_ad(i, j)
        zeta_ad(i, j) = 0.0_wp
      end associate
    end do
  end subroutine take_fixed

  !> Set a field to zero outside the block's cells.
  pure subroutine clear_halo(field, nx, ny)
    real(wp), intent(inout), contiguous :: field(1 - lead:, 1 - halo:)
    integer, intent(in) :: nx, ny !! cells of the block

    field(:0, :) = 0.0_wp
    field(nx + 1:, :) = 0.0_wp
    field(:, :0) = 0.0_wp
    field(:, ny + 1:) = 0.0_wp
  end subroutine clear_halo

  !> Set to zero the sensitivities of one direction that are added to, or read beyond the
  !> faces where they are set.
  subroutine clear_faces(faces)
    type(face_changes_t), intent(inout) :: faces

    faces%h(:, :) = 0.0_wp
    faces%slope(:, :) = 0.0_wp
    faces%scaled(:, :) = 0.0_wp
    faces%extra(:, :) = 0.0_wp
    faces%star(:, :) = 0.0_wp
    faces%drag(:, :) = 0.0_wp
  end subroutine clear_faces

end module swe_step_linearised
