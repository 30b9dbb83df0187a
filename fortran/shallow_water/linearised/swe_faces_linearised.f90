! SPDX-License-Identifier: MIT
!> Tangent-linear and adjoint of swe_faces: water depth and surface slope at the faces.
!>
!> A face that the step closed (H = 0) stays closed under a small change, and the upstream
!> side stays upstream: at those switches the derivative is the one of the branch that the
!> step took. Adjoints gather: each cell adds up its four faces, so rows run in parallel.
module swe_faces_linearised
  use swe_blocks, only: halo, lead
  use swe_grid, only: boundary_face_t, swe_grid_t
  use swe_kinds, only: wp
  use swe_parameters, only: face_linear, face_upwind, swe_parameters_t
  use swe_state, only: swe_state_t
  implicit none
  private
  public :: face_depths_ad, face_depths_tl, surface_slopes_ad, surface_slopes_tl

contains

  !> Change of H with the elevation and the undisturbed depth.
  subroutine face_depths_tl(grid, parameters, state, h_u, h_v, zeta_tl, depth_tl, h_u_tl, &
    h_v_tl)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_state_t), intent(in) :: state !! at the old level
    real(wp), intent(in), contiguous :: h_u(1 - lead:, 1 - halo:) !! of `face_depths` [m]
    real(wp), intent(in), contiguous :: h_v(1 - lead:, 1 - halo:) !! of `face_depths` [m]
    real(wp), intent(in), contiguous :: zeta_tl(1 - lead:, 1 - halo:)   !! [m]
    real(wp), intent(in), contiguous :: depth_tl(1 - lead:, 1 - halo:)  !! [m]
    real(wp), intent(inout), contiguous :: h_u_tl(1 - lead:, 1 - halo:) !! set [m]
    real(wp), intent(inout), contiguous :: h_v_tl(1 - lead:, 1 - halo:) !! set [m]

    real(wp) :: own, own_zeta
    integer :: i, j, k

    !$omp parallel do private(i, own, own_zeta)
    do j = 0, grid%block%ny + 1
      do i = 1 - halo, grid%block%nx + 1
        call shares(parameters, grid%depth(i, j), grid%depth(i + 1, j), state%zeta(i, j), &
          state%zeta(i + 1, j), state%u(i, j), own, own_zeta)
        h_u_tl(i, j) = merge(own*depth_tl(i, j) + (1.0_wp - own)*depth_tl(i + 1, j) &
          + zeta_share(parameters)*(own_zeta*zeta_tl(i, j) &
          + (1.0_wp - own_zeta)*zeta_tl(i + 1, j)), 0.0_wp, h_u(i, j) > 0.0_wp)
      end do
      do i = 1 - halo, grid%block%nx + halo
        call shares(parameters, grid%depth(i, j), grid%depth(i, j + 1), state%zeta(i, j), &
          state%zeta(i, j + 1), state%v(i, j), own, own_zeta)
        h_v_tl(i, j) = merge(own*depth_tl(i, j) + (1.0_wp - own)*depth_tl(i, j + 1) &
          + zeta_share(parameters)*(own_zeta*zeta_tl(i, j) &
          + (1.0_wp - own_zeta)*zeta_tl(i, j + 1)), 0.0_wp, h_v(i, j) > 0.0_wp)
      end do
    end do
    do k = 1, size(grid%nearby_u)
      call inner_depth_tl(grid%nearby_u(k), zeta_tl, depth_tl, h_u, h_u_tl)
    end do
    do k = 1, size(grid%nearby_v)
      call inner_depth_tl(grid%nearby_v(k), zeta_tl, depth_tl, h_v, h_v_tl)
    end do
  end subroutine face_depths_tl

  !> Add to the sensitivities to the elevation and the depth what the water depths at the
  !> faces carry; those of boundary faces are set to zero.
  subroutine face_depths_ad(grid, parameters, state, h_u, h_v, h_u_ad, h_v_ad, zeta_ad, &
    depth_ad)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_state_t), intent(in) :: state !! at the old level
    real(wp), intent(in), contiguous :: h_u(1 - lead:, 1 - halo:) !! of `face_depths` [m]
    real(wp), intent(in), contiguous :: h_v(1 - lead:, 1 - halo:) !! of `face_depths` [m]
    real(wp), intent(inout), contiguous :: h_u_ad(1 - lead:, 1 - halo:)
      !! zero where H is
    real(wp), intent(inout), contiguous :: h_v_ad(1 - lead:, 1 - halo:) !! alike
    real(wp), intent(inout), contiguous :: zeta_ad(1 - lead:, 1 - halo:)  !! added to
    real(wp), intent(inout), contiguous :: depth_ad(1 - lead:, 1 - halo:) !! added to

    real(wp) :: own, own_zeta, weight
    integer :: i, j, k

    weight = zeta_share(parameters)
    do k = 1, size(grid%nearby_u)
      call inner_depth_ad(grid%nearby_u(k), h_u, h_u_ad, zeta_ad, depth_ad)
    end do
    do k = 1, size(grid%nearby_v)
      call inner_depth_ad(grid%nearby_v(k), h_v, h_v_ad, zeta_ad, depth_ad)
    end do
    !$omp parallel do private(i, own, own_zeta)
    do j = 0, grid%block%ny + halo
      do i = 1 - halo, grid%block%nx + 1
        if (.not. h_u(i, j) > 0.0_wp) cycle
        call shares(parameters, grid%depth(i, j), grid%depth(i + 1, j), state%zeta(i, j), &
          state%zeta(i + 1, j), state%u(i, j), own, own_zeta)
        depth_ad(i:i + 1, j) = depth_ad(i:i + 1, j) + [own, 1.0_wp - own]*h_u_ad(i, j)
        zeta_ad(i:i + 1, j) = zeta_ad(i:i + 1, j) + [own_zeta, 1.0_wp - own_zeta] &
          *(weight*h_u_ad(i, j))
      end do
      do i = 1 - halo, grid%block%nx + halo
        if (.not. h_v(i, j) > 0.0_wp) cycle
        call shares(parameters, grid%depth(i, j), grid%depth(i, j + 1), &
          state%zeta(i, j), state%zeta(i, j + 1), state%v(i, j), own, own_zeta)
        depth_ad(i, j) = depth_ad(i, j) + own*h_v_ad(i, j)
        zeta_ad(i, j) = zeta_ad(i, j) + weight*own_zeta*h_v_ad(i, j)
      end do
      do i = 1 - halo, grid%block%nx + halo
        if (.not. h_v(i, j - 1) > 0.0_wp) cycle
        call shares(parameters, grid%depth(i, j - 1), grid%depth(i, j), &
          state%zeta(i, j - 1), state%zeta(i, j), state%v(i, j - 1), own, own_zeta)
        depth_ad(i, j) = depth_ad(i, j) + (1.0_wp - own)*h_v_ad(i, j - 1)
        zeta_ad(i, j) = zeta_ad(i, j) + weight*(1.0_wp - own_zeta)*h_v_ad(i, j - 1)
      end do
    end do
  end subroutine face_depths_ad

  !> Weight of the elevation in H: none in the linear equations.
  pure real(wp) function zeta_share(parameters)
    type(swe_parameters_t), intent(in) :: parameters

    zeta_share = merge(0.0_wp, 1.0_wp, parameters%face_depth == face_linear)
  end function zeta_share

  !> Weights of the own cell in a face's mean depth and mean elevation; the next cell has
  !> the rest.
  elemental subroutine shares(parameters, depth, depth_next, zeta, zeta_next, transport, &
    own, own_zeta)
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in) :: depth, depth_next !! undisturbed, own and next cell [m]
    real(wp), intent(in) :: zeta, zeta_next   !! elevation, own and next cell [m]
    real(wp), intent(in) :: transport         !! through the face [m2 s-1]
    real(wp), intent(out) :: own, own_zeta    !! [1]

    own = 0.5_wp
    own_zeta = 0.5_wp
    if (parameters%face_depth == face_upwind) then
      own = merge(1.0_wp, 0.0_wp, depth <= depth_next)
      own_zeta = merge(1.0_wp, 0.0_wp, transport > 0.0_wp &
        .or. (.not. transport < 0.0_wp .and. zeta >= zeta_next))
    end if
  end subroutine shares

  !> A boundary face has the depth of its inner cell.
  pure subroutine inner_depth_tl(face, zeta_tl, depth_tl, h, h_tl)
    type(boundary_face_t), intent(in) :: face
    real(wp), intent(in), contiguous :: zeta_tl(1 - lead:, 1 - halo:)  !! [m]
    real(wp), intent(in), contiguous :: depth_tl(1 - lead:, 1 - halo:) !! [m]
    real(wp), intent(in), contiguous :: h(1 - lead:, 1 - halo:)        !! [m]
    real(wp), intent(inout), contiguous :: h_tl(1 - lead:, 1 - halo:)  !! set there [m]

    h_tl(face%i, face%j) = merge(depth_tl(face%i_inside, face%j_inside) &
      + zeta_tl(face%i_inside, face%j_inside), 0.0_wp, h(face%i, face%j) > 0.0_wp)
  end subroutine inner_depth_tl

  !> Transpose of `inner_depth_tl`.
  pure subroutine inner_depth_ad(face, h, h_ad, zeta_ad, depth_ad)
    type(boundary_face_t), intent(in) :: face
    real(wp), intent(in), contiguous :: h(1 - lead:, 1 - halo:) !! [m]
    real(wp), intent(inout), contiguous :: h_ad(1 - lead:, 1 - halo:)     !! becomes zero
    real(wp), intent(inout), contiguous :: zeta_ad(1 - lead:, 1 - halo:)  !! added to
    real(wp), intent(inout), contiguous :: depth_ad(1 - lead:, 1 - halo:) !! added to

    associate (i => face%i_inside, j => face%j_inside)
      if (h(face%i, face%j) > 0.0_wp) then
        depth_ad(i, j) = depth_ad(i, j) + h_ad(face%i, face%j)
        zeta_ad(i, j) = zeta_ad(i, j) + h_ad(face%i, face%j)
      end if
    end associate
    h_ad(face%i, face%j) = 0.0_wp
  end subroutine inner_depth_ad

  !> Change of the slopes with the elevation.
  subroutine surface_slopes_tl(grid, zeta_tl, h_u, h_v, slope_u_tl, slope_v_tl)
    type(swe_grid_t), intent(in) :: grid
    real(wp), intent(in), contiguous :: zeta_tl(1 - lead:, 1 - halo:) !! [m]
    real(wp), intent(in), contiguous :: h_u(1 - lead:, 1 - halo:)     !! [m]
    real(wp), intent(in), contiguous :: h_v(1 - lead:, 1 - halo:)     !! [m]
    real(wp), intent(inout), contiguous :: slope_u_tl(1 - lead:, 1 - halo:) !! set [1]
    real(wp), intent(inout), contiguous :: slope_v_tl(1 - lead:, 1 - halo:) !! set [1]

    integer :: i, j

    !$omp parallel do private(i)
    do j = 0, grid%block%ny + 1
      do i = 0, grid%block%nx + 1
        slope_u_tl(i, j) = merge(grid%open_u(i, j)/grid%dx(j), 0.0_wp, &
          h_u(i, j) > 0.0_wp)*(zeta_tl(i + 1, j) - zeta_tl(i, j))
        slope_v_tl(i, j) = merge(grid%open_v(i, j)/grid%dy, 0.0_wp, h_v(i, j) > 0.0_wp) &
          *(zeta_tl(i, j + 1) - zeta_tl(i, j))
      end do
    end do
  end subroutine surface_slopes_tl

  !> Add to the sensitivity to the elevation what the slopes carry.
  subroutine surface_slopes_ad(grid, h_u, h_v, slope_u_ad, slope_v_ad, zeta_ad)
    type(swe_grid_t), intent(in) :: grid
    real(wp), intent(in), contiguous :: h_u(1 - lead:, 1 - halo:) !! [m]
    real(wp), intent(in), contiguous :: h_v(1 - lead:, 1 - halo:) !! [m]
    real(wp), intent(in), contiguous :: slope_u_ad(1 - lead:, 1 - halo:)
      !! zero outside 0:nx+1, 0:ny+1
    real(wp), intent(in), contiguous :: slope_v_ad(1 - lead:, 1 - halo:) !! alike
    real(wp), intent(inout), contiguous :: zeta_ad(1 - lead:, 1 - halo:) !! added to

    real(wp) :: change
    integer :: i, j

    !$omp parallel do private(i, change)
    do j = 0, grid%block%ny + halo
      do i = 0, grid%block%nx + 1
        change = merge(grid%open_u(i, j)*slope_u_ad(i, j)/grid%dx(j), 0.0_wp, &
          h_u(i, j) > 0.0_wp)
        zeta_ad(i, j) = zeta_ad(i, j) - change
        zeta_ad(i + 1, j) = zeta_ad(i + 1, j) + change
      end do
      do i = 0, grid%block%nx + 1
        change = merge(grid%open_v(i, j)*slope_v_ad(i, j)/grid%dy, 0.0_wp, &
          h_v(i, j) > 0.0_wp)
        zeta_ad(i, j) = zeta_ad(i, j) - change
        if (j == 0) cycle
        change = merge(grid%open_v(i, j - 1)*slope_v_ad(i, j - 1)/grid%dy, 0.0_wp, &
          h_v(i, j - 1) > 0.0_wp)
        zeta_ad(i, j) = zeta_ad(i, j) + change
      end do
    end do
  end subroutine surface_slopes_ad

end module swe_faces_linearised
