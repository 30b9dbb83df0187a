! SPDX-License-Identifier: MIT
!> Networks in the slots of a shallow water run.
module network_swe
  use failures, only: err_argument, fail
  use network_fields, only: end_with_status, network_fields_t, view_of
  use swe_blocks, only: halo, lead
  use swe_exchange, only: exchange
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_parameters, only: swe_parameters_t
  use swe_slots, only: swe_closure_t, swe_guess_t, swe_stepper_t
  use swe_state, only: swe_forcing_t, swe_state_t
  implicit none
  private
  public :: network_guess_t, network_swe_closure_t, network_swe_stepper_t

  integer, parameter :: max_text = 512
  character(len=*), parameter :: other_state = &
    "a network was connected to another state than it is called with"

  !> zeta_next, u_next, v_next = N(...) in place of the step; refused steps are the model's.
  type, extends(swe_stepper_t) :: network_swe_stepper_t
    type(network_fields_t) :: network
    type(swe_state_t), pointer, private :: state => null() !! bound
  contains
    procedure :: connect => connect_stepper
    procedure :: step
  end type network_swe_stepper_t

  !> stress_u, stress_v [m2 s-2] = N(...) on the water column; zero where refused.
  type, extends(swe_closure_t) :: network_swe_closure_t
    type(network_fields_t) :: network
    real(wp), pointer, private :: stress_u(:, :) => null() !! answer (nx, ny)
    real(wp), pointer, private :: stress_v(:, :) => null() !! answer (nx, ny)
    type(swe_grid_t), pointer, private :: grid => null()
    type(swe_state_t), pointer, private :: state => null() !! bound
  contains
    procedure :: connect => connect_closure
    procedure :: add
  end type network_swe_closure_t

  !> z = N(...), where the elliptic solver begins; the old elevation where refused.
  type, extends(swe_guess_t) :: network_guess_t
    type(network_fields_t) :: network
    type(swe_grid_t), pointer, private :: grid => null()
    type(swe_state_t), pointer, private :: state => null() !! bound
    logical, private :: is_bound = .false.                 !! so is the guess
  contains
    procedure :: connect => connect_guess
    procedure :: fill
  end type network_guess_t

contains

  !> A stepper must know grid and rotation; it knows no open boundaries.
  subroutine connect_stepper(self, grid, parameters, state, stat, errmsg)
    class(network_swe_stepper_t), intent(inout) :: self
    type(swe_grid_t), intent(in), target :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_state_t), intent(inout), target :: state
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=10), allocatable :: must_say(:)
    character(len=max_text) :: problem
    integer :: status

    if (size(grid%fixed, 2) + size(grid%boundary_u) + size(grid%boundary_v) > 0) then
      call fail(err_argument, "a network in place of the step knows no open boundaries"// &
        ": close them in &boundary and in the grid's file", stat, errmsg)
      return
    end if
    must_say = [character(len=10) :: "dx", "dy", "f0"]
    if (grid%block%periodic_x) must_say = [must_say, "periodic_x"]
    if (grid%block%periodic_y) must_say = [must_say, "periodic_y"]
    problem = ""
    self%state => state
    call self%network%connect(grid, parameters, state, must_say, status, problem)
    if (status == 0) call self%network%bind_output("zeta_next", &
      view_of(state%zeta, grid), status, problem)
    if (status == 0) call self%network%bind_output("u_next", view_of(state%u, grid), &
      status, problem)
    if (status == 0) call self%network%bind_output("v_next", view_of(state%v, grid), &
      status, problem)
    call end_with_status(status, problem, stat, errmsg)
  end subroutine connect_stepper

  !> One step in the state's own arrays.
  subroutine step(self, state, is_done, stat, errmsg)
    class(network_swe_stepper_t), intent(inout) :: self
    type(swe_state_t), intent(inout), target :: state
    logical, intent(out) :: is_done
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    is_done = .false.
    if (.not. associated(self%state, state)) then
      call fail(err_argument, other_state, stat, errmsg)
      return
    end if
    call self%network%run(is_done, stat, errmsg)
  end subroutine step

  subroutine connect_closure(self, grid, parameters, state, stat, errmsg)
    class(network_swe_closure_t), intent(inout) :: self
    type(swe_grid_t), intent(in), target :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_state_t), intent(inout), target :: state
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=max_text) :: problem
    integer :: status

    problem = ""
    self%grid => grid
    self%state => state
    if (associated(self%stress_u)) deallocate (self%stress_u, self%stress_v)
    allocate (self%stress_u(grid%block%nx, grid%block%ny), source=0.0_wp)
    allocate (self%stress_v, source=self%stress_u)
    call self%network%connect(grid, parameters, state, [character(len=10) ::], status, &
      problem)
    if (status == 0) call self%network%bind_output("stress_u", self%stress_u, status, &
      problem)
    if (status == 0) call self%network%bind_output("stress_v", self%stress_v, status, &
      problem)
    call end_with_status(status, problem, stat, errmsg)
  end subroutine connect_closure

  !> Add the network's stress to the wind's, at open faces.
  subroutine add(self, state, forcing, stat, errmsg)
    class(network_swe_closure_t), intent(inout) :: self
    type(swe_state_t), intent(in), target :: state
    type(swe_forcing_t), intent(inout) :: forcing
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=max_text) :: problem
    logical :: is_believed
    integer :: status

    if (.not. associated(self%state, state)) then
      call fail(err_argument, other_state, stat, errmsg)
      return
    end if
    problem = ""
    call self%network%run(is_believed, status, problem)
    if (status == 0 .and. is_believed) then
      call add_inside(self%stress_u, self%grid%open_u, forcing%stress_u)
      call add_inside(self%stress_v, self%grid%open_v, forcing%stress_v)
      call exchange(self%grid%block, forcing%stress_u, forcing%stress_v)
    end if
    call end_with_status(status, problem, stat, errmsg)
  end subroutine add

  !> Add to the inner part of a field with halo where faces are open.
  subroutine add_inside(stress, is_open, field)
    real(wp), intent(in) :: stress(:, :)   !! (nx, ny)
    real(wp), intent(in) :: is_open(1 - lead:, 1 - halo:)
    real(wp), intent(inout) :: field(1 - lead:, 1 - halo:)

    integer :: i, j

    do j = 1, size(stress, 2)
      do i = 1, size(stress, 1)
        field(i, j) = field(i, j) + is_open(i, j)*stress(i, j)
      end do
    end do
  end subroutine add_inside

  subroutine connect_guess(self, grid, parameters, state, stat, errmsg)
    class(network_guess_t), intent(inout) :: self
    type(swe_grid_t), intent(in), target :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_state_t), intent(inout), target :: state
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    self%grid => grid
    self%state => state
    self%is_bound = .false.
    call self%network%connect(grid, parameters, state, [character(len=10) ::], stat, errmsg)
  end subroutine connect_guess

  !> A guess that cannot be had is no failure: the solver begins at the old elevation.
  subroutine fill(self, old, z)
    class(network_guess_t), intent(inout) :: self
    type(swe_state_t), intent(in), target :: old
    real(wp), intent(inout), target, contiguous :: z(:, :)

    character(len=max_text) :: problem
    logical :: is_believed
    integer :: status

    if (.not. associated(self%state, old)) return
    problem = ""
    status = 0
    if (.not. self%is_bound) call self%network%bind_output( &
      "z", view_of(z, self%grid), status, problem)
    if (status /= 0) return
    self%is_bound = .true.
    call self%network%run(is_believed, status, problem)
  end subroutine fill

end module network_swe
