! SPDX-License-Identifier: MIT
!> 4D-Var in windows that follow one another, each from the forecast of the one before.
!>
!> Window i holds the observation times `i n_window` to `(i + 1) n_window - 1`; values that
!> are missing are masked. Without a background the forecast is the first guess only.
module assimilation_run
  use assimilation_config, only: assimilation_config_t
  use failures, only: err_file, fail
  use four_d_var, only: analysis_t, minimise, window_t
  use kinds, only: wp
  use lorenz96, only: lorenz96_t
  use lorenz96_observed, only: lorenz96_observed_t
  use netcdf_inputs, only: netcdf_input_t
  use network_observed, only: network_observed_t
  use trajectories, only: trajectory_t
  implicit none
  private
  public :: run

contains

  !> Read, analyse all windows, write.
  subroutine run(config, stat, errmsg)
    type(assimilation_config_t), intent(in) :: config !! settings
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    type(trajectory_t) :: file
    type(lorenz96_observed_t) :: model
    type(network_observed_t) :: emulator
    real(wp), allocatable :: first(:), y(:, :)
    real(wp) :: worst ! share of a gradient's norm that a minimisation left
    integer :: i, n_unconverged

    call read_observations(config, y, first, stat, errmsg)
    if (stat /= 0) return
    model%forcing = config%forcing
    model%dt = config%dt
    if (config%network /= "") then
      call emulator%load(trim(config%network), trim(config%device), config%n_sites, &
        config%dt, stat, errmsg)
      if (stat /= 0) return
    end if
    call create(config, file, stat, errmsg)
    if (stat /= 0) return
    n_unconverged = 0
    worst = 0.0_wp
    do i = 1, size(y, 2)/config%n_window
      if (config%network /= "") then
        emulator%y = y(:, (i - 1)*config%n_window + 1:i*config%n_window)
        call mask(config, emulator%y, emulator%weight)
        call analyse(config, emulator, i, first, file, n_unconverged, worst, &
          stat, errmsg)
        if (stat == 0) call emulator%advance(first, config%n_window)
        if (emulator%stat /= 0) then
          call fail(emulator%stat, trim(emulator%errmsg), stat, errmsg)
        end if
      else
        model%y = y(:, (i - 1)*config%n_window + 1:i*config%n_window)
        call mask(config, model%y, model%weight)
        call analyse(config, model, i, first, file, n_unconverged, worst, &
          stat, errmsg)
        if (stat == 0) call forecast(config, first)
      end if
      if (stat /= 0) exit
    end do
    if (stat /= 0) then
      call file%abandon()
      return
    end if
    call file%finish(stat=stat, errmsg=errmsg)
    write (*, "(3(i0, a))") size(y, 2)/config%n_window, " windows, ", n_unconverged, &
      " of them did not converge, ", count(y /= y), " missing values masked"
    if (n_unconverged > 0) write (*, "(a, es8.2, a)") &
      "worst: the gradient's norm fell to ", worst, " of that at the start"
  end subroutine run

  !> Analyse one window and write it; `first` becomes the analysis.
  subroutine analyse(config, window, i, first, file, n_unconverged, worst, stat, errmsg)
    type(assimilation_config_t), intent(in) :: config !! settings
    class(window_t), intent(inout) :: window          !! model and observations
    integer, intent(in) :: i                          !! number of the window
    real(wp), intent(inout) :: first(:)               !! background, then analysis (k)
    type(trajectory_t), intent(inout) :: file         !! what is written
    integer, intent(inout) :: n_unconverged           !! windows, counted on
    real(wp), intent(inout) :: worst                  !! share of the norm left, the largest
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    type(analysis_t) :: analysis
    real(wp) :: s(size(first)), x(size(first))
    character(len=80) :: text

    s = merge(config%sd, 1.0_wp, config%sd > 0.0_wp)
    call minimise(window, first, s, config%sd > 0.0_wp, config%tolerance, &
      config%max_outer, config%max_inner, x, analysis)
    if (.not. abs(analysis%cost) <= huge(1.0_wp)) then
      write (text, "(a, i0, a)") "window ", i, ": the cost is not finite at the first "// &
        "guess; the model blew up"
      call fail(err_file, trim(text), stat, errmsg)
      return
    end if
    if (.not. analysis%is_converged) then
      n_unconverged = n_unconverged + 1
      worst = max(worst, analysis%gradient_norm/analysis%gradient_norm_start)
    end if
    first = x
    call file%begin_record((i - 1)*config%n_window*config%dt, stat, errmsg)
    if (stat == 0) call file%write_field("x", reshape(x, [size(x), 1]), stat, errmsg)
    if (stat == 0) call file%write_field("minimisation", reshape([analysis%cost, &
      analysis%gradient_norm, analysis%gradient_norm_start, &
      real(analysis%n_sweeps, wp), real(analysis%n_outer, wp), &
      merge(1.0_wp, 0.0_wp, analysis%is_converged)], [6, 1]), stat, errmsg)
  end subroutine analyse

  !> Carry an analysis to the beginning of the next window with the Fortran model.
  subroutine forecast(config, x)
    type(assimilation_config_t), intent(in) :: config !! settings
    real(wp), intent(inout) :: x(:)                   !! state, advanced (k)

    type(lorenz96_t) :: model
    real(wp) :: members(size(x), 1)

    model = lorenz96_t(n_sites=config%n_sites, forcing=config%forcing)
    members(:, 1) = x
    call model%advance(members, config%dt, config%n_window)
    x = members(:, 1)
  end subroutine forecast

  !> Weights of what was observed; missing values become zeros of no weight.
  subroutine mask(config, y, weight)
    type(assimilation_config_t), intent(in) :: config     !! settings
    real(wp), intent(inout) :: y(:, :)                    !! NaN where missing (k, time)
    real(wp), allocatable, intent(inout) :: weight(:, :)  !! set (k, time)

    weight = merge(config%observation_sd**(-2), 0.0_wp, y == y)
    where (y /= y) y = 0.0_wp
  end subroutine mask

  !> Read y(time, k) and x_first(k).
  subroutine read_observations(config, y, first, stat, errmsg)
    type(assimilation_config_t), intent(in) :: config !! settings
    real(wp), allocatable, intent(out) :: y(:, :)     !! NaN where missing (k, time)
    real(wp), allocatable, intent(out) :: first(:)    !! background of the first window (k)
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    type(netcdf_input_t) :: file
    character(len=64) :: found

    call file%open(trim(config%observations))
    if (file%problem == "") call file%read("y", ["k   ", "time"], y)
    if (file%problem == "") call file%read("x_first", first)
    call file%close()
    stat = 0
    if (file%problem /= "") then
      call fail(err_file, trim(file%problem), stat, errmsg)
    else if (size(y, 1) /= config%n_sites .or. size(first) /= config%n_sites) then
      write (found, "(2(i0, a), i0)") size(y, 1), " and ", size(first), ", expected ", &
        config%n_sites
      call fail(err_file, "'"//trim(config%observations)// &
        "': 'y' and 'x_first' have sites "//trim(found), stat, errmsg)
    else if (any(abs(y) > huge(1.0_wp))) then
      call fail(err_file, "'"//trim(config%observations)// &
        "': 'y' holds infinity; missing values mark what was not observed", stat, errmsg)
    else if (any(first /= first)) then
      call fail(err_file, "'"//trim(config%observations)// &
        "': 'x_first' has missing values", stat, errmsg)
    end if
  end subroutine read_observations

  !> Define the file of analyses, with all settings inside.
  subroutine create(config, file, stat, errmsg)
    type(assimilation_config_t), intent(in) :: config !! settings
    type(trajectory_t), intent(inout) :: file         !! created
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    call file%create(trim(config%analysis), stat, errmsg)
    if (stat == 0) call file%add_dimension("k", config%n_sites, "site", stat, errmsg)
    if (stat == 0) call file%add_dimension("item", 6, "item of the report", stat, errmsg)
    if (stat == 0) call file%add_variable("x", ["k"], "1", &
      "analysis at the beginning of the window", .false., stat, errmsg)
    if (stat == 0) call file%add_variable("minimisation", ["item"], "1", &
      "cost, norm of the gradient at the end and the start, pairs of sweeps, "// &
      "linearisations, 1 if converged", .false., stat, errmsg)
    if (stat == 0) call file%add_attribute("forcing", config%forcing, stat, errmsg)
    if (stat == 0) call file%add_attribute("dt", config%dt, stat, errmsg)
    if (stat == 0) call file%add_attribute("n_window", config%n_window, stat, errmsg)
    if (stat == 0) call file%add_attribute("network", trim(config%network), stat, errmsg)
    if (stat == 0) call file%add_attribute("sd", config%sd, stat, errmsg)
    if (stat == 0) call file%add_attribute("observation_sd", config%observation_sd, stat, &
      errmsg)
    if (stat == 0) call file%add_attribute("tolerance", config%tolerance, stat, errmsg)
    if (stat == 0) call file%add_attribute("max_outer", config%max_outer, stat, errmsg)
    if (stat == 0) call file%add_attribute("max_inner", config%max_inner, stat, errmsg)
    if (stat == 0) call file%add_attribute("observations", trim(config%observations), &
      stat, errmsg)
  end subroutine create

end module assimilation_run
