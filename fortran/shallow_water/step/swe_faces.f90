! SPDX-License-Identifier: MIT
!> Water depth and surface slope at the faces of the C grid, at the old time level.
!>
!>     H = mean of D                          (linear equations)
!>     H = mean of D + zeta                   (Backhaus 1983)
!>     H = zeta upstream + the smaller D      (Stelling and Duinmeijer 2003)
!>
!> A face with less water than `min_depth` is closed in this step: H = 0. On a boundary face
!> H is the depth of its inner cell. All faces that a block's own faces look at are set, so
!> that nothing but the state needs an exchange.
module swe_faces
  use swe_blocks, only: halo, lead
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_parameters, only: face_linear, face_upwind, swe_parameters_t
  use swe_rows, only: is_large
  use swe_state, only: swe_state_t
  implicit none
  private
  public :: add_head_slopes, face_depths, slope_row, surface_slopes

contains

  !> H at east and north faces.
  subroutine face_depths(grid, parameters, state, h_u, h_v)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_state_t), intent(in) :: state
    real(wp), intent(inout), contiguous :: h_u(1 - lead:, 1 - halo:) !! set, east faces [m]
    real(wp), intent(inout), contiguous :: h_v(1 - lead:, 1 - halo:) !! set, north faces [m]

    integer :: j

    !$omp parallel do if (is_large(grid%block))
    do j = 0, grid%block%ny + 1
      call row_depths(parameters, grid%depth(:, j), grid%depth(:, j), state%zeta(:, j), &
        state%zeta(:, j), state%u(:, j), grid%open_u(:, j), 1, h_u(:, j))
      call row_depths(parameters, grid%depth(:, j), grid%depth(:, j + 1), &
        state%zeta(:, j), state%zeta(:, j + 1), state%v(:, j), grid%open_v(:, j), 0, &
        h_v(:, j))
    end do
    call boundary_depths(grid, state%zeta, h_u, h_v)
  end subroutine face_depths

  !> H at the faces of one row.
  pure subroutine row_depths(parameters, depth, depth_next, zeta, zeta_next, transport, &
    open, shift, h)
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: depth(:)      !! D in cells of the row [m]
    real(wp), intent(in), contiguous :: depth_next(:) !! D in the row of the other cells [m]
    real(wp), intent(in), contiguous :: zeta(:)       !! [m]
    real(wp), intent(in), contiguous :: zeta_next(:)  !! [m]
    real(wp), intent(in), contiguous :: transport(:)  !! through the faces [m2 s-1]
    real(wp), intent(in), contiguous :: open(:)       !! 1 if the face is open
    integer, intent(in) :: shift                      !! the other cell is this far eastward
    real(wp), intent(inout), contiguous :: h(:)       !! set [m]

    real(wp) :: water
    integer :: i

    select case (parameters%face_depth)
    case (face_linear)
      do i = 1, size(h) - shift
        water = 0.5_wp*(depth(i) + depth_next(i + shift))
        h(i) = merge(open(i)*water, 0.0_wp, water >= parameters%min_depth)
      end do
    case (face_upwind)
      do i = 1, size(h) - shift
        water = min(depth(i), depth_next(i + shift)) + upstream(transport(i), zeta(i), &
          zeta_next(i + shift))
        h(i) = merge(open(i)*water, 0.0_wp, water >= parameters%min_depth)
      end do
    case default
      do i = 1, size(h) - shift
        water = 0.5_wp*(depth(i) + zeta(i) + depth_next(i + shift) + zeta_next(i + shift))
        h(i) = merge(open(i)*water, 0.0_wp, water >= parameters%min_depth)
      end do
    end select
  end subroutine row_depths

  !> Elevation on the side the water comes from; the higher one if it does not move.
  elemental real(wp) function upstream(transport, zeta, zeta_next)
    real(wp), intent(in) :: transport, zeta, zeta_next

    if (transport > 0.0_wp) then
      upstream = zeta
    else if (transport < 0.0_wp) then
      upstream = zeta_next
    else
      upstream = max(zeta, zeta_next)
    end if
  end function upstream

  !> Boundary faces take the depth of their inner cell.
  subroutine boundary_depths(grid, zeta, h_u, h_v)
    type(swe_grid_t), intent(in) :: grid
    real(wp), intent(in), contiguous :: zeta(1 - lead:, 1 - halo:)
    real(wp), intent(inout), contiguous :: h_u(1 - lead:, 1 - halo:)
    real(wp), intent(inout), contiguous :: h_v(1 - lead:, 1 - halo:)

    integer :: k

    do k = 1, size(grid%nearby_u)
      associate (i => grid%nearby_u(k)%i, j => grid%nearby_u(k)%j, &
        i_in => grid%nearby_u(k)%i_inside, j_in => grid%nearby_u(k)%j_inside)
        h_u(i, j) = max(0.0_wp, grid%depth(i_in, j_in) + zeta(i_in, j_in))
      end associate
    end do
    do k = 1, size(grid%nearby_v)
      associate (i => grid%nearby_v(k)%i, j => grid%nearby_v(k)%j, &
        i_in => grid%nearby_v(k)%i_inside, j_in => grid%nearby_v(k)%j_inside)
        h_v(i, j) = max(0.0_wp, grid%depth(i_in, j_in) + zeta(i_in, j_in))
      end associate
    end do
  end subroutine boundary_depths

  !> Slope of the surface, and of a head, at open faces that hold water, zero at the others.
  subroutine surface_slopes(grid, zeta, head, h_u, h_v, slope_u, slope_v)
    type(swe_grid_t), intent(in) :: grid
    real(wp), intent(in), contiguous :: zeta(1 - lead:, 1 - halo:) !! at centres [m]
    real(wp), intent(in), contiguous, optional :: head(1 - lead:, 1 - halo:) !! likewise
    real(wp), intent(in), contiguous :: h_u(1 - lead:, 1 - halo:)  !! water at faces [m]
    real(wp), intent(in), contiguous :: h_v(1 - lead:, 1 - halo:)  !! water at faces [m]
    real(wp), intent(inout), contiguous :: slope_u(1 - lead:, 1 - halo:) !! set [1]
    real(wp), intent(inout), contiguous :: slope_v(1 - lead:, 1 - halo:) !! set [1]

    integer :: j, last

    last = grid%block%nx + 1
    !$omp parallel do if (is_large(grid%block))
    do j = 0, grid%block%ny + 1
      call slope_rows(grid, j, zeta, head, h_u(0:last, j), h_v(0:last, j), &
        slope_u(0:last, j), slope_v(0:last, j))
    end do
  end subroutine surface_slopes

  !> The same in row j, faces 0:nx+1.
  subroutine slope_rows(grid, j, zeta, head, h_u, h_v, slope_u, slope_v)
    type(swe_grid_t), intent(in) :: grid
    integer, intent(in) :: j
    real(wp), intent(in), contiguous :: zeta(1 - lead:, 1 - halo:) !! at centres [m]
    real(wp), intent(in), contiguous, optional :: head(1 - lead:, 1 - halo:) !! likewise
    real(wp), intent(in), dimension(0:grid%block%nx + 1) :: h_u, h_v !! water at faces [m]
    real(wp), intent(inout), dimension(0:grid%block%nx + 1) :: slope_u, slope_v !! set [1]

    integer :: n

    n = grid%block%nx + 2
    call slope_row(n, zeta(0:n - 1, j), zeta(1:n, j), grid%open_u(0:n - 1, j), grid%dx(j), &
      h_u, slope_u)
    call slope_row(n, zeta(0:n - 1, j), zeta(0:n - 1, j + 1), grid%open_v(0:n - 1, j), &
      grid%dy, h_v, slope_v)
    if (present(head)) call add_head_slopes(grid, j, head, h_u, h_v, slope_u, slope_v)
  end subroutine slope_rows

  !> Add the slopes of a head in row j, faces 0:nx+1.
  subroutine add_head_slopes(grid, j, head, h_u, h_v, slope_u, slope_v)
    type(swe_grid_t), intent(in) :: grid
    integer, intent(in) :: j
    real(wp), intent(in), contiguous :: head(1 - lead:, 1 - halo:) !! at centres [m]
    real(wp), intent(in), dimension(0:grid%block%nx + 1) :: h_u, h_v !! water at faces [m]
    real(wp), intent(inout), dimension(0:grid%block%nx + 1) :: slope_u, slope_v !! [1]

    real(wp), dimension(0:grid%block%nx + 1) :: of_head
    integer :: n

    n = grid%block%nx + 2
    call slope_row(n, head(0:n - 1, j), head(1:n, j), grid%open_u(0:n - 1, j), grid%dx(j), &
      h_u, of_head)
    slope_u = slope_u + of_head
    call slope_row(n, head(0:n - 1, j), head(0:n - 1, j + 1), grid%open_v(0:n - 1, j), &
      grid%dy, h_v, of_head)
    slope_v = slope_v + of_head
  end subroutine add_head_slopes

  !> The slope at one row of faces.
  pure subroutine slope_row(n, zeta, zeta_next, open, distance, h, slope)
    integer, intent(in) :: n              !! faces
    real(wp), intent(in) :: zeta(n)       !! [m]
    real(wp), intent(in) :: zeta_next(n)  !! in the other cells [m]
    real(wp), intent(in) :: open(n)       !! 1 if the face is open
    real(wp), intent(in) :: distance      !! of the two cells [m]
    real(wp), intent(in) :: h(n)          !! water depth [m]
    real(wp), intent(inout) :: slope(n)   !! set [1]

    real(wp) :: per_distance
    integer :: i

    per_distance = 1.0_wp/distance
    do i = 1, n
      slope(i) = merge(1.0_wp, 0.0_wp, h(i) > 0.0_wp)*(open(i)*per_distance) &
        *(zeta_next(i) - zeta(i))
    end do
  end subroutine slope_row

end module swe_faces
