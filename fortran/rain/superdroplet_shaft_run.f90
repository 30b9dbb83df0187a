! SPDX-License-Identifier: MIT
!> Rain shafts of super-droplets from a namelist to a file.
!>
!> The namelist is that of `isthmus-rain-bulk` and one more group, `&droplets`; the file has
!> the same variables, as means over the members, and the standard errors of what rains. So
!> a scheme for moments and the droplets it stands for are compared record by record.
module superdroplet_shaft_run
  use, intrinsic :: iso_fortran_env, only: error_unit
  use bulk_config, only: bulk_config_t
  use failures, only: err_interrupted, fail, succeed
  use interrupts, only: interrupted_by
  use kinds, only: wp
  use namelist_checks, only: check_amount, check_at_least, check_multiple, check_positive
  use namelist_settings, only: key_visitor_t, settings_t
  use rain_kernels, only: kernel_t
  use random_lanes, only: random_lanes_t
  use superdroplet_shaft, only: droplet_shaft_t, n_tallies
  use trajectories, only: trajectory_t
  use version, only: isthmus_version
  implicit none
  private
  public :: read_config, run, shaft_config_t

  integer, parameter :: n_moments = 4, n_fluxes = 4
  character(len=*), parameter :: profiles(n_moments + n_tallies) = [character(len=16) :: &
    "lc", "lr", "nc", "nr", "rain_made", "drops_made", "drops_merged", "cloud_drops_lost", &
    "lr_mean", "nr_mean", "lr_fallen", "nr_fallen"] !! moments, then tallies
  character(len=*), parameter :: profile_units(n_moments + n_tallies) = &
    [character(len=10) :: "kg m-3", "kg m-3", "m-3", "m-3", "kg m-3 s-1", "m-3 s-1", &
    "m-3 s-1", "m-3 s-1", "kg m-3", "m-3", "kg m-2 s-1", "m-2 s-1"]
  character(len=*), parameter :: fluxes(n_fluxes) = [character(len=10) :: "condensed", &
    "rained", "left", "water_path"]
  character(len=*), parameter :: flux_names(n_fluxes) = [character(len=48) :: &
    "water condensed since the start", "rain at the ground since the start", &
    "water that left through the top since the start", "cloud and rain water in the column"]

  !> Settings, with their defaults.
  type, extends(settings_t) :: shaft_config_t
    type(bulk_config_t) :: bulk            !! the column and what drives it
    integer :: members = 4                 !! realizations of each column
    integer :: seed = 1                    !! of all random numbers
    integer :: new_droplets = 32           !! that form in a level at a time
    integer :: max_substeps = 1            !! parts of a step of collisions
    real(wp) :: form_every = 10.0_wp       !! time between two formations [s]
    real(wp) :: dt = 1.0_wp                !! time step [s]
    real(wp) :: volume = 1.0_wp            !! of a level [m3]
    character(len=16) :: kernel = "long"   !! or "hall", "geometric", "golovin"
    logical :: tallies = .false.           !! write what collisions and falling did
  contains
    procedure :: visit_group
    procedure :: check
  end type shaft_config_t

  !> What a realization leaves.
  type :: history_t
    real(wp), allocatable :: values(:, :, :) !! moments, tallies (level, record, which)
    real(wp), allocatable :: fluxes(:, :)     !! [kg m-2] (record, flux)
  end type history_t

contains

  !> Read a namelist file: that of the column, and one more group.
  subroutine read_config(path, config, stat, errmsg)
    character(len=*), intent(in) :: path        !! namelist file
    type(shaft_config_t), intent(out) :: config !! what it says
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    call config%bulk%read(path, others=["droplets"], stat=stat, errmsg=errmsg)
    if (stat == 0) call config%read(path, only=["droplets"], stat=stat, errmsg=errmsg)
  end subroutine read_config

  !> All keys; the other groups belong to the column.
  subroutine visit_group(self, keys, group)
    class(shaft_config_t), intent(inout) :: self
    type(key_visitor_t), intent(inout) :: keys
    character(len=*), intent(in) :: group

    if (group /= "droplets") keys%problem = "unknown group, expected &droplets"
    call keys%visit("members", self%members)
    call keys%visit("seed", self%seed)
    call keys%visit("new_droplets", self%new_droplets)
    call keys%visit("max_substeps", self%max_substeps)
    call keys%visit("form_every", self%form_every)
    call keys%visit("dt", self%dt)
    call keys%visit("volume", self%volume)
    call keys%visit("kernel", self%kernel)
    call keys%visit("tallies", self%tallies)
  end subroutine visit_group

  !> Refuse what cannot be run; the drops that form are checked where they do.
  subroutine check(self, problem)
    class(shaft_config_t), intent(inout) :: self
    character(len=*), intent(inout) :: problem !! set if there is one

    real(wp), parameter :: v_largest = 10.0_wp !! no drop falls faster [m s-1]

    call check_at_least("levels", self%bulk%levels, 1, problem)
    call check_at_least("members", self%members, 1, problem)
    call check_at_least("new_droplets", self%new_droplets, 2, problem)
    call check_at_least("max_substeps", self%max_substeps, 1, problem)
    call check_amount("'levels' of 'new_droplets'", [self%bulk%levels, self%new_droplets], &
      4, problem)
    call check_positive("dt", self%dt, problem)
    call check_positive("lapse", self%bulk%lapse, problem)
    if (problem /= "") return
    if (self%dt*(v_largest + self%bulk%updraft_max) > self%bulk%dz) then
      write (problem, "(a, g0)") "'dt' is too long: a drop could pass a level, found ", &
        self%dt
    else if (self%bulk%lapse >= 1.0_wp) then
      write (problem, "(a, g0)") "'lapse' must be less than 1 kg m-4, found ", &
        self%bulk%lapse
    end if
    call check_multiple("form_every", self%form_every, "dt", self%dt, problem)
    call check_multiple("output_every", self%bulk%output_every, "dt", self%dt, problem)
  end subroutine check

  !> All columns and members, then the file.
  subroutine run(config, stat, errmsg)
    type(shaft_config_t), intent(in) :: config !! settings
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    type(history_t), allocatable :: histories(:, :)
    type(kernel_t) :: kernel
    type(trajectory_t) :: file
    character(len=512) :: message
    integer :: i, n_done, status

    call kernel%setup(trim(config%kernel), stat=stat, errmsg=errmsg)
    if (stat == 0) call create_file(config, file, stat, errmsg)
    if (stat /= 0) return
    allocate (histories(config%members, config%bulk%columns))
    n_done = 0
    !$omp parallel do schedule(dynamic) private(status, message)
    do i = 1, size(histories)
      call march(config, kernel, 1 + (i - 1)/config%members, &
        1 + modulo(i - 1, config%members), histories, status, message)
      !$omp critical
      n_done = n_done + 1
      if (status /= 0 .and. stat == 0) then
        stat = status
        errmsg = message
      end if
      if ((20*n_done)/size(histories) > (20*(n_done - 1))/size(histories)) write ( &
        error_unit, "(3(a, i0), a)") "shaft ", n_done, " of ", size(histories), ", ", &
        (100*n_done)/size(histories), " %"
      flush (error_unit)
      !$omp end critical
    end do
    !$omp end parallel do
    if (stat == 0) call write_file(config, histories, file, stat, errmsg)
    if (stat == 0) call file%finish(stat=stat, errmsg=errmsg)
    if (file%is_open()) call file%abandon()
  end subroutine run

  !> One realization of one column.
  subroutine march(config, kernel, column, member, histories, stat, errmsg)
    type(shaft_config_t), intent(in) :: config
    type(kernel_t), intent(in) :: kernel
    integer, intent(in) :: column
    integer, intent(in) :: member
    type(history_t), intent(inout) :: histories(:, :) !! (member, column)
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    type(droplet_shaft_t) :: shaft
    type(random_lanes_t) :: stream
    integer :: i, n_between, n_form, n_records

    associate (bulk => config%bulk, history => histories(member, column))
      n_records = nint(bulk%duration/bulk%output_every) + 1
      n_between = nint(bulk%output_every/config%dt)
      n_form = nint(config%form_every/config%dt)
      allocate (history%values(bulk%levels, n_records, n_profiles(config)))
      allocate (history%fluxes(n_records, n_fluxes))
      call drive(config, column, shaft)
      call shaft%setup(kernel, bulk%shape(modulo(column - 1, size(bulk%shape)) + 1), stat, &
        errmsg)
      if (stat /= 0) return
      call stream%seed(config%seed, column, member)
      call record(shaft, bulk%output_every, history, 1)
      do i = 0, (n_records - 1)*n_between - 1
        if (modulo(i, n_form) == 0) call shaft%form(kernel, i*config%dt, stream)
        call shaft%step(kernel, i*config%dt, config%dt, config%max_substeps, stream)
        if (modulo(i + 1, n_between) /= 0) cycle
        call record(shaft, bulk%output_every, history, 1 + (i + 1)/n_between)
        if (interrupted_by() /= 0) then
          call fail(err_interrupted, "interrupted, the file was not finished", stat, errmsg)
          return
        end if
      end do
    end associate
  end subroutine march

  !> Updraft and drops of a column, as the shaft by moments has them.
  subroutine drive(config, column, shaft)
    type(shaft_config_t), intent(in) :: config
    integer, intent(in) :: column
    type(droplet_shaft_t), intent(inout) :: shaft

    associate (bulk => config%bulk, forcing => shaft%forcing)
      forcing%n_levels = bulk%levels
      forcing%dz = bulk%dz
      forcing%cloud_base = bulk%cloud_base
      forcing%lapse = bulk%lapse
      forcing%updraft_time = bulk%updraft_time
      forcing%updraft_every = bulk%updraft_every
      forcing%updraft = [bulk%updraft_min + (bulk%updraft_max - bulk%updraft_min) &
        *(column - 1)/max(bulk%columns - 1, 1)]
      forcing%mean_radius = [bulk%mean_radius(modulo(column - 1, size(bulk%mean_radius)) &
        + 1)]
    end associate
    shaft%volume = config%volume
    shaft%n_new = config%new_droplets
    shaft%form_every = config%form_every
  end subroutine drive

  !> Profiles that are written: moments, and tallies if they are.
  pure integer function n_profiles(config)
    type(shaft_config_t), intent(in) :: config

    n_profiles = n_moments + merge(n_tallies, 0, config%tallies)
  end function n_profiles

  !> Keep the state of a shaft.
  subroutine record(shaft, interval, history, number)
    type(droplet_shaft_t), intent(inout) :: shaft
    real(wp), intent(in) :: interval !! between two records [s]
    type(history_t), intent(inout) :: history
    integer, intent(in) :: number !! of the record

    history%values(:, number, :n_moments) = transpose(shaft%moments())
    if (size(history%values, 3) > n_moments) then
      history%values(:, number, n_moments + 1:) = transpose(shaft%tally)/interval
    end if
    shaft%tally = 0.0_wp
    history%fluxes(number, :) = shaft%fluxes()
  end subroutine record

  !> Create the file and define all that will be in it.
  subroutine create_file(config, file, stat, errmsg)
    type(shaft_config_t), intent(in) :: config
    type(trajectory_t), intent(inout) :: file
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    integer :: i

    associate (bulk => config%bulk)
      call file%create(trim(bulk%output), stat, errmsg, time_units="s")
      if (stat == 0) call file%add_coordinate("level", [((i - 0.5_wp)*bulk%dz, &
        i=1, bulk%levels)], "m", "height", stat, errmsg)
      if (stat == 0) call file%add_dimension("column", bulk%columns, "column", stat, errmsg)
    end associate
    do i = 1, n_profiles(config)
      if (stat == 0) call file%add_variable(trim(profiles(i)), [character(len=6) :: &
        "level", "column"], trim(profile_units(i)), trim(merge( &
        "mean over the members                           ", &
        "mean over the members and since the last record ", i <= n_moments)), .false., &
        stat, errmsg)
    end do
    do i = 1, n_fluxes
      if (stat == 0) call file%add_variable(trim(fluxes(i)), ["column"], "kg m-2", &
        trim(flux_names(i)), .false., stat, errmsg)
    end do
    if (stat == 0) call file%add_variable("rained_se", ["column"], "kg m-2", &
      "standard error of rained", .false., stat, errmsg)
    if (stat == 0) call file%add_variable("rain_rate", ["column"], "kg m-2 s-1", &
      "rain at the ground, mean since the last record", .false., stat, errmsg)
    if (stat == 0) call file%add_variable("rain_rate_se", ["column"], "kg m-2 s-1", &
      "standard error of rain_rate", .false., stat, errmsg)
    if (stat == 0) call define_attributes(config, file, stat, errmsg)
  end subroutine create_file

  !> How the file was made.
  subroutine define_attributes(config, file, stat, errmsg)
    type(shaft_config_t), intent(in) :: config
    type(trajectory_t), intent(inout) :: file
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    call file%add_attribute("Conventions", "CF-1.11", stat, errmsg)
    if (stat == 0) call file%add_attribute("source", "isthmus-rain-shaft "// &
      isthmus_version, stat, errmsg)
    if (stat == 0) call file%add_attribute("kernel", trim(config%kernel), stat, errmsg)
    if (stat == 0) call file%add_attribute("members", config%members, stat, errmsg)
    if (stat == 0) call file%add_attribute("new_droplets", config%new_droplets, stat, &
      errmsg)
    if (stat == 0) call file%add_attribute("form_every", config%form_every, stat, errmsg)
    if (stat == 0) call file%add_attribute("volume", config%volume, stat, errmsg)
    if (stat == 0) call file%add_attribute("seed", config%seed, stat, errmsg)
    if (stat == 0) call file%add_attribute("dt", config%dt, stat, errmsg)
  end subroutine define_attributes

  !> Means over the members, record by record.
  subroutine write_file(config, histories, file, stat, errmsg)
    type(shaft_config_t), intent(in) :: config
    type(history_t), intent(in) :: histories(:, :) !! (member, column)
    type(trajectory_t), intent(inout) :: file
    integer, intent(inout) :: stat
    character(len=*), intent(inout) :: errmsg

    real(wp), allocatable :: layer(:, :), values(:, :)
    integer :: i, k, record

    allocate (values(size(histories, 1), size(histories, 2)))
    do record = 1, size(histories(1, 1)%fluxes, 1)
      if (stat == 0) call file%begin_record((record - 1)*config%bulk%output_every, stat, &
        errmsg)
      do k = 1, n_profiles(config)
        call mean_profile(histories, record, k, layer)
        if (stat == 0) call file%write_field(trim(profiles(k)), layer, stat, errmsg)
      end do
      do k = 1, n_fluxes
        values = reshape([(histories(modulo(i, size(values, 1)) + 1, &
          i/size(values, 1) + 1)%fluxes(record, k), i=0, size(values) - 1)], shape(values))
        if (stat == 0) call file%write_field(trim(fluxes(k)), mean_of(values), stat, errmsg)
        if (k /= 2) cycle
        if (stat == 0) call file%write_field("rained_se", error_of(values), stat, errmsg)
        if (record > 1) then
          values = values - reshape([(histories(modulo(i, size(values, 1)) + 1, &
            i/size(values, 1) + 1)%fluxes(record - 1, k), i=0, size(values) - 1)], &
            shape(values))
        end if
        values = values/config%bulk%output_every
        if (stat == 0) call file%write_field("rain_rate", mean_of(values), stat, errmsg)
        if (stat == 0) call file%write_field("rain_rate_se", error_of(values), stat, errmsg)
      end do
    end do
  end subroutine write_file

  !> Profiles of one moment or tally.
  subroutine mean_profile(histories, record, which, layer)
    type(history_t), intent(in) :: histories(:, :) !! (member, column)
    integer, intent(in) :: record
    integer, intent(in) :: which
    real(wp), allocatable, intent(out) :: layer(:, :) !! (level, column)

    integer :: column, member

    allocate (layer(size(histories(1, 1)%values, 1), size(histories, 2)), source=0.0_wp)
    do column = 1, size(histories, 2)
      do member = 1, size(histories, 1)
        layer(:, column) = layer(:, column) &
          + histories(member, column)%values(:, record, which)
      end do
    end do
    layer = layer/size(histories, 1)
  end subroutine mean_profile

  !> Means over the members.
  pure function mean_of(values) result(mean)
    real(wp), intent(in) :: values(:, :) !! (member, column)
    real(wp) :: mean(size(values, 2), 1)

    mean(:, 1) = sum(values, 1)/size(values, 1)
  end function mean_of

  !> Standard errors of the means, 0 of one member.
  pure function error_of(values) result(error)
    real(wp), intent(in) :: values(:, :) !! (member, column)
    real(wp) :: error(size(values, 2), 1)

    integer :: n

    n = size(values, 1)
    error = mean_of(values)
    error(:, 1) = sqrt(sum((values - spread(error(:, 1), 1, n))**2, 1)/max(1, n - 1)/n)
  end function error_of

end module superdroplet_shaft_run
