! SPDX-License-Identifier: MIT
!> What `isthmus-shallow-water --help` prints.
module swe_help
  implicit none
  private
  public :: help_text

  character(len=*), parameter :: help_text(*) = [character(len=92) :: &
    "Runs the semi-implicit shallow water model (Backhaus 1983) as the groups of the", &
    "namelist say. What stands behind '=' is the default. Times are in seconds.", &
    "", &
    "&grid         file: netCDF with depth(y, x) in m, positive down, and x, y in m or", &
    "              lon, lat in degrees; also mask, cell, drag (y, x) if wanted.", &
    "              Without it a box: nx, ny, dx, dy (m; degrees on a sphere), depth.", &
    "              projection = 'f_plane' (or 'beta_plane', 'sphere'), latitude = 0,", &
    "              f0 (1/s) and beta (1/m/s) instead; periodic_x, periodic_y = .false.,", &
    "              depth_offset = 0 (m, added), shallowest (m, least depth of water),", &
    "              shoreline = 0 (m; without a mask, what is deeper is water),", &
    "              islands = 'refuse' (or 'fill', 'keep'): water that is cut off", &
    "&physics      theta = 0.55, gravity = 9.81, linear_drag = 0 (1/s),", &
    "              drag = 'quadratic' (or 'manning', 'none'),", &
    "              drag_coefficient = 0.0025 (or Manning's n),", &
    "              viscosity = 0 (m2/s), no_slip = .false.,", &
    "              face_depth = 'backhaus' (or 'linear', 'upwind'),", &
    "              advection = 'none' (or 'upwind', 'limited'),", &
    "              wetting = 'static' (faces close) or 'newton' (cells dry; needs", &
    "              face_depth = 'upwind'), min_depth = 1e-5 (m), thin_depth = 0 (m)", &
    "&integration  dt = 300, n_steps or duration, start = '2000-01-01T00:00:00' (UTC),", &
    "              spin_up = 0 (nothing is recorded before), max_courant = 200,", &
    "              max_advective = 1, is_reproducible = .false. (on any ranks)", &
    "&solver       name = 'cg_multigrid' (or 'sor', 'cg', 'cg_incomplete'),", &
    "              tolerance = 1e-5 (m), max_iterations = 10000,", &
    "              first_guess = 'old' (or 'linear', 'quadratic': extrapolated)", &
    "&files        output, output_every = 0 (steps; 0: the end only),", &
    "              precision = 'float64' (or 'float32'), velocities = .false.", &
    "              (transports over the depth at faces, written beside them),", &
    "              initial (netCDF with zeta, u, v), restart_in, restart_out,", &
    "              restart_every = 0 (steps; 0: the end only)", &
    "&boundary     west, east, south, north = 'closed' (or 'elevation', 'radiating'),", &
    "              file: netCDF with x, y or lon, lat (point) and amplitude, phase", &
    "              (constituent, point), zeta (time, point), or both; amplitude has the", &
    "              attribute constituents = 'M2 S2 ...'; kind = 'elevation' (or", &
    "              'radiating', 'transport'), ramp = 0, nodal = .false.", &
    "&forcing      file: netCDF with wind_u, wind_v (m/s) or stress_u, stress_v (N/m2),", &
    "              pressure (Pa), each (time, y, x)", &
    "&gauges       file: text, first line 'name,x,y' or 'name,lon,lat'; output,", &
    "              every = 1 (steps), max_distance (m, from a gauge to its cell)", &
    "&tracers      names = 'dye', ..., units, file: netCDF with their fields (y, x) at", &
    "              the start; scheme = 'limited' (or 'upwind'); written to the output", &
    "&analysis     constituents = 'M2', ..., start = 0, every = 1 (steps), output", &
    "&log          every = 0 (steps; 0: every 5 %)", &
    "", &
    "Exit status: 0 done, 1 the run failed, 2 the namelist is wrong, 130 Ctrl-C.", &
    "Files appear under their names only when they are complete; those of a run that", &
    "ended early are kept as NAME.failed.nc or NAME.interrupted.nc.", &
    "docs/shallow_water_program.md has examples."]

end module swe_help
