! SPDX-License-Identifier: MIT
!> What conjugate gradients need to know of a preconditioner: a symmetric positive definite
!> approximation of the inverse of the matrix.
module swe_preconditioner
  use swe_blocks, only: halo, lead
  use swe_five_point, only: five_point_t
  use swe_kinds, only: wp
  implicit none
  private
  public :: preconditioner_t

  !> It may keep work arrays between calls. Scratch fields are allocated once.
  type, abstract :: preconditioner_t
  contains
    procedure(prepare_interface), deferred :: prepare
    procedure(apply_interface), deferred :: apply
  end type preconditioner_t

  abstract interface
    !> Get ready for a matrix.
    subroutine prepare_interface(self, matrix)
      import :: five_point_t, preconditioner_t
      implicit none
      class(preconditioner_t), intent(inout) :: self
      type(five_point_t), intent(in) :: matrix !! the same in all following `apply`
    end subroutine prepare_interface

    !> s = M**-1 r, and r . s row by row.
    subroutine apply_interface(self, matrix, r, s, products)
      import :: five_point_t, halo, lead, preconditioner_t, wp
      implicit none
      class(preconditioner_t), intent(inout) :: self
      type(five_point_t), intent(in) :: matrix
      real(wp), intent(inout), contiguous :: r(1 - lead:, 1 - halo:)
        !! residual [m3]; its halo may be filled
      real(wp), intent(inout), contiguous :: s(1 - lead:, 1 - halo:)
        !! set on the block's cells [m]
      real(wp), intent(inout) :: products(:) !! set: r . s of each row [m4] (ny)
    end subroutine apply_interface
  end interface

end module swe_preconditioner
