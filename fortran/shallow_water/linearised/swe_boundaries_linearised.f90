! SPDX-License-Identifier: MIT
!> Tangent-linear and adjoint of swe_boundaries.
!>
!> On a boundary face W, the transport at a fixed new elevation z, is
!>
!>     W = U_ext - outward*sqrt(g H)*(zeta_ext - z_inside)      (radiating; else U_ext)
!>
!> and the new elevation adds outward*sqrt(g H)*d z_inside to it. A prescribed elevation
!> enters the rows of its neighbours by their coupling and its own row by the area.
module swe_boundaries_linearised
  use swe_blocks, only: halo, lead
  use swe_grid, only: boundary_face_t, swe_grid_t
  use swe_kinds, only: wp
  use swe_momentum, only: face_momentum_t
  use swe_momentum_linearised, only: face_changes_t
  use swe_parameters, only: swe_parameters_t
  use swe_state, only: swe_forcing_t
  implicit none
  private
  public :: boundary_transports_ad, boundary_transports_tl
  public :: fix_elevations_ad, fix_elevations_tl
  public :: radiated_transports_ad, radiated_transports_tl

contains

  !> W of the boundary faces.
  subroutine boundary_transports_tl(grid, parameters, forcing, z, east, north, &
    open_zeta_tl, open_u_tl, open_v_tl, east_tl, north_tl)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_forcing_t), intent(in) :: forcing                  !! of the step
    real(wp), intent(in), contiguous :: z(1 - lead:, 1 - halo:) !! new elevation [m]
    type(face_momentum_t), intent(in) :: east, north            !! of the step
    real(wp), intent(in), contiguous :: open_zeta_tl(1 - lead:, 1 - halo:) !! [m]
    real(wp), intent(in), contiguous :: open_u_tl(1 - lead:, 1 - halo:)    !! [m2 s-1]
    real(wp), intent(in), contiguous :: open_v_tl(1 - lead:, 1 - halo:)    !! [m2 s-1]
    type(face_changes_t), intent(inout) :: east_tl, north_tl    !! `star` is set there

    integer :: k

    do k = 1, size(grid%boundary_u)
      call one(grid%boundary_u(k), east, open_u_tl, east_tl)
    end do
    do k = 1, size(grid%boundary_v)
      call one(grid%boundary_v(k), north, open_v_tl, north_tl)
    end do

  contains

    subroutine one(face, faces, open_tl, faces_tl)
      type(boundary_face_t), intent(in) :: face
      type(face_momentum_t), intent(in) :: faces
      real(wp), intent(in), contiguous :: open_tl(1 - lead:, 1 - halo:)
      type(face_changes_t), intent(inout) :: faces_tl

      faces_tl%star(face%i, face%j) = open_tl(face%i, face%j)
      if (.not. face%is_radiating) return
      faces_tl%star(face%i, face%j) = faces_tl%star(face%i, face%j) - face%outward &
        *(speed_by_depth(face, parameters, faces)*faces_tl%h(face%i, face%j) &
        *excess(face, forcing%open_zeta, z) &
        + wave_speed(face, parameters, faces)*open_zeta_tl(face%i_outside, face%j_outside))
    end subroutine one

  end subroutine boundary_transports_tl

  !> Transpose of `boundary_transports_tl`: `star` of boundary faces becomes zero.
  subroutine boundary_transports_ad(grid, parameters, forcing, z, east, north, &
    east_ad, north_ad, open_zeta_ad, open_u_ad, open_v_ad)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_forcing_t), intent(in) :: forcing                  !! of the step
    real(wp), intent(in), contiguous :: z(1 - lead:, 1 - halo:) !! new elevation [m]
    type(face_momentum_t), intent(in) :: east, north            !! of the step
    type(face_changes_t), intent(inout) :: east_ad, north_ad    !! `h` is added to
    real(wp), intent(inout), contiguous :: open_zeta_ad(1 - lead:, 1 - halo:) !! added to
    real(wp), intent(inout), contiguous :: open_u_ad(1 - lead:, 1 - halo:)    !! added to
    real(wp), intent(inout), contiguous :: open_v_ad(1 - lead:, 1 - halo:)    !! added to

    integer :: k

    do k = 1, size(grid%boundary_u)
      call one(grid%boundary_u(k), east, open_u_ad, east_ad)
    end do
    do k = 1, size(grid%boundary_v)
      call one(grid%boundary_v(k), north, open_v_ad, north_ad)
    end do

  contains

    subroutine one(face, faces, open_ad, faces_ad)
      type(boundary_face_t), intent(in) :: face
      type(face_momentum_t), intent(in) :: faces
      real(wp), intent(inout), contiguous :: open_ad(1 - lead:, 1 - halo:)
      type(face_changes_t), intent(inout) :: faces_ad

      associate (star_ad => faces_ad%star(face%i, face%j), i => face%i_outside, &
        j => face%j_outside)
        open_ad(face%i, face%j) = open_ad(face%i, face%j) + star_ad
        if (face%is_radiating) then
          faces_ad%h(face%i, face%j) = faces_ad%h(face%i, face%j) - face%outward &
            *speed_by_depth(face, parameters, faces) &
            *excess(face, forcing%open_zeta, z)*star_ad
          open_zeta_ad(i, j) = open_zeta_ad(i, j) - face%outward &
            *wave_speed(face, parameters, faces)*star_ad
        end if
        star_ad = 0.0_wp
      end associate
    end subroutine one

  end subroutine boundary_transports_ad

  !> sqrt(g H) [m s-1] at a boundary face.
  pure real(wp) function wave_speed(face, parameters, faces)
    type(boundary_face_t), intent(in) :: face
    type(swe_parameters_t), intent(in) :: parameters
    type(face_momentum_t), intent(in) :: faces

    wave_speed = sqrt(parameters%gravity*faces%h(face%i, face%j))
  end function wave_speed

  !> Its derivative with respect to H [s-1]; zero where the face is dry.
  pure real(wp) function speed_by_depth(face, parameters, faces)
    type(boundary_face_t), intent(in) :: face
    type(swe_parameters_t), intent(in) :: parameters
    type(face_momentum_t), intent(in) :: faces

    speed_by_depth = 0.0_wp
    if (faces%h(face%i, face%j) > 0.0_wp) speed_by_depth = 0.5_wp*parameters%gravity &
      /wave_speed(face, parameters, faces)
  end function speed_by_depth

  !> External less inner elevation at a radiating face [m].
  pure real(wp) function excess(face, open_zeta, z)
    type(boundary_face_t), intent(in) :: face
    real(wp), intent(in), contiguous, optional :: open_zeta(1 - lead:, 1 - halo:)
      !! of the forcing, else zero [m]
    real(wp), intent(in), contiguous :: z(1 - lead:, 1 - halo:) !! new elevation [m]

    excess = -z(face%i_inside, face%j_inside)
    if (present(open_zeta)) excess = excess + open_zeta(face%i_outside, face%j_outside)
  end function excess

  !> What a change of the prescribed elevations adds to the system.
  subroutine fix_elevations_tl(grid, parameters, east, north, open_zeta_tl, r)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(face_momentum_t), intent(in) :: east, north                       !! of the step
    real(wp), intent(in), contiguous :: open_zeta_tl(1 - lead:, 1 - halo:) !! [m]
    real(wp), intent(inout), contiguous :: r(1 - lead:, 1 - halo:) !! right-hand side [m3]

    real(wp) :: couplings(4)
    integer :: i, j, k

    do k = 1, size(grid%fixed, 2)
      i = grid%fixed(1, k)
      j = grid%fixed(2, k)
      couplings = couplings_of(grid, parameters, east, north, i, j)
      r(i - 1, j) = r(i - 1, j) + couplings(1)*open_zeta_tl(i, j)
      r(i + 1, j) = r(i + 1, j) + couplings(2)*open_zeta_tl(i, j)
      r(i, j - 1) = r(i, j - 1) + couplings(3)*open_zeta_tl(i, j)
      r(i, j + 1) = r(i, j + 1) + couplings(4)*open_zeta_tl(i, j)
    end do
    do k = 1, size(grid%fixed, 2)
      i = grid%fixed(1, k)
      j = grid%fixed(2, k)
      r(i, j) = grid%area(j)*open_zeta_tl(i, j)
    end do
  end subroutine fix_elevations_tl

  !> Transpose of `fix_elevations_tl`: `r_ad` of the fixed cells becomes zero.
  subroutine fix_elevations_ad(grid, parameters, east, north, r_ad, open_zeta_ad)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(face_momentum_t), intent(in) :: east, north                  !! of the step
    real(wp), intent(inout), contiguous :: r_ad(1 - lead:, 1 - halo:) !! zero in the halo
    real(wp), intent(inout), contiguous :: open_zeta_ad(1 - lead:, 1 - halo:) !! added to

    integer :: i, j, k

    do k = 1, size(grid%fixed, 2)
      i = grid%fixed(1, k)
      j = grid%fixed(2, k)
      open_zeta_ad(i, j) = open_zeta_ad(i, j) + grid%area(j)*r_ad(i, j)
      r_ad(i, j) = 0.0_wp
    end do
    do k = 1, size(grid%fixed, 2)
      i = grid%fixed(1, k)
      j = grid%fixed(2, k)
      open_zeta_ad(i, j) = open_zeta_ad(i, j) &
        + dot_product(couplings_of(grid, parameters, east, north, i, j), &
        [r_ad(i - 1, j), r_ad(i + 1, j), r_ad(i, j - 1), r_ad(i, j + 1)])
    end do
  end subroutine fix_elevations_ad

  !> Couplings of a cell to the west, east, south, north [m2], as before they were moved to
  !> the right-hand side; only those to cells of the block matter.
  pure function couplings_of(grid, parameters, east, north, i, j) result(couplings)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(face_momentum_t), intent(in) :: east, north !! of the step
    integer, intent(in) :: i, j                      !! the cell
    real(wp) :: couplings(4)

    real(wp) :: factor

    factor = (parameters%theta*parameters%dt)**2*parameters%gravity
    couplings(1) = factor*grid%dy/grid%dx(j)*east%h(i - 1, j)*east%friction(i - 1, j)
    couplings(2) = factor*grid%dy/grid%dx(j)*east%h(i, j)*east%friction(i, j)
    couplings(3) = factor*grid%dx_v(j - 1)/grid%dy*north%h(i, j - 1) &
      *north%friction(i, j - 1)
    couplings(4) = factor*grid%dx_v(j)/grid%dy*north%h(i, j)*north%friction(i, j)
  end function couplings_of

  !> Add to the transports of radiating faces what the change of the new elevation drives.
  subroutine radiated_transports_tl(grid, parameters, z_tl, east, north, u_tl, v_tl)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: z_tl(1 - lead:, 1 - halo:)    !! [m]
    type(face_momentum_t), intent(in) :: east, north                  !! of the step
    real(wp), intent(inout), contiguous :: u_tl(1 - lead:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(inout), contiguous :: v_tl(1 - lead:, 1 - halo:) !! [m2 s-1]

    integer :: k

    do k = 1, size(grid%boundary_u)
      call one(grid%boundary_u(k), east, u_tl)
    end do
    do k = 1, size(grid%boundary_v)
      call one(grid%boundary_v(k), north, v_tl)
    end do

  contains

    subroutine one(face, faces, transport_tl)
      type(boundary_face_t), intent(in) :: face
      type(face_momentum_t), intent(in) :: faces
      real(wp), intent(inout), contiguous :: transport_tl(1 - lead:, 1 - halo:)

      if (face%is_radiating) transport_tl(face%i, face%j) = transport_tl(face%i, face%j) &
        + face%outward*wave_speed(face, parameters, faces) &
        *z_tl(face%i_inside, face%j_inside)
    end subroutine one

  end subroutine radiated_transports_tl

  !> Transpose of `radiated_transports_tl`; `star` holds the sensitivity to the transports.
  subroutine radiated_transports_ad(grid, parameters, east, north, east_ad, north_ad, z_ad)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(face_momentum_t), intent(in) :: east, north      !! of the step
    type(face_changes_t), intent(in) :: east_ad, north_ad
    real(wp), intent(inout), contiguous :: z_ad(1 - lead:, 1 - halo:) !! added to

    integer :: k

    do k = 1, size(grid%boundary_u)
      call one(grid%boundary_u(k), east, east_ad)
    end do
    do k = 1, size(grid%boundary_v)
      call one(grid%boundary_v(k), north, north_ad)
    end do

  contains

    subroutine one(face, faces, faces_ad)
      type(boundary_face_t), intent(in) :: face
      type(face_momentum_t), intent(in) :: faces
      type(face_changes_t), intent(in) :: faces_ad

      associate (i => face%i_inside, j => face%j_inside)
        if (face%is_radiating) z_ad(i, j) = z_ad(i, j) + face%outward &
          *wave_speed(face, parameters, faces)*faces_ad%star(face%i, face%j)
      end associate
    end subroutine one

  end subroutine radiated_transports_ad

end module swe_boundaries_linearised
