! SPDX-License-Identifier: MIT
!> The part of a grid that one process owns, and who its neighbours are.
!>
!> A block owns cells (1:nx, 1:ny) and, with each cell, its east and its north face. Fields
!> have a halo of further rows and columns on each side: copies of the neighbours' cells,
!> or of the other side where the grid is periodic, or land. Faces 0 lie in the halo.
!>
!> In memory a row of a field begins `lead` values before its column 1 and ends with
!> `east_end`: whole cache lines, so that column 1 begins one in every row of a field that
!> `allocate_field` made. What is beyond the halo is zero, and no cell.
module swe_blocks
  use swe_kinds, only: int64, line
  implicit none
  private
  public :: block_t, columns_before, east_end, ranks_t, traffic_t, whole_grid

  integer, parameter, public :: halo = 2 !! width of the halo of a model field [cells]
  integer, parameter, public :: lead = line !! columns in memory before the first
  integer, parameter, public :: west = 1, east = 2, south = 3, north = 4 !! sides
  integer, parameter, public :: nobody = -1 !! no neighbour: the grid ends there

  !> One block of a grid.
  type :: block_t
    integer :: nx = 0, ny = 0               !! cells of this block
    integer :: nx_global = 0, ny_global = 0 !! cells of the grid
    integer :: i_offset = 0, j_offset = 0   !! cells of the grid before its first
    logical :: periodic_x = .false.         !! the east side meets the west side
    logical :: periodic_y = .false.         !! the north side meets the south side
    integer :: n_ranks_x = 1, n_ranks_y = 1 !! blocks of the grid
    integer :: rank = 0                     !! of this process
    integer :: neighbours(4) = nobody       !! ranks to the west, east, south, north
    integer :: communicator = 0             !! of MPI; not used by a process alone
    logical :: is_reproducible = .false.
      !! sums do not depend on the number of ranks, to the last bit
  end type block_t

  !> The processes that share a grid; see `start_ranks` of swe_exchange.
  type :: ranks_t
    integer :: count = 1        !! processes
    integer :: rank = 0         !! of this one, from 0
    integer :: communicator = 0 !! of MPI; not used by a process alone
  end type ranks_t

  !> What a rank has waited for since it started.
  type :: traffic_t
    integer(int64) :: n_waits = 0      !! directions of exchanges: to two neighbours at once
    integer(int64) :: n_messages = 0   !! sent
    integer(int64) :: n_bytes = 0      !! sent
    integer(int64) :: n_reductions = 0 !! over all ranks
  end type traffic_t

contains

  !> The last column in memory of a field of some columns: the halo, and what fills a line.
  pure integer function east_end(nx)
    integer, intent(in) :: nx !! columns of the block

    east_end = (nx + halo + line - 1)/line*line
  end function east_end

  !> Columns in memory before a block's first: of a field of the model, or of one that has a
  !> halo of its own width and nothing else.
  pure integer function columns_before(block, extents)
    type(block_t), intent(in) :: block
    integer, intent(in) :: extents(2) !! of the field

    columns_before = (extents(2) - block%ny)/2
    if (extents(1) /= block%nx + 2*columns_before) columns_before = lead
  end function columns_before

  !> The whole grid as one block of one process.
  pure function whole_grid(nx, ny, periodic_x, periodic_y) result(block)
    integer, intent(in) :: nx, ny                       !! cells
    logical, intent(in), optional :: periodic_x, periodic_y
    type(block_t) :: block

    block%nx = nx
    block%ny = ny
    block%nx_global = nx
    block%ny_global = ny
    if (present(periodic_x)) block%periodic_x = periodic_x
    if (present(periodic_y)) block%periodic_y = periodic_y
    if (block%periodic_x) block%neighbours([west, east]) = 0
    if (block%periodic_y) block%neighbours([south, north]) = 0
  end function whole_grid

end module swe_blocks
