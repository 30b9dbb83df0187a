! SPDX-License-Identifier: MIT
!> Harmonic analysis of a field while the model runs.
!>
!> Least squares for a mean and, of each constituent, a cosine and a sine in every cell:
!>
!>     zeta(t) = c0 + sum c*cos(w*t) + s*sin(w*t)
!>     a = sqrt(c**2 + s**2)/f        g = V0 + u + atan2(s, c)
!>
!> All cells are sampled at the same times, so they share one normal matrix, and only the
!> right-hand sides are fields. Sums are real64 in either build: a real32 sum over thousands
!> of samples loses the small constituents. The samples may be of any spacing.
module swe_harmonics
  use, intrinsic :: iso_fortran_env, only: dp => real64
  use failures, only: err_argument, err_runtime, fail, succeed
  use swe_constituents, only: constituent_t, degree
  use swe_kinds, only: wp
  implicit none
  private
  public :: swe_harmonics_t

  !> Smallest pivot of the normal matrix scaled to a unit diagonal: below, the record does
  !> not tell two constituents apart. A record of an eighth of the synodic period has about
  !> this pivot, and noise is amplified four times.
  real(dp), parameter :: smallest_pivot = 0.05_dp

  !> An analysis under way. All of it must go to a restart file.
  type :: swe_harmonics_t
    type(constituent_t), allocatable :: constituents(:)
    real(dp), allocatable :: matrix(:, :)        !! normal matrix [1] (2n + 1, 2n + 1)
    real(dp), allocatable :: right_hand(:, :, :) !! sums of zeta*basis [m] (nx, ny, 2n + 1)
    integer :: n_samples = 0
    real(dp) :: first_time = 0.0_dp, last_time = 0.0_dp !! of the samples [s]
  contains
    procedure :: setup
    procedure :: add
    procedure :: solve
  end type swe_harmonics_t

contains

  !> Begin an analysis of (nx, ny) cells.
  subroutine setup(self, constituents, nx, ny)
    class(swe_harmonics_t), intent(inout) :: self
    type(constituent_t), intent(in) :: constituents(:) !! of `set_constituents`
    integer, intent(in) :: nx, ny

    integer :: n

    n = 2*size(constituents) + 1
    self%constituents = constituents
    if (allocated(self%matrix)) deallocate (self%matrix, self%right_hand)
    allocate (self%matrix(n, n), self%right_hand(nx, ny, n), source=0.0_dp)
    self%n_samples = 0
  end subroutine setup

  !> Add the field of one time.
  subroutine add(self, time, zeta)
    class(swe_harmonics_t), intent(inout) :: self
    real(dp), intent(in) :: time        !! since the epoch [s]
    real(wp), intent(in) :: zeta(:, :)  !! [m] (nx, ny), without halo

    real(dp) :: basis(size(self%matrix, 1))
    integer :: j, k

    if (self%n_samples == 0) self%first_time = time
    self%last_time = time
    self%n_samples = self%n_samples + 1
    basis(1) = 1.0_dp
    basis(2::2) = cos(self%constituents%speed*time)
    basis(3::2) = sin(self%constituents%speed*time)
    do k = 1, size(basis)
      self%matrix(:, k) = self%matrix(:, k) + basis*basis(k)
    end do
    !$omp parallel do private(k)
    do j = 1, size(zeta, 2)
      do k = 1, size(basis)
        self%right_hand(:, j, k) = self%right_hand(:, j, k) + basis(k)*zeta(:, j)
      end do
    end do
  end subroutine add

  !> Amplitudes and Greenwich phase lags of what was added.
  subroutine solve(self, amplitude, phase, mean, stat, errmsg)
    class(swe_harmonics_t), intent(in) :: self
    real(wp), intent(out) :: amplitude(:, :, :) !! a [m] (nx, ny, constituent)
    real(wp), intent(out) :: phase(:, :, :)     !! g [degrees], 0 to 360, alike
    real(wp), intent(out), optional :: mean(:, :) !! c0 [m] (nx, ny)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    real(dp), allocatable :: factor(:, :)
    real(dp) :: c(size(self%matrix, 1))
    integer :: i, j, k, weak

    call succeed(stat)
    call decompose(self%matrix, factor, weak)
    if (weak /= 0) then
      call fail_unresolved(self, weak, stat, errmsg)
      return
    end if
    !$omp parallel do private(i, k, c)
    do j = 1, size(amplitude, 2)
      do i = 1, size(amplitude, 1)
        c = solution(factor, self%right_hand(i, j, :))
        if (present(mean)) mean(i, j) = real(c(1), wp)
        do k = 1, size(self%constituents)
          amplitude(i, j, k) = real(norm2(c(2*k:2*k + 1))/self%constituents(k)%factor, wp)
          phase(i, j, k) = real(modulo((atan2(c(2*k + 1), c(2*k)) &
            + self%constituents(k)%argument)/degree, 360.0_dp), wp)
        end do
      end do
    end do
  end subroutine solve

  !> Cholesky's factor of the normal matrix, and the first row it cannot resolve.
  pure subroutine decompose(matrix, factor, weak)
    real(dp), intent(in) :: matrix(:, :)
    real(dp), allocatable, intent(out) :: factor(:, :) !! lower triangle
    integer, intent(out) :: weak !! row of the first small pivot, 0 if none

    real(dp) :: pivot
    integer :: k

    weak = 0
    allocate (factor, source=matrix)
    do k = 1, size(matrix, 1)
      pivot = matrix(k, k) - sum(factor(k, :k - 1)**2)
      if (.not. pivot > smallest_pivot*matrix(k, k)) then
        weak = k
        return
      end if
      factor(k, k) = sqrt(pivot)
      factor(k + 1:, k) = (matrix(k + 1:, k) &
        - matmul(factor(k + 1:, :k - 1), factor(k, :k - 1)))/factor(k, k)
    end do
  end subroutine decompose

  !> Solve with Cholesky's factor.
  pure function solution(factor, b) result(x)
    real(dp), intent(in) :: factor(:, :), b(:)
    real(dp) :: x(size(b))

    integer :: k

    do k = 1, size(b)
      x(k) = (b(k) - dot_product(factor(k, :k - 1), x(:k - 1)))/factor(k, k)
    end do
    do k = size(b), 1, -1
      x(k) = (x(k) - dot_product(factor(k + 1:, k), x(k + 1:)))/factor(k, k)
    end do
  end function solution

  !> Say which constituents the record cannot part, and how long it should be.
  subroutine fail_unresolved(self, weak, stat, errmsg)
    type(swe_harmonics_t), intent(in) :: self
    integer, intent(in) :: weak !! row of the normal matrix
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    real(dp), allocatable :: apart(:)
    character(len=240) :: text
    integer :: k, nearest

    if (weak == 1) then
      call fail(err_argument, "harmonic analysis: no sample was added", stat, errmsg)
      return
    end if
    k = weak/2
    apart = abs(self%constituents(:k - 1)%speed - self%constituents(k)%speed)
    nearest = 0
    if (k > 1) nearest = minloc(apart, 1)
    if (nearest > 0) then
      if (apart(nearest) > self%constituents(k)%speed) nearest = 0
    end if
    if (nearest > 0) then
      write (text, "(5a, f0.1, a, i0, a, f0.1, a)") "harmonic analysis: '", &
        trim(self%constituents(nearest)%name), "' and '", trim(self%constituents(k)%name), &
        "' cannot be told apart in ", hours(self%last_time - self%first_time), &
        " hours (", self%n_samples, " samples): analyse at least ", &
        hours(360*degree/max(apart(nearest), tiny(1.0_dp))), " hours, or drop one of them"
    else
      write (text, "(3a, f0.1, a, i0, a, f0.1, a)") "harmonic analysis: '", &
        trim(self%constituents(k)%name), "' cannot be told from the mean in ", &
        hours(self%last_time - self%first_time), " hours (", self%n_samples, &
        " samples): analyse at least ", hours(360*degree/self%constituents(k)%speed), &
        " hours"
    end if
    call fail(err_runtime, trim(text), stat, errmsg)
  end subroutine fail_unresolved

  !> Of seconds.
  pure real(dp) function hours(seconds)
    real(dp), intent(in) :: seconds

    hours = seconds/3600.0_dp
  end function hours

end module swe_harmonics
