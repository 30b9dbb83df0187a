! SPDX-License-Identifier: MIT
!> Tangent-linear and adjoint of swe_advection.
!>
!> Each flux lies between two faces, left and right, and is written down once: `gradient`
!> gives it and its derivatives with respect to the volume flux, the two depths and four
!> velocities, and all sweeps use it. Which side is upstream, whether the limiter acts,
!> where water rises and where it is too thin, are taken from the step. Fluxes are scattered
!> to the two faces, so the sweeps run on one thread.
module swe_advection_linearised
  use swe_blocks, only: halo, lead
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_momentum, only: face_momentum_t
  use swe_momentum_linearised, only: face_changes_t
  use swe_parameters, only: advection_limited, swe_parameters_t
  use swe_state, only: swe_state_t
  implicit none
  private
  public :: add_advection_ad, add_advection_tl

  integer, parameter :: of_u = 1, of_v = 2 !! the momentum that is carried
  integer, parameter :: along_x = 1, along_y = 2 !! where it is carried

  !> The fluxes of one row: from face (i, j) to face (i + di, j + dj).
  type :: row_t
    integer :: first = 1           !! i of the first flux
    integer :: di = 0, dj = 0      !! from the left to the right face
    integer :: qi = 0, qj = 0      !! from the first to the second transport beside it
    real(wp) :: q(2) = 0.5_wp      !! weights of the two in the volume flux
    real(wp) :: distance = 0.0_wp  !! of the two faces [m]
    real(wp) :: weight = 0.0_wp    !! length of the edge [m]
    logical :: slips = .false.     !! where no water is, the neighbour counts
  end type row_t

  !> One flux and its gradient.
  type :: gradient_t
    real(wp) :: flux = 0.0_wp                       !! of momentum [m3 s-2]
    real(wp) :: volume = 0.0_wp                     !! of volume, q [m2 s-1]
    real(wp) :: q = 0.0_wp                          !! with respect to the volume flux
    real(wp) :: h_left = 0.0_wp, h_right = 0.0_wp   !! to the depths
    real(wp) :: far_left = 0.0_wp, left = 0.0_wp    !! to the velocities
    real(wp) :: right = 0.0_wp, far_right = 0.0_wp
  end type gradient_t

  !> What a change of momentum is multiplied with, and its derivatives.
  type :: factor_t
    real(wp) :: value = 0.0_wp     !! [m-2]
    real(wp) :: by_h = 0.0_wp      !! with respect to the depth of the face
    real(wp) :: by_column = 0.0_wp !! to the depth of either cell
  end type factor_t

contains

  !> Change of X and Y with elevations, transports, depths and velocities.
  subroutine add_advection_tl(grid, parameters, state, east, north, state_tl, depth_tl, &
    east_tl, north_tl)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_state_t), intent(in) :: state           !! of the step
    type(face_momentum_t), intent(in) :: east, north !! of the step
    type(swe_state_t), intent(in) :: state_tl        !! its change
    real(wp), intent(in), contiguous :: depth_tl(1 - lead:, 1 - halo:) !! [m]
    type(face_changes_t), intent(inout) :: east_tl, north_tl
      !! `extra` is changed on the block's faces

    call advect(of_u, east, east_tl)
    call advect(of_v, north, north_tl)

  contains

    subroutine advect(momentum, faces, faces_tl)
      integer, intent(in) :: momentum
      type(face_momentum_t), intent(in) :: faces
      type(face_changes_t), intent(inout) :: faces_tl

      type(factor_t) :: factor
      real(wp) :: by_lag
      integer :: i, j, m, n

      call changes(grid, parameters, momentum, state, faces, faces_tl%change)
      faces_tl%change_tl(:, :) = 0.0_wp
      call sweep_tl(grid, parameters, momentum, along_x, state%u, state_tl%u, faces, &
        faces_tl)
      call sweep_tl(grid, parameters, momentum, along_y, state%v, state_tl%v, faces, &
        faces_tl)
      do j = 1, grid%block%ny
        do i = 1, grid%block%nx
          m = i + merge(1, 0, momentum == of_u)
          n = j + merge(0, 1, momentum == of_u)
          factor = factor_of(grid, parameters, momentum, state%zeta, faces%h(i, j), i, j)
          by_lag = rising_slope(grid, momentum, state, faces, i, j, m, n)
          faces_tl%change_tl(i, j) = faces_tl%change_tl(i, j) &
            + lag_factor(grid, parameters, momentum, j)*(sinking(grid, state, i, j, m, n) &
            *slope_of(grid, momentum, faces, state_tl%zeta, i, j) + by_lag &
            *(divergence(grid, state_tl%u, state_tl%v, i, j) &
            + divergence(grid, state_tl%u, state_tl%v, m, n)))
          faces_tl%extra(i, j) = faces_tl%extra(i, j) - factor%value &
            *faces_tl%change_tl(i, j) - faces_tl%change(i, j)*(factor%by_h &
            *faces_tl%h(i, j) + factor%by_column*(depth_tl(i, j) + depth_tl(m, n) &
            + state_tl%zeta(i, j) + state_tl%zeta(m, n)))
        end do
      end do
    end subroutine advect

  end subroutine add_advection_tl

  !> Transpose of `add_advection_tl`: `extra` comes in, zero outside the block's faces.
  subroutine add_advection_ad(grid, parameters, state, east, north, east_ad, north_ad, &
    state_ad, depth_ad)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_state_t), intent(in) :: state           !! of the step
    type(face_momentum_t), intent(in) :: east, north !! of the step
    type(face_changes_t), intent(inout) :: east_ad, north_ad
      !! `h` and `velocity` are added to
    type(swe_state_t), intent(inout) :: state_ad     !! added to
    real(wp), intent(inout), contiguous :: depth_ad(1 - lead:, 1 - halo:) !! added to

    call advect(of_u, east, east_ad)
    call advect(of_v, north, north_ad)

  contains

    subroutine advect(momentum, faces, faces_ad)
      integer, intent(in) :: momentum
      type(face_momentum_t), intent(in) :: faces
      type(face_changes_t), intent(inout) :: faces_ad

      type(factor_t) :: factor
      real(wp) :: by_lag, change_ad, column_ad
      integer :: i, j, m, n

      call changes(grid, parameters, momentum, state, faces, faces_ad%change)
      faces_ad%change_tl(:, :) = 0.0_wp
      do j = 1, grid%block%ny
        do i = 1, grid%block%nx
          m = i + merge(1, 0, momentum == of_u)
          n = j + merge(0, 1, momentum == of_u)
          factor = factor_of(grid, parameters, momentum, state%zeta, faces%h(i, j), i, j)
          call add(faces_ad%h(i, j), -factor%by_h*faces_ad%change(i, j) &
            *faces_ad%extra(i, j))
          column_ad = -factor%by_column*faces_ad%change(i, j)*faces_ad%extra(i, j)
          call add(depth_ad(i, j), column_ad)
          call add(depth_ad(m, n), column_ad)
          call add(state_ad%zeta(i, j), column_ad)
          call add(state_ad%zeta(m, n), column_ad)
          faces_ad%change_tl(i, j) = -factor%value*faces_ad%extra(i, j)
          by_lag = rising_slope(grid, momentum, state, faces, i, j, m, n)
          change_ad = lag_factor(grid, parameters, momentum, j)*faces_ad%change_tl(i, j)
          call add_slope(momentum, faces, i, j, m, n, &
            sinking(grid, state, i, j, m, n)*change_ad)
          call add_divergence(i, j, by_lag*change_ad)
          call add_divergence(m, n, by_lag*change_ad)
        end do
      end do
      call sweep_ad(grid, parameters, momentum, along_x, state%u, faces, faces_ad, &
        state_ad%u)
      call sweep_ad(grid, parameters, momentum, along_y, state%v, faces, faces_ad, &
        state_ad%v)
    end subroutine advect

    !> Transpose of `slope_of`.
    subroutine add_slope(momentum, faces, i, j, m, n, slope_ad)
      integer, intent(in) :: momentum, i, j, m, n
      type(face_momentum_t), intent(in) :: faces
      real(wp), intent(in) :: slope_ad

      real(wp) :: per_distance

      per_distance = inverse_distance(grid, momentum, faces, i, j)
      call add(state_ad%zeta(m, n), per_distance*slope_ad)
      call add(state_ad%zeta(i, j), -per_distance*slope_ad)
    end subroutine add_slope

    !> Transpose of `divergence`.
    subroutine add_divergence(i, j, divergence_ad)
      integer, intent(in) :: i, j
      real(wp), intent(in) :: divergence_ad

      real(wp) :: outflow_ad

      outflow_ad = divergence_ad/grid%area(j)
      call add(state_ad%u(i, j), grid%dy*outflow_ad)
      call add(state_ad%u(i - 1, j), -grid%dy*outflow_ad)
      call add(state_ad%v(i, j), grid%dx_v(j)*outflow_ad)
      call add(state_ad%v(i, j - 1), -grid%dx_v(j - 1)*outflow_ad)
    end subroutine add_divergence

  end subroutine add_advection_ad

  !> The change of momentum that the fluxes make, before its factor: that of the step.
  subroutine changes(grid, parameters, momentum, state, faces, change)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    integer, intent(in) :: momentum
    type(swe_state_t), intent(in) :: state
    type(face_momentum_t), intent(in) :: faces
    real(wp), intent(inout), contiguous :: change(1 - lead:, 1 - halo:) !! set

    integer :: i, j, m, n

    change(:, :) = 0.0_wp
    call add_fluxes(along_x, state%u)
    call add_fluxes(along_y, state%v)
    do j = 1, grid%block%ny
      do i = 1, grid%block%nx
        m = i + merge(1, 0, momentum == of_u)
        n = j + merge(0, 1, momentum == of_u)
        change(i, j) = change(i, j) + lag_factor(grid, parameters, momentum, j) &
          *slope_of(grid, momentum, faces, state%zeta, i, j) &
          *sinking(grid, state, i, j, m, n)
      end do
    end do

  contains

    subroutine add_fluxes(axis, transport)
      integer, intent(in) :: axis
      real(wp), intent(in), contiguous :: transport(1 - lead:, 1 - halo:)

      type(gradient_t) :: by
      type(row_t) :: row

      do j = merge(0, 1, axis == along_y), grid%block%ny
        row = row_of(grid, momentum, axis, j)
        do i = row%first, grid%block%nx
          by = gradient(parameters, row, transport, faces, i, j)
          m = i + row%di
          n = j + row%dj
          change(i, j) = change(i, j) + row%weight*(by%flux &
            - faces%velocity(i, j)*by%volume)
          change(m, n) = change(m, n) - row%weight*(by%flux &
            - faces%velocity(m, n)*by%volume)
        end do
      end do
    end subroutine add_fluxes

  end subroutine changes

  !> Changes of the fluxes of one momentum along one axis.
  subroutine sweep_tl(grid, parameters, momentum, axis, transport, transport_tl, faces, &
    faces_tl)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    integer, intent(in) :: momentum, axis !! of_*, along_*
    real(wp), intent(in), contiguous :: transport(1 - lead:, 1 - halo:)    !! that carries
    real(wp), intent(in), contiguous :: transport_tl(1 - lead:, 1 - halo:) !! its change
    type(face_momentum_t), intent(in) :: faces                             !! of the step
    type(face_changes_t), intent(inout) :: faces_tl !! `change_tl` is added to

    type(gradient_t) :: by
    type(row_t) :: row
    real(wp) :: flux_tl, volume_tl
    integer :: i, j

    do j = merge(0, 1, axis == along_y), grid%block%ny
      row = row_of(grid, momentum, axis, j)
      do i = row%first, grid%block%nx
        by = gradient(parameters, row, transport, faces, i, j)
        associate (m => i + row%di, n => j + row%dj, h_tl => faces_tl%h, &
          u_tl => faces_tl%velocity, u => faces%velocity, change_tl => faces_tl%change_tl)
          volume_tl = row%q(1)*transport_tl(i, j) &
            + row%q(2)*transport_tl(i + row%qi, j + row%qj)
          flux_tl = by%q*volume_tl + by%h_left*h_tl(i, j) + by%h_right*h_tl(m, n) &
            + by%far_left*u_tl(i - row%di, j - row%dj) + by%left*u_tl(i, j) &
            + by%right*u_tl(m, n) + by%far_right*u_tl(m + row%di, n + row%dj)
          change_tl(i, j) = change_tl(i, j) + row%weight*(flux_tl - u(i, j)*volume_tl &
            - u_tl(i, j)*by%volume)
          change_tl(m, n) = change_tl(m, n) - row%weight*(flux_tl - u(m, n)*volume_tl &
            - u_tl(m, n)*by%volume)
        end associate
      end do
    end do
  end subroutine sweep_tl

  !> Transpose of `sweep_tl`.
  subroutine sweep_ad(grid, parameters, momentum, axis, transport, faces, faces_ad, &
    transport_ad)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    integer, intent(in) :: momentum, axis !! of_*, along_*
    real(wp), intent(in), contiguous :: transport(1 - lead:, 1 - halo:) !! that carries
    type(face_momentum_t), intent(in) :: faces                          !! of the step
    type(face_changes_t), intent(inout) :: faces_ad                     !! `h`, `velocity`
    real(wp), intent(inout), contiguous :: transport_ad(1 - lead:, 1 - halo:) !! added to

    type(gradient_t) :: by
    type(row_t) :: row
    real(wp) :: flux_ad, left_ad, right_ad, volume_ad
    integer :: i, j

    do j = merge(0, 1, axis == along_y), grid%block%ny
      row = row_of(grid, momentum, axis, j)
      do i = row%first, grid%block%nx
        by = gradient(parameters, row, transport, faces, i, j)
        associate (m => i + row%di, n => j + row%dj, h_ad => faces_ad%h, &
          u_ad => faces_ad%velocity, u => faces%velocity)
          left_ad = row%weight*faces_ad%change_tl(i, j)
          right_ad = -row%weight*faces_ad%change_tl(m, n)
          flux_ad = left_ad + right_ad
          volume_ad = by%q*flux_ad - u(i, j)*left_ad - u(m, n)*right_ad
          call add(transport_ad(i, j), row%q(1)*volume_ad)
          call add(transport_ad(i + row%qi, j + row%qj), row%q(2)*volume_ad)
          call add(h_ad(i, j), by%h_left*flux_ad)
          call add(h_ad(m, n), by%h_right*flux_ad)
          call add(u_ad(i - row%di, j - row%dj), by%far_left*flux_ad)
          call add(u_ad(i, j), by%left*flux_ad - by%volume*left_ad)
          call add(u_ad(m, n), by%right*flux_ad - by%volume*right_ad)
          call add(u_ad(m + row%di, n + row%dj), by%far_right*flux_ad)
        end associate
      end do
    end do
  end subroutine sweep_ad

  pure subroutine add(total, change)
    real(wp), intent(inout) :: total
    real(wp), intent(in) :: change

    total = total + change
  end subroutine add

  !> What multiplies the change of momentum: H*2/(column + column)/area, zero where momentum
  !> is not advected.
  pure type(factor_t) function factor_of(grid, parameters, momentum, zeta, h, i, j) &
    result(factor)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    integer, intent(in) :: momentum
    real(wp), intent(in), contiguous :: zeta(1 - lead:, 1 - halo:) !! [m]
    real(wp), intent(in) :: h   !! at the face [m]
    integer, intent(in) :: i, j !! the face

    real(wp) :: area, columns
    integer :: m, n

    m = i + merge(1, 0, momentum == of_u)
    n = j + merge(0, 1, momentum == of_u)
    columns = grid%depth(i, j) + zeta(i, j) + grid%depth(m, n) + zeta(m, n)
    if (.not. (0.5_wp*columns > parameters%thin_depth .and. &
      grid%water(i, j)*grid%water(m, n) > 0.0_wp)) return
    area = merge(grid%area(j), grid%dx_v(j)*grid%dy, momentum == of_u)
    factor%by_h = 2.0_wp/(area*max(columns, parameters%min_depth))
    factor%value = h*factor%by_h
    if (columns > parameters%min_depth) factor%by_column = -factor%value/columns
  end function factor_of

  !> (1 - theta)*g*dt/2 times the area of a face.
  pure real(wp) function lag_factor(grid, parameters, momentum, j)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    integer, intent(in) :: momentum, j

    lag_factor = 0.5_wp*(1.0_wp - parameters%theta)*parameters%gravity*parameters%dt &
      *merge(grid%area(j), grid%dx_v(j)*grid%dy, momentum == of_u)
  end function lag_factor

  !> The divergence of two cells together, where it is negative [m s-1].
  pure real(wp) function sinking(grid, state, i, j, m, n)
    type(swe_grid_t), intent(in) :: grid
    type(swe_state_t), intent(in) :: state
    integer, intent(in) :: i, j, m, n !! the cells

    sinking = min(0.0_wp, divergence(grid, state%u, state%v, i, j) &
      + divergence(grid, state%u, state%v, m, n))
  end function sinking

  !> Derivative of slope*sinking with respect to the divergence.
  pure real(wp) function rising_slope(grid, momentum, state, faces, i, j, m, n)
    type(swe_grid_t), intent(in) :: grid
    integer, intent(in) :: momentum
    type(swe_state_t), intent(in) :: state
    type(face_momentum_t), intent(in) :: faces
    integer, intent(in) :: i, j, m, n !! the face, and its other cell

    rising_slope = 0.0_wp
    if (sinking(grid, state, i, j, m, n) < 0.0_wp) rising_slope = slope_of(grid, momentum, &
      faces, state%zeta, i, j)
  end function rising_slope

  !> Net outflow of a cell over its area [m s-1].
  pure real(wp) function divergence(grid, u, v, i, j)
    type(swe_grid_t), intent(in) :: grid
    real(wp), intent(in), contiguous :: u(1 - lead:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in), contiguous :: v(1 - lead:, 1 - halo:) !! [m2 s-1]
    integer, intent(in) :: i, j

    divergence = (grid%dy*(u(i, j) - u(i - 1, j)) + grid%dx_v(j)*v(i, j) &
      - grid%dx_v(j - 1)*v(i, j - 1))/grid%area(j)
  end function divergence

  !> Slope of an elevation, or of its change, at a face that holds water [1].
  pure real(wp) function slope_of(grid, momentum, faces, zeta, i, j)
    type(swe_grid_t), intent(in) :: grid
    integer, intent(in) :: momentum
    type(face_momentum_t), intent(in) :: faces
    real(wp), intent(in), contiguous :: zeta(1 - lead:, 1 - halo:) !! [m]
    integer, intent(in) :: i, j !! the face

    slope_of = inverse_distance(grid, momentum, faces, i, j)*(zeta(i + merge(1, 0, &
      momentum == of_u), j + merge(0, 1, momentum == of_u)) - zeta(i, j))
  end function slope_of

  !> 1/distance of the cells beside an open face that holds water, else 0 [m-1].
  pure real(wp) function inverse_distance(grid, momentum, faces, i, j)
    type(swe_grid_t), intent(in) :: grid
    integer, intent(in) :: momentum
    type(face_momentum_t), intent(in) :: faces
    integer, intent(in) :: i, j !! the face

    inverse_distance = 0.0_wp
    if (.not. faces%h(i, j) > 0.0_wp) return
    inverse_distance = merge(grid%open_u(i, j)/grid%dx(j), grid%open_v(i, j)/grid%dy, &
      momentum == of_u)
  end function inverse_distance

  !> Geometry of the fluxes of row j, as in `swe_advection`.
  pure type(row_t) function row_of(grid, momentum, axis, j) result(row)
    type(swe_grid_t), intent(in) :: grid
    integer, intent(in) :: momentum, axis, j

    row%first = merge(0, 1, axis == along_x)
    row%slips = (momentum == of_u) .neqv. (axis == along_x)
    row%di = merge(1, 0, axis == along_x)
    row%dj = 1 - row%di
    row%qi = merge(1, 0, momentum == of_u)
    row%qj = 1 - row%qi
    if (axis == along_x) then
      row%distance = merge(grid%dx(j), grid%dx_v(j), momentum == of_u)
      row%weight = grid%dy
    else
      row%distance = grid%dy
      row%weight = merge(grid%dx_v(j), grid%dx(j + 1), momentum == of_u)
      if (momentum == of_v) row%q = 0.5_wp*grid%dx_v(j:j + 1)/grid%dx(j + 1)
    end if
  end function row_of

  !> Gradient of the flux that leaves face (i, j).
  pure type(gradient_t) function gradient(parameters, row, transport, faces, i, j) &
    result(by)
    type(swe_parameters_t), intent(in) :: parameters
    type(row_t), intent(in) :: row
    real(wp), intent(in), contiguous :: transport(1 - lead:, 1 - halo:) !! [m2 s-1]
    type(face_momentum_t), intent(in) :: faces
    integer, intent(in) :: i, j !! left face

    real(wp) :: a, b, h_left, h_right, q
    logical :: a_is_right, b_is_left

    q = row%q(1)*transport(i, j) + row%q(2)*transport(i + row%qi, j + row%qj)
    h_left = faces%h(i, j)
    h_right = faces%h(i + row%di, j + row%dj)
    associate (left => faces%velocity(i, j), &
      right => faces%velocity(i + row%di, j + row%dj))
      a_is_right = row%slips .and. .not. h_left > 0.0_wp
      b_is_left = row%slips .and. .not. h_right > 0.0_wp
      a = merge(right, left, a_is_right)
      b = merge(left, right, b_is_left)
    end associate
    by%volume = q
    by%q = merge(a, b, q > 0.0_wp)
    by%flux = q*by%q
    call add_sides(merge(q, 0.0_wp, q > 0.0_wp), merge(0.0_wp, q, q > 0.0_wp))
    if (parameters%advection == advection_limited) call add_limited()

  contains

    !> Add the derivatives with respect to a and b to those of left and right.
    pure subroutine add_sides(by_a, by_b)
      real(wp), intent(in) :: by_a, by_b

      by%left = by%left + merge(0.0_wp, by_a, a_is_right) + merge(by_b, 0.0_wp, b_is_left)
      by%right = by%right + merge(by_a, 0.0_wp, a_is_right) + merge(0.0_wp, by_b, b_is_left)
    end subroutine add_sides

    !> Add the gradient of (1 - share)*|q|/2*limited(behind, b - a).
    pure subroutine add_limited()
      real(wp) :: behind, by_behind, by_step, factor, share, step, water, weight

      associate (far_left => faces%velocity(i - row%di, j - row%dj), &
        far_right => faces%velocity(i + 2*row%di, j + 2*row%dj))
        behind = merge(a - far_left, far_right - b, q > 0.0_wp)
      end associate
      step = b - a
      if (.not. behind*step > 0.0_wp) return
      water = max(h_left + h_right, parameters%min_depth)
      factor = 2.0_wp*parameters%dt/(row%distance*water)
      share = min(1.0_wp, factor*abs(q))
      if (.not. share < 1.0_wp) return
      weight = behind*step/(behind + step) ! half the harmonic mean
      by%flux = by%flux + (1.0_wp - share)*abs(q)*weight
      by%q = by%q + (1.0_wp - 2.0_wp*share)*weight*sign(1.0_wp, q)
      if (h_left + h_right > parameters%min_depth) then
        by%h_left = share*abs(q)*weight/water
        by%h_right = by%h_left
      end if
      weight = (1.0_wp - share)*abs(q)/(behind + step)**2
      by_behind = weight*step**2
      by_step = weight*behind**2
      if (q > 0.0_wp) then
        by%far_left = -by_behind
        call add_sides(by_behind - by_step, by_step)
      else
        by%far_right = by_behind
        call add_sides(-by_step, by_step - by_behind)
      end if
    end subroutine add_limited

  end function gradient

end module swe_advection_linearised
