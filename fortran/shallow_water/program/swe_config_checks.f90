! SPDX-License-Identifier: MIT
!> What the settings of a shallow water run may not say, before anything is computed or
!> written. The first mistake is told.
submodule (swe_config) swe_config_checks
  use namelist_checks, only: check_amount, check_at_least, check_choice, &
    check_not_negative, check_paths, check_positive, check_range
  use swe_constituents, only: days_since_j2000
  implicit none

  real(real64), parameter :: part_of_step = 0.01_real64
    !! accepted difference of a duration from whole steps [steps]: rounding of a decimal dt
  character(len=*), parameter :: numerals = "0123456789"
  character(len=*), parameter :: letters = &
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

contains

  !> Refuse what cannot be run, before anything is computed or written.
  module subroutine check(self, problem)
    class(swe_config_t), intent(inout) :: self !! settings; `n_steps` is set
    character(len=*), intent(inout) :: problem  !! set if there is one

    real(real64) :: dt

    dt = real(self%parameters%dt, real64)
    call check_positive("dt", dt, problem)
    if (problem /= "") return
    call check_physics(self, problem)
    if (problem == "") call check_steps(dt, self%integration, problem)
    call check_files(self, problem)
    call check_at_least("max_iterations", self%solver%max_iterations, 1, problem)
    call check_positive("tolerance", self%solver%tolerance, problem)
    if (self%grid%file == "") call check_box(self%grid, problem)
    call check_grid(self%grid, problem)
    call check_positive("max_courant", self%integration%max_courant, problem)
    call check_positive("max_advective", self%integration%max_advective, problem)
    call check_choice("projection", self%grid%projection, [character(len=10) :: "", &
      "f_plane", "beta_plane", "sphere"], problem)
    call check_choice("kind", self%boundary%kind, [character(len=9) :: "elevation", &
      "radiating", "transport"], problem)
    call check_not_negative("spin_up", self%integration%spin_up, problem)
    call check_not_negative("ramp", self%boundary%ramp, problem)
    call check_date(self%integration%start, problem)
    call check_side("west", self%boundary%west, problem)
    call check_side("east", self%boundary%east, problem)
    call check_side("south", self%boundary%south, problem)
    call check_side("north", self%boundary%north, problem)
    call check_tracers(self%tracers, problem)
    if (problem == "" .and. size(self%tracers%names) > 0 .and. self%tracers%file == "" &
      .and. self%files%restart_in == "") problem = &
      "'names' in &tracers needs 'file', with their fields at the start"
    call check_all_paths(self, problem)
    call check_reproducible(self, problem)
  end subroutine check

  !> Tracers need names of their own: they are variables beside those of the run.
  subroutine check_tracers(tracers, problem)
    type(tracer_settings_t), intent(in) :: tracers
    character(len=*), intent(inout) :: problem !! set if there is one

    character(len=*), parameter :: taken(*) = [character(len=10) :: "zeta", "u", "v", &
      "u_velocity", "v_velocity", "depth", "cell", "grid", "x", "y", "x_u", "y_v", &
      "time", ""]
    integer :: k

    if (problem /= "") return
    do k = 1, size(tracers%names)
      associate (name => tracers%names(k))
        if (all(name /= taken) .and. all(name /= tracers%names(:k - 1)) .and. &
          verify(trim(name), letters//numerals//"_") == 0) cycle
        problem = "'names' in &tracers has '"//trim(name)//"': a tracer needs a name "// &
          "of its own, of letters, digits and '_'"
      end associate
      return
    end do
    if (problem == "" .and. size(tracers%units) > 0 .and. size(tracers%units) &
      /= size(tracers%names)) problem = "'units' in &tracers must be as many as 'names'"
    if (problem == "" .and. tracers%file /= "" .and. size(tracers%names) == 0) problem = &
      "'file' in &tracers needs 'names'"
  end subroutine check_tracers

  !> Refuse a solver whose bits depend on the ranks in a run whose bits must not.
  subroutine check_reproducible(config, problem)
    class(swe_config_t), intent(in) :: config   !! settings
    character(len=*), intent(inout) :: problem !! set if there is one

    logical :: depends_on_ranks

    if (problem /= "" .or. .not. config%integration%is_reproducible) return
    depends_on_ranks = config%solver%name == "cg_incomplete" .or. &
      config%solver%name == "hypre_pfmg"
    if (depends_on_ranks) then
      problem = "'is_reproducible' cannot hold with the solver '"// &
        trim(config%solver%name)//"': its preconditioner depends on the ranks; take "// &
        "'cg_multigrid', 'cg' or 'sor'"
    end if
  end subroutine check_reproducible

  !> Either a number of steps or a duration.
  subroutine check_steps(dt, integration, problem)
    real(real64), intent(in) :: dt !! [s]
    type(integration_settings_t), intent(inout) :: integration !! `n_steps` is set
    character(len=*), intent(inout) :: problem !! set if it is neither, or both

    associate (duration => integration%duration)
      if (integration%n_steps >= 0) then
        if (.not. abs(duration) <= 0) problem = &
          "'duration' and 'n_steps' exclude each other"
      else if (integration%n_steps < -1) then
        call check_at_least("n_steps", integration%n_steps, 0, problem)
      else if (.not. abs(duration) <= 0) then
        call check_positive("duration", duration, problem)
        if (problem == "") call set_steps(dt, integration, problem)
      else
        problem = "&integration must say how long: 'n_steps', or 'duration' in seconds"
      end if
    end associate
  end subroutine check_steps

  !> Steps of a duration, which must be whole.
  subroutine set_steps(dt, integration, problem)
    real(real64), intent(in) :: dt !! [s]
    type(integration_settings_t), intent(inout) :: integration
    character(len=*), intent(inout) :: problem !! set if they are not

    real(real64) :: steps

    steps = integration%duration/dt
    integration%n_steps = nint(min(steps, real(huge(1), real64)))
    if (problem /= "" .or. abs(steps - integration%n_steps) < part_of_step) return
    write (problem, "(a, g0.8, a, g0.6, a, i0, a)") "'duration' = ", integration%duration, &
      " s is no whole number of steps of ", dt, " s: set 'n_steps', e.g. ", &
      integration%n_steps, ", instead"
  end subroutine set_steps

  subroutine check_date(date, problem)
    character(len=*), intent(in) :: date
    character(len=*), intent(inout) :: problem

    real(real64) :: days
    logical :: is_date

    call days_since_j2000(date, days, is_date)
    if (problem == "" .and. .not. is_date) problem = "'start' must be a date like "// &
      "'2000-01-01T00:00:00', found '"//trim(date)//"'"
  end subroutine check_date

  subroutine check_physics(config, problem)
    class(swe_config_t), intent(in) :: config
    character(len=*), intent(inout) :: problem

    associate (p => config%parameters)
      if (problem /= "") return
      if (.not. (p%theta >= 0.5 .and. p%theta <= 1)) then
        write (problem, "(a, g0.6)") "'theta' must lie between 0.5 and 1, found ", p%theta
      end if
      call check_positive("gravity", real(p%gravity, real64), problem)
      call check_positive("min_depth", real(p%min_depth, real64), problem)
      if (problem == "" .and. p%wetting == wetting_newton .and. p%face_depth /= &
        face_upwind) problem = "'wetting' = 'newton' needs 'face_depth' = 'upwind': "// &
        "the other depths let water leave dry cells"
      call check_not_negative("thin_depth", real(p%thin_depth, real64), problem)
      call check_not_negative("linear_drag", real(p%linear_drag, real64), problem)
      call check_not_negative("viscosity", real(p%viscosity, real64), problem)
      call check_not_negative("drag_coefficient", config%drag_coefficient, problem)
    end associate
  end subroutine check_physics

  subroutine check_files(config, problem)
    class(swe_config_t), intent(in) :: config
    character(len=*), intent(inout) :: problem

    call check_choice("precision", config%files%precision, ["float64", "float32"], problem)
    call check_at_least("output_every", config%files%output_every, 0, problem)
    call check_at_least("restart_every", config%files%restart_every, 0, problem)
    call check_at_least("every' in '&gauges", config%gauges%every, 1, problem)
    call check_at_least("every' in '&analysis", config%analysis%every, 1, problem)
    call check_at_least("every' in '&log", config%log_every, 0, problem)
    if (problem /= "") return
    if (config%files%initial /= "" .and. config%files%restart_in /= "") then
      problem = "'initial' and 'restart_in' exclude each other"
    else if (config%files%restart_every > 0 .and. config%files%restart_out == "") then
      problem = "'restart_every' needs the name of a restart, 'restart_out'"
    else if (config%gauges%output /= "" .and. config%gauges%file == "") then
      problem = "'output' in '&gauges' needs their list, 'file'"
    else if (config%analysis%output /= "" .and. size(config%analysis%constituents) == 0) &
      then
      problem = "'output' in '&analysis' needs 'constituents'"
    else if (config%analysis%output == "" .and. size(config%analysis%constituents) > 0 &
      .and. config%files%restart_out == "") then
      problem = "'constituents' in '&analysis' need 'output' (or 'restart_out' in "// &
        "&files: a later run goes on)"
    else if (config%gauges%output == "" .and. config%gauges%file /= "") then
      problem = "'file' in '&gauges' needs 'output', their time series"
    end if
  end subroutine check_files

  !> No file is written twice or over one that is read; a restart may replace its like.
  subroutine check_all_paths(config, problem)
    class(swe_config_t), intent(in) :: config
    character(len=*), intent(inout) :: problem

    character(len=24), parameter :: keys(*) = [character(len=24) :: "output' in '&gauges", &
      "output' in '&analysis", "output' in '&files", "restart_out", "initial", &
      "file' in '&grid", "file' in '&boundary", "file' in '&forcing", &
      "file' in '&gauges", "file' in '&tracers"]

    associate (files => config%files)
      call check_paths(keys, [config%gauges%output, config%analysis%output, &
        files%output, files%restart_out, files%initial, config%grid%file, &
        config%boundary%file, config%forcing_file, config%gauges%file, &
        config%tracers%file], 4, problem)
      call check_paths([character(len=24) :: keys(:3), "restart_in"], &
        [config%gauges%output, config%analysis%output, files%output, files%restart_in], &
        3, problem)
    end associate
  end subroutine check_all_paths

  !> Numbers of a grid from a file, or of a box.
  subroutine check_grid(grid, problem)
    type(grid_settings_t), intent(in) :: grid
    character(len=*), intent(inout) :: problem

    real(real64), parameter :: most = 12000 !! [m], as deep as any sea

    call check_range("latitude", grid%latitude, -90.0_real64, 90.0_real64, problem)
    call check_range("depth_offset", grid%depth_offset, -most, most, problem)
    call check_range("shallowest", grid%shallowest, -huge(most), most, problem)
    call check_range("shoreline", grid%shoreline, -most, most, problem)
    call check_range("f0", grid%f0, -huge(most), huge(most), problem)
    call check_range("beta", grid%beta, -huge(most), huge(most), problem)
  end subroutine check_grid

  subroutine check_box(grid, problem)
    type(grid_settings_t), intent(in) :: grid
    character(len=*), intent(inout) :: problem

    if (problem == "" .and. grid%nx == 0 .and. grid%ny == 0) problem = &
      "&grid must name a 'file', or the size of a box: nx, ny, dx, dy, depth"
    call check_at_least("nx", grid%nx, 1, problem)
    call check_at_least("ny", grid%ny, 1, problem)
    call check_amount("'nx' by 'ny'", [grid%nx, grid%ny], 1, problem)
    call check_positive("dx", grid%dx, problem)
    call check_positive("dy", grid%dy, problem)
    call check_positive("depth", grid%depth, problem)
  end subroutine check_box

  subroutine check_side(key, value, problem)
    character(len=*), intent(in) :: key, value !! side, and what it says
    character(len=*), intent(inout) :: problem

    call check_choice(key, value, [character(len=9) :: "closed", "elevation", &
      "radiating"], problem)
  end subroutine check_side

end submodule swe_config_checks
