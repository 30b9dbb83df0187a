! SPDX-License-Identifier: MIT
!> Wind and air pressure out of a netCDF file, on the cells of the grid, linear in time.
!>
!>     wind_u, wind_v (time, y, x)     wind at 10 m height [m s-1], or
!>     stress_u, stress_v (time, y, x) wind stress [N m-2]
!>     pressure (time, y, x)           air pressure at sea level [Pa]
!>
!> The stress of a wind W is rho_a*cd*|W|*W with cd = (0.75 + 0.067*|W|)*1e-3, Garratt
!> (1977): Review of drag coefficients over oceans and continents, equation 17.
module swe_weather
  use, intrinsic :: ieee_arithmetic, only: ieee_is_finite
  use netcdf_inputs, only: netcdf_input_t
  use swe_agreement, only: agree_on_problem
  use swe_blocks, only: east_end, halo, lead
  use swe_config, only: swe_config_t
  use swe_domain, only: swe_domain_t
  use swe_exchange, only: exchange
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: real64, wp
  use swe_state, only: swe_forcing_t
  use swe_times, only: time_axis_t
  implicit none
  private
  public :: weather_t

  real(real64), parameter :: water_density = 1025.0_real64 !! [kg m-3]
  real(real64), parameter :: air_density = 1.22_real64     !! [kg m-3]
  real(real64), parameter :: mean_pressure = 101325.0_real64
    !! [Pa]: only differences act, small numbers lose fewer digits

  !> A file that is open, and the two records around the time at hand.
  type :: weather_t
    type(netcdf_input_t) :: file
    type(time_axis_t) :: axis
    logical :: has_wind = .false., has_stress = .false., has_pressure = .false.
    integer :: loaded = 0 !! first of the two records
    real(wp), allocatable :: before(:, :, :) !! stress x, y [m2 s-2], head [m], with halo
    real(wp), allocatable :: after(:, :, :)  !! of the next record
  contains
    procedure :: open => open_weather
    procedure :: fill
    procedure :: close => close_weather
    procedure, private :: load
    procedure, private :: read_one
  end type weather_t

contains

  !> Open the file and see what it has.
  subroutine open_weather(self, config, grid, first, last, forcing, problem)
    class(weather_t), intent(inout) :: self
    type(swe_config_t), intent(in) :: config
    type(swe_grid_t), intent(in) :: grid
    real(real64), intent(in) :: first, last    !! times of the run [s]
    type(swe_forcing_t), intent(inout) :: forcing !! allocated
    character(len=*), intent(inout) :: problem !! set if there is one

    if (problem /= "" .or. config%forcing_file == "") return
    call self%file%open(trim(config%forcing_file))
    call self%axis%read(self%file, config%integration%start)
    self%has_stress = self%file%has("stress_u")
    self%has_wind = self%file%has("wind_u") .and. .not. self%has_stress
    self%has_pressure = self%file%has("pressure")
    if (self%file%problem == "" .and. .not. (self%has_stress .or. self%has_wind .or. &
      self%has_pressure)) self%file%problem = "'"//self%file%path// &
      "' has none of 'wind_u', 'stress_u' and 'pressure'"
    if (self%file%problem == "") call self%axis%check_range(self%file%path, first, last, &
      self%file%problem)
    if (self%file%problem /= "") then
      problem = "forcing file "//trim(self%file%problem)
      return
    end if
    associate (nx => grid%block%nx, ny => grid%block%ny)
      allocate (self%before(1 - lead:east_end(nx), 1 - halo:ny + halo, 3), source=0.0_wp)
    end associate
    allocate (self%after, source=self%before)
    if (self%has_stress .or. self%has_wind) then
      allocate (forcing%stress_u, forcing%stress_v, mold=grid%depth)
    end if
    if (self%has_pressure) allocate (forcing%head, mold=grid%depth)
  end subroutine open_weather

  !> Set the forcing of a step at its middle.
  subroutine fill(self, time, domain, grid, parameters_gravity, forcing, problem)
    class(weather_t), intent(inout) :: self
    real(real64), intent(in) :: time !! since the start [s]
    type(swe_domain_t), intent(in) :: domain
    type(swe_grid_t), intent(in) :: grid
    real(wp), intent(in) :: parameters_gravity !! [m s-2]
    type(swe_forcing_t), intent(inout) :: forcing
    character(len=*), intent(inout) :: problem !! set if a record cannot be read

    real(real64) :: weight
    real(wp) :: w
    integer :: record

    if (.not. (self%has_wind .or. self%has_stress .or. self%has_pressure)) return
    call self%axis%bracket(time, record, weight)
    if (record /= self%loaded) then
      if (record == self%loaded + 1 .and. self%loaded > 0) then
        self%before = self%after
      else
        call self%load(record, domain, grid, real(parameters_gravity, real64), self%before)
      end if
      call self%load(min(record + 1, size(self%axis%times)), domain, grid, &
        real(parameters_gravity, real64), self%after)
      self%loaded = record
      if (self%file%problem /= "") problem = "forcing file "//trim(self%file%problem)
    end if
    w = real(weight, wp)
    if (allocated(forcing%head)) forcing%head(:, :) = (1 - w)*self%before(:, :, 3) &
      + w*self%after(:, :, 3)
    if (.not. allocated(forcing%stress_u)) return
    call to_faces((1 - w)*self%before(:, :, 1) + w*self%after(:, :, 1), 1, 0, &
      forcing%stress_u)
    call to_faces((1 - w)*self%before(:, :, 2) + w*self%after(:, :, 2), 0, 1, &
      forcing%stress_v)
  end subroutine fill

  subroutine close_weather(self)
    class(weather_t), intent(inout) :: self

    call self%file%close()
  end subroutine close_weather

  !> Means of two cells at their common faces.
  subroutine to_faces(centre, di, dj, face)
    real(wp), intent(in) :: centre(:, :)  !! with halo
    integer, intent(in) :: di, dj         !! step to the next cell
    real(wp), intent(inout) :: face(:, :) !! set but in the last row or column

    integer :: nx, ny

    nx = size(centre, 1) - di
    ny = size(centre, 2) - dj
    face(:nx, :ny) = 0.5_wp*(centre(:nx, :ny) + centre(1 + di:, 1 + dj:))
  end subroutine to_faces

  !> Read one record: stresses over the water's density, and the head.
  subroutine load(self, record, domain, grid, gravity, fields)
    class(weather_t), intent(inout) :: self
    integer, intent(in) :: record !! from 1
    type(swe_domain_t), intent(in) :: domain
    type(swe_grid_t), intent(in) :: grid
    real(real64), intent(in) :: gravity
    real(wp), intent(inout) :: fields(:, :, :) !! set, with halo

    character(len=8), parameter :: stress_units(4) = [character(len=8) :: "N m-2", &
      "N/m2", "Pa", "N m**-2"]
    character(len=8), parameter :: wind_units(3) = [character(len=8) :: "m s-1", "m/s", &
      "m s**-1"]
    real(real64), allocatable :: p(:, :), speed(:, :), x(:, :), y(:, :)

    if (self%has_stress) then
      call self%read_one("stress_u", stress_units, record, domain, x)
      call self%read_one("stress_v", stress_units, record, domain, y)
    else if (self%has_wind) then
      call self%read_one("wind_u", wind_units, record, domain, x)
      call self%read_one("wind_v", wind_units, record, domain, y)
    end if
    if (self%has_pressure) call self%read_one("pressure", [character(len=2) :: "Pa"], &
      record, domain, p)
    call agree_on_problem(grid%block, self%file%problem)
    if (self%file%problem /= "") return
    if (self%has_wind) then
      speed = hypot(x, y)
      x = air_density*(0.75_real64 + 0.067_real64*speed)*1.0e-3_real64*speed*x
      y = air_density*(0.75_real64 + 0.067_real64*speed)*1.0e-3_real64*speed*y
    end if
    if (allocated(x)) call take(x/water_density, fields(:, :, 1))
    if (allocated(y)) call take(y/water_density, fields(:, :, 2))
    if (allocated(p)) call take((p - mean_pressure)/(water_density*gravity), &
      fields(:, :, 3))

  contains

    !> This block's part of a whole field.
    subroutine take(whole, field)
      real(real64), intent(in) :: whole(:, :)
      real(wp), intent(inout), contiguous :: field(1 - lead:, 1 - halo:)

      associate (b => grid%block, i => grid%block%i_offset, j => grid%block%j_offset)
        field(1:b%nx, 1:b%ny) = &
          real(whole(i + 1:i + b%nx, j + 1:j + b%ny), wp)
        call exchange(b, field)
      end associate
    end subroutine take

  end subroutine load

  !> Read one variable's record and check it.
  subroutine read_one(self, name, units, record, domain, values)
    class(weather_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    character(len=*), intent(in) :: units(:) !! accepted
    integer, intent(in) :: record
    type(swe_domain_t), intent(in) :: domain
    real(real64), allocatable, intent(out) :: values(:, :)

    character(len=256), allocatable :: dims(:)
    character(len=512) :: text

    allocate (values(0, 0))
    call self%file%list_dimensions(name, dims)
    call self%file%check_units(name, units)
    if (self%file%problem /= "") return
    call self%file%read(name, [character(len=256) :: dims, "", ""], record, values)
    if (self%file%problem /= "") return
    if (any(shape(values) /= [domain%nx, domain%ny])) then
      write (text, "(5a, 2(i0, a), 2(i0, a))") "'", self%file%path, "' has '", name, &
        "' of ", size(values, 2), " rows of ", size(values, 1), " cells, the grid has ", &
        domain%ny, " rows of ", domain%nx, " cells: expected (time, y, x)"
      self%file%problem = text
    else if (.not. all(ieee_is_finite(values))) then
      write (text, "(5a, i0, a)") "'", self%file%path, "' has '", name, &
        "' with missing values in record ", record, ": fill them, over land too"
      self%file%problem = text
    end if
  end subroutine read_one

end module swe_weather
