! SPDX-License-Identifier: MIT
!> Tangent-linear and adjoint of swe_advection.
!>
!> Each flux lies between two faces, left and right, and is written down once: `gradient`
!> gives its derivatives with respect to the volume flux, the two depths and four
!> velocities, and both sweeps use it. Which side is upstream, whether the limiter acts, and
!> where water is too thin, are taken from the step. Fluxes are scattered to the two faces,
!> so the sweeps run on one thread.
module swe_advection_linearised
  use swe_blocks, only: halo
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
    real(wp) :: h(2) = 1.0_wp      !! widths that the depths are multiplied with
    real(wp) :: distance = 0.0_wp  !! of the two faces [m]
    real(wp) :: loss = 0.0_wp      !! of the left face per flux
    real(wp) :: gain = 0.0_wp      !! of the right face per flux
    logical :: slips = .false.     !! where no water is, the neighbour counts
  end type row_t

  !> Gradient of one flux.
  type :: gradient_t
    real(wp) :: q = 0.0_wp                          !! with respect to the volume flux
    real(wp) :: h_left = 0.0_wp, h_right = 0.0_wp   !! to the depths
    real(wp) :: far_left = 0.0_wp, left = 0.0_wp    !! to the velocities
    real(wp) :: right = 0.0_wp, far_right = 0.0_wp
  end type gradient_t

contains

  !> Change of X and Y with transports, depths and velocities.
  subroutine add_advection_tl(grid, parameters, state, east, north, u_tl, v_tl, east_tl, &
    north_tl)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_state_t), intent(in) :: state                         !! of the step
    type(face_momentum_t), intent(in) :: east, north               !! of the step
    real(wp), intent(in), contiguous :: u_tl(1 - halo:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in), contiguous :: v_tl(1 - halo:, 1 - halo:) !! [m2 s-1]
    type(face_changes_t), intent(inout) :: east_tl, north_tl
      !! `extra`, zero before, is set on the block's faces

    call sweep_tl(grid, parameters, of_u, along_x, state%u, u_tl, east, east_tl)
    call sweep_tl(grid, parameters, of_u, along_y, state%v, v_tl, east, east_tl)
    call sweep_tl(grid, parameters, of_v, along_x, state%u, u_tl, north, north_tl)
    call sweep_tl(grid, parameters, of_v, along_y, state%v, v_tl, north, north_tl)
    call keep_deep(grid, parameters, state%zeta, 1, 0, east_tl%extra)
    call keep_deep(grid, parameters, state%zeta, 0, 1, north_tl%extra)
  end subroutine add_advection_tl

  !> Transpose of `add_advection_tl`: `extra` on the block's faces comes in and is spoilt.
  subroutine add_advection_ad(grid, parameters, state, east, north, east_ad, north_ad, &
    u_ad, v_ad)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_state_t), intent(in) :: state                   !! of the step
    type(face_momentum_t), intent(in) :: east, north         !! of the step
    type(face_changes_t), intent(inout) :: east_ad, north_ad
      !! `h` and `velocity` are added to
    real(wp), intent(inout), contiguous :: u_ad(1 - halo:, 1 - halo:) !! added to
    real(wp), intent(inout), contiguous :: v_ad(1 - halo:, 1 - halo:) !! added to

    call keep_deep(grid, parameters, state%zeta, 1, 0, east_ad%extra)
    call keep_deep(grid, parameters, state%zeta, 0, 1, north_ad%extra)
    call sweep_ad(grid, parameters, of_u, along_x, state%u, east, east_ad, u_ad)
    call sweep_ad(grid, parameters, of_u, along_y, state%v, east, east_ad, v_ad)
    call sweep_ad(grid, parameters, of_v, along_x, state%u, north, north_ad, u_ad)
    call sweep_ad(grid, parameters, of_v, along_y, state%v, north, north_ad, v_ad)
  end subroutine add_advection_ad

  !> Changes of the fluxes of one momentum along one axis.
  subroutine sweep_tl(grid, parameters, momentum, axis, transport, transport_tl, faces, &
    faces_tl)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    integer, intent(in) :: momentum, axis !! of_*, along_*
    real(wp), intent(in), contiguous :: transport(1 - halo:, 1 - halo:)    !! that carries
    real(wp), intent(in), contiguous :: transport_tl(1 - halo:, 1 - halo:) !! its change
    type(face_momentum_t), intent(in) :: faces                             !! of the step
    type(face_changes_t), intent(inout) :: faces_tl                        !! `extra`

    type(gradient_t) :: by
    type(row_t) :: row
    real(wp) :: flux_tl
    integer :: i, j

    do j = merge(0, 1, axis == along_y), grid%block%ny
      row = row_of(grid, momentum, axis, j)
      do i = row%first, grid%block%nx
        by = gradient(parameters, row, transport, faces, i, j)
        associate (m => i + row%di, n => j + row%dj, h_tl => faces_tl%h, &
          u_tl => faces_tl%velocity)
          flux_tl = by%q*(row%q(1)*transport_tl(i, j) &
            + row%q(2)*transport_tl(i + row%qi, j + row%qj)) &
            + by%h_left*row%h(1)*h_tl(i, j) + by%h_right*row%h(2)*h_tl(m, n) &
            + by%far_left*u_tl(i - row%di, j - row%dj) + by%left*u_tl(i, j) &
            + by%right*u_tl(m, n) + by%far_right*u_tl(m + row%di, n + row%dj)
          faces_tl%extra(i, j) = faces_tl%extra(i, j) - row%loss*flux_tl
          faces_tl%extra(m, n) = faces_tl%extra(m, n) + row%gain*flux_tl
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
    real(wp), intent(in), contiguous :: transport(1 - halo:, 1 - halo:) !! that carries
    type(face_momentum_t), intent(in) :: faces                          !! of the step
    type(face_changes_t), intent(inout) :: faces_ad                     !! `h`, `velocity`
    real(wp), intent(inout), contiguous :: transport_ad(1 - halo:, 1 - halo:) !! added to

    type(gradient_t) :: by
    type(row_t) :: row
    real(wp) :: flux_ad
    integer :: i, j

    do j = merge(0, 1, axis == along_y), grid%block%ny
      row = row_of(grid, momentum, axis, j)
      do i = row%first, grid%block%nx
        by = gradient(parameters, row, transport, faces, i, j)
        associate (m => i + row%di, n => j + row%dj, h_ad => faces_ad%h, &
          u_ad => faces_ad%velocity)
          flux_ad = row%gain*faces_ad%extra(m, n) - row%loss*faces_ad%extra(i, j)
          call add(transport_ad(i, j), row%q(1)*by%q*flux_ad)
          call add(transport_ad(i + row%qi, j + row%qj), row%q(2)*by%q*flux_ad)
          call add(h_ad(i, j), row%h(1)*by%h_left*flux_ad)
          call add(h_ad(m, n), row%h(2)*by%h_right*flux_ad)
          call add(u_ad(i - row%di, j - row%dj), by%far_left*flux_ad)
          call add(u_ad(i, j), by%left*flux_ad)
          call add(u_ad(m, n), by%right*flux_ad)
          call add(u_ad(m + row%di, n + row%dj), by%far_right*flux_ad)
        end associate
      end do
    end do

  contains

    pure subroutine add(total, change)
      real(wp), intent(inout) :: total
      real(wp), intent(in) :: change

      total = total + change
    end subroutine add

  end subroutine sweep_ad

  !> Set to zero what is not advected: faces beside thin water or no water, and the halo,
  !> whose owners make the same fluxes.
  subroutine keep_deep(grid, parameters, zeta, di, dj, extra)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: zeta(1 - halo:, 1 - halo:)     !! [m]
    integer, intent(in) :: di, dj                                      !! to the other cell
    real(wp), intent(inout), contiguous :: extra(1 - halo:, 1 - halo:) !! at the faces

    integer :: i, j

    do j = 1 - halo, grid%block%ny + halo
      do i = 1 - halo, grid%block%nx + halo
        if (min(i, j) >= 1 .and. i <= grid%block%nx .and. j <= grid%block%ny) then
          if (is_deep(i, j) .and. is_deep(i + di, j + dj)) cycle
        end if
        extra(i, j) = 0.0_wp
      end do
    end do

  contains

    pure logical function is_deep(i, j)
      integer, intent(in) :: i, j !! cell

      is_deep = grid%water(i, j) > 0.0_wp .and. &
        grid%depth(i, j) + zeta(i, j) > parameters%thin_depth
    end function is_deep

  end subroutine keep_deep

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
      row%loss = merge(grid%dy/grid%area(j), 1.0_wp/grid%dx_v(j), momentum == of_u)
      row%gain = row%loss
    else
      row%distance = grid%dy
      if (momentum == of_u) then
        row%loss = grid%dx_v(j)/grid%area(j)
        row%gain = grid%dx_v(j)/grid%area(j + 1)
      else
        row%h = grid%dx_v(j:j + 1)
        row%q = 0.5_wp*grid%dx_v(j:j + 1)
        row%loss = 1.0_wp/(grid%dx_v(j)*grid%dy)
        row%gain = 1.0_wp/(grid%dx_v(j + 1)*grid%dy)
      end if
    end if
  end function row_of

  !> Gradient of the flux that leaves face (i, j).
  pure type(gradient_t) function gradient(parameters, row, transport, faces, i, j) &
    result(by)
    type(swe_parameters_t), intent(in) :: parameters
    type(row_t), intent(in) :: row
    real(wp), intent(in), contiguous :: transport(1 - halo:, 1 - halo:) !! [m2 s-1]
    type(face_momentum_t), intent(in) :: faces
    integer, intent(in) :: i, j !! left face

    real(wp) :: a, b, h_left, h_right, q
    logical :: a_is_right, b_is_left

    q = row%q(1)*transport(i, j) + row%q(2)*transport(i + row%qi, j + row%qj)
    h_left = row%h(1)*faces%h(i, j)
    h_right = row%h(2)*faces%h(i + row%di, j + row%dj)
    associate (left => faces%velocity(i, j), &
      right => faces%velocity(i + row%di, j + row%dj))
      a_is_right = row%slips .and. .not. h_left > 0.0_wp
      b_is_left = row%slips .and. .not. h_right > 0.0_wp
      a = merge(right, left, a_is_right)
      b = merge(left, right, b_is_left)
    end associate
    by%q = merge(a, b, q > 0.0_wp)
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
