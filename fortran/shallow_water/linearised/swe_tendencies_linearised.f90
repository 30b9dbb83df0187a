! SPDX-License-Identifier: MIT
!> Tangent-linear and adjoint of swe_tendencies: all tendencies but the surface slope, the
!> rotation and the bottom friction.
module swe_tendencies_linearised
  use swe_advection_linearised, only: add_advection_ad, add_advection_tl
  use swe_blocks, only: halo, lead
  use swe_controls, only: swe_controls_t
  use swe_exchange, only: exchange, exchange_ad
  use swe_forces_linearised, only: add_head_ad, add_head_tl, add_stress_ad, add_stress_tl
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_momentum, only: face_momentum_t
  use swe_momentum_linearised, only: face_changes_t
  use swe_parameters, only: advection_none, swe_parameters_t
  use swe_state, only: swe_forcing_t, swe_state_t
  use swe_viscosity_linearised, only: add_viscosity_ad, add_viscosity_tl
  implicit none
  private
  public :: other_tendencies_ad, other_tendencies_tl

contains

  !> Changes of X and Y, and of the slopes with the head.
  subroutine other_tendencies_tl(grid, parameters, forcing, old, east, north, old_tl, &
    controls_tl, east_tl, north_tl)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_forcing_t), intent(in) :: forcing
    type(swe_state_t), intent(in) :: old             !! at the start of the step
    type(face_momentum_t), intent(in) :: east, north !! of the step
    type(swe_state_t), intent(in) :: old_tl          !! change of `old`
    type(swe_controls_t), intent(in) :: controls_tl
    type(face_changes_t), intent(inout) :: east_tl, north_tl
      !! depths and slopes are known; `extra` is set

    logical :: is_advected, is_viscous

    is_advected = parameters%advection /= advection_none
    is_viscous = parameters%viscosity > 0.0_wp
    east_tl%extra(:, :) = 0.0_wp
    north_tl%extra(:, :) = 0.0_wp
    if (is_advected .or. is_viscous) then
      call set_velocity_tl(grid, parameters, east, old_tl%u, east_tl)
      call set_velocity_tl(grid, parameters, north, old_tl%v, north_tl)
      call exchange(grid%block, east_tl%velocity, north_tl%velocity)
      if (is_advected) call add_advection_tl(grid, parameters, old, east, north, &
        old_tl, controls_tl%depth, east_tl, north_tl)
      if (is_viscous) call add_viscosity_tl(grid, parameters, east, north, east_tl, &
        north_tl)
      call exchange(grid%block, east_tl%extra, north_tl%extra)
    end if
    call add_head_tl(grid, parameters, forcing%head, east, north, controls_tl%head, &
      east_tl, north_tl)
    call add_stress_tl(grid, parameters, forcing%stress_u, east, controls_tl%stress_u, &
      east_tl)
    call add_stress_tl(grid, parameters, forcing%stress_v, north, controls_tl%stress_v, &
      north_tl)
  end subroutine other_tendencies_tl

  !> Transpose of `other_tendencies_tl`: `extra` and `slope` come in and are spoilt, `h` is
  !> added to.
  subroutine other_tendencies_ad(grid, parameters, forcing, old, east, north, east_ad, &
    north_ad, old_ad, controls_ad)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_forcing_t), intent(in) :: forcing
    type(swe_state_t), intent(in) :: old             !! at the start of the step
    type(face_momentum_t), intent(in) :: east, north !! of the step
    type(face_changes_t), intent(inout) :: east_ad, north_ad
    type(swe_state_t), intent(inout) :: old_ad         !! added to
    type(swe_controls_t), intent(inout) :: controls_ad !! added to

    logical :: is_advected, is_viscous

    is_advected = parameters%advection /= advection_none
    is_viscous = parameters%viscosity > 0.0_wp
    call add_stress_ad(grid, parameters, forcing%stress_u, east, east_ad, &
      controls_ad%stress_u)
    call add_stress_ad(grid, parameters, forcing%stress_v, north, north_ad, &
      controls_ad%stress_v)
    call add_head_ad(grid, parameters, forcing%head, east, north, east_ad, north_ad, &
      controls_ad%head)
    if (.not. (is_advected .or. is_viscous)) return
    call exchange_ad(grid%block, east_ad%extra)
    call exchange_ad(grid%block, north_ad%extra)
    east_ad%velocity(:, :) = 0.0_wp
    north_ad%velocity(:, :) = 0.0_wp
    if (is_viscous) call add_viscosity_ad(grid, parameters, east, north, east_ad, north_ad)
    if (is_advected) call add_advection_ad(grid, parameters, old, east, north, east_ad, &
      north_ad, old_ad, controls_ad%depth)
    call exchange_ad(grid%block, east_ad%velocity)
    call exchange_ad(grid%block, north_ad%velocity)
    call set_velocity_ad(grid, parameters, east, east_ad, old_ad%u)
    call set_velocity_ad(grid, parameters, north, north_ad, old_ad%v)
  end subroutine other_tendencies_ad

  !> Change of the velocity at the block's faces.
  subroutine set_velocity_tl(grid, parameters, faces, transport_tl, faces_tl)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(face_momentum_t), intent(in) :: faces !! of the step
    real(wp), intent(in), contiguous :: transport_tl(1 - lead:, 1 - halo:) !! [m2 s-1]
    type(face_changes_t), intent(inout) :: faces_tl !! `velocity` is set

    integer :: i, j

    !$omp parallel do private(i)
    do j = 1, grid%block%ny
      do i = 1, grid%block%nx
        faces_tl%velocity(i, j) = per_depth(parameters, faces%h(i, j))*transport_tl(i, j) &
          + by_depth(parameters, faces%velocity(i, j), faces%h(i, j))*faces_tl%h(i, j)
      end do
    end do
  end subroutine set_velocity_tl

  !> Transpose of `set_velocity_tl`.
  subroutine set_velocity_ad(grid, parameters, faces, faces_ad, transport_ad)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(face_momentum_t), intent(in) :: faces      !! of the step
    type(face_changes_t), intent(inout) :: faces_ad !! `h` is added to
    real(wp), intent(inout), contiguous :: transport_ad(1 - lead:, 1 - halo:) !! added to

    integer :: i, j

    !$omp parallel do private(i)
    do j = 1, grid%block%ny
      do i = 1, grid%block%nx
        transport_ad(i, j) = transport_ad(i, j) + per_depth(parameters, faces%h(i, j)) &
          *faces_ad%velocity(i, j)
        faces_ad%h(i, j) = faces_ad%h(i, j) + by_depth(parameters, faces%velocity(i, j), &
          faces%h(i, j))*faces_ad%velocity(i, j)
      end do
    end do
  end subroutine set_velocity_ad

  !> Velocity per transport [m-1], zero where there is no water.
  elemental real(wp) function per_depth(parameters, h)
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in) :: h !! [m]

    per_depth = merge(1.0_wp, 0.0_wp, h > 0.0_wp)/max(h, parameters%min_depth, tiny(h))
  end function per_depth

  !> Derivative of the velocity with the depth [s-1].
  elemental real(wp) function by_depth(parameters, velocity, h)
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in) :: velocity !! [m s-1]
    real(wp), intent(in) :: h        !! [m]

    by_depth = merge(-velocity*per_depth(parameters, h), 0.0_wp, h >= parameters%min_depth)
  end function by_depth

end module swe_tendencies_linearised
