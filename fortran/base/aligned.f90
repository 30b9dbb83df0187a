! SPDX-License-Identifier: MIT
!> Work arrays that begin on a cache line.
!>
!> A block of eight members is a line of 64 bytes; where it straddles two, each load costs
!> two: the step of Lorenz-96 takes 1.6 times as long (measured). Fortran cannot ask for an
!> alignment, so more is allocated and the first element on a line is looked for.
module aligned
  use, intrinsic :: iso_c_binding, only: c_intptr_t, c_loc
  use kinds, only: wp
  implicit none
  private
  public :: aligned_length, first_aligned

  integer, parameter :: line = 8 !! values in a cache line of 64 bytes

contains

  !> What to allocate for some arrays of `length` values, each of whole lines.
  pure integer function aligned_length(length)
    integer, intent(in) :: length !! values needed

    aligned_length = length + line - 1
  end function aligned_length

  !> Index of the first element that begins a cache line.
  integer function first_aligned(work)
    real(wp), intent(in), target, contiguous :: work(:) !! of `aligned_length`

    integer(c_intptr_t) :: address

    address = transfer(c_loc(work), address)
    first_aligned = 1 + modulo(line - int(modulo(address/8_c_intptr_t, int(line, &
      c_intptr_t))), line)
  end function first_aligned

end module aligned
