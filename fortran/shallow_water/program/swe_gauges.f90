! SPDX-License-Identifier: MIT
!> Gauges: elevation and transports over time in the water cells nearest to given places.
!>
!> The list is a text file of comma-separated values whose first line names the columns;
!> `name` (or port, station) and `lon`, `lat` or `x`, `y` are read. Lines that begin with #
!> are comments.
module swe_gauges
  use swe_config, only: max_name, swe_config_t
  use swe_domain, only: swe_domain_t
  use swe_exchange, only: global_sum
  use swe_grid, only: cell_elevation, cell_water, swe_grid_t
  use swe_kinds, only: real64, wp
  use swe_output, only: add_attributes, time_units
  use swe_state, only: swe_state_t
  use trajectories, only: trajectory_t
  implicit none
  private
  public :: gauges_t

  integer, parameter :: max_line = 4096
  integer, parameter :: max_columns = 200

  !> The gauges of a run.
  type :: gauges_t
    character(len=max_name), allocatable :: names(:)
    real(real64), allocatable :: x(:), y(:)     !! places, as the grid's coordinates
    integer, allocatable :: cells(:, :)         !! their cells (2, gauge)
    real(real64), allocatable :: distances(:)   !! from a gauge to its cell's centre [m]
    type(trajectory_t) :: trajectory
  contains
    procedure :: read => read_gauges
    procedure :: create
    procedure :: write => write_gauges
    procedure, private :: find_cells
  end type gauges_t

contains

  !> Read the list and find the cells.
  subroutine read_gauges(self, config, domain, problem)
    class(gauges_t), intent(inout) :: self
    type(swe_config_t), intent(in) :: config
    type(swe_domain_t), intent(in) :: domain
    character(len=*), intent(inout) :: problem !! set if there is one

    character(len=max_line) :: line
    character(len=max_name) :: name
    integer :: columns(3), number, status, unit
    real(real64) :: place(2)

    allocate (self%names(0), self%x(0), self%y(0))
    if (problem /= "" .or. config%gauges%file == "") return
    open (newunit=unit, file=trim(config%gauges%file), status="old", action="read", &
      iostat=status, iomsg=problem)
    if (status /= 0) then
      problem = "gauge list: "//trim(problem)
      return
    end if
    columns = 0
    number = 0
    do
      read (unit, "(a)", iostat=status) line
      if (status /= 0 .or. problem /= "") exit
      number = number + 1
      if (index(line, achar(13)) > 0) line(index(line, achar(13)):) = "" ! of Windows
      if (line == "" .or. line(1:1) == "#") cycle
      if (columns(1) == 0) then
        call find_columns(line, domain%is_sphere, columns, problem)
      else
        call read_line(line, columns, name, place, problem)
        self%names = [self%names, name]
        self%x = [self%x, place(1)]
        self%y = [self%y, place(2)]
      end if
    end do
    close (unit)
    if (problem == "" .and. size(self%names) == 0) problem = "it names no gauge"
    if (problem /= "") then
      write (line, "(3a, i0, 2a)") "gauge list '", trim(config%gauges%file), "', line ", &
        number, ": ", trim(problem)
      problem = line
      return
    end if
    call self%find_cells(domain, config%gauges%max_distance, problem)
  end subroutine read_gauges

  !> Which columns hold name, x and y.
  subroutine find_columns(line, is_sphere, columns, problem)
    character(len=*), intent(in) :: line
    logical, intent(in) :: is_sphere
    integer, intent(out) :: columns(3) !! of name, x, y
    character(len=*), intent(inout) :: problem

    character(len=max_name) :: words(max_columns)

    call split(line, words)
    columns(1) = max(findloc(words, "name", 1), findloc(words, "port", 1), &
      findloc(words, "station", 1))
    if (is_sphere) then
      columns(2) = max(findloc(words, "lon", 1), findloc(words, "longitude", 1))
      columns(3) = max(findloc(words, "lat", 1), findloc(words, "latitude", 1))
      if (any(columns == 0)) problem = "the first line must name the columns "// &
        "'name', 'lon' and 'lat'"
    else
      columns(2:) = [findloc(words, "x", 1), findloc(words, "y", 1)]
      if (any(columns == 0)) problem = "the first line must name the columns "// &
        "'name', 'x' and 'y'"
    end if
  end subroutine find_columns

  !> One gauge.
  subroutine read_line(line, columns, name, place, problem)
    character(len=*), intent(in) :: line
    integer, intent(in) :: columns(3) !! of name, x, y
    character(len=*), intent(out) :: name
    real(real64), intent(out) :: place(2)
    character(len=*), intent(inout) :: problem

    character(len=max_name) :: words(max_columns)
    integer :: k, status

    call split(line, words)
    name = words(columns(1))
    place = 0
    do k = 1, 2
      read (words(columns(k + 1)), *, iostat=status) place(k)
      if (status /= 0) problem = "'"//trim(words(columns(k + 1)))//"' is no coordinate"
    end do
  end subroutine read_line

  !> Words between commas.
  pure subroutine split(line, words)
    character(len=*), intent(in) :: line
    character(len=*), intent(out) :: words(:)

    integer :: comma, first, n

    words = ""
    first = 1
    do n = 1, size(words)
      comma = index(line(first:), ",")
      if (comma == 0) then
        words(n) = adjustl(line(first:))
        return
      end if
      words(n) = adjustl(line(first:first + comma - 2))
      first = first + comma
    end do
  end subroutine split

  !> The water nearest to each gauge.
  subroutine find_cells(self, domain, max_distance, problem)
    class(gauges_t), intent(inout) :: self
    type(swe_domain_t), intent(in) :: domain
    real(real64), intent(in) :: max_distance   !! accepted [m]
    character(len=*), intent(inout) :: problem !! set if a gauge is farther away

    real(real64) :: distance
    integer :: g, i, j

    allocate (self%cells(2, size(self%names)), source=0)
    allocate (self%distances(size(self%names)), source=huge(1.0_real64))
    do g = 1, size(self%names)
      do j = 1, domain%ny
        do i = 1, domain%nx
          associate (cell => domain%cell(i, j))
            if (cell /= cell_water .and. cell /= cell_elevation) cycle
          end associate
          distance = domain%distance(self%x(g), self%y(g), i, j)
          if (.not. distance < self%distances(g)) cycle
          self%distances(g) = distance
          self%cells(:, g) = [i, j]
        end do
      end do
      if (self%distances(g) <= max_distance) cycle
      write (problem, "(3a, g0.5, a, g0.5, a)") "gauge '", trim(self%names(g)), "' lies ", &
        self%distances(g), " m from the nearest water, at most ", max_distance, &
        " m is accepted ('max_distance' in &gauges): move it, or leave it out"
      return
    end do
  end subroutine find_cells

  !> Create the file of the time series.
  subroutine create(self, config, domain, stat, errmsg)
    class(gauges_t), intent(inout) :: self
    type(swe_config_t), intent(in) :: config
    type(swe_domain_t), intent(in) :: domain
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    character(len=5), parameter :: axis(1) = ["gauge"]
    character(len=1), parameter :: places(2) = ["x", "y"]
    character(len=*), parameter :: degrees(2) = [character(len=13) :: "degrees_east", &
      "degrees_north"]
    character(len=:), allocatable :: units
    integer :: k

    call self%trajectory%create(trim(config%gauges%output), stat, errmsg, &
      time_units(config))
    associate (file => self%trajectory)
      if (stat == 0) call file%add_dimension("gauge", size(self%names), "gauge", stat, &
        errmsg)
      if (stat == 0) call file%add_texts("name", "gauge", self%names, "name of the gauge", &
        stat, errmsg)
      if (stat == 0) call file%add_mark("name", "cf_role", "timeseries_id", stat, errmsg)
      do k = 1, 2
        units = "m"
        if (domain%is_sphere) units = trim(degrees(k))
        if (stat == 0) call file%add_constant(places(k), axis, units, &
          "place of the gauge", .false., stat, errmsg)
        if (stat == 0) call file%add_constant("cell_"//places(k), axis, units, &
          "centre of its cell", .false., stat, errmsg)
      end do
      if (stat == 0) call file%add_constant("distance", axis, "m", &
        "distance of the gauge from the centre of its cell", .false., stat, errmsg)
      if (stat == 0) call file%add_constant("depth", axis, "m", &
        "undisturbed depth of its cell", .false., stat, errmsg)
      if (stat == 0) call file%add_variable("zeta", axis, "m", &
        "elevation of the surface", .false., stat, errmsg)
      if (stat == 0) call file%add_mark("zeta", "standard_name", &
        "sea_surface_height_above_geoid", stat, errmsg)
      if (stat == 0) call file%add_variable("u", axis, "m2 s-1", &
        "eastward transport per unit width, mean of the cell's faces", .false., stat, &
        errmsg)
      if (stat == 0) call file%add_variable("v", axis, "m2 s-1", &
        "northward transport per unit width, mean of the cell's faces", .false., stat, &
        errmsg)
      if (stat == 0) call add_attributes(config, domain, "Time series at gauges", file, &
        stat, errmsg)
      if (stat == 0) call write_places(self, domain, stat, errmsg)
    end associate
  end subroutine create

  !> Write what does not change.
  subroutine write_places(self, domain, stat, errmsg)
    class(gauges_t), intent(inout) :: self
    type(swe_domain_t), intent(in) :: domain
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    integer :: g, n

    n = size(self%names)
    associate (file => self%trajectory, i => self%cells(1, :), j => self%cells(2, :))
      call file%write_constant("x", reshape(self%x, [n, 1]), stat, errmsg)
      if (stat == 0) call file%write_constant("y", reshape(self%y, [n, 1]), stat, errmsg)
      if (stat == 0) call file%write_constant("cell_x", reshape(domain%x(i), [n, 1]), &
        stat, errmsg)
      if (stat == 0) call file%write_constant("cell_y", reshape(domain%y(j), [n, 1]), &
        stat, errmsg)
      if (stat == 0) call file%write_constant("distance", reshape(self%distances, [n, 1]), &
        stat, errmsg)
      if (stat == 0) call file%write_constant("depth", reshape([(domain%depth(i(g), j(g)), &
        g=1, n)], [n, 1]), stat, errmsg)
    end associate
  end subroutine write_places

  !> Write one record. All ranks call it.
  subroutine write_gauges(self, config, grid, state, step, stat, errmsg)
    class(gauges_t), intent(inout) :: self
    type(swe_config_t), intent(in) :: config
    type(swe_grid_t), intent(in) :: grid
    type(swe_state_t), intent(in) :: state
    integer, intent(in) :: step !! since the start
    integer, intent(inout) :: stat
    character(len=*), intent(inout) :: errmsg

    real(wp) :: values(3*size(self%names))
    integer :: g, i, j, n

    n = size(self%names)
    values = 0.0_wp
    do g = 1, n
      i = self%cells(1, g) - grid%block%i_offset
      j = self%cells(2, g) - grid%block%j_offset
      if (i < 1 .or. j < 1 .or. i > grid%block%nx .or. j > grid%block%ny) cycle
      values(g) = state%zeta(i, j)
      values(n + g) = 0.5_wp*(state%u(i - 1, j) + state%u(i, j))
      values(2*n + g) = 0.5_wp*(state%v(i, j - 1) + state%v(i, j))
    end do
    if (grid%block%n_ranks_x*grid%block%n_ranks_y > 1) values = global_sum(grid%block, &
      values)
    if (stat /= 0 .or. .not. self%trajectory%is_open()) return
    associate (file => self%trajectory)
      call file%begin_record(step*real(config%parameters%dt, real64), stat, errmsg)
      if (stat == 0) call file%write_field("zeta", row(values(:n)), stat, errmsg)
      if (stat == 0) call file%write_field("u", row(values(n + 1:2*n)), stat, errmsg)
      if (stat == 0) call file%write_field("v", row(values(2*n + 1:)), stat, errmsg)
    end associate
  end subroutine write_gauges

  !> A list of values as the only column of a field.
  pure function row(values)
    real(wp), intent(in) :: values(:)
    real(real64) :: row(size(values), 1)

    row(:, 1) = values
  end function row

end module swe_gauges
