! SPDX-License-Identifier: MIT
!> Incomplete Cholesky factorisation of the five-point matrix as a preconditioner.
!>
!>     M = (D + L) D**-1 (D + L^T),  L the couplings to the west and to the south,
!>     d_P = diagonal - W**2/d_W - S**2/d_S - relaxation*(W*N_W/d_W + S*E_S/d_S)
!>
!> relaxation = 0: IC(0), Meijerink and van der Vorst (1977); near 1: modified, MIC(0),
!> Gustafsson (1978), which keeps row sums; its iterations grow with the square root of the
!> Courant number, those of IC(0) with the number itself. The recursions go from cell to
!> cell: they run in one thread, and each rank factorises its own block without its
!> couplings to others. So results depend on the blocks, in the solver's error: it alone of
!> the preconditioners is not for reproducible runs.
module swe_incomplete
  use swe_blocks, only: halo, lead
  use swe_five_point, only: five_point_t
  use swe_kinds, only: wp
  use swe_preconditioner, only: preconditioner_t
  implicit none
  private
  public :: incomplete_t

  !> The preconditioner.
  type, extends(preconditioner_t) :: incomplete_t
    real(wp) :: relaxation = 0.97_wp !! share of dropped fill that the diagonal takes [1]
    real(wp), allocatable, private :: inverse(:, :) !! 1/d [m-2] (nx, ny)
    real(wp), allocatable, private :: row(:, :)     !! scratch (nx, 2)
  contains
    procedure :: prepare
    procedure :: apply
  end type incomplete_t

contains

  !> Factorise.
  subroutine prepare(self, matrix)
    class(incomplete_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix

    real(wp) :: d
    integer :: i, j

    if (.not. allocated(self%inverse)) allocate ( &
      self%inverse(matrix%block%nx, matrix%block%ny), self%row(matrix%block%nx, 2))
    associate (east => matrix%east, north => matrix%north, inverse => self%inverse)
      do j = 1, matrix%block%ny
        do i = 1, matrix%block%nx
          d = matrix%diagonal(i, j)
          if (i > 1) d = d - east(i - 1, j)*inverse(i - 1, j)*(east(i - 1, j) &
            + self%relaxation*north(i - 1, j))
          if (j > 1) d = d - north(i, j - 1)*inverse(i, j - 1)*(north(i, j - 1) &
            + self%relaxation*east(i, j - 1))
          inverse(i, j) = 1.0_wp/d
        end do
      end do
    end associate
  end subroutine prepare

  !> Forward and backward substitution; see `apply_interface`.
  subroutine apply(self, matrix, r, s, products)
    class(incomplete_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix
    real(wp), intent(inout), contiguous :: r(1 - lead:, 1 - halo:)
    real(wp), intent(inout), contiguous :: s(1 - lead:, 1 - halo:)
    real(wp), intent(inout) :: products(:)

    integer :: i, j, nx, ny

    nx = matrix%block%nx
    ny = matrix%block%ny
    associate (added => self%row(:, 1), carried => self%row(:, 2))
      do j = 1, ny
        do i = 1, nx
          added(i) = self%inverse(i, j)*(r(i, j) + merge(matrix%north(i, j - 1) &
            *s(i, j - 1), 0.0_wp, j > 1))
          carried(i) = self%inverse(i, j)*matrix%east(i - 1, j)
        end do
        s(1, j) = added(1)
        do i = 2, nx
          s(i, j) = added(i) + carried(i)*s(i - 1, j)
        end do
      end do
      do j = ny, 1, -1
        do i = 1, nx
          added(i) = s(i, j) + self%inverse(i, j)*merge(matrix%north(i, j)*s(i, j + 1), &
            0.0_wp, j < ny)
          carried(i) = self%inverse(i, j)*matrix%east(i, j)
        end do
        s(nx, j) = added(nx)
        do i = nx - 1, 1, -1
          s(i, j) = added(i) + carried(i)*s(i + 1, j)
        end do
        products(j) = dot_product(r(1:nx, j), s(1:nx, j))
      end do
    end associate
  end subroutine apply

end module swe_incomplete
