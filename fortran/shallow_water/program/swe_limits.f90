! SPDX-License-Identifier: MIT
!> Time steps that make no sense, refused before the first one.
!>
!> The scheme is stable for any gravity-wave Courant number, so what limits dt is what the
!> step must resolve: the rotation, the friction, explicit viscosity, the waves themselves.
module swe_limits
  use swe_config, only: swe_config_t
  use swe_domain, only: swe_domain_t
  use swe_exchange, only: global_maximum
  use swe_grid, only: cell_land, cell_water, swe_grid_t
  use swe_kinds, only: real64, wp
  use swe_parameters, only: advection_none
  use swe_state, only: swe_state_t
  implicit none
  private
  public :: check_advection, check_time_step, courant_number

  real(real64), parameter :: max_rotation = 0.5_real64
    !! largest f*dt: twelve steps in an inertial period
  real(real64), parameter :: max_friction = 1.0_real64 !! largest linear_drag*dt
  real(real64), parameter :: max_diffusion = 0.5_real64
    !! largest viscosity*dt*(1/dx**2 + 1/dy**2): beyond, it is unstable
  real(wp), parameter :: film_depth = 1.0e-3_wp !! [m]

contains

  !> Say so if the time step is too long, and how long it may be.
  subroutine check_time_step(config, grid, problem)
    type(swe_config_t), intent(in) :: config
    type(swe_grid_t), intent(in) :: grid
    character(len=*), intent(inout) :: problem !! set if it is

    real(real64) :: diffusion, dt, narrowest, rotation

    dt = real(config%parameters%dt, real64)
    narrowest = 1/largest(grid, 1/grid%dx(1:grid%block%ny))
    rotation = largest(grid, abs(grid%f_u(1:grid%block%ny)))
    diffusion = config%parameters%viscosity*(1/narrowest**2 + 1/real(grid%dy, real64)**2)
    call refuse(dt, courant_number(config, grid), config%integration%max_courant, &
      "the gravity-wave Courant number is", " ('max_courant' in &integration)", problem)
    call refuse(dt, rotation*dt, max_rotation, "the rotation f*dt is", "", problem)
    call refuse(dt, config%parameters%linear_drag*dt, max_friction, &
      "the friction linear_drag*dt is", "", problem)
    call refuse(dt, diffusion*dt, max_diffusion, &
      "viscosity*dt*(1/dx**2 + 1/dy**2) is", "", problem)
  end subroutine check_time_step

  !> Say so if momentum is advected farther than to the next cell in one step: where, and
  !> how fast. Films of water are not advected and not looked at.
  subroutine check_advection(config, domain, grid, state, problem)
    type(swe_config_t), intent(in) :: config
    type(swe_domain_t), intent(in) :: domain
    type(swe_grid_t), intent(in) :: grid
    type(swe_state_t), intent(in) :: state
    character(len=*), intent(inout) :: problem !! set if it is

    real(wp) :: courant, film
    integer :: i, j

    if (config%parameters%advection == advection_none) return
    film = max(film_depth, config%parameters%thin_depth)
    do j = 1, grid%block%ny
      do i = 1, grid%block%nx
        if (grid%depth(i, j) + state%zeta(i, j) <= film .or. &
          grid%cell(i, j) /= cell_water) cycle
        courant = config%parameters%dt/(grid%depth(i, j) + state%zeta(i, j)) &
          *(0.5_wp*abs(state%u(i - 1, j) + state%u(i, j))/grid%dx(j) &
          + 0.5_wp*abs(state%v(i, j - 1) + state%v(i, j))/grid%dy)
        if (courant <= config%integration%max_advective) cycle
        associate (x => domain%x(i + grid%block%i_offset), &
          y => domain%y(j + grid%block%j_offset))
          write (problem, "(a, g0.4, a, g0.4, 2(a, i0), 2(a, g0.6), a)") &
            "'u' and 'v' have the advective Courant number ", courant, ", at most ", &
            config%integration%max_advective, " ('max_advective'), in column ", &
            i + grid%block%i_offset, ", row ", j + grid%block%j_offset, " (x = ", x, &
            ", y = ", y, ")"
        end associate
        return
      end do
    end do
  end subroutine check_advection

  !> Complain of one number, which grows with dt.
  subroutine refuse(dt, value, limit, what, where_from, problem)
    real(real64), intent(in) :: dt              !! [s]
    real(real64), intent(in) :: value, limit    !! of the number [1]
    character(len=*), intent(in) :: what        !! the number is
    character(len=*), intent(in) :: where_from  !! the limit can be changed
    character(len=*), intent(inout) :: problem  !! set if it is too large

    if (problem /= "" .or. value <= limit) return
    write (problem, "(a, g0.6, 3a, g0.5, a, g0.5, 2a, g0.6, a)") "'dt' = ", dt, &
      " s is too long: ", what, " ", value, ", at most ", limit, where_from, &
      ": take dt <= ", dt*limit/value, " s"
  end subroutine refuse

  !> Largest c*dt*sqrt(1/dx**2 + 1/dy**2) of the grid, c = sqrt(g D) [1].
  real(real64) function courant_number(config, grid) result(courant)
    type(swe_config_t), intent(in) :: config
    type(swe_grid_t), intent(in) :: grid

    real(wp) :: local
    integer :: j

    local = 0.0_wp
    do j = 1, grid%block%ny
      local = max(local, sqrt(config%parameters%gravity*max(0.0_wp, &
        maxval(grid%depth(1:grid%block%nx, j), mask=grid%cell(1:grid%block%nx, j) &
        /= cell_land)))*norm2([1.0_wp/grid%dx(j), 1.0_wp/grid%dy]))
    end do
    courant = global_maximum(grid%block, local)*real(config%parameters%dt, real64)
  end function courant_number

  !> Largest value of all rows of the grid.
  real(real64) function largest(grid, values)
    type(swe_grid_t), intent(in) :: grid
    real(wp), intent(in) :: values(:) !! of this block's rows

    largest = global_maximum(grid%block, maxval(values))
  end function largest

end module swe_limits
