! SPDX-License-Identifier: MIT
!> A network on the fields of a shallow water run: what every slot of it needs.
!>
!> Inputs are bound by their names to the model's own arrays, as views of their inner part:
!> zeta [m] at centres, u and v [m2 s-1] at east and at north faces, depth [m] at centres, 0
!> on land; all (nx, ny), [y, x] in Python. The contract says the time step and, under
!> `trained_for`, numbers by the names of the namelist; what differs is refused. Without a
!> separable dimension the domain is one sample: the guard takes all of it or nothing.
module network_fields
  use, intrinsic :: iso_fortran_env, only: int64
  use contract_numbers, only: contract_number_t, trained_for
  use failures, only: err_argument, fail, succeed
  use isthmus, only: isthmus_emulator_t, isthmus_float64, isthmus_model_t
  use swe_blocks, only: halo, lead
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_parameters, only: swe_parameters_t
  use swe_state, only: swe_state_t
  implicit none
  private
  public :: end_with_status, network_fields_t, view_of

  real(wp), parameter :: same = 1.0e-6_wp !! relative: as the bridge's, for time steps
  integer, parameter :: max_text = 512
  character(len=*), parameter :: known_inputs = "zeta, u, v, depth"
  character(len=*), parameter :: known_numbers = "dx, dy, f0, theta, gravity, "// &
    "drag_coefficient, linear_drag, viscosity, periodic_x, periodic_y, multiple_of"

  !> The network and what it did.
  type :: network_fields_t
    type(isthmus_emulator_t) :: emulator
    integer(int64) :: n_calls = 0   !! since `load`
    integer(int64) :: n_refused = 0 !! of them by the guard
    character(len=:), allocatable, private :: path
  contains
    procedure :: load
    procedure :: connect
    procedure :: bind_output
    procedure :: run
  end type network_fields_t

contains

  !> The inner part of a field with halo.
  function view_of(field, grid) result(view)
    real(wp), intent(in), target :: field(1 - lead:, 1 - halo:)
    type(swe_grid_t), intent(in) :: grid
    real(wp), pointer :: view(:, :)             !! (nx, ny)

    view => field(1:grid%block%nx, 1:grid%block%ny)
  end function view_of

  !> Load the network; `guarded = .false.` believes whatever is finite.
  subroutine load(self, path, device, guarded, stat, errmsg)
    class(network_fields_t), intent(inout) :: self
    character(len=*), intent(in) :: path   !! `.pt` or `.pt2`
    character(len=*), intent(in) :: device !! "cpu", "cuda", ...
    logical, intent(in) :: guarded
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=max_text) :: problem
    integer :: status

    problem = ""
    self%path = path
    self%n_calls = 0
    self%n_refused = 0
    call self%emulator%load(path, device, status, problem)
    if (status == 0 .and. .not. guarded) call self%emulator%set_guard("{}", status, problem)
    call end_with_status(status, problem, stat, errmsg)
  end subroutine load

  !> Hold the contract against the run and bind the inputs.
  subroutine connect(self, grid, parameters, state, must_say, stat, errmsg)
    class(network_fields_t), intent(inout) :: self
    type(swe_grid_t), intent(in), target :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_state_t), intent(in), target :: state !! the network reads it from now on
    character(len=*), intent(in) :: must_say(:)    !! numbers the contract must hold
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(isthmus_model_t) :: network
    character(len=max_text) :: problem
    real(wp) :: dt
    integer :: i, status

    problem = ""
    call self%emulator%network(network, stat=status, errmsg=problem)
    dt = network%time_step()
    if (status == 0 .and. (size(must_say) > 0 .or. dt > 0.0_wp)) then
      call network%require_time_step(parameters%dt, status, problem)
    end if
    if (status == 0) then
      call check_numbers(trained_for(network%contract()), grid, parameters, must_say, &
        problem)
      if (problem /= "") status = err_argument
    end if
    do i = 1, network%n_inputs()
      if (status /= 0) exit
      call bind_input(self, network, network%input_name(i), grid, state, status, problem)
    end do
    if (status /= 0) problem = "network '"//self%path//"': "//trim(problem)
    call end_with_status(status, problem, stat, errmsg)
  end subroutine connect

  !> Bind one input to the field of its name.
  subroutine bind_input(self, network, name, grid, state, status, problem)
    class(network_fields_t), intent(inout) :: self
    type(isthmus_model_t), intent(in) :: network
    character(len=*), intent(in) :: name
    type(swe_grid_t), intent(in), target :: grid
    type(swe_state_t), intent(in), target :: state
    integer, intent(inout) :: status
    character(len=*), intent(inout) :: problem

    real(wp), pointer :: view(:, :)

    select case (name)
    case ("zeta")
      view => view_of(state%zeta, grid)
    case ("u")
      view => view_of(state%u, grid)
    case ("v")
      view => view_of(state%v, grid)
    case ("depth")
      view => view_of(grid%depth, grid)
    case default
      status = err_argument
      problem = "it wants input '"//name//"', a shallow water run has "//known_inputs
      return
    end select
    call network%require_input(name, shape=shape(view), dtype=isthmus_float64, &
      stat=status, errmsg=problem)
    if (status == 0) call self%emulator%bind_input(name, view, status, problem)
  end subroutine bind_input

  !> Say so if the network was trained for something else, or does not say for what.
  subroutine check_numbers(numbers, grid, parameters, must_say, problem)
    type(contract_number_t), intent(in) :: numbers(:)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    character(len=*), intent(in) :: must_say(:)
    character(len=*), intent(inout) :: problem !! set if it was

    integer :: i

    do i = 1, size(must_say)
      if (problem /= "" .or. any(numbers%name == must_say(i))) cycle
      problem = "its contract does not say for which '"//trim(must_say(i))// &
        "' it was trained: export it with trained_for"
    end do
    do i = 1, size(numbers)
      if (problem == "") call check_number(numbers(i), grid, parameters, problem)
    end do
  end subroutine check_numbers

  !> Hold one number against the run's.
  subroutine check_number(number, grid, parameters, problem)
    type(contract_number_t), intent(in) :: number
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    character(len=*), intent(inout) :: problem !! set if they differ

    associate (nx => grid%block%nx, ny => grid%block%ny)
      select case (number%name)
      case ("dx")
        call compare(number, grid%dx(1:ny), problem)
      case ("dy")
        call compare(number, [grid%dy], problem)
      case ("f0")
        call compare(number, grid%f_u(1:ny), problem)
      case ("theta")
        call compare(number, [parameters%theta], problem)
      case ("gravity")
        call compare(number, [parameters%gravity], problem)
      case ("linear_drag")
        call compare(number, [parameters%linear_drag], problem)
      case ("viscosity")
        call compare(number, [parameters%viscosity], problem)
      case ("drag_coefficient")
        call compare(number, pack(grid%drag_u(1:nx, 1:ny), &
          grid%open_u(1:nx, 1:ny) > 0.0_wp), problem)
      case ("periodic_x")
        call compare(number, [merge(1.0_wp, 0.0_wp, grid%block%periodic_x)], problem)
      case ("periodic_y")
        call compare(number, [merge(1.0_wp, 0.0_wp, grid%block%periodic_y)], problem)
      case ("multiple_of")
        if (any(modulo([nx, ny], nint(number%value)) /= 0)) then
          write (problem, "(3(a, i0))") "it takes grids of multiples of ", &
            nint(number%value), " cells, the run has ", nx, " x ", ny
        end if
      case default
        problem = "it was trained for a '"//trim(number%name)//"', a run knows "// &
          known_numbers
      end select
    end associate
  end subroutine check_number

  !> Say so if a number of the run is not that of the contract.
  subroutine compare(number, values, problem)
    type(contract_number_t), intent(in) :: number
    real(wp), intent(in) :: values(:) !! of the run
    character(len=*), intent(inout) :: problem !! set if one differs

    integer :: i

    i = findloc(abs(values - number%value) <= same*abs(number%value), .false., 1)
    if (i == 0) return
    write (problem, "(3a, g0.8, a, g0.8)") "it was trained for '", trim(number%name), &
      "' = ", number%value, ", the run has ", values(i)
  end subroutine compare

  !> Where an output goes. What the array holds stays where the guard refuses the network.
  subroutine bind_output(self, name, view, stat, errmsg)
    class(network_fields_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    real(wp), pointer, intent(in) :: view(:, :) !! (nx, ny)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(isthmus_model_t) :: network
    character(len=max_text) :: problem
    integer :: status

    problem = ""
    call self%emulator%network(network, stat=status, errmsg=problem)
    if (status == 0) call network%require_output(name, shape=shape(view), &
      dtype=isthmus_float64, stat=status, errmsg=problem)
    if (status == 0) call self%emulator%bind_output(name, view, status, problem)
    if (status == 0) call self%emulator%bind_fallback(name, view, status, problem)
    if (status /= 0) problem = "network '"//self%path//"': "//trim(problem)
    call end_with_status(status, problem, stat, errmsg)
  end subroutine bind_output

  !> Evaluate the network; the outputs are set if the guard lets them pass.
  subroutine run(self, is_believed, stat, errmsg)
    class(network_fields_t), intent(inout) :: self
    logical, intent(out) :: is_believed
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=max_text) :: problem
    integer :: status

    problem = ""
    call self%emulator%run(status, problem)
    is_believed = .false.
    if (status == 0) then
      is_believed = self%emulator%n_flagged() == 0
      self%n_calls = self%n_calls + 1
      if (.not. is_believed) self%n_refused = self%n_refused + 1
    end if
    call end_with_status(status, problem, stat, errmsg)
  end subroutine run

  !> Hand on what a call of the bridge gave.
  subroutine end_with_status(status, problem, stat, errmsg)
    integer, intent(in) :: status
    character(len=*), intent(in) :: problem
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    if (status /= 0) then
      call fail(status, trim(problem), stat, errmsg)
    else
      call succeed(stat)
    end if
  end subroutine end_with_status

end module network_fields
