! SPDX-License-Identifier: MIT
!> The five-point system for the new elevation, and what every solver of it offers.
!>
!>     (A z)(i,j) = diagonal(i,j)*z(i,j) - east(i,j)*z(i+1,j) - east(i-1,j)*z(i-1,j)
!>                                       - north(i,j)*z(i,j+1) - north(i,j-1)*z(i,j-1)
!>
!> with east, north >= 0 and diagonal >= area + the four couplings: symmetric, diagonally
!> dominant, positive definite. A cell whose couplings are zero (land, prescribed elevation)
!> has the row diagonal*z = right-hand side. Rows are weighted by the cell's area [m2], so a
!> residual divided by the area is an elevation [m].
module swe_five_point
  use swe_blocks, only: block_t, halo, lead
  use swe_fields, only: allocate_field
  use swe_kinds, only: wp
  implicit none
  private
  public :: five_point_solver_t, five_point_t, solution_t

  !> The matrix. Fields have the model's halo.
  type :: five_point_t
    type(block_t) :: block
    real(wp), allocatable :: diagonal(:, :) !! [m2], a field of the block
    real(wp), allocatable :: east(:, :)     !! coupling through east faces [m2], alike
    real(wp), allocatable :: north(:, :)    !! coupling through north faces [m2], alike
    real(wp), allocatable :: area(:)        !! of the cells in a row [m2] (1-halo:ny+halo)
  contains
    procedure :: setup
    procedure :: residual
  end type five_point_t

  !> How a solution was found.
  type :: solution_t
    integer :: n_iterations = 0         !! of the solver
    real(wp) :: residual = huge(1.0_wp) !! largest residual/area left [m]
    logical :: has_converged = .false.  !! it is at most the tolerance
  end type solution_t

  !> A solver: it may keep work arrays between calls.
  type, abstract :: five_point_solver_t
    real(wp) :: tolerance = 1.0e-5_wp !! largest residual/area accepted [m]
    integer :: max_iterations = 10000 !! before it gives up
  contains
    procedure(solve_interface), deferred :: solve
  end type five_point_solver_t

  abstract interface
    !> Solve A z = b.
    subroutine solve_interface(self, matrix, b, z, solution)
      import :: five_point_solver_t, five_point_t, halo, lead, solution_t, wp
      implicit none
      class(five_point_solver_t), intent(inout) :: self
      type(five_point_t), intent(in) :: matrix
      real(wp), intent(in), contiguous :: b(1 - lead:, 1 - halo:)
        !! right-hand side [m3]; its halo is not used
      real(wp), intent(inout), contiguous :: z(1 - lead:, 1 - halo:)
        !! first guess, becomes the solution, with a filled halo [m]
      type(solution_t), intent(out) :: solution !! how it went
    end subroutine solve_interface
  end interface

contains

  !> Allocate the matrix of a block: unit rows, no couplings.
  subroutine setup(self, block, area)
    class(five_point_t), intent(inout) :: self
    type(block_t), intent(in) :: block
    real(wp), intent(in) :: area(1 - halo:) !! of the cells in a row [m2]

    integer :: nx, ny

    nx = block%nx
    ny = block%ny
    self%block = block
    call allocate_field(block, self%diagonal, 1.0_wp)
    call allocate_field(block, self%east)
    call allocate_field(block, self%north)
    allocate (self%area(1 - halo:ny + halo), source=area)
  end subroutine setup

  !> r = b - A z on the block's cells; the halo of z must be filled. Serves for checks and
  !> first residuals: solvers fuse it with their own loops.
  subroutine residual(self, b, z, r)
    class(five_point_t), intent(in) :: self
    real(wp), intent(in), contiguous :: b(1 - lead:, 1 - halo:)    !! [m3]
    real(wp), intent(in), contiguous :: z(1 - lead:, 1 - halo:)    !! [m]
    real(wp), intent(inout), contiguous :: r(1 - lead:, 1 - halo:) !! set [m3]

    integer :: i, j

    !$omp parallel do private(i)
    do j = 1, self%block%ny
      do i = 1, self%block%nx
        r(i, j) = b(i, j) - (self%diagonal(i, j)*z(i, j) &
          - self%east(i, j)*z(i + 1, j) - self%east(i - 1, j)*z(i - 1, j) &
          - self%north(i, j)*z(i, j + 1) - self%north(i, j - 1)*z(i, j - 1))
      end do
    end do
  end subroutine residual

end module swe_five_point
