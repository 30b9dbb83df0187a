! SPDX-License-Identifier: MIT
!> Random numbers that are the same with every compiler.
!>
!> L'Ecuyer (1999), "Good parameters and implementations for combined multiple recursive
!> random number generators", doi:10.1287/opre.47.1.159, generator MRG32k3a: period 2^191,
!> and no product exceeds 2^53, so no overflow is relied upon. Normal deviates by the polar
!> method of Marsaglia and Bray (1964), doi:10.1137/1006063.
module random
  use kinds, only: int64, wp
  implicit none
  private
  public :: random_t

  integer(int64), parameter :: m1 = 4294967087_int64 !! first modulus
  integer(int64), parameter :: m2 = 4294944443_int64 !! second modulus

  !> A stream of random numbers.
  type :: random_t
    private
    integer(int64) :: s1(3) = 12345 !! state of the first recursion, in [0, m1)
    integer(int64) :: s2(3) = 12345 !! state of the second recursion, in [0, m2)
    logical :: has_spare = .false.  !! the polar method yields two deviates at a time
    real(wp) :: spare = 0.0_wp
  contains
    procedure :: seed
    procedure :: uniform
    procedure :: normal
  end type random_t

contains

  !> Start the stream that belongs to a seed.
  subroutine seed(self, number)
    class(random_t), intent(inout) :: self
    integer, intent(in) :: number !! any integer

    real(wp) :: discarded
    integer(int64) :: state, words(6)
    integer :: i

    ! Six words from a Lehmer generator (Park and Miller 1988); it never reaches zero.
    state = modulo(int(number, int64), 2147483646_int64) + 1_int64
    do i = 1, 6
      state = modulo(48271_int64*state, 2147483647_int64)
      words(i) = state
    end do
    self%s1 = words(:3)
    self%s2 = words(4:)
    self%has_spare = .false.
    do i = 1, 32 ! neighbouring seeds part quickly
      call self%uniform(discarded)
    end do
  end subroutine seed

  !> A number between 0 and 1, both excluded.
  subroutine uniform(self, number)
    class(random_t), intent(inout) :: self
    real(wp), intent(out) :: number !! in (0, 1)

    integer(int64) :: p1, p2

    p1 = modulo(1403580_int64*self%s1(2) - 810728_int64*self%s1(1), m1)
    self%s1 = [self%s1(2:3), p1]
    p2 = modulo(527612_int64*self%s2(3) - 1370589_int64*self%s2(1), m2)
    self%s2 = [self%s2(2:3), p2]
    p1 = p1 - p2
    if (p1 <= 0) p1 = p1 + m1
    number = real(p1, wp)/real(m1 + 1_int64, wp)
  end subroutine uniform

  !> A normal deviate of mean 0 and variance 1.
  subroutine normal(self, number)
    class(random_t), intent(inout) :: self
    real(wp), intent(out) :: number !! N(0, 1)

    real(wp) :: r2, u, v

    if (self%has_spare) then
      number = self%spare
      self%has_spare = .false.
      return
    end if
    do
      call self%uniform(u)
      call self%uniform(v)
      u = 2.0_wp*u - 1.0_wp
      v = 2.0_wp*v - 1.0_wp
      r2 = u*u + v*v
      if (r2 > 0.0_wp .and. r2 < 1.0_wp) exit
    end do
    r2 = sqrt(-2.0_wp*log(r2)/r2)
    number = u*r2
    self%spare = v*r2
    self%has_spare = .true.
  end subroutine normal

end module random
