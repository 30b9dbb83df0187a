! SPDX-License-Identifier: MIT
!> First-order transport of a tracer by the volumes that a step moves.
!>
!>     V(n+1) c(n+1) = V(n) c(n) + sum in*c(donor) - out*c(donor)
!>     V(n+1) = V(n) + in - out
!>
!> The concentration that leaves a cell is that of the old level, as long as less water
!> leaves than was there: then the new one is a mean, with positive weights, of old ones. A
!> cell through which more water passes than it held (a thin layer, a short cell) gives what
!> it has at the new level,
!>
!>     c(donor) = (V(n) c(n) + sum in*c(donor of the neighbour))/(V(n+1) + out),
!>
!> also such a mean. These few equations are solved by sweeps; water flows down, so they
!> need about as many as such cells lie in a row. So the scheme has no limit to the step,
!> makes no new extremes, keeps a constant, and conserves mass, also where cells dry.
module swe_upwind_tracers
  use swe_blocks, only: halo, lead
  use swe_exchange, only: exchange, global_maximum
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  implicit none
  private
  public :: moved_volumes_t, set_donors, upwind_transport

  integer, parameter :: max_sweeps = 200
  real(wp), parameter :: settled = 8.0_wp*epsilon(1.0_wp)
    !! relative change of a donor at which the sweeps end

  !> Water of one step. All fields have the model's halo.
  type :: moved_volumes_t
    real(wp), allocatable :: east(:, :)   !! through east faces, eastward [m3]
    real(wp), allocatable :: north(:, :)  !! through north faces, northward [m3]
    real(wp), allocatable :: before(:, :) !! in cells before the step [m3]
    real(wp), allocatable :: stays(:, :)  !! of it, what does not leave: before - out [m3]
    real(wp), allocatable :: out(:, :)    !! leaves a cell [m3]
    real(wp), allocatable :: after(:, :)  !! in cells after the step [m3]
    logical :: has_fast_cells = .false.   !! more leaves some cell than was in it
  end type moved_volumes_t

contains

  !> Concentration of what leaves the cells.
  subroutine set_donors(grid, volumes, c, donor)
    type(swe_grid_t), intent(in) :: grid
    type(moved_volumes_t), intent(in) :: volumes
    real(wp), intent(in), contiguous :: c(1 - lead:, 1 - halo:) !! old, with filled halo
    real(wp), intent(inout), contiguous :: donor(1 - lead:, 1 - halo:) !! set, halo filled

    real(wp) :: change, found, largest
    integer :: i, j, sweep

    donor(:, :) = c
    if (.not. volumes%has_fast_cells) return
    do sweep = 1, max_sweeps
      change = 0.0_wp
      largest = tiny(1.0_wp)
      do j = 1, grid%block%ny
        do i = 1, grid%block%nx
          if (volumes%stays(i, j) >= 0.0_wp .or. .not. grid%water(i, j) > 0.0_wp) cycle
          found = (volumes%before(i, j)*c(i, j) + gains(volumes, donor, i, j)) &
            /(volumes%after(i, j) + volumes%out(i, j))
          change = max(change, abs(found - donor(i, j)))
          largest = max(largest, abs(found))
          donor(i, j) = found
        end do
      end do
      call exchange(grid%block, donor)
      if (global_maximum(grid%block, change) <= settled*global_maximum(grid%block, &
        largest)) exit
    end do
  end subroutine set_donors

  !> New concentrations in water; the others are kept.
  subroutine upwind_transport(grid, volumes, donor, c)
    type(swe_grid_t), intent(in) :: grid
    type(moved_volumes_t), intent(in) :: volumes
    real(wp), intent(in), contiguous :: donor(1 - lead:, 1 - halo:) !! of `set_donors`
    real(wp), intent(inout), contiguous :: c(1 - lead:, 1 - halo:)  !! advanced

    real(wp) :: mixed
    integer :: i, j

    !$omp parallel do private(i, mixed)
    do j = 1, grid%block%ny
      do i = 1, grid%block%nx
        mixed = (volumes%stays(i, j)*c(i, j) + gains(volumes, donor, i, j)) &
          /max(volumes%after(i, j), tiny(1.0_wp))
        mixed = merge(donor(i, j), mixed, volumes%stays(i, j) < 0.0_wp)
        c(i, j) = merge(mixed, c(i, j), volumes%after(i, j) > 0.0_wp .and. &
          grid%water(i, j) > 0.0_wp)
      end do
    end do
    call exchange(grid%block, c)
  end subroutine upwind_transport

  !> What flows into a cell.
  pure real(wp) function gains(volumes, donor, i, j)
    type(moved_volumes_t), intent(in) :: volumes
    real(wp), intent(in), contiguous :: donor(1 - lead:, 1 - halo:)
    integer, intent(in) :: i, j

    gains = max(volumes%east(i - 1, j), 0.0_wp)*donor(i - 1, j) &
      - min(volumes%east(i, j), 0.0_wp)*donor(i + 1, j) &
      + max(volumes%north(i, j - 1), 0.0_wp)*donor(i, j - 1) &
      - min(volumes%north(i, j), 0.0_wp)*donor(i, j + 1)
  end function gains

end module swe_upwind_tracers
