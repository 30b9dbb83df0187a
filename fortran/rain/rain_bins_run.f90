! SPDX-License-Identifier: MIT
!> Moments of warm clouds without noise: bins of two widths, extrapolated to none.
!>
!> The bins' error falls with the square of their width, so (4 fine - coarse)/3 is free of
!> the first term where the fine width is half the coarse one; of rain, logarithms are
!> extrapolated, which keeps it positive. Cloud mass is what rain leaves of all water.
module rain_bins_run
  use, intrinsic :: ieee_arithmetic, only: ieee_is_finite
  use failures, only: err_argument, err_interrupted, err_runtime, fail, succeed
  use interrupts, only: interrupted_by
  use kinds, only: wp
  use rain_bins, only: rain_bins_t
  use rain_config, only: rain_config_t
  use rain_drops, only: cloud_t
  use rain_kernels, only: kernel_t
  use superdroplet_sampling, only: check_cloud
  use trajectories, only: trajectory_t
  use version, only: isthmus_version
  implicit none
  private
  public :: rain_config_t, run

  integer, parameter :: per_doubling = 3     !! of the coarse bins
  real(wp), parameter :: least = 1.0e-200_wp !! logarithms of no rain
  character(len=2), parameter :: names(4) = ["lc", "nc", "lr", "nr"]
  character(len=6), parameter :: units(4) = ["kg m-3", "m-3   ", "kg m-3", "m-3   "]
  character(len=12), parameter :: starts(3) = ["liquid_water", "mean_radius ", &
    "shape       "]
  character(len=6), parameter :: start_units(3) = ["kg m-3", "m     ", "1     "]
  character(len=21), parameter :: long_names(4) = ["cloud water          ", &
    "number of cloud drops", "rain water           ", "number of rain drops "]

contains

  !> Run all clouds of the settings; super-droplets' own settings are not used.
  subroutine run(config, stat, errmsg)
    type(rain_config_t), intent(in) :: config !! settings
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    real(wp), allocatable :: moments(:, :, :)
    type(trajectory_t) :: file
    character(len=512) :: message
    integer :: status

    message = ""
    call check_clouds(config, status, message)
    if (status == 0) call compute(config, moments, status, message)
    if (status == 0) call write_file(config, moments, file, status, message)
    if (status /= 0) then
      if (file%is_open()) call file%abandon()
      call fail(status, trim(message), stat, errmsg)
    else
      call succeed(stat)
    end if
  end subroutine run

  !> Refuse what is no cloud before the first is computed.
  subroutine check_clouds(config, stat, errmsg)
    type(rain_config_t), intent(in) :: config
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    character(len=256) :: problem
    integer :: i

    stat = 0
    problem = ""
    do i = 1, config%n_cases()
      call check_cloud(config%cloud(i), problem)
    end do
    if (problem /= "") call fail(err_argument, trim(problem), stat, errmsg)
  end subroutine check_clouds

  !> All clouds, a thread for each.
  subroutine compute(config, moments, stat, errmsg)
    type(rain_config_t), intent(in) :: config
    real(wp), allocatable, intent(out) :: moments(:, :, :) !! (moment, case, record)
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    type(kernel_t) :: kernel
    type(rain_bins_t) :: coarse, fine
    integer :: i, n_records

    n_records = nint(config%duration/config%output_every) + 1
    allocate (moments(4, config%n_cases(), n_records))
    call kernel%setup(trim(config%kernel), config%golovin_b, stat, errmsg)
    if (stat == 0) call coarse%setup(per_doubling, kernel, stat=stat, errmsg=errmsg)
    if (stat == 0) call fine%setup(2*per_doubling, kernel, stat=stat, errmsg=errmsg)
    if (stat /= 0) return
    !$omp parallel do firstprivate(coarse, fine) schedule(dynamic)
    do i = 1, config%n_cases()
      if (interrupted_by() == 0) call compute_cloud(config, i, coarse, fine, &
        moments(:, i, :))
    end do
    !$omp end parallel do
    if (interrupted_by() /= 0) then
      call fail(err_interrupted, "interrupted, nothing was written", stat, errmsg)
    else if (.not. all(ieee_is_finite(moments))) then
      call fail(err_runtime, "bins are not finite: 'dt' is too long for the cloud with "// &
        "most water", stat, errmsg)
    end if
  end subroutine compute

  !> One cloud.
  subroutine compute_cloud(config, number, coarse, fine, moments)
    type(rain_config_t), intent(in) :: config
    integer, intent(in) :: number              !! of the cloud
    type(rain_bins_t), intent(inout) :: coarse
    type(rain_bins_t), intent(inout) :: fine   !! half as wide
    real(wp), intent(out) :: moments(:, :)     !! (moment, record)

    integer :: i, j, n_steps

    n_steps = nint(config%output_every/config%dt)
    call coarse%start(config%cloud(number))
    call fine%start(config%cloud(number))
    do i = 1, size(moments, 2)
      moments(:, i) = extrapolated(coarse%moments(), fine%moments())
      if (i == size(moments, 2)) exit
      do j = 1, n_steps
        call coarse%step(config%dt)
        call fine%step(config%dt)
      end do
    end do
  end subroutine compute_cloud

  !> Lc, Nc, Lr, Nr at width zero from Lc, Lr, Nc, Nr at two widths.
  pure function extrapolated(coarse, fine) result(moments)
    real(wp), intent(in) :: coarse(4)
    real(wp), intent(in) :: fine(4)
    real(wp) :: moments(4)

    real(wp) :: correction(2), rain(2), total

    total = fine(1) + fine(2)
    rain = log(max(fine([2, 4]), least))
    correction = (rain - log(max(coarse([2, 4]), least)))/3.0_wp
    ! Where it is large there is hardly rain, and the first term says nothing.
    rain = exp(rain + max(-1.0_wp, min(correction, 1.0_wp)))
    moments(3) = min(rain(1), total)
    moments(4) = rain(2)
    moments(1) = total - moments(3)
    moments(2) = max(fine(3) + (fine(3) - coarse(3))/3.0_wp, 0.0_wp)
  end function extrapolated

  !> Write what `isthmus-rain` writes, without standard errors.
  subroutine write_file(config, moments, file, stat, errmsg)
    type(rain_config_t), intent(in) :: config
    real(wp), intent(in) :: moments(:, :, :) !! (moment, case, record)
    type(trajectory_t), intent(inout) :: file
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    integer :: i, j

    call file%create(trim(config%output), stat, errmsg, time_units="s")
    if (stat == 0) call file%add_dimension("case", config%n_cases(), "cloud", stat, errmsg)
    do i = 1, 4
      if (stat == 0) call file%add_variable(names(i), ["case"], trim(units(i)), &
        trim(long_names(i)), .false., stat, errmsg)
    end do
    do i = 1, 3
      if (stat == 0) call file%add_constant(trim(starts(i)), ["case"], &
        trim(start_units(i)), "of the cloud at the start", .false., stat, errmsg)
    end do
    if (stat == 0) call file%add_attribute("Conventions", "CF-1.11", stat, errmsg)
    if (stat == 0) call file%add_attribute("source", "isthmus-rain-bins "// &
      isthmus_version, stat, errmsg)
    if (stat == 0) call file%add_attribute("kernel", trim(config%kernel), stat, errmsg)
    if (stat == 0) call file%add_attribute("dt", config%dt, stat, errmsg)
    if (stat == 0) call file%begin_record(0.0_wp, stat, errmsg)
    call write_clouds(config, file, stat, errmsg)
    do j = 1, size(moments, 3)
      if (stat == 0 .and. j > 1) call file%begin_record((j - 1)*config%output_every, stat, &
        errmsg)
      do i = 1, 4
        if (stat == 0) call file%write_field(names(i), reshape(moments(i, :, j), &
          [config%n_cases(), 1]), stat, errmsg)
      end do
    end do
    if (stat == 0) call file%finish(stat=stat, errmsg=errmsg)
  end subroutine write_file

  !> Write what the clouds begin with.
  subroutine write_clouds(config, file, stat, errmsg)
    type(rain_config_t), intent(in) :: config
    type(trajectory_t), intent(inout) :: file
    integer, intent(inout) :: stat
    character(len=*), intent(inout) :: errmsg

    type(cloud_t) :: cloud
    real(wp) :: values(config%n_cases(), 3)
    integer :: i

    do i = 1, config%n_cases()
      cloud = config%cloud(i)
      values(i, :) = [cloud%liquid_water, cloud%mean_radius, cloud%shape]
    end do
    do i = 1, 3
      if (stat == 0) call file%write_constant(trim(starts(i)), values(:, i:i), stat, errmsg)
    end do
  end subroutine write_clouds

end module rain_bins_run
