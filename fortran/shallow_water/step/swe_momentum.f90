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
  use swe_blocks, only: halo, lead
  use swe_faces, only: add_head_slopes
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_parameters, only: drag_manning, drag_quadratic, swe_parameters_t
  use swe_rows, only: is_large, rows_of_thread
  implicit none
  private
  public :: drag_row, face_momentum_t, frozen_rotation, momentum_row, &
    provisional_transports, scaled_transports, side_row

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
    real(wp), intent(in), contiguous :: u(1 - lead:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in), contiguous :: v(1 - lead:, 1 - halo:) !! [m2 s-1]
    type(face_momentum_t), intent(inout) :: east, north         !! `scaled` is set

    integer :: j, last

    last = grid%block%nx + 1
    !$omp parallel do if (is_large(grid%block))
    do j = 0, grid%block%ny + 1
      east%scaled(0:last, j) = scaled(u(0:last, j), east%h(0:last, j))
      north%scaled(0:last, j) = scaled(v(0:last, j), north%h(0:last, j))
    end do
  end subroutine scaled_transports

  !> transport/sqrt(H), zero at a face without water.
  elemental real(wp) function scaled(transport, h)
    real(wp), intent(in) :: transport !! [m2 s-1]
    real(wp), intent(in) :: h         !! water depth [m]

    scaled = merge(transport/sqrt(h), 0.0_wp, h > 0.0_wp)
  end function scaled

  !> F and the provisional transports at all faces of the block, halo faces 0 included.
  subroutine provisional_transports(grid, parameters, zeta, u, v, head, east, north)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: zeta(1 - lead:, 1 - halo:) !! [m]
    real(wp), intent(in), contiguous :: u(1 - lead:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in), contiguous :: v(1 - lead:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in), contiguous, optional :: head(1 - lead:, 1 - halo:)
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
    real(wp), intent(in), contiguous :: zeta(1 - lead:, 1 - halo:) !! [m]
    real(wp), intent(in), contiguous :: u(1 - lead:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in), contiguous :: v(1 - lead:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in), contiguous, optional :: head(1 - lead:, 1 - halo:) !! [m]
    integer, intent(in) :: first, last                  !! rows, 0:ny
    type(face_momentum_t), intent(inout) :: east, north !! `friction` and `star` are set

    real(wp), dimension(0:grid%block%nx + 1, 0:2) :: root_u, root_v, scaled_u, scaled_v, &
      slope_u, slope_v
    real(wp), dimension(0:grid%block%nx), target :: none, quarter
    integer :: above, here, below, j, k, n

    n = grid%block%nx
    none = 0.0_wp
    quarter = 0.25_wp
    do k = max(first - 1, 0), last + 1
      above = modulo(k, 3)
      call side_row(n + 2, 1.0_wp/grid%dx(k), u(0:n + 1, k), east%h(0:n + 1, k), &
        zeta(0:n + 1, k), zeta(1:n + 2, k), grid%open_u(0:n + 1, k), root_u(:, above), &
        scaled_u(:, above), slope_u(:, above))
      call side_row(n + 2, 1.0_wp/grid%dy, v(0:n + 1, k), north%h(0:n + 1, k), &
        zeta(0:n + 1, k), zeta(0:n + 1, k + 1), grid%open_v(0:n + 1, k), &
        root_v(:, above), scaled_v(:, above), slope_v(:, above))
      if (present(head)) call add_head_slopes(grid, k, head, east%h(0:n + 1, k), &
        north%h(0:n + 1, k), slope_u(:, above), slope_v(:, above))
      j = k - 1
      if (j < first) cycle
      here = modulo(j, 3)
      below = modulo(j - 1, 3)
      if (j > 0) call row_of_east_faces(grid, parameters, j, u(0:n, j), root_u(:, here), &
        slope_u(:, here), scaled_v(:, below), scaled_v(:, here), slope_v(:, below), &
        slope_v(:, here), quarter, none, east)
      call row_of_north_faces(grid, parameters, j, v(1:n, j), root_v(:, here), &
        slope_v(:, here), scaled_u(:, here), scaled_u(:, above), slope_u(:, here), &
        slope_u(:, above), quarter, none, north)
    end do
  end subroutine sweep

  !> What one row of faces shows to the faces across: sqrt(H), transport/sqrt(H), slope. The
  !> water is a factor: with `merge` around a product the compiler makes no vector loop.
  pure subroutine side_row(n, per_distance, transport, h, zeta, zeta_next, open, root, &
    scaled, slope)
    integer, intent(in) :: n              !! faces
    real(wp), intent(in) :: per_distance  !! 1/distance of centres [m-1]
    real(wp), intent(in) :: transport(n)  !! [m2 s-1]
    real(wp), intent(in) :: h(n)          !! water depth [m]
    real(wp), intent(in) :: zeta(n)       !! [m]
    real(wp), intent(in) :: zeta_next(n)  !! in the other cells [m]
    real(wp), intent(in) :: open(n)       !! 1 if the face is open
    real(wp), intent(inout) :: root(n)    !! set [m1/2]
    real(wp), intent(inout) :: scaled(n)  !! set [m3/2 s-1]
    real(wp), intent(inout) :: slope(n)   !! set [1]

    real(wp) :: wet
    integer :: i

    do i = 1, n
      wet = merge(1.0_wp, 0.0_wp, h(i) > 0.0_wp)
      root(i) = sqrt(h(i))
      scaled(i) = wet*transport(i)/max(root(i), tiny(wet))
      slope(i) = wet*(open(i)*per_distance)*(zeta_next(i) - zeta(i))
    end do
  end subroutine side_row

  !> F and U* in row j.
  subroutine row_of_east_faces(grid, parameters, j, u, root, slope, scaled_south, &
    scaled_north, slope_south, slope_north, quarter, none, east)
    type(swe_grid_t), intent(in), target :: grid
    type(swe_parameters_t), intent(in) :: parameters
    integer, intent(in) :: j                     !! row
    real(wp), intent(in) :: u(0:grid%block%nx)   !! [m2 s-1]
    real(wp), intent(in), dimension(0:grid%block%nx + 1) :: root, slope
      !! sqrt(H) [m1/2] and slope [1] at the faces of the row
    real(wp), intent(in), dimension(0:grid%block%nx + 1) :: scaled_south, scaled_north, &
      slope_south, slope_north
      !! scaled transports [m3/2 s-1] and slopes [1] at the north faces of rows j - 1 and j
    real(wp), intent(in), contiguous, target :: quarter(0:), none(0:)
      !! rows of 1/4 and of 0
    type(face_momentum_t), intent(inout), target :: east

    real(wp), target :: other_drag(0:grid%block%nx)
    real(wp), pointer, contiguous :: drag(:), extra(:), share(:), weight(:)
    integer :: n

    n = grid%block%nx
    drag => grid%drag_u(0:n, j)
    extra => none(0:n)
    share => none(0:n)
    weight => quarter(0:n)
    if (parameters%drag /= drag_quadratic) then
      call drag_row(parameters, n + 1, grid%drag_u(0:n, j), east%h(0:n, j), other_drag)
      drag => other_drag
    end if
    if (east%has_extra) extra => east%extra(0:n, j)
    if (grid%f_u(j) /= 0.0_wp) share => grid%share_u(0:n, j)
    if (grid%has_fixed_cells) weight => grid%mean_u(0:n, j)
    call momentum_row(parameters, grid%f_u(j), n + 1, u, east%h(0:n, j), root(0:n), &
      slope(0:n), weight, scaled_south, scaled_north, share, slope_south, slope_north, &
      drag, extra, east%friction(0:n, j), east%star(0:n, j))
  end subroutine row_of_east_faces

  !> F and V* in row j.
  subroutine row_of_north_faces(grid, parameters, j, v, root, slope, scaled_south, &
    scaled_north, slope_south, slope_north, quarter, none, north)
    type(swe_grid_t), intent(in), target :: grid
    type(swe_parameters_t), intent(in) :: parameters
    integer, intent(in) :: j                     !! row
    real(wp), intent(in) :: v(grid%block%nx)     !! [m2 s-1]
    real(wp), intent(in), dimension(0:grid%block%nx + 1) :: root, slope
      !! sqrt(H) [m1/2] and slope [1] at the faces of the row
    real(wp), intent(in), dimension(0:grid%block%nx + 1) :: scaled_south, scaled_north, &
      slope_south, slope_north
      !! scaled transports [m3/2 s-1] and slopes [1] at the east faces of rows j and j + 1
    real(wp), intent(in), contiguous, target :: quarter(0:), none(0:)
      !! rows of 1/4 and of 0
    type(face_momentum_t), intent(inout), target :: north

    real(wp), target :: other_drag(grid%block%nx)
    real(wp), pointer, contiguous :: drag(:), extra(:), share(:), weight(:)
    integer :: n

    n = grid%block%nx
    drag => grid%drag_v(1:n, j)
    extra => none(1:n)
    share => none(1:n)
    weight => quarter(1:n)
    if (parameters%drag /= drag_quadratic) then
      call drag_row(parameters, n, grid%drag_v(1:n, j), north%h(1:n, j), other_drag)
      drag => other_drag
    end if
    if (north%has_extra) extra => north%extra(1:n, j)
    if (grid%f_v(j) /= 0.0_wp) share => grid%share_v(1:n, j)
    if (grid%has_fixed_cells) weight => grid%mean_v(1:n, j)
    call momentum_row(parameters, -grid%f_v(j), n, v, north%h(1:n, j), root(1:n), &
      slope(1:n), weight, scaled_south, scaled_north, share, slope_south, slope_north, &
      drag, extra, north%friction(1:n, j), north%star(1:n, j))
  end subroutine row_of_north_faces

  !> F and U* in one row of faces; F is zero where there is no water. One loop, in which the
  !> roots and divisions, which are most of its time, are waited for beside all the rest.
  pure subroutine momentum_row(parameters, f, n, transport, h, root, slope, weight, &
    scaled_one, scaled_other, share, slope_one, slope_other, drag, extra, friction, star)
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in) :: f                !! Coriolis parameter, negative for V [s-1]
    integer, intent(in) :: n                 !! faces
    real(wp), intent(in) :: transport(n)     !! [m2 s-1]
    real(wp), intent(in) :: h(n), root(n)    !! H [m] and its root
    real(wp), intent(in) :: slope(n)         !! along the direction [1]
    real(wp), intent(in) :: weight(n)        !! of each transport across in their mean
    real(wp), intent(in) :: scaled_one(n + 1), scaled_other(n + 1)
      !! scaled transports of the two rows of faces across [m3/2 s-1]
    real(wp), intent(in) :: share(n)         !! weight of each slope across, 0 where f is
    real(wp), intent(in) :: slope_one(n + 1), slope_other(n + 1) !! their slopes [1]
    real(wp), intent(in) :: drag(n)          !! cd, see `drag_row` [1]
    real(wp), intent(in) :: extra(n)         !! X [m2 s-2]
    real(wp), intent(inout) :: friction(n)   !! set [1]
    real(wp), intent(inout) :: star(n)       !! set [m2 s-1]

    real(wp) :: across, along, cosine, cross, crosswise, linear, sine, water
    integer :: i

    linear = 1.0_wp + parameters%dt*parameters%linear_drag
    along = (1.0_wp - parameters%theta)*parameters%gravity*parameters%dt
    cosine = cos(f*parameters%dt)
    sine = sin(f*parameters%dt)
    crosswise = parameters%gravity*frozen_rotation(f, parameters%dt)
    do i = 1, n
      across = weight(i)*root(i)*((scaled_one(i) + scaled_one(i + 1)) &
        + (scaled_other(i) + scaled_other(i + 1)))
      cross = share(i)*((slope_one(i) + slope_one(i + 1)) &
        + (slope_other(i) + slope_other(i + 1)))
      water = max(h(i), parameters%min_depth)**2
      friction(i) = merge(water/(linear*water + parameters%dt*drag(i) &
        *sqrt(transport(i)**2 + across**2)), 0.0_wp, h(i) > 0.0_wp)
      star(i) = friction(i)*(cosine*transport(i) + sine*across &
        - h(i)*(along*slope(i) + crosswise*cross) + parameters%dt*extra(i))
    end do
  end subroutine momentum_row

  !> The quadratic drag coefficient cd that acts in one row: given, g*n**2/H**(1/3) after
  !> Manning, or none.
  pure subroutine drag_row(parameters, n, given, h, drag)
    type(swe_parameters_t), intent(in) :: parameters
    integer, intent(in) :: n             !! faces
    real(wp), intent(in) :: given(n)     !! cd or Manning's n
    real(wp), intent(in) :: h(n)         !! water depth [m]
    real(wp), intent(inout) :: drag(n)   !! set [1]

    integer :: i

    select case (parameters%drag)
    case (drag_quadratic)
      drag = given
    case (drag_manning)
      do i = 1, n
        drag(i) = parameters%gravity*given(i)**2/cube_root(max(h(i), parameters%min_depth))
      end do
    case default
      drag = 0.0_wp
    end select
  end subroutine drag_row

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
