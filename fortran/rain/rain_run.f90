! SPDX-License-Identifier: MIT
!> Ensembles of warm clouds from their settings to their file.
module rain_run
  use, intrinsic :: iso_fortran_env, only: error_unit
  use failures, only: err_interrupted, err_runtime, fail, succeed
  use interrupts, only: interrupted_by
  use kinds, only: int64, wp
  use rain_bins, only: rain_bins_t
  use rain_config, only: rain_config_t
  use rain_drops, only: cloud_t
  use rain_kernels, only: kernel_t
  use rain_output, only: rain_output_t
  use superdroplet_ensemble, only: ensemble_t, run_ensemble
  use superdroplet_sampling, only: proposal_t
  use superdroplets, only: n_moments
  implicit none
  private
  public :: rain_config_t, run

  integer, parameter :: progress_percent = 5 !! between two messages

contains

  !> Run all cases that are not yet in the file.
  subroutine run(config, stat, errmsg)
    type(rain_config_t), intent(in) :: config !! settings
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=1024) :: message
    type(rain_output_t) :: output
    type(kernel_t) :: kernel
    integer :: status

    message = ""
    call check_clouds(config, status, message)
    if (status == 0) call kernel%setup(trim(config%kernel), config%golovin_b, status, &
      message)
    if (status == 0) call output%open(config, status, message)
    if (status == 0) call run_cases(config, kernel, output, status, message)
    if (status == 0) call output%finish(status, message)
    call output%close()
    if (status == err_interrupted) message = trim(message)//": '"//output%path// &
      ".part' has the finished cases, the same command goes on"
    if (status /= 0) then
      call fail(status, trim(message), stat, errmsg)
    else
      call succeed(stat)
    end if
  end subroutine run

  !> Refuse clouds that are none before anything is run.
  subroutine check_clouds(config, stat, errmsg)
    type(rain_config_t), intent(in) :: config
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    type(proposal_t) :: proposal
    integer :: i

    stat = 0
    do i = 1, config%n_cases()
      call proposal%setup(config%cloud(i), config%volume, config%droplets, &
        trim(config%sampling), stat, errmsg)
      if (stat /= 0) return
    end do
  end subroutine check_clouds

  !> Run, write, report.
  subroutine run_cases(config, kernel, output, stat, errmsg)
    type(rain_config_t), intent(in) :: config
    type(kernel_t), intent(in) :: kernel
    type(rain_output_t), intent(inout) :: output
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    real(wp), allocatable :: errors(:, :), means(:, :)
    type(ensemble_t) :: ensemble
    type(proposal_t) :: proposal
    type(rain_bins_t) :: bins
    real(wp) :: lost
    integer :: first, i
    integer(int64) :: start

    stat = 0
    ensemble = config%ensemble()
    allocate (errors(n_moments, ensemble%n_records), means(n_moments, ensemble%n_records))
    if (config%method == "bins") call bins%setup(config%per_doubling, kernel)
    call system_clock(start)
    first = count(output%is_finished)
    if (first > 0) write (error_unit, "(2(a, i0))") "continued: finished cases ", first, &
      " of ", config%n_cases()
    do i = 1, config%n_cases()
      if (output%is_finished(i)) cycle
      if (config%method == "bins") then
        call run_bins(ensemble, bins, config%cloud(i), means, stat, errmsg)
        errors = 0.0_wp
        lost = 0.0_wp
      else
        call proposal%setup(config%cloud(i), config%volume, config%droplets, &
          trim(config%sampling), stat, errmsg)
        if (stat == 0) call run_ensemble(ensemble, kernel, proposal, i, means, errors, &
          lost, stat, errmsg)
      end if
      if (stat == 0) call output%write_case(i, means, errors, lost, stat, errmsg)
      if (stat /= 0) return
      call report(count(output%is_finished), first, config%n_cases(), start)
    end do
  end subroutine run_cases

  !> One cloud on bins.
  subroutine run_bins(ensemble, bins, cloud, means, stat, errmsg)
    type(ensemble_t), intent(in) :: ensemble !! its times
    type(rain_bins_t), intent(inout) :: bins
    type(cloud_t), intent(in) :: cloud
    real(wp), intent(out) :: means(:, :)     !! (moment, record)
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    real(wp), parameter :: excess = 1.0e-6_wp !! of water: far above rounding
    integer :: record, step

    stat = 0
    call bins%start(cloud)
    means(:, 1) = bins%moments()
    do record = 2, ensemble%n_records
      do step = 1, ensemble%steps_per_record
        call bins%step(ensemble%dt)
      end do
      means(:, record) = bins%moments()
      ! An unstable step makes negative numbers long before it overflows.
      if (.not. (all(bins%number*bins%mass >= -excess*cloud%liquid_water) .and. &
        sum(means(:2, record)) <= (1.0_wp + excess)*cloud%liquid_water)) then
        write (errmsg, "(a, g0, a, g0, a)") "bins are unstable after ", (record - 1)* &
          ensemble%steps_per_record*ensemble%dt, " s: 'dt' = ", ensemble%dt, " is too long"
        stat = err_runtime
        return
      else if (interrupted_by() /= 0) then
        errmsg = "interrupted"
        stat = err_interrupted
        return
      end if
    end do
  end subroutine run_bins

  !> A line on the error unit after every few percent.
  subroutine report(done, first, all, start)
    integer, intent(in) :: done           !! cases
    integer, intent(in) :: first          !! cases that were there before
    integer, intent(in) :: all            !! cases
    integer(int64), intent(in) :: start   !! of this run [ticks]

    integer(int64) :: now, rate
    real(wp) :: left

    if ((100*done)/all/progress_percent == (100*(done - 1))/all/progress_percent) return
    call system_clock(now, rate)
    left = real(now - start, wp)/rate*(all - done)/(done - first)
    write (error_unit, "(2(a, i0), a, f0.1, a)") "case ", done, " of ", all, ", ", left, &
      " s to go"
    flush (error_unit) ! it may be a file, which is buffered
  end subroutine report

end module rain_run
