! SPDX-License-Identifier: MIT
!> Cuts a grid into blocks, one for each rank.
!>
!> The grid of ranks is the one whose blocks have the shortest halo. Cuts lie at multiples
!> of a power of two where the sizes allow it, so that a multigrid cycle coarsens each block
!> by itself to the same coarse cells as it does the whole grid.
module swe_decomposition
  use failures, only: err_argument, fail, succeed
  use swe_blocks, only: block_t, east, halo, nobody, north, ranks_t, south, west
  implicit none
  private
  public :: decompose

  integer, parameter, public :: min_cells = 8
    !! least extent of a block: a smaller one is mostly halo
  integer, parameter, public :: reproducible_multiple = 32
    !! cuts of a reproducible run lie there: coarsening does not see them
  integer, parameter, public :: reproducible_levels = 5
    !! levels of such a run: 32 cells become 2, the width of a halo
  real, parameter :: imbalance = 1.1
    !! a largest block this much longer than the mean is accepted for aligned cuts

contains

  !> The block of this rank.
  subroutine decompose(ranks, nx, ny, periodic_x, periodic_y, block, is_reproducible, &
    stat, errmsg)
    type(ranks_t), intent(in) :: ranks            !! from `start_ranks`
    integer, intent(in) :: nx, ny                 !! cells of the grid
    logical, intent(in) :: periodic_x, periodic_y !! whether opposite sides meet
    type(block_t), intent(out) :: block
    logical, intent(in), optional :: is_reproducible !! same bits for any number of ranks
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=300) :: text
    integer :: grid(2), least

    call succeed(stat)
    if (present(is_reproducible)) block%is_reproducible = is_reproducible
    least = merge(reproducible_multiple, min_cells, block%is_reproducible)
    grid = grid_of_ranks(ranks%count, nx, ny, least)
    if (product(grid) /= ranks%count) then
      write (text, "(*(g0))") "decompose: ", ranks%count, " ranks are too many for ", nx, &
        " x ", ny, " cells: blocks have at least ", least, " cells each way"
      text = trim(text)//merge(" in a reproducible run", repeat(" ", 22), &
        block%is_reproducible)
      call fail(err_argument, trim(text)//"; start fewer ranks", stat, errmsg)
      return
    end if
    block%nx_global = nx
    block%ny_global = ny
    block%periodic_x = periodic_x
    block%periodic_y = periodic_y
    block%n_ranks_x = grid(1)
    block%n_ranks_y = grid(2)
    block%rank = ranks%rank
    block%communicator = ranks%communicator
    call set_extents(block)
    call set_neighbours(block)
  end subroutine decompose

  !> Ranks in x and in y; zeros if none fits.
  pure function grid_of_ranks(n_ranks, nx, ny, least) result(grid)
    integer, intent(in) :: n_ranks, nx, ny
    integer, intent(in) :: least !! cells of a block each way
    integer :: grid(2)

    real :: halo, shortest
    integer :: n_x, n_y

    grid = 0
    shortest = huge(shortest)
    do n_x = 1, n_ranks
      n_y = n_ranks/n_x
      if (n_x*n_y /= n_ranks) cycle
      if (.not. (fits(nx, n_x, least) .and. fits(ny, n_y, least))) cycle
      ! Sides that a block shares with others, two each way at most.
      halo = min(n_x - 1, 2)*real(ny)/n_y + min(n_y - 1, 2)*real(nx)/n_x
      ! Of two alike, the one with longer rows.
      if (halo > shortest) cycle
      if (halo >= shortest .and. n_x > grid(1)) cycle
      shortest = halo
      grid = [n_x, n_y]
    end do
  end function grid_of_ranks

  !> Whether n cells give each of the parts at least so many.
  pure logical function fits(n, n_parts, least)
    integer, intent(in) :: n, n_parts, least

    fits = n_parts == 1 .or. n/least >= n_parts
  end function fits

  !> Which cells are the block's.
  pure subroutine set_extents(block)
    type(block_t), intent(inout) :: block

    integer :: rank_x, rank_y

    rank_x = modulo(block%rank, block%n_ranks_x)
    rank_y = block%rank/block%n_ranks_x
    associate (multiple_x => cut_multiple(block%nx_global, block%n_ranks_x, block), &
      multiple_y => cut_multiple(block%ny_global, block%n_ranks_y, block))
      block%i_offset = cut(block%nx_global, block%n_ranks_x, multiple_x, rank_x)
      block%j_offset = cut(block%ny_global, block%n_ranks_y, multiple_y, rank_y)
      block%nx = cut(block%nx_global, block%n_ranks_x, multiple_x, rank_x + 1) &
        - block%i_offset
      block%ny = cut(block%ny_global, block%n_ranks_y, multiple_y, rank_y + 1) &
        - block%j_offset
    end associate
  end subroutine set_extents

  !> The power of two whose multiples cuts lie at: the largest up to 64 that leaves the
  !> parts about equal.
  pure integer function cut_multiple(n, n_parts, block) result(multiple)
    integer, intent(in) :: n, n_parts
    type(block_t), intent(in) :: block

    multiple = 64
    if (block%is_reproducible) multiple = reproducible_multiple
    if (block%is_reproducible) return
    do while (multiple > 1)
      if (n/multiple >= n_parts) then
        if (longest(n, n_parts, multiple) <= imbalance*n/n_parts) return
      end if
      multiple = multiple/2
    end do
  end function cut_multiple

  !> Cells of the longest part.
  pure integer function longest(n, n_parts, multiple)
    integer, intent(in) :: n, n_parts, multiple

    integer :: part

    longest = 0
    do part = 0, n_parts - 1
      longest = max(longest, cut(n, n_parts, multiple, part + 1) &
        - cut(n, n_parts, multiple, part))
    end do
  end function longest

  !> Cells before a part, counted from 0.
  pure integer function cut(n, n_parts, multiple, part)
    integer, intent(in) :: n, n_parts, multiple, part

    cut = multiple*((n/multiple)*part/n_parts)
    if (part == n_parts) cut = n
  end function cut

  !> Ranks of the four neighbours.
  pure subroutine set_neighbours(block)
    type(block_t), intent(inout) :: block

    integer :: rank_x, rank_y

    rank_x = modulo(block%rank, block%n_ranks_x)
    rank_y = block%rank/block%n_ranks_x
    block%neighbours(west) = rank_at(block, rank_x - 1, rank_y)
    block%neighbours(east) = rank_at(block, rank_x + 1, rank_y)
    block%neighbours(south) = rank_at(block, rank_x, rank_y - 1)
    block%neighbours(north) = rank_at(block, rank_x, rank_y + 1)
  end subroutine set_neighbours

  !> Rank at a place in the grid of ranks, or nobody beyond its end.
  pure integer function rank_at(block, rank_x, rank_y)
    type(block_t), intent(in) :: block
    integer, intent(in) :: rank_x, rank_y

    rank_at = nobody
    if (.not. block%periodic_x .and. rank_x /= modulo(rank_x, block%n_ranks_x)) return
    if (.not. block%periodic_y .and. rank_y /= modulo(rank_y, block%n_ranks_y)) return
    rank_at = modulo(rank_x, block%n_ranks_x) &
      + block%n_ranks_x*modulo(rank_y, block%n_ranks_y)
  end function rank_at

end module swe_decomposition
