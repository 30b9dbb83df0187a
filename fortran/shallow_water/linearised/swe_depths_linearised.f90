! SPDX-License-Identifier: MIT
!> Tangent-linear and adjoint of the depths of a state, those of second order included, and
!> of the transports that a step brings to the depth of the new level.
!>
!> As the step: `face_depths`, then `sharpen_depths` where momentum is advected to second
!> order with upstream depths. Which face is sharpened is taken from the step.
module swe_depths_linearised
  use swe_blocks, only: halo, lead
  use swe_exchange, only: exchange, exchange_ad
  use swe_faces, only: face_depths
  use swe_faces_linearised, only: face_depths_ad, face_depths_tl
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_parameters, only: advection_limited, face_upwind, swe_parameters_t
  use swe_state, only: swe_state_t
  implicit none
  private
  public :: at_depth_ad, at_depth_tl, current_depths_ad, current_depths_tl

  !> Gradient of a sharpened depth.
  type :: gradient_t
    real(wp) :: zeta(4) = 0.0_wp     !! with respect to the elevations of four cells
    real(wp) :: depth = 0.0_wp       !! to D of the two cells beside the face
    real(wp) :: transport = 0.0_wp   !! [s m-1]
    real(wp) :: h = 1.0_wp           !! to the depth of first order
  end type gradient_t

contains

  !> Change of the depths at the faces of a state.
  subroutine current_depths_tl(grid, parameters, state, h_u, h_v, state_tl, depth_tl, &
    first_u, first_v, h_u_tl, h_v_tl)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_state_t), intent(in) :: state
    real(wp), intent(in), contiguous :: h_u(1 - lead:, 1 - halo:) !! depths of the state [m]
    real(wp), intent(in), contiguous :: h_v(1 - lead:, 1 - halo:) !! [m]
    type(swe_state_t), intent(in) :: state_tl                     !! change of the state
    real(wp), intent(in), contiguous :: depth_tl(1 - lead:, 1 - halo:)   !! [m]
    real(wp), intent(inout), contiguous :: first_u(1 - lead:, 1 - halo:) !! work space
    real(wp), intent(inout), contiguous :: first_v(1 - lead:, 1 - halo:) !! work space
    real(wp), intent(inout), contiguous :: h_u_tl(1 - lead:, 1 - halo:)  !! set [m]
    real(wp), intent(inout), contiguous :: h_v_tl(1 - lead:, 1 - halo:)  !! set [m]

    type(gradient_t) :: by
    integer :: i, j

    if (.not. are_sharp(parameters)) then
      call face_depths_tl(grid, parameters, state, h_u, h_v, state_tl%zeta, depth_tl, &
        h_u_tl, h_v_tl)
      return
    end if
    call face_depths(grid, parameters, state, first_u, first_v)
    call face_depths_tl(grid, parameters, state, first_u, first_v, state_tl%zeta, &
      depth_tl, h_u_tl, h_v_tl)
    !$omp parallel do private(i, by)
    do j = 0, grid%block%ny + 1
      do i = 0, grid%block%nx
        by = gradient(parameters, grid%dx(j), state%u(i, j), grid%open_u(i, j), &
          grid%depth(i - 1:i + 2, j), state%zeta(i - 1:i + 2, j), first_u(i, j))
        h_u_tl(i, j) = by%h*h_u_tl(i, j) + sum(by%zeta*state_tl%zeta(i - 1:i + 2, j)) &
          + by%depth*(depth_tl(i, j) + depth_tl(i + 1, j)) + by%transport*state_tl%u(i, j)
      end do
      if (j > grid%block%ny) cycle
      do i = 0, grid%block%nx + 1
        by = gradient(parameters, grid%dy, state%v(i, j), grid%open_v(i, j), &
          grid%depth(i, j - 1:j + 2), state%zeta(i, j - 1:j + 2), first_v(i, j))
        h_v_tl(i, j) = by%h*h_v_tl(i, j) + sum(by%zeta*state_tl%zeta(i, j - 1:j + 2)) &
          + by%depth*(depth_tl(i, j) + depth_tl(i, j + 1)) + by%transport*state_tl%v(i, j)
      end do
    end do
    call exchange(grid%block, h_u_tl, h_v_tl)
  end subroutine current_depths_tl

  !> Transpose of `current_depths_tl`: `h_u_ad` and `h_v_ad` are spoilt. The sharpened part
  !> scatters over rows and runs on one thread.
  subroutine current_depths_ad(grid, parameters, state, h_u, h_v, h_u_ad, h_v_ad, first_u, &
    first_v, state_ad, depth_ad)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_state_t), intent(in) :: state
    real(wp), intent(in), contiguous :: h_u(1 - lead:, 1 - halo:) !! depths of the state [m]
    real(wp), intent(in), contiguous :: h_v(1 - lead:, 1 - halo:) !! [m]
    real(wp), intent(inout), contiguous :: h_u_ad(1 - lead:, 1 - halo:)  !! sensitivities
    real(wp), intent(inout), contiguous :: h_v_ad(1 - lead:, 1 - halo:)
    real(wp), intent(inout), contiguous :: first_u(1 - lead:, 1 - halo:) !! work space
    real(wp), intent(inout), contiguous :: first_v(1 - lead:, 1 - halo:) !! work space
    type(swe_state_t), intent(inout) :: state_ad                         !! added to
    real(wp), intent(inout), contiguous :: depth_ad(1 - lead:, 1 - halo:) !! added to

    type(gradient_t) :: by
    integer :: i, j

    if (.not. are_sharp(parameters)) then
      call face_depths_ad(grid, parameters, state, h_u, h_v, h_u_ad, h_v_ad, &
        state_ad%zeta, depth_ad)
      return
    end if
    call exchange_ad(grid%block, h_u_ad)
    call exchange_ad(grid%block, h_v_ad)
    call face_depths(grid, parameters, state, first_u, first_v)
    do j = 0, grid%block%ny + 1
      do i = 0, grid%block%nx
        by = gradient(parameters, grid%dx(j), state%u(i, j), grid%open_u(i, j), &
          grid%depth(i - 1:i + 2, j), state%zeta(i - 1:i + 2, j), first_u(i, j))
        state_ad%zeta(i - 1:i + 2, j) = state_ad%zeta(i - 1:i + 2, j) &
          + by%zeta*h_u_ad(i, j)
        depth_ad(i:i + 1, j) = depth_ad(i:i + 1, j) + by%depth*h_u_ad(i, j)
        state_ad%u(i, j) = state_ad%u(i, j) + by%transport*h_u_ad(i, j)
        h_u_ad(i, j) = by%h*h_u_ad(i, j)
      end do
      if (j > grid%block%ny) cycle
      do i = 0, grid%block%nx + 1
        by = gradient(parameters, grid%dy, state%v(i, j), grid%open_v(i, j), &
          grid%depth(i, j - 1:j + 2), state%zeta(i, j - 1:j + 2), first_v(i, j))
        state_ad%zeta(i, j - 1:j + 2) = state_ad%zeta(i, j - 1:j + 2) &
          + by%zeta*h_v_ad(i, j)
        depth_ad(i, j:j + 1) = depth_ad(i, j:j + 1) + by%depth*h_v_ad(i, j)
        state_ad%v(i, j) = state_ad%v(i, j) + by%transport*h_v_ad(i, j)
        h_v_ad(i, j) = by%h*h_v_ad(i, j)
      end do
    end do
    call face_depths_ad(grid, parameters, state, first_u, first_v, h_u_ad, h_v_ad, &
      state_ad%zeta, depth_ad)
  end subroutine current_depths_ad

  !> Whether a model's depths are of second order.
  pure logical function are_sharp(parameters)
    type(swe_parameters_t), intent(in) :: parameters

    are_sharp = parameters%face_depth == face_upwind .and. &
      parameters%advection == advection_limited
  end function are_sharp

  !> Gradient of the depth at the face between the second and the third of four cells; see
  !> `swe_sharp_depths`.
  pure type(gradient_t) function gradient(parameters, distance, transport, open, depth, &
    zeta, h) result(by)
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in) :: distance  !! of the cells [m]
    real(wp), intent(in) :: transport !! [m2 s-1]
    real(wp), intent(in) :: open      !! 1 if the face is open
    real(wp), intent(in) :: depth(4)  !! D [m]
    real(wp), intent(in) :: zeta(4)   !! [m]
    real(wp), intent(in) :: h         !! of first order [m]

    real(wp) :: behind, least, limited, passed, side, step, sharp, water
    integer :: up

    if (.not. (open > 0.0_wp .and. abs(transport) > 0.0_wp)) return
    side = sign(1.0_wp, transport)
    up = merge(2, 3, transport > 0.0_wp)
    step = zeta(3) - zeta(2)
    behind = merge(zeta(2) - zeta(1), zeta(4) - zeta(3), transport > 0.0_wp)
    least = min(depth(2) + zeta(2), depth(3) + zeta(3), merge(depth(1) + zeta(1), &
      depth(4) + zeta(4), transport > 0.0_wp))
    if (.not. least > max(parameters%thin_depth, parameters%min_depth)) return
    water = max(h, parameters%min_depth)
    passed = min(1.0_wp, abs(transport)*parameters%dt/(distance*water))
    limited = 0.0_wp
    if (behind*step > 0.0_wp) limited = 2.0_wp*behind*step/(behind + step)
    sharp = zeta(up) + 0.5_wp*side*(1.0_wp - passed)*limited + 0.5_wp*(depth(2) + depth(3))
    if (.not. sharp > parameters%min_depth) return
    by%h = 0.0_wp
    by%depth = 0.5_wp
    by%zeta(up) = 1.0_wp
    if (.not. behind*step > 0.0_wp) return
    if (passed < 1.0_wp) then
      by%transport = -0.5_wp*limited*parameters%dt/(distance*water)
      if (h > parameters%min_depth) by%h = 0.5_wp*side*limited*passed/water
    end if
    call add_difference(2, side*(1.0_wp - passed)*(behind/(behind + step))**2)
    call add_difference(merge(1, 3, transport > 0.0_wp), &
      side*(1.0_wp - passed)*(step/(behind + step))**2)

  contains

    !> Add the derivative with respect to zeta(k + 1) - zeta(k).
    pure subroutine add_difference(k, derivative)
      integer, intent(in) :: k
      real(wp), intent(in) :: derivative

      by%zeta(k + 1) = by%zeta(k + 1) + derivative
      by%zeta(k) = by%zeta(k) - derivative
    end subroutine add_difference

  end function gradient

  !> Change of a transport that is brought from depth h to depth h_new.
  elemental real(wp) function at_depth_tl(transport, h, h_new, open, transport_tl, h_tl, &
    h_new_tl)
    real(wp), intent(in) :: transport !! before [m2 s-1]
    real(wp), intent(in) :: h, h_new  !! [m]
    real(wp), intent(in) :: open      !! 0 at boundary faces, which keep theirs
    real(wp), intent(in) :: transport_tl, h_tl, h_new_tl

    at_depth_tl = transport_tl
    if (h > 0.0_wp .and. open > 0.0_wp) at_depth_tl = (h_new*transport_tl &
      + transport*(h_new_tl - h_new/h*h_tl))/h
  end function at_depth_tl

  !> Transpose of `at_depth_tl`.
  elemental subroutine at_depth_ad(transport, h, h_new, open, transport_ad, h_ad, h_new_ad)
    real(wp), intent(in) :: transport !! before [m2 s-1]
    real(wp), intent(in) :: h, h_new  !! [m]
    real(wp), intent(in) :: open      !! 0 at boundary faces
    real(wp), intent(inout) :: transport_ad !! sensitivity to the new one; to the old one
    real(wp), intent(inout) :: h_ad, h_new_ad !! added to

    if (.not. (h > 0.0_wp .and. open > 0.0_wp)) return
    h_new_ad = h_new_ad + transport/h*transport_ad
    h_ad = h_ad - transport*h_new/h**2*transport_ad
    transport_ad = h_new/h*transport_ad
  end subroutine at_depth_ad

end module swe_depths_linearised
