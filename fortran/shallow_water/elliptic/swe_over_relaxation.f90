! SPDX-License-Identifier: MIT
!> Successive over-relaxation in red-black order, the classical solver of this model.
!>
!>     z <- z + omega*(b - A z)/diagonal         first all red cells, then all black ones
!>     omega = 2/(1 + sqrt(1 - rho**2))
!>
!> D. M. Young (1954), with rho the spectral radius of Jacobi's iteration. On a flat bottom
!> that is 4a/(1 + 4a), a = (theta*c)**2. Here it is estimated from the matrix by power
!> iteration, which starts from the constant field: no entry of Jacobi's matrix is
!> negative, and so its leading vector is not. Sweeps grow in number like the Courant
!> number c.
module swe_over_relaxation
  use swe_blocks, only: halo, lead
  use swe_exchange, only: exchange
  use swe_fields, only: allocate_field
  use swe_five_point, only: five_point_solver_t, five_point_t, solution_t
  use swe_kinds, only: wp
  use swe_rows, only: is_large, largest_of_rows, sum_of_rows
  implicit none
  private
  public :: over_relaxation_t

  integer, parameter :: sweeps_per_check = 5    !! a check costs half a sweep
  integer, parameter :: max_power_iterations = 60
  real(wp), parameter :: settled = 0.01_wp
    !! relative change of 1 - rho per iteration that ends the estimate: omega is flat there

  !> The solver and its work arrays, allocated at the first call.
  type, extends(five_point_solver_t) :: over_relaxation_t
    real(wp) :: omega = 0.0_wp !! given factor in (0, 2); 0: from the spectral radius
    integer :: solves_per_estimate = 100 !! of the spectral radius
    real(wp) :: spectral_radius = 0.0_wp !! of Jacobi's iteration, as last estimated
    integer, private :: n_solves = 0     !! since the last estimate
    real(wp), allocatable, private :: r(:, :) !! residual [m3], or a power iterate
    real(wp), allocatable, private :: x(:, :) !! a power iterate
    real(wp), allocatable, private :: largest(:) !! residual/area row by row [m] (ny)
    real(wp), allocatable, private :: sums(:, :) !! of each row (ny, 2)
  contains
    procedure :: solve
  end type over_relaxation_t

contains

  !> Solve A z = b; see `solve_interface`. Iterations are sweeps over both colours.
  subroutine solve(self, matrix, b, z, solution)
    class(over_relaxation_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix
    real(wp), intent(in), contiguous :: b(1 - lead:, 1 - halo:)
    real(wp), intent(inout), contiguous :: z(1 - lead:, 1 - halo:)
    type(solution_t), intent(out) :: solution

    real(wp) :: omega
    integer :: k
    logical :: is_finite

    if (.not. allocated(self%r)) then
      call allocate_field(matrix%block, self%r)
      call allocate_field(matrix%block, self%x)
      allocate (self%largest(matrix%block%ny), self%sums(matrix%block%ny, 2))
    end if
    omega = factor(self, matrix)
    call exchange(matrix%block, z)
    do
      call look(self, matrix, b, z, solution, is_finite)
      if (solution%has_converged .or. .not. is_finite) exit
      if (solution%n_iterations >= self%max_iterations) exit
      do k = 1, min(sweeps_per_check, self%max_iterations - solution%n_iterations)
        call half_sweep(matrix, 0, omega, b, z)
        call exchange(matrix%block, z)
        call half_sweep(matrix, 1, omega, b, z)
        call exchange(matrix%block, z)
      end do
      solution%n_iterations = min(solution%n_iterations + sweeps_per_check, &
        self%max_iterations)
    end do
  end subroutine solve

  !> omega: given, or from the spectral radius as it was found at most `solves_per_estimate`
  !> solutions ago.
  function factor(self, matrix) result(omega)
    class(over_relaxation_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix
    real(wp) :: omega

    omega = self%omega
    if (omega > 0.0_wp) return
    if (self%n_solves == 0) call estimate_radius(self, matrix)
    self%n_solves = modulo(self%n_solves + 1, max(1, self%solves_per_estimate))
    omega = 2.0_wp/(1.0_wp + sqrt(max(0.0_wp, 1.0_wp - self%spectral_radius**2)))
    if (.not. omega < 2.0_wp) omega = 1.0_wp
  end function factor

  !> Largest residual, as the matrix finds it.
  subroutine look(self, matrix, b, z, solution, is_finite)
    class(over_relaxation_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix
    real(wp), intent(in), contiguous :: b(1 - lead:, 1 - halo:)
    real(wp), intent(in), contiguous :: z(1 - lead:, 1 - halo:)
    type(solution_t), intent(inout) :: solution
    logical, intent(out) :: is_finite !! all values of the residual are

    real(wp) :: total
    integer :: j

    call matrix%residual(b, z, self%r)
    !$omp parallel do if (is_large(matrix%block))
    do j = 1, matrix%block%ny
      call measure_row(matrix%block%nx, matrix%area(j), self%r(1:matrix%block%nx, j), &
        self%largest(j), self%sums(j, 1))
    end do
    solution%residual = largest_of_rows(matrix%block, self%largest)
    ! The maximum does not see a NaN.
    total = sum_of_rows(matrix%block, self%sums(:, 1), self%r, self%r)
    is_finite = abs(total) <= huge(total)
    solution%has_converged = is_finite .and. solution%residual <= self%tolerance
  end subroutine look

  !> Largest and mean |r|/area of one row.
  pure subroutine measure_row(n, area, r, largest, mean)
    integer, intent(in) :: n
    real(wp), intent(in) :: area, r(n)
    real(wp), intent(out) :: largest, mean

    integer :: i

    largest = 0.0_wp
    mean = 0.0_wp
    !$omp simd reduction(max: largest) reduction(+: mean)
    do i = 1, n
      largest = max(largest, abs(r(i)))
      mean = mean + abs(r(i))
    end do
    largest = largest/area
    mean = mean/(n*area)
  end subroutine measure_row

  !> Relax the cells of one colour: 0 red, 1 black.
  subroutine half_sweep(matrix, colour, omega, b, z)
    type(five_point_t), intent(in) :: matrix
    integer, intent(in) :: colour
    real(wp), intent(in) :: omega
    real(wp), intent(in), contiguous :: b(1 - lead:, 1 - halo:)
    real(wp), intent(inout), contiguous :: z(1 - lead:, 1 - halo:)

    integer :: first, j, nx

    nx = matrix%block%nx
    !$omp parallel do private(first) if (is_large(matrix%block))
    do j = 1, matrix%block%ny
      ! Red cells have an even sum of indices in the whole grid.
      first = 2 - modulo(j + matrix%block%j_offset + matrix%block%i_offset + colour, 2)
      call relax_row(nx, first, omega, matrix%diagonal(1:nx, j), matrix%east(0:nx, j), &
        matrix%north(1:nx, j), matrix%north(1:nx, j - 1), b(1:nx, j), z(1:nx, j + 1), &
        z(1:nx, j - 1), z(0:nx + 1, j))
    end do
  end subroutine half_sweep

  !> Relax every second cell of one row.
  pure subroutine relax_row(n, first, omega, diagonal, east, north, south, b, z_north, &
    z_south, z)
    integer, intent(in) :: n
    integer, intent(in) :: first !! cell, 1 or 2
    real(wp), intent(in) :: omega, diagonal(n), east(0:n), north(n), south(n), b(n)
    real(wp), intent(in) :: z_north(n), z_south(n)
    real(wp), intent(inout) :: z(0:n + 1)

    integer :: i

    do i = first, n, 2
      z(i) = z(i) + omega*((b(i) + ((east(i)*z(i + 1) + east(i - 1)*z(i - 1)) &
        + (north(i)*z_north(i) + south(i)*z_south(i))))/diagonal(i) - z(i))
    end do
  end subroutine relax_row

  !> Power iteration x <- J x, J = couplings/diagonal, with Rayleigh's quotient of J**2 in
  !> the norm of the diagonal: it comes from below.
  subroutine estimate_radius(self, matrix)
    class(over_relaxation_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix

    real(wp) :: before, radius, scale
    integer :: j, n

    before = 0.0_wp
    radius = 0.0_wp
    scale = 1.0_wp
    self%x = 1.0_wp
    do n = 1, max_power_iterations
      call exchange(matrix%block, self%x)
      !$omp parallel do if (is_large(matrix%block))
      do j = 1, matrix%block%ny
        call jacobi_row(self, matrix, j, scale)
      end do
      radius = sqrt(sum_of_rows(matrix%block, self%sums(:, 2), self%r, self%r, &
        matrix%diagonal)/sum_of_rows(matrix%block, self%sums(:, 1), self%x, self%x, &
        matrix%diagonal))/scale
      if (.not. radius > 0.0_wp) exit
      if (abs(radius - before) <= settled*(1.0_wp - radius)) exit
      before = radius
      scale = 1.0_wp/radius
      call swap(self%x, self%r)
    end do
    self%spectral_radius = 0.0_wp
    if (radius > 0.0_wp .and. radius < 1.0_wp) self%spectral_radius = radius
    self%r = 0.0_wp
  end subroutine estimate_radius

  !> r = J x*scale in one row, and the squares of x and r, weighted by the diagonal.
  subroutine jacobi_row(self, matrix, j, scale)
    class(over_relaxation_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix
    integer, intent(in) :: j         !! row
    real(wp), intent(in) :: scale    !! keeps the iterates from underflow

    integer :: i

    associate (x => self%x, r => self%r, sums => self%sums)
      sums(j, :) = 0.0_wp
      do i = 1, matrix%block%nx
        r(i, j) = scale*((matrix%east(i, j)*x(i + 1, j) &
          + matrix%east(i - 1, j)*x(i - 1, j)) + (matrix%north(i, j)*x(i, j + 1) &
          + matrix%north(i, j - 1)*x(i, j - 1)))/matrix%diagonal(i, j)
        sums(j, 1) = sums(j, 1) + matrix%diagonal(i, j)*x(i, j)**2
        sums(j, 2) = sums(j, 2) + matrix%diagonal(i, j)*r(i, j)**2
      end do
    end associate
  end subroutine jacobi_row

  !> Exchange two fields without moving them.
  subroutine swap(one, other)
    real(wp), allocatable, intent(inout) :: one(:, :), other(:, :)

    real(wp), allocatable :: kept(:, :)

    call move_alloc(one, kept)
    call move_alloc(other, one)
    call move_alloc(kept, other)
  end subroutine swap

end module swe_over_relaxation
