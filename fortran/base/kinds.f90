! SPDX-License-Identifier: MIT
!> Kinds of the reference models.
module kinds
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  implicit none
  private
  public :: int64, real32, wp

  integer, parameter :: wp = real64 !! working precision of the physics
end module kinds
