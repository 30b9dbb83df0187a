! SPDX-License-Identifier: MIT
!> Realizations of one cloud, in parallel: means of the bulk moments and their standard
!> errors.
!>
!> Realization m of case c draws from the stream (seed, c, m), and sums over realizations
!> are made in their order: the bits depend neither on the number of threads nor on the
!> order in which they finish.
module superdroplet_ensemble
  use failures, only: err_interrupted, fail, succeed
  use interrupts, only: interrupted_by
  use kinds, only: wp
  use rain_kernels, only: kernel_t
  use random_lanes, only: random_lanes_t
  use superdroplet_sampling, only: proposal_t
  use superdroplets, only: n_moments, superdroplets_t
  implicit none
  private
  public :: ensemble_t, march, run_ensemble

  !> How an ensemble is made.
  type :: ensemble_t
    integer :: n_members = 10       !! realizations
    integer :: seed = 1             !! of the run
    real(wp) :: dt = 1.0_wp         !! time step [s]
    integer :: steps_per_record = 20
    integer :: n_records = 181      !! the first is the start
    integer :: max_substeps = 1     !! parts of a step; 1: never cut
  end type ensemble_t

contains

  !> Moments of one realization over time.
  subroutine march(ensemble, kernel, proposal, case_number, member, drops, moments)
    type(ensemble_t), intent(in) :: ensemble
    type(kernel_t), intent(in) :: kernel
    type(proposal_t), intent(in) :: proposal      !! of the cloud
    integer, intent(in) :: case_number            !! of the cloud, for its random numbers
    integer, intent(in) :: member                 !! of the realization
    type(superdroplets_t), intent(inout) :: drops !! at the end; room is reused
    real(wp), intent(out) :: moments(:, :)        !! (moment, record)

    type(random_lanes_t) :: stream
    integer :: record, step

    call stream%seed(ensemble%seed, case_number, member)
    call proposal%draw(kernel, stream, drops)
    moments(:, 1) = drops%moments()
    do record = 2, ensemble%n_records
      do step = 1, ensemble%steps_per_record
        call drops%step(kernel, ensemble%dt, ensemble%max_substeps, stream)
      end do
      moments(:, record) = drops%moments()
      if (interrupted_by() /= 0) return
    end do
  end subroutine march

  !> Means and standard errors of the moments of one cloud.
  subroutine run_ensemble(ensemble, kernel, proposal, case_number, means, errors, lost, &
    stat, errmsg)
    type(ensemble_t), intent(in) :: ensemble
    type(kernel_t), intent(in) :: kernel
    type(proposal_t), intent(in) :: proposal !! of the cloud
    integer, intent(in) :: case_number       !! of the cloud, for its random numbers
    real(wp), intent(out) :: means(:, :)     !! (moment, record)
    real(wp), intent(out) :: errors(:, :)    !! standard errors of them, 0 of one member
    real(wp), intent(out) :: lost            !! part of the collisions not made [1]
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    real(wp), allocatable :: moments(:, :, :), counts(:, :)
    type(superdroplets_t) :: drops
    integer :: member

    allocate (moments(n_moments, ensemble%n_records, ensemble%n_members))
    allocate (counts(2, ensemble%n_members))
    !$omp parallel do schedule(dynamic) private(drops)
    do member = 1, ensemble%n_members
      if (interrupted_by() /= 0) cycle
      call march(ensemble, kernel, proposal, case_number, member, drops, &
        moments(:, :, member))
      counts(:, member) = [drops%lost, drops%made]
    end do
    !$omp end parallel do
    if (interrupted_by() /= 0) then
      call fail(err_interrupted, "interrupted", stat, errmsg)
      return
    end if
    call average(moments, means, errors)
    lost = sum(counts(1, :))/max(1.0_wp, sum(counts))
    call succeed(stat)
  end subroutine run_ensemble

  !> Mean and standard error over the members.
  pure subroutine average(moments, means, errors)
    real(wp), intent(in) :: moments(:, :, :) !! (moment, record, member)
    real(wp), intent(out) :: means(:, :)     !! (moment, record)
    real(wp), intent(out) :: errors(:, :)    !! (moment, record)

    integer :: i, n

    n = size(moments, 3)
    means = 0.0_wp
    do i = 1, n
      means = means + moments(:, :, i)
    end do
    means = means/n
    errors = 0.0_wp
    if (n == 1) return
    do i = 1, n
      errors = errors + (moments(:, :, i) - means)**2
    end do
    errors = sqrt(errors/(n - 1.0_wp)/n)
  end subroutine average

end module superdroplet_ensemble
