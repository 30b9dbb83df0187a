! SPDX-License-Identifier: MIT
!> What the MPI versions of swe_exchange and swe_ranks share.
module swe_mpi
  use mpi_f08, only: mpi_comm, mpi_datatype, mpi_real4, mpi_real8
  use swe_blocks, only: block_t
  use swe_kinds, only: real32, wp
  implicit none
  private
  public :: communicator_of, is_whole, real_type

contains

  !> The communicator of a block's ranks; blocks keep the bare handle.
  pure type(mpi_comm) function communicator_of(block)
    type(block_t), intent(in) :: block

    communicator_of%mpi_val = block%communicator
  end function communicator_of

  !> Whether the block is the whole grid, so that there is nobody to ask.
  pure logical function is_whole(block)
    type(block_t), intent(in) :: block

    is_whole = block%n_ranks_x*block%n_ranks_y == 1
  end function is_whole

  !> MPI's name of the working precision.
  pure type(mpi_datatype) function real_type()
    if (wp == real32) then
      real_type = mpi_real4
    else
      real_type = mpi_real8
    end if
  end function real_type

end module swe_mpi
