! SPDX-License-Identifier: MIT
!> Forces from outside: wind stress, air pressure and the tide-generating potential.
!>
!>     X = tau_x - g*H*d head/dx          Y = tau_y - g*H*d head/dy
!>
!> with the stress over the water's density. The head is the air pressure as a height of
!> water less the equilibrium tide: water at rest under it has zeta = -head + constant. Both
!> act during the whole step, so they are best given at its middle.
!>
!> The rotation of `swe_momentum` is exact for a frozen gradient, and that gradient is the
!> one of zeta + head. So `swe_momentum` adds the head's slope to the surface's, which also
!> gives it the weight 1 - theta of the old level; the rest of its force, theta, goes to X.
module swe_forces
  use swe_blocks, only: halo, lead
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_momentum, only: face_momentum_t
  use swe_parameters, only: swe_parameters_t
  use swe_rows, only: is_large
  use swe_state, only: swe_forcing_t
  implicit none
  private
  public :: add_head, add_stress

contains

  !> Add the new level's share of the head's force to X.
  subroutine add_head(grid, parameters, head, east, north)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: head(1 - lead:, 1 - halo:) !! at centres [m]
    type(face_momentum_t), intent(inout) :: east, north !! `extra` is changed

    real(wp) :: factor, per_dx, per_dy, slope
    integer :: i, j

    factor = parameters%theta*parameters%gravity
    per_dy = 1.0_wp/grid%dy
    !$omp parallel do private(i, per_dx, slope) if (is_large(grid%block))
    do j = 0, grid%block%ny + 1
      per_dx = 1.0_wp/grid%dx(j)
      do i = 0, grid%block%nx + 1
        slope = merge(grid%open_u(i, j)*(head(i + 1, j) - head(i, j))*per_dx, 0.0_wp, &
          east%h(i, j) > 0.0_wp)
        east%extra(i, j) = east%extra(i, j) - factor*east%h(i, j)*slope
        slope = merge(grid%open_v(i, j)*(head(i, j + 1) - head(i, j))*per_dy, 0.0_wp, &
          north%h(i, j) > 0.0_wp)
        north%extra(i, j) = north%extra(i, j) - factor*north%h(i, j)*slope
      end do
    end do
  end subroutine add_head

  !> Add the wind's stress to the X of one direction. In layers thinner than `thin_depth` it
  !> acts in proportion to their depth: a film of water is not blown away.
  subroutine add_stress(grid, parameters, stress, faces)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: stress(1 - lead:, 1 - halo:)
      !! along the direction, over the density [m2 s-2]
    type(face_momentum_t), intent(inout) :: faces !! `extra` is changed

    real(wp) :: per_thin
    integer :: i, j

    per_thin = 1.0_wp/max(parameters%thin_depth, parameters%min_depth, epsilon(1.0_wp))
    !$omp parallel do private(i) if (is_large(grid%block))
    do j = 0, grid%block%ny
      do i = 0, grid%block%nx
        faces%extra(i, j) = faces%extra(i, j) + stress(i, j)*min(1.0_wp, &
          per_thin*faces%h(i, j))
      end do
    end do
  end subroutine add_stress

end module swe_forces
