! SPDX-License-Identifier: MIT
!> What an open boundary is told: points in a netCDF file, with tidal constituents, a time
!> series, or both, whose sum is taken.
!>
!>     x, y or lon, lat (point)            where; the cell that holds the point is opened
!>     amplitude, phase (constituent, point)  [m], Greenwich lag [degrees]; the attribute
!>                                         `constituents` of the first names them
!>     zeta (time, point)                  [m], linear between its times
!>
!> For prescribed transport amplitudes are in m2 s-1, and the series is called `transport`:
!> both per unit width, into the water.
module swe_open_boundary
  use, intrinsic :: ieee_arithmetic, only: ieee_is_finite
  use netcdf_inputs, only: netcdf_input_t
  use swe_blocks, only: east_end, halo, lead
  use swe_config, only: swe_config_t
  use swe_constituents, only: constituent_t, set_constituents
  use swe_domain, only: swe_domain_t
  use swe_exchange, only: exchange
  use swe_grid, only: boundary_face_t, cell_elevation, cell_land, cell_radiating, &
    cell_transport, swe_grid_t
  use swe_grid_file, only: metres
  use swe_kinds, only: real64, wp
  use swe_state, only: swe_forcing_t
  use swe_tides, only: swe_tide_t
  use swe_times, only: time_axis_t
  implicit none
  private
  public :: open_boundary_t

  integer, parameter :: max_constituents = 40
  character(len=*), parameter :: transport_units(*) = [character(len=8) :: "m2 s-1", &
    "m^2/s", "m2/s", "m**2/s"]
  real(real64), parameter :: max_omega_dt = 0.55_real64
    !! a wave period has at least eleven steps

  !> The points of a run.
  type :: open_boundary_t
    integer, allocatable :: cells(:, :)            !! of the points (2, point)
    logical :: is_transport = .false.              !! values are transports
    logical :: has_tide = .false., has_series = .false.
    type(swe_tide_t) :: tide
    type(time_axis_t) :: axis
    real(wp), allocatable :: series(:, :)          !! (point, time)
    real(wp), allocatable :: values(:), tide_values(:) !! at the time at hand (point)
    integer, allocatable :: own(:, :)
      !! i, j and point of the open cells of this block and its halo (3, n)
    integer, allocatable :: point(:, :)            !! of a cell, 0 if none, with halo
  contains
    procedure :: read => read_boundary
    procedure :: setup
    procedure :: fill
    procedure, private :: read_tide
    procedure, private :: read_series
    procedure, private :: open_cells
  end type open_boundary_t

contains

  !> Read the file and open its cells.
  subroutine read_boundary(self, config, domain, problem)
    class(open_boundary_t), intent(inout) :: self
    type(swe_config_t), intent(in) :: config
    type(swe_domain_t), intent(inout) :: domain !! its cells are opened
    character(len=*), intent(inout) :: problem  !! set if there is one

    type(netcdf_input_t) :: file
    character(len=:), allocatable :: point
    real(real64), allocatable :: x(:), y(:)

    allocate (self%cells(2, 0), self%values(0), self%tide_values(0))
    self%tide%ramp = config%boundary%ramp
    if (problem /= "" .or. config%boundary%file == "") return
    self%is_transport = config%boundary%kind == "transport"
    call file%open(trim(config%boundary%file))
    call read_places(file, domain, x, y, point)
    call self%open_cells(file, config%boundary%kind, x, y, domain)
    if (file%problem == "") call self%read_tide(file, config, point)
    if (file%problem == "") call self%read_series(file, config)
    if (file%problem == "" .and. .not. (self%has_tide .or. self%has_series)) then
      file%problem = "'"//file%path//"' has neither 'amplitude' and 'phase' nor '"// &
        series_name(self)//"'"
    end if
    call file%close()
    if (file%problem /= "") problem = "boundary file "//trim(file%problem)
  end subroutine read_boundary

  !> Name of the variable that is a time series.
  function series_name(self) result(name)
    type(open_boundary_t), intent(in) :: self
    character(len=:), allocatable :: name

    name = "zeta"
    if (self%is_transport) name = "transport"
  end function series_name

  !> Where the points are.
  subroutine read_places(file, domain, x, y, point)
    type(netcdf_input_t), intent(inout) :: file
    type(swe_domain_t), intent(in) :: domain
    real(real64), allocatable, intent(out) :: x(:), y(:)
    character(len=:), allocatable, intent(out) :: point !! name of their dimension

    character(len=:), allocatable :: x_name, y_name
    character(len=256), allocatable :: dims(:)

    if (domain%is_sphere) then
      x_name = file%first_of([character(len=9) :: "lon", "longitude"])
      y_name = file%first_of([character(len=9) :: "lat", "latitude"])
    else
      x_name = "x"
      y_name = "y"
    end if
    call file%read(x_name, x)
    call file%read(y_name, y)
    point = "point"
    call file%list_dimensions(x_name, dims)
    if (size(dims) == 1) point = trim(dims(1))
    if (file%problem == "" .and. size(x) /= size(y)) file%problem = "'"//file%path// &
      "' has '"//x_name//"' and '"//y_name//"' of different lengths"
    if (domain%is_sphere) return
    call file%check_units(x_name, metres)
    call file%check_units(y_name, metres)
  end subroutine read_places

  !> Open the cells that hold the points.
  subroutine open_cells(self, file, kind, x, y, domain)
    class(open_boundary_t), intent(inout) :: self
    type(netcdf_input_t), intent(inout) :: file
    character(len=*), intent(in) :: kind  !! of the boundary
    real(real64), intent(in) :: x(:), y(:)
    type(swe_domain_t), intent(inout) :: domain

    integer, allocatable :: taken(:, :)
    character(len=512) :: text
    integer :: i, j, p

    if (file%problem /= "") return
    deallocate (self%cells)
    allocate (self%cells(2, size(x)))
    allocate (taken(domain%nx, domain%ny), source=0)
    do p = 1, size(x)
      call domain%locate(x(p), y(p), i, j)
      text = ""
      if (i == 0) then
        text = "lies outside of the grid"
      else if (domain%cell(i, j) == cell_land) then
        write (text, "(a, i0, a, i0, a)") "is an open boundary on land (column ", i, &
          ", row ", j, "): move it into the water"
      else if (taken(i, j) > 0) then
        write (text, "(a, i0)") "falls into the same cell as point ", taken(i, j)
      end if
      if (text /= "") then
        write (file%problem, "(3a, i0, 2(a, g0.8), 2a)") "'", file%path, "': point ", p, &
          " at (", x(p), ", ", y(p), ") ", trim(text)
        return
      end if
      taken(i, j) = p
      self%cells(:, p) = [i, j]
      domain%cell(i, j) = merge(cell_transport, merge(cell_radiating, cell_elevation, &
        kind == "radiating"), kind == "transport")
    end do
  end subroutine open_cells

  !> Amplitudes and phases of constituents.
  subroutine read_tide(self, file, config, point)
    class(open_boundary_t), intent(inout) :: self
    type(netcdf_input_t), intent(inout) :: file
    type(swe_config_t), intent(in) :: config
    character(len=*), intent(in) :: point !! name of the dimension of the points

    type(constituent_t), allocatable :: constituents(:)
    character(len=256), allocatable :: dims(:)
    character(len=8), allocatable :: names(:)
    real(real64), allocatable :: amplitude(:, :), phase(:, :)
    integer :: status

    self%has_tide = file%has("amplitude")
    if (.not. self%has_tide) return
    call file%list_dimensions("amplitude", dims)
    if (size(dims) /= 2) then
      file%problem = "'"//file%path//"' must have 'amplitude' over (constituent, point)"
      return
    end if
    if (dims(2) == point) dims(2) = dims(1) ! transposed: `read` says so
    dims(1) = point
    call file%read("amplitude", dims, amplitude)
    call file%read("phase", dims, phase)
    call check_value_units(self, file, "amplitude")
    call file%check_units("phase", [character(len=7) :: "degrees", "degree"])
    call split(file%text_attribute("amplitude", "constituents"), names)
    if (file%problem /= "") return
    if (size(names) /= size(amplitude, 2)) then
      file%problem = "'"//file%path//"' must name the constituents of 'amplitude' in "// &
        "its attribute 'constituents', e.g. 'M2 S2': one for each row"
    end if
    if (file%problem /= "") return
    call set_constituents(constituents, names, config%integration%start, &
      config%boundary%nodal, status, file%problem)
    if (status == 0) call self%tide%setup(constituents, real(amplitude, wp), &
      real(phase, wp), config%boundary%ramp, status, file%problem)
    if (status == 0) call check_periods(constituents, config, file)
    if (status /= 0) file%problem = "'"//file%path//"': "//trim(file%problem)
  end subroutine read_tide

  !> A constituent must be resolved by the time step.
  subroutine check_periods(constituents, config, file)
    type(constituent_t), intent(in) :: constituents(:)
    type(swe_config_t), intent(in) :: config
    type(netcdf_input_t), intent(inout) :: file

    integer :: k

    do k = 1, size(constituents)
      if (constituents(k)%speed*config%parameters%dt <= max_omega_dt) cycle
      write (file%problem, "(5a, g0.6, a, g0.6, a)") "'", file%path, &
        "': 'dt' is too long for ", trim(constituents(k)%name), ": ", &
        real(config%parameters%dt, real64), " s, take at most ", &
        max_omega_dt/constituents(k)%speed, " s"
      return
    end do
  end subroutine check_periods

  !> A series in time.
  subroutine read_series(self, file, config)
    class(open_boundary_t), intent(inout) :: self
    type(netcdf_input_t), intent(inout) :: file
    type(swe_config_t), intent(in) :: config

    character(len=256), allocatable :: dims(:)
    character(len=:), allocatable :: name
    real(real64), allocatable :: values(:, :)

    name = series_name(self)
    self%has_series = file%has(name)
    if (.not. self%has_series) return
    call self%axis%read(file, config%integration%start)
    call file%list_dimensions(name, dims)
    if (file%problem /= "") return
    call file%read(name, [character(len=256) :: dims, "", ""], values)
    call check_value_units(self, file, name)
    if (file%problem /= "") return
    if (any(shape(values) /= [size(self%cells, 2), size(self%axis%times)])) then
      file%problem = "'"//file%path//"' has '"//name// &
        "' transposed or of other points: expected (time, point)"
    else if (.not. all(ieee_is_finite(values))) then
      file%problem = "'"//file%path//"' has '"//name//"' with missing values: fill them"
    end if
    self%series = real(values, wp)
  end subroutine read_series

  !> Elevations in metres, transports per unit width in m2 s-1.
  subroutine check_value_units(self, file, name)
    class(open_boundary_t), intent(in) :: self
    type(netcdf_input_t), intent(inout) :: file
    character(len=*), intent(in) :: name !! of the variable

    if (self%is_transport) then
      call file%check_units(name, transport_units)
    else
      call file%check_units(name, metres)
    end if
  end subroutine check_value_units

  !> Words parted by blanks or commas.
  subroutine split(text, words)
    character(len=*), intent(in) :: text
    character(len=*), allocatable, intent(out) :: words(:)

    character(len=len(words)) :: found(max_constituents)
    integer :: n, status

    n = 0
    do while (n < max_constituents)
      read (text, *, iostat=status) found(:n + 1)
      if (status /= 0) exit
      n = n + 1
    end do
    allocate (words(n))
    words = found(:n)
  end subroutine split

  !> Know the points of one block, and allocate the forcing.
  subroutine setup(self, grid, forcing)
    class(open_boundary_t), intent(inout) :: self
    type(swe_grid_t), intent(in) :: grid
    type(swe_forcing_t), intent(inout) :: forcing

    real(wp), allocatable :: marks(:, :)
    integer :: i, j, p

    if (size(self%cells, 2) == 0) return
    deallocate (self%values, self%tide_values)
    allocate (self%values(size(self%cells, 2)), source=0.0_wp)
    allocate (self%tide_values, source=self%values)
    allocate (marks, mold=grid%depth)
    marks = 0.0_wp
    do p = 1, size(self%cells, 2)
      i = self%cells(1, p) - grid%block%i_offset
      j = self%cells(2, p) - grid%block%j_offset
      if (i < 1 .or. j < 1 .or. i > grid%block%nx .or. j > grid%block%ny) cycle
      marks(i, j) = p
    end do
    call exchange(grid%block, marks)
    allocate (self%point(1 - lead:east_end(grid%block%nx), 1 - halo:grid%block%ny + halo), &
      source=nint(marks))
    allocate (self%own(3, count(self%point > 0)))
    p = 0
    do j = lbound(self%point, 2), ubound(self%point, 2)
      do i = lbound(self%point, 1), ubound(self%point, 1)
        if (self%point(i, j) == 0) cycle
        p = p + 1
        self%own(:, p) = [i, j, self%point(i, j)]
      end do
    end do
    marks = 0.0_wp
    if (self%is_transport) then
      allocate (forcing%open_u, forcing%open_v, source=marks)
    else
      allocate (forcing%open_zeta, source=marks)
    end if
  end subroutine setup

  !> Set the forcing of the step that ends at a time.
  subroutine fill(self, time, grid, forcing)
    class(open_boundary_t), intent(inout) :: self
    real(real64), intent(in) :: time !! since the start [s]
    type(swe_grid_t), intent(in) :: grid
    type(swe_forcing_t), intent(inout) :: forcing

    real(real64) :: weight
    integer :: k, record

    if (size(self%cells, 2) == 0) return
    self%values = 0.0_wp
    if (self%has_series) then
      call self%axis%bracket(time, record, weight)
      self%values = real(self%tide%ramp_factor(time), wp)*(real(1 - weight, wp) &
        *self%series(:, record) + real(weight, wp)*self%series(:, min(record + 1, &
        size(self%series, 2))))
    end if
    if (self%has_tide) then
      call self%tide%elevation(time, self%tide_values)
      self%values = self%values + self%tide_values
    end if
    if (self%is_transport) then
      call fill_faces(self, grid%boundary_u, forcing%open_u)
      call fill_faces(self, grid%boundary_v, forcing%open_v)
      return
    end if
    do k = 1, size(self%own, 2)
      forcing%open_zeta(self%own(1, k), self%own(2, k)) = self%values(self%own(3, k))
    end do
  end subroutine fill

  !> Transports into the water through the faces of the points' cells.
  subroutine fill_faces(self, faces, transport)
    class(open_boundary_t), intent(in) :: self
    type(boundary_face_t), intent(in) :: faces(:)
    real(wp), intent(inout) :: transport(1 - lead:, 1 - halo:) !! [m2 s-1]

    integer :: k, p

    do k = 1, size(faces)
      p = self%point(faces(k)%i_outside, faces(k)%j_outside)
      if (p > 0) transport(faces(k)%i, faces(k)%j) = -faces(k)%outward*self%values(p)
    end do
  end subroutine fill_faces

end module swe_open_boundary
