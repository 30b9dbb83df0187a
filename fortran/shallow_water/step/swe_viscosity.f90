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
  use swe_rows, only: is_large, rows_of_thread
  implicit none
  private
  public :: set_viscosity, viscosity_number

contains

  !> A*dt*(1/dx**2 + 1/dy**2) of the narrowest row: stable up to 1/2.
  pure real(wp) function viscosity_number(grid, parameters)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters

    viscosity_number = parameters%viscosity*parameters%dt*(1.0_wp/grid%dy**2 &
      + 1.0_wp/minval(grid%dx(1:grid%block%ny))**2)
  end function viscosity_number

  !> X and Y of the friction between neighbouring columns of water, at the block's faces.
  subroutine set_viscosity(grid, parameters, east, north)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(face_momentum_t), intent(inout) :: east, north !! `extra` is set

    call set_one(grid, parameters, grid%dx_v, grid%dx, 0, east)
    call set_one(grid, parameters, grid%dx, grid%dx_v, 1, north)
  end subroutine set_viscosity

  !> The same for one direction. Of the two faces that share a flux each has it with its own
  !> sign: the fluxes to the north of a row are kept for the next one.
  subroutine set_one(grid, parameters, dx_edge, dx_face, shift, faces)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in) :: dx_edge(1 - halo:) !! length of the edges between two rows [m]
    real(wp), intent(in) :: dx_face(1 - halo:) !! distance of the faces of a row [m]
    integer, intent(in) :: shift !! the edge between rows j and j + 1 is dx_edge(j + shift)
    type(face_momentum_t), intent(inout) :: faces

    real(wp) :: across, fluxes(grid%block%nx, 0:1), per_north, per_south, wall
    integer :: first, j, last, n

    n = grid%block%nx
    wall = merge(2.0_wp, 0.0_wp, parameters%no_slip)
    !$omp parallel private(across, first, fluxes, j, last, per_north, per_south) &
    !$omp& if (is_large(grid%block))
    call rows_of_thread(grid%block%ny, first, last)
    do j = first - 1, merge(last, first - 2, first <= last)
      call flux_row(n, wall*(1 - shift), faces%h(1:n, j), faces%velocity(1:n, j), &
        faces%h(1:n, j + 1), faces%velocity(1:n, j + 1), fluxes(:, modulo(j, 2)))
      if (j < first) cycle
      across = parameters%viscosity/dx_face(j)**2
      per_north = parameters%viscosity*dx_edge(j + shift)/(dx_face(j)*grid%dy**2)
      per_south = parameters%viscosity*dx_edge(j - 1 + shift)/(dx_face(j)*grid%dy**2)
      call balance_row(n, wall*shift, across, per_north, per_south, &
        faces%h(0:n + 1, j), faces%velocity(0:n + 1, j), fluxes(:, modulo(j, 2)), &
        fluxes(:, modulo(j - 1, 2)), faces%extra(1:n, j))
    end do
    !$omp end parallel
  end subroutine set_one

  !> Fluxes between the faces of two rows.
  pure subroutine flux_row(n, wall, h, u, h_other, u_other, flux)
    integer, intent(in) :: n
    real(wp), intent(in) :: wall                      !! as in `held`
    real(wp), dimension(n), intent(in) :: h, h_other  !! [m]
    real(wp), dimension(n), intent(in) :: u, u_other  !! [m s-1]
    real(wp), intent(inout) :: flux(n)                !! set [m2 s-1]

    integer :: i

    do i = 1, n
      flux(i) = held(h(i), h_other(i), wall)*(u_other(i) - u(i))
    end do
  end subroutine flux_row

  !> What the fluxes around each face of a row leave there.
  pure subroutine balance_row(n, wall, across, per_north, per_south, h, u, north, south, &
    extra)
    integer, intent(in) :: n
    real(wp), intent(in) :: wall                      !! as in `held`
    real(wp), intent(in) :: across, per_north, per_south !! weights of the fluxes [s-1]
    real(wp), dimension(0:n + 1), intent(in) :: h, u  !! of the row [m], [m s-1]
    real(wp), dimension(n), intent(in) :: north, south !! fluxes [m2 s-1]
    real(wp), intent(inout) :: extra(n)               !! set [m2 s-2]

    integer :: i

    do i = 1, n
      extra(i) = across*(held(h(i), h(i + 1), wall)*(u(i + 1) - u(i)) &
        - held(h(i - 1), h(i), wall)*(u(i) - u(i - 1))) + per_north*north(i) &
        - per_south*south(i)
    end do
  end subroutine balance_row

  !> The depth that a difference of velocity acts on between two faces. A face without water
  !> has no velocity: a coast, which takes `wall` times the depth of the other.
  elemental real(wp) function held(h, h_other, wall)
    real(wp), intent(in) :: h, h_other !! [m]
    real(wp), intent(in) :: wall       !! 2 if the coast holds the water, else 0

    held = merge(min(h, h_other), wall*max(h, h_other), min(h, h_other) > 0.0_wp)
  end function held

end module swe_viscosity
