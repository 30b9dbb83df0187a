! SPDX-License-Identifier: MIT
!> What a namelist says about a run of many boxes.
!>
!> Groups: `&mechanism`, `&integration`, `&files`; each key has the default that stands in
!> the type, only `file` must be given. Every mistake is reported with file and line.
module chemistry_config
  use kinds, only: wp
  use namelist_checks, only: check_amount, check_at_least, check_choice, check_paths, &
    check_range
  use namelist_settings, only: key_visitor_t, max_path, settings_t
  implicit none
  private
  public :: chemistry_config_t

  !> Settings of a run, with their defaults.
  type, extends(settings_t) :: chemistry_config_t
    character(len=max_path) :: file = ""  !! mechanism
    real(wp) :: temperature = -1.0_wp     !! [K]; negative: the mechanism's
    real(wp) :: temperature_spread = 0.0_wp !! half width of the cells' temperatures [K]
    real(wp) :: latitude = -999.0_wp      !! [degrees north]; below -90: the mechanism's
    real(wp) :: declination = -999.0_wp   !! of the sun [degrees]; below -90: the same

    character(len=16) :: method = "rodas3"
    character(len=16) :: negatives = "reject" !! or "keep", "clip"
    real(wp) :: rtol = 1.0e-3_wp          !! relative tolerance [1]
    real(wp) :: atol = -1.0_wp            !! absolute; negative: 1e-9 of the largest value
    integer :: max_steps = 100000         !! tried steps of a cell in one splitting step
    real(wp) :: t_start = 0.0_wp          !! [mechanism's unit]; 0 is midnight
    real(wp) :: dt = -1.0_wp              !! splitting step; negative: the whole `end`
    integer :: n_steps = 1                !! splitting steps
    integer :: n_cells = 1                !! boxes
    integer :: output_every = 1           !! splitting steps between two records
    integer :: seed = 1                   !! of the spread
    real(wp) :: spread = 1.0_wp
      !! a cell's initial concentrations are the mechanism's times spread^u, u in (-1, 1)

    character(len=max_path) :: output = ""  !! trajectories, none if empty
    character(len=max_path) :: initial = "" !! netCDF file with y(species, cell[, time])
    integer :: initial_record = 0           !! its record, 0 is the last
    character(len=16) :: precision = "float64" !! of the trajectories, or "float32"
  contains
    procedure :: visit_group
    procedure :: check
  end type chemistry_config_t

contains

  !> All keys of the group at hand.
  subroutine visit_group(self, keys, group)
    class(chemistry_config_t), intent(inout) :: self
    type(key_visitor_t), intent(inout) :: keys
    character(len=*), intent(in) :: group

    select case (group)
    case ("mechanism")
      call keys%visit("file", self%file)
      call keys%visit("temperature", self%temperature)
      call keys%visit("temperature_spread", self%temperature_spread)
      call keys%visit("latitude", self%latitude)
      call keys%visit("declination", self%declination)
    case ("integration")
      call keys%visit("method", self%method)
      call keys%visit("negatives", self%negatives)
      call keys%visit("rtol", self%rtol)
      call keys%visit("atol", self%atol)
      call keys%visit("max_steps", self%max_steps)
      call keys%visit("t_start", self%t_start)
      call keys%visit("dt", self%dt)
      call keys%visit("n_steps", self%n_steps)
      call keys%visit("n_cells", self%n_cells)
      call keys%visit("output_every", self%output_every)
      call keys%visit("seed", self%seed)
      call keys%visit("spread", self%spread)
    case ("files")
      call keys%visit("output", self%output)
      call keys%visit("initial", self%initial)
      call keys%visit("initial_record", self%initial_record)
      call keys%visit("precision", self%precision)
    case default
      keys%problem = "unknown group, expected &mechanism, &integration or &files"
    end select
  end subroutine visit_group

  !> Refuse what cannot be run, before anything is computed or written.
  subroutine check(self, problem)
    class(chemistry_config_t), intent(inout) :: self
    character(len=*), intent(inout) :: problem !! set if there is one

    if (self%file == "") problem = "'file' in '&mechanism' must name a mechanism file"
    call check_choice("method", self%method, &
      [character(len=6) :: "ros2", "ros3", "rodas3", "ros4", "rodas4"], problem)
    call check_choice("negatives", self%negatives, &
      [character(len=6) :: "reject", "keep", "clip"], problem)
    call check_choice("precision", self%precision, ["float64", "float32"], problem)
    call check_at_least("max_steps", self%max_steps, 1, problem)
    call check_at_least("n_steps", self%n_steps, 1, problem)
    call check_at_least("n_cells", self%n_cells, 1, problem)
    call check_at_least("output_every", self%output_every, 1, problem)
    call check_amount("'n_cells'", [self%n_cells], 2, problem)
    call check_at_least("initial_record", self%initial_record, 0, problem)
    call check_range("rtol", self%rtol, tiny(1.0_wp), 1.0_wp, problem)
    call check_range("atol", self%atol, -1.0_wp, huge(1.0_wp), problem)
    call check_range("t_start", self%t_start, 0.0_wp, huge(1.0_wp), problem)
    call check_range("dt", self%dt, -1.0_wp, huge(1.0_wp), problem)
    call check_range("spread", self%spread, 1.0_wp, 1.0e6_wp, problem)
    call check_range("temperature", self%temperature, -1.0_wp, 1.0e4_wp, problem)
    call check_range("temperature_spread", self%temperature_spread, 0.0_wp, 1.0e3_wp, &
      problem)
    call check_range("latitude", self%latitude, -999.0_wp, 90.0_wp, problem)
    call check_range("declination", self%declination, -999.0_wp, 90.0_wp, problem)
    if (problem == "" .and. (self%dt == 0.0_wp .or. self%atol == 0.0_wp)) then
      problem = "'dt' and 'atol' must not be 0"
    end if
    call check_paths(["output ", "initial", "file   "], &
      [self%output, self%initial, self%file], 1, problem)
  end subroutine check

end module chemistry_config
