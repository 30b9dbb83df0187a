! SPDX-License-Identifier: MIT
!> Advection of momentum, in flux form for the transports.
!>
!>     X = -d(U u)/dx - d(V u)/dy         Y = -d(U v)/dx - d(V v)/dy
!>
!> The volume flux through an edge of a face's control volume is the mean of the two
!> transports beside it, the velocity it carries comes from upstream (Stelling and
!> Duinmeijer 2003, International Journal for Numerical Methods in Fluids 43, 1329-1354):
!> momentum is conserved, so bores run at the right speed. First order takes the velocity of
!> the upstream face; second order adds half the limited difference to the next one (van
!> Leer 1974), less the share that passes during the step, so that it is second order in
!> time too and makes no new extremes. The limit is |u|*dt/dx + |v|*dt/dy <= 1.
!>
!> In water thinner than `thin_depth`, and beside cells of prescribed elevation, momentum is
!> not advected: the velocity there is no more than a quotient of small numbers, or unknown.
!> The turning of the directions on a sphere, U*v*tan(latitude)/radius, is left out: it is
!> less than 1 % of the Coriolis force up to 5 m/s at 60 degrees.
module swe_advection
  use swe_blocks, only: halo
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_momentum, only: face_momentum_t
  use swe_parameters, only: advection_limited, swe_parameters_t
  use swe_state, only: swe_state_t
  implicit none
  private
  public :: add_advection

contains

  !> Add the convergence of momentum fluxes to X and Y at the block's faces.
  subroutine add_advection(grid, parameters, state, east, north)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_state_t), intent(in) :: state
    type(face_momentum_t), intent(inout) :: east, north
      !! `velocity` with filled halos is used, `extra` is changed

    integer :: j

    !$omp parallel do
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

    real(wp), dimension(0:grid%block%nx) :: along, northward, southward
    integer :: i, nx

    nx = grid%block%nx
    associate (u => east%velocity, h => east%h)
      call fluxes(parameters, grid%dx(j), nx + 1, &
        0.5_wp*(state%u(0:nx, j) + state%u(1:nx + 1, j)), h(0:nx, j), h(1:nx + 1, j), &
        u(-1:nx - 1, j), u(0:nx, j), u(1:nx + 1, j), u(2:nx + 2, j), .false., along)
      call fluxes(parameters, grid%dy, nx, &
        0.5_wp*(state%v(1:nx, j) + state%v(2:nx + 1, j)), h(1:nx, j), h(1:nx, j + 1), &
        u(1:nx, j - 1), u(1:nx, j), u(1:nx, j + 1), u(1:nx, j + 2), .true., northward(1:))
      call fluxes(parameters, grid%dy, nx, &
        0.5_wp*(state%v(1:nx, j - 1) + state%v(2:nx + 1, j - 1)), h(1:nx, j - 1), &
        h(1:nx, j), u(1:nx, j - 2), u(1:nx, j - 1), u(1:nx, j), u(1:nx, j + 1), .true., &
        southward(1:))
    end associate
    do i = 1, nx
      east%extra(i, j) = east%extra(i, j) - merge(((along(i) - along(i - 1))*grid%dy &
        + northward(i)*grid%dx_v(j) - southward(i)*grid%dx_v(j - 1))/grid%area(j), 0.0_wp, &
        is_deep(grid, parameters, state%zeta, i, j) .and. &
        is_deep(grid, parameters, state%zeta, i + 1, j))
    end do
  end subroutine advect_east_row

  !> Northward momentum of the north faces of row j.
  subroutine advect_north_row(grid, parameters, j, state, north)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    integer, intent(in) :: j
    type(swe_state_t), intent(in) :: state
    type(face_momentum_t), intent(inout) :: north

    real(wp), dimension(0:grid%block%nx) :: across, northward, southward
    integer :: i, nx

    nx = grid%block%nx
    associate (v => north%velocity, h => north%h, dx_v => grid%dx_v)
      call fluxes(parameters, dx_v(j), nx + 1, &
        0.5_wp*(state%u(0:nx, j) + state%u(0:nx, j + 1)), h(0:nx, j), h(1:nx + 1, j), &
        v(-1:nx - 1, j), v(0:nx, j), v(1:nx + 1, j), v(2:nx + 2, j), .true., across)
      call fluxes(parameters, grid%dy, nx, &
        0.5_wp*(dx_v(j)*state%v(1:nx, j) + dx_v(j + 1)*state%v(1:nx, j + 1)), &
        dx_v(j)*h(1:nx, j), dx_v(j + 1)*h(1:nx, j + 1), v(1:nx, j - 1), v(1:nx, j), &
        v(1:nx, j + 1), v(1:nx, j + 2), .false., northward(1:))
      call fluxes(parameters, grid%dy, nx, &
        0.5_wp*(dx_v(j - 1)*state%v(1:nx, j - 1) + dx_v(j)*state%v(1:nx, j)), &
        dx_v(j - 1)*h(1:nx, j - 1), dx_v(j)*h(1:nx, j), v(1:nx, j - 2), v(1:nx, j - 1), &
        v(1:nx, j), v(1:nx, j + 1), .false., southward(1:))
      do i = 1, nx
        north%extra(i, j) = north%extra(i, j) - merge(((across(i) - across(i - 1)) &
          *grid%dy + northward(i) - southward(i))/(dx_v(j)*grid%dy), 0.0_wp, &
          is_deep(grid, parameters, state%zeta, i, j) .and. &
          is_deep(grid, parameters, state%zeta, i, j + 1))
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

  !> Whether momentum is advected through a cell.
  pure logical function is_deep(grid, parameters, zeta, i, j)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: zeta(1 - halo:, 1 - halo:) !! [m]
    integer, intent(in) :: i, j

    is_deep = grid%water(i, j) > 0.0_wp .and. &
      grid%depth(i, j) + zeta(i, j) > parameters%thin_depth
  end function is_deep

end module swe_advection
