! SPDX-License-Identifier: MIT
!> Rows of a block: which of them a thread works on, and sums that do not depend on it.
!>
!> Solvers sum each row by itself and then the rows in their order, so that the number of
!> threads changes no bit of a result.
module swe_rows
  !$ use omp_lib, only: omp_get_num_threads, omp_get_thread_num
  use swe_blocks, only: block_t, halo, lead
  use swe_exact_sums, only: exact_product
  use swe_exchange, only: global_maximum, global_sum
  use swe_kinds, only: wp
  implicit none
  private
  public :: is_large, largest_of_rows, rows_of_thread, sum_of_rows

  integer, parameter, public :: large = 24000
    !! cells from which on a second thread is worth the microseconds that it takes to start

contains

  !> Whether a loop over a block's cells should be shared among threads.
  pure logical function is_large(block)
    type(block_t), intent(in) :: block

    is_large = block%nx*block%ny >= large
  end function is_large

  !> Rows first:last of 1:n for the calling thread; none if last < first.
  subroutine rows_of_thread(n, first, last)
    integer, intent(in) :: n            !! rows of all threads
    integer, intent(out) :: first, last !! of this one

    integer :: n_threads, thread

    n_threads = 1
    thread = 0
    !$ n_threads = omp_get_num_threads()
    !$ thread = omp_get_thread_num()
    first = 1 + thread*n/n_threads
    last = (thread + 1)*n/n_threads
  end subroutine rows_of_thread

  !> The scalar product x.y, or x.(y*weight), over all ranks, from the sums of the rows
  !> that a loop over x and y has made by the way. Where the block asks for reproducible
  !> sums they are not used: how rows are cut would show. One NaN makes it NaN.
  function sum_of_rows(block, rows, x, y, weight) result(total)
    type(block_t), intent(in) :: block
    real(wp), intent(in) :: rows(:) !! sums of this rank's rows (ny)
    real(wp), intent(in), contiguous :: x(1 - lead:, 1 - halo:)
    real(wp), intent(in), contiguous :: y(1 - lead:, 1 - halo:)
    real(wp), intent(in), contiguous, optional :: weight(1 - lead:, 1 - halo:)
    real(wp) :: total

    real(wp) :: sums(1)
    integer :: j

    if (block%is_reproducible) then
      total = exact_product(block, x, y, weight)
      return
    end if
    sums = 0.0_wp
    do j = 1, size(rows)
      sums(1) = sums(1) + rows(j)
    end do
    sums = global_sum(block, sums)
    total = sums(1)
  end function sum_of_rows

  !> Largest over the rows of all ranks; blind to NaN.
  function largest_of_rows(block, rows) result(largest)
    type(block_t), intent(in) :: block
    real(wp), intent(in) :: rows(:) !! largest of this rank's rows (ny)
    real(wp) :: largest

    integer :: j

    largest = 0.0_wp
    do j = 1, size(rows)
      largest = max(largest, rows(j))
    end do
    largest = global_maximum(block, largest)
  end function largest_of_rows

end module swe_rows
