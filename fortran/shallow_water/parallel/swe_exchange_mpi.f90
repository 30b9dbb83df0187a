! SPDX-License-Identifier: MIT
!> Halo exchange and global reductions over MPI ranks, one block of the grid each.
!>
!> The module of the same name in swe_exchange_serial.f90 does the same for a process that
!> owns the whole grid; a block of the whole grid works here too, and sends nothing.
!>
!> An exchange goes first west and east, then south and north with the new columns, so
!> corners need no message of their own: four messages for any number of fields.
module swe_exchange
  use mpi_f08, only: mpi_allreduce, mpi_int64_t, mpi_irecv, mpi_isend, mpi_max, &
    mpi_request, mpi_statuses_ignore, mpi_sum, mpi_waitall
  use swe_blocks, only: block_t, columns_before, east, halo, nobody, north, south, &
    traffic_t, west
  use swe_kinds, only: int64, wp
  use swe_mpi, only: communicator_of, is_whole, real_type
  implicit none
  private
  public :: exchange, exchange_ad, global_maximum, global_sum

  type(traffic_t), public, protected :: traffic !! of this rank

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

  integer, parameter :: low = 1, high = 2 !! the sides of one direction

  !> One of the fields of an exchange.
  type :: field_t
    real(wp), pointer :: values(:, :) => null()
      !! with its halo (nx + 2*width, ny + 2*width)
  end type field_t

  ! Messages to and from the two sides; they grow with the largest exchange. MPI is called
  ! outside parallel regions only, so one set is enough.
  real(wp), allocatable, asynchronous :: sent(:, :), received(:, :)

contains

  !> Fill the halo of a field from the neighbours, corners included. Its width is what the
  !> field has beyond the block's cells; a halo beyond the end of the grid is left as it is.
  subroutine exchange_one(block, field)
    type(block_t), intent(in) :: block                         !! of the field
    real(wp), intent(inout), contiguous, target :: field(:, :)
      !! of the model, or (nx + 2*width, ny + 2*width)

    type(field_t) :: fields(1)

    fields(1) = with_halo(block, field)
    call exchange_fields(block, fields)
  end subroutine exchange_one

  !> The same for two fields at once: one message instead of two.
  subroutine exchange_two(block, first, second)
    type(block_t), intent(in) :: block                          !! of the fields
    real(wp), intent(inout), contiguous, target :: first(:, :)  !! as in `exchange_one`
    real(wp), intent(inout), contiguous, target :: second(:, :) !! as in `exchange_one`

    type(field_t) :: fields(2)

    fields(1) = with_halo(block, first)
    fields(2) = with_halo(block, second)
    call exchange_fields(block, fields)
  end subroutine exchange_two

  !> The same for three fields.
  subroutine exchange_three(block, first, second, third)
    type(block_t), intent(in) :: block                          !! of the fields
    real(wp), intent(inout), contiguous, target :: first(:, :)  !! as in `exchange_one`
    real(wp), intent(inout), contiguous, target :: second(:, :) !! as in `exchange_one`
    real(wp), intent(inout), contiguous, target :: third(:, :)  !! as in `exchange_one`

    type(field_t) :: fields(3)

    fields(1) = with_halo(block, first)
    fields(2) = with_halo(block, second)
    fields(3) = with_halo(block, third)
    call exchange_fields(block, fields)
  end subroutine exchange_three

  !> The same for any number of fields in one array, as tracers are.
  subroutine exchange_layers(block, layers)
    type(block_t), intent(in) :: block !! of the fields
    real(wp), intent(inout), contiguous, target :: layers(:, :, :)
      !! as in `exchange_one` (i, j, field)

    type(field_t) :: fields(size(layers, 3))
    integer :: k

    do k = 1, size(fields)
      fields(k) = with_halo(block, layers(:, :, k))
    end do
    call exchange_fields(block, fields)
  end subroutine exchange_layers

  !> Transpose of `exchange`: add the halo to the cells that it copies, and set it to zero.
  !> The messages of `exchange` go the other way, y before x.
  subroutine exchange_ad(block, field)
    type(block_t), intent(in) :: block                         !! of the field
    real(wp), intent(inout), contiguous, target :: field(:, :) !! as in `exchange_one`

    type(field_t) :: fields(1)

    fields(1) = with_halo(block, field)
    call exchange_direction(block, fields, 2, block%ny, block%neighbours([south, north]), &
      .true.)
    call exchange_direction(block, fields, 1, block%nx, block%neighbours([west, east]), &
      .true.)
  end subroutine exchange_ad

  !> A field without what lies in memory beyond its halo.
  function with_halo(block, values) result(field)
    type(block_t), intent(in) :: block
    real(wp), intent(in), contiguous, target :: values(:, :) !! as in `exchange_one`
    type(field_t) :: field

    integer :: before, width

    width = (size(values, 2) - block%ny)/2
    before = columns_before(block, shape(values))
    field%values => values(before - width + 1:before + block%nx + width, :)
  end function with_halo

  !> West and east, then south and north: the corners come with the second.
  subroutine exchange_fields(block, fields)
    type(block_t), intent(in) :: block
    type(field_t), intent(in) :: fields(:)

    call exchange_direction(block, fields, 1, block%nx, block%neighbours([west, east]), &
      .false.)
    call exchange_direction(block, fields, 2, block%ny, block%neighbours([south, north]), &
      .false.)
  end subroutine exchange_fields

  !> Trade the strips on the two sides of one direction: the block's strips go to the
  !> neighbours' halos, or transposed, the halos are added to the neighbours' strips.
  subroutine exchange_direction(block, fields, direction, n_cells, neighbours, &
    is_transposed)
    type(block_t), intent(in) :: block
    type(field_t), intent(in) :: fields(:)
    integer, intent(in) :: direction     !! 1 for x, 2 for y
    integer, intent(in) :: n_cells       !! of the block in this direction
    integer, intent(in) :: neighbours(2) !! on the low and on the high side
    logical, intent(in) :: is_transposed !! from the halos

    type(mpi_request) :: requests(4)
    integer :: length, n_requests, side

    if (all(neighbours == nobody)) return
    length = message_length(fields, direction, n_cells)
    call reserve(length)
    n_requests = 0
    do side = low, high
      if (.not. is_other(side)) cycle
      n_requests = n_requests + 1
      ! The neighbour sends it to its opposite side and names it so.
      call mpi_irecv(received(:, side), length, real_type(), neighbours(side), &
        low + high - side, communicator_of(block), requests(n_requests))
    end do
    do side = low, high
      if (neighbours(side) == nobody) cycle
      call pack(fields, direction, n_cells, side, is_transposed, sent(:, side))
      if (.not. is_other(side)) cycle
      n_requests = n_requests + 1
      call mpi_isend(sent(:, side), length, real_type(), neighbours(side), side, &
        communicator_of(block), requests(n_requests))
    end do
    call mpi_waitall(n_requests, requests, mpi_statuses_ignore)
    call count_messages(n_requests/2, length)
    do side = low, high
      if (neighbours(side) == block%rank) then
        call unpack(fields, direction, n_cells, side, is_transposed, &
          sent(:, low + high - side))
      else if (neighbours(side) /= nobody) then
        call unpack(fields, direction, n_cells, side, is_transposed, received(:, side))
      end if
    end do

  contains

    !> Whether another process is there.
    pure logical function is_other(side)
      integer, intent(in) :: side

      is_other = neighbours(side) /= nobody .and. neighbours(side) /= block%rank
    end function is_other

  end subroutine exchange_direction

  !> Keep count.
  subroutine count_messages(n_messages, length)
    integer, intent(in) :: n_messages, length

    traffic%n_waits = traffic%n_waits + min(n_messages, 1)
    traffic%n_messages = traffic%n_messages + n_messages
    traffic%n_bytes = traffic%n_bytes + int(n_messages, int64)*length &
      *(storage_size(0.0_wp)/8)
  end subroutine count_messages

  !> Values in one message.
  pure integer function message_length(fields, direction, n_cells) result(length)
    type(field_t), intent(in) :: fields(:)
    integer, intent(in) :: direction, n_cells

    integer :: k, width

    length = 0
    do k = 1, size(fields)
      width = halo_width(fields(k), direction, n_cells)
      length = length + width*size(fields(k)%values, 3 - direction)
    end do
  end function message_length

  !> Cells of a field beyond the block's on one side.
  pure integer function halo_width(field, direction, n_cells) result(width)
    type(field_t), intent(in) :: field
    integer, intent(in) :: direction, n_cells

    width = (size(field%values, direction) - n_cells)/2
    if (width > n_cells) error stop "swe_exchange: a halo is wider than its block"
  end function halo_width

  !> Make room for messages.
  subroutine reserve(length)
    integer, intent(in) :: length

    if (allocated(sent)) then
      if (size(sent, 1) >= length) return
      deallocate (sent, received)
    end if
    allocate (sent(length, 2), received(length, 2))
  end subroutine reserve

  !> Cells before the strip on one side: of the block, or of its halo.
  pure integer function strip_start(width, n_cells, side, is_halo) result(first)
    integer, intent(in) :: width, n_cells, side
    logical, intent(in) :: is_halo

    if (is_halo) then
      first = merge(0, n_cells + width, side == low)
    else
      first = merge(width, n_cells, side == low)
    end if
  end function strip_start

  !> Copy the block's strips on one side into a message; or move its halo there.
  subroutine pack(fields, direction, n_cells, side, is_transposed, message)
    type(field_t), intent(in) :: fields(:)
    integer, intent(in) :: direction, n_cells, side
    logical, intent(in) :: is_transposed  !! the halo, which becomes zero
    real(wp), intent(inout) :: message(:) !! set

    integer :: first, k, place, width

    place = 1
    do k = 1, size(fields)
      width = halo_width(fields(k), direction, n_cells)
      first = strip_start(width, n_cells, side, is_transposed)
      associate (values => fields(k)%values)
        if (direction == 1) then
          call copy_out(values(first + 1:first + width, :), message, place)
          if (is_transposed) values(first + 1:first + width, :) = 0.0_wp
        else
          call copy_out(values(:, first + 1:first + width), message, place)
          if (is_transposed) values(:, first + 1:first + width) = 0.0_wp
        end if
      end associate
    end do
  end subroutine pack

  subroutine copy_out(strip, message, place)
    real(wp), intent(in) :: strip(:, :)
    real(wp), intent(inout) :: message(:)
    integer, intent(inout) :: place !! of the next value in the message

    integer :: j

    do j = 1, size(strip, 2)
      message(place:place + size(strip, 1) - 1) = strip(:, j)
      place = place + size(strip, 1)
    end do
  end subroutine copy_out

  !> Copy a message into the halo on one side; or add it to the block's strip.
  subroutine unpack(fields, direction, n_cells, side, is_transposed, message)
    type(field_t), intent(in) :: fields(:) !! their values are set
    integer, intent(in) :: direction, n_cells, side
    logical, intent(in) :: is_transposed   !! to the strip
    real(wp), intent(in) :: message(:)

    integer :: first, k, place, width

    place = 1
    do k = 1, size(fields)
      width = halo_width(fields(k), direction, n_cells)
      first = strip_start(width, n_cells, side, .not. is_transposed)
      if (direction == 1) then
        call copy_in(fields(k), first, 0, [width, size(fields(k)%values, 2)], &
          is_transposed, message, place)
      else
        call copy_in(fields(k), 0, first, [size(fields(k)%values, 1), width], &
          is_transposed, message, place)
      end if
    end do
  end subroutine unpack

  subroutine copy_in(field, i_before, j_before, extents, is_added, message, place)
    type(field_t), intent(in) :: field
    integer, intent(in) :: i_before, j_before, extents(2)
    logical, intent(in) :: is_added !! to what is there
    real(wp), intent(in) :: message(:)
    integer, intent(inout) :: place !! of the next value in the message

    integer :: j

    do j = j_before + 1, j_before + extents(2)
      associate (row => field%values(i_before + 1:i_before + extents(1), j))
        if (is_added) then
          row = row + message(place:place + extents(1) - 1)
        else
          row = message(place:place + extents(1) - 1)
        end if
      end associate
      place = place + extents(1)
    end do
  end subroutine copy_in

  !> Sum over the ranks.
  function global_sum_reals(block, values) result(sums)
    type(block_t), intent(in) :: block !! of the values
    real(wp), intent(in) :: values(:)  !! of this rank
    real(wp) :: sums(size(values))

    sums = values
    if (is_whole(block)) return
    traffic%n_reductions = traffic%n_reductions + 1
    call mpi_allreduce(values, sums, size(values), real_type(), mpi_sum, &
      communicator_of(block))
  end function global_sum_reals

  !> The same for integers, whose sums depend on no order.
  function global_sum_integers(block, values) result(sums)
    type(block_t), intent(in) :: block        !! of the values
    integer(int64), intent(in) :: values(:)   !! of this rank
    integer(int64) :: sums(size(values))

    sums = values
    if (is_whole(block)) return
    traffic%n_reductions = traffic%n_reductions + 1
    call mpi_allreduce(values, sums, size(values), mpi_int64_t, mpi_sum, &
      communicator_of(block))
  end function global_sum_integers

  !> Largest over the ranks.
  function global_maximum(block, value) result(largest)
    type(block_t), intent(in) :: block !! of the value
    real(wp), intent(in) :: value      !! of this rank
    real(wp) :: largest

    largest = value
    if (is_whole(block)) return
    traffic%n_reductions = traffic%n_reductions + 1
    call mpi_allreduce(value, largest, 1, real_type(), mpi_max, communicator_of(block))
  end function global_maximum

end module swe_exchange
