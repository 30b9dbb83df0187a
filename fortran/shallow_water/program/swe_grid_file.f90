! SPDX-License-Identifier: MIT
!> The grid out of a netCDF file.
!>
!>     depth(y, x)      [m], positive down; or elevation(y, x), attribute positive = "up"
!>     mask(y, x)       1 water, 0 land; without it water is where the depth is known and
!>                      greater than `shoreline`
!>     cell(y, x)       instead of a mask: 0 land, 1 water, 2 prescribed elevation,
!>                      3 radiating, 4 prescribed transport
!>     drag(y, x)       drag coefficient [1], or Manning's n [m-1/3 s]
!>     x, y [m], or lon [degrees_east], lat [degrees_north], evenly spaced, increasing
module swe_grid_file
  use, intrinsic :: ieee_arithmetic, only: ieee_is_finite, ieee_is_nan
  use netcdf_inputs, only: netcdf_input_t
  use swe_config, only: grid_settings_t
  use swe_domain, only: swe_domain_t
  use swe_grid, only: cell_land, cell_transport, cell_water
  use swe_kinds, only: real64
  implicit none
  private
  public :: read_grid

  character(len=*), parameter, public :: metres(*) = [character(len=6) :: "m", "metre", &
    "metres", "meter", "meters"]
  character(len=*), parameter :: east_degrees(*) = [character(len=12) :: "degrees_east", &
    "degree_east", "degrees_E", "degree_E", "degreeE", "degreesE"]
  character(len=*), parameter :: north_degrees(*) = [character(len=13) :: &
    "degrees_north", "degree_north", "degrees_N", "degree_N", "degreeN", "degreesN"]

  real(real64), parameter :: deepest = 12000 !! accepted [m]; no trench reaches 11100 m
  real(real64), parameter :: even = 1.0e-3_real64
    !! accepted departure of a coordinate from even steps [steps]: it may be real32

contains

  !> Read the grid of a domain.
  subroutine read_grid(settings, domain, problem)
    type(grid_settings_t), intent(in) :: settings !! names the file
    type(swe_domain_t), intent(inout) :: domain   !! cells, depths, coordinates are set
    character(len=*), intent(inout) :: problem    !! set if there is one

    type(netcdf_input_t) :: file
    character(len=256) :: dims(2)

    call file%open(trim(settings%file))
    call read_coordinates(file, settings, domain, dims)
    call read_depth(file, dims, domain%depth)
    call read_cells(file, dims, settings, domain)
    if (file%has("drag")) call read_drag(file, dims, domain)
    call file%close()
    if (problem == "" .and. file%problem /= "") problem = "grid file "//trim(file%problem)
  end subroutine read_grid

  !> Coordinates: metres on a plane, degrees on the sphere.
  subroutine read_coordinates(file, settings, domain, dims)
    type(netcdf_input_t), intent(inout) :: file
    type(grid_settings_t), intent(in) :: settings
    type(swe_domain_t), intent(inout) :: domain
    character(len=*), intent(out) :: dims(2) !! names of the dimensions of x and y

    character(len=:), allocatable :: x, y
    logical :: is_asked !! the settings want a sphere

    dims = ""
    x = file%first_of([character(len=9) :: "x", "lon", "longitude", "X"])
    y = file%first_of([character(len=9) :: "y", "lat", "latitude", "Y"])
    if (file%problem /= "") return
    domain%is_sphere = any(east_degrees == file%text_attribute(x, "units"))
    if (domain%is_sphere) then
      call file%check_units(y, north_degrees)
    else if (x == "x" .or. x == "X") then
      call file%check_units(x, metres)
      call file%check_units(y, metres)
    else
      call file%check_units(x, east_degrees)
    end if
    is_asked = settings%projection == "sphere"
    if (settings%projection == "") is_asked = domain%is_sphere
    if (file%problem == "" .and. (domain%is_sphere .neqv. is_asked)) then
      file%problem = "'"//file%path//"' has '"//x//"' in '"// &
        file%text_attribute(x, "units")//"', which does not fit projection = '"// &
        trim(settings%projection)//"' in &grid"
    end if
    dims(1) = file%axis(x)
    dims(2) = file%axis(y)
    call file%read(x, domain%x)
    call file%read(y, domain%y)
    domain%nx = size(domain%x)
    domain%ny = size(domain%y)
    call check_steps(file, x, domain%x, domain%dx)
    call check_steps(file, y, domain%y, domain%dy)
  end subroutine read_coordinates

  !> The step of a coordinate, which must be even and upward.
  subroutine check_steps(file, name, values, step)
    type(netcdf_input_t), intent(inout) :: file
    character(len=*), intent(in) :: name      !! of the coordinate
    real(real64), intent(in) :: values(:)     !! of the coordinate
    real(real64), intent(out) :: step

    character(len=512) :: text
    integer :: i, n

    step = 1
    n = size(values)
    if (file%problem /= "") return
    if (n < 2) then
      file%problem = "'"//file%path//"' has less than two values of '"//name//"'"
      return
    end if
    step = (values(n) - values(1))/(n - 1)
    if (.not. step > 0) then
      file%problem = "'"//file%path//"' has '"//name//"' decreasing: turn it and all "// &
        "fields round"
      return
    end if
    do i = 2, n
      if (abs(values(i) - values(i - 1) - step) <= even*step) cycle
      write (text, "(5a, g0.8, a, g0.8, a)") "'", file%path, "' has '", name, &
        "' steps of ", values(i) - values(i - 1), " and ", step, &
        ": even steps are needed, interpolate it"
      file%problem = text
      return
    end do
  end subroutine check_steps

  !> Depth, positive down. Unknown depths are NaN.
  subroutine read_depth(file, dims, depth)
    type(netcdf_input_t), intent(inout) :: file
    character(len=*), intent(in) :: dims(2)
    real(real64), allocatable, intent(inout) :: depth(:, :)

    character(len=512) :: text
    character(len=:), allocatable :: name, positive

    if (file%problem /= "") return
    name = file%first_of([character(len=9) :: "depth", "elevation"])
    call file%read(name, dims, depth)
    call file%check_units(name, metres)
    positive = file%text_attribute(name, "positive")
    if (file%problem /= "") return
    if (name == "depth" .and. positive /= "down" .and. positive /= "") then
      file%problem = "'"//file%path//"' says 'depth' is positive = '"//positive// &
        "', expected 'down': change its sign"
    else if (name == "elevation" .and. positive /= "up") then
      file%problem = "'"//file%path//"' has 'elevation' without the attribute "// &
        "positive = 'up': set it, or give 'depth', positive down"
    else if (name == "elevation") then
      depth = -depth
    end if
    if (any(depth > deepest)) then
      write (text, "(5a, g0.6, a)") "'", file%path, "' has '", name, "' down to ", &
        maxval(depth, mask=depth > deepest), " m, deeper than any sea: is it in metres?"
      if (file%problem == "") file%problem = text
    end if
  end subroutine read_depth

  !> Land and water.
  subroutine read_cells(file, dims, settings, domain)
    type(netcdf_input_t), intent(inout) :: file
    character(len=*), intent(in) :: dims(2)
    type(grid_settings_t), intent(in) :: settings
    type(swe_domain_t), intent(inout) :: domain

    real(real64), allocatable :: codes(:, :)
    character(len=:), allocatable :: name

    if (file%problem /= "") return
    allocate (domain%cell(domain%nx, domain%ny), source=cell_land)
    name = ""
    if (file%has("mask")) name = "mask"
    if (file%has("cell")) name = "cell"
    if (name /= "") then
      call file%read(name, dims, codes)
      if (file%problem /= "") return
      where (ieee_is_nan(codes)) codes = 0
      call check_codes(file, name, merge(cell_transport, cell_water, name == "cell"), codes)
      domain%cell = nint(codes)
      call check_water(file, name, domain)
    else
      where (domain%depth > settings%shoreline) domain%cell = cell_water
      domain%n_unknown = count(ieee_is_nan(domain%depth))
      if (any(domain%depth > settings%shoreline)) return
      file%problem = "'"//file%path// &
        "' has no 'depth' below the shoreline: depth must be positive down"
    end if
  end subroutine read_cells

  !> A mask holds only what has a meaning.
  subroutine check_codes(file, name, largest, codes)
    type(netcdf_input_t), intent(inout) :: file
    character(len=*), intent(in) :: name      !! of the variable
    integer, intent(in) :: largest            !! code
    real(real64), intent(in) :: codes(:, :)   !! what it holds

    character(len=512) :: text
    integer :: place(2)

    place = findloc(codes >= 0 .and. codes <= largest .and. codes == anint(codes), .false.)
    if (all(place == 0)) return
    write (text, "(5a, g0.6, a, i0, a, i0, a, i0)") "'", file%path, "' has '", name, &
      "' = ", codes(place(1), place(2)), " in column ", place(1), ", row ", place(2), &
      ", expected 0 (land) to ", largest
    file%problem = text
  end subroutine check_codes

  !> Every cell of water has a depth.
  subroutine check_water(file, name, domain)
    type(netcdf_input_t), intent(inout) :: file
    character(len=*), intent(in) :: name !! "mask" or "cell"
    type(swe_domain_t), intent(in) :: domain

    character(len=512) :: text
    integer :: place(2)

    place = findloc(domain%cell /= cell_land .and. .not. ieee_is_finite(domain%depth), &
      .true.)
    if (all(place == 0)) return
    if (domain%cell(place(1), place(2)) > cell_water) then
      write (text, "(3a, i0, a, i0, a)") "'", file%path, &
        "' has an open boundary on land: 'depth' is missing in column ", place(1), &
        ", row ", place(2), ", where 'cell' says it is open"
    else
      write (text, "(3a, i0, a, i0, 3a)") "'", file%path, &
        "' has no finite 'depth' in column ", place(1), ", row ", place(2), &
        ", which is water by '", name, "': set the depth, or make it land"
    end if
    file%problem = text
  end subroutine check_water

  !> Drag coefficients of the cells.
  subroutine read_drag(file, dims, domain)
    type(netcdf_input_t), intent(inout) :: file
    character(len=*), intent(in) :: dims(2)
    type(swe_domain_t), intent(inout) :: domain

    if (file%problem /= "") return
    call file%read("drag", dims, domain%drag)
    if (file%problem /= "") return
    where (domain%cell == cell_land) domain%drag = 0
    if (all(domain%drag >= 0 .and. ieee_is_finite(domain%drag))) return
    file%problem = "'"//file%path//"' has 'drag' that is negative, not finite or "// &
      "missing in the water"
  end subroutine read_drag

end module swe_grid_file
