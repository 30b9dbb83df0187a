! SPDX-License-Identifier: MIT
!> Preconditioned conjugate gradients for the five-point system.
!>
!>     p <- s + beta p,  q = A p,  alpha = (r.s)/(p.q)        s = M**-1 r
!>     z <- z + alpha p,  r <- r - alpha q
!>
!> Hestenes and Stiefel (1952). Without a preconditioner M is the diagonal, and an iteration
!> makes two passes over memory: one for z, p, q and p.q, one for r, r.s and max|r|. The
!> first pass updates row j + 1 of p before it applies the operator to row j, and moves z
!> along the old direction while it is at hand.
module swe_conjugate_gradients
  use swe_blocks, only: halo, lead
  use swe_exchange, only: exchange
  use swe_fields, only: allocate_field
  use swe_five_point, only: five_point_solver_t, five_point_t, solution_t
  use swe_kinds, only: wp
  use swe_preconditioner, only: preconditioner_t
  use swe_rows, only: is_large, largest_of_rows, rows_of_thread, sum_of_rows
  implicit none
  private
  public :: conjugate_gradients_t

  !> The solver and its work arrays, allocated at the first call.
  type, extends(five_point_solver_t) :: conjugate_gradients_t
    class(preconditioner_t), allocatable :: preconditioner !! M; if not there, the diagonal
    real(wp), allocatable, private :: r(:, :) !! residual [m3]
    real(wp), allocatable, private :: s(:, :) !! M**-1 r [m], or 1/diagonal [m-2]
    real(wp), allocatable, private :: p(:, :) !! search direction [m]
    real(wp), allocatable, private :: q(:, :) !! A p [m3]
    real(wp), allocatable, private :: products(:) !! scalar products row by row [m4] (ny)
    real(wp), allocatable, private :: largest(:)  !! residual/area row by row [m] (ny)
  contains
    procedure :: solve
  end type conjugate_gradients_t

contains

  !> Solve A z = b; see `solve_interface`. Values that are not finite end the iteration
  !> without convergence.
  subroutine solve(self, matrix, b, z, solution)
    class(conjugate_gradients_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix
    real(wp), intent(in), contiguous :: b(1 - lead:, 1 - halo:)
    real(wp), intent(inout), contiguous :: z(1 - lead:, 1 - halo:)
    type(solution_t), intent(out) :: solution

    real(wp) :: alpha, rho, rho_before

    call get_ready(self, matrix)
    call exchange(matrix%block, z)
    call first_residual(self, matrix, b, z)
    solution%residual = largest_of_rows(matrix%block, self%largest)
    rho = sum_of_rows(matrix%block, self%products, self%r, self%r, self%s)
    if (.not. abs(rho) <= huge(rho)) return
    alpha = 0.0_wp
    rho_before = huge(rho)
    do
      solution%has_converged = solution%residual <= self%tolerance
      if (solution%has_converged .or. solution%n_iterations >= self%max_iterations) exit
      rho = preconditioned(self, matrix)
      call turn(self, matrix, alpha, rho/rho_before, z)
      alpha = rho/sum_of_rows(matrix%block, self%products, self%p, self%q)
      if (.not. abs(alpha) <= huge(alpha)) return
      call reduce(self, matrix, alpha)
      solution%residual = largest_of_rows(matrix%block, self%largest)
      solution%n_iterations = solution%n_iterations + 1
      rho_before = rho
    end do
    call advance(self, matrix, alpha, z)
    call exchange(matrix%block, z)
  end subroutine solve

  !> Allocate, clear the directions, prepare M.
  subroutine get_ready(self, matrix)
    class(conjugate_gradients_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix

    integer :: j

    if (.not. allocated(self%r)) then
      call allocate_field(matrix%block, self%r)
      call allocate_field(matrix%block, self%s)
      call allocate_field(matrix%block, self%p)
      call allocate_field(matrix%block, self%q)
      allocate (self%products(matrix%block%ny), self%largest(matrix%block%ny))
    end if
    if (allocated(self%preconditioner)) then
      call self%preconditioner%prepare(matrix)
    else
      !$omp parallel do if (is_large(matrix%block))
      do j = 1, matrix%block%ny
        self%s(1:matrix%block%nx, j) = 1.0_wp/matrix%diagonal(1:matrix%block%nx, j)
      end do
      call exchange(matrix%block, self%s)
    end if
  end subroutine get_ready

  !> r = b - A z, its largest component, and r.s without a preconditioner, else r.r: NaN if
  !> anything is.
  subroutine first_residual(self, matrix, b, z)
    class(conjugate_gradients_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix
    real(wp), intent(in), contiguous :: b(1 - lead:, 1 - halo:)
    real(wp), intent(in), contiguous :: z(1 - lead:, 1 - halo:)

    integer :: j, nx

    nx = matrix%block%nx
    call matrix%residual(b, z, self%r)
    !$omp parallel do if (is_large(matrix%block))
    do j = 1, matrix%block%ny
      self%p(:, j) = 0.0_wp
      self%q(:, j) = 0.0_wp
      if (allocated(self%preconditioner)) then
        call reduce_row(nx, 0.0_wp, self%q(1:nx, j), self%r(1:nx, j), self%largest(j))
        self%products(j) = sum(self%r(1:nx, j)**2/matrix%area(j))
      else
        call reduce_diagonal_row(nx, 0.0_wp, self%q(1:nx, j), self%s(1:nx, j), &
          self%r(1:nx, j), self%largest(j), self%products(j))
      end if
      self%largest(j) = self%largest(j)/matrix%area(j)
    end do
    self%p(:, :0) = 0.0_wp
    self%p(:, matrix%block%ny + 1:) = 0.0_wp
  end subroutine first_residual

  !> r.s; with filled halos of what the next direction needs.
  function preconditioned(self, matrix) result(rho)
    class(conjugate_gradients_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix
    real(wp) :: rho !! [m4]

    if (allocated(self%preconditioner)) then
      call self%preconditioner%apply(matrix, self%r, self%s, self%products)
      call exchange(matrix%block, self%s)
      rho = sum_of_rows(matrix%block, self%products, self%r, self%s)
    else
      call exchange(matrix%block, self%r)
      rho = sum_of_rows(matrix%block, self%products, self%r, self%r, self%s)
    end if
  end function preconditioned

  !> z <- z + alpha p along the old direction, p <- s + beta p, q = A p, and p.q of each
  !> row. Each thread first turns the rows that its neighbours look at.
  subroutine turn(self, matrix, alpha, beta, z)
    class(conjugate_gradients_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix
    real(wp), intent(in) :: alpha !! of the old direction [1]
    real(wp), intent(in) :: beta  !! [1]
    real(wp), intent(inout), contiguous :: z(1 - lead:, 1 - halo:)

    integer :: first, j, last, nx, ny

    nx = matrix%block%nx
    ny = matrix%block%ny
    !$omp parallel if (is_large(matrix%block)) private(first, last, j)
    call rows_of_thread(ny, first, last)
    if (first == 1 .and. first <= last) call turn_row(0)
    if (last == ny .and. first <= last) call turn_row(ny + 1)
    if (first <= last) call turn_row(first)
    if (first < last) call turn_row(last)
    !$omp barrier
    do j = first, last
      if (j + 1 < last) call turn_row(j + 1)
      call operator_row(nx, matrix%diagonal(1:nx, j), matrix%east(0:nx, j), &
        matrix%north(1:nx, j), matrix%north(1:nx, j - 1), self%p(0:nx + 1, j), &
        self%p(1:nx, j + 1), self%p(1:nx, j - 1), self%q(1:nx, j), self%products(j))
    end do
    !$omp end parallel

  contains

    !> The cells of a row, and by themselves its two ends in the halo: so the long loop
    !> begins at a cache line.
    subroutine turn_row(j)
      integer, intent(in) :: j !! row, 0:ny+1

      call turn_part(1, nx, j)
      call turn_part(0, 0, j)
      call turn_part(nx + 1, nx + 1, j)
    end subroutine turn_row

    subroutine turn_part(first, last, j)
      integer, intent(in) :: first, last, j

      integer :: n

      n = last - first + 1
      if (allocated(self%preconditioner)) then
        call turn_plain_row(n, alpha, beta, self%s(first:last, j), z(first:last, j), &
          self%p(first:last, j))
      else
        call turn_diagonal_row(n, alpha, beta, self%r(first:last, j), &
          self%s(first:last, j), z(first:last, j), self%p(first:last, j))
      end if
    end subroutine turn_part

  end subroutine turn

  !> r <- r - alpha q, the largest |r|/area, and without a preconditioner r.s, row by row.
  subroutine reduce(self, matrix, alpha)
    class(conjugate_gradients_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix
    real(wp), intent(in) :: alpha !! [1]

    integer :: j, nx

    nx = matrix%block%nx
    !$omp parallel do if (is_large(matrix%block))
    do j = 1, matrix%block%ny
      if (allocated(self%preconditioner)) then
        call reduce_row(nx, alpha, self%q(1:nx, j), self%r(1:nx, j), self%largest(j))
      else
        call reduce_diagonal_row(nx, alpha, self%q(1:nx, j), self%s(1:nx, j), &
          self%r(1:nx, j), self%largest(j), self%products(j))
      end if
      self%largest(j) = self%largest(j)/matrix%area(j)
    end do
  end subroutine reduce

  !> z <- z + alpha p: the last direction, which no further pass takes along.
  subroutine advance(self, matrix, alpha, z)
    class(conjugate_gradients_t), intent(in) :: self
    type(five_point_t), intent(in) :: matrix
    real(wp), intent(in) :: alpha !! [1]
    real(wp), intent(inout), contiguous :: z(1 - lead:, 1 - halo:)

    integer :: i, j

    !$omp parallel do private(i) if (is_large(matrix%block))
    do j = 1, matrix%block%ny
      do i = 1, matrix%block%nx
        z(i, j) = z(i, j) + alpha*self%p(i, j)
      end do
    end do
  end subroutine advance

  !> z <- z + alpha p, p <- s + beta p.
  pure subroutine turn_plain_row(n, alpha, beta, s, z, p)
    integer, intent(in) :: n
    real(wp), intent(in) :: alpha, beta, s(n)
    real(wp), intent(inout) :: z(n), p(n)

    integer :: i

    do i = 1, n
      z(i) = z(i) + alpha*p(i)
      p(i) = s(i) + beta*p(i)
    end do
  end subroutine turn_plain_row

  !> z <- z + alpha p, p <- r/diagonal + beta p.
  pure subroutine turn_diagonal_row(n, alpha, beta, r, inverse, z, p)
    integer, intent(in) :: n
    real(wp), intent(in) :: alpha, beta, r(n), inverse(n)
    real(wp), intent(inout) :: z(n), p(n)

    integer :: i

    do i = 1, n
      z(i) = z(i) + alpha*p(i)
      p(i) = inverse(i)*r(i) + beta*p(i)
    end do
  end subroutine turn_diagonal_row

  !> q = A p of one row, and p.q.
  pure subroutine operator_row(n, diagonal, east, north, south, p, p_north, p_south, q, pq)
    integer, intent(in) :: n
    real(wp), intent(in) :: diagonal(n), east(0:n), north(n), south(n)
    real(wp), intent(in) :: p(0:n + 1), p_north(n), p_south(n)
    real(wp), intent(inout) :: q(n)
    real(wp), intent(out) :: pq

    integer :: i

    pq = 0.0_wp
    !$omp simd reduction(+: pq)
    do i = 1, n
      q(i) = diagonal(i)*p(i) - (east(i)*p(i + 1) + east(i - 1)*p(i - 1)) &
        - (north(i)*p_north(i) + south(i)*p_south(i))
      pq = pq + p(i)*q(i)
    end do
  end subroutine operator_row

  !> r <- r - alpha q, and the largest |r|.
  pure subroutine reduce_row(n, alpha, q, r, largest)
    integer, intent(in) :: n
    real(wp), intent(in) :: alpha, q(n)
    real(wp), intent(inout) :: r(n)
    real(wp), intent(out) :: largest

    integer :: i

    largest = 0.0_wp
    !$omp simd reduction(max: largest)
    do i = 1, n
      r(i) = r(i) - alpha*q(i)
      largest = max(largest, abs(r(i)))
    end do
  end subroutine reduce_row

  !> The same, and r.s for s = r/diagonal.
  pure subroutine reduce_diagonal_row(n, alpha, q, inverse, r, largest, rs)
    integer, intent(in) :: n
    real(wp), intent(in) :: alpha, q(n), inverse(n)
    real(wp), intent(inout) :: r(n)
    real(wp), intent(out) :: largest, rs

    integer :: i

    largest = 0.0_wp
    rs = 0.0_wp
    !$omp simd reduction(max: largest) reduction(+: rs)
    do i = 1, n
      r(i) = r(i) - alpha*q(i)
      largest = max(largest, abs(r(i)))
      rs = rs + r(i)*(r(i)*inverse(i))
    end do
  end subroutine reduce_diagonal_row

end module swe_conjugate_gradients
