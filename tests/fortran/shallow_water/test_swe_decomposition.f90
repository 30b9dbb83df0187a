! SPDX-License-Identifier: MIT
!> Blocks of a grid: they tile it, know their neighbours, and are refused if too small.
program test_swe_decomposition
  use swe_blocks, only: block_t, east, halo, nobody, north, ranks_t, south, west
  use swe_decomposition, only: decompose, min_cells, reproducible_multiple
  use testing, only: check, check_below, finish
  use kinds, only: wp
  implicit none

  integer, parameter :: n_ranks(9) = [1, 2, 3, 4, 6, 7, 12, 16, 60]
  real(wp), parameter :: accepted = 1.3_wp !! cuts at whole multiples cost up to this
  integer :: k

  do k = 1, size(n_ranks)
    call check_tiles(n_ranks(k), 337, 260)
    call check_tiles(n_ranks(k), 64, 512)
  end do
  call check_shape()
  call check_reproducible()
  call check_refusals()
  call finish()

contains

  !> Every cell has one owner, who is its neighbours' neighbour; blocks are about equal.
  subroutine check_tiles(n, nx, ny)
    integer, intent(in) :: n, nx, ny

    type(block_t) :: blocks(0:n - 1)
    integer :: owners(nx, ny)
    integer :: largest, rank

    owners = 0
    largest = 0
    do rank = 0, n - 1
      call decompose(ranks_t(count=n, rank=rank), nx, ny, .true., .false., blocks(rank))
      associate (b => blocks(rank))
        owners(b%i_offset + 1:b%i_offset + b%nx, b%j_offset + 1:b%j_offset + b%ny) = &
          owners(b%i_offset + 1:b%i_offset + b%nx, b%j_offset + 1:b%j_offset + b%ny) + 1
        call check(min(b%nx, b%ny) >= min_cells, "a block is not all halo")
        largest = max(largest, b%nx*b%ny)
      end associate
    end do
    call check(all(owners == 1), "every cell has one owner")
    call check_below(real(largest, wp)*n/(nx*ny), accepted, "largest block/mean")
    do rank = 0, n - 1
      associate (b => blocks(rank))
        call check(blocks(b%neighbours(east))%neighbours(west) == rank, &
          "the eastern neighbour looks back")
        if (b%neighbours(north) == nobody) then
          call check(b%j_offset + b%ny == ny, "nobody is north of the last row only")
        else
          call check(blocks(b%neighbours(north))%neighbours(south) == rank, &
            "the northern neighbour looks back")
          call check(blocks(b%neighbours(north))%i_offset == b%i_offset, &
            "northern blocks are as wide")
        end if
      end associate
    end do
  end subroutine check_tiles

  !> Square blocks of a square, slabs of a channel; cuts that coarsening does not see.
  subroutine check_shape()
    type(block_t) :: block

    call decompose(ranks_t(count=16, rank=5), 512, 512, .false., .false., block)
    call check(block%n_ranks_x == 4 .and. block%n_ranks_y == 4, "a square is cut squarely")
    call check(block%nx == 128 .and. modulo(block%i_offset, 64) == 0, "cuts are aligned")
    call decompose(ranks_t(count=4), 256, 256, .false., .false., block)
    call check(block%n_ranks_x == 2 .and. block%n_ranks_y == 2, "and not into slabs")
    call decompose(ranks_t(count=4, rank=1), 16, 4096, .false., .false., block)
    call check(block%n_ranks_y == 4, "a long channel is cut across")
  end subroutine check_shape

  subroutine check_reproducible()
    type(block_t) :: block

    call decompose(ranks_t(count=4, rank=3), 100, 70, .false., .false., block, &
      is_reproducible=.true.)
    call check(modulo(block%i_offset, reproducible_multiple) == 0 .and. &
      modulo(block%j_offset, reproducible_multiple) == 0, "reproducible cuts are aligned")
    call check(block%is_reproducible, "the block knows its mode")
  end subroutine check_reproducible

  !> One sentence each.
  subroutine check_refusals()
    type(block_t) :: block
    character(len=300) :: errmsg
    integer :: stat

    call decompose(ranks_t(count=7), 20, 20, .false., .false., block, stat=stat, &
      errmsg=errmsg)
    call check(stat /= 0, "blocks of less than min_cells are refused")
    call check(errmsg == "decompose: 7 ranks are too many for 20 x 20 cells: blocks "// &
      "have at least 8 cells each way; start fewer ranks", "with a sentence")
    call decompose(ranks_t(count=4), 40, 40, .false., .false., block, &
      is_reproducible=.true., stat=stat, errmsg=errmsg)
    call check(errmsg == "decompose: 4 ranks are too many for 40 x 40 cells: blocks "// &
      "have at least 32 cells each way in a reproducible run; start fewer ranks", &
      "and one for reproducible runs")
  end subroutine check_refusals

end program test_swe_decomposition
