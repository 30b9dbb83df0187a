! SPDX-License-Identifier: MIT
!> Random words by counting: any place of any stream, without what stands before it.
!>
!> Salmon, Moraes, Dror and Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3",
!> doi:10.1145/2063384.2063405, generator Philox4x32-10: ten rounds of a keyed bijection
!> turn a counter of 128 bits into four words of 32.
module philox
  use kinds, only: int64
  implicit none
  private
  public :: philox_block

  integer, parameter :: n_rounds = 10
  integer(int64), parameter :: mask = 4294967295_int64 !! 32 bits
  integer(int64), parameter :: two32 = 4294967296_int64
  ! A product of two words can exceed int64, so the multipliers are held less 2^32: c*m is
  ! c*(m - 2^32) + c*2^32, and no overflow is relied upon.
  integer(int64), parameter :: multiplier_0 = 3528531795_int64 - two32
  integer(int64), parameter :: multiplier_1 = 3449720151_int64 - two32
  integer(int64), parameter :: weyl(2) = [2654435769_int64, 3144134277_int64]
    !! steps of the key between rounds

contains

  !> The four words that belong to a counter and a key.
  pure function philox_block(counter, key) result(c)
    integer(int64), intent(in) :: counter(4) !! words of 32 bits, lowest first
    integer(int64), intent(in) :: key(2)     !! words of 32 bits: which stream
    integer(int64) :: c(4)                   !! in [0, 2^32)

    integer(int64) :: k(2), p(2)
    integer :: i

    c = counter
    k = key
    do i = 1, n_rounds
      p = [multiplier_0*c(1), multiplier_1*c(3)]
      c = [ieor(ieor(c(3) + shifta(p(2), 32), c(2)), k(1)), iand(p(2), mask), &
        ieor(ieor(c(1) + shifta(p(1), 32), c(4)), k(2)), iand(p(1), mask)]
      k = iand(k + weyl, mask)
    end do
  end function philox_block

end module philox
