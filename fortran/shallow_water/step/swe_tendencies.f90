! SPDX-License-Identifier: MIT
!> All tendencies of momentum but the surface slope, the rotation and the bottom friction:
!> viscosity, advection, wind, air pressure and tide-generating potential.
!>
!> What does not act costs nothing: no loop runs, no field is allocated.
module swe_tendencies
  use swe_advection, only: add_advection
  use swe_blocks, only: halo, lead
  use swe_exchange, only: exchange
  use swe_fields, only: allocate_field
  use swe_forces, only: add_head, add_stress
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_momentum, only: face_momentum_t
  use swe_parameters, only: advection_none, swe_parameters_t
  use swe_rows, only: is_large
  use swe_state, only: swe_forcing_t, swe_state_t
  use swe_viscosity, only: set_viscosity
  implicit none
  private
  public :: other_tendencies

contains

  !> Set X and Y.
  subroutine other_tendencies(grid, parameters, forcing, old, east, north)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_forcing_t), intent(in) :: forcing
    type(swe_state_t), intent(in) :: old !! at the start of the step
    type(face_momentum_t), intent(inout) :: east, north
      !! depths are known; `extra` is set

    logical :: is_advected, is_viscous

    is_advected = parameters%advection /= advection_none
    is_viscous = parameters%viscosity > 0.0_wp
    call clear(grid, is_advected .or. is_viscous .or. allocated(forcing%stress_u) .or. &
      allocated(forcing%head), is_viscous, east)
    call clear(grid, is_advected .or. is_viscous .or. allocated(forcing%stress_v) .or. &
      allocated(forcing%head), is_viscous, north)
    if (is_advected .or. is_viscous) then
      call set_velocity(grid, parameters, old%u, east)
      call set_velocity(grid, parameters, old%v, north)
      call exchange(grid%block, east%velocity, north%velocity)
      if (is_viscous) call set_viscosity(grid, parameters, east, north)
      if (is_advected) call add_advection(grid, parameters, old, east, north)
      call exchange(grid%block, east%extra, north%extra)
    end if
    if (allocated(forcing%head)) call add_head(grid, parameters, forcing%head, east, north)
    if (allocated(forcing%stress_u)) then
      call add_stress(grid, parameters, forcing%stress_u, east)
    end if
    if (allocated(forcing%stress_v)) then
      call add_stress(grid, parameters, forcing%stress_v, north)
    end if
  end subroutine other_tendencies

  !> X = 0, unless it is and nothing acts; beside the block only if the rest will be set.
  subroutine clear(grid, acts, is_set, faces)
    type(swe_grid_t), intent(in) :: grid
    logical, intent(in) :: acts   !! something does in this step
    logical, intent(in) :: is_set !! the first of it sets X at the block's faces
    type(face_momentum_t), intent(inout) :: faces

    integer :: j, nx, ny

    nx = grid%block%nx
    ny = grid%block%ny
    if (is_set) then
      faces%extra(:, :0) = 0.0_wp
      faces%extra(:, ny + 1:) = 0.0_wp
      faces%extra(:0, :) = 0.0_wp
      faces%extra(nx + 1:, :) = 0.0_wp
    else if (faces%has_extra .or. acts) then
      !$omp parallel do if (is_large(grid%block))
      do j = lbound(faces%extra, 2), ubound(faces%extra, 2)
        faces%extra(:, j) = 0.0_wp
      end do
    end if
    faces%has_extra = acts
  end subroutine clear

  !> Velocity at the block's faces, zero where there is no water.
  subroutine set_velocity(grid, parameters, transport, faces)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: transport(1 - lead:, 1 - halo:) !! [m2 s-1]
    type(face_momentum_t), intent(inout) :: faces

    integer :: i, j

    if (.not. allocated(faces%velocity)) then
      call allocate_field(grid%block, faces%velocity)
    end if
    !$omp parallel do private(i) if (is_large(grid%block))
    do j = 1, grid%block%ny
      do i = 1, grid%block%nx
        faces%velocity(i, j) = merge(transport(i, j)/max(faces%h(i, j), &
          parameters%min_depth, tiny(1.0_wp)), 0.0_wp, faces%h(i, j) > 0.0_wp)
      end do
    end do
  end subroutine set_velocity

end module swe_tendencies
