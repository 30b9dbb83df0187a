! SPDX-License-Identifier: MIT
!> One semi-implicit step of the shallow water equations.
!>
!>     U_t + g H zeta_x = f V - tau U + X     V_t + g H zeta_y = -f U - tau V + Y
!>     zeta_t + U_x + V_y = 0                 H = D + zeta
!>
!> on an Arakawa C grid, gravity terms weighted by theta between the old and the new level,
!> bottom friction semi-implicit, all else at the old level. J. O. Backhaus (1983): A
!> semi-implicit scheme for the shallow water equations for application to shelf sea
!> modelling. Continental Shelf Research 2(4), 243-254.
module swe_step
  use failures, only: err_argument, fail, succeed
  use swe_blocks, only: block_t, halo, lead
  use swe_boundaries, only: boundary_diagonal, fix_elevations, known_transports, radiate
  use swe_drainage, only: clip_elevation, limit_new_transports, limit_old_transports
  use swe_elimination, only: assemble, new_elevation, new_level, new_transports
  use swe_exchange, only: exchange, global_maximum
  use swe_faces, only: face_depths
  use swe_fields, only: allocate_field
  use swe_five_point, only: five_point_solver_t, five_point_t, solution_t
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_momentum, only: face_momentum_t, provisional_transports
  use swe_newton, only: solve_volumes
  use swe_parameters, only: advection_limited, advection_none, face_upwind, &
    swe_parameters_t, wetting_newton
  use swe_rows, only: is_large
  use swe_sharp_depths, only: sharpen_depths
  use swe_slots, only: swe_guess_t
  use swe_state, only: swe_forcing_t, swe_state_t
  use swe_tendencies, only: other_tendencies
  implicit none
  private
  public :: swe_model_t

  !> A model: grid, parameters, solver, and the fields of the step last made.
  type :: swe_model_t
    type(swe_grid_t) :: grid
    type(swe_parameters_t) :: parameters
    class(five_point_solver_t), allocatable :: solver
    type(face_momentum_t) :: east, north !! momentum at east and at north faces
    type(five_point_t) :: matrix         !! for the new elevation
    real(wp), allocatable :: b(:, :)     !! right-hand side [m3]
    real(wp), allocatable :: z(:, :)     !! the solver's new elevation [m]
    type(swe_state_t) :: old             !! state at the start of the step
    type(solution_t) :: solution         !! how the last step was solved
    real(wp) :: solver_error = 0.0_wp    !! largest difference of zeta and z [m]
    integer :: n_newton = 1              !! solves of the last step: more where cells dry
    logical :: keeps_velocity = .false.
      !! the new transports get the depth of the new level: set by `setup` if momentum is
      !! advected or cells dry
    type(swe_state_t) :: moved           !! what the step moved, if it keeps velocity
    real(wp), allocatable :: h_u(:, :)   !! new depth at east faces, likewise [m]
    real(wp), allocatable :: h_v(:, :)   !! new depth at north faces, likewise [m]
    real(wp), allocatable :: wet(:, :)   !! 1 where the last step left water, if cells dry
    real(wp), allocatable :: share(:, :) !! part of its outflow that a cell can give [1]
    logical :: is_short = .false.
      !! an explicit scheme would be stable: the solver begins at its elevation
    class(swe_guess_t), pointer :: guess => null()
      !! where the solver begins, if not at the old elevation
  contains
    procedure :: setup
    procedure :: step
  end type swe_model_t

contains

  !> Allocate the fields of a model whose grid, parameters and solver are set.
  subroutine setup(self)
    class(swe_model_t), intent(inout) :: self

    call setup_faces(self%grid%block, self%east)
    call setup_faces(self%grid%block, self%north)
    call self%matrix%setup(self%grid%block, self%grid%area)
    call self%old%setup(self%grid%block)
    call allocate_field(self%grid%block, self%b)
    call allocate_field(self%grid%block, self%z)
    self%keeps_velocity = self%parameters%wetting == wetting_newton .or. &
      self%parameters%advection /= advection_none
    self%is_short = self%parameters%wetting /= wetting_newton .and. &
      courant_number(self) <= 1.0_wp
    if (self%keeps_velocity) then
      call self%moved%setup(self%grid%block)
      call allocate_field(self%grid%block, self%h_u)
      call allocate_field(self%grid%block, self%h_v)
    end if
    if (self%parameters%wetting == wetting_newton) then
      call allocate_field(self%grid%block, self%wet, 1.0_wp)
      call allocate_field(self%grid%block, self%share, 1.0_wp)
    end if
  end subroutine setup

  !> sqrt(g H)*dt*sqrt(1/dx**2 + 1/dy**2) where it is largest: explicit schemes need 1.
  real(wp) function courant_number(self)
    class(swe_model_t), intent(in) :: self

    integer :: j

    courant_number = 0.0_wp
    do j = 1, self%grid%block%ny
      courant_number = max(courant_number, sqrt(self%parameters%gravity*max(0.0_wp, &
        maxval(self%grid%depth(1:self%grid%block%nx, j)))*(1.0_wp/self%grid%dx(j)**2 &
        + 1.0_wp/self%grid%dy**2))*self%parameters%dt)
    end do
    courant_number = global_maximum(self%grid%block, courant_number)
  end function courant_number

  !> Allocate the fields of one direction.
  subroutine setup_faces(block, faces)
    type(block_t), intent(in) :: block
    type(face_momentum_t), intent(inout) :: faces

    call allocate_field(block, faces%h)
    call allocate_field(block, faces%friction)
    call allocate_field(block, faces%extra)
    call allocate_field(block, faces%star)
  end subroutine setup_faces

  !> Advance the state by one time step. Its halos must be filled; they are when it returns.
  subroutine step(self, state, forcing, stat, errmsg)
    class(swe_model_t), intent(inout) :: self
    type(swe_state_t), intent(inout) :: state
    type(swe_forcing_t), intent(in) :: forcing !! during this step, with filled halos
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=200) :: problem

    problem = state%problem(self%grid%block)
    if (problem == "") problem = forcing%problem(self%grid%block)
    if (problem /= "") then
      call fail(err_argument, "swe_step: "//trim(problem), stat, errmsg)
      return
    end if
    call succeed(stat)
    call self%old%copy(state)
    call explicit_part(self, forcing)
    call implicit_part(self, forcing)
    call radiate(self%grid, self%parameters, self%z, self%east, self%north)
    if (self%parameters%wetting == wetting_newton) then
      call drained_level(self, state)
    else
      call new_level(self%grid, self%parameters, self%old%u, self%old%v, self%z, &
        self%east, self%north, state%u, state%v, state%zeta, self%solver_error)
    end if
    self%solver_error = global_maximum(self%grid%block, self%solver_error)
    call state%fill_halo(self%grid%block)
    if (self%keeps_velocity) call keep_velocity(self, state)
  end subroutine step

  !> The new level where no cell gives away more water than it has.
  subroutine drained_level(self, state)
    class(swe_model_t), intent(inout) :: self
    type(swe_state_t), intent(inout) :: state

    call new_transports(self%grid, self%parameters, self%z, self%east, self%north, &
      state%u, state%v)
    call limit_new_transports(self%grid, self%parameters, self%old%zeta, self%old%u, &
      self%old%v, state%u, state%v, self%share)
    call clip_elevation(self%grid, self%z)
    call new_elevation(self%grid, self%parameters, self%old%u, self%old%v, state%u, &
      state%v, self%z, state%zeta, self%solver_error)
    call clip_elevation(self%grid, state%zeta)
  end subroutine drained_level

  !> Bring the new transports to the depth of the new level: what is carried on is the
  !> velocity. What the step moved is kept in `moved`.
  subroutine keep_velocity(self, state)
    class(swe_model_t), intent(inout) :: self
    type(swe_state_t), intent(inout) :: state

    real(wp) :: theta
    integer :: i, j

    theta = self%parameters%theta
    call current_depths(self, state, self%h_u, self%h_v)
    !$omp parallel do private(i) if (is_large(self%grid%block))
    do j = 0, self%grid%block%ny
      do i = 0, self%grid%block%nx
        self%moved%u(i, j) = (1.0_wp - theta)*self%old%u(i, j) + theta*state%u(i, j)
        self%moved%v(i, j) = (1.0_wp - theta)*self%old%v(i, j) + theta*state%v(i, j)
        state%u(i, j) = at_depth(state%u(i, j), self%east%h(i, j), self%h_u(i, j), &
          self%grid%open_u(i, j))
        state%v(i, j) = at_depth(state%v(i, j), self%north%h(i, j), self%h_v(i, j), &
          self%grid%open_v(i, j))
      end do
    end do
    call exchange(self%grid%block, state%u, state%v)
  end subroutine keep_velocity

  !> A transport at one depth, brought to another.
  elemental real(wp) function at_depth(transport, h, h_new, open)
    real(wp), intent(in) :: transport !! [m2 s-1]
    real(wp), intent(in) :: h         !! it was found with [m]
    real(wp), intent(in) :: h_new     !! [m]
    real(wp), intent(in) :: open      !! 0 at boundary faces: theirs is given

    at_depth = transport*merge(h_new/merge(h, 1.0_wp, h > 0.0_wp), 1.0_wp, &
      h > 0.0_wp .and. open > 0.0_wp)
  end function at_depth

  !> Depth at the faces of a state.
  subroutine current_depths(self, state, h_u, h_v)
    class(swe_model_t), intent(in) :: self
    type(swe_state_t), intent(in) :: state
    real(wp), intent(inout), contiguous :: h_u(1 - lead:, 1 - halo:) !! set, east faces [m]
    real(wp), intent(inout), contiguous :: h_v(1 - lead:, 1 - halo:) !! set, north faces [m]

    call face_depths(self%grid, self%parameters, state, h_u, h_v)
    if (self%parameters%face_depth == face_upwind .and. &
      self%parameters%advection == advection_limited) then
      call sharpen_depths(self%grid, self%parameters, state, h_u, h_v)
      ! The four cells that a depth depends on do not fit in the halo beside every face.
      call exchange(self%grid%block, h_u, h_v)
    end if
  end subroutine current_depths

  !> Everything at the old level: depths, friction, rotation, forces.
  subroutine explicit_part(self, forcing)
    class(swe_model_t), intent(inout) :: self
    type(swe_forcing_t), intent(in) :: forcing

    call current_depths(self, self%old, self%east%h, self%north%h)
    if (self%parameters%wetting == wetting_newton) then
      call limit_old_transports(self%grid, self%parameters, self%old%zeta, self%east%h, &
        self%north%h, self%old%u, self%old%v, self%share)
    end if
    call other_tendencies(self%grid, self%parameters, forcing, self%old, self%east, &
      self%north)
    call provisional_transports(self%grid, self%parameters, self%old%zeta, self%old%u, &
      self%old%v, forcing%head, self%east, self%north)
    call known_transports(self%grid, self%parameters, forcing, self%east, self%north)
  end subroutine explicit_part

  !> The system for the new elevation and its solution.
  subroutine implicit_part(self, forcing)
    class(swe_model_t), intent(inout) :: self
    type(swe_forcing_t), intent(in) :: forcing

    call assemble(self%grid, self%parameters, self%old%zeta, self%old%u, self%old%v, &
      self%east, self%north, self%matrix, self%b)
    call boundary_diagonal(self%grid, self%parameters, self%east, self%north, self%matrix)
    call fix_elevations(self%grid, forcing%open_zeta, self%matrix, self%b)
    call first_guess(self)
    if (self%parameters%wetting == wetting_newton) then
      call solve_volumes(self%grid, self%solver, self%matrix, self%b, self%z, self%wet, &
        self%solution, self%n_newton)
    else
      call self%solver%solve(self%matrix, self%b, self%z, self%solution)
    end if
  end subroutine implicit_part

  !> Where the solver begins: what a guess says, else the elevation that the old transports
  !> lead to if the step is one that an explicit scheme could make, else the old one.
  subroutine first_guess(self)
    class(swe_model_t), intent(inout) :: self

    real(wp) :: per_area
    integer :: j, nx
    logical :: is_carried

    nx = self%grid%block%nx
    is_carried = self%is_short .and. .not. associated(self%guess)
    !$omp parallel do private(per_area) if (is_large(self%grid%block))
    do j = lbound(self%z, 2), ubound(self%z, 2)
      self%z(:, j) = self%old%zeta(:, j)
      if (.not. is_carried .or. j < 1 .or. j > self%grid%block%ny) cycle
      per_area = self%parameters%dt/self%grid%area(j)
      call carry_row(nx, self%grid%dy*per_area, self%grid%dx_v(j)*per_area, &
        self%grid%dx_v(j - 1)*per_area, self%old%u(0:nx, j), self%old%v(1:nx, j), &
        self%old%v(1:nx, j - 1), self%grid%water(1:nx, j), self%z(1:nx, j))
    end do
    if (is_carried) call exchange(self%grid%block, self%z)
    if (associated(self%guess)) call self%guess%fill(self%old, self%z)
  end subroutine first_guess

  !> Take from the elevation of one row what its transports carry away.
  pure subroutine carry_row(n, east, north, south, u, v, v_south, water, z)
    integer, intent(in) :: n                   !! cells
    real(wp), intent(in) :: east, north, south !! dt*length of the faces/area [s m-1]
    real(wp), intent(in) :: u(0:n), v(n), v_south(n) !! [m2 s-1]
    real(wp), intent(in) :: water(n)           !! 1 where the elevation follows
    real(wp), intent(inout) :: z(n)            !! changed [m]

    integer :: i

    do i = 1, n
      z(i) = z(i) - water(i)*(east*(u(i) - u(i - 1)) + north*v(i) - south*v_south(i))
    end do
  end subroutine carry_row

end module swe_step
