! SPDX-License-Identifier: MIT
!> What the step depends on besides the state: changes of it, or sensitivities to it.
!>
!> Fields have the model's halo. Changes: set the block's cells, then `fill_halo`.
!> Sensitivities: `step_ad` adds to them, step after step, in the halo too; when the last
!> step is done `collect_halo` brings the halo home to the cells that own it.
module swe_controls
  use swe_blocks, only: block_t, east_end, halo, lead
  use swe_exchange, only: exchange, exchange_ad, global_sum
  use swe_kinds, only: wp
  implicit none
  private
  public :: swe_controls_t

  !> One change of all controls, or the sensitivities to them.
  type :: swe_controls_t
    real(wp), allocatable :: depth(:, :)  !! undisturbed depth at centres [m]
    real(wp), allocatable :: drag_u(:, :) !! drag coefficient at east faces, cd or n
    real(wp), allocatable :: drag_v(:, :) !! the same at north faces
    real(wp) :: linear_drag = 0.0_wp      !! r [s-1]
    real(wp), allocatable :: stress_u(:, :)
      !! eastward wind stress/density at east faces [m2 s-2]
    real(wp), allocatable :: stress_v(:, :)  !! northward, at north faces
    real(wp), allocatable :: head(:, :)      !! of air pressure and potential [m]
    real(wp), allocatable :: open_zeta(:, :) !! prescribed or external elevation [m]
    real(wp), allocatable :: open_u(:, :)
      !! prescribed or incoming transport on eastern boundary faces [m2 s-1]
    real(wp), allocatable :: open_v(:, :)    !! the same on northern boundary faces
  contains
    procedure :: setup
    procedure :: clear
    procedure :: fill_halo
    procedure :: collect_halo
    procedure :: set_drag_tl
    procedure :: get_drag_ad
  end type swe_controls_t

contains

  !> Allocate all fields of a block, zero.
  subroutine setup(self, block)
    class(swe_controls_t), intent(inout) :: self
    type(block_t), intent(in) :: block

    allocate (self%depth(1 - lead:east_end(block%nx), 1 - halo:block%ny + halo))
    allocate (self%drag_u, self%drag_v, self%stress_u, self%stress_v, self%head, &
      self%open_zeta, self%open_u, self%open_v, mold=self%depth)
    call self%clear()
  end subroutine setup

  !> Set everything to zero.
  subroutine clear(self)
    class(swe_controls_t), intent(inout) :: self

    self%depth = 0.0_wp
    self%drag_u = 0.0_wp
    self%drag_v = 0.0_wp
    self%linear_drag = 0.0_wp
    self%stress_u = 0.0_wp
    self%stress_v = 0.0_wp
    self%head = 0.0_wp
    self%open_zeta = 0.0_wp
    self%open_u = 0.0_wp
    self%open_v = 0.0_wp
  end subroutine clear

  !> Bring the halos up to date, after changes were set on the block.
  subroutine fill_halo(self, block)
    class(swe_controls_t), intent(inout) :: self
    type(block_t), intent(in) :: block

    call exchange(block, self%depth, self%head, self%open_zeta)
    call exchange(block, self%drag_u, self%drag_v)
    call exchange(block, self%stress_u, self%stress_v)
    call exchange(block, self%open_u, self%open_v)
  end subroutine fill_halo

  !> Transpose of `fill_halo`, for sensitivities; that to r is summed over the ranks.
  subroutine collect_halo(self, block)
    class(swe_controls_t), intent(inout) :: self
    type(block_t), intent(in) :: block

    real(wp) :: sums(1)

    call exchange_ad(block, self%depth)
    call exchange_ad(block, self%head)
    call exchange_ad(block, self%open_zeta)
    call exchange_ad(block, self%drag_u)
    call exchange_ad(block, self%drag_v)
    call exchange_ad(block, self%stress_u)
    call exchange_ad(block, self%stress_v)
    call exchange_ad(block, self%open_u)
    call exchange_ad(block, self%open_v)
    sums = global_sum(block, [self%linear_drag])
    self%linear_drag = sums(1)
  end subroutine collect_halo

  !> Set the changes at the faces, halo included, from a change at the centres, as
  !> `set_drag` of the grid does.
  subroutine set_drag_tl(self, block, drag_tl)
    class(swe_controls_t), intent(inout) :: self
    type(block_t), intent(in) :: block
    real(wp), intent(in) :: drag_tl(:, :) !! at centres (nx, ny)

    real(wp), allocatable :: wide(:, :)

    allocate (wide, mold=self%depth)
    wide = 0.0_wp
    wide(1:block%nx, 1:block%ny) = drag_tl
    call exchange(block, wide)
    self%drag_u(:block%nx + 1, :) = 0.5_wp*(wide(:block%nx + 1, :) &
      + wide(2 - lead:block%nx + halo, :))
    self%drag_v(:, :block%ny + 1) = 0.5_wp*(wide(:, :block%ny + 1) + wide(:, 2 - halo:))
  end subroutine set_drag_tl

  !> The sensitivity at the centres from those at the faces, which must not have been
  !> collected: transpose of `set_drag_tl`.
  subroutine get_drag_ad(self, block, drag_ad)
    class(swe_controls_t), intent(in) :: self
    type(block_t), intent(in) :: block
    real(wp), intent(out) :: drag_ad(:, :) !! at centres (nx, ny)

    real(wp), allocatable :: wide(:, :)
    integer :: nx, ny

    nx = block%nx
    ny = block%ny
    allocate (wide, mold=self%depth)
    wide = 0.0_wp
    wide(:nx + 1, :) = wide(:nx + 1, :) + 0.5_wp*self%drag_u(:nx + 1, :)
    wide(2 - lead:nx + halo, :) = wide(2 - lead:nx + halo, :) &
      + 0.5_wp*self%drag_u(:nx + 1, :)
    wide(:, :ny + 1) = wide(:, :ny + 1) + 0.5_wp*self%drag_v(:, :ny + 1)
    wide(:, 2 - halo:) = wide(:, 2 - halo:) + 0.5_wp*self%drag_v(:, :ny + 1)
    call exchange_ad(block, wide)
    drag_ad = wide(1:nx, 1:ny)
  end subroutine get_drag_ad

end module swe_controls
