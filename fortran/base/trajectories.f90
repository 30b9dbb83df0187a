! SPDX-License-Identifier: MIT
!> Trajectories in netCDF-4 files with CF attributes, time unlimited.
!>
!> The file is written as `<path>.part` and renamed by `finish`, so that a run that dies
!> leaves no half-written file in place of a good one. Order of calls: `create`,
!> `add_dimension` or `add_coordinate`, `add_variable`, `add_attribute`, then
!> `write_constant`, per record `begin_record` and `write_field`, at last `finish` (or
!> `finish(as=...)`, or `abandon`).
module trajectories
  use failures, only: err_file, fail, succeed
  use files, only: check_writable, delete_file, move_file
  use kinds, only: real32, wp
  use netcdf, only: nf90_char, nf90_clobber, nf90_close, nf90_create, nf90_def_dim, &
    nf90_def_var, nf90_double, nf90_enddef, nf90_float, nf90_global, nf90_inq_dimid, &
    nf90_inq_varid, nf90_inquire_dimension, nf90_inquire_variable, nf90_int, &
    nf90_netcdf4, nf90_noerr, nf90_put_att, nf90_put_var, nf90_strerror, nf90_sync, &
    nf90_unlimited
  implicit none
  private
  public :: trajectory_t

  integer, parameter :: chunk_values = 65536 !! values in a chunk, at most about this many
  integer, parameter :: chunk_records = 512  !! records in a chunk, at most

  !> A trajectory that is being written.
  type :: trajectory_t
    private
    character(len=:), allocatable :: path !! final name
    integer :: ncid = -1
    integer :: time_dim = -1
    integer :: time_var = -1
    integer :: n_records = 0
    logical :: is_defining = .false.
  contains
    procedure, public :: create
    procedure, public :: add_dimension
    procedure, public :: add_coordinate
    procedure, public :: add_texts
    procedure, public :: add_variable
    procedure, public :: add_constant
    procedure, public :: add_mark
    procedure, public :: add_number_mark
    procedure, public :: add_integer_mark
    procedure, public :: write_constant
    procedure, public :: write_layer
    generic, public :: add_attribute => add_text, add_real, add_integer
    procedure, public :: begin_record
    procedure, public :: write_field
    procedure, public :: finish
    procedure, public :: abandon
    procedure, public :: is_open
    procedure :: add_text
    procedure :: add_real
    procedure :: add_integer
    procedure :: check
  end type trajectory_t

contains

  !> Open the file and define time.
  subroutine create(self, path, stat, errmsg, time_units)
    class(trajectory_t), intent(inout) :: self
    character(len=*), intent(in) :: path !! final name of the file
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=*), intent(in), optional :: time_units !! "1" if absent

    integer :: status

    self%path = path
    self%n_records = 0
    call check_writable(path//".part", stat, errmsg)
    if (present(stat)) then
      if (stat /= 0) return
    end if
    status = nf90_create(path//".part", ior(nf90_clobber, nf90_netcdf4), self%ncid)
    if (status /= nf90_noerr) then
      self%ncid = -1
      call fail(err_file, "cannot write '"//path//"': "//trim(nf90_strerror(status)), &
        stat, errmsg)
      return
    end if
    self%is_defining = .true.
    status = nf90_def_dim(self%ncid, "time", nf90_unlimited, self%time_dim)
    if (status == nf90_noerr) status = nf90_def_var(self%ncid, "time", nf90_double, &
      [self%time_dim], self%time_var, chunksizes=[chunk_records])
    if (status == nf90_noerr) status = &
      nf90_put_att(self%ncid, self%time_var, "standard_name", "time")
    if (status == nf90_noerr) status = &
      nf90_put_att(self%ncid, self%time_var, "long_name", "model time")
    if (status == nf90_noerr) status = nf90_put_att(self%ncid, self%time_var, "axis", "T")
    if (present(time_units)) then
      if (status == nf90_noerr) status = &
        nf90_put_att(self%ncid, self%time_var, "units", time_units)
      if (status == nf90_noerr) status = &
        nf90_put_att(self%ncid, self%time_var, "calendar", "proleptic_gregorian")
    else
      if (status == nf90_noerr) status = &
        nf90_put_att(self%ncid, self%time_var, "units", "1")
    end if
    call self%check(status, "time", stat, errmsg)
  end subroutine create

  !> Define a dimension with its coordinate 0, 1, 2, ...
  subroutine add_dimension(self, name, length, long_name, stat, errmsg)
    class(trajectory_t), intent(inout) :: self
    character(len=*), intent(in) :: name      !! of the dimension and the coordinate
    integer, intent(in) :: length             !! extent
    character(len=*), intent(in) :: long_name !! what it counts
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: dim, i, status, var

    status = nf90_def_dim(self%ncid, name, length, dim)
    if (status == nf90_noerr) status = nf90_def_var(self%ncid, name, nf90_int, [dim], var)
    if (status == nf90_noerr) status = nf90_put_att(self%ncid, var, "long_name", long_name)
    if (status == nf90_noerr) status = nf90_put_att(self%ncid, var, "units", "1")
    if (status == nf90_noerr) status = nf90_put_var(self%ncid, var, [(i - 1, i=1, length)])
    call self%check(status, name, stat, errmsg)
  end subroutine add_dimension

  !> Define a dimension and its coordinate.
  subroutine add_coordinate(self, name, values, units, long_name, stat, errmsg)
    class(trajectory_t), intent(inout) :: self
    character(len=*), intent(in) :: name      !! of the dimension and the coordinate
    real(wp), intent(in) :: values(:)         !! of the coordinate
    character(len=*), intent(in) :: units     !! of the coordinate
    character(len=*), intent(in) :: long_name !! what it is
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: dim, status, var

    status = nf90_def_dim(self%ncid, name, size(values), dim)
    if (status == nf90_noerr) status = &
      nf90_def_var(self%ncid, name, nf90_double, [dim], var)
    if (status == nf90_noerr) status = nf90_put_att(self%ncid, var, "long_name", long_name)
    if (status == nf90_noerr) status = nf90_put_att(self%ncid, var, "units", units)
    if (status == nf90_noerr) status = nf90_put_var(self%ncid, var, values)
    call self%check(status, name, stat, errmsg)
  end subroutine add_coordinate

  !> Define a variable of texts over one dimension, and write it.
  subroutine add_texts(self, name, dim, texts, long_name, stat, errmsg)
    class(trajectory_t), intent(inout) :: self
    character(len=*), intent(in) :: name      !! of the variable
    character(len=*), intent(in) :: dim       !! its dimension
    character(len=*), intent(in) :: texts(:)  !! its values
    character(len=*), intent(in) :: long_name !! what they are
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=len(texts)) :: ended(size(texts))
    integer :: i, ids(2), status, var

    ! Readers cut at the first null, and keep blanks.
    ended = texts
    do i = 1, size(texts)
      ended(i)(len_trim(texts(i)) + 1:) = repeat(achar(0), len(texts))
    end do
    status = nf90_def_dim(self%ncid, name//"_length", len(texts), ids(1))
    if (status == nf90_noerr) status = nf90_inq_dimid(self%ncid, dim, ids(2))
    if (status == nf90_noerr) status = nf90_def_var(self%ncid, name, nf90_char, ids, var)
    if (status == nf90_noerr) status = nf90_put_att(self%ncid, var, "long_name", long_name)
    if (status == nf90_noerr) status = nf90_put_var(self%ncid, var, ended)
    call self%check(status, name, stat, errmsg)
  end subroutine add_texts

  !> Define a variable over (`sites`, `members`, time) in Fortran's order.
  subroutine add_variable(self, name, dims, units, long_name, single, stat, errmsg)
    class(trajectory_t), intent(inout) :: self
    character(len=*), intent(in) :: name      !! of the variable
    character(len=*), intent(in) :: dims(:)   !! one or two before time, fastest first
    character(len=*), intent(in) :: units     !! "1" if it has none
    character(len=*), intent(in) :: long_name !! what it is
    logical, intent(in) :: single             !! store in single precision
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: extents(size(dims)), ids(size(dims)), status, var

    call find_dimensions(self, dims, ids, extents, status)
    if (status == nf90_noerr) status = nf90_def_var(self%ncid, name, &
      merge(nf90_float, nf90_double, single), [ids, self%time_dim], var, &
      chunksizes=[extents, chunk_length(product(extents))])
    if (status == nf90_noerr) status = nf90_put_att(self%ncid, var, "long_name", long_name)
    if (status == nf90_noerr) status = nf90_put_att(self%ncid, var, "units", units)
    call self%check(status, name, stat, errmsg)
  end subroutine add_variable

  !> Define a variable without time.
  subroutine add_constant(self, name, dims, units, long_name, single, stat, errmsg)
    class(trajectory_t), intent(inout) :: self
    character(len=*), intent(in) :: name      !! of the variable
    character(len=*), intent(in) :: dims(:)   !! dimensions, fastest first
    character(len=*), intent(in) :: units     !! "1" if it has none
    character(len=*), intent(in) :: long_name !! what it is
    logical, intent(in) :: single             !! store in single precision
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: extents(size(dims)), ids(size(dims)), status, var

    call find_dimensions(self, dims, ids, extents, status)
    if (status == nf90_noerr) status = nf90_def_var(self%ncid, name, &
      merge(nf90_float, nf90_double, single), ids, var)
    if (status == nf90_noerr) status = nf90_put_att(self%ncid, var, "long_name", long_name)
    if (status == nf90_noerr) status = nf90_put_att(self%ncid, var, "units", units)
    call self%check(status, name, stat, errmsg)
  end subroutine add_constant

  !> Add an attribute of a variable that is text; an empty one is left out.
  subroutine add_mark(self, variable, name, value, stat, errmsg)
    class(trajectory_t), intent(inout) :: self
    character(len=*), intent(in) :: variable !! whose attribute it is
    character(len=*), intent(in) :: name     !! of the attribute
    character(len=*), intent(in) :: value    !! its value
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: status, var

    status = nf90_inq_varid(self%ncid, variable, var)
    if (status == nf90_noerr .and. value /= "") then
      status = nf90_put_att(self%ncid, var, name, value)
    end if
    call self%check(status, variable//":"//name, stat, errmsg)
  end subroutine add_mark

  !> Add an attribute of a variable that is a number of the variable's own type.
  subroutine add_number_mark(self, variable, name, value, single, stat, errmsg)
    class(trajectory_t), intent(inout) :: self
    character(len=*), intent(in) :: variable !! whose attribute it is
    character(len=*), intent(in) :: name     !! of the attribute
    real(wp), intent(in) :: value            !! its value
    logical, intent(in) :: single            !! the variable is in single precision
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: status, var

    status = nf90_inq_varid(self%ncid, variable, var)
    if (status == nf90_noerr .and. single) then
      status = nf90_put_att(self%ncid, var, name, real(value, real32))
    else if (status == nf90_noerr) then
      status = nf90_put_att(self%ncid, var, name, value)
    end if
    call self%check(status, variable//":"//name, stat, errmsg)
  end subroutine add_number_mark

  !> Add an attribute of a variable that is an integer.
  subroutine add_integer_mark(self, variable, name, value, stat, errmsg)
    class(trajectory_t), intent(inout) :: self
    character(len=*), intent(in) :: variable !! whose attribute it is
    character(len=*), intent(in) :: name     !! of the attribute
    integer, intent(in) :: value             !! its value
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: status, var

    status = nf90_inq_varid(self%ncid, variable, var)
    if (status == nf90_noerr) status = nf90_put_att(self%ncid, var, name, value)
    call self%check(status, variable//":"//name, stat, errmsg)
  end subroutine add_integer_mark

  !> Write a variable without time, once all is defined. All its values in Fortran's order.
  subroutine write_constant(self, name, values, stat, errmsg)
    class(trajectory_t), intent(inout) :: self
    character(len=*), intent(in) :: name             !! of the variable
    real(wp), intent(in), contiguous :: values(:, :) !! all of it, or one dimension by 1
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: status, var

    status = nf90_noerr
    if (self%is_defining) status = nf90_enddef(self%ncid)
    self%is_defining = .false.
    if (status == nf90_noerr) status = nf90_inq_varid(self%ncid, name, var)
    if (status == nf90_noerr) then
      if (size(values, 2) == 1) then
        status = nf90_put_var(self%ncid, var, values(:, 1))
      else
        status = nf90_put_var(self%ncid, var, values)
      end if
    end if
    call self%check(status, name, stat, errmsg)
  end subroutine write_constant

  !> Write one layer of a variable of three dimensions without time.
  subroutine write_layer(self, name, layer, values, stat, errmsg)
    class(trajectory_t), intent(inout) :: self
    character(len=*), intent(in) :: name             !! of the variable
    integer, intent(in) :: layer                     !! index of its slowest dimension
    real(wp), intent(in), contiguous :: values(:, :) !! the layer
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: status, var

    status = nf90_inq_varid(self%ncid, name, var)
    if (status == nf90_noerr) status = nf90_put_var(self%ncid, var, values, &
      start=[1, 1, layer], count=[size(values, 1), size(values, 2), 1])
    call self%check(status, name, stat, errmsg)
  end subroutine write_layer

  !> Identifiers and extents of dimensions.
  subroutine find_dimensions(self, names, ids, extents, status)
    class(trajectory_t), intent(in) :: self
    character(len=*), intent(in) :: names(:) !! dimensions
    integer, intent(out) :: ids(:)           !! their identifiers
    integer, intent(out) :: extents(:)       !! their lengths
    integer, intent(out) :: status           !! netCDF's

    integer :: i

    ids = -1
    extents = 0
    status = nf90_noerr
    do i = 1, size(names)
      status = nf90_inq_dimid(self%ncid, trim(names(i)), ids(i))
      if (status == nf90_noerr) then
        status = nf90_inquire_dimension(self%ncid, ids(i), len=extents(i))
      end if
      if (status /= nf90_noerr) return
    end do
  end subroutine find_dimensions

  !> Records in a chunk: netCDF's own default of one makes long, thin runs slow and large.
  pure integer function chunk_length(n_values)
    integer, intent(in) :: n_values !! in one record

    chunk_length = max(1, min(chunk_records, chunk_values/max(1, n_values)))
  end function chunk_length

  !> Add a global attribute that is text.
  subroutine add_text(self, name, value, stat, errmsg)
    class(trajectory_t), intent(inout) :: self
    character(len=*), intent(in) :: name  !! of the attribute
    character(len=*), intent(in) :: value !! its value
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call self%check(nf90_put_att(self%ncid, nf90_global, name, value), name, stat, errmsg)
  end subroutine add_text

  !> Add a global attribute that is a real number.
  subroutine add_real(self, name, value, stat, errmsg)
    class(trajectory_t), intent(inout) :: self
    character(len=*), intent(in) :: name !! of the attribute
    real(wp), intent(in) :: value        !! its value
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call self%check(nf90_put_att(self%ncid, nf90_global, name, value), name, stat, errmsg)
  end subroutine add_real

  !> Add a global attribute that is an integer.
  subroutine add_integer(self, name, value, stat, errmsg)
    class(trajectory_t), intent(inout) :: self
    character(len=*), intent(in) :: name !! of the attribute
    integer, intent(in) :: value         !! its value
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call self%check(nf90_put_att(self%ncid, nf90_global, name, value), name, stat, errmsg)
  end subroutine add_integer

  !> Begin the record of a time; the first one ends the definitions.
  subroutine begin_record(self, time, stat, errmsg)
    class(trajectory_t), intent(inout) :: self
    real(wp), intent(in) :: time !! model time [1]
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: status

    status = nf90_noerr
    if (self%is_defining) status = nf90_enddef(self%ncid)
    self%is_defining = .false.
    self%n_records = self%n_records + 1
    if (status == nf90_noerr) status = &
      nf90_put_var(self%ncid, self%time_var, [time], start=[self%n_records], count=[1])
    call self%check(status, "time", stat, errmsg)
  end subroutine begin_record

  !> Write a variable of the present record.
  subroutine write_field(self, name, values, stat, errmsg)
    class(trajectory_t), intent(inout) :: self
    character(len=*), intent(in) :: name                !! of the variable
    real(wp), intent(in), contiguous :: values(:, :)
      !! (site, member), or (site, 1) of a variable of one dimension
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: n_dims, status, var

    status = nf90_inq_varid(self%ncid, name, var)
    if (status == nf90_noerr) status = nf90_inquire_variable(self%ncid, var, ndims=n_dims)
    if (status == nf90_noerr .and. n_dims == 2) then
      status = nf90_put_var(self%ncid, var, values(:, 1), start=[1, self%n_records], &
        count=[size(values, 1), 1])
    else if (status == nf90_noerr) then
      status = nf90_put_var(self%ncid, var, values, start=[1, 1, self%n_records], &
        count=[size(values, 1), size(values, 2), 1])
    end if
    call self%check(status, name, stat, errmsg)
  end subroutine write_field

  !> Close the file and give it its name.
  subroutine finish(self, as, stat, errmsg)
    class(trajectory_t), intent(inout) :: self
    character(len=*), intent(in), optional :: as !! another name than that of `create`
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: status

    ! The library writes much of the file only now: a full disk shows here.
    status = nf90_sync(self%ncid)
    if (status == nf90_noerr) then
      status = nf90_close(self%ncid)
      if (status == nf90_noerr) self%ncid = -1
    end if
    if (status /= nf90_noerr) then
      call self%check(status, "the end of the file", stat, errmsg)
      return
    end if
    if (present(as)) then
      call move_file(self%path//".part", as, stat, errmsg)
    else
      call move_file(self%path//".part", self%path, stat, errmsg)
    end if
  end subroutine finish

  !> Close and delete what was written.
  subroutine abandon(self)
    class(trajectory_t), intent(inout) :: self

    integer :: ignored

    if (.not. self%is_open()) return
    ignored = nf90_close(self%ncid)
    self%ncid = -1
    call delete_file(self%path//".part")
  end subroutine abandon

  !> True between `create` and `finish`.
  pure logical function is_open(self)
    class(trajectory_t), intent(in) :: self

    is_open = self%ncid /= -1
  end function is_open

  !> Turn a netCDF status into ours; a file that failed is removed.
  subroutine check(self, status, what, stat, errmsg)
    class(trajectory_t), intent(inout) :: self
    integer, intent(in) :: status        !! netCDF's
    character(len=*), intent(in) :: what !! what was being written
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    if (status == nf90_noerr) then
      call succeed(stat)
      return
    end if
    call self%abandon()
    call fail(err_file, "cannot write '"//what//"' to '"//self%path//"': "// &
      trim(nf90_strerror(status))//" (is the disk full?)", stat, errmsg)
  end subroutine check

end module trajectories
