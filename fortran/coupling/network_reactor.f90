! SPDX-License-Identifier: MIT
!> A network in the slot of the chemistry solver, guarded cell by cell.
!>
!> The network's contract says in which range of concentrations it may be believed. Cells
!> outside it, and cells for which it answers NaN, are carried by the stiff solver in the
!> same call, and counted. A `.pt` or `.pt2` file goes through the bridge, a `.nc` file of
!> the same network is computed in Fortran (`chemistry_network`).
module network_reactor
  use, intrinsic :: iso_c_binding, only: c_associated, c_loc, c_null_ptr, c_ptr
  use, intrinsic :: iso_fortran_env, only: int32, int64
  use chemistry_network, only: chemistry_network_t
  use chemistry_rates, only: light_at
  use chemistry_reactors, only: reactor_t, solver_reactor_t
  use chemistry_solver, only: flag_done
  use failures, only: err_argument, fail, succeed
  use isthmus, only: isthmus_emulator_t, isthmus_model_t
  use kinds, only: wp
  implicit none
  private
  public :: network_reactor_t

  integer, parameter, public :: light_nodes = 3
    !! times at which the light is given: start, middle and end of the step

  !> A network y(species, cell) [, light(node, cell)] -> y one step later, with a solver
  !> behind it.
  type, extends(reactor_t) :: network_reactor_t
    type(solver_reactor_t) :: fallback   !! set it up before `load`
    integer(int64) :: n_cells = 0        !! carried since `load`
    integer(int64) :: n_fallback = 0     !! of them by the solver
    type(isthmus_emulator_t), private :: emulator
    type(chemistry_network_t), private :: lanes !! in its place for `.nc`
    logical, private :: in_lanes = .false.
    logical, private :: guarded = .true.
    real(wp), private :: dt = 0.0_wp     !! the network's time step
    integer, private :: n_light = 0      !! nodes of the light
    real(wp), allocatable, private :: light(:, :) !! (node, cell)
    real(wp), allocatable, private :: next(:, :)  !! the network's answer (species, cell)
    integer(int32), allocatable :: reasons(:) !! why a cell went to the solver, or 0 (cell)
    type(c_ptr), private :: bound = c_null_ptr    !! the host's array that is bound
    integer, private :: bound_shape(2) = 0
  contains
    procedure, public :: load
    procedure, public :: react
  end type network_reactor_t

contains

  !> Load the network and check that it fits the mechanism of the solver behind it.
  subroutine load(self, path, guarded, stat, errmsg)
    class(network_reactor_t), intent(inout), target :: self
    character(len=*), intent(in) :: path !! `.pt`, `.pt2` or `.nc`
    logical, intent(in) :: guarded       !! .false.: believe the network everywhere
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=512) :: problem
    integer :: status

    problem = ""
    self%bound = c_null_ptr
    self%n_cells = 0
    self%n_fallback = 0
    self%guarded = guarded
    self%in_lanes = len(path) > 3 .and. index(path, ".nc", back=.true.) == len(path) - 2
    if (self%fallback%solver%tables%n == 0) then
      status = err_argument
      problem = "chemistry: set up the solver of 'fallback' before 'load'"
    else if (self%in_lanes) then
      call self%lanes%load(path, status, problem)
      if (status == 0) call check_lanes(self, path, status, problem)
    else
      call load_emulator(self, path, status, problem)
    end if
    if (status /= 0) then
      call fail(status, trim(problem), stat, errmsg)
    else
      call succeed(stat)
    end if
  end subroutine load

  !> A file for the bridge.
  subroutine load_emulator(self, path, status, problem)
    class(network_reactor_t), intent(inout) :: self
    character(len=*), intent(in) :: path
    integer, intent(out) :: status
    character(len=*), intent(inout) :: problem

    type(isthmus_model_t) :: network

    call self%emulator%load(path, stat=status, errmsg=problem)
    if (status == 0) call self%emulator%network(network, stat=status, errmsg=problem)
    if (status == 0) call check_network(self, network, status, problem)
    if (status == 0) call self%emulator%set_policy("count", status, problem)
    if (status == 0 .and. .not. self%guarded) then
      call self%emulator%set_guard("{}", status, problem)
    end if
  end subroutine load_emulator

  !> The file's species must be the mechanism's, in the same order.
  subroutine check_lanes(self, path, status, problem)
    class(network_reactor_t), intent(inout) :: self
    character(len=*), intent(in) :: path
    integer, intent(out) :: status
    character(len=*), intent(inout) :: problem

    character(len=:), allocatable :: species
    integer :: i

    species = ""
    associate (names => self%fallback%solver%mechanism%species)
      do i = 1, size(names)
        species = species//" "//trim(names(i))
      end do
    end associate
    associate (weights => self%lanes%weights)
      self%dt = weights%dt
      self%n_light = weights%n_light
      status = 0
      if (weights%species == species(2:) .and. any(self%n_light == [0, light_nodes])) return
      status = err_argument
      problem = "chemistry: '"//path//"' is for the species '"//weights%species// &
        "', the mechanism has '"//species(2:)//"'"
    end associate
  end subroutine check_lanes

  !> What the network asks for must be what the mechanism has.
  subroutine check_network(self, network, status, problem)
    class(network_reactor_t), intent(inout) :: self
    type(isthmus_model_t), intent(inout) :: network
    integer, intent(out) :: status
    character(len=*), intent(inout) :: problem

    integer :: n

    n = self%fallback%solver%tables%n
    self%dt = network%time_step()
    self%n_light = 0
    call network%require_input("y", shape=[n, -1], stat=status, errmsg=problem)
    if (status /= 0) return
    call network%require_output("y_next", shape=[n, -1], stat=status, errmsg=problem)
    if (status /= 0 .or. network%n_inputs() < 2) return
    self%n_light = light_nodes
    call network%require_input("light", shape=[light_nodes, -1], stat=status, &
      errmsg=problem)
  end subroutine check_network

  !> Carry the cells: by the network, or where it may not be believed by the solver.
  subroutine react(self, y, t, dt, flags, stat, errmsg)
    class(network_reactor_t), intent(inout) :: self
    real(wp), intent(inout), target, contiguous :: y(:, :)
    real(wp), intent(in) :: t, dt
    integer, intent(out), contiguous :: flags(:)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=256) :: problem
    integer :: status

    problem = ""
    flags = flag_done
    status = 0
    if (abs(dt - self%dt) > 1.0e-9_wp*dt) then
      status = err_argument
      write (problem, "(a, g0.6, a, g0.6)") "chemistry: the network steps by ", self%dt, &
        ", the host by ", dt
    end if
    if (status == 0 .and. self%in_lanes) then
      call react_in_lanes(self, y, t, dt)
    else if (status == 0) then
      call react_by_emulator(self, y, t, dt, status, problem)
    end if
    self%n_cells = self%n_cells + size(flags)
    if (status == 0) then ! no reasons are allocated before the first step that fits
      if (any(self%reasons /= 0)) call fall_back(self, y, t, dt, flags, status, problem)
    end if
    if (status /= 0) then
      call fail(status, trim(problem), stat, errmsg)
    else
      call succeed(stat)
    end if
  end subroutine react

  !> In place, here.
  subroutine react_in_lanes(self, y, t, dt)
    class(network_reactor_t), intent(inout) :: self
    real(wp), intent(inout), contiguous :: y(:, :)
    real(wp), intent(in) :: t, dt

    if (allocated(self%reasons)) then
      if (size(self%reasons) /= size(y, 2)) deallocate (self%reasons)
    end if
    if (.not. allocated(self%reasons)) allocate (self%reasons(size(y, 2)))
    call self%lanes%step(y, light_during(self, t, dt), self%guarded, self%reasons)
  end subroutine react_in_lanes

  !> Through the bridge; unflagged cells take the network's answer.
  subroutine react_by_emulator(self, y, t, dt, status, problem)
    class(network_reactor_t), intent(inout) :: self
    real(wp), intent(inout), target, contiguous :: y(:, :)
    real(wp), intent(in) :: t, dt
    integer, intent(out) :: status
    character(len=*), intent(inout) :: problem

    integer :: c

    call bind(self, y, status, problem)
    if (status /= 0) return
    if (self%n_light > 0) then
      self%light(:, :) = spread(light_during(self, t, dt), 2, size(y, 2))
    end if
    call self%emulator%run(status, problem)
    if (status /= 0) return
    do c = 1, size(y, 2)
      if (self%reasons(c) == 0) y(:, c) = self%next(:, c)
    end do
  end subroutine react_by_emulator

  !> Bind the arrays, again only if the host's is another one.
  subroutine bind(self, y, status, problem)
    class(network_reactor_t), intent(inout), target :: self
    real(wp), intent(in), target, contiguous :: y(:, :)
    integer, intent(out) :: status
    character(len=*), intent(inout) :: problem

    real(wp), pointer :: state(:, :)

    status = 0
    if (c_associated(self%bound, c_loc(y)) .and. all(self%bound_shape == shape(y))) return
    self%bound = c_null_ptr
    if (allocated(self%next)) deallocate (self%next, self%reasons, self%light)
    allocate (self%next, mold=y)
    allocate (self%reasons(size(y, 2)))
    allocate (self%light(max(1, self%n_light), size(y, 2)))
    state => y
    call self%emulator%bind_input("y", state, stat=status, errmsg=problem)
    if (status == 0 .and. self%n_light > 0) then
      state => self%light
      call self%emulator%bind_input("light", state, stat=status, errmsg=problem)
    end if
    state => self%next
    if (status == 0) call self%emulator%bind_output("y_next", state, stat=status, &
      errmsg=problem)
    if (status == 0) call bind_reasons(self, status, problem)
    if (status /= 0) return
    self%bound = c_loc(y)
    self%bound_shape = shape(y)
  end subroutine bind

  !> Where the guard tells what it found.
  subroutine bind_reasons(self, status, problem)
    class(network_reactor_t), intent(inout), target :: self
    integer, intent(out) :: status
    character(len=*), intent(inout) :: problem

    integer(int32), pointer :: reasons(:)

    reasons => self%reasons
    call self%emulator%bind_flags(reasons, stat=status, errmsg=problem)
  end subroutine bind_reasons

  !> Light during the step, the same for all cells.
  function light_during(self, t, dt) result(light)
    class(network_reactor_t), intent(in) :: self
    real(wp), intent(in) :: t, dt
    real(wp) :: light(self%n_light)

    real(wp) :: change
    integer :: node

    do node = 1, self%n_light
      call light_at(self%fallback%solver%mechanism%sun, &
        t + dt*(node - 1)/(light_nodes - 1), light(node), change)
    end do
  end function light_during

  !> Cells that the network does not carry are left to the solver.
  subroutine fall_back(self, y, t, dt, flags, status, problem)
    class(network_reactor_t), intent(inout) :: self
    real(wp), intent(inout), target, contiguous :: y(:, :)
    real(wp), intent(in) :: t, dt
    integer, intent(inout) :: flags(:)
    integer, intent(out) :: status
    character(len=*), intent(inout) :: problem

    real(wp), allocatable :: rest(:, :)
    integer, allocatable :: cells(:), rest_flags(:)
    integer :: c

    cells = pack([(c, c=1, size(flags))], self%reasons /= 0)
    self%n_fallback = self%n_fallback + size(cells)
    rest = y(:, cells)
    allocate (rest_flags(size(cells)))
    self%fallback%keeps_steps = .false. ! other cells at each call
    call self%fallback%react(rest, t, dt, rest_flags, status, problem)
    if (status /= 0) return
    y(:, cells) = rest
    flags(cells) = rest_flags
  end subroutine fall_back

end module network_reactor
