! SPDX-License-Identifier: MIT
!> Elimination of the new transports: the five-point system for the new elevation, and the
!> way back.
!>
!>     U(n+1)    = U* - theta*g*dt*H*F*d z/dx
!>     zeta(n+1) = zeta(n) - dt/area*[(1 - theta)*Div U(n) + theta*Div U(n+1)]
!>
!> where Div is a cell's net outflow [m3 s-1]. The first equation in the second gives a
!> symmetric system for z; the second, evaluated with the new transports, gives zeta(n+1),
!> which differs from z by the solver's error only, and conserves volume to rounding
!> however loose the solver is.
module swe_elimination
  use swe_blocks, only: halo, lead
  use swe_five_point, only: five_point_t
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_momentum, only: face_momentum_t
  use swe_parameters, only: swe_parameters_t
  use swe_rows, only: is_large, rows_of_thread
  implicit none
  private
  public :: assemble, new_elevation, new_level, new_transports, put_fixed

contains

  !> Matrix and right-hand side, closed boundaries only.
  subroutine assemble(grid, parameters, zeta, u, v, east, north, matrix, b)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: zeta(1 - lead:, 1 - halo:) !! old elevation [m]
    real(wp), intent(in), contiguous :: u(1 - lead:, 1 - halo:)    !! old transport [m2 s-1]
    real(wp), intent(in), contiguous :: v(1 - lead:, 1 - halo:)    !! old transport [m2 s-1]
    type(face_momentum_t), intent(in) :: east, north
    type(five_point_t), intent(inout) :: matrix
    real(wp), intent(inout), contiguous :: b(1 - lead:, 1 - halo:) !! set [m3]

    real(wp) :: factor
    integer :: j, nx

    nx = grid%block%nx
    factor = (parameters%theta*parameters%dt)**2*parameters%gravity
    call couplings_row(nx + 1, factor*grid%dy/grid%dx(0), east%h(0:nx, 0), &
      east%friction(0:nx, 0), matrix%east(0:nx, 0))
    call couplings_row(nx + 1, factor*grid%dx_v(0)/grid%dy, north%h(0:nx, 0), &
      north%friction(0:nx, 0), matrix%north(0:nx, 0))
    !$omp parallel do if (is_large(grid%block))
    do j = 1, grid%block%ny
      call assemble_row(parameters, nx, grid%area(j), grid%dy, grid%dx_v(j), &
        grid%dx_v(j - 1), factor*grid%dy/grid%dx(j), factor*grid%dx_v(j)/grid%dy, &
        factor*grid%dx_v(j - 1)/grid%dy, zeta(1:nx, j), u(0:nx, j), east%star(0:nx, j), &
        v(1:nx, j - 1), north%star(1:nx, j - 1), v(0:nx, j), north%star(0:nx, j), &
        east%h(0:nx, j), east%friction(0:nx, j), north%h(1:nx, j - 1), &
        north%friction(1:nx, j - 1), north%h(0:nx, j), north%friction(0:nx, j), &
        matrix%east(0:nx, j), matrix%north(0:nx, j), matrix%diagonal(1:nx, j), b(1:nx, j))
    end do
  end subroutine assemble

  !> Couplings through a row of faces.
  pure subroutine couplings_row(n, factor, h, friction, couplings)
    integer, intent(in) :: n             !! faces
    real(wp), intent(in) :: factor       !! [m]
    real(wp), intent(in) :: h(n)         !! water depth [m]
    real(wp), intent(in) :: friction(n)  !! F [1]
    real(wp), intent(inout) :: couplings(n) !! set [m2]

    integer :: i

    do i = 1, n
      couplings(i) = factor*(h(i)*friction(i))
    end do
  end subroutine couplings_row

  !> Matrix and right-hand side of one row of cells. Couplings are made again where a cell
  !> needs those of its neighbours: loads and stores are dearer than products.
  pure subroutine assemble_row(parameters, n, area, dy, dx_north, dx_south, factor_east, &
    factor_north, factor_south, zeta, u, u_star, v_south, v_star_south, v, v_star, h_u, &
    friction_u, h_south, friction_south, h_v, friction_v, east, north, diagonal, b)
    type(swe_parameters_t), intent(in) :: parameters
    integer, intent(in) :: n                         !! cells
    real(wp), intent(in) :: area                     !! of a cell [m2]
    real(wp), intent(in) :: dy, dx_north, dx_south   !! lengths of its faces [m]
    real(wp), intent(in) :: factor_east, factor_north, factor_south !! of couplings [m]
    real(wp), intent(in) :: zeta(n)                  !! old elevation [m]
    real(wp), intent(in) :: u(0:n), u_star(0:n)      !! old, provisional [m2 s-1]
    real(wp), intent(in) :: v_south(n), v_star_south(n)
    real(wp), intent(in) :: v(0:n), v_star(0:n)
    real(wp), intent(in) :: h_u(0:n), friction_u(0:n) !! H [m] and F [1]
    real(wp), intent(in) :: h_south(n), friction_south(n)
    real(wp), intent(in) :: h_v(0:n), friction_v(0:n)
    real(wp), intent(inout) :: east(0:n), north(0:n) !! couplings, set [m2]
    real(wp), intent(inout) :: diagonal(n)           !! set [m2]
    real(wp), intent(inout) :: b(n)                  !! set [m3]

    real(wp) :: before, now, outflow, to_east, to_north
    integer :: i

    before = parameters%dt*(1.0_wp - parameters%theta)
    now = parameters%dt*parameters%theta
    east(0) = factor_east*(h_u(0)*friction_u(0))
    north(0) = factor_north*(h_v(0)*friction_v(0))
    do i = 1, n
      to_east = factor_east*(h_u(i)*friction_u(i))
      to_north = factor_north*(h_v(i)*friction_v(i))
      outflow = dy*(before*(u(i) - u(i - 1)) + now*(u_star(i) - u_star(i - 1))) &
        + dx_north*(before*v(i) + now*v_star(i)) &
        - dx_south*(before*v_south(i) + now*v_star_south(i))
      b(i) = area*zeta(i) - outflow
      diagonal(i) = area + (to_east + factor_east*(h_u(i - 1)*friction_u(i - 1))) &
        + (to_north + factor_south*(h_south(i)*friction_south(i)))
      east(i) = to_east
      north(i) = to_north
    end do
  end subroutine assemble_row

  !> The new level where nothing limits the new transports: `new_transports` and
  !> `new_elevation` row by row.
  subroutine new_level(grid, parameters, u_old, v_old, z, east, north, u, v, zeta, &
    solver_error)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: u_old(1 - lead:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in), contiguous :: v_old(1 - lead:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in), contiguous :: z(1 - lead:, 1 - halo:) !! of the solver [m]
    type(face_momentum_t), intent(in) :: east, north
    real(wp), intent(inout), contiguous :: u(1 - lead:, 1 - halo:) !! set [m2 s-1]
    real(wp), intent(inout), contiguous :: v(1 - lead:, 1 - halo:) !! set [m2 s-1]
    real(wp), intent(inout), contiguous :: zeta(1 - lead:, 1 - halo:) !! advanced [m]
    real(wp), intent(out) :: solver_error !! largest |zeta - z| of this block [m]

    real(wp) :: south(grid%block%nx)
    integer :: first, j, last, nx

    nx = grid%block%nx
    solver_error = 0.0_wp
    !$omp parallel private(first, j, last, south) reduction(max: solver_error) &
    !$omp& if (is_large(grid%block))
    call rows_of_thread(grid%block%ny, first, last)
    if (first <= last) call new_v_row(grid, parameters, first - 1, z, north, south)
    if (first == 1 .and. first <= last) v(1:nx, 0) = south
    do j = first, last
      call new_u_row(grid, parameters, j, z, east, u(0:nx, j))
      call new_v_row(grid, parameters, j, z, north, v(1:nx, j))
      call new_elevation_row(grid, parameters, j, nx, u_old(0:nx, j), u(0:nx, j), &
        v_old(1:nx, j - 1), south, v_old(1:nx, j), v(1:nx, j), grid%water(1:nx, j), &
        z(1:nx, j), zeta(1:nx, j), solver_error)
      south = v(1:nx, j)
    end do
    !$omp end parallel
    call put_fixed(grid, z, zeta)
  end subroutine new_level

  !> U(n+1), V(n+1) at the faces of the block, faces 0 included, from the new elevation.
  subroutine new_transports(grid, parameters, z, east, north, u, v)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: z(1 - lead:, 1 - halo:) !! new elevation [m]
    type(face_momentum_t), intent(in) :: east, north
    real(wp), intent(inout), contiguous :: u(1 - lead:, 1 - halo:) !! set [m2 s-1]
    real(wp), intent(inout), contiguous :: v(1 - lead:, 1 - halo:) !! set [m2 s-1]

    integer :: j, nx

    nx = grid%block%nx
    !$omp parallel do if (is_large(grid%block))
    do j = 0, grid%block%ny
      if (j > 0) call new_u_row(grid, parameters, j, z, east, u(0:nx, j))
      call new_v_row(grid, parameters, j, z, north, v(1:nx, j))
    end do
  end subroutine new_transports

  !> U(n+1) in row j.
  subroutine new_u_row(grid, parameters, j, z, east, u)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    integer, intent(in) :: j !! row
    real(wp), intent(in), contiguous :: z(1 - lead:, 1 - halo:) !! new elevation [m]
    type(face_momentum_t), intent(in) :: east
    real(wp), intent(inout) :: u(0:grid%block%nx)               !! set [m2 s-1]

    integer :: n

    n = grid%block%nx
    call driven_row(n + 1, parameters%theta*parameters%gravity*parameters%dt/grid%dx(j), &
      east%star(0:n, j), east%h(0:n, j), east%friction(0:n, j), z(0:n, j), z(1:n + 1, j), u)
  end subroutine new_u_row

  !> V(n+1) in row j.
  subroutine new_v_row(grid, parameters, j, z, north, v)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    integer, intent(in) :: j !! row
    real(wp), intent(in), contiguous :: z(1 - lead:, 1 - halo:) !! new elevation [m]
    type(face_momentum_t), intent(in) :: north
    real(wp), intent(inout) :: v(grid%block%nx)                 !! set [m2 s-1]

    integer :: n

    n = grid%block%nx
    call driven_row(n, parameters%theta*parameters%gravity*parameters%dt/grid%dy, &
      north%star(1:n, j), north%h(1:n, j), north%friction(1:n, j), z(1:n, j), &
      z(1:n, j + 1), v)
  end subroutine new_v_row

  !> U* and what the new elevation drives, in one row of faces.
  pure subroutine driven_row(n, factor, star, h, friction, z, z_next, transport)
    integer, intent(in) :: n                !! faces
    real(wp), intent(in) :: factor          !! theta*g*dt over the distance of centres [s-1]
    real(wp), intent(in) :: star(n)         !! provisional transport [m2 s-1]
    real(wp), intent(in) :: h(n)            !! water depth [m]
    real(wp), intent(in) :: friction(n)     !! F [1]
    real(wp), intent(in) :: z(n), z_next(n) !! new elevation on both sides [m]
    real(wp), intent(inout) :: transport(n) !! set [m2 s-1]

    integer :: i

    do i = 1, n
      transport(i) = star(i) - factor*h(i)*friction(i)*(z_next(i) - z(i))
    end do
  end subroutine driven_row

  !> zeta(n+1) from the divergence of old and new transports in water, z where it is
  !> prescribed, and how far the solver's z is from it.
  subroutine new_elevation(grid, parameters, u_old, v_old, u, v, z, zeta, solver_error)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: u_old(1 - lead:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in), contiguous :: v_old(1 - lead:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in), contiguous :: u(1 - lead:, 1 - halo:)     !! [m2 s-1]
    real(wp), intent(in), contiguous :: v(1 - lead:, 1 - halo:)     !! [m2 s-1]
    real(wp), intent(in), contiguous :: z(1 - lead:, 1 - halo:)     !! of the solver [m]
    real(wp), intent(inout), contiguous :: zeta(1 - lead:, 1 - halo:) !! advanced [m]
    real(wp), intent(out) :: solver_error !! largest |zeta - z| of this block [m]

    integer :: j

    solver_error = 0.0_wp
    !$omp parallel do reduction(max: solver_error) if (is_large(grid%block))
    do j = 1, grid%block%ny
      call new_elevation_row(grid, parameters, j, grid%block%nx, &
        u_old(0:grid%block%nx, j), u(0:grid%block%nx, j), v_old(1:grid%block%nx, j - 1), &
        v(1:grid%block%nx, j - 1), v_old(1:grid%block%nx, j), v(1:grid%block%nx, j), &
        grid%water(1:grid%block%nx, j), z(1:grid%block%nx, j), zeta(1:grid%block%nx, j), &
        solver_error)
    end do
    call put_fixed(grid, z, zeta)
  end subroutine new_elevation

  !> Prescribed elevations are those of the solver.
  pure subroutine put_fixed(grid, z, zeta)
    type(swe_grid_t), intent(in) :: grid
    real(wp), intent(in), contiguous :: z(1 - lead:, 1 - halo:)       !! [m]
    real(wp), intent(inout), contiguous :: zeta(1 - lead:, 1 - halo:) !! set there [m]

    integer :: k

    do k = 1, size(grid%fixed, 2)
      associate (i => grid%fixed(1, k), j => grid%fixed(2, k))
        zeta(i, j) = z(i, j)
      end associate
    end do
  end subroutine put_fixed

  !> The same for one row of cells.
  pure subroutine new_elevation_row(grid, parameters, j, n, u_old, u, v_south_old, &
    v_south, v_north_old, v_north, water, z, zeta, solver_error)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    integer, intent(in) :: j                      !! row
    integer, intent(in) :: n                      !! its cells
    real(wp), intent(in) :: u_old(0:n), u(0:n)    !! [m2 s-1]
    real(wp), intent(in) :: v_south_old(n), v_south(n) !! [m2 s-1]
    real(wp), intent(in) :: v_north_old(n), v_north(n) !! [m2 s-1]
    real(wp), intent(in) :: water(n)              !! 1 where the elevation follows
    real(wp), intent(in) :: z(n)                  !! of the solver [m]
    real(wp), intent(inout) :: zeta(n)            !! advanced [m]
    real(wp), intent(inout) :: solver_error       !! largest |zeta - z| so far [m]

    real(wp) :: dx_north, dx_south, dy, largest, new, old
    integer :: i

    old = parameters%dt/grid%area(j)*(1.0_wp - parameters%theta)
    new = parameters%dt/grid%area(j)*parameters%theta
    dy = grid%dy
    dx_north = grid%dx_v(j)
    dx_south = grid%dx_v(j - 1)
    largest = 0.0_wp
    !$omp simd reduction(max: largest)
    do i = 1, n
      zeta(i) = zeta(i) - water(i)*(dy*(old*(u_old(i) - u_old(i - 1)) &
        + new*(u(i) - u(i - 1))) + dx_north*(old*v_north_old(i) + new*v_north(i)) &
        - dx_south*(old*v_south_old(i) + new*v_south(i)))
      largest = max(largest, water(i)*abs(zeta(i) - z(i)))
    end do
    solver_error = max(solver_error, largest)
  end subroutine new_elevation_row

end module swe_elimination
