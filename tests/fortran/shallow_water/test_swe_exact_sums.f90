! SPDX-License-Identifier: MIT
!> Sums that are exact: no order changes a bit, nothing cancels away.
program test_swe_exact_sums
  use, intrinsic :: ieee_arithmetic, only: ieee_is_nan, ieee_positive_inf, ieee_value
  use, intrinsic :: iso_fortran_env, only: real128
  !$ use omp_lib, only: omp_set_num_threads
  use swe_blocks, only: block_t, east_end, halo, lead, whole_grid
  use swe_exact_sums, only: exact_product, exact_sum_t
  use swe_kinds, only: int64, wp
  use testing, only: check, check_below, fill_random, finish
  implicit none

  integer, parameter :: n = 3000
  real(wp), parameter :: one_ulp = 1.0_wp !! what `total` promises

  call check_known()
  call check_orders()
  call check_against_quadruple()
  call check_products()
  call check_bad_values()
  call finish()

contains

  !> The sum of some values.
  real(wp) function sum_of(values)
    real(wp), intent(in) :: values(:)

    type(exact_sum_t) :: exact

    call exact%add(values)
    sum_of = exact%total(whole_grid(1, 1))
  end function sum_of

  !> Sums that are plain.
  subroutine check_known()
    real(wp), parameter :: least = 2.0_wp**(-1022)*epsilon(1.0_wp) !! smallest of all
    real(wp) :: tenths(n)
    integer :: k

    call check(same(sum_of([real(wp) ::]), 0.0_wp), "nothing adds up to zero")
    call check(same(sum_of([1.0e200_wp, 1.0_wp, -1.0e200_wp]), 1.0_wp), "1 is not lost")
    call check(same(sum_of([1.0_wp, least, -1.0_wp]), least), "nor the smallest number")
    call check(same(sum_of([(1.0_wp, k=1, n)]), real(n, wp)), "ones are counted")
    call check(same(sum_of([-2.0_wp**870, 2.0_wp**870 - 2.0_wp**820]), -2.0_wp**820), &
      "borrows pass through empty bins")
    tenths = 0.1_wp
    call check(same(sum_of(tenths), real(n*real(tenths(1), real128), wp)), &
      "tenths add up to the nearest number")
    call check(same(sum_of(-tenths), -sum_of(tenths)), "signs change nothing else")
  end subroutine check_known

  !> Values over 60 orders of magnitude, forwards, backwards and in pieces.
  subroutine check_orders()
    type(exact_sum_t) :: pieces
    real(wp) :: values(n)
    integer :: k

    call wide(values)
    call check(same(sum_of(values), sum_of(values(n:1:-1))), "backwards is the same")
    do k = n, 1, -7
      call pieces%add(values(max(1, k - 6):k))
    end do
    call check(same(pieces%total(whole_grid(1, 1)), sum_of(values)), "so are pieces")
    call check(.not. same(sum(values), sum(values(n:1:-1))), "a plain sum differs")
  end subroutine check_orders

  !> Mixed magnitudes against 113 bits, which hold these sums to far below an ulp.
  subroutine check_against_quadruple()
    real(wp) :: values(n)
    real(real128) :: reference
    integer :: k

    call wide(values)
    values = sign(values, values(n:1:-1))
    reference = 0.0_real128
    do k = 1, n
      reference = reference + values(k)
    end do
    call check_below(real(abs(sum_of(values) - reference), wp) &
      /spacing(real(reference, wp)), one_ulp, "error of a sum in units of the last place")
  end subroutine check_against_quadruple

  !> x.y of fields, on one and on two threads, against the sum of the products.
  subroutine check_products()
    type(block_t) :: block
    real(wp), dimension(1 - lead:east_end(600), 1 - halo:5 + halo) :: x, y, weight

    block = whole_grid(600, 5)
    call fill_random(x, 1.0_wp)
    call fill_random(y, 1.0e-9_wp)
    call fill_random(weight, 1.0e5_wp)
    call check(same(exact_product(block, x, y), sum_of(reshape(x(1:600, 1:5) &
      *y(1:600, 1:5), [n]))), "x.y is the sum of the products")
    call check(same(exact_product(block, x, y, weight), sum_of(reshape((x(1:600, 1:5) &
      *y(1:600, 1:5))*weight(1:600, 1:5), [n]))), "a weight comes last")
    !$ call omp_set_num_threads(3)
    call check(same(exact_product(block, x, y), exact_product(block, y, x)), &
      "the number of threads changes no bit")
  end subroutine check_products

  !> NaN, infinity and what is beyond the bins.
  subroutine check_bad_values()
    real(wp) :: infinity

    infinity = ieee_value(1.0_wp, ieee_positive_inf)
    call check(ieee_is_nan(sum_of([1.0_wp, infinity])), "infinity makes the sum NaN")
    call check(ieee_is_nan(sum_of([infinity - infinity, 1.0_wp])), "NaN does")
    call check(ieee_is_nan(sum_of([1.0e300_wp])), "so does a number beyond 2**900")
  end subroutine check_bad_values

  !> Values of both signs over 60 orders of magnitude.
  subroutine wide(values)
    real(wp), intent(out) :: values(:)

    real(wp) :: deviates(size(values), 2)

    call fill_random(deviates, 1.0_wp)
    values = deviates(:, 1)*10.0_wp**(10.0_wp*deviates(:, 2))
  end subroutine wide

  !> Bit for bit.
  elemental logical function same(one, other)
    real(wp), intent(in) :: one, other

    same = transfer(one, 0_int64) == transfer(other, 0_int64)
  end function same

end program test_swe_exact_sums
