! SPDX-License-Identifier: MIT
!> One Rosenbrock step of a block of cells, each with its own time and its own step.
module chemistry_step
  use chemistry_kernel, only: factorise, jacobian, lanes, solve, speeds, sums
  use chemistry_lanes, only: lanes_t
  use chemistry_mechanism, only: mechanism_t
  use chemistry_rates, only: photolyse
  use chemistry_tableaux, only: tableau_t
  use chemistry_tables, only: tables_t
  use kinds, only: wp
  implicit none
  private
  public :: begin_step, error_norm, finish_step, run_stages

contains

  !> At the step's start: tendency, its derivative in time, and the factors.
  subroutine begin_step(mechanism, tables, tableau, w)
    type(mechanism_t), intent(in) :: mechanism
    type(tables_t), intent(in) :: tables
    type(tableau_t), intent(in) :: tableau
    type(lanes_t), intent(inout) :: w

    if (.not. tables%is_autonomous) then
      call photolyse(mechanism, tables%photolytic, w%t, w%k, w%k_t, w%factor)
      call speeds(tables, w%k_t, w%y, w%v)
      call sums(tables%tendency, tables%n, tables%n_reactions, w%v, w%f_t)
    end if
    call speeds(tables, w%k, w%y, w%v)
    call sums(tables%tendency, tables%n, tables%n_reactions, w%v, w%f)
    call jacobian(tables, w%k, w%y, 1.0_wp/(w%h*tableau%gamma), w%partial, w%a)
    call factorise(tables, w%a)
  end subroutine begin_step

  !> The stages, after `begin_step`.
  subroutine run_stages(mechanism, tables, tableau, w)
    type(mechanism_t), intent(in) :: mechanism
    type(tables_t), intent(in) :: tables
    type(tableau_t), intent(in) :: tableau
    type(lanes_t), intent(inout) :: w

    integer :: i

    do i = 1, tableau%n_stages
      if (i > 1 .and. tableau%is_new(i)) then
        call combine(tables%n, i - 1, tableau%a(i, :), w%y, w%stage_k, w%stage_y(:, :, i))
        if (.not. tables%is_autonomous) call photolyse(mechanism, tables%photolytic, &
          w%t + tableau%alpha(i)*w%h, w%k, factor=w%factor)
        call speeds(tables, w%k, w%stage_y(:, :, i), w%v)
        call sums(tables%tendency, tables%n, tables%n_reactions, w%v, w%f)
      end if
      call add_stages(tables, tableau, i, w)
      call solve(tables, w%a, w%stage_k(:, :, i))
    end do
  end subroutine run_stages

  !> Right-hand side of stage i: f + sum_j c_ij K_j/h + h gamma_i f_t.
  subroutine add_stages(tables, tableau, i, w)
    type(tables_t), intent(in) :: tables
    type(tableau_t), intent(in) :: tableau
    integer, intent(in) :: i            !! stage
    type(lanes_t), intent(inout) :: w

    real(wp) :: inverse(lanes)

    inverse = 1.0_wp/w%h
    call stage_sum(tables%n, i - 1, tableau%c(i, :), inverse, w%f, w%stage_k, &
      w%stage_k(:, :, i))
    if (tables%is_autonomous .or. tableau%gamma_i(i) == 0.0_wp) return
    call add_scaled(tables%n, tableau%gamma_i(i)*w%h, w%f_t, w%stage_k(:, :, i))
  end subroutine add_stages

  !> New state and estimated error.
  subroutine finish_step(tables, tableau, w)
    type(tables_t), intent(in) :: tables
    type(tableau_t), intent(in) :: tableau
    type(lanes_t), intent(inout) :: w

    call combine(tables%n, tableau%n_stages, tableau%m, w%y, w%stage_k, w%y_new)
    call combine_error(tables%n, tableau%n_stages, tableau%e, w%stage_k, w%error)
  end subroutine finish_step

  !> y + sum_j c_j K_j.
  pure subroutine combine(n, n_terms, c, y, k, total)
    integer, intent(in) :: n                  !! species
    integer, intent(in) :: n_terms
    real(wp), intent(in) :: c(:)
    real(wp), intent(in) :: y(lanes, n + 1)
    real(wp), intent(in) :: k(lanes, n + 1, n_terms)
    real(wp), intent(inout) :: total(lanes, n + 1) !! slot n + 1 stays

    real(wp) :: s(lanes)
    integer :: i, j, l

    do i = 1, n
      s = y(:, i)
      do j = 1, n_terms
        !$omp simd
        do l = 1, lanes
          s(l) = s(l) + c(j)*k(l, i, j)
        end do
      end do
      total(:, i) = s
    end do
  end subroutine combine

  !> sum_j c_j K_j.
  pure subroutine combine_error(n, n_terms, c, k, total)
    integer, intent(in) :: n
    integer, intent(in) :: n_terms
    real(wp), intent(in) :: c(:)
    real(wp), intent(in) :: k(lanes, n + 1, n_terms)
    real(wp), intent(inout) :: total(lanes, n + 1)

    real(wp) :: s(lanes)
    integer :: i, j, l

    do i = 1, n
      s = 0.0_wp
      do j = 1, n_terms
        !$omp simd
        do l = 1, lanes
          s(l) = s(l) + c(j)*k(l, i, j)
        end do
      end do
      total(:, i) = s
    end do
  end subroutine combine_error

  !> f + sum_j c_j K_j/h.
  pure subroutine stage_sum(n, n_terms, c, inverse, f, k, total)
    integer, intent(in) :: n
    integer, intent(in) :: n_terms
    real(wp), intent(in) :: c(:)
    real(wp), intent(in) :: inverse(lanes) !! 1/h
    real(wp), intent(in) :: f(lanes, n + 1)
    real(wp), intent(in) :: k(lanes, n + 1, n_terms)
    real(wp), intent(inout) :: total(lanes, n + 1)

    real(wp) :: s(lanes)
    integer :: i, j, l

    do i = 1, n
      s = 0.0_wp
      do j = 1, n_terms
        !$omp simd
        do l = 1, lanes
          s(l) = s(l) + c(j)*k(l, i, j)
        end do
      end do
      total(:, i) = f(:, i) + inverse*s
    end do
  end subroutine stage_sum

  !> y = y + c x, c of the lane.
  pure subroutine add_scaled(n, c, x, y)
    integer, intent(in) :: n
    real(wp), intent(in) :: c(lanes)
    real(wp), intent(in) :: x(lanes, n + 1)
    real(wp), intent(inout) :: y(lanes, n + 1)

    integer :: i, l

    do i = 1, n
      !$omp simd
      do l = 1, lanes
        y(l, i) = y(l, i) + c(l)*x(l, i)
      end do
    end do
  end subroutine add_scaled

  !> Mean square of the error over what the tolerances allow; one is the limit.
  pure function error_norm(n, y, y_new, error, atol, rtol) result(norm)
    integer, intent(in) :: n
    real(wp), intent(in) :: y(lanes, n + 1), y_new(lanes, n + 1), error(lanes, n + 1)
    real(wp), intent(in) :: atol(n) !! absolute tolerance (slot)
    real(wp), intent(in) :: rtol    !! relative tolerance
    real(wp) :: norm(lanes)

    integer :: i, l

    norm = 0.0_wp
    do i = 1, n
      !$omp simd
      do l = 1, lanes
        norm(l) = norm(l) + (error(l, i) &
          /(atol(i) + rtol*max(abs(y(l, i)), abs(y_new(l, i)))))**2
      end do
    end do
    norm = norm/n
  end function error_norm

end module chemistry_step
