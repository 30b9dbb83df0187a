! SPDX-License-Identifier: MIT
!> Tangent-linear and adjoint of swe_forces: wind stress, and the head of air pressure and
!> tide-generating potential.
module swe_forces_linearised
  use swe_blocks, only: halo, lead
  use swe_faces_linearised, only: surface_slopes_ad
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_momentum, only: face_momentum_t
  use swe_momentum_linearised, only: face_changes_t
  use swe_parameters, only: swe_parameters_t
  implicit none
  private
  public :: add_head_ad, add_head_tl, add_stress_ad, add_stress_tl

contains

  !> Changes of the slopes and of X with the head and the water depth.
  subroutine add_head_tl(grid, parameters, head, east, north, head_tl, east_tl, north_tl)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous, optional :: head(1 - lead:, 1 - halo:)
      !! of the step [m], or zero
    type(face_momentum_t), intent(in) :: east, north  !! of the step
    real(wp), intent(in), contiguous :: head_tl(1 - lead:, 1 - halo:) !! [m]
    type(face_changes_t), intent(inout) :: east_tl, north_tl !! `slope`, `extra` are changed

    real(wp) :: factor, slope_tl
    integer :: i, j

    factor = parameters%theta*parameters%gravity
    !$omp parallel do private(i, slope_tl)
    do j = 0, grid%block%ny + 1
      do i = 0, grid%block%nx + 1
        slope_tl = merge(grid%open_u(i, j)/grid%dx(j), 0.0_wp, east%h(i, j) > 0.0_wp) &
          *(head_tl(i + 1, j) - head_tl(i, j))
        east_tl%slope(i, j) = east_tl%slope(i, j) + slope_tl
        east_tl%extra(i, j) = east_tl%extra(i, j) - factor*(east%h(i, j)*slope_tl &
          + east_tl%h(i, j)*east_slope(grid, head, east, i, j))
        slope_tl = merge(grid%open_v(i, j)/grid%dy, 0.0_wp, north%h(i, j) > 0.0_wp) &
          *(head_tl(i, j + 1) - head_tl(i, j))
        north_tl%slope(i, j) = north_tl%slope(i, j) + slope_tl
        north_tl%extra(i, j) = north_tl%extra(i, j) - factor*(north%h(i, j)*slope_tl &
          + north_tl%h(i, j)*north_slope(grid, head, north, i, j))
      end do
    end do
  end subroutine add_head_tl

  !> Transpose of `add_head_tl`. The sensitivities to the slopes serve no other purpose when
  !> it returns: they became those to the head's.
  subroutine add_head_ad(grid, parameters, head, east, north, east_ad, north_ad, head_ad)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous, optional :: head(1 - lead:, 1 - halo:)
      !! of the step [m], or zero
    type(face_momentum_t), intent(in) :: east, north !! of the step
    type(face_changes_t), intent(inout) :: east_ad, north_ad !! `h` and `slope` are added to
    real(wp), intent(inout), contiguous :: head_ad(1 - lead:, 1 - halo:) !! added to

    real(wp) :: factor
    integer :: i, j

    factor = parameters%theta*parameters%gravity
    !$omp parallel do private(i)
    do j = 0, grid%block%ny + 1
      do i = 0, grid%block%nx + 1
        east_ad%h(i, j) = east_ad%h(i, j) - factor*east_ad%extra(i, j) &
          *east_slope(grid, head, east, i, j)
        east_ad%slope(i, j) = east_ad%slope(i, j) - factor*east_ad%extra(i, j)*east%h(i, j)
        north_ad%h(i, j) = north_ad%h(i, j) - factor*north_ad%extra(i, j) &
          *north_slope(grid, head, north, i, j)
        north_ad%slope(i, j) = north_ad%slope(i, j) - factor*north_ad%extra(i, j) &
          *north%h(i, j)
      end do
    end do
    call surface_slopes_ad(grid, east%h, north%h, east_ad%slope, north_ad%slope, head_ad)
  end subroutine add_head_ad

  !> Slope of the head at an east face that holds water [1].
  pure real(wp) function east_slope(grid, head, east, i, j)
    type(swe_grid_t), intent(in) :: grid
    real(wp), intent(in), contiguous, optional :: head(1 - lead:, 1 - halo:)
      !! [m]
    type(face_momentum_t), intent(in) :: east
    integer, intent(in) :: i, j                     !! the face

    east_slope = 0.0_wp
    if (.not. present(head)) return
    if (east%h(i, j) > 0.0_wp) east_slope = grid%open_u(i, j)*(head(i + 1, j) &
      - head(i, j))/grid%dx(j)
  end function east_slope

  !> Slope of the head at a north face that holds water [1].
  pure real(wp) function north_slope(grid, head, north, i, j)
    type(swe_grid_t), intent(in) :: grid
    real(wp), intent(in), contiguous, optional :: head(1 - lead:, 1 - halo:)
      !! [m]
    type(face_momentum_t), intent(in) :: north
    integer, intent(in) :: i, j                     !! the face

    north_slope = 0.0_wp
    if (.not. present(head)) return
    if (north%h(i, j) > 0.0_wp) north_slope = grid%open_v(i, j)*(head(i, j + 1) &
      - head(i, j))/grid%dy
  end function north_slope

  !> Change of X of one direction with the stress and, in thin layers, with the depth.
  subroutine add_stress_tl(grid, parameters, stress, faces, stress_tl, faces_tl)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous, optional :: stress(1 - lead:, 1 - halo:)
      !! of the step [m2 s-2], or zero
    type(face_momentum_t), intent(in) :: faces        !! of the step
    real(wp), intent(in), contiguous :: stress_tl(1 - lead:, 1 - halo:) !! [m2 s-2]
    type(face_changes_t), intent(inout) :: faces_tl   !! `extra` is changed

    real(wp) :: share, share_by_depth
    integer :: i, j

    !$omp parallel do private(i, share, share_by_depth)
    do j = 0, grid%block%ny
      do i = 0, grid%block%nx
        call wind_share(parameters, faces%h(i, j), share, share_by_depth)
        faces_tl%extra(i, j) = faces_tl%extra(i, j) + share*stress_tl(i, j)
        if (present(stress)) faces_tl%extra(i, j) = faces_tl%extra(i, j) &
          + stress(i, j)*share_by_depth*faces_tl%h(i, j)
      end do
    end do
  end subroutine add_stress_tl

  !> Transpose of `add_stress_tl`.
  subroutine add_stress_ad(grid, parameters, stress, faces, faces_ad, stress_ad)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous, optional :: stress(1 - lead:, 1 - halo:)
      !! of the step [m2 s-2], or zero
    type(face_momentum_t), intent(in) :: faces        !! of the step
    type(face_changes_t), intent(inout) :: faces_ad   !! `h` is added to
    real(wp), intent(inout), contiguous :: stress_ad(1 - lead:, 1 - halo:) !! added to

    real(wp) :: share, share_by_depth
    integer :: i, j

    !$omp parallel do private(i, share, share_by_depth)
    do j = 0, grid%block%ny
      do i = 0, grid%block%nx
        call wind_share(parameters, faces%h(i, j), share, share_by_depth)
        stress_ad(i, j) = stress_ad(i, j) + share*faces_ad%extra(i, j)
        if (present(stress)) faces_ad%h(i, j) = faces_ad%h(i, j) &
          + stress(i, j)*share_by_depth*faces_ad%extra(i, j)
      end do
    end do
  end subroutine add_stress_ad

  !> The part of the stress that acts on a layer, and its derivative with the depth.
  elemental subroutine wind_share(parameters, h, share, share_by_depth)
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in) :: h               !! water depth [m]
    real(wp), intent(out) :: share          !! [1]
    real(wp), intent(out) :: share_by_depth !! [m-1]

    real(wp) :: thin

    thin = max(parameters%thin_depth, parameters%min_depth, epsilon(1.0_wp))
    share = min(1.0_wp, h/thin)
    share_by_depth = merge(1.0_wp/thin, 0.0_wp, h < thin)
  end subroutine wind_share

end module swe_forces_linearised
