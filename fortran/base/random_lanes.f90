! SPDX-License-Identifier: MIT
!> Many random words at once: a stream for each realization, drawn by vector instructions.
!>
!> A stream is sixteen generators side by side, xoshiro128+ of Blackman and Vigna (2021),
!> "Scrambled linear pseudorandom number generators", doi:10.1145/3460772: additions,
!> shifts and exclusive or, no products. Their first states are the Philox words of the
!> counter (lane, third, 0, 0) and the key (first, second): two streams differ if one of
!> the three numbers does, and none depends on what another one drew. The period is 2^128.
!>
!> A sixth of the cost of Philox itself for each word, which matters where a step of a model
!> takes a few nanoseconds. The lowest bits are the weak ones; nothing here uses them alone.
module random_lanes
  use kinds, only: int64, wp
  use philox, only: philox_block
  implicit none
  private
  public :: random_lanes_t

  integer, parameter :: n_lanes = 16
  integer(int64), parameter :: mask = 4294967295_int64 !! 32 bits
  real(wp), parameter :: spacing = 1.0_wp/4294967296.0_wp !! 2^-32

  !> A stream of random words.
  type :: random_lanes_t
    private
    integer(int64) :: s(n_lanes, 4) = 1 !! states, words of 32 bits
  contains
    procedure :: seed
    procedure :: words
    procedure :: uniforms
  end type random_lanes_t

contains

  !> Go to the start of the stream that belongs to three numbers.
  pure subroutine seed(self, first, second, third)
    class(random_lanes_t), intent(inout) :: self
    integer, intent(in) :: first  !! any integer, e.g. the seed of a run
    integer, intent(in) :: second !! any integer, e.g. the number of the case
    integer, intent(in) :: third  !! any integer, e.g. the number of the realization

    integer(int64) :: counter(4), key(2)
    integer :: i

    key = iand([int(first, int64), int(second, int64)], mask)
    counter = [0_int64, iand(int(third, int64), mask), 0_int64, 0_int64]
    do i = 1, n_lanes
      counter(1) = i
      self%s(i, :) = philox_block(counter, key)
    end do
  end subroutine seed

  !> The next words. They come in rows of sixteen; what is left of the last one is dropped.
  pure subroutine words(self, values)
    class(random_lanes_t), intent(inout) :: self
    integer(int64), intent(out), contiguous :: values(:) !! in [0, 2^32)

    integer(int64), dimension(n_lanes) :: row, s0, s1, s2, s3, t
    integer :: first, i, n

    s0 = self%s(:, 1)
    s1 = self%s(:, 2)
    s2 = self%s(:, 3)
    s3 = self%s(:, 4)
    do first = 1, size(values), n_lanes
      do i = 1, n_lanes
        row(i) = iand(s0(i) + s3(i), mask)
        t(i) = iand(shiftl(s1(i), 9), mask)
        s2(i) = ieor(s2(i), s0(i))
        s3(i) = ieor(s3(i), s1(i))
        s1(i) = ieor(s1(i), s2(i))
        s0(i) = ieor(s0(i), s3(i))
        s2(i) = ieor(s2(i), t(i))
        s3(i) = ior(iand(shiftl(s3(i), 11), mask), shiftr(s3(i), 21))
      end do
      n = min(n_lanes, size(values) - first + 1)
      if (n == n_lanes) then
        values(first:first + n_lanes - 1) = row
      else
        values(first:first + n - 1) = row(:n)
      end if
    end do
    self%s(:, 1) = s0
    self%s(:, 2) = s1
    self%s(:, 3) = s2
    self%s(:, 4) = s3
  end subroutine words

  !> The next numbers between 0 and 1, both excluded: odd multiples of 2^-33.
  pure subroutine uniforms(self, values)
    class(random_lanes_t), intent(inout) :: self
    real(wp), intent(out), contiguous :: values(:) !! in (0, 1)

    integer, parameter :: batch = 32*n_lanes
    integer(int64) :: drawn(batch)
    integer :: first, i, n

    do first = 1, size(values), batch
      n = min(batch, size(values) - first + 1)
      call self%words(drawn(:n))
      do i = 1, n
        values(first + i - 1) = (real(drawn(i), wp) + 0.5_wp)*spacing
      end do
    end do
  end subroutine uniforms

end module random_lanes
