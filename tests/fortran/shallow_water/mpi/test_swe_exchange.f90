! SPDX-License-Identifier: MIT
!> Halos, sums and whole fields on any number of ranks against what they must hold.
program test_swe_exchange
  use swe_blocks, only: block_t, halo, ranks_t
  use swe_decomposition, only: decompose
  use swe_exchange, only: exchange, global_maximum, global_sum
  use swe_kinds, only: int64, wp
  use swe_ranks, only: end_ranks, gather, scatter, start_ranks
  use testing, only: check, finish
  implicit none

  integer, parameter :: nx = 37, ny = 26   !! of the grid: blocks differ in size
  real(wp), parameter :: untouched = -7.0_wp !! in halos before an exchange
  type(ranks_t) :: ranks
  integer :: width, x, y

  call start_ranks(ranks)
  do y = 0, 1
    do x = 0, 1
      do width = 1, 4
        call check_halos(cut(x == 1, y == 1), width)
      end do
      call check_whole_fields(cut(x == 1, y == 1))
      call check_reductions(cut(x == 1, y == 1))
    end do
  end do
  call end_ranks(ranks)
  call finish()

contains

  !> This rank's block.
  function cut(periodic_x, periodic_y) result(block)
    logical, intent(in) :: periodic_x, periodic_y
    type(block_t) :: block

    call decompose(ranks, nx, ny, periodic_x, periodic_y, block)
  end function cut

  !> One, two, three fields and layers, of one width or of several.
  subroutine check_halos(block, width)
    type(block_t), intent(in) :: block
    integer, intent(in) :: width

    real(wp), allocatable :: a(:, :), b(:, :), c(:, :), layers(:, :, :)
    integer :: k

    a = inside(block, width, 1)
    call exchange(block, a)
    call check(all(same(a, filled(block, width, 1))), "one field: halo and corners")
    a = inside(block, width, 1)
    b = inside(block, width, 2)
    call exchange(block, a, b)
    call check(all(same(a, filled(block, width, 1))), "the first of two fields")
    call check(all(same(b, filled(block, width, 2))), "the second of two fields")
    a = inside(block, width, 1)
    b = inside(block, 1, 2)
    c = inside(block, 3, 3)
    call exchange(block, a, b, c)
    call check(all(same(a, filled(block, width, 1))), "the first of three fields")
    call check(all(same(b, filled(block, 1, 2))), "the second, of another width")
    call check(all(same(c, filled(block, 3, 3))), "the third, of another width")
    allocate (layers(size(a, 1), size(a, 2), 5))
    do k = 1, 5
      layers(:, :, k) = inside(block, width, k)
    end do
    call exchange(block, layers)
    do k = 1, 5
      call check(all(same(layers(:, :, k), filled(block, width, k))), "each of five layers")
    end do
  end subroutine check_halos

  !> Bit for bit.
  elemental logical function same(one, other)
    real(wp), intent(in) :: one, other

    same = transfer(one, 0_int64) == transfer(other, 0_int64)
  end function same

  !> A field whose halo was never filled.
  function inside(block, width, k) result(field)
    type(block_t), intent(in) :: block
    integer, intent(in) :: width, k
    real(wp), allocatable :: field(:, :)

    field = filled(block, width, k)
    field(:width, :) = untouched
    field(width + block%nx + 1:, :) = untouched
    field(:, :width) = untouched
    field(:, width + block%ny + 1:) = untouched
  end function inside

  !> What a field holds after the exchange: the cells around, and beyond an end of the grid
  !> what was there.
  function filled(block, width, k) result(field)
    type(block_t), intent(in) :: block
    integer, intent(in) :: width, k
    real(wp), allocatable :: field(:, :)

    integer :: i, j

    allocate (field(1 - width:block%nx + width, 1 - width:block%ny + width))
    do j = lbound(field, 2), ubound(field, 2)
      do i = lbound(field, 1), ubound(field, 1)
        field(i, j) = global_value(block, block%i_offset + i, block%j_offset + j, k)
      end do
    end do
  end function filled

  !> The value of field k in a cell of the grid or around it.
  pure real(wp) function global_value(block, i, j, k)
    type(block_t), intent(in) :: block
    integer, intent(in) :: i, j, k

    integer :: i_inside, j_inside

    i_inside = merge(modulo(i - 1, nx) + 1, i, block%periodic_x)
    j_inside = merge(modulo(j - 1, ny) + 1, j, block%periodic_y)
    global_value = i_inside + 100*j_inside + 10000*k
    if (i_inside < 1 .or. i_inside > nx .or. j_inside < 1 .or. j_inside > ny) then
      global_value = untouched
    end if
  end function global_value

  !> Gather, change on rank 0, scatter.
  subroutine check_whole_fields(block)
    type(block_t), intent(in) :: block

    real(wp), allocatable :: field(:, :), whole(:, :)
    integer :: i, j

    field = filled(block, 2, 1)
    allocate (whole(merge(nx, 0, block%rank == 0), merge(ny, 0, block%rank == 0)), &
      source=0.0_wp)
    call gather(block, field, whole)
    do j = 1, size(whole, 2)
      do i = 1, size(whole, 1)
        call check(same(whole(i, j), global_value(block, i, j, 1)), "a gathered cell")
      end do
    end do
    whole = whole + 10000
    field = inside(block, 2, 1)
    call scatter(block, whole, field)
    call check(all(same(field, inside(block, 2, 2))), "scattered cells, halo untouched")
  end subroutine check_whole_fields

  !> Sums and the largest value.
  subroutine check_reductions(block)
    type(block_t), intent(in) :: block

    real(wp) :: sums(2)
    integer(int64) :: counts(3)

    sums = global_sum(block, [1.0_wp, real(block%rank, wp)])
    call check(nint(sums(1)) == ranks%count, "one from each rank")
    call check(nint(sums(2)) == ranks%count*(ranks%count - 1)/2, "the sum of the ranks")
    counts = global_sum(block, [1_int64, int(block%nx, int64)*block%ny, 2_int64**40])
    call check(counts(2) == nx*ny, "the blocks are the grid")
    call check(counts(3) == 2_int64**40*ranks%count, "integers of 64 bits")
    call check(nint(global_maximum(block, real(block%rank, wp))) == ranks%count - 1, &
      "the largest rank")
  end subroutine check_reductions

end program test_swe_exchange
