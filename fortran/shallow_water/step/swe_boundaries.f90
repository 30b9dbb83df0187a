! SPDX-License-Identifier: MIT
!> Open boundaries in the semi-implicit step.
!>
!> Prescribed elevation: the cell's row of the system becomes area*z = area*zeta_b, and its
!> known elevation moves to the right-hand sides of its neighbours, so that the matrix stays
!> symmetric. Prescribed transport: a known flux. Radiation (Flather 1976): the outward
!> transport through the face is
!>
!>     U_b = U_ext + sqrt(g H)*(z - zeta_ext)
!>
!> with the new elevation z of the inner cell: implicit, so it adds to the diagonal and sets
!> no limit to the time step.
module swe_boundaries
  use swe_blocks, only: halo, lead
  use swe_five_point, only: five_point_t
  use swe_grid, only: boundary_face_t, swe_grid_t
  use swe_kinds, only: wp
  use swe_momentum, only: face_momentum_t
  use swe_parameters, only: swe_parameters_t
  use swe_state, only: swe_forcing_t
  implicit none
  private
  public :: boundary_diagonal, fix_elevations, known_transports, radiate

contains

  !> Provisional transports of the boundary faces: what is known of them before the solve.
  subroutine known_transports(grid, parameters, forcing, east, north)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_forcing_t), intent(in) :: forcing
    type(face_momentum_t), intent(inout) :: east, north !! set at boundary faces

    integer :: k

    do k = 1, size(grid%boundary_u)
      call known_transport(grid%boundary_u(k), parameters, forcing%open_u, &
        forcing%open_zeta, east)
    end do
    do k = 1, size(grid%boundary_v)
      call known_transport(grid%boundary_v(k), parameters, forcing%open_v, &
        forcing%open_zeta, north)
    end do
  end subroutine known_transports

  !> The same for one face. A forcing that is not allocated is zero.
  subroutine known_transport(face, parameters, open_transport, open_zeta, faces)
    type(boundary_face_t), intent(in) :: face
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous, optional :: open_transport(1 - lead:, 1 - halo:)
      !! [m2 s-1]
    real(wp), intent(in), contiguous, optional :: open_zeta(1 - lead:, 1 - halo:) !! [m]
    type(face_momentum_t), intent(inout) :: faces             !! `star` is set

    faces%friction(face%i, face%j) = 0.0_wp ! no slope drives it
    faces%star(face%i, face%j) = 0.0_wp
    if (present(open_transport)) then
      faces%star(face%i, face%j) = open_transport(face%i, face%j)
    end if
    if (face%is_radiating .and. present(open_zeta)) then
      faces%star(face%i, face%j) = faces%star(face%i, face%j) - face%outward &
        *wave_speed(face, parameters, faces)*open_zeta(face%i_outside, face%j_outside)
    end if
  end subroutine known_transport

  !> sqrt(g H) [m s-1] at a boundary face.
  pure real(wp) function wave_speed(face, parameters, faces)
    type(boundary_face_t), intent(in) :: face
    type(swe_parameters_t), intent(in) :: parameters
    type(face_momentum_t), intent(in) :: faces

    wave_speed = sqrt(parameters%gravity*faces%h(face%i, face%j))
  end function wave_speed

  !> Add to the diagonal what radiates through a cell's faces.
  subroutine boundary_diagonal(grid, parameters, east, north, matrix)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(face_momentum_t), intent(in) :: east, north
    type(five_point_t), intent(inout) :: matrix

    integer :: k

    do k = 1, size(grid%boundary_u)
      associate (face => grid%boundary_u(k))
        if (face%is_radiating) call add(face, grid%dy, east)
      end associate
    end do
    do k = 1, size(grid%boundary_v)
      associate (face => grid%boundary_v(k))
        if (face%is_radiating) call add(face, grid%dx_v(face%j), north)
      end associate
    end do

  contains

    subroutine add(face, length, faces)
      type(boundary_face_t), intent(in) :: face
      real(wp), intent(in) :: length !! of the face [m]
      type(face_momentum_t), intent(in) :: faces

      matrix%diagonal(face%i_inside, face%j_inside) = matrix%diagonal(face%i_inside, &
        face%j_inside) + parameters%theta*parameters%dt*length*wave_speed(face, &
        parameters, faces)
    end subroutine add

  end subroutine boundary_diagonal

  !> Move prescribed elevations to the right-hand side; give them to cells outside too.
  subroutine fix_elevations(grid, open_zeta, matrix, b)
    type(swe_grid_t), intent(in) :: grid
    real(wp), intent(in), contiguous, optional :: open_zeta(1 - lead:, 1 - halo:)
      !! of the forcing, else zero [m]
    type(five_point_t), intent(inout) :: matrix
    real(wp), intent(inout), contiguous :: b(1 - lead:, 1 - halo:) !! [m3]

    real(wp) :: fixed
    integer :: i, j, k

    do k = 1, size(grid%fixed, 2)
      i = grid%fixed(1, k)
      j = grid%fixed(2, k)
      fixed = 0.0_wp
      if (present(open_zeta)) fixed = open_zeta(i, j)
      b(i - 1, j) = b(i - 1, j) + matrix%east(i - 1, j)*fixed
      b(i + 1, j) = b(i + 1, j) + matrix%east(i, j)*fixed
      b(i, j - 1) = b(i, j - 1) + matrix%north(i, j - 1)*fixed
      b(i, j + 1) = b(i, j + 1) + matrix%north(i, j)*fixed
      matrix%east(i - 1:i, j) = 0.0_wp
      matrix%north(i, j - 1:j) = 0.0_wp
    end do
    do k = 1, size(grid%fixed, 2)
      i = grid%fixed(1, k)
      j = grid%fixed(2, k)
      matrix%diagonal(i, j) = grid%area(j)
      b(i, j) = 0.0_wp
      if (present(open_zeta)) b(i, j) = grid%area(j)*open_zeta(i, j)
    end do
    call fix_outside(grid, open_zeta, grid%boundary_u, b)
    call fix_outside(grid, open_zeta, grid%boundary_v, b)
  end subroutine fix_elevations

  !> Without this a cell outside would gather what leaves through its face.
  subroutine fix_outside(grid, open_zeta, faces, b)
    type(swe_grid_t), intent(in) :: grid
    real(wp), intent(in), contiguous, optional :: open_zeta(1 - lead:, 1 - halo:) !! [m]
    type(boundary_face_t), intent(in) :: faces(:)
    real(wp), intent(inout), contiguous :: b(1 - lead:, 1 - halo:) !! [m3]

    integer :: k

    do k = 1, size(faces)
      associate (i => faces(k)%i_outside, j => faces(k)%j_outside)
        b(i, j) = 0.0_wp
        if (present(open_zeta)) b(i, j) = grid%area(j)*open_zeta(i, j)
      end associate
    end do
  end subroutine fix_outside

  !> Add to the provisional transports of radiating faces what the new elevation drives.
  subroutine radiate(grid, parameters, z, east, north)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: z(1 - lead:, 1 - halo:) !! new elevation [m]
    type(face_momentum_t), intent(inout) :: east, north         !! `star` is changed

    call through(grid%boundary_u, east)
    call through(grid%boundary_v, north)

  contains

    subroutine through(boundary, faces)
      type(boundary_face_t), intent(in) :: boundary(:)
      type(face_momentum_t), intent(inout) :: faces

      integer :: k

      do k = 1, size(boundary)
        associate (face => boundary(k))
          if (face%is_radiating) faces%star(face%i, face%j) = faces%star(face%i, face%j) &
            + face%outward*wave_speed(face, parameters, faces) &
            *z(face%i_inside, face%j_inside)
        end associate
      end do
    end subroutine through

  end subroutine radiate

end module swe_boundaries
