! SPDX-License-Identifier: MIT
!> Tangent-linear and adjoint of swe_elimination, through the linear solve.
!>
!> The step solves A z = b, where A and b come from the flux balance of a cell. Its change
!> at a fixed z is
!>
!>     r = area*d zeta(n) - dt*[(1 - theta)*Div dU(n) + theta*Div dW]
!>     dW = dU* - theta*g*dt*(F*dH + H*dF)*d z/dx
!>
!> and A dz = r, dU(n+1) = dW - theta*g*dt*H*F*d(dz)/dx: r is b_tl - A_tl z without forming
!> A_tl. The adjoint solves A lambda = z_ad once, with the same A, which is symmetric. No
!> iteration is unrolled; the derivative is that of the exact solution.
module swe_elimination_linearised
  use swe_blocks, only: halo, lead
  use swe_grid, only: cell_water, swe_grid_t
  use swe_kinds, only: wp
  use swe_momentum, only: face_momentum_t
  use swe_momentum_linearised, only: face_changes_t
  use swe_parameters, only: swe_parameters_t
  implicit none
  private
  public :: driven_transports_ad, driven_transports_tl
  public :: flux_balance_ad, flux_balance_tl
  public :: new_elevation_ad, new_elevation_tl
  public :: new_transports_ad, new_transports_tl

contains

  !> From the change of U* to the change W of U(n+1) at a fixed new elevation.
  subroutine driven_transports_tl(grid, parameters, z, east, north, east_tl, north_tl)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: z(1 - lead:, 1 - halo:) !! new elevation [m]
    type(face_momentum_t), intent(in) :: east, north            !! of the step
    type(face_changes_t), intent(inout) :: east_tl, north_tl    !! `star` becomes W

    real(wp) :: factor
    integer :: i, j

    factor = parameters%theta*parameters%gravity*parameters%dt
    !$omp parallel do private(i)
    do j = 0, grid%block%ny
      do i = merge(0, grid%block%nx + 1, j > 0), grid%block%nx
        east_tl%star(i, j) = east_tl%star(i, j) - factor*(east_tl%h(i, j) &
          *east%friction(i, j) + east%h(i, j)*east_tl%friction(i, j)) &
          *(z(i + 1, j) - z(i, j))/grid%dx(j)
      end do
      do i = 1, grid%block%nx
        north_tl%star(i, j) = north_tl%star(i, j) - factor*(north_tl%h(i, j) &
          *north%friction(i, j) + north%h(i, j)*north_tl%friction(i, j)) &
          *(z(i, j + 1) - z(i, j))/grid%dy
      end do
    end do
  end subroutine driven_transports_tl

  !> Transpose of `driven_transports_tl`: `star` holds the sensitivity to W, and is that to
  !> U* too.
  subroutine driven_transports_ad(grid, parameters, z, east, north, east_ad, north_ad)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: z(1 - lead:, 1 - halo:) !! new elevation [m]
    type(face_momentum_t), intent(in) :: east, north            !! of the step
    type(face_changes_t), intent(inout) :: east_ad, north_ad
      !! `h` is added to, `friction` is set

    real(wp) :: driven, factor
    integer :: i, j

    factor = parameters%theta*parameters%gravity*parameters%dt
    !$omp parallel do private(i, driven)
    do j = 0, grid%block%ny
      do i = merge(0, grid%block%nx + 1, j > 0), grid%block%nx
        driven = -factor*(z(i + 1, j) - z(i, j))/grid%dx(j)*east_ad%star(i, j)
        east_ad%h(i, j) = east_ad%h(i, j) + east%friction(i, j)*driven
        east_ad%friction(i, j) = east%h(i, j)*driven
      end do
      do i = 1, grid%block%nx
        driven = -factor*(z(i, j + 1) - z(i, j))/grid%dy*north_ad%star(i, j)
        north_ad%h(i, j) = north_ad%h(i, j) + north%friction(i, j)*driven
        north_ad%friction(i, j) = north%h(i, j)*driven
      end do
    end do
  end subroutine driven_transports_ad

  !> Change of the water cells' flux balance at a fixed new elevation.
  subroutine flux_balance_tl(grid, parameters, zeta_tl, u_tl, v_tl, w_u, w_v, r)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: zeta_tl(1 - lead:, 1 - halo:) !! old level [m]
    real(wp), intent(in), contiguous :: u_tl(1 - lead:, 1 - halo:)    !! old [m2 s-1]
    real(wp), intent(in), contiguous :: v_tl(1 - lead:, 1 - halo:)    !! old [m2 s-1]
    real(wp), intent(in), contiguous :: w_u(1 - lead:, 1 - halo:)     !! W, east [m2 s-1]
    real(wp), intent(in), contiguous :: w_v(1 - lead:, 1 - halo:)     !! W, north [m2 s-1]
    real(wp), intent(inout), contiguous :: r(1 - lead:, 1 - halo:)    !! set [m3]

    integer :: i, j

    !$omp parallel do private(i)
    do j = 1, grid%block%ny
      do i = 1, grid%block%nx
        r(i, j) = merge(grid%area(j)*zeta_tl(i, j) - parameters%dt &
          *mean_outflow(grid, parameters%theta, u_tl, v_tl, w_u, w_v, i, j), 0.0_wp, &
          grid%cell(i, j) == cell_water)
      end do
    end do
  end subroutine flux_balance_tl

  !> Transpose of `flux_balance_tl`.
  subroutine flux_balance_ad(grid, parameters, r_ad, work, zeta_ad, u_ad, v_ad, w_u_ad, &
    w_v_ad)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: r_ad(1 - lead:, 1 - halo:) !! sensitivity to r
    real(wp), intent(inout), contiguous :: work(1 - lead:, 1 - halo:) !! zero in the halo
    real(wp), intent(inout), contiguous :: zeta_ad(1 - lead:, 1 - halo:) !! added to
    real(wp), intent(inout), contiguous :: u_ad(1 - lead:, 1 - halo:)    !! added to
    real(wp), intent(inout), contiguous :: v_ad(1 - lead:, 1 - halo:)    !! added to
    real(wp), intent(inout), contiguous :: w_u_ad(1 - lead:, 1 - halo:)  !! added to
    real(wp), intent(inout), contiguous :: w_v_ad(1 - lead:, 1 - halo:)  !! added to

    integer :: i, j

    !$omp parallel do private(i)
    do j = 1, grid%block%ny
      do i = 1, grid%block%nx
        work(i, j) = merge(-parameters%dt*r_ad(i, j), 0.0_wp, &
          grid%cell(i, j) == cell_water)
        zeta_ad(i, j) = zeta_ad(i, j) + merge(grid%area(j)*r_ad(i, j), 0.0_wp, &
          grid%cell(i, j) == cell_water)
      end do
    end do
    call mean_outflow_ad(grid, parameters%theta, work, u_ad, v_ad, w_u_ad, w_v_ad)
  end subroutine flux_balance_ad

  !> Change of U(n+1), V(n+1) from W and the change of the new elevation.
  subroutine new_transports_tl(grid, parameters, z_tl, east, north, east_tl, north_tl, &
    u_tl, v_tl)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: z_tl(1 - lead:, 1 - halo:)    !! [m]
    type(face_momentum_t), intent(in) :: east, north                  !! of the step
    type(face_changes_t), intent(in) :: east_tl, north_tl             !! W in `star`
    real(wp), intent(inout), contiguous :: u_tl(1 - lead:, 1 - halo:) !! set [m2 s-1]
    real(wp), intent(inout), contiguous :: v_tl(1 - lead:, 1 - halo:) !! set [m2 s-1]

    real(wp) :: factor
    integer :: i, j

    factor = parameters%theta*parameters%gravity*parameters%dt
    !$omp parallel do private(i)
    do j = 0, grid%block%ny
      do i = merge(0, grid%block%nx + 1, j > 0), grid%block%nx
        u_tl(i, j) = east_tl%star(i, j) - factor*east%h(i, j)*east%friction(i, j) &
          *(z_tl(i + 1, j) - z_tl(i, j))/grid%dx(j)
      end do
      do i = 1, grid%block%nx
        v_tl(i, j) = north_tl%star(i, j) - factor*north%h(i, j)*north%friction(i, j) &
          *(z_tl(i, j + 1) - z_tl(i, j))/grid%dy
      end do
    end do
  end subroutine new_transports_tl

  !> Transpose of `new_transports_tl`: `star` holds the sensitivity to the new transports,
  !> zero outside the block's faces, and is that to W too.
  subroutine new_transports_ad(grid, parameters, east, north, east_ad, north_ad, z_ad)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(face_momentum_t), intent(in) :: east, north       !! of the step
    type(face_changes_t), intent(in) :: east_ad, north_ad
    real(wp), intent(inout), contiguous :: z_ad(1 - lead:, 1 - halo:) !! added to

    real(wp) :: factor
    integer :: i, j

    factor = parameters%theta*parameters%gravity*parameters%dt
    !$omp parallel do private(i)
    do j = 0, grid%block%ny + 1
      do i = 0, grid%block%nx + 1
        z_ad(i, j) = z_ad(i, j) + factor*((pull(east, east_ad, i, j) &
          - pull(east, east_ad, i - 1, j))/grid%dx(j) &
          + (pull(north, north_ad, i, j) - pull(north, north_ad, i, j - 1))/grid%dy)
      end do
    end do
  end subroutine new_transports_ad

  !> H*F times the sensitivity to the transport of a face.
  pure real(wp) function pull(faces, faces_ad, i, j)
    type(face_momentum_t), intent(in) :: faces
    type(face_changes_t), intent(in) :: faces_ad
    integer, intent(in) :: i, j !! the face

    pull = faces%h(i, j)*faces%friction(i, j)*faces_ad%star(i, j)
  end function pull

  !> Change of zeta(n+1) in water cells; u_tl, v_tl are at the new level. Elsewhere it keeps
  !> the old level's, but for prescribed elevations, which are the caller's.
  subroutine new_elevation_tl(grid, parameters, u_old_tl, v_old_tl, u_tl, v_tl, zeta_tl)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: u_old_tl(1 - lead:, 1 - halo:)   !! [m2 s-1]
    real(wp), intent(in), contiguous :: v_old_tl(1 - lead:, 1 - halo:)   !! [m2 s-1]
    real(wp), intent(in), contiguous :: u_tl(1 - lead:, 1 - halo:)       !! [m2 s-1]
    real(wp), intent(in), contiguous :: v_tl(1 - lead:, 1 - halo:)       !! [m2 s-1]
    real(wp), intent(inout), contiguous :: zeta_tl(1 - lead:, 1 - halo:) !! advanced [m]

    integer :: i, j

    !$omp parallel do private(i)
    do j = 1, grid%block%ny
      do i = 1, grid%block%nx
        zeta_tl(i, j) = zeta_tl(i, j) - merge(parameters%dt/grid%area(j), 0.0_wp, &
          grid%cell(i, j) == cell_water)*mean_outflow(grid, parameters%theta, u_old_tl, &
          v_old_tl, u_tl, v_tl, i, j)
      end do
    end do
  end subroutine new_elevation_tl

  !> Transpose of `new_elevation_tl`; `zeta_ad` stays as it is.
  subroutine new_elevation_ad(grid, parameters, zeta_ad, work, u_old_ad, v_old_ad, u_ad, &
    v_ad)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: zeta_ad(1 - lead:, 1 - halo:) !! of zeta(n+1)
    real(wp), intent(inout), contiguous :: work(1 - lead:, 1 - halo:) !! zero in the halo
    real(wp), intent(inout), contiguous :: u_old_ad(1 - lead:, 1 - halo:) !! added to
    real(wp), intent(inout), contiguous :: v_old_ad(1 - lead:, 1 - halo:) !! added to
    real(wp), intent(inout), contiguous :: u_ad(1 - lead:, 1 - halo:)     !! added to
    real(wp), intent(inout), contiguous :: v_ad(1 - lead:, 1 - halo:)     !! added to

    integer :: i, j

    !$omp parallel do private(i)
    do j = 1, grid%block%ny
      do i = 1, grid%block%nx
        work(i, j) = merge(-parameters%dt*zeta_ad(i, j)/grid%area(j), 0.0_wp, &
          grid%cell(i, j) == cell_water)
      end do
    end do
    call mean_outflow_ad(grid, parameters%theta, work, u_old_ad, v_old_ad, u_ad, v_ad)
  end subroutine new_elevation_ad

  !> Net outflow of cell (i, j), weighted between the levels [m3 s-1].
  pure real(wp) function mean_outflow(grid, theta, u_old, v_old, u, v, i, j)
    type(swe_grid_t), intent(in) :: grid
    real(wp), intent(in) :: theta !! weight of the new level [1]
    real(wp), intent(in), contiguous :: u_old(1 - lead:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in), contiguous :: v_old(1 - lead:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in), contiguous :: u(1 - lead:, 1 - halo:)     !! [m2 s-1]
    real(wp), intent(in), contiguous :: v(1 - lead:, 1 - halo:)     !! [m2 s-1]
    integer, intent(in) :: i, j   !! the cell

    real(wp) :: before

    before = 1.0_wp - theta
    mean_outflow = grid%dy*(before*(u_old(i, j) - u_old(i - 1, j)) &
      + theta*(u(i, j) - u(i - 1, j))) &
      + grid%dx_v(j)*(before*v_old(i, j) + theta*v(i, j)) &
      - grid%dx_v(j - 1)*(before*v_old(i, j - 1) + theta*v(i, j - 1))
  end function mean_outflow

  !> Transpose of `mean_outflow` over all cells of the block, at its faces, 0 included.
  subroutine mean_outflow_ad(grid, theta, outflow_ad, u_old_ad, v_old_ad, u_ad, v_ad)
    type(swe_grid_t), intent(in) :: grid
    real(wp), intent(in) :: theta !! weight of the new level [1]
    real(wp), intent(in), contiguous :: outflow_ad(1 - lead:, 1 - halo:)
      !! sensitivity to the outflow, zero in the halo
    real(wp), intent(inout), contiguous :: u_old_ad(1 - lead:, 1 - halo:) !! added to
    real(wp), intent(inout), contiguous :: v_old_ad(1 - lead:, 1 - halo:) !! added to
    real(wp), intent(inout), contiguous :: u_ad(1 - lead:, 1 - halo:)     !! added to
    real(wp), intent(inout), contiguous :: v_ad(1 - lead:, 1 - halo:)     !! added to

    real(wp) :: change
    integer :: i, j

    !$omp parallel do private(i, change)
    do j = 0, grid%block%ny
      do i = merge(0, grid%block%nx + 1, j > 0), grid%block%nx
        change = grid%dy*(outflow_ad(i, j) - outflow_ad(i + 1, j))
        u_old_ad(i, j) = u_old_ad(i, j) + (1.0_wp - theta)*change
        u_ad(i, j) = u_ad(i, j) + theta*change
      end do
      do i = 1, grid%block%nx
        change = grid%dx_v(j)*(outflow_ad(i, j) - outflow_ad(i, j + 1))
        v_old_ad(i, j) = v_old_ad(i, j) + (1.0_wp - theta)*change
        v_ad(i, j) = v_ad(i, j) + theta*change
      end do
    end do
  end subroutine mean_outflow_ad

end module swe_elimination_linearised
