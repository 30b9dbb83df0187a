! SPDX-License-Identifier: MIT
!> Counting generator against its published answers; the streams made from it.
program test_random_lanes
  use kinds, only: int64, wp
  use philox, only: philox_block
  use random_lanes, only: random_lanes_t
  use testing, only: check, check_below, finish
  implicit none

  integer, parameter :: n = 160000
  real(wp), parameter :: errors = 4.5_wp !! standard errors that chance may take [1]

  call blocks_are_those_of_the_published_generator()
  call numbers_are_uniform()
  call streams_do_not_know_each_other()
  call a_stream_is_the_same_in_any_order_of_streams()
  call finish()

contains

  !> Known answers that come with the generator (Random123, philox4x32 of 10 rounds).
  subroutine blocks_are_those_of_the_published_generator()
    integer(int64), parameter :: ones = 4294967295_int64

    call check(all(philox_block(spread(0_int64, 1, 4), spread(0_int64, 1, 2)) == &
      [1713891541_int64, 3781805453_int64, 3159862348_int64, 2600524760_int64]), "zeros")
    call check(all(philox_block(spread(ones, 1, 4), spread(ones, 1, 2)) == &
      [1083123565_int64, 1103641358_int64, 2718681030_int64, 1834242557_int64]), "ones")
  end subroutine blocks_are_those_of_the_published_generator

  !> Mean, variance, and neighbours in time.
  subroutine numbers_are_uniform()
    type(random_lanes_t) :: stream
    real(wp), allocatable :: u(:)

    allocate (u(n))
    call stream%seed(1, 2, 3)
    call stream%uniforms(u)
    call check(minval(u) > 0.0_wp .and. maxval(u) < 1.0_wp, "numbers lie inside (0, 1)")
    call check_below(abs(sum(u)/n - 0.5_wp), errors*sqrt(1.0_wp/12.0_wp/n), "mean 1/2")
    call check_below(abs(sum((u - 0.5_wp)**2)/n - 1.0_wp/12.0_wp), &
      errors*sqrt(1.0_wp/180.0_wp/n), "variance 1/12")
    call check_below(correlation(u(:n - 1), u(2:)), errors, "next numbers independent")
    call check_below(correlation(u(:n - 16), u(17:)), errors, "next rows independent")
  end subroutine numbers_are_uniform

  !> |Correlation| of two uniform series, in its standard errors.
  pure real(wp) function correlation(a, b)
    real(wp), intent(in) :: a(:)
    real(wp), intent(in) :: b(:)

    correlation = abs(sum((a - 0.5_wp)*(b - 0.5_wp)))*12.0_wp/sqrt(real(size(a), wp))
  end function correlation

  !> Neighbours in each of the three numbers.
  subroutine streams_do_not_know_each_other()
    type(random_lanes_t) :: stream
    real(wp), allocatable :: u(:, :)
    integer :: i

    allocate (u(n, 4))
    do i = 1, 4
      call stream%seed(1 + i/2, merge(2, 1, i == 2), merge(2, 1, i == 4))
      call stream%uniforms(u(:, i))
    end do
    do i = 2, 4
      call check_below(correlation(u(:, 1), u(:, i)), errors, "streams independent")
    end do
  end subroutine streams_do_not_know_each_other

  subroutine a_stream_is_the_same_in_any_order_of_streams()
    type(random_lanes_t) :: first, second
    real(wp) :: u(100), v(100), w(100)

    call first%seed(5, 6, 7)
    call first%uniforms(u)
    call second%seed(5, 6, 8)
    call second%uniforms(v)
    call second%seed(5, 6, 7)
    call second%uniforms(w)
    call check(all(u == w), "the same seeds, the same numbers")
    call check(.not. any(u == v), "another realization, other numbers")
  end subroutine a_stream_is_the_same_in_any_order_of_streams

end program test_random_lanes
