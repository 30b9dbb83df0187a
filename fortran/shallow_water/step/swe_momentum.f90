! SPDX-License-Identifier: MIT
!> The explicit part of the momentum equations: bottom friction, rotation, provisional
!> transports.
!>
!>     F  = 1/(1 + dt*(r + cd*sqrt(U**2 + Vm**2)/H**2))                (Backhaus 1983)
!>     U* = F*(cos(f dt)*U + sin(f dt)*Vm - (1 - cos(f dt))/f*g*H*mean(d zeta/dy)
!>             + dt*X - (1 - theta)*g*dt*H*d zeta/dx)
!>
!> and alike for V. Vm is the mean of the four neighbouring V, each weighted by
!> sqrt(H_u/H_v), so that rotation makes no energy over topography (Espelid, Berntsen and
!> Barthel 2000). The rotation is exact for a gradient that is frozen during the step: the
!> cross gradient keeps a geostrophic balance, which cos and sin alone would damp.
module swe_momentum
  use swe_blocks, only: halo
  use swe_faces, only: slope_rows
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_parameters, only: drag_manning, drag_quadratic, swe_parameters_t
  use swe_rows, only: is_large, rows_of_thread
  implicit none
  private
  public :: across_row, cross_row, face_momentum_t, frozen_rotation, momentum_row, &
    provisional_transports, scale_row, scaled_transports

  !> What the momentum equation of one direction reads and sets.
  type :: face_momentum_t
    real(wp), allocatable :: h(:, :)        !! water depth H [m]
    real(wp), allocatable :: friction(:, :) !! F [1], 0 at closed faces
    real(wp), allocatable :: extra(:, :)    !! X, all other tendencies [m2 s-2]
    real(wp), allocatable :: star(:, :)     !! provisional transport [m2 s-1]
    real(wp), allocatable :: velocity(:, :) !! transport/H where a tendency needs it [m s-1]
    real(wp), allocatable :: slope(:, :)    !! of the surface along the direction [1]
    real(wp), allocatable :: scaled(:, :)
      !! transport/sqrt(H) [m3/2 s-1]; the step has this and the slope by rows only, fields
      !! are for its linearisation
    logical :: has_extra = .false.          !! X is not zero everywhere
  end type face_momentum_t

contains

  !> transport/sqrt(H), zero at faces without water.
  subroutine scaled_transports(grid, u, v, east, north)
    type(swe_grid_t), intent(in) :: grid
    real(wp), intent(in), contiguous :: u(1 - halo:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in), contiguous :: v(1 - halo:, 1 - halo:) !! [m2 s-1]
    type(face_momentum_t), intent(inout) :: east, north         !! `scaled` is set

    real(wp) :: root(0:grid%block%nx + 1)
    integer :: j, last

    last = grid%block%nx + 1
    !$omp parallel do private(root) if (is_large(grid%block))
    do j = 0, grid%block%ny + 1
      call scale_row(last + 1, u(0:last, j), east%h(0:last, j), root, &
        east%scaled(0:last, j))
      call scale_row(last + 1, v(0:last, j), north%h(0:last, j), root, &
        north%scaled(0:last, j))
    end do
  end subroutine scaled_transports

  !> sqrt(H) and transport/sqrt(H) in one row of faces.
  pure subroutine scale_row(n, transport, h, root, scaled)
    integer, intent(in) :: n              !! faces
    real(wp), intent(in) :: transport(n)  !! [m2 s-1]
    real(wp), intent(in) :: h(n)          !! water depth [m]
    real(wp), intent(inout) :: root(n)    !! set [m1/2]
    real(wp), intent(inout) :: scaled(n)  !! set [m3/2 s-1]

    integer :: i

    do i = 1, n
      root(i) = sqrt(h(i))
      scaled(i) = merge(transport(i)/root(i), 0.0_wp, h(i) > 0.0_wp)
    end do
  end subroutine scale_row

  !> F and the provisional transports at all faces of the block, halo faces 0 included.
  subroutine provisional_transports(grid, parameters, zeta, u, v, head, east, north)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: zeta(1 - halo:, 1 - halo:) !! [m]
    real(wp), intent(in), contiguous :: u(1 - halo:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in), contiguous :: v(1 - halo:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in), contiguous, optional :: head(1 - halo:, 1 - halo:)
      !! of the forcing [m]: its slope counts as the surface's
    type(face_momentum_t), intent(inout) :: east, north !! `friction` and `star` are set

    integer :: first, last

    !$omp parallel private(first, last) if (is_large(grid%block))
    call rows_of_thread(grid%block%ny + 1, first, last)
    if (first <= last) call sweep(grid, parameters, zeta, u, v, head, first - 1, last - 1, &
      east, north)
    !$omp end parallel
  end subroutine provisional_transports

  !> The same in rows first:last. What a row looks at in its neighbours is kept for three
  !> rows, where it stays in cache: that of row j at modulo(j, 3).
  subroutine sweep(grid, parameters, zeta, u, v, head, first, last, east, north)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: zeta(1 - halo:, 1 - halo:) !! [m]
    real(wp), intent(in), contiguous :: u(1 - halo:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in), contiguous :: v(1 - halo:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in), contiguous, optional :: head(1 - halo:, 1 - halo:) !! [m]
    integer, intent(in) :: first, last                  !! rows, 0:ny
    type(face_momentum_t), intent(inout) :: east, north !! `friction` and `star` are set

    real(wp), dimension(0:grid%block%nx + 1, 0:2) :: root_u, root_v, scaled_u, scaled_v, &
      slope_u, slope_v
    integer :: above, here, below, j, k, n

    n = grid%block%nx
    do k = max(first - 1, 0), last + 1
      above = modulo(k, 3)
      call scale_row(n + 2, u(0:n + 1, k), east%h(0:n + 1, k), root_u(:, above), &
        scaled_u(:, above))
      call scale_row(n + 2, v(0:n + 1, k), north%h(0:n + 1, k), root_v(:, above), &
        scaled_v(:, above))
      call slope_rows(grid, k, zeta, head, east%h(0:n + 1, k), north%h(0:n + 1, k), &
        slope_u(:, above), slope_v(:, above))
      j = k - 1
      if (j < first) cycle
      here = modulo(j, 3)
      below = modulo(j - 1, 3)
      if (j > 0) call row_of_east_faces(grid, parameters, j, u(0:n, j), root_u(:, here), &
        slope_u(:, here), scaled_v(:, below), scaled_v(:, here), slope_v(:, below), &
        slope_v(:, here), east)
      call row_of_north_faces(grid, parameters, j, v(1:n, j), root_v(:, here), &
        slope_v(:, here), scaled_u(:, here), scaled_u(:, above), slope_u(:, here), &
        slope_u(:, above), north)
    end do
  end subroutine sweep

  !> F and U* in row j.
  subroutine row_of_east_faces(grid, parameters, j, u, root, slope, scaled_south, &
    scaled_north, slope_south, slope_north, east)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    integer, intent(in) :: j                     !! row
    real(wp), intent(in) :: u(0:grid%block%nx)   !! [m2 s-1]
    real(wp), intent(in), dimension(0:grid%block%nx + 1) :: root, slope
      !! sqrt(H) [m1/2] and slope [1] at the faces of the row
    real(wp), intent(in), dimension(0:grid%block%nx + 1) :: scaled_south, scaled_north, &
      slope_south, slope_north
      !! scaled transports [m3/2 s-1] and slopes [1] at the north faces of rows j - 1 and j
    type(face_momentum_t), intent(inout) :: east

    real(wp), dimension(0:grid%block%nx) :: across, cross, extra
    integer :: n

    n = grid%block%nx
    call across_row(n + 1, scaled_south, scaled_north, root(0:n), across)
    if (grid%has_fixed_cells) across = 4.0_wp*grid%mean_u(0:n, j)*across
    cross = 0.0_wp
    if (grid%f_u(j) /= 0.0_wp) call cross_row(n + 1, slope_south, slope_north, &
      grid%share_u(0:n, j), cross)
    if (east%has_extra) then
      extra = east%extra(0:n, j)
    else
      extra = 0.0_wp
    end if
    call momentum_row(parameters, grid%f_u(j), n + 1, u, across, east%h(0:n, j), slope, &
      cross, grid%drag_u(0:n, j), extra, east%friction(0:n, j), east%star(0:n, j))
  end subroutine row_of_east_faces

  !> F and V* in row j.
  subroutine row_of_north_faces(grid, parameters, j, v, root, slope, scaled_south, &
    scaled_north, slope_south, slope_north, north)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    integer, intent(in) :: j                     !! row
    real(wp), intent(in) :: v(grid%block%nx)     !! [m2 s-1]
    real(wp), intent(in), dimension(0:grid%block%nx + 1) :: root, slope
      !! sqrt(H) [m1/2] and slope [1] at the faces of the row
    real(wp), intent(in), dimension(0:grid%block%nx + 1) :: scaled_south, scaled_north, &
      slope_south, slope_north
      !! scaled transports [m3/2 s-1] and slopes [1] at the east faces of rows j and j + 1
    type(face_momentum_t), intent(inout) :: north

    real(wp), dimension(grid%block%nx) :: across, cross, extra
    integer :: n

    n = grid%block%nx
    call across_row(n, scaled_south, scaled_north, root(1:n), across)
    if (grid%has_fixed_cells) across = 4.0_wp*grid%mean_v(1:n, j)*across
    cross = 0.0_wp
    if (grid%f_v(j) /= 0.0_wp) call cross_row(n, slope_south, slope_north, &
      grid%share_v(1:n, j), cross)
    if (north%has_extra) then
      extra = north%extra(1:n, j)
    else
      extra = 0.0_wp
    end if
    call momentum_row(parameters, -grid%f_v(j), n, v, across, north%h(1:n, j), slope(1:n), &
      cross, grid%drag_v(1:n, j), extra, north%friction(1:n, j), north%star(1:n, j))
  end subroutine row_of_north_faces

  !> The other slope: the mean over the open faces of two rows, each next to its neighbour.
  pure subroutine cross_row(n, one, other, share, cross)
    integer, intent(in) :: n             !! faces
    real(wp), intent(in) :: one(n + 1)   !! a row of slopes [1]
    real(wp), intent(in) :: other(n + 1) !! the row beside it
    real(wp), intent(in) :: share(n)     !! 1/open faces among the four
    real(wp), intent(inout) :: cross(n)  !! set [1]

    integer :: i

    do i = 1, n
      cross(i) = share(i)*((one(i) + one(i + 1)) + (other(i) + other(i + 1)))
    end do
  end subroutine cross_row

  !> Vm: the mean over the faces of two rows, each next to its neighbour, at depth H.
  pure subroutine across_row(n, one, other, root, across)
    integer, intent(in) :: n             !! faces
    real(wp), intent(in) :: one(n + 1)   !! a row of scaled transports [m3/2 s-1]
    real(wp), intent(in) :: other(n + 1) !! the row beside it
    real(wp), intent(in) :: root(n)      !! sqrt(H) [m1/2]
    real(wp), intent(out) :: across(n)   !! [m2 s-1]

    integer :: i

    do i = 1, n
      across(i) = 0.25_wp*((one(i) + one(i + 1)) + (other(i) + other(i + 1)))*root(i)
    end do
  end subroutine across_row

  !> F and U* in one row of faces; F is zero where there is no water.
  pure subroutine momentum_row(parameters, f, n, transport, across, h, slope, cross, drag, &
    extra, friction, star)
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in) :: f               !! Coriolis parameter, negative for V [s-1]
    integer, intent(in) :: n                !! faces
    real(wp), intent(in) :: transport(n)    !! [m2 s-1]
    real(wp), intent(in) :: across(n)       !! the other transport, Vm [m2 s-1]
    real(wp), intent(in) :: h(n)            !! water depth [m]
    real(wp), intent(in) :: slope(n)        !! along the direction [1]
    real(wp), intent(in) :: cross(n)        !! the other slope [1]
    real(wp), intent(in) :: drag(n)         !! cd or Manning's n
    real(wp), intent(in) :: extra(n)        !! X [m2 s-2]
    real(wp), intent(inout) :: friction(n)  !! set [1]
    real(wp), intent(inout) :: star(n)      !! set [m2 s-1]

    real(wp) :: along, cosine, crosswise, linear, sine, speed, water
    integer :: i

    linear = 1.0_wp + parameters%dt*parameters%linear_drag
    along = (1.0_wp - parameters%theta)*parameters%gravity*parameters%dt
    cosine = cos(f*parameters%dt)
    sine = sin(f*parameters%dt)
    crosswise = parameters%gravity*frozen_rotation(f, parameters%dt)
    if (parameters%drag == drag_quadratic) then
      ! F and U* in one loop: its root and its division are waited for beside the rest.
      do i = 1, n
        water = max(h(i), parameters%min_depth)**2
        speed = sqrt(transport(i)**2 + across(i)**2)
        friction(i) = merge(water/(linear*water + parameters%dt*drag(i)*speed), 0.0_wp, &
          h(i) > 0.0_wp)
        star(i) = friction(i)*(cosine*transport(i) + sine*across(i) &
          - h(i)*(along*slope(i) + crosswise*cross(i)) + parameters%dt*extra(i))
      end do
    else
      call friction_row(parameters, n, linear, transport, across, drag, h, friction)
      do i = 1, n
        star(i) = friction(i)*(cosine*transport(i) + sine*across(i) &
          - h(i)*(along*slope(i) + crosswise*cross(i)) + parameters%dt*extra(i))
      end do
    end if
  end subroutine momentum_row

  !> F of Manning's law, or of linear drag alone.
  pure subroutine friction_row(parameters, n, linear, transport, across, drag, h, friction)
    type(swe_parameters_t), intent(in) :: parameters
    integer, intent(in) :: n               !! faces
    real(wp), intent(in) :: linear         !! 1 + dt*r
    real(wp), intent(in) :: transport(n)   !! [m2 s-1]
    real(wp), intent(in) :: across(n)      !! the other transport, Vm [m2 s-1]
    real(wp), intent(in) :: drag(n)        !! Manning's n
    real(wp), intent(in) :: h(n)           !! water depth [m]
    real(wp), intent(inout) :: friction(n) !! set [1]

    real(wp) :: speed, water
    integer :: i

    if (parameters%drag == drag_manning) then
      do i = 1, n
        water = max(h(i), parameters%min_depth)
        speed = sqrt(transport(i)**2 + across(i)**2)
        friction(i) = merge(1.0_wp/(linear + parameters%dt*parameters%gravity*drag(i)**2 &
          *speed/(water**2*cube_root(water))), 0.0_wp, h(i) > 0.0_wp)
      end do
    else
      do i = 1, n
        friction(i) = merge(1.0_wp/linear, 0.0_wp, h(i) > 0.0_wp)
      end do
    end if
  end subroutine friction_row

  !> Of a positive number.
  elemental real(wp) function cube_root(x)
    real(wp), intent(in) :: x

    cube_root = exp(log(x)/3.0_wp)
  end function cube_root

  !> (1 - cos(f dt))/f [s], without loss of digits for small f dt.
  elemental real(wp) function frozen_rotation(f, dt)
    real(wp), intent(in) :: f  !! [s-1]
    real(wp), intent(in) :: dt !! [s]

    real(wp) :: half

    half = 0.5_wp*f*dt
    if (abs(half) < 1.0e-3_wp) then
      frozen_rotation = half*dt*(1.0_wp - half**2/3.0_wp)
    else
      frozen_rotation = 2.0_wp*sin(half)**2/f
    end if
  end function frozen_rotation

end module swe_momentum
