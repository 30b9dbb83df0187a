! SPDX-License-Identifier: MIT
!> A process alone, which owns the whole grid.
!>
!> The module of the same name in swe_ranks_mpi.f90 is that of several MPI ranks.
module swe_ranks
  use swe_blocks, only: block_t, columns_before, ranks_t
  use swe_kinds, only: wp
  implicit none
  private
  public :: end_ranks, gather, scatter, start_ranks

contains

  !> There is one rank.
  subroutine start_ranks(ranks, communicator)
    type(ranks_t), intent(out) :: ranks           !! for `decompose`
    integer, intent(in), optional :: communicator !! of MPI; not used

    ranks = ranks_t()
  end subroutine start_ranks

  !> Nothing is left to do.
  subroutine end_ranks(ranks)
    type(ranks_t), intent(inout) :: ranks

    ranks = ranks_t()
  end subroutine end_ranks

  !> Copy a field's cells to the whole field.
  subroutine gather(block, field, whole)
    type(block_t), intent(in) :: block
    real(wp), intent(in), contiguous :: field(:, :) !! as in `exchange`
    real(wp), intent(inout) :: whole(:, :)          !! set (nx, ny)

    integer :: i, w

    w = (size(field, 2) - block%ny)/2
    i = columns_before(block, shape(field))
    whole(:, :) = field(i + 1:i + block%nx, w + 1:w + block%ny)
  end subroutine gather

  !> Copy the whole field to a field's cells. Halos are left as they are: `exchange` fills
  !> them.
  subroutine scatter(block, whole, field)
    type(block_t), intent(in) :: block
    real(wp), intent(in) :: whole(:, :)                !! (nx, ny)
    real(wp), intent(inout), contiguous :: field(:, :)
      !! as in `exchange`; its cells are set

    integer :: i, w

    w = (size(field, 2) - block%ny)/2
    i = columns_before(block, shape(field))
    field(i + 1:i + block%nx, w + 1:w + block%ny) = whole
  end subroutine scatter

end module swe_ranks
