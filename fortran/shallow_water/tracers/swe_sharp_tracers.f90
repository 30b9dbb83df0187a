! SPDX-License-Identifier: MIT
!> Second order for tracers: what the first order smears is carried back, as far as no new
!> extreme arises.
!>
!> The corrections of the fluxes are those of Lax and Wendroff, the transverse one included,
!>
!>     A = Q/2*(sign(Q) - Q/V)*(c(i+1) - c(i)) - Q/2*(Q_across/V)*(difference across),
!>
!> limited as by Zalesak (1979, Journal of Computational Physics 31, 335-362): a new
!> concentration lies between the old and first-order ones of the cell and its neighbours.
!> A constant has no corrections, so it stays. A cell through which more water passes than
!> it holds stays of first order.
module swe_sharp_tracers
  use swe_blocks, only: halo, lead
  use swe_exchange, only: exchange
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_upwind_tracers, only: moved_volumes_t
  implicit none
  private
  public :: corrections_t, sharpen

  !> Work fields, with the model's halo.
  type :: corrections_t
    real(wp), allocatable :: east(:, :)  !! corrections A of the fluxes through east faces
    real(wp), allocatable :: north(:, :) !! and through north faces
    real(wp), allocatable :: rise(:, :)  !! share of the gains that a cell can take [1]
    real(wp), allocatable :: fall(:, :)  !! share of the losses [1]
  end type corrections_t

contains

  !> Correct the concentrations of first order.
  subroutine sharpen(grid, volumes, old, work, c)
    type(swe_grid_t), intent(in) :: grid
    type(moved_volumes_t), intent(in) :: volumes
    real(wp), intent(in), contiguous :: old(1 - lead:, 1 - halo:)  !! before the step
    type(corrections_t), intent(inout) :: work
    real(wp), intent(inout), contiguous :: c(1 - lead:, 1 - halo:) !! corrected, halo filled

    integer :: i, j

    call set_corrections(grid, volumes, old, work)
    call set_shares(grid, volumes, old, c, work)
    call exchange(grid%block, work%rise, work%fall)
    !$omp parallel do private(i)
    do j = 0, grid%block%ny
      do i = 0, grid%block%nx
        work%east(i, j) = work%east(i, j)*merge(min(work%rise(i + 1, j), work%fall(i, j)), &
          min(work%rise(i, j), work%fall(i + 1, j)), work%east(i, j) > 0.0_wp)
        work%north(i, j) = work%north(i, j)*merge(min(work%rise(i, j + 1), &
          work%fall(i, j)), min(work%rise(i, j), work%fall(i, j + 1)), &
          work%north(i, j) > 0.0_wp)
      end do
    end do
    !$omp parallel do private(i)
    do j = 1, grid%block%ny
      do i = 1, grid%block%nx
        c(i, j) = c(i, j) + merge((work%east(i - 1, j) - work%east(i, j) &
          + work%north(i, j - 1) - work%north(i, j))/max(volumes%after(i, j), &
          tiny(1.0_wp)), 0.0_wp, is_slow(grid, volumes, i, j))
      end do
    end do
    call exchange(grid%block, c)
  end subroutine sharpen

  !> A at the block's faces, faces 0 included.
  subroutine set_corrections(grid, volumes, c, work)
    type(swe_grid_t), intent(in) :: grid
    type(moved_volumes_t), intent(in) :: volumes
    real(wp), intent(in), contiguous :: c(1 - lead:, 1 - halo:) !! before the step
    type(corrections_t), intent(inout) :: work

    real(wp) :: across, difference, volume
    integer :: i, j

    !$omp parallel do private(i, across, difference, volume)
    do j = 0, grid%block%ny
      do i = 0, grid%block%nx
        volume = 0.5_wp*(volumes%before(i, j) + volumes%before(i + 1, j))
        across = 0.25_wp*sum(volumes%north(i:i + 1, j - 1:j))
        difference = 0.25_wp*sum(grid%open_v(i:i + 1, j - 1:j)*(c(i:i + 1, j:j + 1) &
          - c(i:i + 1, j - 1:j)))
        work%east(i, j) = merge(correction(volumes%east(i, j), volume, c(i + 1, j) &
          - c(i, j), across, difference), 0.0_wp, j > 0 .and. is_slow(grid, volumes, i, j) &
          .and. is_slow(grid, volumes, i + 1, j))
        volume = 0.5_wp*(volumes%before(i, j) + volumes%before(i, j + 1))
        across = 0.25_wp*sum(volumes%east(i - 1:i, j:j + 1))
        difference = 0.25_wp*sum(grid%open_u(i - 1:i, j:j + 1)*(c(i:i + 1, j:j + 1) &
          - c(i - 1:i, j:j + 1)))
        work%north(i, j) = merge(correction(volumes%north(i, j), volume, c(i, j + 1) &
          - c(i, j), across, difference), 0.0_wp, i > 0 .and. is_slow(grid, volumes, i, j) &
          .and. is_slow(grid, volumes, i, j + 1))
      end do
    end do
  end subroutine set_corrections

  !> A of one face.
  pure real(wp) function correction(q, volume, difference, across, difference_across)
    real(wp), intent(in) :: q                 !! through the face [m3]
    real(wp), intent(in) :: volume            !! beside it [m3]
    real(wp), intent(in) :: difference        !! of the concentrations beside it
    real(wp), intent(in) :: across            !! volume through the faces across [m3]
    real(wp), intent(in) :: difference_across !! of the concentrations there

    real(wp) :: per_volume

    per_volume = 1.0_wp/max(volume, tiny(1.0_wp))
    correction = 0.5_wp*abs(q)*max(0.0_wp, 1.0_wp - abs(q)*per_volume)*difference &
      - 0.5_wp*q*max(-1.0_wp, min(1.0_wp, across*per_volume))*difference_across
  end function correction

  !> How much of the corrections a cell can take without a new extreme.
  subroutine set_shares(grid, volumes, old, low, work)
    type(swe_grid_t), intent(in) :: grid
    type(moved_volumes_t), intent(in) :: volumes
    real(wp), intent(in), contiguous :: old(1 - lead:, 1 - halo:) !! before the step
    real(wp), intent(in), contiguous :: low(1 - lead:, 1 - halo:) !! of first order
    type(corrections_t), intent(inout) :: work

    real(wp) :: gain, highest, loss, lowest
    integer :: i, j

    !$omp parallel do private(i, gain, highest, loss, lowest)
    do j = 1, grid%block%ny
      do i = 1, grid%block%nx
        highest = max(old(i, j), low(i, j))
        lowest = min(old(i, j), low(i, j))
        call widen(grid%open_u(i - 1, j), old(i - 1, j), low(i - 1, j), lowest, highest)
        call widen(grid%open_u(i, j), old(i + 1, j), low(i + 1, j), lowest, highest)
        call widen(grid%open_v(i, j - 1), old(i, j - 1), low(i, j - 1), lowest, highest)
        call widen(grid%open_v(i, j), old(i, j + 1), low(i, j + 1), lowest, highest)
        gain = max(work%east(i - 1, j), 0.0_wp) - min(work%east(i, j), 0.0_wp) &
          + max(work%north(i, j - 1), 0.0_wp) - min(work%north(i, j), 0.0_wp)
        loss = max(work%east(i, j), 0.0_wp) - min(work%east(i - 1, j), 0.0_wp) &
          + max(work%north(i, j), 0.0_wp) - min(work%north(i, j - 1), 0.0_wp)
        work%rise(i, j) = share(volumes%after(i, j)*(highest - low(i, j)), gain)
        work%fall(i, j) = share(volumes%after(i, j)*(low(i, j) - lowest), loss)
      end do
    end do
  end subroutine set_shares

  !> Bounds that hold a neighbour's concentrations too, if it is one.
  pure subroutine widen(open, old, low, lowest, highest)
    real(wp), intent(in) :: open     !! 1 if the face to it is open
    real(wp), intent(in) :: old, low !! its concentrations
    real(wp), intent(inout) :: lowest, highest

    highest = merge(max(highest, old, low), highest, open > 0.0_wp)
    lowest = merge(min(lowest, old, low), lowest, open > 0.0_wp)
  end subroutine widen

  !> The part of a demand that the room allows.
  pure real(wp) function share(room, demand)
    real(wp), intent(in) :: room, demand

    share = merge(room/max(demand, room, tiny(1.0_wp)), 1.0_wp, demand > room)
  end function share

  !> Whether a cell's concentration follows, and less leaves than it held.
  pure logical function is_slow(grid, volumes, i, j)
    type(swe_grid_t), intent(in) :: grid
    type(moved_volumes_t), intent(in) :: volumes
    integer, intent(in) :: i, j

    is_slow = grid%water(i, j) > 0.0_wp .and. volumes%stays(i, j) > 0.0_wp .and. &
      volumes%after(i, j) > 0.0_wp
  end function is_slow

end module swe_sharp_tracers
