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
  use swe_blocks, only: halo
  use swe_five_point, only: five_point_t
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_momentum, only: face_momentum_t
  use swe_parameters, only: swe_parameters_t
  implicit none
  private
  public :: assemble, new_elevation, new_transports

contains

  !> Matrix and right-hand side, closed boundaries only.
  subroutine assemble(grid, parameters, zeta, u, v, east, north, matrix, b)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: zeta(1 - halo:, 1 - halo:) !! old elevation [m]
    real(wp), intent(in), contiguous :: u(1 - halo:, 1 - halo:)    !! old transport [m2 s-1]
    real(wp), intent(in), contiguous :: v(1 - halo:, 1 - halo:)    !! old transport [m2 s-1]
    type(face_momentum_t), intent(in) :: east, north
    type(five_point_t), intent(inout) :: matrix
    real(wp), intent(inout), contiguous :: b(1 - halo:, 1 - halo:) !! set [m3]

    integer :: j

    call couplings(grid, parameters, east, north, matrix)
    !$omp parallel do
    do j = 1, grid%block%ny
      call assemble_row(grid, parameters, j, zeta, u, v, east, north, matrix, b)
    end do
  end subroutine assemble

  !> Couplings through the faces of the block.
  subroutine couplings(grid, parameters, east, north, matrix)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(face_momentum_t), intent(in) :: east, north
    type(five_point_t), intent(inout) :: matrix

    real(wp) :: factor, factor_u, factor_v
    integer :: i, j

    factor = (parameters%theta*parameters%dt)**2*parameters%gravity
    !$omp parallel do private(i, factor_u, factor_v)
    do j = 0, grid%block%ny
      factor_u = factor*grid%dy/grid%dx(j)
      factor_v = factor*grid%dx_v(j)/grid%dy
      do i = 0, grid%block%nx
        matrix%east(i, j) = factor_u*east%h(i, j)*east%friction(i, j)
        matrix%north(i, j) = factor_v*north%h(i, j)*north%friction(i, j)
      end do
    end do
  end subroutine couplings

  !> Diagonal and right-hand side of one row of cells.
  subroutine assemble_row(grid, parameters, j, zeta, u, v, east, north, matrix, b)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    integer, intent(in) :: j !! row
    real(wp), intent(in), contiguous :: zeta(1 - halo:, 1 - halo:)
    real(wp), intent(in), contiguous :: u(1 - halo:, 1 - halo:)
    real(wp), intent(in), contiguous :: v(1 - halo:, 1 - halo:)
    type(face_momentum_t), intent(in) :: east, north
    type(five_point_t), intent(inout) :: matrix
    real(wp), intent(inout), contiguous :: b(1 - halo:, 1 - halo:)

    real(wp) :: before, now, outflow
    integer :: i

    before = 1.0_wp - parameters%theta
    now = parameters%theta
    do i = 1, grid%block%nx
      outflow = grid%dy*(before*(u(i, j) - u(i - 1, j)) &
        + now*(east%star(i, j) - east%star(i - 1, j))) &
        + grid%dx_v(j)*(before*v(i, j) + now*north%star(i, j)) &
        - grid%dx_v(j - 1)*(before*v(i, j - 1) + now*north%star(i, j - 1))
      b(i, j) = grid%area(j)*zeta(i, j) - parameters%dt*outflow
      matrix%diagonal(i, j) = grid%area(j) + matrix%east(i, j) + matrix%east(i - 1, j) &
        + matrix%north(i, j) + matrix%north(i, j - 1)
    end do
  end subroutine assemble_row

  !> U(n+1), V(n+1) at the faces of the block, faces 0 included, from the new elevation.
  subroutine new_transports(grid, parameters, z, east, north, u, v)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: z(1 - halo:, 1 - halo:) !! new elevation [m]
    type(face_momentum_t), intent(in) :: east, north
    real(wp), intent(inout), contiguous :: u(1 - halo:, 1 - halo:) !! set [m2 s-1]
    real(wp), intent(inout), contiguous :: v(1 - halo:, 1 - halo:) !! set [m2 s-1]

    real(wp) :: factor
    integer :: i, j

    factor = parameters%theta*parameters%gravity*parameters%dt
    !$omp parallel do private(i)
    do j = 0, grid%block%ny
      if (j > 0) then
        do i = 0, grid%block%nx
          u(i, j) = east%star(i, j) - factor*east%h(i, j)*east%friction(i, j) &
            *(z(i + 1, j) - z(i, j))/grid%dx(j)
        end do
      end if
      do i = 1, grid%block%nx
        v(i, j) = north%star(i, j) - factor*north%h(i, j)*north%friction(i, j) &
          *(z(i, j + 1) - z(i, j))/grid%dy
      end do
    end do
  end subroutine new_transports

  !> zeta(n+1) from the divergence of old and new transports in water, z where it is
  !> prescribed, and how far the solver's z is from it.
  subroutine new_elevation(grid, parameters, u_old, v_old, u, v, z, zeta, solver_error)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: u_old(1 - halo:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in), contiguous :: v_old(1 - halo:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in), contiguous :: u(1 - halo:, 1 - halo:)     !! [m2 s-1]
    real(wp), intent(in), contiguous :: v(1 - halo:, 1 - halo:)     !! [m2 s-1]
    real(wp), intent(in), contiguous :: z(1 - halo:, 1 - halo:)     !! of the solver [m]
    real(wp), intent(inout), contiguous :: zeta(1 - halo:, 1 - halo:) !! advanced [m]
    real(wp), intent(out) :: solver_error !! largest |zeta - z| of this block [m]

    integer :: i, j, k

    solver_error = 0.0_wp
    !$omp parallel do reduction(max: solver_error)
    do j = 1, grid%block%ny
      call new_elevation_row(grid, parameters, j, grid%block%nx, &
        u_old(0:grid%block%nx, j), u(0:grid%block%nx, j), v_old(1:grid%block%nx, j - 1), &
        v(1:grid%block%nx, j - 1), v_old(1:grid%block%nx, j), v(1:grid%block%nx, j), &
        grid%water(1:grid%block%nx, j), z(1:grid%block%nx, j), zeta(1:grid%block%nx, j), &
        solver_error)
    end do
    do k = 1, size(grid%fixed, 2)
      i = grid%fixed(1, k)
      j = grid%fixed(2, k)
      zeta(i, j) = z(i, j)
    end do
  end subroutine new_elevation

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
    do i = 1, n
      zeta(i) = zeta(i) - water(i)*(dy*(old*(u_old(i) - u_old(i - 1)) &
        + new*(u(i) - u(i - 1))) + dx_north*(old*v_north_old(i) + new*v_north(i)) &
        - dx_south*(old*v_south_old(i) + new*v_south(i)))
    end do
    largest = 0.0_wp
    !$omp simd reduction(max: largest)
    do i = 1, n
      largest = max(largest, water(i)*abs(zeta(i) - z(i)))
    end do
    solver_error = max(solver_error, largest)
  end subroutine new_elevation_row

end module swe_elimination
