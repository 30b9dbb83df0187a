! SPDX-License-Identifier: MIT
!> Rows of the explicit step: what one row of cells, or of north faces, needs while the step
!> passes over it.
!>
!> The step writes into the state it reads. A row of new elevations, and what the momentum
!> equations look at in neighbouring rows, is therefore kept here, in cache, until the row
!> and its southern neighbour are done: each field crosses memory once per step.
module swe_explicit_rows
  use swe_blocks, only: halo, lead
  use swe_grid, only: boundary_face_t, swe_grid_t
  use swe_kinds, only: wp
  use swe_momentum, only: drag_row, momentum_row, side_row
  use swe_parameters, only: face_linear, swe_parameters_t
  implicit none
  private
  public :: cell_row_t, elevation_row, face_row_t, fill_cells, fill_faces, plain_row, &
    step_u, step_v, sweep_row, water_inside, work_row_t

  !> A row of cells and of their east faces, at the new level of the elevation.
  type :: cell_row_t
    real(wp), allocatable :: zeta(:)   !! new elevation [m] (0:nx+1)
    real(wp), allocatable :: h(:)      !! water depth at east faces [m] (0:nx)
    real(wp), allocatable :: slope(:)  !! of the new elevation [1] (0:nx)
    real(wp), allocatable :: root(:)   !! sqrt(h) [m1/2] (0:nx)
    real(wp), allocatable :: scaled(:) !! old transport/sqrt(h) [m3/2 s-1] (0:nx)
  end type cell_row_t

  !> A row of north faces.
  type :: face_row_t
    real(wp), allocatable :: h(:)      !! water depth [m] (1:nx+1)
    real(wp), allocatable :: slope(:)  !! of the new elevation [1] (1:nx+1)
    real(wp), allocatable :: root(:)   !! sqrt(h) [m1/2] (1:nx+1)
    real(wp), allocatable :: scaled(:) !! old transport/sqrt(h) [m3/2 s-1] (1:nx+1)
  end type face_row_t

  !> Work arrays of the momentum equations (nx).
  type :: work_row_t
    real(wp), allocatable :: drag(:), extra(:), friction(:), share(:), star(:), weight(:)
  end type work_row_t

contains

  !> New elevation of row j, from the old one and the divergence of the old transports; what
  !> is prescribed stays prescribed.
  subroutine fill_cells(grid, parameters, depth_u, fixed, boundary, open_zeta, zeta, u, &
    v, j, is_plain, row)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: depth_u(1 - lead:, 1 - halo:) !! D at faces [m]
    integer, intent(in) :: fixed(:, :)                !! its cells of prescribed elevation
    type(boundary_face_t), intent(in) :: boundary(:)  !! its boundary faces
    real(wp), intent(in), contiguous, optional :: open_zeta(1 - lead:, 1 - halo:)
      !! elevation prescribed [m]
    real(wp), intent(in), contiguous :: zeta(1 - lead:, 1 - halo:) !! [m]
    real(wp), intent(in), contiguous :: u(1 - lead:, 1 - halo:)    !! [m2 s-1]
    real(wp), intent(in), contiguous :: v(1 - lead:, 1 - halo:)    !! [m2 s-1]
    integer, intent(in) :: j                          !! row
    logical, intent(in) :: is_plain                   !! only the elevation is needed
    type(cell_row_t), intent(inout) :: row            !! set

    integer :: k, nx

    nx = grid%block%nx
    call elevation_row(nx + 2, parameters%dt/grid%area(j), grid%dy, grid%dx_v(j), &
      grid%dx_v(j - 1), zeta(0:nx + 1, j), u(-1:nx + 1, j), v(0:nx + 1, j), &
      v(0:nx + 1, j - 1), row%zeta)
    do k = 1, size(fixed, 2)
      row%zeta(fixed(1, k)) = 0.0_wp
      if (present(open_zeta)) row%zeta(fixed(1, k)) = open_zeta(fixed(1, k), j)
    end do
    if (is_plain) return
    call depth_row(parameters, nx + 1, depth_u(0:nx, j), row%zeta(0:nx), &
      row%zeta(1:nx + 1), row%h)
    do k = 1, size(boundary)
      row%h(boundary(k)%i) = water_inside(grid, parameters, boundary(k), &
        row%zeta(boundary(k)%i_inside))
    end do
    call side_row(nx + 1, 1.0_wp/grid%dx(j), u(0:nx, j), row%h, row%zeta(0:nx), &
      row%zeta(1:nx + 1), grid%open_u(0:nx, j), row%root, row%scaled, row%slope)
  end subroutine fill_cells

  !> The north faces between two rows of cells.
  subroutine fill_faces(grid, parameters, depth_v, boundary, v, j, south, north, row)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: depth_v(1 - lead:, 1 - halo:) !! D at faces [m]
    type(boundary_face_t), intent(in) :: boundary(:)  !! its boundary faces
    real(wp), intent(in), contiguous :: v(1 - lead:, 1 - halo:)       !! [m2 s-1]
    integer, intent(in) :: j                     !! row
    type(cell_row_t), intent(in) :: south, north !! rows j and j + 1
    type(face_row_t), intent(inout) :: row       !! set

    integer :: k, nx

    nx = grid%block%nx
    call depth_row(parameters, nx + 1, depth_v(1:nx + 1, j), south%zeta(1:nx + 1), &
      north%zeta(1:nx + 1), row%h)
    do k = 1, size(boundary)
      associate (face => boundary(k))
        row%h(face%i) = water_inside(grid, parameters, face, merge(south%zeta(face%i), &
          north%zeta(face%i), face%j_inside == j))
      end associate
    end do
    call side_row(nx + 1, 1.0_wp/grid%dy, v(1:nx + 1, j), row%h, south%zeta(1:nx + 1), &
      north%zeta(1:nx + 1), grid%open_v(1:nx + 1, j), row%root, row%scaled, row%slope)
  end subroutine fill_faces

  !> Water at a boundary face: that of its inner cell [m].
  pure real(wp) function water_inside(grid, parameters, face, zeta)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(boundary_face_t), intent(in) :: face
    real(wp), intent(in) :: zeta !! of the inner cell [m]

    water_inside = grid%depth(face%i_inside, face%j_inside)
    if (parameters%face_depth /= face_linear) water_inside = max(0.0_wp, water_inside &
      + zeta)
  end function water_inside

  !> New U of row j. `south` and `north` are the faces of its cells.
  subroutine step_u(grid, parameters, j, stress, cells, south, north, work, u)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters !! with theta = 0
    integer, intent(in) :: j
    real(wp), intent(in), contiguous, optional :: stress(1 - lead:, 1 - halo:)
      !! at east faces [m2 s-2]
    type(cell_row_t), intent(in) :: cells
    type(face_row_t), intent(in) :: south, north
    type(work_row_t), intent(inout) :: work
    real(wp), intent(inout) :: u(:)                   !! advanced [m2 s-1] (nx)

    integer :: nx

    nx = size(u)
    call drag_row(parameters, nx, grid%drag_u(1:nx, j), cells%h(1:nx), work%drag)
    if (grid%has_fixed_cells) work%weight = grid%mean_u(1:nx, j)
    work%share = 0.0_wp
    if (grid%f_u(j) /= 0.0_wp) work%share = grid%share_u(1:nx, j)
    work%extra = 0.0_wp
    if (present(stress)) work%extra = stress(1:nx, j)
    call momentum_row(parameters, grid%f_u(j), nx, u, cells%h(1:nx), &
      cells%root(1:nx), cells%slope(1:nx), work%weight, south%scaled, north%scaled, &
      work%share, south%slope, north%slope, work%drag, work%extra, &
      work%friction, work%star)
    u(:) = work%star
  end subroutine step_u

  !> New V of row j. `south` and `north` are the cells at its faces.
  subroutine step_v(grid, parameters, j, stress, faces, south, north, work, v)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters !! with theta = 0
    integer, intent(in) :: j
    real(wp), intent(in), contiguous, optional :: stress(1 - lead:, 1 - halo:)
      !! at north faces [m2 s-2]
    type(face_row_t), intent(in) :: faces
    type(cell_row_t), intent(in) :: south, north
    type(work_row_t), intent(inout) :: work
    real(wp), intent(inout) :: v(:)                   !! advanced [m2 s-1] (nx)

    integer :: nx

    nx = size(v)
    call drag_row(parameters, nx, grid%drag_v(1:nx, j), faces%h(1:nx), work%drag)
    if (grid%has_fixed_cells) work%weight = grid%mean_v(1:nx, j)
    work%share = 0.0_wp
    if (grid%f_v(j) /= 0.0_wp) work%share = grid%share_v(1:nx, j)
    work%extra = 0.0_wp
    if (present(stress)) work%extra = stress(1:nx, j)
    call momentum_row(parameters, -grid%f_v(j), nx, v, faces%h(1:nx), &
      faces%root(1:nx), faces%slope(1:nx), work%weight, south%scaled, north%scaled, &
      work%share, south%slope, north%slope, work%drag, work%extra, &
      work%friction, work%star)
    v(:) = work%star
  end subroutine step_v

  !> New transports of one direction, linear and without rotation: what the step costs when
  !> nothing but gravity waves is left.
  pure subroutine plain_row(n, keep, factor, h, zeta, zeta_next, transport)
    integer, intent(in) :: n                  !! faces
    real(wp), intent(in) :: keep              !! 1/(1 + dt*r) [1]
    real(wp), intent(in) :: factor            !! g*dt over the distance of centres [s-1]
    real(wp), intent(in) :: h(n)              !! depth, 0 at closed faces [m]
    real(wp), intent(in) :: zeta(n)           !! new elevation [m]
    real(wp), intent(in) :: zeta_next(n)      !! on the other side of the face [m]
    real(wp), intent(inout) :: transport(n)   !! advanced [m2 s-1]

    integer :: i

    do i = 1, n
      transport(i) = keep*(transport(i) - factor*h(i)*(zeta_next(i) - zeta(i)))
    end do
  end subroutine plain_row

  !> New transports of a row and new elevation of the next one in a single loop, without
  !> rotation and quadratic drag: `plain_row` in both directions and `elevation_row`, with
  !> two thirds of their loads and stores.
  pure subroutine sweep_row(n, keep, factor_x, factor_y, h_u, h_v, zeta, u, v, factor, dy, &
    dx_north, dx_south, u_next, v_next, zeta_next)
    integer, intent(in) :: n                   !! cells of the row
    real(wp), intent(in) :: keep               !! 1/(1 + dt*r) [1]
    real(wp), intent(in) :: factor_x, factor_y !! g*dt over the distance of centres [s-1]
    real(wp), intent(in) :: h_u(n), h_v(n)     !! depth, 0 at closed faces [m]
    real(wp), intent(in) :: zeta(n + 1)        !! new elevation of the row [m]
    real(wp), intent(inout) :: u(n), v(n)      !! advanced [m2 s-1]
    real(wp), intent(in) :: factor             !! dt/area of the next row [s m-2]
    real(wp), intent(in) :: dy, dx_north, dx_south !! lengths of its faces [m]
    real(wp), intent(in) :: u_next(0:n), v_next(n) !! its old transports [m2 s-1]
    real(wp), intent(inout) :: zeta_next(n)    !! advanced [m]

    integer :: i

    do i = 1, n
      zeta_next(i) = zeta_next(i) - factor*(dy*(u_next(i) - u_next(i - 1)) &
        + dx_north*v_next(i) - dx_south*v(i))
      u(i) = keep*(u(i) - factor_x*h_u(i)*(zeta(i + 1) - zeta(i)))
      v(i) = keep*(v(i) - factor_y*h_v(i)*(zeta_next(i) - zeta(i)))
    end do
  end subroutine sweep_row

  !> zeta - dt/area*Div.
  pure subroutine elevation_row(n, factor, dy, dx_north, dx_south, zeta, u, v, v_south, &
    zeta_new)
    integer, intent(in) :: n                 !! cells
    real(wp), intent(in) :: factor           !! dt/area [s m-2]
    real(wp), intent(in) :: dy, dx_north, dx_south !! lengths of the faces [m]
    real(wp), intent(in) :: zeta(n)          !! [m]
    real(wp), intent(in) :: u(0:n)           !! [m2 s-1]
    real(wp), intent(in) :: v(n), v_south(n) !! [m2 s-1]
    real(wp), intent(inout) :: zeta_new(n)   !! set [m]

    integer :: i

    do i = 1, n
      zeta_new(i) = zeta(i) - factor*(dy*(u(i) - u(i - 1)) + dx_north*v(i) &
        - dx_south*v_south(i))
    end do
  end subroutine elevation_row

  !> Water at the faces: 0 where they are closed.
  pure subroutine depth_row(parameters, n, depth, zeta, zeta_next, h)
    type(swe_parameters_t), intent(in) :: parameters
    integer, intent(in) :: n                        !! faces
    real(wp), intent(in) :: depth(n)                !! mean of D, 0 at closed faces [m]
    real(wp), intent(in) :: zeta(n), zeta_next(n)   !! on both sides [m]
    real(wp), intent(inout) :: h(n)                 !! set [m]

    real(wp) :: least, share, water
    integer :: i

    least = parameters%min_depth
    share = merge(0.0_wp, 0.5_wp, parameters%face_depth == face_linear)
    do i = 1, n
      water = depth(i) + share*(zeta(i) + zeta_next(i))
      h(i) = merge(merge(water, 0.0_wp, water >= least), 0.0_wp, depth(i) > 0.0_wp)
    end do
  end subroutine depth_row

end module swe_explicit_rows
