! SPDX-License-Identifier: MIT
!> Halo exchange and global reductions of a process that owns the whole grid.
!>
!> The module of the same name in swe_exchange_mpi.f90 does the same over MPI ranks.
module swe_exchange
  use swe_blocks, only: block_t, columns_before, east, nobody, north, traffic_t
  use swe_kinds, only: int64, wp
  implicit none
  private
  public :: exchange, exchange_ad, global_maximum, global_sum

  type(traffic_t), public, protected :: traffic !! none

  interface exchange
    procedure exchange_one
    procedure exchange_two
    procedure exchange_three
    procedure exchange_layers
  end interface exchange

  interface global_sum
    procedure global_sum_reals
    procedure global_sum_integers
  end interface global_sum

contains

  !> Fill the halo of a field from the neighbours, corners included. Its width is what the
  !> field has beyond the block's cells; a halo beyond the end of the grid is left as it is.
  subroutine exchange_one(block, field)
    type(block_t), intent(in) :: block                   !! of the field
    real(wp), intent(inout), contiguous :: field(:, :)
      !! of the model, or (nx + 2*width, ny + 2*width)

    integer :: before, nx, ny, width

    nx = block%nx
    ny = block%ny
    width = (size(field, 2) - ny)/2
    before = columns_before(block, shape(field))
    if (block%neighbours(east) /= nobody) then
      field(before - width + 1:before, :) = field(before + nx - width + 1:before + nx, :)
      field(before + nx + 1:before + nx + width, :) = field(before + 1:before + width, :)
    end if
    if (block%neighbours(north) /= nobody) then
      field(:, :width) = field(:, ny + 1:ny + width)
      field(:, ny + width + 1:) = field(:, width + 1:2*width)
    end if
  end subroutine exchange_one

  !> The same for two fields at once: over MPI one message instead of two.
  subroutine exchange_two(block, first, second)
    type(block_t), intent(in) :: block                    !! of the fields
    real(wp), intent(inout), contiguous :: first(:, :)  !! as in `exchange_one`
    real(wp), intent(inout), contiguous :: second(:, :) !! as in `exchange_one`

    call exchange_one(block, first)
    call exchange_one(block, second)
  end subroutine exchange_two

  !> The same for three fields.
  subroutine exchange_three(block, first, second, third)
    type(block_t), intent(in) :: block                    !! of the fields
    real(wp), intent(inout), contiguous :: first(:, :)  !! as in `exchange_one`
    real(wp), intent(inout), contiguous :: second(:, :) !! as in `exchange_one`
    real(wp), intent(inout), contiguous :: third(:, :)  !! as in `exchange_one`

    call exchange_one(block, first)
    call exchange_one(block, second)
    call exchange_one(block, third)
  end subroutine exchange_three

  !> The same for any number of fields in one array, as tracers are.
  subroutine exchange_layers(block, layers)
    type(block_t), intent(in) :: block !! of the fields
    real(wp), intent(inout), contiguous :: layers(:, :, :)
      !! as in `exchange_one` (i, j, field)

    integer :: k

    do k = 1, size(layers, 3)
      call exchange_one(block, layers(:, :, k))
    end do
  end subroutine exchange_layers

  !> Sum over the ranks.
  function global_sum_reals(block, values) result(sums)
    type(block_t), intent(in) :: block !! of the values
    real(wp), intent(in) :: values(:)  !! of this rank
    real(wp) :: sums(size(values))

    sums = values
    if (block%rank /= 0) error stop "swe_exchange: one process alone has rank 0"
  end function global_sum_reals

  !> The same for integers, whose sums depend on no order.
  function global_sum_integers(block, values) result(sums)
    type(block_t), intent(in) :: block      !! of the values
    integer(int64), intent(in) :: values(:) !! of this rank
    integer(int64) :: sums(size(values))

    sums = values
    if (block%rank /= 0) error stop "swe_exchange: one process alone has rank 0"
  end function global_sum_integers

  !> Largest over the ranks.
  function global_maximum(block, value) result(largest)
    type(block_t), intent(in) :: block     !! of the value
    real(wp), intent(in) :: value          !! of this rank
    real(wp) :: largest

    largest = value
    if (block%rank /= 0) error stop "swe_exchange: one process alone has rank 0"
  end function global_maximum

  !> Transpose of `exchange`: add the halo to the cells that it copies, and set it to zero.
  !> Over MPI the messages of `exchange` go the other way, y before x.
  subroutine exchange_ad(block, field)
    type(block_t), intent(in) :: block                   !! of the field
    real(wp), intent(inout), contiguous :: field(:, :) !! as in `exchange_one`

    integer :: before, ny, width

    ny = block%ny
    width = (size(field, 2) - ny)/2
    if (block%neighbours(north) /= nobody) then
      field(:, width + 1:2*width) = field(:, width + 1:2*width) + field(:, ny + width + 1:)
      field(:, ny + width + 1:) = 0.0_wp
      field(:, ny + 1:ny + width) = field(:, ny + 1:ny + width) + field(:, :width)
      field(:, :width) = 0.0_wp
    end if
    if (block%neighbours(east) /= nobody) then
      before = columns_before(block, shape(field))
      call move(before + block%nx, before)
      call move(before - width, before + block%nx - width)
    end if

  contains

    !> Add the columns of a halo to those that it copies.
    subroutine move(from, to)
      integer, intent(in) :: from, to !! columns in memory before the first

      field(to + 1:to + width, :) = field(to + 1:to + width, :) &
        + field(from + 1:from + width, :)
      field(from + 1:from + width, :) = 0.0_wp
    end subroutine move

  end subroutine exchange_ad

end module swe_exchange
