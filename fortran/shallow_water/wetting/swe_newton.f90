! SPDX-License-Identifier: MIT
!> Elevations of a sea whose cells dry: the volume form of the five-point system, by
!> Newton's method.
!>
!>     V(z) + T*z = b + area*D,        V(z) = area*max(0, z + D)
!>
!> T holds the couplings. Where z > -D the row is that of the linear system; elsewhere the
!> cell holds no water, and z is the suction below its bed that lets its outflow vanish.
!> Each pass solves the linear system of the present wet cells. V is convex and the matrices
!> are M-matrices, so from the second pass on z only falls: started with all cells wet, a
!> cell that dries stays dry, and the passes end (Brugnano and Casulli 2008, SIAM Journal on
!> Scientific Computing 30, 463-472; Casulli 2009, International Journal for Numerical
!> Methods in Fluids 60, 391-408).
module swe_newton
  use swe_blocks, only: halo, lead
  use swe_exchange, only: global_maximum
  use swe_five_point, only: five_point_solver_t, five_point_t, solution_t
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_rows, only: is_large
  implicit none
  private
  public :: solve_volumes

  integer, parameter :: max_passes = 50 !! more than ever seen: a stop for NaN

contains

  !> Solve for z; matrix and right-hand side become those of the last pass.
  subroutine solve_volumes(grid, solver, matrix, b, z, wet, solution, n_passes)
    type(swe_grid_t), intent(in) :: grid
    class(five_point_solver_t), intent(inout) :: solver
    type(five_point_t), intent(inout) :: matrix !! all cells wet
    real(wp), intent(inout), contiguous :: b(1 - lead:, 1 - halo:) !! all cells wet [m3]
    real(wp), intent(inout), contiguous :: z(1 - lead:, 1 - halo:)
      !! first guess, becomes the solution [m]
    real(wp), intent(inout), contiguous :: wet(1 - lead:, 1 - halo:)
      !! set: 1 where a cell holds water, else 0
    type(solution_t), intent(out) :: solution !! iterations of all passes, end of the last
    integer, intent(out) :: n_passes          !! of Newton's method

    integer :: n_iterations
    real(wp) :: n_dried

    wet(:, :) = 1.0_wp
    n_iterations = 0
    do n_passes = 1, max_passes
      call solver%solve(matrix, b, z, solution)
      n_iterations = n_iterations + solution%n_iterations
      call dry_cells(grid, solver%tolerance, z, matrix, b, wet, n_dried)
      if (.not. global_maximum(grid%block, n_dried) > 0.0_wp) exit
    end do
    solution%n_iterations = n_iterations
  end subroutine solve_volumes

  !> Change the rows of wet cells whose z is below the bed. Cells without couplings keep
  !> theirs: nothing flows, so their volume is what it was.
  subroutine dry_cells(grid, tolerance, z, matrix, b, wet, n_dried)
    type(swe_grid_t), intent(in) :: grid
    real(wp), intent(in) :: tolerance !! a depth less negative is of the solver [m]
    real(wp), intent(in), contiguous :: z(1 - lead:, 1 - halo:) !! [m]
    type(five_point_t), intent(inout) :: matrix
    real(wp), intent(inout), contiguous :: b(1 - lead:, 1 - halo:) !! [m3]
    real(wp), intent(inout), contiguous :: wet(1 - lead:, 1 - halo:) !! 1 or 0
    real(wp), intent(out) :: n_dried !! cells of this block

    real(wp) :: couplings
    integer :: i, j

    n_dried = 0.0_wp
    !$omp parallel do private(i, couplings) reduction(+: n_dried) if (is_large(grid%block))
    do j = 1, grid%block%ny
      do i = 1, grid%block%nx
        if (.not. z(i, j) + grid%depth(i, j) < -tolerance) cycle
        if (wet(i, j)*grid%water(i, j) < 0.5_wp) cycle
        couplings = matrix%east(i, j) + matrix%east(i - 1, j) + matrix%north(i, j) &
          + matrix%north(i, j - 1)
        ! Prescribed elevations and radiating faces are in the diagonal only; the others
        ! must not lose their dominance to rounding.
        couplings = max(couplings, matrix%diagonal(i, j) - grid%area(j))
        if (.not. couplings > 0.0_wp) cycle
        matrix%diagonal(i, j) = couplings
        b(i, j) = b(i, j) + grid%area(j)*grid%depth(i, j)
        wet(i, j) = 0.0_wp
        n_dried = n_dried + 1.0_wp
      end do
    end do
  end subroutine dry_cells

end module swe_newton
