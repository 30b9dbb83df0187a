! SPDX-License-Identifier: MIT
!> Tracers in the water: carried by the volumes that a step moves, and reacting.
!>
!> The fluxes are those that changed the elevation, (1 - theta)*U(n) + theta*U(n+1), so a
!> constant concentration stays constant to rounding, also where cells fall dry or get wet.
!> Mass is conserved to rounding, no new extremes arise, and no time step is too long.
!> A cell of prescribed elevation, and a cell outside that names a boundary condition, keeps
!> the concentration given to it: what flows in from there has it.
module swe_tracers
  use failures, only: err_argument, fail, succeed
  use swe_blocks, only: block_t
  use swe_exchange, only: exchange, global_maximum
  use swe_fields, only: allocate_field
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_reactions, only: reaction_t
  use swe_sharp_tracers, only: corrections_t, sharpen
  use swe_state, only: swe_state_t
  use swe_step, only: swe_model_t
  use swe_upwind_tracers, only: moved_volumes_t, set_donors, upwind_transport
  implicit none
  private
  public :: swe_tracers_t

  integer, parameter, public :: tracers_upwind = 1  !! first order
  integer, parameter, public :: tracers_limited = 2 !! second order where it is smooth

  !> Some tracers of a model. Set `reaction` if they react.
  type :: swe_tracers_t
    real(wp), allocatable :: c(:, :, :)         !! concentrations, with halo (i, j, tracer)
    integer :: order = tracers_limited          !! one of tracers_*
    class(reaction_t), allocatable :: reaction  !! acts after the transport
    type(moved_volumes_t) :: volumes            !! of the last step
    type(corrections_t), private :: work
    real(wp), allocatable, private :: donor(:, :)
    real(wp), allocatable, private :: old(:, :)
  contains
    procedure :: setup
    procedure :: advance
    procedure :: mass
  end type swe_tracers_t

contains

  !> Allocate `n` tracers of a block, all zero.
  subroutine setup(self, block, n)
    class(swe_tracers_t), intent(inout) :: self
    type(block_t), intent(in) :: block
    integer, intent(in) :: n !! tracers

    call allocate_field(block, self%c, n)
    call allocate_field(block, self%donor)
    allocate (self%old, source=self%donor)
    associate (volumes => self%volumes, work => self%work)
      allocate (volumes%east, volumes%north, volumes%before, volumes%stays, volumes%out, &
        volumes%after, source=self%donor)
      allocate (work%east, work%north, work%rise, work%fall, source=self%donor)
    end associate
  end subroutine setup

  !> Carry the tracers through the step that the model has just made, and let them react.
  subroutine advance(self, model, state, stat, errmsg)
    class(swe_tracers_t), intent(inout) :: self
    type(swe_model_t), intent(in) :: model !! after its step
    type(swe_state_t), intent(in) :: state !! the new one
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: k

    if (.not. allocated(self%c)) then
      call fail(err_argument, "swe_tracers: 'advance' was called before 'setup'", stat, &
        errmsg)
      return
    end if
    call set_volumes(model, state, self%volumes)
    do k = 1, size(self%c, 3)
      call exchange(model%grid%block, self%c(:, :, k))
      call set_donors(model%grid, self%volumes, self%c(:, :, k), self%donor)
      self%old(:, :) = self%c(:, :, k)
      call upwind_transport(model%grid, self%volumes, self%donor, self%c(:, :, k))
      if (self%order == tracers_limited) call sharpen(model%grid, self%volumes, self%old, &
        self%work, self%c(:, :, k))
    end do
    call succeed(stat)
    if (allocated(self%reaction)) call let_react(self, model, state, stat, errmsg)
  end subroutine advance

  !> The reactions of one step.
  subroutine let_react(self, model, state, stat, errmsg)
    class(swe_tracers_t), intent(inout) :: self
    type(swe_model_t), intent(in) :: model
    type(swe_state_t), intent(in) :: state
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: k, nx, ny

    nx = model%grid%block%nx
    ny = model%grid%block%ny
    self%old(:, :) = merge(model%grid%depth + state%zeta, 0.0_wp, model%grid%water > 0.0_wp)
    call self%reaction%react(self%c(1:nx, 1:ny, :), self%old(1:nx, 1:ny), &
      model%parameters%dt, stat, errmsg)
    do k = 1, size(self%c, 3)
      call exchange(model%grid%block, self%c(:, :, k))
    end do
  end subroutine let_react

  !> Mass of a tracer in this block: its concentration times m3.
  pure real(wp) function mass(self, grid, state, k)
    class(swe_tracers_t), intent(in) :: self
    type(swe_grid_t), intent(in) :: grid
    type(swe_state_t), intent(in) :: state
    integer, intent(in) :: k !! tracer

    integer :: j, nx

    nx = grid%block%nx
    mass = 0.0_wp
    do j = 1, grid%block%ny
      mass = mass + grid%area(j)*sum(self%c(1:nx, j, k)*(grid%depth(1:nx, j) &
        + state%zeta(1:nx, j)), mask=grid%water(1:nx, j) > 0.0_wp)
    end do
  end function mass

  !> The volumes of the model's last step.
  subroutine set_volumes(model, state, volumes)
    type(swe_model_t), intent(in) :: model
    type(swe_state_t), intent(in) :: state
    type(moved_volumes_t), intent(inout) :: volumes

    real(wp) :: least
    integer :: i, j

    least = 0.0_wp
    associate (grid => model%grid)
      call set_fluxes(model, state, volumes)
      !$omp parallel do private(i) reduction(min: least)
      do j = 1, grid%block%ny
        do i = 1, grid%block%nx
          volumes%before(i, j) = grid%area(j)*max(0.0_wp, grid%depth(i, j) &
            + model%old%zeta(i, j))
          volumes%out(i, j) = max(volumes%east(i, j), 0.0_wp) &
            - min(volumes%east(i - 1, j), 0.0_wp) + max(volumes%north(i, j), 0.0_wp) &
            - min(volumes%north(i, j - 1), 0.0_wp)
          volumes%stays(i, j) = volumes%before(i, j) - volumes%out(i, j)
          ! In this order: a constant then stays one, however little water is left.
          volumes%after(i, j) = max(0.0_wp, volumes%stays(i, j) &
            + max(volumes%east(i - 1, j), 0.0_wp) - min(volumes%east(i, j), 0.0_wp) &
            + max(volumes%north(i, j - 1), 0.0_wp) - min(volumes%north(i, j), 0.0_wp))
          least = min(least, grid%water(i, j)*volumes%stays(i, j))
        end do
      end do
      volumes%has_fast_cells = global_maximum(grid%block, -least) > 0.0_wp
      call exchange(grid%block, volumes%before, volumes%stays)
      call exchange(grid%block, volumes%after)
    end associate
  end subroutine set_volumes

  !> Volumes through the faces.
  subroutine set_fluxes(model, state, volumes)
    type(swe_model_t), intent(in) :: model
    type(swe_state_t), intent(in) :: state
    type(moved_volumes_t), intent(inout) :: volumes

    real(wp) :: before, now
    integer :: j, nx

    nx = model%grid%block%nx
    before = 1.0_wp - model%parameters%theta
    now = model%parameters%theta
    !$omp parallel do
    do j = 0, model%grid%block%ny
      if (model%keeps_velocity) then
        volumes%east(0:nx, j) = model%moved%u(0:nx, j)
        volumes%north(0:nx, j) = model%moved%v(0:nx, j)
      else
        volumes%east(0:nx, j) = before*model%old%u(0:nx, j) + now*state%u(0:nx, j)
        volumes%north(0:nx, j) = before*model%old%v(0:nx, j) + now*state%v(0:nx, j)
      end if
      volumes%east(0:nx, j) = model%parameters%dt*model%grid%dy*volumes%east(0:nx, j)
      volumes%north(0:nx, j) = model%parameters%dt*model%grid%dx_v(j)*volumes%north(0:nx, j)
    end do
    call exchange(model%grid%block, volumes%east, volumes%north)
  end subroutine set_fluxes

end module swe_tracers
