! SPDX-License-Identifier: MIT
!> Bulk moments of an ensemble of clouds in netCDF, case by case.
!>
!> The file grows as `<path>.part`, in which each case is marked once it is finished; a run
!> that was stopped goes on from there. It gets its name when all cases are in it.
module rain_output
  use failures, only: err_file, fail, succeed
  use files, only: check_writable, move_file
  use kinds, only: wp
  use netcdf, only: nf90_byte, nf90_close, nf90_create, nf90_def_dim, nf90_def_var, &
    nf90_def_var_deflate, nf90_double, nf90_enddef, nf90_get_att, nf90_get_var, &
    nf90_global, nf90_inq_varid, nf90_inquire_attribute, nf90_netcdf4, nf90_noerr, &
    nf90_open, nf90_put_att, nf90_put_var, nf90_strerror, nf90_sync, nf90_write
  use rain_config, only: rain_config_t
  use rain_drops, only: cloud_t
  use superdroplets, only: n_moments
  use version, only: isthmus_version
  implicit none
  private
  public :: rain_output_t

  character(len=*), parameter :: names(n_moments) = ["lc", "lr", "nc", "nr"]
  character(len=*), parameter :: units(n_moments) = [character(len=6) :: "kg m-3", &
    "kg m-3", "m-3", "m-3"]
  character(len=*), parameter :: long_names(n_moments) = [character(len=40) :: &
    "mass of cloud water", "mass of rain water", "number of cloud drops", &
    "number of rain drops"]

  !> A file that is being filled.
  type :: rain_output_t
    character(len=:), allocatable :: path !! final name
    logical, allocatable :: is_finished(:) !! (case)
    integer, private :: ncid = -1
  contains
    procedure :: open => open_output
    procedure :: write_case
    procedure :: finish
    procedure :: close => close_output
    procedure, private :: create
    procedure, private :: resume
    procedure, private :: define
    procedure, private :: define_axes
    procedure, private :: define_attributes
    procedure, private :: write_design
    procedure, private :: check
  end type rain_output_t

contains

  !> Continue the file of a run with the same settings, or begin one.
  subroutine open_output(self, config, stat, errmsg)
    class(rain_output_t), intent(inout) :: self
    type(rain_config_t), intent(in) :: config
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    logical :: is_there

    self%path = trim(config%output)
    allocate (self%is_finished(config%n_cases()), source=.false.)
    inquire (file=self%path//".part", exist=is_there)
    if (is_there) then
      call self%resume(config, stat, errmsg)
    else
      call self%create(config, stat, errmsg)
    end if
  end subroutine open_output

  !> Begin a file.
  subroutine create(self, config, stat, errmsg)
    class(rain_output_t), intent(inout) :: self
    type(rain_config_t), intent(in) :: config
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: status

    call check_writable(self%path//".part", stat, errmsg)
    if (present(stat)) then
      if (stat /= 0) return
    end if
    status = nf90_create(self%path//".part", nf90_netcdf4, self%ncid)
    if (status /= nf90_noerr) self%ncid = -1
    if (status == nf90_noerr) call self%define(config, status)
    if (status == nf90_noerr) status = nf90_enddef(self%ncid)
    if (status == nf90_noerr) call self%write_design(config, status)
    if (status == nf90_noerr) status = nf90_sync(self%ncid)
    call self%check(status, stat, errmsg)
  end subroutine create

  !> Open the file of a run that was stopped.
  subroutine resume(self, config, stat, errmsg)
    class(rain_output_t), intent(inout) :: self
    type(rain_config_t), intent(in) :: config
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=:), allocatable :: found
    integer :: length, marks(size(self%is_finished)), status, var

    status = nf90_open(self%path//".part", nf90_write, self%ncid)
    if (status /= nf90_noerr) self%ncid = -1
    if (status == nf90_noerr) status = nf90_inquire_attribute(self%ncid, nf90_global, &
      "settings", len=length)
    if (status == nf90_noerr) then
      allocate (character(len=length) :: found)
      status = nf90_get_att(self%ncid, nf90_global, "settings", found)
    end if
    if (status /= nf90_noerr) then
      call self%close()
      call fail(err_file, "'"//self%path//".part' is there and cannot be continued: "// &
        trim(nf90_strerror(status))//" (delete it to begin anew)", stat, errmsg)
      return
    end if
    if (found /= config%signature()) then
      call self%close()
      call fail(err_file, "'"//self%path//".part' belongs to a run with other "// &
        "settings: "//difference(found, config%signature())// &
        " (delete it to begin anew)", stat, errmsg)
      return
    end if
    status = nf90_inq_varid(self%ncid, "finished", var)
    if (status == nf90_noerr) status = nf90_get_var(self%ncid, var, marks)
    if (status == nf90_noerr) self%is_finished = marks == 1
    call self%check(status, stat, errmsg)
  end subroutine resume

  !> The first word in which two texts differ.
  pure function difference(found, expected) result(text)
    character(len=*), intent(in) :: found
    character(len=*), intent(in) :: expected
    character(len=:), allocatable :: text

    integer :: first, i

    first = 1
    do i = 1, min(len(found), len(expected))
      if (found(i:i) /= expected(i:i)) exit
      if (found(i:i) == " ") first = i + 1
    end do
    text = "it has '"//word(found(first:))//"', the namelist '"//word(expected(first:))//"'"
  end function difference

  !> Up to the first blank.
  pure function word(text)
    character(len=*), intent(in) :: text
    character(len=:), allocatable :: word

    word = text(:index(text//" ", " ") - 1)
  end function word

  !> Dimensions, variables and attributes.
  subroutine define(self, config, status)
    class(rain_output_t), intent(inout) :: self
    type(rain_config_t), intent(in) :: config
    integer, intent(out) :: status !! netCDF's

    integer :: dims(2), i, var

    call self%define_axes(config, dims, status)
    do i = 1, n_moments
      if (status == nf90_noerr) call add(self%ncid, trim(names(i)), dims, trim(units(i)), &
        "mean over the members: "//trim(long_names(i)), status)
      if (status == nf90_noerr) call add(self%ncid, names(i)//"_se", dims, trim(units(i)), &
        "standard error of the mean: "//trim(long_names(i)), status)
    end do
    if (status == nf90_noerr) call add(self%ncid, "liquid_water", dims(2:), "kg m-3", &
      "mass of all water", status)
    if (status == nf90_noerr) call add(self%ncid, "mean_radius", dims(2:), "m", &
      "radius of the mean mass at the start", status)
    if (status == nf90_noerr) call add(self%ncid, "shape", dims(2:), "1", &
      "exponent of mass in the gamma distribution at the start", status)
    if (status == nf90_noerr) call add(self%ncid, "lost", dims(2:), "1", &
      "part of the collisions that were due and not made, for want of drops", status)
    if (status == nf90_noerr) status = nf90_def_var(self%ncid, "finished", nf90_byte, &
      dims(2:), var)
    if (status == nf90_noerr) status = nf90_put_att(self%ncid, var, "long_name", &
      "1 if the case has been run")
    if (status == nf90_noerr) call self%define_attributes(config, status)
  end subroutine define

  !> Time and cases.
  subroutine define_axes(self, config, dims, status)
    class(rain_output_t), intent(inout) :: self
    type(rain_config_t), intent(in) :: config
    integer, intent(out) :: dims(2) !! time, case
    integer, intent(out) :: status  !! netCDF's

    integer :: var

    associate (ensemble => config%ensemble())
      status = nf90_def_dim(self%ncid, "time", ensemble%n_records, dims(1))
    end associate
    if (status == nf90_noerr) status = nf90_def_dim(self%ncid, "case", config%n_cases(), &
      dims(2))
    if (status == nf90_noerr) call add(self%ncid, "time", dims(:1), "s", "model time", &
      status)
    if (status == nf90_noerr) status = nf90_inq_varid(self%ncid, "time", var)
    if (status == nf90_noerr) status = nf90_put_att(self%ncid, var, "axis", "T")
  end subroutine define_axes

  !> Define a variable of numbers.
  subroutine add(ncid, name, dims, units, long_name, status)
    integer, intent(in) :: ncid
    character(len=*), intent(in) :: name
    integer, intent(in) :: dims(:)
    character(len=*), intent(in) :: units
    character(len=*), intent(in) :: long_name
    integer, intent(out) :: status !! netCDF's

    integer :: var

    status = nf90_def_var(ncid, name, nf90_double, dims, var)
    if (status == nf90_noerr .and. size(dims) == 2) status = &
      nf90_def_var_deflate(ncid, var, 1, 1, 1)
    if (status == nf90_noerr) status = nf90_put_att(ncid, var, "units", units)
    if (status == nf90_noerr) status = nf90_put_att(ncid, var, "long_name", long_name)
  end subroutine add

  !> What the file is, and how it was made.
  subroutine define_attributes(self, config, status)
    class(rain_output_t), intent(inout) :: self
    type(rain_config_t), intent(in) :: config
    integer, intent(out) :: status !! netCDF's

    status = nf90_put_att(self%ncid, nf90_global, "Conventions", "CF-1.11")
    if (status == nf90_noerr) status = nf90_put_att(self%ncid, nf90_global, "title", &
      "Bulk moments of warm rain in boxes")
    if (status == nf90_noerr) status = nf90_put_att(self%ncid, nf90_global, "source", &
      "isthmus-rain "//isthmus_version)
    if (status == nf90_noerr) status = nf90_put_att(self%ncid, nf90_global, "kernel", &
      trim(config%kernel))
    if (status == nf90_noerr) status = nf90_put_att(self%ncid, nf90_global, "method", &
      trim(config%method))
    if (status == nf90_noerr) status = nf90_put_att(self%ncid, nf90_global, "dt", config%dt)
    if (status == nf90_noerr) status = nf90_put_att(self%ncid, nf90_global, "settings", &
      config%signature())
    if (status == nf90_noerr .and. config%method == "bins") status = nf90_put_att( &
      self%ncid, nf90_global, "per_doubling", config%per_doubling)
    if (config%method == "bins") return
    if (status == nf90_noerr) status = nf90_put_att(self%ncid, nf90_global, "sampling", &
      trim(config%sampling))
    if (status == nf90_noerr) status = nf90_put_att(self%ncid, nf90_global, "droplets", &
      config%droplets)
    if (status == nf90_noerr) status = nf90_put_att(self%ncid, nf90_global, "members", &
      config%members)
    if (status == nf90_noerr) status = nf90_put_att(self%ncid, nf90_global, "seed", &
      config%seed)
    if (status == nf90_noerr) status = nf90_put_att(self%ncid, nf90_global, "volume", &
      config%volume)
  end subroutine define_attributes

  !> What is known before anything is run.
  subroutine write_design(self, config, status)
    class(rain_output_t), intent(inout) :: self
    type(rain_config_t), intent(in) :: config
    integer, intent(out) :: status !! netCDF's

    type(cloud_t), allocatable :: clouds(:)
    integer :: i

    allocate (clouds(config%n_cases()))
    do i = 1, size(clouds)
      clouds(i) = config%cloud(i)
    end do
    associate (ensemble => config%ensemble())
      call put(self%ncid, "time", &
        [(config%output_every*(i - 1), i=1, ensemble%n_records)], status)
    end associate
    if (status == nf90_noerr) call put(self%ncid, "liquid_water", clouds%liquid_water, &
      status)
    if (status == nf90_noerr) call put(self%ncid, "mean_radius", clouds%mean_radius, status)
    if (status == nf90_noerr) call put(self%ncid, "shape", clouds%shape, status)
    if (status == nf90_noerr) call put(self%ncid, "finished", spread(0.0_wp, 1, &
      size(clouds)), status)
  end subroutine write_design

  !> Write values of a variable of one dimension, or a row of one of two.
  subroutine put(ncid, name, values, status, start)
    integer, intent(in) :: ncid
    character(len=*), intent(in) :: name
    real(wp), intent(in) :: values(:)
    integer, intent(out) :: status           !! netCDF's
    integer, intent(in), optional :: start(:) !! first place; all if absent

    integer :: counts(2), var

    status = nf90_inq_varid(ncid, name, var)
    if (status /= nf90_noerr) return
    if (present(start)) then
      counts = [size(values), 1]
      status = nf90_put_var(ncid, var, values, start=start, count=counts(:size(start)))
    else
      status = nf90_put_var(ncid, var, values)
    end if
  end subroutine put

  !> Write a case and mark it as finished.
  subroutine write_case(self, number, means, errors, lost, stat, errmsg)
    class(rain_output_t), intent(inout) :: self
    integer, intent(in) :: number        !! of the case
    real(wp), intent(in) :: means(:, :)  !! (moment, record)
    real(wp), intent(in) :: errors(:, :) !! standard errors of them
    real(wp), intent(in) :: lost         !! part of the collisions not made [1]
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: i, status

    status = nf90_noerr
    do i = 1, n_moments
      if (status == nf90_noerr) call put(self%ncid, trim(names(i)), means(i, :), status, &
        [1, number])
      if (status == nf90_noerr) call put(self%ncid, names(i)//"_se", errors(i, :), status, &
        [1, number])
    end do
    if (status == nf90_noerr) call put(self%ncid, "lost", [lost], status, [number])
    if (status == nf90_noerr) call put(self%ncid, "finished", [1.0_wp], status, [number])
    if (status == nf90_noerr) status = nf90_sync(self%ncid)
    if (status == nf90_noerr) self%is_finished(number) = .true.
    call self%check(status, stat, errmsg)
  end subroutine write_case

  !> Give the file its name.
  subroutine finish(self, stat, errmsg)
    class(rain_output_t), intent(inout) :: self
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: status

    status = nf90_close(self%ncid)
    self%ncid = -1
    if (status /= nf90_noerr) then
      call self%check(status, stat, errmsg)
    else
      call move_file(self%path//".part", self%path, stat, errmsg)
    end if
  end subroutine finish

  !> Close an unfinished file, to be continued.
  subroutine close_output(self)
    class(rain_output_t), intent(inout) :: self

    integer :: ignored

    if (self%ncid /= -1) ignored = nf90_close(self%ncid)
    self%ncid = -1
  end subroutine close_output

  !> Turn a netCDF status into ours.
  subroutine check(self, status, stat, errmsg)
    class(rain_output_t), intent(inout) :: self
    integer, intent(in) :: status !! netCDF's
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    if (status == nf90_noerr) then
      call succeed(stat)
      return
    end if
    call self%close()
    call fail(err_file, "cannot write '"//self%path//".part': "// &
      trim(nf90_strerror(status))//" (is the disk full?)", stat, errmsg)
  end subroutine check

end module rain_output
