! SPDX-License-Identifier: MIT
!> What the namelist of `isthmus-four-d-var` says: one group, `&assimilation`.
module assimilation_config
  use failures, only: err_argument, fail, succeed
  use kinds, only: wp
  use lorenz96, only: max_sites, min_sites
  use lorenz96_config, only: max_path
  use namelist_checks, only: check_at_least
  use namelists, only: assignment_t, complain, read_assignments
  implicit none
  private
  public :: assimilation_config_t, read_assimilation

  !> Settings, with their defaults.
  type :: assimilation_config_t
    integer :: n_sites = 40                  !! K
    real(wp) :: forcing = 8.0_wp             !! F, of the Fortran model [1]
    real(wp) :: dt = 0.05_wp                 !! time step between observation times [1]
    integer :: n_window = 8                  !! observation times in a window
    character(len=max_path) :: network = ""  !! emulator in the place of the model
    character(len=32) :: device = "cpu"      !! of the emulator
    real(wp) :: sd = 0.0_wp                  !! of background errors, 0: no background [1]
    real(wp) :: observation_sd = 1.0_wp      !! of observation errors [1]
    real(wp) :: tolerance = 1.0e-4_wp        !! factor by which the gradient falls
    integer :: max_outer = 20                !! linearisations
    integer :: max_inner = 50                !! conjugate gradients in each
    character(len=max_path) :: observations = "" !! netCDF file with y(time, k), x_first(k)
    character(len=max_path) :: analysis = "analysis.nc" !! what is written
  end type assimilation_config_t

contains

  !> Read a namelist file.
  subroutine read_assimilation(path, config, stat, errmsg)
    character(len=*), intent(in) :: path               !! namelist file
    type(assimilation_config_t), intent(out) :: config !! what it says
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    type(assignment_t), allocatable :: items(:)
    integer :: i, status

    call read_assignments(path, items, stat, errmsg)
    if (stat /= 0) return
    do i = 1, size(items)
      if (items(i)%group /= "assimilation") then
        call complain(path, items(i), "unknown group, expected &assimilation", stat, &
          errmsg)
        return
      end if
      call read_record(items(i)%record(), config, status)
      if (status == 0) cycle
      call read_record(items(i)%question(), config, status)
      if (status /= 0) then
        call complain(path, items(i), "unknown key '"//items(i)%key//"', see --help", &
          stat, errmsg)
      else
        call complain(path, items(i), "the value is not of the type of '"// &
          items(i)%key//"'", stat, errmsg)
      end if
      return
    end do
    call check(path, config, stat, errmsg)
  end subroutine read_assimilation

  !> Read a record.
  subroutine read_record(record, config, status)
    character(len=*), intent(in) :: record               !! namelist record
    type(assimilation_config_t), intent(inout) :: config !! settings so far
    integer, intent(out) :: status                       !! of the read

    character(len=max_path) :: analysis, network, observations
    character(len=32) :: device
    integer :: max_inner, max_outer, n_sites, n_window
    real(wp) :: dt, forcing, observation_sd, sd, tolerance
    namelist /assimilation/ n_sites, forcing, dt, n_window, network, device, sd, &
      observation_sd, tolerance, max_outer, max_inner, observations, analysis

    n_sites = config%n_sites
    forcing = config%forcing
    dt = config%dt
    n_window = config%n_window
    network = config%network
    device = config%device
    sd = config%sd
    observation_sd = config%observation_sd
    tolerance = config%tolerance
    max_outer = config%max_outer
    max_inner = config%max_inner
    observations = config%observations
    analysis = config%analysis
    read (record, nml=assimilation, iostat=status)
    if (status /= 0) return
    config = assimilation_config_t(n_sites, forcing, dt, n_window, network, device, sd, &
      observation_sd, tolerance, max_outer, max_inner, observations, analysis)
  end subroutine read_record

  !> Refuse what makes no sense.
  subroutine check(path, config, stat, errmsg)
    character(len=*), intent(in) :: path              !! namelist file
    type(assimilation_config_t), intent(in) :: config !! settings
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    character(len=256) :: problem

    problem = ""
    call check_at_least("n_sites", config%n_sites, min_sites, problem)
    call check_at_least("n_window", config%n_window, 1, problem)
    call check_at_least("max_outer", config%max_outer, 1, problem)
    call check_at_least("max_inner", config%max_inner, 1, problem)
    if (problem == "" .and. config%n_sites > max_sites) problem = "'n_sites' is too large"
    if (problem == "" .and. .not. config%dt > 0.0_wp) problem = "'dt' must be above 0"
    if (problem == "" .and. .not. config%sd >= 0.0_wp) then
      problem = "'sd' must be above 0, or 0 for no background"
    end if
    if (problem == "" .and. .not. config%observation_sd > 0.0_wp) then
      problem = "'observation_sd' must be above 0"
    end if
    if (problem == "" .and. .not. config%tolerance > 0.0_wp) then
      problem = "'tolerance' must be above 0"
    end if
    if (problem == "" .and. config%observations == "") then
      problem = "'observations' is missing, expected a netCDF file"
    end if
    if (problem == "") then
      call succeed(stat)
    else
      call fail(err_argument, path//": "//trim(problem), stat, errmsg)
    end if
  end subroutine check

end module assimilation_config
