! SPDX-License-Identifier: MIT
!> Variables out of netCDF files, checked: there, of the right dimensions, of known units.
!>
!> Each failure is one sentence that names the file, the variable, what was expected and
!> what was found. Only the first one is kept: a caller reads all it needs and looks at
!> `problem` once.
module netcdf_inputs
  use, intrinsic :: ieee_arithmetic, only: ieee_quiet_nan, ieee_value
  use kinds, only: wp
  use netcdf, only: nf90_char, nf90_close, nf90_get_att, nf90_get_var, nf90_inq_varid, &
    nf90_inquire, nf90_inquire_attribute, nf90_inquire_dimension, nf90_inquire_variable, &
    nf90_max_name, nf90_max_var_dims, nf90_noerr, nf90_nowrite, nf90_open, nf90_strerror
  implicit none
  private
  public :: netcdf_input_t

  real(wp), parameter :: never_written = 9.9e35_wp
    !! netCDF's own mark of values that were not written is greater

  !> A file that is read.
  type :: netcdf_input_t
    character(len=:), allocatable :: path
    character(len=1024) :: problem = "" !! the first one, "" if there is none
    integer, private :: ncid = -1
  contains
    procedure :: open => open_input
    procedure :: close => close_input
    procedure :: has
    procedure :: first_of
    procedure :: text_attribute
    procedure :: check_units
    procedure :: axis
    procedure :: list_dimensions
    procedure :: extents
    generic :: read => read_vector, read_field, read_record
    procedure, private :: read_vector
    procedure, private :: read_field
    procedure, private :: read_record
    procedure, private :: find
    procedure, private :: unpack
    procedure, private :: complain
  end type netcdf_input_t

contains

  subroutine open_input(self, path)
    class(netcdf_input_t), intent(inout) :: self
    character(len=*), intent(in) :: path !! file

    integer :: status

    self%path = path
    self%problem = ""
    status = nf90_open(path, nf90_nowrite, self%ncid)
    if (status == nf90_noerr) return
    self%ncid = -1
    call self%complain("cannot be read: "//trim(nf90_strerror(status)))
  end subroutine open_input

  subroutine close_input(self)
    class(netcdf_input_t), intent(inout) :: self

    integer :: ignored

    if (self%ncid /= -1) ignored = nf90_close(self%ncid)
    self%ncid = -1
  end subroutine close_input

  !> Keep the first problem.
  subroutine complain(self, text)
    class(netcdf_input_t), intent(inout) :: self
    character(len=*), intent(in) :: text !! about the file

    if (self%problem == "") self%problem = "'"//self%path//"' "//text
  end subroutine complain

  !> Whether the file has a variable.
  logical function has(self, name)
    class(netcdf_input_t), intent(in) :: self
    character(len=*), intent(in) :: name !! of the variable

    integer :: var

    has = .false.
    if (self%ncid /= -1) has = nf90_inq_varid(self%ncid, name, var) == nf90_noerr
  end function has

  !> The first of several names that the file has; a problem if it has none.
  function first_of(self, candidates) result(name)
    class(netcdf_input_t), intent(inout) :: self
    character(len=*), intent(in) :: candidates(:) !! names of a variable
    character(len=:), allocatable :: name

    integer :: i

    name = trim(candidates(1))
    do i = 1, size(candidates)
      if (self%has(trim(candidates(i)))) then
        name = trim(candidates(i))
        return
      end if
    end do
    i = self%find(name)
  end function first_of

  !> The variable's number; a problem that lists what there is if it is absent.
  integer function find(self, name) result(var)
    class(netcdf_input_t), intent(inout) :: self
    character(len=*), intent(in) :: name !! of the variable

    character(len=nf90_max_name) :: other
    character(len=:), allocatable :: others
    integer :: i, n, status

    var = -1
    if (self%ncid == -1) return
    if (nf90_inq_varid(self%ncid, name, var) == nf90_noerr) return
    var = -1
    others = ""
    status = nf90_inquire(self%ncid, nVariables=n)
    do i = 1, n
      status = nf90_inquire_variable(self%ncid, i, name=other)
      if (status == nf90_noerr) others = others//" '"//trim(other)//"'"
    end do
    call self%complain("has no variable '"//name//"': add or rename it; it has:"//others)
  end function find

  !> An attribute of a variable, "" if it is absent.
  function text_attribute(self, name, attribute) result(text)
    class(netcdf_input_t), intent(in) :: self
    character(len=*), intent(in) :: name      !! of the variable
    character(len=*), intent(in) :: attribute !! its name
    character(len=:), allocatable :: text

    integer :: length, status, var, xtype

    text = ""
    if (self%ncid == -1) return
    if (nf90_inq_varid(self%ncid, name, var) /= nf90_noerr) return
    status = nf90_inquire_attribute(self%ncid, var, attribute, xtype=xtype, len=length)
    if (status /= nf90_noerr .or. xtype /= nf90_char) return
    deallocate (text)
    allocate (character(len=length) :: text)
    status = nf90_get_att(self%ncid, var, attribute, text)
    if (status /= nf90_noerr) text = ""
    length = scan(text, achar(0))
    if (length > 0) text = text(:length - 1)
  end function text_attribute

  !> Complain if a variable's units are none of those accepted.
  subroutine check_units(self, name, accepted)
    class(netcdf_input_t), intent(inout) :: self
    character(len=*), intent(in) :: name        !! of the variable
    character(len=*), intent(in) :: accepted(:) !! e.g. ["m", "metre"]; the first is advised

    character(len=:), allocatable :: units

    if (self%problem /= "") return
    units = self%text_attribute(name, "units")
    if (any(accepted == units)) return
    if (units == "") then
      call self%complain("does not say the units of '"//name//"': set its attribute "// &
        "'units', expected '"//trim(accepted(1))//"'")
    else
      call self%complain("gives '"//name//"' in '"//units//"', expected '"// &
        trim(accepted(1))//"': convert it")
    end if
  end subroutine check_units

  !> Name of the only dimension of a coordinate.
  function axis(self, name) result(dimension_name)
    class(netcdf_input_t), intent(inout) :: self
    character(len=*), intent(in) :: name !! of the coordinate
    character(len=:), allocatable :: dimension_name

    character(len=nf90_max_name), allocatable :: dims(:)

    call self%list_dimensions(name, dims)
    dimension_name = ""
    if (size(dims) == 1) then
      dimension_name = trim(dims(1))
    else if (self%problem == "") then
      call self%complain("has '"//name//"' of several dimensions, expected one")
    end if
  end function axis

  !> Names of the dimensions of a variable, the fastest first.
  subroutine list_dimensions(self, name, names)
    class(netcdf_input_t), intent(inout) :: self
    character(len=*), intent(in) :: name !! of the variable
    character(len=nf90_max_name), allocatable, intent(out) :: names(:)

    integer :: dims(nf90_max_var_dims), i, n, status, var

    allocate (names(0))
    var = self%find(name)
    if (var == -1) return
    status = nf90_inquire_variable(self%ncid, var, ndims=n, dimids=dims)
    if (status /= nf90_noerr) return
    deallocate (names)
    allocate (names(n))
    do i = 1, n
      status = nf90_inquire_dimension(self%ncid, dims(i), name=names(i))
    end do
  end subroutine list_dimensions

  !> Extents of a variable, the fastest first.
  function extents(self, name)
    class(netcdf_input_t), intent(inout) :: self
    character(len=*), intent(in) :: name !! of the variable
    integer, allocatable :: extents(:)

    integer :: dims(nf90_max_var_dims), i, n, status, var

    allocate (extents(0))
    var = self%find(name)
    if (var == -1) return
    status = nf90_inquire_variable(self%ncid, var, ndims=n, dimids=dims)
    if (status /= nf90_noerr) return
    deallocate (extents)
    allocate (extents(n), source=0)
    do i = 1, n
      status = nf90_inquire_dimension(self%ncid, dims(i), len=extents(i))
    end do
  end function extents

  !> Read a variable of one dimension; it is allocated. Missing values become NaN.
  subroutine read_vector(self, name, values)
    class(netcdf_input_t), intent(inout) :: self
    character(len=*), intent(in) :: name                 !! of the variable
    real(wp), allocatable, intent(out) :: values(:)

    integer, allocatable :: lengths(:)
    integer :: status, var

    allocate (values(0))
    var = self%find(name)
    if (var == -1) return
    lengths = self%extents(name)
    if (size(lengths) /= 1) then
      call self%complain("has '"//name//"' of several dimensions, expected one")
      return
    end if
    deallocate (values)
    allocate (values(lengths(1)))
    status = nf90_get_var(self%ncid, var, values)
    if (status /= nf90_noerr) call self%complain("'"//name//"': "//nf90_strerror(status))
    call self%unpack(name, values)
  end subroutine read_vector

  !> Read a variable of the two dimensions `dims`, the fastest first; it is allocated.
  subroutine read_field(self, name, dims, values)
    class(netcdf_input_t), intent(inout) :: self
    character(len=*), intent(in) :: name               !! of the variable
    character(len=*), intent(in) :: dims(2)            !! names of its dimensions
    real(wp), allocatable, intent(out) :: values(:, :)

    call read_slice(self, name, dims, 0, values)
  end subroutine read_field

  !> Read one record of a variable of the dimensions `dims` and a third, slower one.
  subroutine read_record(self, name, dims, record, values)
    class(netcdf_input_t), intent(inout) :: self
    character(len=*), intent(in) :: name               !! of the variable
    character(len=*), intent(in) :: dims(2)            !! its two fastest dimensions
    integer, intent(in) :: record                      !! from 1
    real(wp), allocatable, intent(out) :: values(:, :)

    call read_slice(self, name, dims, record, values)
  end subroutine read_record

  !> Read a variable of two dimensions, or a record of one of three.
  subroutine read_slice(self, name, dims, record, values)
    class(netcdf_input_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    character(len=*), intent(in) :: dims(2)
    integer, intent(in) :: record !! 0 if there are two dimensions
    real(wp), allocatable, intent(out) :: values(:, :)

    character(len=nf90_max_name), allocatable :: found(:)
    integer, allocatable :: lengths(:)
    integer :: n, status, var

    allocate (values(0, 0))
    var = self%find(name)
    if (var == -1 .or. self%problem /= "") return
    call self%list_dimensions(name, found)
    lengths = self%extents(name)
    n = merge(3, 2, record > 0)
    if (size(found) /= n) then
      call complain_of_dimensions(self, name, found, dims, n)
    else if (found(1) == dims(2) .and. found(2) == dims(1) .and. dims(1) /= dims(2)) then
      call self%complain("has '"//name//"' transposed: "//listed(found)//", expected "// &
        listed(dims)//" as last dimensions: transpose it")
    else if (any(found(:2) /= dims)) then
      call complain_of_dimensions(self, name, found, dims, n)
    end if
    if (self%problem /= "") return
    deallocate (values)
    allocate (values(lengths(1), lengths(2)))
    if (record > 0) then
      status = nf90_get_var(self%ncid, var, values, start=[1, 1, record], &
        count=[lengths(1), lengths(2), 1])
    else
      status = nf90_get_var(self%ncid, var, values)
    end if
    if (status /= nf90_noerr) call self%complain("'"//name//"': "//nf90_strerror(status))
    call unpack_field(self, name, values)
  end subroutine read_slice

  !> Say which dimensions were expected.
  subroutine complain_of_dimensions(self, name, found, dims, n)
    class(netcdf_input_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    character(len=*), intent(in) :: found(:) !! dimensions, fastest first
    character(len=*), intent(in) :: dims(2)  !! expected, fastest first
    integer, intent(in) :: n                 !! expected number of dimensions

    if (n == 3) then
      call self%complain("has '"//name//"' over "//listed(found)// &
        ", expected a time and "//listed(dims))
    else
      call self%complain("has '"//name//"' over "//listed(found)//", expected "// &
        listed(dims))
    end if
  end subroutine complain_of_dimensions

  !> Dimensions as netCDF's tools print them: the slowest first.
  function listed(dims) result(text)
    character(len=*), intent(in) :: dims(:) !! the fastest first
    character(len=:), allocatable :: text

    integer :: i

    text = "("
    do i = size(dims), 1, -1
      text = text//trim(dims(i))
      if (i > 1) text = text//", "
    end do
    text = text//")"
  end function listed

  !> Missing values become NaN, packed ones what they stand for.
  subroutine unpack(self, name, values)
    class(netcdf_input_t), intent(in) :: self
    character(len=*), intent(in) :: name
    real(wp), intent(inout) :: values(:)

    character(len=*), parameter :: markers(2) = &
      [character(len=13) :: "_FillValue", "missing_value"]
    integer :: i, status, var
    real(wp) :: marker, offset, scale

    status = nf90_inq_varid(self%ncid, name, var)
    do i = 1, size(markers)
      if (nf90_get_att(self%ncid, var, trim(markers(i)), marker) /= nf90_noerr) cycle
      where (values == marker) values = ieee_value(1.0_wp, ieee_quiet_nan)
    end do
    where (abs(values) > never_written .and. abs(values) <= huge(values)) values = &
      ieee_value(1.0_wp, ieee_quiet_nan)
    if (nf90_get_att(self%ncid, var, "scale_factor", scale) /= nf90_noerr) scale = 1.0_wp
    if (nf90_get_att(self%ncid, var, "add_offset", offset) /= nf90_noerr) offset = 0.0_wp
    if (scale /= 1.0_wp .or. offset /= 0.0_wp) values = scale*values + offset
  end subroutine unpack

  !> The same for a field.
  subroutine unpack_field(self, name, values)
    class(netcdf_input_t), intent(in) :: self
    character(len=*), intent(in) :: name
    real(wp), intent(inout) :: values(:, :)

    integer :: j

    do j = 1, size(values, 2)
      call self%unpack(name, values(:, j))
    end do
  end subroutine unpack_field

end module netcdf_inputs
