! SPDX-License-Identifier: MIT
!> What a namelist says about a run of many boxes.
!>
!> Groups: `&mechanism`, `&integration`, `&files`; each key has the default that stands in
!> the type, only `file` must be given. Every mistake is reported with file and line.
module chemistry_config
  use failures, only: err_argument, fail, succeed
  use kinds, only: wp
  use namelist_checks, only: check_at_least, check_choice
  use namelists, only: assignment_t, complain, read_assignments
  implicit none
  private
  public :: chemistry_config_t, read_config

  integer, parameter, public :: max_path = 1024 !! longest path in a namelist
  character(len=*), parameter :: unknown_group = &
    "unknown group, expected &mechanism, &integration or &files"

  !> Settings of a run, with their defaults.
  type :: chemistry_config_t
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
  end type chemistry_config_t

contains

  !> Read a namelist file. Groups named in `foreign_groups` belong to others.
  subroutine read_config(path, config, foreign_groups, stat, errmsg)
    character(len=*), intent(in) :: path            !! namelist file
    type(chemistry_config_t), intent(out) :: config !! what it says
    character(len=*), intent(in), optional :: foreign_groups(:) !! e.g. ["coupling"]
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(assignment_t), allocatable :: items(:)
    character(len=256) :: problem
    integer :: i, status

    call read_assignments(path, items, stat, errmsg)
    if (present(stat)) then
      if (stat /= 0) return
    end if
    do i = 1, size(items)
      if (present(foreign_groups)) then
        if (any(foreign_groups == items(i)%group)) cycle
      end if
      problem = ""
      call read_item(items(i), config, status, problem)
      if (status /= 0) then
        call complain(path, items(i), trim(problem), stat, errmsg)
        return
      end if
    end do
    call check_config(path, config, stat, errmsg)
  end subroutine read_config

  !> Read one assignment into the settings.
  subroutine read_item(item, config, status, problem)
    type(assignment_t), intent(in) :: item            !! one line of the namelist
    type(chemistry_config_t), intent(inout) :: config !! settings so far
    integer, intent(out) :: status                    !! zero if it could be read
    character(len=*), intent(inout) :: problem        !! why it could not

    character(len=256) :: ignored
    integer :: unknown

    call read_record(item%group, item%record(), config, status, problem)
    if (status == 0 .or. problem == unknown_group) return
    call read_record(item%group, item%question(), config, unknown, ignored)
    if (unknown /= 0) then
      problem = "unknown key '"//item%key//"'"
    else
      problem = "the value is not of the type of '"//item%key//"'"
    end if
  end subroutine read_item

  !> Read one record with the namelist of its group.
  subroutine read_record(group, record, config, status, problem)
    character(len=*), intent(in) :: group             !! name of the group
    character(len=*), intent(in) :: record            !! namelist record
    type(chemistry_config_t), intent(inout) :: config !! settings so far
    integer, intent(out) :: status                    !! zero if it could be read
    character(len=*), intent(inout) :: problem        !! why it could not

    select case (group)
    case ("mechanism")
      call read_mechanism_group(record, config, status, problem)
    case ("integration")
      call read_integration(record, config, status, problem)
    case ("files")
      call read_files(record, config, status, problem)
    case default
      status = 1
      problem = unknown_group
    end select
  end subroutine read_record

  !> Group `&mechanism`.
  subroutine read_mechanism_group(record, config, status, problem)
    character(len=*), intent(in) :: record            !! namelist record
    type(chemistry_config_t), intent(inout) :: config !! settings so far
    integer, intent(out) :: status                    !! of the read
    character(len=*), intent(inout) :: problem        !! the compiler's message

    character(len=max_path) :: file
    real(wp) :: declination, latitude, temperature, temperature_spread
    namelist /mechanism/ file, temperature, temperature_spread, latitude, declination

    file = config%file
    temperature = config%temperature
    temperature_spread = config%temperature_spread
    latitude = config%latitude
    declination = config%declination
    ! allow(C181): the caller looks at `status`
    read (record, nml=mechanism, iostat=status, iomsg=problem)
    config%file = file
    config%temperature = temperature
    config%temperature_spread = temperature_spread
    config%latitude = latitude
    config%declination = declination
  end subroutine read_mechanism_group

  !> Group `&integration`.
  subroutine read_integration(record, config, status, problem)
    character(len=*), intent(in) :: record            !! namelist record
    type(chemistry_config_t), intent(inout) :: config !! settings so far
    integer, intent(out) :: status                    !! of the read
    character(len=*), intent(inout) :: problem        !! the compiler's message

    character(len=16) :: method, negatives
    real(wp) :: atol, dt, rtol, spread, t_start
    integer :: max_steps, n_cells, n_steps, output_every, seed
    namelist /integration/ method, negatives, rtol, atol, max_steps, t_start, dt, &
      n_steps, n_cells, output_every, seed, spread

    method = config%method
    negatives = config%negatives
    rtol = config%rtol
    atol = config%atol
    max_steps = config%max_steps
    t_start = config%t_start
    dt = config%dt
    n_steps = config%n_steps
    n_cells = config%n_cells
    output_every = config%output_every
    seed = config%seed
    spread = config%spread
    ! allow(C181): the caller looks at `status`
    read (record, nml=integration, iostat=status, iomsg=problem)
    config%method = method
    config%negatives = negatives
    config%rtol = rtol
    config%atol = atol
    config%max_steps = max_steps
    config%t_start = t_start
    config%dt = dt
    config%n_steps = n_steps
    config%n_cells = n_cells
    config%output_every = output_every
    config%seed = seed
    config%spread = spread
  end subroutine read_integration

  !> Group `&files`.
  subroutine read_files(record, config, status, problem)
    character(len=*), intent(in) :: record            !! namelist record
    type(chemistry_config_t), intent(inout) :: config !! settings so far
    integer, intent(out) :: status                    !! of the read
    character(len=*), intent(inout) :: problem        !! the compiler's message

    character(len=max_path) :: initial, output
    character(len=16) :: precision
    integer :: initial_record
    namelist /files/ output, initial, initial_record, precision

    output = config%output
    initial = config%initial
    initial_record = config%initial_record
    precision = config%precision
    ! allow(C181): the caller looks at `status`
    read (record, nml=files, iostat=status, iomsg=problem)
    config%output = output
    config%initial = initial
    config%initial_record = initial_record
    config%precision = precision
  end subroutine read_files

  !> Refuse what cannot be run, before anything is computed or written.
  subroutine check_config(path, config, stat, errmsg)
    character(len=*), intent(in) :: path           !! namelist file
    type(chemistry_config_t), intent(in) :: config !! settings
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=256) :: problem

    problem = ""
    if (config%file == "") problem = "'file' in '&mechanism' must name a mechanism file"
    call check_choice("method", config%method, &
      [character(len=6) :: "ros2", "ros3", "rodas3", "ros4", "rodas4"], problem)
    call check_choice("negatives", config%negatives, &
      [character(len=6) :: "reject", "keep", "clip"], problem)
    call check_choice("precision", config%precision, ["float64", "float32"], problem)
    call check_at_least("max_steps", config%max_steps, 1, problem)
    call check_at_least("n_steps", config%n_steps, 1, problem)
    call check_at_least("n_cells", config%n_cells, 1, problem)
    call check_at_least("output_every", config%output_every, 1, problem)
    call check_at_least("initial_record", config%initial_record, 0, problem)
    call check_range("rtol", config%rtol, tiny(1.0_wp), 1.0_wp, problem)
    call check_range("atol", config%atol, -1.0_wp, huge(1.0_wp), problem)
    call check_range("t_start", config%t_start, 0.0_wp, huge(1.0_wp), problem)
    call check_range("dt", config%dt, -1.0_wp, huge(1.0_wp), problem)
    call check_range("spread", config%spread, 1.0_wp, 1.0e6_wp, problem)
    call check_range("temperature", config%temperature, -1.0_wp, 1.0e4_wp, problem)
    call check_range("temperature_spread", config%temperature_spread, 0.0_wp, 1.0e3_wp, &
      problem)
    call check_range("latitude", config%latitude, -999.0_wp, 90.0_wp, problem)
    call check_range("declination", config%declination, -999.0_wp, 90.0_wp, problem)
    if (problem == "" .and. (config%dt == 0.0_wp .or. config%atol == 0.0_wp)) then
      problem = "'dt' and 'atol' must not be 0"
    end if
    if (problem /= "") then
      call fail(err_argument, path//": "//trim(problem), stat, errmsg)
    else
      call succeed(stat)
    end if
  end subroutine check_config

  !> Say so if a number is out of its range or not finite.
  subroutine check_range(key, value, least, most, problem)
    character(len=*), intent(in) :: key        !! of the namelist
    real(wp), intent(in) :: value              !! what it says
    real(wp), intent(in) :: least, most        !! range that makes sense
    character(len=*), intent(inout) :: problem !! set if it is outside

    if (problem /= "" .or. (value >= least .and. value <= most)) return
    write (problem, "(3a, g0.6, a, g0.6, a, g0.6)") "'", key, "' must be from ", least, &
      " to ", most, ", found ", value
  end subroutine check_range

end module chemistry_config
