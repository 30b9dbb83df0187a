! SPDX-License-Identifier: MIT
!> What a namelist says about boxes, or columns, of warm rain by moments.
!>
!> With `levels = 0` each combination of the three lists of `&clouds` is a box; else there
!> are columns, which take the lists in turn.
module bulk_config
  use kinds, only: wp
  use namelist_checks, only: check_amount, check_at_least, check_multiple, check_positive
  use namelist_settings, only: key_visitor_t, max_path, settings_t
  implicit none
  private
  public :: bulk_config_t

  !> Settings of a run, with their defaults.
  type, extends(settings_t) :: bulk_config_t
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
  contains
    procedure :: set_lists
    procedure :: visit_group
    procedure :: check
  end type bulk_config_t

contains

  !> One cloud.
  subroutine set_lists(self)
    class(bulk_config_t), intent(inout) :: self

    self%liquid_water = [1.0e-3_wp]
    self%mean_radius = [13.0e-6_wp]
    self%shape = [1.0_wp]
  end subroutine set_lists

  !> All keys of the group at hand.
  subroutine visit_group(self, keys, group)
    class(bulk_config_t), intent(inout) :: self
    type(key_visitor_t), intent(inout) :: keys
    character(len=*), intent(in) :: group

    select case (group)
    case ("clouds")
      call keys%visit("liquid_water", self%liquid_water)
      call keys%visit("mean_radius", self%mean_radius)
      call keys%visit("shape", self%shape)
    case ("shaft")
      call keys%visit("levels", self%levels)
      call keys%visit("columns", self%columns)
      call keys%visit("dz", self%dz)
      call keys%visit("cloud_base", self%cloud_base)
      call keys%visit("lapse", self%lapse)
      call keys%visit("updraft_time", self%updraft_time)
      call keys%visit("updraft_every", self%updraft_every)
      call keys%visit("updraft_min", self%updraft_min)
      call keys%visit("updraft_max", self%updraft_max)
    case ("integration")
      call keys%visit("dt", self%dt)
      call keys%visit("substeps", self%substeps)
      call keys%visit("duration", self%duration)
      call keys%visit("output_every", self%output_every)
    case ("files")
      call keys%visit("output", self%output)
    case default
      keys%problem = "unknown group, expected &clouds, &shaft, &integration or &files"
    end select
  end subroutine visit_group

  !> Refuse what cannot be run.
  subroutine check(self, problem)
    class(bulk_config_t), intent(inout) :: self
    character(len=*), intent(inout) :: problem !! set if there is one

    if (self%output == "") problem = "'output' in &files is missing"
    call check_at_least("levels", self%levels, 0, problem)
    call check_at_least("columns", self%columns, 1, problem)
    call check_amount("'columns' of 'levels'", [self%columns, max(1, self%levels)], 4, &
      problem)
    call check_at_least("substeps", self%substeps, 1, problem)
    call check_positive("liquid_water", self%liquid_water, problem)
    call check_positive("mean_radius", self%mean_radius, problem)
    call check_positive("shape", self%shape + 1.0_wp, problem)
    call check_positive("dz", self%dz, problem)
    call check_positive("updraft_time", self%updraft_time, problem)
    if (problem == "" .and. .not. (abs(self%updraft_every) <= 0.0_wp &
      .or. self%updraft_every >= self%updraft_time)) problem = &
      "'updraft_every' must be 0 (once) or not less than 'updraft_time'"
    call check_positive("updraft_min", self%updraft_min, problem)
    call check_positive("updraft_max", self%updraft_max, problem)
    call check_positive("dt", self%dt, problem)
    call check_positive("duration", self%duration, problem)
    call check_positive("output_every", self%output_every, problem)
    call check_multiple("output_every", self%output_every, "dt", self%dt, problem)
    call check_multiple("duration", self%duration, "output_every", self%output_every, &
      problem)
  end subroutine check

end module bulk_config
