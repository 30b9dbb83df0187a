! SPDX-License-Identifier: MIT
!> Start and end of the MPI ranks, and whole fields on rank 0 for reading and writing.
!>
!> The module of the same name in swe_ranks_serial.f90 is that of a process alone.
module swe_ranks
  use mpi_f08, only: mpi_comm, mpi_comm_dup, mpi_comm_free, mpi_comm_rank, mpi_comm_size, &
    mpi_comm_world, mpi_finalize, mpi_init_thread, mpi_initialized, mpi_integer, mpi_recv, &
    mpi_send, mpi_status_ignore, mpi_thread_funneled
  use swe_blocks, only: block_t, columns_before, ranks_t
  use swe_kinds, only: wp
  use swe_mpi, only: communicator_of, real_type
  implicit none
  private
  public :: end_ranks, gather, scatter, start_ranks

  integer, parameter :: tag = 3 !! of these messages; 1 and 2 are those of swe_exchange
  logical :: is_starter = .false. !! MPI was started here, so it ends here

contains

  !> Join the ranks of MPI, which is started here if the caller has not. A coupled model
  !> hands over the communicator of the ranks that are this model's.
  subroutine start_ranks(ranks, communicator)
    type(ranks_t), intent(out) :: ranks           !! for `decompose`
    integer, intent(in), optional :: communicator !! handle; else all ranks

    type(mpi_comm) :: parent, own
    logical :: is_started
    integer :: provided

    call mpi_initialized(is_started)
    if (.not. is_started) call mpi_init_thread(mpi_thread_funneled, provided)
    is_starter = .not. is_started
    parent = mpi_comm_world
    if (present(communicator)) parent%mpi_val = communicator
    call mpi_comm_dup(parent, own)
    call mpi_comm_size(own, ranks%count)
    call mpi_comm_rank(own, ranks%rank)
    ranks%communicator = own%mpi_val
  end subroutine start_ranks

  !> Leave the ranks, and end MPI if `start_ranks` started it.
  subroutine end_ranks(ranks)
    type(ranks_t), intent(inout) :: ranks !! is a process alone afterwards

    type(mpi_comm) :: own

    own%mpi_val = ranks%communicator
    call mpi_comm_free(own)
    if (is_starter) call mpi_finalize()
    is_starter = .false.
    ranks = ranks_t()
  end subroutine end_ranks

  !> Collect a field's cells on rank 0. One block is copied at a time, so rank 0 holds
  !> little more than the whole field.
  subroutine gather(block, field, whole)
    type(block_t), intent(in) :: block
    real(wp), intent(in), contiguous :: field(:, :) !! as in `exchange`
    real(wp), intent(inout) :: whole(:, :)
      !! set on rank 0 (nx_global, ny_global); the others may give any extents

    real(wp), allocatable :: cells(:, :)
    integer :: place(4), rank

    call cut(block, field, place, cells)
    if (block%rank /= 0) then
      call mpi_send(place, 4, mpi_integer, 0, tag, communicator_of(block))
      call mpi_send(cells, size(cells), real_type(), 0, tag, communicator_of(block))
      return
    end if
    whole(place(1):place(2), place(3):place(4)) = cells
    do rank = 1, block%n_ranks_x*block%n_ranks_y - 1
      call mpi_recv(place, 4, mpi_integer, rank, tag, communicator_of(block), &
        mpi_status_ignore)
      deallocate (cells)
      allocate (cells(place(1):place(2), place(3):place(4)))
      call mpi_recv(cells, size(cells), real_type(), rank, tag, communicator_of(block), &
        mpi_status_ignore)
      whole(place(1):place(2), place(3):place(4)) = cells
    end do
  end subroutine gather

  !> Hand out the cells of a whole field on rank 0. Halos are left as they are: `exchange`
  !> fills them.
  subroutine scatter(block, whole, field)
    type(block_t), intent(in) :: block
    real(wp), intent(in) :: whole(:, :)
      !! read on rank 0 (nx_global, ny_global); the others may give any extents
    real(wp), intent(inout), contiguous :: field(:, :)
      !! as in `exchange`; its cells are set

    real(wp), allocatable :: cells(:, :)
    integer :: i, place(4), rank, w

    call cut(block, field, place, cells)
    if (block%rank /= 0) then
      call mpi_send(place, 4, mpi_integer, 0, tag, communicator_of(block))
      call mpi_recv(cells, size(cells), real_type(), 0, tag, communicator_of(block), &
        mpi_status_ignore)
    else
      do rank = 1, block%n_ranks_x*block%n_ranks_y - 1
        call mpi_recv(place, 4, mpi_integer, rank, tag, communicator_of(block), &
          mpi_status_ignore)
        cells = whole(place(1):place(2), place(3):place(4))
        call mpi_send(cells, size(cells), real_type(), rank, tag, communicator_of(block))
      end do
      call cut(block, field, place, cells)
      cells = whole(place(1):place(2), place(3):place(4))
    end if
    w = (size(field, 2) - block%ny)/2
    i = columns_before(block, shape(field))
    field(i + 1:i + block%nx, w + 1:w + block%ny) = cells
  end subroutine scatter

  !> A field's own cells, and where in the grid they lie.
  subroutine cut(block, field, place, cells)
    type(block_t), intent(in) :: block
    real(wp), intent(in), contiguous :: field(:, :) !! as in `exchange`
    integer, intent(out) :: place(4)                !! first and last i, first and last j
    real(wp), allocatable, intent(out) :: cells(:, :) !! (nx, ny)

    integer :: i, w

    place = [block%i_offset + 1, block%i_offset + block%nx, block%j_offset + 1, &
      block%j_offset + block%ny]
    w = (size(field, 2) - block%ny)/2
    i = columns_before(block, shape(field))
    allocate (cells(block%nx, block%ny), &
      source=field(i + 1:i + block%nx, w + 1:w + block%ny))
  end subroutine cut

end module swe_ranks
