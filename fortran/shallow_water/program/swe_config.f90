! SPDX-License-Identifier: MIT
!> What a namelist says about a shallow water run.
!>
!> Each key is one `visit` line below, next to the others of its group, and one component
!> with its default and its unit. Every mistake is reported with file and line.
module swe_config
  use namelist_settings, only: key_visitor_t, max_path, settings_t
  use restarts, only: setting_t
  use swe_kinds, only: real64
  use swe_parameters, only: advection_limited, advection_none, advection_upwind, &
    drag_manning, drag_none, drag_quadratic, face_backhaus, face_linear, face_upwind, &
    swe_parameters_t, wetting_newton, wetting_static
  use swe_solvers, only: default_solver
  use swe_tracers, only: tracers_limited, tracers_upwind
  implicit none
  private
  public :: physics_settings, swe_config_t

  integer, parameter, public :: max_name = 64   !! longest name of a variable or gauge
  character(len=*), parameter :: groups = "unknown group, expected &grid, &physics, "// &
    "&integration, &solver, &files, &boundary, &forcing, &gauges, &tracers, "// &
    "&analysis or &log"

  integer, parameter, public :: islands_refuse = 0, islands_keep = 1, islands_fill = 2

  !> Group `&grid`: a file, or a box.
  type, public :: grid_settings_t
    character(len=max_path) :: file = ""      !! netCDF; empty: a box of the size below
    integer :: nx = 0, ny = 0                 !! cells of a box
    real(real64) :: dx = 0, dy = 0            !! of a box: [m], on a sphere [degree]
    real(real64) :: depth = 0                 !! of a box [m]
    character(len=16) :: projection = ""      !! "f_plane", "beta_plane", "sphere"
    real(real64) :: latitude = 0              !! gives f0 and beta of a plane [degree];
                                              !! southern edge of a box on a sphere
    real(real64) :: f0 = huge(1.0_real64)     !! instead of the latitude's [s-1]
    real(real64) :: beta = huge(1.0_real64)   !! instead of the latitude's [m-1 s-1]
    logical :: periodic_x = .false., periodic_y = .false.
    real(real64) :: depth_offset = 0          !! added to the depth of water [m]
    real(real64) :: shallowest = -huge(1.0_real64) !! least depth of water [m]
    real(real64) :: shoreline = 0             !! without mask: deeper is water [m]
    integer :: islands = islands_refuse       !! what to do with water cut off
  end type grid_settings_t

  !> Group `&integration`.
  type, public :: integration_settings_t
    real(real64) :: duration = 0              !! [s]; else `n_steps`
    integer :: n_steps = -1                   !! of this run; -1: `duration` says it
    character(len=32) :: start = "2000-01-01T00:00:00" !! time of step 0, UTC
    real(real64) :: spin_up = 0
      !! time before which no fields, gauges and samples are recorded [s]
    real(real64) :: max_courant = 200         !! of gravity waves, largest accepted [1]
    real(real64) :: max_advective = 1
      !! |u|*dt/dx + |v|*dt/dy where momentum is advected; beyond, the run stops [1]
    logical :: is_reproducible = .false.      !! bits do not depend on the ranks
  end type integration_settings_t

  !> Group `&solver`.
  type, public :: solver_settings_t
    character(len=max_name) :: name = default_solver
    real(real64) :: tolerance = 1.0e-5_real64 !! largest residual/area [m]
    integer :: max_iterations = 10000         !! of one step
    integer :: first_guess = 0
      !! elevations before the old one that are extrapolated; 0: begin at the old one
  end type solver_settings_t

  !> Group `&files`.
  type, public :: file_settings_t
    character(len=max_path) :: output = ""      !! fields, none if empty
    integer :: output_every = 0                 !! steps between records; 0: the end only
    character(len=16) :: precision = "float64"  !! of the fields, or "float32"
    logical :: velocities = .false.             !! are written too
    character(len=max_path) :: restart_in = ""  !! to go on from
    character(len=max_path) :: restart_out = "" !! to write
    integer :: restart_every = 0                !! steps between restarts; 0: the end only
    character(len=max_path) :: initial = ""     !! netCDF with zeta, and u and v if not 0
  end type file_settings_t

  !> Group `&boundary`.
  type, public :: boundary_settings_t
    character(len=max_path) :: file = ""  !! points with constituents or time series
    character(len=16) :: kind = "elevation" !! of the file's points
    character(len=16) :: west = "closed", east = "closed" !! sides of the grid: closed,
    character(len=16) :: south = "closed", north = "closed" !! elevation, radiating
    real(real64) :: ramp = 0              !! the forcing grows from nothing in this time [s]
    logical :: nodal = .false.            !! nodal corrections of the constituents
  end type boundary_settings_t

  !> Group `&gauges`.
  type, public :: gauge_settings_t
    character(len=max_path) :: file = ""   !! lines "name, x or lon, y or lat"
    character(len=max_path) :: output = "" !! their time series
    integer :: every = 1                   !! steps between records
    real(real64) :: max_distance = huge(1.0_real64)
      !! from a gauge to its cell [m]; farther is an error
  end type gauge_settings_t

  !> Group `&tracers`.
  type, public :: tracer_settings_t
    character(len=max_name), allocatable :: names(:) !! what is carried; none: nothing
    character(len=max_name), allocatable :: units(:) !! of each; none: "1"
    character(len=max_path) :: file = ""      !! netCDF with their fields at the start
    integer :: scheme = tracers_limited       !! one of tracers_*
  end type tracer_settings_t

  !> Group `&analysis`.
  type, public :: analysis_settings_t
    character(len=8), allocatable :: constituents(:) !! to be fitted at every cell
    real(real64) :: start = 0                 !! time after which it begins [s]
    integer :: every = 1                      !! steps between samples
    character(len=max_path) :: output = ""    !! amplitudes and phases
  end type analysis_settings_t

  !> Settings of a run, with their defaults.
  type, extends(settings_t) :: swe_config_t
    type(grid_settings_t) :: grid
    type(swe_parameters_t) :: parameters            !! &physics; dt is in &integration
    real(real64) :: drag_coefficient = 2.5e-3_real64 !! cd [1], or Manning's n [m-1/3 s]
    type(integration_settings_t) :: integration
    type(solver_settings_t) :: solver
    type(file_settings_t) :: files
    type(boundary_settings_t) :: boundary
    character(len=max_path) :: forcing_file = ""    !! wind stress and air pressure
    type(gauge_settings_t) :: gauges
    type(tracer_settings_t) :: tracers
    type(analysis_settings_t) :: analysis
    integer :: log_every = 0                        !! steps; 0: every 5 % of the run
  contains
    procedure :: set_lists
    procedure :: visit_group
    procedure :: check
  end type swe_config_t

  interface
    !> Refuse what cannot be run, before anything is computed or written.
    module subroutine check(self, problem)
      implicit none
      class(swe_config_t), intent(inout) :: self !! settings; `n_steps` is set
      character(len=*), intent(inout) :: problem  !! set if there is one
    end subroutine check
  end interface

contains

  !> No constituents, no tracers.
  subroutine set_lists(self)
    class(swe_config_t), intent(inout) :: self

    self%analysis%constituents = [character(len=8) ::]
    self%tracers%names = [character(len=max_name) ::]
    self%tracers%units = [character(len=max_name) ::]
  end subroutine set_lists

  !> All keys of the group at hand.
  subroutine visit_group(self, keys, group)
    class(swe_config_t), intent(inout) :: self
    type(key_visitor_t), intent(inout) :: keys
    character(len=*), intent(in) :: group

    select case (group)
    case ("grid")
      call visit_grid(keys, self%grid)
    case ("physics")
      call visit_physics(keys, self)
    case ("integration")
      call visit_integration(keys, self)
    case ("solver")
      call keys%visit("name", self%solver%name)
      call keys%visit("tolerance", self%solver%tolerance)
      call keys%visit("max_iterations", self%solver%max_iterations)
      call keys%choose("first_guess", [character(len=9) :: "old", "linear", &
        "quadratic"], [0, 1, 2], self%solver%first_guess)
    case ("files")
      call visit_files(keys, self%files)
    case ("boundary")
      call visit_boundary(keys, self%boundary)
    case ("forcing")
      call keys%visit("file", self%forcing_file)
    case ("gauges")
      call keys%visit("file", self%gauges%file)
      call keys%visit("output", self%gauges%output)
      call keys%visit("every", self%gauges%every)
      call keys%visit("max_distance", self%gauges%max_distance)
    case ("tracers")
      call keys%visit("names", self%tracers%names)
      call keys%visit("units", self%tracers%units)
      call keys%visit("file", self%tracers%file)
      call keys%choose("scheme", [character(len=7) :: "upwind", "limited"], &
        [tracers_upwind, tracers_limited], self%tracers%scheme)
    case ("analysis")
      call keys%visit("constituents", self%analysis%constituents)
      call keys%visit("start", self%analysis%start)
      call keys%visit("every", self%analysis%every)
      call keys%visit("output", self%analysis%output)
    case ("log")
      call keys%visit("every", self%log_every)
    case default
      keys%problem = groups
    end select
  end subroutine visit_group

  subroutine visit_grid(keys, grid)
    type(key_visitor_t), intent(inout) :: keys
    type(grid_settings_t), intent(inout) :: grid

    call keys%visit("file", grid%file)
    call keys%visit("nx", grid%nx)
    call keys%visit("ny", grid%ny)
    call keys%visit("dx", grid%dx)
    call keys%visit("dy", grid%dy)
    call keys%visit("depth", grid%depth)
    call keys%visit("projection", grid%projection)
    call keys%visit("latitude", grid%latitude)
    call keys%visit("f0", grid%f0)
    call keys%visit("beta", grid%beta)
    call keys%visit("periodic_x", grid%periodic_x)
    call keys%visit("periodic_y", grid%periodic_y)
    call keys%visit("depth_offset", grid%depth_offset)
    call keys%visit("shallowest", grid%shallowest)
    call keys%visit("shoreline", grid%shoreline)
    call keys%choose("islands", [character(len=6) :: "refuse", "keep", "fill"], &
      [islands_refuse, islands_keep, islands_fill], grid%islands)
  end subroutine visit_grid

  !> What the equations are: also listed in restarts and outputs.
  subroutine visit_physics(keys, config)
    type(key_visitor_t), intent(inout) :: keys
    class(swe_config_t), intent(inout) :: config

    associate (p => config%parameters)
      call keys%visit("theta", p%theta)
      call keys%visit("gravity", p%gravity)
      call keys%choose("drag", [character(len=9) :: "none", "quadratic", "manning"], &
        [drag_none, drag_quadratic, drag_manning], p%drag)
      call keys%visit("drag_coefficient", config%drag_coefficient)
      call keys%visit("linear_drag", p%linear_drag)
      call keys%visit("viscosity", p%viscosity)
      call keys%choose("face_depth", [character(len=8) :: "linear", "backhaus", "upwind"], &
        [face_linear, face_backhaus, face_upwind], p%face_depth)
      call keys%visit("no_slip", p%no_slip)
      call keys%choose("advection", [character(len=7) :: "none", "upwind", "limited"], &
        [advection_none, advection_upwind, advection_limited], p%advection)
      call keys%choose("wetting", [character(len=6) :: "static", "newton"], &
        [wetting_static, wetting_newton], p%wetting)
      call keys%visit("min_depth", p%min_depth)
      call keys%visit("thin_depth", p%thin_depth)
    end associate
  end subroutine visit_physics

  subroutine visit_integration(keys, config)
    type(key_visitor_t), intent(inout) :: keys
    class(swe_config_t), intent(inout) :: config

    call keys%visit("dt", config%parameters%dt)
    call keys%visit("duration", config%integration%duration)
    call keys%visit("n_steps", config%integration%n_steps)
    call keys%visit("start", config%integration%start)
    call keys%visit("spin_up", config%integration%spin_up)
    call keys%visit("max_courant", config%integration%max_courant)
    call keys%visit("max_advective", config%integration%max_advective)
    call keys%visit("is_reproducible", config%integration%is_reproducible)
  end subroutine visit_integration

  subroutine visit_files(keys, files)
    type(key_visitor_t), intent(inout) :: keys
    type(file_settings_t), intent(inout) :: files

    call keys%visit("output", files%output)
    call keys%visit("output_every", files%output_every)
    call keys%visit("precision", files%precision)
    call keys%visit("velocities", files%velocities)
    call keys%visit("restart_in", files%restart_in)
    call keys%visit("restart_out", files%restart_out)
    call keys%visit("restart_every", files%restart_every)
    call keys%visit("initial", files%initial)
  end subroutine visit_files

  subroutine visit_boundary(keys, boundary)
    type(key_visitor_t), intent(inout) :: keys
    type(boundary_settings_t), intent(inout) :: boundary

    call keys%visit("file", boundary%file)
    call keys%visit("kind", boundary%kind)
    call keys%visit("west", boundary%west)
    call keys%visit("east", boundary%east)
    call keys%visit("south", boundary%south)
    call keys%visit("north", boundary%north)
    call keys%visit("ramp", boundary%ramp)
    call keys%visit("nodal", boundary%nodal)
  end subroutine visit_boundary

  !> The parameters that make one model different from another.
  subroutine physics_settings(config, settings)
    type(swe_config_t), intent(in) :: config !! settings
    type(setting_t), allocatable, intent(out) :: settings(:)

    type(key_visitor_t) :: keys
    type(swe_config_t) :: copy

    copy = config
    call keys%list()
    call visit_physics(keys, copy)
    call keys%visit("dt", copy%parameters%dt)
    call keys%visit("tolerance", copy%solver%tolerance)
    call move_alloc(keys%settings, settings)
  end subroutine physics_settings

end module swe_config
