! SPDX-License-Identifier: MIT
!> Horizontal eddy viscosity.
!>
!>     X = d/dx(A*H*du/dx) + d/dy(A*H*du/dy)
!>
!> and alike for Y, u = U/H. The flux is that of velocity, not of transport: water that
!> moves at one speed over a varying bottom feels nothing, momentum is conserved, kinetic
!> energy falls. Between two faces H is the smaller of theirs, so that the limit of the
!> explicit step,
!>
!>     A*dt*(1/dx**2 + 1/dy**2) <= 1/2,
!>
!> holds over any bottom. A coast lets the water slip, or holds it (`no_slip`): then the
!> velocity falls to zero over half a cell.
module swe_viscosity
  use swe_blocks, only: halo
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_momentum, only: face_momentum_t
  use swe_parameters, only: swe_parameters_t
  use swe_rows, only: is_large
  implicit none
  private
  public :: add_viscosity, viscosity_number

contains

  !> A*dt*(1/dx**2 + 1/dy**2) of the narrowest row: stable up to 1/2.
  pure real(wp) function viscosity_number(grid, parameters)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters

    viscosity_number = parameters%viscosity*parameters%dt*(1.0_wp/grid%dy**2 &
      + 1.0_wp/minval(grid%dx(1:grid%block%ny))**2)
  end function viscosity_number

  !> Add the friction between neighbouring columns of water to X and Y at the block's faces.
  subroutine add_viscosity(grid, parameters, east, north)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(face_momentum_t), intent(inout) :: east, north !! `extra` is changed

    call add_to(grid, parameters, grid%dx_v, grid%dx, 0, east)
    call add_to(grid, parameters, grid%dx, grid%dx_v, 1, north)
  end subroutine add_viscosity

  !> The same for one direction.
  subroutine add_to(grid, parameters, dx_edge, dx_face, shift, faces)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in) :: dx_edge(1 - halo:) !! length of the edges between two rows [m]
    real(wp), intent(in) :: dx_face(1 - halo:) !! distance of the faces of a row [m]
    integer, intent(in) :: shift !! the edge between rows j and j + 1 is dx_edge(j + shift)
    type(face_momentum_t), intent(inout) :: faces

    real(wp) :: across, along_north, along_south, wall
    integer :: i, j

    wall = merge(2.0_wp, 0.0_wp, parameters%no_slip)
    associate (u => faces%velocity, h => faces%h)
      !$omp parallel do private(i, across, along_north, along_south) &
      !$omp& if (is_large(grid%block))
      do j = 1, grid%block%ny
        across = parameters%viscosity/dx_face(j)**2
        along_north = parameters%viscosity*dx_edge(j + shift)/(dx_face(j)*grid%dy**2)
        along_south = parameters%viscosity*dx_edge(j - 1 + shift)/(dx_face(j)*grid%dy**2)
        do i = 1, grid%block%nx
          faces%extra(i, j) = faces%extra(i, j) &
            + across*(drag(h(i, j), u(i, j), h(i + 1, j), u(i + 1, j), wall*shift) &
            + drag(h(i, j), u(i, j), h(i - 1, j), u(i - 1, j), wall*shift)) &
            + along_north*drag(h(i, j), u(i, j), h(i, j + 1), u(i, j + 1), &
            wall*(1 - shift)) &
            + along_south*drag(h(i, j), u(i, j), h(i, j - 1), u(i, j - 1), wall*(1 - shift))
        end do
      end do
    end associate
  end subroutine add_to

  !> H times the difference of velocity to a neighbouring face, or to the coast.
  elemental real(wp) function drag(h, u, h_other, u_other, wall)
    real(wp), intent(in) :: h, u             !! depth [m] and velocity [m s-1] of the face
    real(wp), intent(in) :: h_other, u_other !! of its neighbour
    real(wp), intent(in) :: wall             !! 2 if the coast holds the water, else 0

    drag = merge(min(h, h_other)*(u_other - u), -wall*h*u, h_other > 0.0_wp)
  end function drag

end module swe_viscosity
