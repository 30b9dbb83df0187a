! SPDX-License-Identifier: MIT
!> Fields of a run in netCDF: CF, with the C grid told in two ways (SGRID's topology, and
!> `c_grid_axis_shift` of the coordinates, which xgcm reads).
module swe_output
  use restarts, only: setting_t
  use swe_blocks, only: block_t
  use swe_config, only: physics_settings, swe_config_t
  use swe_domain, only: swe_domain_t
  use swe_faces, only: face_depths
  use swe_grid, only: cell_elevation, cell_water, swe_grid_t
  use swe_kinds, only: real64, wp
  use swe_ranks, only: gather
  use swe_state, only: swe_state_t
  use trajectories, only: trajectory_t
  use version, only: isthmus_version
  implicit none
  private
  public :: add_attributes, add_grid, create_output, time_units, working_precision, &
    write_grid, write_masked, write_state

  real(real64), parameter, public :: no_value = 9.969209968386869e36_real64
    !! netCDF's own marker of a value that is not there

contains

  !> Create the file and define all that will be in it.
  subroutine create_output(config, domain, trajectory, stat, errmsg)
    type(swe_config_t), intent(in) :: config
    type(swe_domain_t), intent(in) :: domain
    type(trajectory_t), intent(inout) :: trajectory !! created
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    logical :: single

    single = config%files%precision == "float32"
    call trajectory%create(trim(config%files%output), stat, errmsg, time_units(config))
    if (stat == 0) call add_grid(domain, trajectory, stat, errmsg)
    if (stat == 0) call add_field(trajectory, "zeta", ["x", "y"], "m", &
      "elevation of the surface", "sea_surface_height_above_geoid", "face", single, stat, &
      errmsg)
    if (stat == 0) call add_field(trajectory, "u", [character(len=3) :: "x_u", "y"], &
      "m2 s-1", "eastward transport per unit width", "", "edge1", single, stat, errmsg)
    if (stat == 0) call add_field(trajectory, "v", [character(len=3) :: "x", "y_v"], &
      "m2 s-1", "northward transport per unit width", "", "edge2", single, stat, errmsg)
    if (stat == 0 .and. config%files%velocities) call add_velocities(domain, trajectory, &
      single, stat, errmsg)
    if (stat == 0) call add_tracers(config, trajectory, single, stat, errmsg)
    if (stat == 0) call add_attributes(config, domain, "Shallow water fields", trajectory, &
      stat, errmsg)
    if (stat == 0) call write_grid(domain, trajectory, stat, errmsg)
  end subroutine create_output

  !> Velocities, averaged over the depth.
  subroutine add_velocities(domain, trajectory, single, stat, errmsg)
    type(swe_domain_t), intent(in) :: domain
    type(trajectory_t), intent(inout) :: trajectory
    logical, intent(in) :: single !! store in single precision
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    character(len=:), allocatable :: x_name, y_name

    x_name = "barotropic_sea_water_x_velocity"
    y_name = "barotropic_sea_water_y_velocity"
    if (domain%is_sphere) then
      x_name = "barotropic_eastward_sea_water_velocity"
      y_name = "barotropic_northward_sea_water_velocity"
    end if
    call add_field(trajectory, "u_velocity", [character(len=3) :: "x_u", "y"], "m s-1", &
      "eastward velocity, mean over the depth", x_name, "edge1", single, stat, errmsg)
    if (stat == 0) call add_field(trajectory, "v_velocity", [character(len=3) :: "x", &
      "y_v"], "m s-1", "northward velocity, mean over the depth", y_name, "edge2", single, &
      stat, errmsg)
  end subroutine add_velocities

  !> Concentrations of what the water carries.
  subroutine add_tracers(config, trajectory, single, stat, errmsg)
    type(swe_config_t), intent(in) :: config
    type(trajectory_t), intent(inout) :: trajectory
    logical, intent(in) :: single !! store in single precision
    integer, intent(inout) :: stat
    character(len=*), intent(inout) :: errmsg

    character(len=:), allocatable :: units
    integer :: k

    do k = 1, size(config%tracers%names)
      units = "1"
      if (size(config%tracers%units) > 0) units = trim(config%tracers%units(k))
      if (stat == 0) call add_field(trajectory, trim(config%tracers%names(k)), ["x", "y"], &
        units, "concentration of "//trim(config%tracers%names(k)), "", "face", single, &
        stat, errmsg)
    end do
  end subroutine add_tracers

  !> "seconds since ..." of the run's start.
  function time_units(config) result(units)
    type(swe_config_t), intent(in) :: config
    character(len=:), allocatable :: units

    integer :: t

    units = "seconds since "//trim(config%integration%start)
    t = scan(units, "T", back=.true.)
    if (t > 0) units(t:t) = " "
  end function time_units

  !> Coordinates of centres and faces, the topology, depth and kinds of cells.
  subroutine add_grid(domain, trajectory, stat, errmsg)
    type(swe_domain_t), intent(in) :: domain
    type(trajectory_t), intent(inout) :: trajectory
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    call add_axis(trajectory, "x", domain%x, domain%is_sphere, "X", "", stat, errmsg)
    if (stat == 0) call add_axis(trajectory, "x_u", domain%x + domain%dx/2, &
      domain%is_sphere, "X", "0.5", stat, errmsg)
    if (stat == 0) call add_axis(trajectory, "y", domain%y, domain%is_sphere, "Y", "", &
      stat, errmsg)
    if (stat == 0) call add_axis(trajectory, "y_v", domain%y + domain%dy/2, &
      domain%is_sphere, "Y", "0.5", stat, errmsg)
    if (stat == 0) call add_topology(trajectory, stat, errmsg)
    if (stat == 0) call trajectory%add_constant("depth", ["x", "y"], "m", &
      "depth below the undisturbed surface", .false., stat, errmsg)
    if (stat == 0) call trajectory%add_mark("depth", "standard_name", &
      "sea_floor_depth_below_geoid", stat, errmsg)
    if (stat == 0) call trajectory%add_mark("depth", "positive", "down", stat, errmsg)
    if (stat == 0) call trajectory%add_number_mark("depth", "_FillValue", no_value, &
      .false., stat, errmsg)
    if (stat == 0) call trajectory%add_constant("cell", ["x", "y"], "1", &
      "kind of the cell", .false., stat, errmsg)
    if (stat == 0) call trajectory%add_mark("cell", "comment", "0 land, 1 water, "// &
      "2 prescribed elevation, 3 radiating, 4 prescribed transport", stat, errmsg)
  end subroutine add_grid

  !> One coordinate. `shift` is where a face lies from its centre, in cells.
  subroutine add_axis(trajectory, name, values, is_sphere, axis, shift, stat, errmsg)
    type(trajectory_t), intent(inout) :: trajectory
    character(len=*), intent(in) :: name      !! of the coordinate
    real(real64), intent(in) :: values(:)     !! of the coordinate
    logical, intent(in) :: is_sphere          !! it is in degrees
    character(len=*), intent(in) :: axis      !! "X" or "Y"
    character(len=*), intent(in) :: shift     !! "" at centres
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    character(len=:), allocatable :: long_name, standard_name, units

    long_name = "centres of cells"
    if (shift /= "") long_name = merge("east faces ", "north faces", axis == "X")
    if (.not. is_sphere) then
      units = "m"
      standard_name = "projection_"//merge("x", "y", axis == "X")//"_coordinate"
    else if (axis == "X") then
      units = "degrees_east"
      standard_name = "longitude"
    else
      units = "degrees_north"
      standard_name = "latitude"
    end if
    call trajectory%add_coordinate(name, values, units, trim(long_name), stat, errmsg)
    if (stat == 0) call trajectory%add_mark(name, "standard_name", standard_name, stat, &
      errmsg)
    if (stat == 0) call trajectory%add_mark(name, "axis", axis, stat, errmsg)
    if (stat == 0 .and. shift /= "") call trajectory%add_number_mark(name, &
      "c_grid_axis_shift", 0.5_real64, .false., stat, errmsg)
  end subroutine add_axis

  !> SGRID 0.3: a cell lies on the low side of its east and north faces.
  subroutine add_topology(trajectory, stat, errmsg)
    type(trajectory_t), intent(inout) :: trajectory
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    character(len=*), parameter :: nowhere(0) = [character(len=1) ::]

    call trajectory%add_constant("grid", nowhere, "1", "Arakawa C grid", .false., stat, &
      errmsg)
    if (stat == 0) call trajectory%add_mark("grid", "cf_role", "grid_topology", stat, &
      errmsg)
    if (stat == 0) call trajectory%add_integer_mark("grid", "topology_dimension", 2, stat, &
      errmsg)
    if (stat == 0) call trajectory%add_mark("grid", "node_dimensions", "x_u y_v", stat, &
      errmsg)
    if (stat == 0) call trajectory%add_mark("grid", "face_dimensions", &
      "x: x_u (padding: low) y: y_v (padding: low)", stat, errmsg)
    if (stat == 0) call trajectory%add_mark("grid", "edge1_dimensions", &
      "x_u y: y_v (padding: low)", stat, errmsg)
    if (stat == 0) call trajectory%add_mark("grid", "edge2_dimensions", &
      "x: x_u (padding: low) y_v", stat, errmsg)
  end subroutine add_topology

  !> One field over time.
  subroutine add_field(trajectory, name, dims, units, long_name, standard_name, location, &
    single, stat, errmsg)
    type(trajectory_t), intent(inout) :: trajectory
    character(len=*), intent(in) :: name, dims(2), units, long_name
    character(len=*), intent(in) :: standard_name !! "" if CF has none
    character(len=*), intent(in) :: location      !! in SGRID's words
    logical, intent(in) :: single                 !! store in single precision
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    call trajectory%add_variable(name, dims, units, long_name, single, stat, errmsg)
    if (stat == 0) call trajectory%add_number_mark(name, "_FillValue", no_value, single, &
      stat, errmsg)
    if (stat == 0) call trajectory%add_mark(name, "standard_name", standard_name, stat, &
      errmsg)
    if (stat == 0) call trajectory%add_mark(name, "grid", "grid", stat, errmsg)
    if (stat == 0) call trajectory%add_mark(name, "location", location, stat, errmsg)
  end subroutine add_field

  !> Say which model, which parameters, which program.
  subroutine add_attributes(config, domain, title, trajectory, stat, errmsg)
    type(swe_config_t), intent(in) :: config
    type(swe_domain_t), intent(in) :: domain
    character(len=*), intent(in) :: title           !! of the file
    type(trajectory_t), intent(inout) :: trajectory !! receives them
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    type(setting_t), allocatable :: settings(:)
    integer :: i

    call trajectory%add_attribute("Conventions", "CF-1.10 SGRID-0.3", stat, errmsg)
    if (stat == 0) call trajectory%add_attribute("title", title, stat, errmsg)
    if (stat == 0) call trajectory%add_attribute("model", &
      "semi-implicit shallow water after Backhaus (1983)", stat, errmsg)
    if (stat == 0) call trajectory%add_attribute("source", "isthmus-shallow-water", stat, &
      errmsg)
    if (stat == 0) call trajectory%add_attribute("version", isthmus_version, stat, errmsg)
    call physics_settings(config, settings)
    do i = 1, size(settings)
      if (stat /= 0) return
      if (allocated(settings(i)%text)) then
        call trajectory%add_attribute(settings(i)%name, settings(i)%text, stat, errmsg)
      else
        call trajectory%add_attribute(settings(i)%name, settings(i)%number, stat, errmsg)
      end if
    end do
    if (stat == 0) call trajectory%add_attribute("solver", trim(config%solver%name), stat, &
      errmsg)
    if (stat == 0) call trajectory%add_attribute("working_precision", &
      working_precision(), stat, errmsg)
    if (stat == 0) call trajectory%add_attribute("grid_fingerprint", domain%fingerprint(), &
      stat, errmsg)
  end subroutine add_attributes

  !> Kind of the state.
  pure function working_precision() result(text)
    character(len=7) :: text

    text = merge("float64", "float32", wp == real64)
  end function working_precision

  !> Write depth and kinds of cells.
  subroutine write_grid(domain, trajectory, stat, errmsg)
    type(swe_domain_t), intent(in) :: domain
    type(trajectory_t), intent(inout) :: trajectory
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    call trajectory%write_constant("depth", merge(domain%depth, no_value, &
      domain%cell > 0), stat, errmsg)
    if (stat == 0) call trajectory%write_constant("cell", real(domain%cell, real64), stat, &
      errmsg)
  end subroutine write_grid

  !> Write one record. All ranks call it; rank 0 has the file.
  subroutine write_state(config, domain, grid, state, c, step, trajectory, stat, errmsg)
    type(swe_config_t), intent(in) :: config
    type(swe_domain_t), intent(in) :: domain
    type(swe_grid_t), intent(in) :: grid
    type(swe_state_t), intent(in) :: state          !! to be written
    real(wp), intent(in), contiguous :: c(:, :, :)  !! concentrations, with halo
    integer, intent(in) :: step                     !! since the start
    type(trajectory_t), intent(inout) :: trajectory !! receives it
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    logical, allocatable :: here(:, :), here_u(:, :), here_v(:, :)
    real(wp), allocatable :: h_u(:, :), h_v(:, :)
    integer :: k

    stat = 0
    if (trajectory%is_open()) call trajectory%begin_record(step &
      *real(config%parameters%dt, real64), stat, errmsg)
    here = domain%cell == cell_water .or. domain%cell == cell_elevation
    call write_masked(grid%block, "zeta", state%zeta, here, trajectory, stat, errmsg)
    ! A face beside water is told, closed ones with their zero; a face in land is not.
    here_u = here .or. cshift(here, 1, 1)
    here_v = here .or. cshift(here, 1, 2)
    call write_masked(grid%block, "u", state%u, here_u, trajectory, stat, errmsg)
    call write_masked(grid%block, "v", state%v, here_v, trajectory, stat, errmsg)
    do k = 1, size(c, 3)
      call write_masked(grid%block, trim(config%tracers%names(k)), c(:, :, k), here, &
        trajectory, stat, errmsg)
    end do
    if (.not. config%files%velocities) return
    allocate (h_u, h_v, source=0*grid%depth)
    call face_depths(grid, config%parameters, state, h_u, h_v)
    call write_masked(grid%block, "u_velocity", velocity(state%u, h_u), here_u, &
      trajectory, stat, errmsg)
    call write_masked(grid%block, "v_velocity", velocity(state%v, h_v), here_v, &
      trajectory, stat, errmsg)
  end subroutine write_state

  !> Velocity at a face, zero where it is closed or dry [m s-1].
  elemental real(wp) function velocity(transport, h)
    real(wp), intent(in) :: transport !! [m2 s-1]
    real(wp), intent(in) :: h         !! water depth [m]

    velocity = merge(transport/max(h, tiny(h)), 0.0_wp, h > 0.0_wp)
  end function velocity

  !> Collect a field and write it, with no value where there is none.
  subroutine write_masked(block, name, field, here, trajectory, stat, errmsg)
    type(block_t), intent(in) :: block
    character(len=*), intent(in) :: name !! of the variable
    real(wp), intent(in), contiguous :: field(:, :) !! with halo
    logical, intent(in) :: here(:, :)    !! where the whole field has values
    type(trajectory_t), intent(inout) :: trajectory
    integer, intent(inout) :: stat       !! nothing is written unless it is 0
    character(len=*), intent(inout) :: errmsg

    real(wp), allocatable :: whole(:, :)

    allocate (whole(size(here, 1), size(here, 2)))
    call gather(block, field, whole)
    if (stat == 0 .and. trajectory%is_open()) call trajectory%write_field(name, &
      merge(real(whole, real64), no_value, here), stat, errmsg)
  end subroutine write_masked

end module swe_output
