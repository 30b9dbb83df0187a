! SPDX-License-Identifier: MIT
!> Chebyshev's semi-iteration for the system of the black cells: what conjugate gradients
!> do, without scalar products, in one pass over memory.
!>
!>     d <- (w - 1) d + w/centre r/diagonal,   z <- z + d,   r <- r - S d
!>     w = 1, then 1/(1 - ratio**2/2), then 1/(1 - ratio**2 w/4)
!>
!> It needs an interval that holds the eigenvalues of S over its diagonal. The five-point
!> matrix is dominated by its diagonal, so Gershgorin's circles give one that costs nothing:
!> with rho = 1 - area/diagonal where that is largest it is [1 - rho**2, 1]. Where the depth
!> varies little the eigenvalues fill it, and the count of iterations is near that of
!> conjugate gradients. L. A. Hageman and D. M. Young (1981): Applied Iterative Methods,
!> ch. 4 and 5; Y. Saad (2003): Iterative Methods for Sparse Linear Systems, 12.3.2.
module swe_semi_iteration
  use swe_blocks, only: halo, lead
  use swe_exchange, only: exchange
  use swe_five_point, only: solution_t
  use swe_kinds, only: wp
  use swe_red_black, only: red_black_t
  use swe_red_black_rows, only: advance_row, advance_rows
  use swe_rows, only: is_large, largest_of_rows, rows_of_thread
  implicit none
  private
  public :: semi_iterate

contains

  !> Iterate from a residual, until it is below the tolerance. The halo of z is filled, and
  !> is again at the end.
  subroutine semi_iterate(packed, area, stiffness, tolerance, max_iterations, z, r, d, &
    largest, solution)
    type(red_black_t), intent(in) :: packed
    real(wp), intent(in) :: area(1 - halo:) !! of the cells in a row [m2]
    real(wp), intent(in) :: stiffness       !! largest diagonal/area - 1 [1]
    real(wp), intent(in) :: tolerance       !! largest residual/area accepted [m]
    integer, intent(in) :: max_iterations
    real(wp), intent(inout), contiguous :: z(1 - lead:, 1 - halo:) !! [m]
    real(wp), intent(inout), contiguous :: r(1 - lead:, 1 - halo:) !! residual [m3]
    real(wp), intent(inout), contiguous :: d(1 - lead:, 1 - halo:) !! work space [m]
    real(wp), intent(inout) :: largest(:)   !! residual/area row by row [m] (ny)
    type(solution_t), intent(inout) :: solution !! its residual is that of z

    real(wp) :: centre, ratio, rho, weight

    rho = stiffness/(1.0_wp + stiffness)
    centre = 1.0_wp - 0.5_wp*rho**2
    ratio = 0.5_wp*rho**2/centre
    weight = 1.0_wp
    do
      solution%has_converged = solution%residual <= tolerance
      if (solution%has_converged .or. solution%n_iterations >= max_iterations) exit
      call exchange(packed%half, r)
      call advance(packed, weight - 1.0_wp, weight/centre, area, z, r, d, largest)
      solution%residual = largest_of_rows(packed%block, largest)
      solution%n_iterations = solution%n_iterations + 1
      weight = 1.0_wp/(1.0_wp - merge(0.5_wp, 0.25_wp*weight, solution%n_iterations == 1) &
        *ratio**2)
    end do
  end subroutine semi_iterate

  !> One iteration. Each thread first advances the rows that its neighbours look at.
  subroutine advance(a, keep, add, area, z, r, d, largest)
    type(red_black_t), intent(in) :: a
    real(wp), intent(in) :: keep            !! part of the last change that goes on [1]
    real(wp), intent(in) :: add             !! of r/diagonal [1]
    real(wp), intent(in) :: area(1 - halo:) !! of the cells in a row [m2]
    real(wp), intent(inout), contiguous, dimension(1 - lead:, 1 - halo:) :: z, r, d
    real(wp), intent(inout) :: largest(:)   !! set: |r|/area of each row [m]

    integer :: first, j, last, ny

    ny = a%half%ny
    !$omp parallel if (is_large(a%block)) private(first, j, last)
    call rows_of_thread(ny, first, last)
    do j = first, last
      if (j < first + 2 .or. j > last - 2) call advance_one(j)
      if (j == 1) then
        call advance_one(-1)
        call advance_one(0)
      end if
      if (j == ny) then
        call advance_one(ny + 1)
        call advance_one(ny + 2)
      end if
    end do
    !$omp barrier
    if (first <= last) call advance_rows(a%half%nx, ny, first, last, a%half%j_offset, &
      keep, add, area, a%inverse, a%diagonal, a%red, a%near, a%far, a%south, a%north, z, &
      r, d, largest)
    !$omp end parallel

  contains

    subroutine advance_one(j)
      integer, intent(in) :: j !! row

      call advance_row(size(d, 1), keep, add, a%inverse(:, j), r(:, j), z(:, j), d(:, j))
    end subroutine advance_one

  end subroutine advance

end module swe_semi_iteration
