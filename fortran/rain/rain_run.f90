! SPDX-License-Identifier: MIT
!> Ensembles of warm clouds from their settings to their file.
module rain_run
  use, intrinsic :: iso_fortran_env, only: error_unit
  use failures, only: err_interrupted, fail, succeed
  use kinds, only: int64, wp
  use rain_config, only: rain_config_t, read_config
  use rain_kernels, only: kernel_t
  use rain_output, only: rain_output_t
  use superdroplet_ensemble, only: ensemble_t, run_ensemble
  use superdroplet_sampling, only: proposal_t
  use superdroplets, only: n_moments
  implicit none
  private
  public :: rain_config_t, read_config, run

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
    real(wp) :: lost
    integer :: first, i
    integer(int64) :: start

    stat = 0
    ensemble = config%ensemble()
    allocate (errors(n_moments, ensemble%n_records), means(n_moments, ensemble%n_records))
    call system_clock(start)
    first = count(output%is_finished)
    if (first > 0) write (error_unit, "(2(a, i0))") "continued: finished cases ", first, &
      " of ", config%n_cases()
    do i = 1, config%n_cases()
      if (output%is_finished(i)) cycle
      call proposal%setup(config%cloud(i), config%volume, config%droplets, &
        trim(config%sampling), stat, errmsg)
      if (stat == 0) call run_ensemble(ensemble, kernel, proposal, i, means, errors, lost, &
        stat, errmsg)
      if (stat == 0) call output%write_case(i, means, errors, lost, stat, errmsg)
      if (stat /= 0) return
      call report(count(output%is_finished), first, config%n_cases(), start)
    end do
  end subroutine run_cases

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
