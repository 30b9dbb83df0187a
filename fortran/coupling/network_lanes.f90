! SPDX-License-Identifier: MIT
!> Small networks in single precision for two vector registers of samples at once: dense
!> layers, logarithms and exponentials that the compiler turns into vector instructions.
!>
!> A library call costs microseconds, a layer of 48 x 48 for one sample 70 ns: for small
!> networks in a host's inner loop the calls are the price. Samples are the first index, so
!> that all loops run over lanes; a sample's bits do not depend on the others.
module network_lanes
  use, intrinsic :: iso_fortran_env, only: int32, real32
  use vector_width, only: half => register_lanes
  implicit none
  private
  public :: dense, hard_swish, lanes, logarithms, outputs_together, times_exponentials

  integer, parameter :: lanes = 2*half !! samples computed together: two vector registers
  integer, parameter :: outputs_together = 6
    !! outputs summed together: each input is loaded once for six of them

contains

  !> out = w x + b. The sums stay in registers while `i` runs.
  pure subroutine dense(n_in, n_groups, w, b, x, out)
    integer, intent(in) :: n_in     !! inputs
    integer, intent(in) :: n_groups !! of outputs: a sixth of their number
    real(real32), intent(in) :: w(outputs_together, n_in, n_groups) !! weights
    real(real32), intent(in) :: b(outputs_together, n_groups)       !! biases
    real(real32), intent(in) :: x(lanes, n_in)                      !! inputs
    real(real32), intent(out) :: out(lanes, outputs_together, n_groups)

    ! Twelve sums, two inputs and a weight: they fit the sixteen registers of AVX2.
    ! Outputs are taken by twos: else gfortran keeps six weights there, and the sums do
    ! not fit.
    real(real32), dimension(half) :: a1, a2, a3, a4, a5, a6, b1, b2, b3, b4, b5, b6
    real(real32), dimension(half) :: xa, xb
    integer :: c, g, i

    do g = 1, n_groups
      a1 = b(1, g)
      b1 = b(1, g)
      a2 = b(2, g)
      b2 = b(2, g)
      a3 = b(3, g)
      b3 = b(3, g)
      a4 = b(4, g)
      b4 = b(4, g)
      a5 = b(5, g)
      b5 = b(5, g)
      a6 = b(6, g)
      b6 = b(6, g)
      do i = 1, n_in
        xa = x(:half, i)
        xb = x(half + 1:, i)
        !$omp simd
        do c = 1, half
          a1(c) = a1(c) + w(1, i, g)*xa(c)
          b1(c) = b1(c) + w(1, i, g)*xb(c)
          a2(c) = a2(c) + w(2, i, g)*xa(c)
          b2(c) = b2(c) + w(2, i, g)*xb(c)
        end do
        !$omp simd
        do c = 1, half
          a3(c) = a3(c) + w(3, i, g)*xa(c)
          b3(c) = b3(c) + w(3, i, g)*xb(c)
          a4(c) = a4(c) + w(4, i, g)*xa(c)
          b4(c) = b4(c) + w(4, i, g)*xb(c)
        end do
        !$omp simd
        do c = 1, half
          a5(c) = a5(c) + w(5, i, g)*xa(c)
          b5(c) = b5(c) + w(5, i, g)*xb(c)
          a6(c) = a6(c) + w(6, i, g)*xa(c)
          b6(c) = b6(c) + w(6, i, g)*xb(c)
        end do
      end do
      out(:half, 1, g) = a1
      out(half + 1:, 1, g) = b1
      out(:half, 2, g) = a2
      out(half + 1:, 2, g) = b2
      out(:half, 3, g) = a3
      out(half + 1:, 3, g) = b3
      out(:half, 4, g) = a4
      out(half + 1:, 4, g) = b4
      out(:half, 5, g) = a5
      out(half + 1:, 5, g) = b5
      out(:half, 6, g) = a6
      out(half + 1:, 6, g) = b6
    end do
  end subroutine dense

  !> x relu6(x + 3)/6, as torch's `Hardswish`: close to silu, without an exponential.
  pure subroutine hard_swish(n, x)
    integer, intent(in) :: n                      !! units
    real(real32), intent(inout) :: x(lanes*n)

    real(real32), parameter :: sixth = 1.0_real32/6 ! a division takes ten times as long
    integer :: c

    !$omp simd
    do c = 1, lanes*n
      x(c) = x(c)*(min(max(x(c) + 3.0_real32, 0.0_real32), 6.0_real32)*sixth)
    end do
  end subroutine hard_swish

  !> Logarithms of positive, normal numbers, kept between limits.
  pure subroutine logarithms(n, low, high, x, out)
    integer, intent(in) :: n                      !! inputs
    real(real32), intent(in) :: low(n), high(n)   !! limits of the logarithms
    real(real32), intent(in) :: x(lanes, n)
    real(real32), intent(out) :: out(lanes, n)

    integer :: c, i

    do i = 1, n
      !$omp simd
      do c = 1, lanes
        out(c, i) = min(max(logarithm(x(c, i)), low(i)), high(i))
      end do
    end do
  end subroutine logarithms

  !> x exp(d), d kept between -`largest` and `largest`.
  pure subroutine times_exponentials(n, largest, d, x)
    integer, intent(in) :: n                      !! outputs
    real(real32), intent(in) :: largest           !! magnitude of an exponent, below 80
    real(real32), intent(in) :: d(lanes*n)
    real(real32), intent(inout) :: x(lanes*n)

    integer :: c

    !$omp simd
    do c = 1, lanes*n
      x(c) = x(c)*exponential(min(max(d(c), -largest), largest))
    end do
  end subroutine times_exponentials

  !> log(x) for positive, normal x, to 2e-7: x = 2^e m with m near 1, and
  !> log(m) = 2 artanh(s), s = (m - 1)/(m + 1), |s| < 0.172, five terms of its series.
  elemental real(real32) function logarithm(x)
    real(real32), intent(in) :: x

    integer(int32), parameter :: root_half = int(z"3f3504f3", int32) !! bits of sqrt(1/2)
    real(real32), parameter :: log_2 = log(2.0_real32)
    integer(int32) :: bits, e
    real(real32) :: m, s, q

    bits = transfer(x, bits)
    e = shifta(bits - root_half, 23)
    m = transfer(bits - shiftl(e, 23), m)
    s = (m - 1.0_real32)/(m + 1.0_real32)
    q = s*s
    logarithm = 2.0_real32*s*(1.0_real32 + q*(1.0_real32/3 + q*(1.0_real32/5 &
      + q*(1.0_real32/7 + q*(1.0_real32/9))))) + real(e, real32)*log_2
  end function logarithm

  !> exp(x) for |x| < 80, to 2e-7: x = n log(2) + r with |r| < 0.35, series to r^7.
  elemental real(real32) function exponential(x)
    real(real32), intent(in) :: x

    real(real32), parameter :: magic = 12582912.0_real32 !! 1.5 2^23: adding it rounds
    real(real32), parameter :: high = 0.693359375_real32 !! log(2) in few bits, and the rest
    real(real32), parameter :: low = -2.12194440e-4_real32
    real(real32), parameter :: per_log_2 = 1.0_real32/log(2.0_real32)
    integer(int32) :: bits
    real(real32) :: n, p, r

    r = x*per_log_2 + magic
    bits = transfer(r, bits)
    n = r - magic
    r = (x - n*high) - n*low
    p = 1.0_real32/720 + r*(1.0_real32/5040)
    p = 1.0_real32/120 + r*p
    p = 1.0_real32/24 + r*p
    p = 1.0_real32/6 + r*p
    p = 1.0_real32 + r*(1.0_real32 + r*(0.5_real32 + r*p))
    ! The integer n stands in the lowest bits of `bits`: shifted, it is 2^n of p's exponent.
    exponential = transfer(transfer(p, bits) + shiftl(bits, 23), p)
  end function exponential

end module network_lanes
