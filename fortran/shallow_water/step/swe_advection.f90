! SPDX-License-Identifier: MIT
!> Advection of momentum, after Stelling and Duinmeijer (2003, International Journal for
!> Numerical Methods in Fluids 43, 1329-1354).
!>
!>     u_t + ... = -(d(q_x u)/dx + d(q_y u)/dy - u*(d q_x/dx + d q_y/dy))/Hm,   X = H*u_t
!>
!> and alike for v. The volume flux q through an edge of a face's control volume is the mean
!> of the two transports beside it, the velocity it carries comes from upstream, Hm is the
!> mean depth of the two cells: so Hm*u is conserved, and bores run at the right speed. The
!> step keeps Hm at the old level in the pressure; what the old slope misses by that where
!> water rises, -(1 - theta)*g*dt*d zeta/dx*(d q_x/dx + d q_y/dy)/Hm, is added: without it
!> the bore of a dam break is off by a share that does not fall with the cells.
!>
!> First order takes the velocity of the upstream face; second order adds half the limited
!> difference to the next one (van Leer 1974), less the share that passes during the step,
!> so that it is second order in time too. The limit is |u|*dt/dx + |v|*dt/dy <= 1; the
!> second order needs theta >= 0.6.
!>
!> A velocity carried on needs the depth of its own level: `swe_step` gives the new
!> transports the new depth. A transport kept as it is would make the flow unstable where it
!> is faster than its waves (von Neumann's analysis: growth up to 1.3 per step; none with
!> the upstream depth and the velocity kept).
!>
!> Where the mean depth is below `thin_depth`, and beside prescribed elevation, momentum is
!> not advected: the velocity there is a quotient of small numbers, or unknown. The turning
!> of the directions on a sphere, U*v*tan(latitude)/radius, is left out: it is less than 1 %
!> of the Coriolis force up to 5 m/s at 60 degrees.
module swe_advection
  use swe_blocks, only: halo, lead
  use swe_faces, only: slope_row
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_momentum, only: face_momentum_t
  use swe_parameters, only: advection_limited, swe_parameters_t
  use swe_rows, only: is_large
  use swe_state, only: swe_state_t
  implicit none
  private
  public :: add_advection, limited

contains

  !> Add the convergence of momentum fluxes to X and Y at the block's faces.
  subroutine add_advection(grid, parameters, state, east, north)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_state_t), intent(in) :: state
    type(face_momentum_t), intent(inout) :: east, north
      !! `velocity` with filled halos is used, `extra` is changed

    integer :: j

    !$omp parallel do if (is_large(grid%block))
    do j = 1, grid%block%ny
      call advect_east_row(grid, parameters, j, state, east)
      call advect_north_row(grid, parameters, j, state, north)
    end do
  end subroutine add_advection

  !> Eastward momentum of the faces of row j.
  subroutine advect_east_row(grid, parameters, j, state, east)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    integer, intent(in) :: j
    type(swe_state_t), intent(in) :: state
    type(face_momentum_t), intent(inout) :: east

    real(wp), dimension(0:grid%block%nx) :: along, northward, slope, southward
    real(wp), dimension(0:grid%block%nx) :: q, q_north, q_south
    real(wp) :: change, lag
    integer :: i, nx

    nx = grid%block%nx
    lag = depth_lag(parameters)
    q = 0.5_wp*(state%u(0:nx, j) + state%u(1:nx + 1, j))
    q_north(1:) = 0.5_wp*(state%v(1:nx, j) + state%v(2:nx + 1, j))
    q_south(1:) = 0.5_wp*(state%v(1:nx, j - 1) + state%v(2:nx + 1, j - 1))
    call slope_row(nx, state%zeta(1:nx, j), state%zeta(2:nx + 1, j), &
      grid%open_u(1:nx, j), grid%dx(j), east%h(1:nx, j), slope(1:))
    associate (u => east%velocity, h => east%h)
      call fluxes(parameters, grid%dx(j), nx + 1, q, h(0:nx, j), h(1:nx + 1, j), &
        u(-1:nx - 1, j), u(0:nx, j), u(1:nx + 1, j), u(2:nx + 2, j), .false., along)
      call fluxes(parameters, grid%dy, nx, q_north(1:), h(1:nx, j), h(1:nx, j + 1), &
        u(1:nx, j - 1), u(1:nx, j), u(1:nx, j + 1), u(1:nx, j + 2), .true., northward(1:))
      call fluxes(parameters, grid%dy, nx, q_south(1:), h(1:nx, j - 1), h(1:nx, j), &
        u(1:nx, j - 2), u(1:nx, j - 1), u(1:nx, j), u(1:nx, j + 1), .true., southward(1:))
      do i = 1, nx
        change = (along(i) - along(i - 1) - u(i, j)*(q(i) - q(i - 1)))*grid%dy &
          + (northward(i) - u(i, j)*q_north(i))*grid%dx_v(j) &
          - (southward(i) - u(i, j)*q_south(i))*grid%dx_v(j - 1) &
          + lag*grid%area(j)*slope(i)*min(0.0_wp, divergence(grid, state, i, j) &
          + divergence(grid, state, i + 1, j))
        east%extra(i, j) = east%extra(i, j) - change/grid%area(j)*h(i, j) &
          *per_depth(grid, parameters, state%zeta, i, j, i + 1, j)
      end do
    end associate
  end subroutine advect_east_row

  !> Northward momentum of the north faces of row j.
  subroutine advect_north_row(grid, parameters, j, state, north)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    integer, intent(in) :: j
    type(swe_state_t), intent(in) :: state
    type(face_momentum_t), intent(inout) :: north

    real(wp), dimension(0:grid%block%nx) :: across, northward, slope, southward
    real(wp), dimension(0:grid%block%nx) :: q, q_north, q_south
    real(wp) :: change, lag
    integer :: i, nx

    nx = grid%block%nx
    lag = depth_lag(parameters)
    call slope_row(nx, state%zeta(1:nx, j), state%zeta(1:nx, j + 1), &
      grid%open_v(1:nx, j), grid%dy, north%h(1:nx, j), slope(1:))
    associate (v => north%velocity, h => north%h, dx => grid%dx, dx_v => grid%dx_v)
      q = 0.5_wp*(state%u(0:nx, j) + state%u(0:nx, j + 1))
      q_north(1:) = 0.5_wp*(dx_v(j)*state%v(1:nx, j) + dx_v(j + 1)*state%v(1:nx, j + 1)) &
        /dx(j + 1)
      q_south(1:) = 0.5_wp*(dx_v(j - 1)*state%v(1:nx, j - 1) + dx_v(j)*state%v(1:nx, j)) &
        /dx(j)
      call fluxes(parameters, dx_v(j), nx + 1, q, h(0:nx, j), h(1:nx + 1, j), &
        v(-1:nx - 1, j), v(0:nx, j), v(1:nx + 1, j), v(2:nx + 2, j), .true., across)
      call fluxes(parameters, grid%dy, nx, q_north(1:), h(1:nx, j), h(1:nx, j + 1), &
        v(1:nx, j - 1), v(1:nx, j), v(1:nx, j + 1), v(1:nx, j + 2), .false., northward(1:))
      call fluxes(parameters, grid%dy, nx, q_south(1:), h(1:nx, j - 1), h(1:nx, j), &
        v(1:nx, j - 2), v(1:nx, j - 1), v(1:nx, j), v(1:nx, j + 1), .false., southward(1:))
      do i = 1, nx
        change = (across(i) - across(i - 1) - v(i, j)*(q(i) - q(i - 1)))*grid%dy &
          + (northward(i) - v(i, j)*q_north(i))*dx(j + 1) &
          - (southward(i) - v(i, j)*q_south(i))*dx(j) &
          + lag*dx_v(j)*grid%dy*slope(i)*min(0.0_wp, divergence(grid, state, i, &
          j) + divergence(grid, state, i, j + 1))
        north%extra(i, j) = north%extra(i, j) - change/(dx_v(j)*grid%dy)*h(i, j) &
          *per_depth(grid, parameters, state%zeta, i, j, i, j + 1)
      end do
    end associate
  end subroutine advect_north_row

  !> Fluxes of momentum from the faces on one side (left) to those on the other.
  pure subroutine fluxes(parameters, distance, n, q, h_left, h_right, far_left, left, &
    right, far_right, slips, flux)
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in) :: distance     !! of the faces [m]
    integer, intent(in) :: n             !! fluxes
    real(wp), intent(in) :: q(n)         !! volume flux from left to right [m2 s-1]
    real(wp), intent(in) :: h_left(n)    !! depth at the left faces [m]
    real(wp), intent(in) :: h_right(n)   !! at the right ones [m]
    real(wp), intent(in) :: far_left(n)  !! velocities [m s-1]
    real(wp), intent(in) :: left(n)
    real(wp), intent(in) :: right(n)
    real(wp), intent(in) :: far_right(n)
    logical, intent(in) :: slips         !! where no water is, the neighbour counts
    real(wp), intent(inout) :: flux(n)   !! set [m3 s-2]

    real(wp) :: a, b, behind, share
    integer :: i

    do i = 1, n
      a = merge(right(i), left(i), slips .and. .not. h_left(i) > 0.0_wp)
      b = merge(left(i), right(i), slips .and. .not. h_right(i) > 0.0_wp)
      flux(i) = q(i)*merge(a, b, q(i) > 0.0_wp)
    end do
    if (parameters%advection /= advection_limited) return
    do i = 1, n
      a = merge(right(i), left(i), slips .and. .not. h_left(i) > 0.0_wp)
      b = merge(left(i), right(i), slips .and. .not. h_right(i) > 0.0_wp)
      behind = merge(a - far_left(i), far_right(i) - b, q(i) > 0.0_wp)
      share = min(1.0_wp, 2.0_wp*parameters%dt*abs(q(i)) &
        /(distance*max(h_left(i) + h_right(i), parameters%min_depth)))
      flux(i) = flux(i) + 0.5_wp*(1.0_wp - share)*abs(q(i))*limited(behind, b - a)
    end do
  end subroutine fluxes

  !> The harmonic mean of two differences of one sign, else 0 (van Leer).
  elemental real(wp) function limited(one, other)
    real(wp), intent(in) :: one, other

    real(wp) :: product

    product = one*other
    limited = merge(2.0_wp*product/merge(one + other, 1.0_wp, product > 0.0_wp), 0.0_wp, &
      product > 0.0_wp)
  end function limited

  !> (1 - theta)*g*dt/2: see the head of this module.
  pure real(wp) function depth_lag(parameters)
    type(swe_parameters_t), intent(in) :: parameters

    depth_lag = 0.5_wp*(1.0_wp - parameters%theta)*parameters%gravity*parameters%dt
  end function depth_lag

  !> Net outflow of a cell over its area [m s-1].
  pure real(wp) function divergence(grid, state, i, j)
    type(swe_grid_t), intent(in) :: grid
    type(swe_state_t), intent(in) :: state
    integer, intent(in) :: i, j

    divergence = (grid%dy*(state%u(i, j) - state%u(i - 1, j)) + grid%dx_v(j)*state%v(i, j) &
      - grid%dx_v(j - 1)*state%v(i, j - 1))/grid%area(j)
  end function divergence

  !> 1/the mean depth of two cells [m-1]; 0 where momentum is not advected between them.
  pure real(wp) function per_depth(grid, parameters, zeta, i, j, i_next, j_next)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: zeta(1 - lead:, 1 - halo:) !! [m]
    integer, intent(in) :: i, j, i_next, j_next

    real(wp) :: one, other

    one = grid%depth(i, j) + zeta(i, j)
    other = grid%depth(i_next, j_next) + zeta(i_next, j_next)
    per_depth = merge(2.0_wp/max(one + other, parameters%min_depth), 0.0_wp, &
      0.5_wp*(one + other) > parameters%thin_depth .and. &
      grid%water(i, j)*grid%water(i_next, j_next) > 0.0_wp)
  end function per_depth

end module swe_advection
