! SPDX-License-Identifier: MIT
!> The arithmetic of a mechanism for a handful of cells at once.
!>
!> Each array has the lanes first: `lanes` cells go through the same instructions, each with
!> its own numbers, so the innermost loop is of fixed length and becomes one or two vector
!> instructions. A sum is gathered in `s`, which lives in a register; the indices are read
!> once for all lanes. No cell's number ever meets another's.
module chemistry_kernel
  use chemistry_tables, only: sum_list_t, tables_t
  use kinds, only: wp
  use vector_width, only: register_lanes
  implicit none
  private
  public :: add_reactants_ad, factorise, jacobian, solve, solve_transposed, &
    speed_curvature, speed_tl, speeds, sums

  integer, parameter, public :: lanes = register_lanes
    !! cells in a block: two vector registers of doubles

contains

  !> Speeds of the reactions; slot n + 1 of y holds one.
  pure subroutine speeds(tables, k, y, v)
    type(tables_t), intent(in) :: tables
    real(wp), intent(in) :: k(lanes, tables%n_reactions)  !! rate constants
    real(wp), intent(in) :: y(lanes, tables%n + 1)        !! concentrations
    real(wp), intent(out) :: v(lanes, tables%n_reactions) !! speeds

    integer :: a, b, c, l, r

    if (tables%order <= 2) then
      do r = 1, tables%n_reactions
        a = tables%reactant(1, r)
        b = tables%reactant(2, r)
        !$omp simd
        do l = 1, lanes
          v(l, r) = k(l, r)*y(l, a)*y(l, b)
        end do
      end do
    else
      do r = 1, tables%n_reactions
        a = tables%reactant(1, r)
        b = tables%reactant(2, r)
        c = tables%reactant(3, r)
        !$omp simd
        do l = 1, lanes
          v(l, r) = k(l, r)*y(l, a)*y(l, b)*y(l, c)
        end do
      end do
    end if
  end subroutine speeds

  !> Change of the speeds by a change of y; slot n + 1 of y_tl holds zero.
  pure subroutine speed_tl(tables, k, y, y_tl, v_tl)
    type(tables_t), intent(in) :: tables
    real(wp), intent(in) :: k(lanes, tables%n_reactions)
    real(wp), intent(in) :: y(lanes, tables%n + 1)
    real(wp), intent(in) :: y_tl(lanes, tables%n + 1)
    real(wp), intent(out) :: v_tl(lanes, tables%n_reactions)

    integer :: a, b, c, r

    do r = 1, tables%n_reactions
      a = tables%reactant(1, r)
      b = tables%reactant(2, r)
      c = tables%reactant(3, r)
      v_tl(:, r) = k(:, r)*((y_tl(:, a)*y(:, b) + y(:, a)*y_tl(:, b))*y(:, c) &
        + y(:, a)*y(:, b)*y_tl(:, c))
    end do
  end subroutine speed_tl

  !> Second derivative of the speeds in the directions p and q.
  pure subroutine speed_curvature(tables, k, y, p, q, v)
    type(tables_t), intent(in) :: tables
    real(wp), intent(in) :: k(lanes, tables%n_reactions)
    real(wp), intent(in) :: y(lanes, tables%n + 1)
    real(wp), intent(in) :: p(lanes, tables%n + 1), q(lanes, tables%n + 1)
    real(wp), intent(out) :: v(lanes, tables%n_reactions)

    integer :: a, b, c, r

    do r = 1, tables%n_reactions
      a = tables%reactant(1, r)
      b = tables%reactant(2, r)
      c = tables%reactant(3, r)
      v(:, r) = k(:, r)*((p(:, a)*q(:, b) + q(:, a)*p(:, b))*y(:, c) &
        + (p(:, a)*q(:, c) + q(:, a)*p(:, c))*y(:, b) &
        + (p(:, b)*q(:, c) + q(:, b)*p(:, c))*y(:, a))
    end do
  end subroutine speed_curvature

  !> Transpose of `speed_tl`, or, with a direction p, of `speed_curvature` in q: added.
  pure subroutine add_reactants_ad(tables, k, y, v_ad, y_ad, p)
    type(tables_t), intent(in) :: tables
    real(wp), intent(in) :: k(lanes, tables%n_reactions)
    real(wp), intent(in) :: y(lanes, tables%n + 1)
    real(wp), intent(in) :: v_ad(lanes, tables%n_reactions)  !! sensitivity to speeds
    real(wp), intent(inout) :: y_ad(lanes, tables%n + 1)     !! slot n + 1 is rubbish
    real(wp), intent(in), optional :: p(lanes, tables%n + 1)

    real(wp) :: w(lanes)
    integer :: a, b, c, r

    do r = 1, tables%n_reactions
      a = tables%reactant(1, r)
      b = tables%reactant(2, r)
      c = tables%reactant(3, r)
      w = k(:, r)*v_ad(:, r)
      if (present(p)) then
        y_ad(:, a) = y_ad(:, a) + w*(p(:, b)*y(:, c) + p(:, c)*y(:, b))
        y_ad(:, b) = y_ad(:, b) + w*(p(:, a)*y(:, c) + p(:, c)*y(:, a))
        y_ad(:, c) = y_ad(:, c) + w*(p(:, a)*y(:, b) + p(:, b)*y(:, a))
      else
        y_ad(:, a) = y_ad(:, a) + w*y(:, b)*y(:, c)
        y_ad(:, b) = y_ad(:, b) + w*y(:, a)*y(:, c)
        y_ad(:, c) = y_ad(:, c) + w*y(:, a)*y(:, b)
      end if
    end do
  end subroutine add_reactants_ad

  !> Weighted sums of a list.
  pure subroutine sums(list, n, n_sources, source, target)
    type(sum_list_t), intent(in) :: list
    integer, intent(in) :: n                        !! sums
    integer, intent(in) :: n_sources                !! what they are made of
    real(wp), intent(in) :: source(lanes, n_sources)
    real(wp), intent(out) :: target(lanes, n)

    real(wp) :: s(lanes)
    integer :: i, j, l, p

    do i = 1, n
      s = 0.0_wp
      do p = list%start(i), list%start(i + 1) - 1
        j = list%index(p)
        !$omp simd
        do l = 1, lanes
          s(l) = s(l) + list%weight(p)*source(l, j)
        end do
      end do
      target(:, i) = s
    end do
  end subroutine sums

  !> shift I - J in the pattern of the factors.
  pure subroutine jacobian(tables, k, y, shift, partial, a)
    type(tables_t), intent(in) :: tables
    real(wp), intent(in) :: k(lanes, tables%n_reactions)
    real(wp), intent(in) :: y(lanes, tables%n + 1)
    real(wp), intent(in) :: shift(lanes)                       !! 1/(h gamma)
    real(wp), intent(inout) :: partial(lanes, tables%n_partials) !! work
    real(wp), intent(inout) :: a(lanes, tables%n_entries)      !! set

    integer :: b, c, i, l, p, r

    do p = 1, tables%n_partials
      r = tables%partial(1, p)
      b = tables%partial(2, p)
      c = tables%partial(3, p)
      !$omp simd
      do l = 1, lanes
        partial(l, p) = k(l, r)*y(l, b)*y(l, c)
      end do
    end do
    call sums(tables%jacobian, tables%n_entries, tables%n_partials, partial, a)
    do i = 1, tables%n
      a(:, tables%diagonal(i)) = a(:, tables%diagonal(i)) + shift
    end do
  end subroutine jacobian

  !> LU factors in place; the diagonal is replaced by its reciprocal.
  pure subroutine factorise(tables, a)
    type(tables_t), intent(in) :: tables
    real(wp), intent(inout) :: a(lanes, tables%n_entries)

    real(wp) :: s(lanes)
    integer :: e, i, j, k, l, p

    do i = 1, tables%n
      do e = tables%row(i), tables%row(i + 1) - 1
        s = a(:, e)
        do p = tables%product_start(e), tables%product_start(e + 1) - 1
          j = tables%product(1, p)
          k = tables%product(2, p)
          !$omp simd
          do l = 1, lanes
            s(l) = s(l) - a(l, j)*a(l, k)
          end do
        end do
        if (e < tables%diagonal(i)) then
          s = s*a(:, tables%diagonal(tables%column(e)))
        else if (e == tables%diagonal(i)) then
          s = 1.0_wp/s
        end if
        a(:, e) = s
      end do
    end do
  end subroutine factorise

  !> Solve A x = b, in place.
  pure subroutine solve(tables, a, x)
    type(tables_t), intent(in) :: tables
    real(wp), intent(in) :: a(lanes, tables%n_entries) !! factors
    real(wp), intent(inout) :: x(lanes, tables%n + 1)  !! b, then x; slot n + 1 stays

    real(wp) :: s(lanes)
    integer :: e, i, j, l

    do i = 2, tables%n
      s = x(:, i)
      do e = tables%row(i), tables%diagonal(i) - 1
        j = tables%column(e)
        !$omp simd
        do l = 1, lanes
          s(l) = s(l) - a(l, e)*x(l, j)
        end do
      end do
      x(:, i) = s
    end do
    do i = tables%n, 1, -1
      s = x(:, i)
      do e = tables%diagonal(i) + 1, tables%row(i + 1) - 1
        j = tables%column(e)
        !$omp simd
        do l = 1, lanes
          s(l) = s(l) - a(l, e)*x(l, j)
        end do
      end do
      x(:, i) = s*a(:, tables%diagonal(i))
    end do
  end subroutine solve

  !> Solve A^T x = b with the factors of A, in place.
  pure subroutine solve_transposed(tables, a, x)
    type(tables_t), intent(in) :: tables
    real(wp), intent(in) :: a(lanes, tables%n_entries) !! factors
    real(wp), intent(inout) :: x(lanes, tables%n + 1)  !! b, then x; slot n + 1 stays

    real(wp) :: s(lanes)
    integer :: i, j, p

    do j = 1, tables%n
      s = x(:, j)
      do p = tables%column_start(j), tables%column_start(j + 1) - 1
        i = tables%column_row(p)
        if (i < j) s = s - a(:, tables%column_entry(p))*x(:, i)
      end do
      x(:, j) = s*a(:, tables%diagonal(j))
    end do
    do j = tables%n - 1, 1, -1
      s = x(:, j)
      do p = tables%column_start(j), tables%column_start(j + 1) - 1
        i = tables%column_row(p)
        if (i > j) s = s - a(:, tables%column_entry(p))*x(:, i)
      end do
      x(:, j) = s
    end do
  end subroutine solve_transposed

end module chemistry_kernel
