! SPDX-License-Identifier: MIT
!> The cheap first guess of the elliptic solver: the elevation goes on as it went.
!>
!>     linear     z = 2 zeta(n) - zeta(n-1)
!>     quadratic  z = 3 zeta(n) - 3 zeta(n-1) + zeta(n-2)
!>
!> It remembers elevations, so a run that begins from a restart begins with other guesses:
!> it is the same to the solver's tolerance, not to the last bit.
module swe_extrapolation
  use failures, only: succeed
  use swe_blocks, only: halo
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_parameters, only: swe_parameters_t
  use swe_slots, only: swe_guess_t
  use swe_state, only: swe_state_t
  implicit none
  private
  public :: extrapolation_t

  !> The guess and what it remembers.
  type, extends(swe_guess_t) :: extrapolation_t
    integer :: order = 1               !! 1 linear, 2 quadratic
    integer, private :: n_known = 0    !! elevations before the old one
    real(wp), allocatable, private :: before(:, :), earlier(:, :) !! [m], with halo
  contains
    procedure :: connect
    procedure :: fill
  end type extrapolation_t

contains

  !> Forget what was before.
  subroutine connect(self, grid, parameters, state, stat, errmsg)
    class(extrapolation_t), intent(inout) :: self
    type(swe_grid_t), intent(in), target :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_state_t), intent(inout), target :: state
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    self%n_known = 0
    if (allocated(self%before)) deallocate (self%before, self%earlier)
    allocate (self%before, self%earlier, source=state%zeta)
    call succeed(stat)
  end subroutine connect

  !> Set the guess from the last two or three elevations, fewer at the start.
  subroutine fill(self, old, z)
    class(extrapolation_t), intent(inout) :: self
    type(swe_state_t), intent(in), target :: old
    real(wp), intent(inout), target, contiguous :: z(:, :)

    real(wp) :: weights(3)
    integer :: j

    weights = [1.0_wp, 0.0_wp, 0.0_wp]
    if (min(self%n_known, self%order) == 1) weights = [2.0_wp, -1.0_wp, 0.0_wp]
    if (min(self%n_known, self%order) == 2) weights = [3.0_wp, -3.0_wp, 1.0_wp]
    do j = 1, size(z, 2)
      associate (now => old%zeta(:, j - halo), before => self%before(:, j - halo), &
        earlier => self%earlier(:, j - halo))
        z(:, j) = weights(1)*now + weights(2)*before + weights(3)*earlier
        earlier = before
        before = now
      end associate
    end do
    self%n_known = min(self%n_known + 1, 2)
  end subroutine fill

end module swe_extrapolation
