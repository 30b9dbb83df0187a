! SPDX-License-Identifier: MIT
!> State and forcing of the shallow water model.
module swe_state
  use swe_blocks, only: block_t, east_end, halo, lead
  use swe_exchange, only: exchange
  use swe_fields, only: allocate_field
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
    procedure :: problem => problem_of_state
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

    call allocate_field(block, self%zeta)
    call allocate_field(block, self%u)
    call allocate_field(block, self%v)
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

  !> Why a block cannot use the state; blank if it can.
  function problem_of_state(self, block) result(problem)
    class(swe_state_t), intent(in) :: self
    type(block_t), intent(in) :: block
    character(len=200) :: problem

    problem = ""
    if (is_field(block, self%zeta) .and. is_field(block, self%u) .and. is_field(block, &
      self%v)) return
    write (problem, "(4(a, i0), a)") "the state's fields must have the bounds ", 1 - lead, &
      ":", east_end(block%nx), ", ", 1 - halo, ":", block%ny + halo, &
      ": allocate them by its procedure 'setup'"
  end function problem_of_state

  !> Whether a field lies in memory as fields of a block do.
  pure logical function is_field(block, field)
    type(block_t), intent(in) :: block
    real(wp), intent(in), allocatable :: field(:, :)

    is_field = .false.
    if (allocated(field)) is_field = all([lbound(field), ubound(field)] == [1 - lead, &
      1 - halo, east_end(block%nx), block%ny + halo])
  end function is_field

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

    integer :: extents(2)

    if (problem /= "" .or. .not. allocated(part)) return
    extents = [lead + east_end(block%nx), block%ny + 2*halo]
    if (all(shape(part) == extents)) return
    write (problem, "(3a, 4(i0, a))") "'", name, "' of the forcing has the shape ", &
      size(part, 1), " x ", size(part, 2), ", expected ", extents(1), " x ", extents(2), &
      ", that of the state's fields: allocate it with mold=state%zeta"
  end subroutine check_part

  !> Bring the halos up to date, after the fields were set on the block.
  subroutine fill_halo(self, block)
    class(swe_state_t), intent(inout) :: self
    type(block_t), intent(in) :: block

    call exchange(block, self%zeta, self%u, self%v)
  end subroutine fill_halo

end module swe_state
