! SPDX-License-Identifier: MIT
!> The generator against L'Ecuyer's own first numbers, and its deviates' moments.
program test_random
  use kinds, only: wp
  use random, only: random_t
  use testing, only: check, check_below, finish
  implicit none

  call first_numbers_are_those_of_the_published_generator()
  call deviates_are_normal()
  call seeds_give_streams_of_their_own()
  call finish()

contains

  !> MRG32k3a with all six words 12345, L'Ecuyer's default.
  subroutine first_numbers_are_those_of_the_published_generator()
    real(wp), parameter :: published(2) = [0.1270111220465771_wp, 0.3185275653967945_wp]
    type(random_t) :: stream
    real(wp) :: number
    integer :: i

    do i = 1, 2
      call stream%uniform(number)
      call check_below(abs(number - published(i)), 1.0e-15_wp, "published number")
    end do
  end subroutine first_numbers_are_those_of_the_published_generator

  !> Moments of a normal distribution, within four standard errors.
  subroutine deviates_are_normal()
    integer, parameter :: n = 400000
    type(random_t) :: stream
    real(wp), allocatable :: x(:)
    integer :: i

    allocate (x(n))
    call stream%seed(7)
    do i = 1, n
      call stream%normal(x(i))
    end do
    call check_below(abs(sum(x)/n), 4.0_wp/sqrt(real(n, wp)), "mean of deviates")
    call check_below(abs(sum(x**2)/n - 1.0_wp), 4.0_wp*sqrt(2.0_wp/n), "variance")
    call check_below(abs(sum(x**4)/n - 3.0_wp), 4.0_wp*sqrt(96.0_wp/n), "fourth moment")
    call check_below(abs(sum(x(2:)*x(:n - 1))/n), 4.0_wp/sqrt(real(n, wp)), &
      "lag correlation")
  end subroutine deviates_are_normal

  !> The same seed repeats, another one does not; every integer is a seed.
  subroutine seeds_give_streams_of_their_own()
    real(wp) :: again, number, other

    number = first_of(1)
    again = first_of(1)
    other = first_of(2)
    call check(abs(number - again) <= 0.0_wp, "a seed repeats its stream")
    call check(abs(number - other) > 1.0e-3_wp, "neighbouring seeds differ")
    other = first_of(-1)
    call check(other > 0.0_wp .and. other < 1.0_wp, "a negative seed works")
    other = first_of(0)
    call check(other > 0.0_wp .and. other < 1.0_wp, "seed zero works")
  end subroutine seeds_give_streams_of_their_own

  !> First number of a seed's stream.
  real(wp) function first_of(number)
    integer, intent(in) :: number !! seed

    type(random_t) :: stream

    call stream%seed(number)
    call stream%uniform(first_of)
  end function first_of

end program test_random
