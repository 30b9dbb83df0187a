! SPDX-License-Identifier: MIT
!> Tangent-linear and adjoint of swe_viscosity.
!>
!> Which of two faces is the shallower one is taken from the step. The adjoint scatters to
!> neighbouring rows and so runs on one thread; it is a small part of a step.
module swe_viscosity_linearised
  use swe_blocks, only: halo
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_momentum, only: face_momentum_t
  use swe_momentum_linearised, only: face_changes_t
  use swe_parameters, only: swe_parameters_t
  implicit none
  private
  public :: add_viscosity_ad, add_viscosity_tl

  integer, parameter :: i_step(4) = [1, -1, 0, 0] !! to the neighbours of a face
  integer, parameter :: j_step(4) = [0, 0, 1, -1]

contains

  !> Change of the viscous X and Y with depths and velocities.
  subroutine add_viscosity_tl(grid, parameters, east, north, east_tl, north_tl)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(face_momentum_t), intent(in) :: east, north         !! of the step
    type(face_changes_t), intent(inout) :: east_tl, north_tl !! `extra` is changed

    call add_to(grid%dx_v, grid%dx, 0, east, east_tl)
    call add_to(grid%dx, grid%dx_v, 1, north, north_tl)

  contains

    subroutine add_to(dx_edge, dx_face, shift, faces, faces_tl)
      real(wp), intent(in) :: dx_edge(1 - halo:), dx_face(1 - halo:) !! [m]
      integer, intent(in) :: shift
      type(face_momentum_t), intent(in) :: faces
      type(face_changes_t), intent(inout) :: faces_tl

      real(wp) :: by(4), factors(4), walls(4)
      integer :: i, j, k

      do j = 1, grid%block%ny
        call row_factors(grid, parameters, dx_edge, dx_face, shift, j, factors, walls)
        do i = 1, grid%block%nx
          do k = 1, 4
            associate (m => i + i_step(k), n => j + j_step(k))
              by = factors(k)*drag_gradient(faces%h(i, j), faces%velocity(i, j), &
                faces%h(m, n), faces%velocity(m, n), walls(k))
              faces_tl%extra(i, j) = faces_tl%extra(i, j) + by(1)*faces_tl%h(i, j) &
                + by(2)*faces_tl%velocity(i, j) + by(3)*faces_tl%h(m, n) &
                + by(4)*faces_tl%velocity(m, n)
            end associate
          end do
        end do
      end do
    end subroutine add_to

  end subroutine add_viscosity_tl

  !> Transpose of `add_viscosity_tl`.
  subroutine add_viscosity_ad(grid, parameters, east, north, east_ad, north_ad)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(face_momentum_t), intent(in) :: east, north !! of the step
    type(face_changes_t), intent(inout) :: east_ad, north_ad
      !! `extra` on the block's faces comes in, `h` and `velocity` are added to

    call add_to(grid%dx_v, grid%dx, 0, east, east_ad)
    call add_to(grid%dx, grid%dx_v, 1, north, north_ad)

  contains

    subroutine add_to(dx_edge, dx_face, shift, faces, faces_ad)
      real(wp), intent(in) :: dx_edge(1 - halo:), dx_face(1 - halo:) !! [m]
      integer, intent(in) :: shift
      type(face_momentum_t), intent(in) :: faces
      type(face_changes_t), intent(inout) :: faces_ad

      real(wp) :: by(4), factors(4), walls(4)
      integer :: i, j, k

      do j = 1, grid%block%ny
        call row_factors(grid, parameters, dx_edge, dx_face, shift, j, factors, walls)
        do i = 1, grid%block%nx
          do k = 1, 4
            associate (m => i + i_step(k), n => j + j_step(k))
              by = factors(k)*faces_ad%extra(i, j)*drag_gradient(faces%h(i, j), &
                faces%velocity(i, j), faces%h(m, n), faces%velocity(m, n), walls(k))
              faces_ad%h(i, j) = faces_ad%h(i, j) + by(1)
              faces_ad%velocity(i, j) = faces_ad%velocity(i, j) + by(2)
              faces_ad%h(m, n) = faces_ad%h(m, n) + by(3)
              faces_ad%velocity(m, n) = faces_ad%velocity(m, n) + by(4)
            end associate
          end do
        end do
      end do
    end subroutine add_to

  end subroutine add_viscosity_ad

  !> Factors of the friction with the four neighbours [s-1], and 2 where a coast holds.
  pure subroutine row_factors(grid, parameters, dx_edge, dx_face, shift, j, factors, walls)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in) :: dx_edge(1 - halo:) !! as in `set_viscosity` [m]
    real(wp), intent(in) :: dx_face(1 - halo:) !! [m]
    integer, intent(in) :: shift, j            !! as there; row
    real(wp), intent(out) :: factors(4), walls(4)

    real(wp) :: wall

    wall = merge(2.0_wp, 0.0_wp, parameters%no_slip)
    factors(1:2) = parameters%viscosity/dx_face(j)**2
    factors(3) = parameters%viscosity*dx_edge(j + shift)/(dx_face(j)*grid%dy**2)
    factors(4) = parameters%viscosity*dx_edge(j - 1 + shift)/(dx_face(j)*grid%dy**2)
    walls(1:2) = wall*shift
    walls(3:4) = wall*(1 - shift)
  end subroutine row_factors

  !> Gradient of H times the difference of velocity with respect to the depth and velocity
  !> of the face, and of its neighbour.
  pure function drag_gradient(h, u, h_other, u_other, wall) result(by)
    real(wp), intent(in) :: h, u, h_other, u_other !! [m], [m s-1]
    real(wp), intent(in) :: wall                   !! 2 if the coast holds the water, else 0
    real(wp) :: by(4)

    if (.not. h_other > 0.0_wp) then
      by = [-wall*u, -wall*h, 0.0_wp, 0.0_wp]
    else if (h <= h_other) then
      by = [u_other - u, -h, 0.0_wp, h]
    else
      by = [0.0_wp, -h_other, u_other - u, h_other]
    end if
  end function drag_gradient

end module swe_viscosity_linearised
