! SPDX-License-Identifier: MIT
!> State and forcing of the shallow water model.
module swe_state
  use swe_blocks, only: block_t, halo
  use swe_exchange, only: exchange
  use swe_kinds, only: wp
  use swe_rows, only: large
  implicit none
  private
  public :: swe_forcing_t, swe_state_t

  !> The prognostic fields, with the halo of `swe_blocks`.
  type :: swe_state_t
    real(wp), allocatable :: zeta(:, :) !! surface elevation at centres [m]
    real(wp), allocatable :: u(:, :)    !! eastward transport at east faces [m2 s-1]
    real(wp), allocatable :: v(:, :)    !! northward transport at north faces [m2 s-1]
  contains
    procedure :: setup => setup_state
    procedure :: copy
    procedure :: fill_halo
  end type swe_state_t

  !> What acts from outside during one step. A part that is not allocated does not act. The
  !> others have the shape of the state's fields, halo included; where their indices begin
  !> does not matter, so an expression may be assigned to a part not yet allocated.
  type :: swe_forcing_t
    real(wp), allocatable :: stress_u(:, :)
      !! eastward wind stress/density at east faces [m2 s-2]
    real(wp), allocatable :: stress_v(:, :)
      !! northward wind stress/density at north faces [m2 s-2]
    real(wp), allocatable :: head(:, :)
      !! air pressure/(density*gravity) less the equilibrium tide, at centres [m]
    real(wp), allocatable :: open_zeta(:, :)
      !! elevation at the new level in cells of prescribed elevation, and outside radiating
      !! faces [m]
    real(wp), allocatable :: open_u(:, :)
      !! transport at the new level on eastern boundary faces: prescribed, or the incoming
      !! wave's part of a radiating one [m2 s-1]
    real(wp), allocatable :: open_v(:, :) !! the same on northern boundary faces
  contains
    procedure :: problem => problem_of_forcing
  end type swe_forcing_t

contains

  !> Allocate a state at rest.
  subroutine setup_state(self, block)
    class(swe_state_t), intent(inout) :: self
    type(block_t), intent(in) :: block

    allocate (self%zeta(1 - halo:block%nx + halo, 1 - halo:block%ny + halo), &
      source=0.0_wp)
    allocate (self%u, source=self%zeta)
    allocate (self%v, source=self%zeta)
  end subroutine setup_state

  !> Become a copy of a state of the same block, halos included.
  subroutine copy(self, state)
    class(swe_state_t), intent(inout) :: self
    type(swe_state_t), intent(in) :: state

    integer :: j

    !$omp parallel do if (size(state%zeta) >= large)
    do j = lbound(state%zeta, 2), ubound(state%zeta, 2)
      self%zeta(:, j) = state%zeta(:, j)
      self%u(:, j) = state%u(:, j)
      self%v(:, j) = state%v(:, j)
    end do
  end subroutine copy

  !> Why a block cannot use the forcing; blank if it can.
  function problem_of_forcing(self, block) result(problem)
    class(swe_forcing_t), intent(in) :: self
    type(block_t), intent(in) :: block
    character(len=200) :: problem

    problem = ""
    call check_part("stress_u", self%stress_u, block, problem)
    call check_part("stress_v", self%stress_v, block, problem)
    call check_part("head", self%head, block, problem)
    call check_part("open_zeta", self%open_zeta, block, problem)
    call check_part("open_u", self%open_u, block, problem)
    call check_part("open_v", self%open_v, block, problem)
  end function problem_of_forcing

  !> Say so if a part is there and does not have the shape of the block's fields.
  subroutine check_part(name, part, block, problem)
    character(len=*), intent(in) :: name                !! of the part
    real(wp), intent(in), allocatable :: part(:, :)
    type(block_t), intent(in) :: block
    character(len=*), intent(inout) :: problem          !! set if there is one

    if (problem /= "" .or. .not. allocated(part)) return
    if (all(shape(part) == [block%nx, block%ny] + 2*halo)) return
    write (problem, "(3a, 4(i0, a), i0, a)") "'", name, "' of the forcing has the shape ", &
      size(part, 1), " x ", size(part, 2), ", expected ", block%nx + 2*halo, " x ", &
      block%ny + 2*halo, ": the block's cells and a halo of ", halo, " on each side"
  end subroutine check_part

  !> Bring the halos up to date, after the fields were set on the block.
  subroutine fill_halo(self, block)
    class(swe_state_t), intent(inout) :: self
    type(block_t), intent(in) :: block

    call exchange(block, self%zeta, self%u, self%v)
  end subroutine fill_halo

end module swe_state
