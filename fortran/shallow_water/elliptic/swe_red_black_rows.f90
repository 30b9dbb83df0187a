! SPDX-License-Identifier: MIT
!> Loops over rows of packed red-black fields: each procedure makes one pass over memory.
!>
!> Rows are short in small basins, where what a row costs beside its loops shows: so a whole
!> pass is one procedure with explicit shapes. Of the red cells only three rows exist at a
!> time.
!> `step` is 1 or -1 from row to row, see swe_red_black.
module swe_red_black_rows
  use swe_blocks, only: east_end, halo, lead
  use swe_kinds, only: wp
  implicit none
  private
  public :: advance_row, advance_rows, ascend_rows, descend_rows, reduce_rows, &
    residual_rows, turn_row, turn_rows

contains

  !> z <- z + alpha p, p <- s + beta p in one row, where s is r*inverse, or r as it is. Both
  !> factors are zero before the first direction: then p, of an earlier system, is not read.
  pure subroutine turn_row(n, is_plain, alpha, beta, r, inverse, z, p)
    integer, intent(in) :: n
    logical, intent(in) :: is_plain
    real(wp), intent(in) :: alpha, beta, r(n), inverse(n)
    real(wp), intent(inout) :: z(n), p(n)

    integer :: i

    if (alpha == 0.0_wp .and. beta == 0.0_wp) then
      if (is_plain) then
        p = r
      else
        p = inverse*r
      end if
    else if (is_plain) then
      do i = 1, n
        z(i) = z(i) + alpha*p(i)
        p(i) = r(i) + beta*p(i)
      end do
    else
      do i = 1, n
        z(i) = z(i) + alpha*p(i)
        p(i) = inverse(i)*r(i) + beta*p(i)
      end do
    end if
  end subroutine turn_row

  !> Turn p, row k + 1 just before the red cells of row k need it, but not the two first and
  !> last rows, which are turned; q = S p and p.q of rows first:last.
  pure subroutine turn_rows(n, ny, first, last, parity, is_plain, alpha, beta, r, inverse, &
    diagonal, red_inverse, near, far, south, north, z, p, q, pq)
    integer, intent(in) :: n, ny       !! packed extents
    integer, intent(in) :: first, last !! rows
    integer, intent(in) :: parity      !! added to j: step is 1 where the sum is even
    logical, intent(in) :: is_plain
    real(wp), intent(in) :: alpha, beta
    real(wp), dimension(1 - lead:east_end(n), 1 - halo:ny + halo), intent(in) :: r, &
      inverse, diagonal, red_inverse, near, far, south, north
    real(wp), dimension(1 - lead:east_end(n), 1 - halo:ny + halo), intent(inout) :: z, p, q
    real(wp), intent(inout) :: pq(ny)

    real(wp) :: red(0:n + 1, 0:2), total
    integer :: i, j, k, l, here, above, below

    do k = first - 1, last + 1
      j = k + 1
      if (j >= first + 2 .and. j <= last - 2) call turn_row(lead + east_end(n), &
        is_plain, alpha, beta, r(:, j), inverse(:, j), z(:, j), p(:, j))
      l = 1 - 2*modulo(k + parity, 2)
      here = modulo(k, 3)
      do i = 0, n + 1
        red(i, here) = red_inverse(i, k)*((near(i, k)*p(i, k) + far(i + l, k)*p(i + l, k)) &
          + (south(i, k + 1)*p(i, k + 1) + north(i, k - 1)*p(i, k - 1)))
      end do
      j = k - 1
      if (j < first) cycle
      above = here
      here = modulo(j, 3)
      below = modulo(j - 1, 3)
      total = 0.0_wp
      !$omp simd reduction(+: total)
      do i = 1, n
        q(i, j) = diagonal(i, j)*p(i, j) - ((near(i, j)*red(i, here) &
          + far(i, j)*red(i + l, here)) + (north(i, j)*red(i, above) &
          + south(i, j)*red(i, below)))
        total = total + p(i, j)*q(i, j)
      end do
      pq(j) = total
    end do
  end subroutine turn_rows

  !> r <- r - S z with the red cells of z from their own right-hand side: the residual, from
  !> b of the black cells in r; the largest |r|/area and r.(r*inverse) of rows first:last.
  pure subroutine residual_rows(n, ny, first, last, parity, area, inverse, diagonal, &
    red_inverse, near, far, south, north, b_red, z, r, largest, rs)
    integer, intent(in) :: n, ny, first, last, parity
    real(wp), intent(in) :: area(1 - halo:ny + halo)
    real(wp), dimension(1 - lead:east_end(n), 1 - halo:ny + halo), intent(in) :: inverse, &
      diagonal, red_inverse, near, far, south, north, b_red, z
    real(wp), dimension(1 - lead:east_end(n), 1 - halo:ny + halo), intent(inout) :: r
    real(wp), intent(inout) :: largest(ny), rs(ny)

    real(wp) :: most, red(0:n + 1, 0:2), total
    integer :: i, j, k, l, here, above, below

    do k = first - 1, last + 1
      l = 1 - 2*modulo(k + parity, 2)
      here = modulo(k, 3)
      do i = 0, n + 1
        red(i, here) = red_inverse(i, k)*(b_red(i, k) + ((near(i, k)*z(i, k) &
          + far(i + l, k)*z(i + l, k)) + (south(i, k + 1)*z(i, k + 1) &
          + north(i, k - 1)*z(i, k - 1))))
      end do
      j = k - 1
      if (j < first) cycle
      above = here
      here = modulo(j, 3)
      below = modulo(j - 1, 3)
      most = 0.0_wp
      total = 0.0_wp
      !$omp simd reduction(max: most) reduction(+: total)
      do i = 1, n
        r(i, j) = r(i, j) - (diagonal(i, j)*z(i, j) - ((near(i, j)*red(i, here) &
          + far(i, j)*red(i + l, here)) + (north(i, j)*red(i, above) &
          + south(i, j)*red(i, below))))
        most = max(most, abs(r(i, j)))
        total = total + r(i, j)*(r(i, j)*inverse(i, j))
      end do
      largest(j) = most/area(j)
      rs(j) = total
    end do
  end subroutine residual_rows

  !> d <- keep d + add r/diagonal, z <- z + d in one row. The first time nothing is kept:
  !> then d, of an earlier system, is not read.
  pure subroutine advance_row(n, keep, add, inverse, r, z, d)
    integer, intent(in) :: n
    real(wp), intent(in) :: keep, add, inverse(n), r(n)
    real(wp), intent(inout) :: z(n), d(n)

    integer :: i

    if (keep == 0.0_wp) then
      do i = 1, n
        d(i) = add*inverse(i)*r(i)
        z(i) = z(i) + d(i)
      end do
    else
      do i = 1, n
        d(i) = keep*d(i) + add*inverse(i)*r(i)
        z(i) = z(i) + d(i)
      end do
    end if
  end subroutine advance_row

  !> An iteration of Chebyshev's in rows first:last: d and z of row k + 1 just before the
  !> red cells of row k need them, but not in the two first and last rows, where it is done;
  !> r <- r - S d, and the largest |r|/area.
  pure subroutine advance_rows(n, ny, first, last, parity, keep, add, area, inverse, &
    diagonal, red_inverse, near, far, south, north, z, r, d, largest)
    integer, intent(in) :: n, ny       !! packed extents
    integer, intent(in) :: first, last !! rows
    integer, intent(in) :: parity      !! added to j: step is 1 where the sum is even
    real(wp), intent(in) :: keep, add
    real(wp), intent(in) :: area(1 - halo:ny + halo)
    real(wp), dimension(1 - lead:east_end(n), 1 - halo:ny + halo), intent(in) :: inverse, &
      diagonal, red_inverse, near, far, south, north
    real(wp), dimension(1 - lead:east_end(n), 1 - halo:ny + halo), intent(inout) :: z, r, d
    real(wp), intent(inout) :: largest(ny)

    real(wp) :: most, red(0:n + 1, 0:2)
    integer :: i, j, k, l, here, above, below

    do k = first - 1, last + 1
      j = k + 1
      if (j >= first + 2 .and. j <= last - 2) call advance_row(lead + east_end(n), &
        keep, add, inverse(:, j), r(:, j), z(:, j), d(:, j))
      l = 1 - 2*modulo(k + parity, 2)
      here = modulo(k, 3)
      do i = 0, n + 1
        red(i, here) = red_inverse(i, k)*((near(i, k)*d(i, k) + far(i + l, k)*d(i + l, k)) &
          + (south(i, k + 1)*d(i, k + 1) + north(i, k - 1)*d(i, k - 1)))
      end do
      j = k - 1
      if (j < first) cycle
      above = here
      here = modulo(j, 3)
      below = modulo(j - 1, 3)
      most = 0.0_wp
      !$omp simd reduction(max: most)
      do i = 1, n
        r(i, j) = r(i, j) - (diagonal(i, j)*d(i, j) - ((near(i, j)*red(i, here) &
          + far(i, j)*red(i + l, here)) + (north(i, j)*red(i, above) &
          + south(i, j)*red(i, below))))
        most = max(most, abs(r(i, j)))
      end do
      largest(j) = most/area(j)
    end do
  end subroutine advance_rows

  !> r <- r - alpha q, the largest |r|/area and r.(r*inverse) of rows first:last.
  pure subroutine reduce_rows(n, ny, first, last, alpha, area, q, inverse, r, largest, rs)
    integer, intent(in) :: n, ny, first, last
    real(wp), intent(in) :: alpha
    real(wp), intent(in) :: area(1 - halo:ny + halo)
    real(wp), dimension(1 - lead:east_end(n), 1 - halo:ny + halo), intent(in) :: q, inverse
    real(wp), dimension(1 - lead:east_end(n), 1 - halo:ny + halo), intent(inout) :: r
    real(wp), intent(inout) :: largest(ny), rs(ny)

    real(wp) :: most, total
    integer :: i, j

    do j = first, last
      most = 0.0_wp
      total = 0.0_wp
      !$omp simd reduction(max: most) reduction(+: total)
      do i = 1, n
        r(i, j) = r(i, j) - alpha*q(i, j)
        most = max(most, abs(r(i, j)))
        total = total + r(i, j)*(r(i, j)*inverse(i, j))
      end do
      largest(j) = most/area(j)
      rs(j) = total
    end do
  end subroutine reduce_rows

  !> Relax black, then red cells from zero; the residual of the black cells, summed to the
  !> coarse cells of rows first:last, of which the first is odd.
  pure subroutine descend_rows(n, ny, n_coarse, first, last, parity, r, inverse, &
    red_inverse, near, far, south, north, coarse_r)
    integer, intent(in) :: n, ny, n_coarse, first, last, parity
    real(wp), dimension(1 - lead:east_end(n), 1 - halo:ny + halo), intent(in) :: r, &
      inverse, red_inverse, near, far, south, north
    real(wp), intent(inout) :: coarse_r(1 - lead:east_end(n), 1 - halo:n_coarse + halo)

    real(wp) :: black(1 - lead:east_end(n), 0:2), red(0:n + 1, 0:2)
    integer :: i, j, k, l, here, above, below

    do k = first - 2, last + 2
      above = modulo(k, 3)
      do i = 1 - halo, n + halo
        black(i, above) = inverse(i, k)*r(i, k)
      end do
      j = k - 1
      if (j < first - 1) cycle
      here = modulo(j, 3)
      below = modulo(j - 1, 3)
      l = 1 - 2*modulo(j + parity, 2)
      do i = 0, n + 1
        red(i, here) = red_inverse(i, j)*((near(i, j)*black(i, here) &
          + far(i + l, j)*black(i + l, here)) + (south(i, j + 1)*black(i, above) &
          + north(i, j - 1)*black(i, below)))
      end do
      j = k - 2
      if (j < first) cycle
      above = here
      here = below
      below = modulo(j - 1, 3)
      if (modulo(j, 2) == 1) then
        do i = 1, n
          coarse_r(i, (j + 1)/2) = (near(i, j)*red(i, here) + far(i, j)*red(i + l, here)) &
            + (north(i, j)*red(i, above) + south(i, j)*red(i, below))
        end do
      else
        do i = 1, n
          coarse_r(i, j/2) = coarse_r(i, j/2) + ((near(i, j)*red(i, here) &
            + far(i, j)*red(i + l, here)) + (north(i, j)*red(i, above) &
            + south(i, j)*red(i, below)))
        end do
      end if
    end do
  end subroutine descend_rows

  !> The same with the coarse correction z added to the black cells, then red and black
  !> cells relaxed: s, and r.s of rows first:last.
  pure subroutine ascend_rows(n, ny, n_coarse, first, last, parity, r, inverse, &
    red_inverse, near, far, south, north, coarse_z, s, rs)
    integer, intent(in) :: n, ny, n_coarse, first, last, parity
    real(wp), dimension(1 - lead:east_end(n), 1 - halo:ny + halo), intent(in) :: r, &
      inverse, red_inverse, near, far, south, north
    real(wp), intent(in) :: coarse_z(1 - lead:east_end(n), 1 - halo:n_coarse + halo)
    real(wp), intent(inout) :: s(1 - lead:east_end(n), 1 - halo:ny + halo)
    real(wp), intent(inout) :: rs(ny)

    real(wp) :: black(1 - lead:east_end(n), 0:2), red(0:n + 1, 0:2), total
    integer :: i, j, k, l, here, above, below

    do k = first - 2, last + 2
      above = modulo(k, 3)
      do i = 1 - halo, n + halo
        black(i, above) = inverse(i, k)*r(i, k) + coarse_z(i, (k + 1)/2)
      end do
      j = k - 1
      if (j < first - 1) cycle
      here = modulo(j, 3)
      below = modulo(j - 1, 3)
      l = 1 - 2*modulo(j + parity, 2)
      do i = 0, n + 1
        red(i, here) = red_inverse(i, j)*((near(i, j)*black(i, here) &
          + far(i + l, j)*black(i + l, here)) + (south(i, j + 1)*black(i, above) &
          + north(i, j - 1)*black(i, below)))
      end do
      j = k - 2
      if (j < first) cycle
      above = here
      here = below
      below = modulo(j - 1, 3)
      total = 0.0_wp
      !$omp simd reduction(+: total)
      do i = 1, n
        s(i, j) = inverse(i, j)*(r(i, j) + ((near(i, j)*red(i, here) &
          + far(i, j)*red(i + l, here)) + (north(i, j)*red(i, above) &
          + south(i, j)*red(i, below))))
        total = total + r(i, j)*s(i, j)
      end do
      rs(j) = total
    end do
  end subroutine ascend_rows

end module swe_red_black_rows
