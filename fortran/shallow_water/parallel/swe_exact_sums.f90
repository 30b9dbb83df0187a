! SPDX-License-Identifier: MIT
!> Sums without rounding: the same bits for any order, number of threads and of ranks.
!>
!> The range of real64 is cut into bins of 30 bits. Adding and subtracting 1.5*2**52 units
!> of a bin splits a value into a whole number of units and a rest, both exact; the whole
!> numbers add up exactly as integers, the rest goes to the next bins until nothing is
!> left. Ranks add their bins in one reduction of integers, and the sum is rounded once.
!> The splitting is that of J. Demmel and H. D. Nguyen (2015): Parallel reproducible
!> summation, IEEE Trans. Computers 64(7), 2060-2070; the integers are as in R. Hallberg and
!> A. Adcroft (2014): An order-invariant real-to-integer conversion sum, Parallel Computing
!> 40(5-6), 140-143. Here no range is chosen and no bit dropped.
module swe_exact_sums
  use, intrinsic :: ieee_arithmetic, only: ieee_quiet_nan, ieee_value
  use swe_blocks, only: block_t, halo, lead
  use swe_exchange, only: global_sum
  use swe_kinds, only: int64, real64, wp
  implicit none
  private
  public :: exact_product, exact_sum_t

  integer, parameter :: bits = 30 !! of a bin: 2**33 values fill an integer
  integer, parameter :: lowest = -36, highest = 29 !! bins: units 2**-1080 to 2**870
  integer, parameter :: not_numbers = highest + 1  !! place that counts unusable values
  integer, parameter :: chunk = 512 !! values split together, in the first cache

  !> A sum that grows.
  type :: exact_sum_t
    integer(int64), private :: bins(lowest:not_numbers) = 0_int64
  contains
    procedure :: add
    procedure :: total
  end type exact_sum_t

contains

  !> Add values. One that is not finite, or beyond 2**900, makes the sum NaN.
  pure subroutine add(self, values)
    class(exact_sum_t), intent(inout) :: self
    real(wp), intent(in) :: values(:)

    real(real64) :: rest(chunk)
    integer :: first, n

    do first = 1, size(values), chunk
      n = min(chunk, size(values) - first + 1)
      rest(:n) = real(values(first:first + n - 1), real64)
      call split(n, rest, self%bins)
    end do
  end subroutine add

  !> The sum over all ranks, rounded to within one unit in the last place.
  function total(self, block)
    class(exact_sum_t), intent(in) :: self
    type(block_t), intent(in) :: block !! whose ranks have added
    real(wp) :: total

    total = real(rounded(global_sum(block, self%bins)), wp)
  end function total

  !> The sum of x*y, or x*y*weight, over the cells of all ranks. Each product is rounded by
  !> itself, their sum is exact.
  function exact_product(block, x, y, weight) result(product)
    type(block_t), intent(in) :: block !! of the fields
    real(wp), intent(in), contiguous :: x(1 - lead:, 1 - halo:)
    real(wp), intent(in), contiguous :: y(1 - lead:, 1 - halo:)
    real(wp), intent(in), contiguous, optional :: weight(1 - lead:, 1 - halo:)
    real(wp) :: product

    integer(int64) :: bins(lowest:not_numbers)
    integer :: j

    bins = 0_int64
    !$omp parallel do reduction(+: bins)
    do j = 1, block%ny
      if (present(weight)) then
        call add_products(block%nx, x(1:block%nx, j), y(1:block%nx, j), bins, &
          weight(1:block%nx, j))
      else
        call add_products(block%nx, x(1:block%nx, j), y(1:block%nx, j), bins)
      end if
    end do
    product = real(rounded(global_sum(block, bins)), wp)
  end function exact_product

  !> Add the products of one row.
  pure subroutine add_products(n, x, y, bins, weight)
    integer, intent(in) :: n
    real(wp), intent(in) :: x(n), y(n)
    integer(int64), intent(inout) :: bins(lowest:not_numbers)
    real(wp), intent(in), optional :: weight(n)

    real(real64) :: rest(chunk)
    integer :: before, i, length

    do before = 0, n - 1, chunk
      length = min(chunk, n - before)
      do i = 1, length
        rest(i) = real(x(before + i), real64)*real(y(before + i), real64)
      end do
      if (present(weight)) then
        do i = 1, length
          rest(i) = rest(i)*real(weight(before + i), real64)
        end do
      end if
      call split(length, rest, bins)
    end do
  end subroutine add_products

  !> Move values into the bins.
  pure subroutine split(n, rest, bins)
    integer, intent(in) :: n
    real(real64), intent(inout) :: rest(chunk) !! 1:n become 0
    integer(int64), intent(inout) :: bins(lowest:not_numbers)

    real(real64), parameter :: limit = 2.0_real64**(bits*(highest + 1))
    real(real64) :: largest, part
    integer :: bin, i, n_bad

    largest = 0.0_real64
    n_bad = 0
    !$omp simd reduction(max: largest) reduction(+: n_bad)
    do i = 1, n
      largest = max(largest, abs(rest(i)))
      n_bad = n_bad + merge(0, 1, abs(rest(i)) < limit)
    end do
    bins(not_numbers) = bins(not_numbers) + n_bad
    if (n_bad > 0) return
    do while (largest > 0.0_real64)
      bin = (exponent(largest) - 1 - modulo(exponent(largest) - 1, bits))/bits
      call split_off(n, scale(1.5_real64, 52 + bits*bin), rest, part, largest)
      bins(bin) = bins(bin) + int(scale(part, -bits*bin), int64)
    end do
  end subroutine split

  !> Take from each value what is a multiple of the bin's unit, the last digit of `shift`:
  !> the parentheses do it, and compilers must honour them. Any order of their sum is exact.
  pure subroutine split_off(n, shift, rest, total, largest)
    integer, intent(in) :: n
    real(real64), intent(in) :: shift !! 1.5*2**52 units
    real(real64), intent(inout) :: rest(n)
    real(real64), intent(out) :: total   !! of the multiples
    real(real64), intent(out) :: largest !! |rest| left

    real(real64) :: multiple
    integer :: i

    total = 0.0_real64
    largest = 0.0_real64
    !$omp simd private(multiple) reduction(+: total) reduction(max: largest)
    do i = 1, n
      multiple = (rest(i) + shift) - shift
      rest(i) = rest(i) - multiple
      total = total + multiple
      largest = max(largest, abs(rest(i)))
    end do
  end subroutine split_off

  !> The number in the bins. Carries leave digits of at most half a unit of the next bin, so
  !> that only the last additions round.
  pure function rounded(bins) result(number)
    integer(int64), intent(in) :: bins(lowest:not_numbers)
    real(real64) :: number

    integer(int64) :: carry, digit
    integer :: bin

    if (bins(not_numbers) > 0) then
      number = ieee_value(number, ieee_quiet_nan)
      return
    end if
    number = 0.0_real64
    carry = 0_int64
    do bin = lowest, highest
      digit = bins(bin) + carry
      carry = 0_int64
      if (bin < highest) carry = shifta(digit + 2_int64**(bits - 1), bits)
      digit = digit - shiftl(carry, bits)
      number = number + scale(real(digit, real64), bits*bin)
    end do
  end function rounded

end module swe_exact_sums
