! SPDX-License-Identifier: MIT
!> Conjugate gradients for the five-point system, preconditioned by its diagonal.
!>
!> Hestenes and Stiefel (1952). Each iteration makes two passes over memory: one for the
!> operator and its first scalar product, one for the updates and the second.
module swe_conjugate_gradients
  use swe_blocks, only: halo
  use swe_exchange, only: exchange, global_maximum, global_sum
  use swe_five_point, only: five_point_solver_t, five_point_t, solution_t
  use swe_kinds, only: wp
  implicit none
  private
  public :: conjugate_gradients_t

  !> The solver and its work arrays, allocated at the first call.
  type, extends(five_point_solver_t) :: conjugate_gradients_t
    real(wp), allocatable :: r(:, :) !! residual [m3]
    real(wp), allocatable :: p(:, :) !! search direction [m]
    real(wp), allocatable :: q(:, :) !! A p [m3]
  contains
    procedure :: solve
  end type conjugate_gradients_t

contains

  !> Solve A z = b; see `solve_interface`.
  subroutine solve(self, matrix, b, z, solution)
    class(conjugate_gradients_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix
    real(wp), intent(in), contiguous :: b(1 - halo:, 1 - halo:)
    real(wp), intent(inout), contiguous :: z(1 - halo:, 1 - halo:)
    type(solution_t), intent(out) :: solution

    real(wp) :: alpha, rho, rho_before, sums(1)

    if (.not. allocated(self%r)) allocate (self%r, self%p, self%q, mold=matrix%diagonal)
    self%r = 0.0_wp
    self%p = 0.0_wp
    self%q = 0.0_wp
    call exchange(matrix%block, z)
    call matrix%residual(b, z, self%r)
    call look(self, matrix, rho, solution)
    call set_direction(self, matrix, 0.0_wp)
    do while (.not. solution%has_converged)
      if (solution%n_iterations >= self%max_iterations) exit
      if (.not. rho < huge(rho)) exit
      solution%n_iterations = solution%n_iterations + 1
      call exchange(matrix%block, self%p)
      call apply(self, matrix, sums(1))
      sums = global_sum(matrix%block, sums)
      alpha = rho/sums(1)
      rho_before = rho
      call advance(self, matrix, alpha, z)
      call look(self, matrix, rho, solution)
      call set_direction(self, matrix, rho/rho_before)
    end do
    call exchange(matrix%block, z)
  end subroutine solve

  !> r . r/diagonal, and whether the residual is small enough.
  subroutine look(self, matrix, rho, solution)
    class(conjugate_gradients_t), intent(in) :: self
    type(five_point_t), intent(in) :: matrix
    real(wp), intent(out) :: rho !! [m4]
    type(solution_t), intent(inout) :: solution

    real(wp) :: largest, sums(1)
    integer :: i, j

    sums = 0.0_wp
    largest = 0.0_wp
    do j = 1, matrix%block%ny
      do i = 1, matrix%block%nx
        sums(1) = sums(1) + self%r(i, j)**2/matrix%diagonal(i, j)
        largest = max(largest, abs(self%r(i, j))/matrix%area(j))
      end do
    end do
    sums = global_sum(matrix%block, sums)
    rho = sums(1)
    solution%residual = global_maximum(matrix%block, largest)
    solution%has_converged = solution%residual <= self%tolerance
  end subroutine look

  !> p <- r/diagonal + beta p.
  subroutine set_direction(self, matrix, beta)
    class(conjugate_gradients_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix
    real(wp), intent(in) :: beta !! [1]

    integer :: i, j

    do j = 1, matrix%block%ny
      do i = 1, matrix%block%nx
        self%p(i, j) = self%r(i, j)/matrix%diagonal(i, j) + beta*self%p(i, j)
      end do
    end do
  end subroutine set_direction

  !> q = A p, and p . q.
  subroutine apply(self, matrix, pq)
    class(conjugate_gradients_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix
    real(wp), intent(out) :: pq !! [m4]

    integer :: i, j

    pq = 0.0_wp
    do j = 1, matrix%block%ny
      do i = 1, matrix%block%nx
        self%q(i, j) = matrix%diagonal(i, j)*self%p(i, j) &
          - matrix%east(i, j)*self%p(i + 1, j) - matrix%east(i - 1, j)*self%p(i - 1, j) &
          - matrix%north(i, j)*self%p(i, j + 1) - matrix%north(i, j - 1)*self%p(i, j - 1)
        pq = pq + self%p(i, j)*self%q(i, j)
      end do
    end do
  end subroutine apply

  !> z <- z + alpha p, r <- r - alpha q.
  subroutine advance(self, matrix, alpha, z)
    class(conjugate_gradients_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix
    real(wp), intent(in) :: alpha !! [1]
    real(wp), intent(inout), contiguous :: z(1 - halo:, 1 - halo:)

    integer :: i, j

    do j = 1, matrix%block%ny
      do i = 1, matrix%block%nx
        z(i, j) = z(i, j) + alpha*self%p(i, j)
        self%r(i, j) = self%r(i, j) - alpha*self%q(i, j)
      end do
    end do
  end subroutine advance

end module swe_conjugate_gradients
