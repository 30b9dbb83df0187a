! SPDX-License-Identifier: MIT
!> What a namelist says about boxes, or columns, of warm rain by moments.
!>
!> With `levels = 0` each combination of the three lists of `&clouds` is a box; else there
!> are columns, which take the lists in turn.
module bulk_config
  use failures, only: err_argument, fail, succeed
  use kinds, only: wp
  use namelist_checks, only: check_at_least
  use namelist_keys, only: key_visitor_t
  use namelists, only: assignment_t, complain, read_assignments
  implicit none
  private
  public :: bulk_config_t, read_config

  integer, parameter, public :: max_path = 1024 !! longest path in a namelist
  real(wp), parameter :: part_of_step = 1.0e-6_wp
    !! accepted difference of an interval from whole steps [steps]: decimal fractions

  !> Settings of a run, with their defaults.
  type :: bulk_config_t
    real(wp), allocatable :: liquid_water(:)  !! L0 of boxes [kg m-3]
    real(wp), allocatable :: mean_radius(:)   !! r_m [m]
    real(wp), allocatable :: shape(:)         !! nu [1]
    integer :: levels = 0                     !! of a column; 0: boxes
    integer :: columns = 1                    !! how many
    real(wp) :: dz = 50.0_wp                  !! height of a level [m]
    real(wp) :: cloud_base = 600.0_wp         !! [m]
    real(wp) :: lapse = 2.0e-6_wp             !! water condensed per height [kg m-4]
    real(wp) :: updraft_time = 1200.0_wp      !! [s]
    real(wp) :: updraft_every = 0.0_wp        !! [s]; 0: one updraft only
    real(wp) :: updraft_min = 1.0_wp          !! of the first column [m s-1]
    real(wp) :: updraft_max = 3.0_wp          !! of the last column [m s-1]
    real(wp) :: dt = 20.0_wp                  !! of the closure [s]
    integer :: substeps = 4                   !! of Seifert-Beheng in it
    real(wp) :: duration = 3600.0_wp          !! [s]
    real(wp) :: output_every = 20.0_wp        !! [s]
    character(len=max_path) :: output = ""    !! netCDF
  end type bulk_config_t

contains

  !> Read a namelist file; groups named in `others` belong to others.
  subroutine read_config(path, config, others, stat, errmsg)
    character(len=*), intent(in) :: path       !! namelist file
    type(bulk_config_t), intent(out) :: config !! what it says
    character(len=*), intent(in) :: others(:)  !! groups left alone
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(assignment_t), allocatable :: items(:)
    type(key_visitor_t) :: keys
    integer :: i

    config%liquid_water = [1.0e-3_wp]
    config%mean_radius = [13.0e-6_wp]
    config%shape = [1.0_wp]
    call read_assignments(path, items, stat, errmsg)
    if (present(stat)) then
      if (stat /= 0) return
    end if
    do i = 1, size(items)
      if (any(others == items(i)%group)) cycle
      call keys%look_for(items(i))
      call visit_group(keys, items(i)%group, config)
      if (keys%problem == "" .and. .not. keys%is_known) keys%problem = &
        "unknown key '"//items(i)%key//"'"
      if (keys%problem /= "") then
        call complain(path, items(i), trim(keys%problem), stat, errmsg)
        return
      end if
    end do
    keys%problem = ""
    call check_config(config, keys%problem)
    if (keys%problem /= "") then
      call fail(err_argument, path//": "//trim(keys%problem), stat, errmsg)
    else
      call succeed(stat)
    end if
  end subroutine read_config

  !> All keys of the group at hand.
  subroutine visit_group(keys, group, config)
    type(key_visitor_t), intent(inout) :: keys
    character(len=*), intent(in) :: group
    type(bulk_config_t), intent(inout) :: config

    select case (group)
    case ("clouds")
      call keys%visit("liquid_water", config%liquid_water)
      call keys%visit("mean_radius", config%mean_radius)
      call keys%visit("shape", config%shape)
    case ("shaft")
      call keys%visit("levels", config%levels)
      call keys%visit("columns", config%columns)
      call keys%visit("dz", config%dz)
      call keys%visit("cloud_base", config%cloud_base)
      call keys%visit("lapse", config%lapse)
      call keys%visit("updraft_time", config%updraft_time)
      call keys%visit("updraft_every", config%updraft_every)
      call keys%visit("updraft_min", config%updraft_min)
      call keys%visit("updraft_max", config%updraft_max)
    case ("integration")
      call keys%visit("dt", config%dt)
      call keys%visit("substeps", config%substeps)
      call keys%visit("duration", config%duration)
      call keys%visit("output_every", config%output_every)
    case ("files")
      call keys%visit("output", config%output)
    case default
      keys%problem = "unknown group, expected &clouds, &shaft, &integration or &files"
    end select
  end subroutine visit_group

  !> Refuse what cannot be run.
  subroutine check_config(config, problem)
    type(bulk_config_t), intent(in) :: config
    character(len=*), intent(inout) :: problem !! set if there is one

    if (config%output == "") problem = "'output' in &files is missing"
    call check_at_least("levels", config%levels, 0, problem)
    call check_at_least("columns", config%columns, 1, problem)
    call check_at_least("substeps", config%substeps, 1, problem)
    call check_positive("liquid_water", config%liquid_water, problem)
    call check_positive("mean_radius", config%mean_radius, problem)
    call check_positive("shape", config%shape + 1.0_wp, problem)
    call check_positive("dz", [config%dz], problem)
    call check_positive("updraft_time", [config%updraft_time], problem)
    if (problem == "" .and. .not. (abs(config%updraft_every) <= 0.0_wp &
      .or. config%updraft_every >= config%updraft_time)) problem = &
      "'updraft_every' must be 0 (once) or not less than 'updraft_time'"
    call check_positive("updraft_min", [config%updraft_min], problem)
    call check_positive("updraft_max", [config%updraft_max], problem)
    call check_positive("dt", [config%dt], problem)
    call check_positive("duration", [config%duration], problem)
    call check_positive("output_every", [config%output_every], problem)
    call check_multiple("output_every", config%output_every, "dt", config%dt, problem)
    call check_multiple("duration", config%duration, "output_every", config%output_every, &
      problem)
  end subroutine check_config

  !> Say so if a number is not positive and finite.
  subroutine check_positive(name, values, problem)
    character(len=*), intent(in) :: name
    real(wp), intent(in) :: values(:)
    character(len=*), intent(inout) :: problem !! set if there is one

    if (problem /= "") return
    if (size(values) > 0 .and. all(values > 0.0_wp .and. values < huge(1.0_wp))) return
    write (problem, "(3a, *(g0, :, ', '))") "'", name, &
      "' must be positive and finite, found ", values
  end subroutine check_positive

  !> Say so if an interval is not so many times another one.
  subroutine check_multiple(name, value, part_name, part, problem)
    character(len=*), intent(in) :: name
    real(wp), intent(in) :: value
    character(len=*), intent(in) :: part_name
    real(wp), intent(in) :: part
    character(len=*), intent(inout) :: problem !! set if there is one

    if (problem /= "") return
    if (abs(value/part - anint(value/part)) < part_of_step) return
    write (problem, "(5a, g0, a, g0)") "'", name, "' must be a multiple of '", part_name, &
      "', found ", value, " and ", part
  end subroutine check_multiple

end module bulk_config
