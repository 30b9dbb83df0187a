! SPDX-License-Identifier: MIT
!> Depth at faces, second order where the surface is smooth: the upstream elevation and half
!> its limited difference to the next cell, less the share that passes during the step, and
!> the mean of D.
!>
!> Beside a dry cell, and where water is thinner than `thin_depth`, the first order of
!> `swe_faces` stays.
module swe_sharp_depths
  use swe_advection, only: limited
  use swe_blocks, only: halo, lead
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_parameters, only: swe_parameters_t
  use swe_rows, only: is_large
  use swe_state, only: swe_state_t
  implicit none
  private
  public :: sharpen_depths

contains

  !> Correct H at the faces 0:nx, 0:ny+1 (east) and 0:nx+1, 0:ny (north).
  subroutine sharpen_depths(grid, parameters, state, h_u, h_v)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_state_t), intent(in) :: state
    real(wp), intent(inout), contiguous :: h_u(1 - lead:, 1 - halo:) !! east faces [m]
    real(wp), intent(inout), contiguous :: h_v(1 - lead:, 1 - halo:) !! north faces [m]

    integer :: i, j

    !$omp parallel do private(i) if (is_large(grid%block))
    do j = 0, grid%block%ny + 1
      do i = 0, grid%block%nx
        h_u(i, j) = sharp(parameters, grid%dx(j), state%u(i, j), grid%open_u(i, j), &
          grid%depth(i - 1:i + 2, j), state%zeta(i - 1:i + 2, j), h_u(i, j))
      end do
    end do
    !$omp parallel do private(i) if (is_large(grid%block))
    do j = 0, grid%block%ny
      do i = 0, grid%block%nx + 1
        h_v(i, j) = sharp(parameters, grid%dy, state%v(i, j), grid%open_v(i, j), &
          grid%depth(i, j - 1:j + 2), state%zeta(i, j - 1:j + 2), h_v(i, j))
      end do
    end do
  end subroutine sharpen_depths

  !> H at the face between the second and the third of four cells.
  pure real(wp) function sharp(parameters, distance, transport, open, depth, zeta, h)
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in) :: distance  !! of the cells [m]
    real(wp), intent(in) :: transport !! [m2 s-1]
    real(wp), intent(in) :: open      !! 1 if the face is open
    real(wp), intent(in) :: depth(4)  !! D [m]
    real(wp), intent(in) :: zeta(4)   !! [m]
    real(wp), intent(in) :: h         !! of first order [m]

    real(wp) :: behind, least, passed, upstream

    behind = merge(zeta(2) - zeta(1), zeta(4) - zeta(3), transport > 0.0_wp)
    behind = merge(limited(behind, zeta(3) - zeta(2)), 0.0_wp, abs(transport) > 0.0_wp)
    passed = min(1.0_wp, abs(transport)*parameters%dt/(distance*max(h, &
      parameters%min_depth)))
    upstream = merge(zeta(2), zeta(3), transport > 0.0_wp) &
      + sign(0.5_wp, transport)*(1.0_wp - passed)*behind
    least = min(minval(depth(2:3) + zeta(2:3)), merge(depth(1) + zeta(1), depth(4) &
      + zeta(4), transport > 0.0_wp))
    sharp = merge(upstream + 0.5_wp*(depth(2) + depth(3)), h, open > 0.0_wp .and. &
      abs(transport) > 0.0_wp .and. least > max(parameters%thin_depth, &
      parameters%min_depth))
    sharp = merge(sharp, h, sharp > parameters%min_depth)
  end function sharp

end module swe_sharp_depths
