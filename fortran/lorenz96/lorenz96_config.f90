! SPDX-License-Identifier: MIT
!> What a namelist says about a Lorenz-96 run.
!>
!> Groups: `&model`, `&integration`, `&files`, `&closure`; each may be absent, and each key
!> has the default that stands in the type. Every mistake is reported with file and line.
module lorenz96_config
  use, intrinsic :: ieee_arithmetic, only: ieee_is_nan, ieee_quiet_nan, ieee_value
  use failures, only: err_argument, fail, succeed
  use kinds, only: wp
  use namelist_checks, only: check_at_least, check_choice
  use namelists, only: assignment_t, complain, read_assignments
  use schemes, only: scheme_from_name
  implicit none
  private
  public :: lorenz96_config_t, read_config

  integer, parameter, public :: max_path = 1024    !! longest path in a namelist
  integer, parameter :: max_coefficients = 16      !! of a polynomial closure
  character(len=*), parameter :: unknown_group = &
    "unknown group, expected &model, &integration, &files or &closure"

  !> Settings of a run, with their defaults.
  type :: lorenz96_config_t
    integer :: levels = 1                !! 1, or 2 with fast variables
    integer :: n_sites = 40              !! K
    integer :: n_fast = 10               !! J, fast variables in a site
    real(wp) :: forcing = 8.0_wp         !! F [1]
    real(wp) :: h = 1.0_wp               !! coupling strength [1]
    real(wp) :: c = 10.0_wp              !! ratio of the time scales [1]
    real(wp) :: b = 10.0_wp              !! ratio of the amplitudes [1]
    character(len=16) :: wrap = "ring"   !! the fast ring closes over all, or in "sites"
    character(len=16) :: coupling = "mean" !! or "sum"

    character(len=16) :: scheme = "rk4"  !! or "euler"
    real(wp) :: dt = 0.05_wp             !! time step [1]
    integer :: n_steps = 1000            !! steps of this run
    integer :: n_members = 1             !! members of the ensemble
    integer :: spin_up_steps = 0         !! steps before time 0; not done after a restart
    integer :: output_every = 1          !! steps between two records
    integer :: seed = 1                  !! of the initial perturbations
    real(wp) :: perturbation = -1.0_wp
      !! standard deviation of the initial noise; negative: 1 without `initial`, 0 with it

    character(len=max_path) :: output = ""      !! trajectory, none if empty
    character(len=max_path) :: restart_in = ""  !! restart to go on from
    character(len=max_path) :: restart_out = "" !! restart to write at the end
    character(len=max_path) :: initial = ""     !! netCDF file with the initial state
    integer :: initial_record = 0               !! its record, 0 is the last
    character(len=16) :: precision = "float64"  !! of the trajectory, or "float32"
    logical :: write_fast = .true.              !! write z, if there is one

    character(len=16) :: closure = "none"       !! "linear", "polynomial"
    character(len=16) :: closure_scheme = "held" !! or "every_stage"
    real(wp), allocatable :: coefficients(:)    !! of x^0, x^1, ... [1]
  end type lorenz96_config_t

contains

  !> Read a namelist file. Groups named in `foreign_groups` belong to others and are
  !> skipped.
  subroutine read_config(path, config, foreign_groups, stat, errmsg)
    character(len=*), intent(in) :: path                 !! namelist file
    type(lorenz96_config_t), intent(out) :: config       !! what it says
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
    type(assignment_t), intent(in) :: item           !! one line of the namelist
    type(lorenz96_config_t), intent(inout) :: config !! settings so far
    integer, intent(out) :: status                   !! zero if it could be read
    character(len=*), intent(inout) :: problem       !! why it could not

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
    character(len=*), intent(in) :: group            !! name of the group
    character(len=*), intent(in) :: record           !! namelist record
    type(lorenz96_config_t), intent(inout) :: config !! settings so far
    integer, intent(out) :: status                   !! zero if it could be read
    character(len=*), intent(inout) :: problem       !! why it could not

    select case (group)
    case ("model")
      call read_model(record, config, status, problem)
    case ("integration")
      call read_integration(record, config, status, problem)
    case ("files")
      call read_files(record, config, status, problem)
    case ("closure")
      call read_closure(record, config, status, problem)
    case default
      status = 1
      problem = unknown_group
    end select
  end subroutine read_record

  !> Group `&model`.
  subroutine read_model(record, config, status, problem)
    character(len=*), intent(in) :: record           !! namelist record
    type(lorenz96_config_t), intent(inout) :: config !! settings so far
    integer, intent(out) :: status                   !! of the read
    character(len=*), intent(inout) :: problem       !! the compiler's message

    integer :: levels, n_fast, n_sites
    real(wp) :: b, c, forcing, h
    character(len=16) :: coupling, wrap
    namelist /model/ levels, n_sites, n_fast, forcing, h, c, b, wrap, coupling

    levels = config%levels
    n_sites = config%n_sites
    n_fast = config%n_fast
    forcing = config%forcing
    h = config%h
    c = config%c
    b = config%b
    wrap = config%wrap
    coupling = config%coupling
    ! allow(C181): the caller looks at `status`
    read (record, nml=model, iostat=status, iomsg=problem)
    config%levels = levels
    config%n_sites = n_sites
    config%n_fast = n_fast
    config%forcing = forcing
    config%h = h
    config%c = c
    config%b = b
    config%wrap = wrap
    config%coupling = coupling
  end subroutine read_model

  !> Group `&integration`.
  subroutine read_integration(record, config, status, problem)
    character(len=*), intent(in) :: record           !! namelist record
    type(lorenz96_config_t), intent(inout) :: config !! settings so far
    integer, intent(out) :: status                   !! of the read
    character(len=*), intent(inout) :: problem       !! the compiler's message

    character(len=16) :: scheme
    real(wp) :: dt, perturbation
    integer :: n_members, n_steps, output_every, seed, spin_up_steps
    namelist /integration/ scheme, dt, n_steps, n_members, spin_up_steps, output_every, &
      seed, perturbation

    scheme = config%scheme
    dt = config%dt
    n_steps = config%n_steps
    n_members = config%n_members
    spin_up_steps = config%spin_up_steps
    output_every = config%output_every
    seed = config%seed
    perturbation = config%perturbation
    ! allow(C181): the caller looks at `status`
    read (record, nml=integration, iostat=status, iomsg=problem)
    config%scheme = scheme
    config%dt = dt
    config%n_steps = n_steps
    config%n_members = n_members
    config%spin_up_steps = spin_up_steps
    config%output_every = output_every
    config%seed = seed
    config%perturbation = perturbation
  end subroutine read_integration

  !> Group `&files`.
  subroutine read_files(record, config, status, problem)
    character(len=*), intent(in) :: record           !! namelist record
    type(lorenz96_config_t), intent(inout) :: config !! settings so far
    integer, intent(out) :: status                   !! of the read
    character(len=*), intent(inout) :: problem       !! the compiler's message

    character(len=max_path) :: initial, output, restart_in, restart_out
    character(len=16) :: precision
    integer :: initial_record
    logical :: write_fast
    namelist /files/ output, restart_in, restart_out, initial, initial_record, precision, &
      write_fast

    output = config%output
    restart_in = config%restart_in
    restart_out = config%restart_out
    initial = config%initial
    initial_record = config%initial_record
    precision = config%precision
    write_fast = config%write_fast
    ! allow(C181): the caller looks at `status`
    read (record, nml=files, iostat=status, iomsg=problem)
    config%output = output
    config%restart_in = restart_in
    config%restart_out = restart_out
    config%initial = initial
    config%initial_record = initial_record
    config%precision = precision
    config%write_fast = write_fast
  end subroutine read_files

  !> Group `&closure`.
  subroutine read_closure(record, config, status, problem)
    character(len=*), intent(in) :: record           !! namelist record
    type(lorenz96_config_t), intent(inout) :: config !! settings so far
    integer, intent(out) :: status                   !! of the read
    character(len=*), intent(inout) :: problem       !! the compiler's message

    character(len=16) :: kind, scheme
    real(wp) :: coefficients(max_coefficients)
    namelist /closure/ kind, scheme, coefficients

    kind = config%closure
    scheme = config%closure_scheme
    coefficients = ieee_value(1.0_wp, ieee_quiet_nan)
    if (allocated(config%coefficients)) then
      coefficients(:size(config%coefficients)) = config%coefficients
    end if
    ! allow(C181): the caller looks at `status`
    read (record, nml=closure, iostat=status, iomsg=problem)
    config%closure = kind
    config%closure_scheme = scheme
    config%coefficients = pack(coefficients, .not. ieee_is_nan(coefficients))
  end subroutine read_closure

  !> Refuse what cannot be run, before anything is computed or written.
  subroutine check_config(path, config, stat, errmsg)
    character(len=*), intent(in) :: path             !! namelist file
    type(lorenz96_config_t), intent(inout) :: config !! settings
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=256) :: problem

    if (.not. allocated(config%coefficients)) allocate (config%coefficients(0))
    problem = ""
    if (config%levels /= 1 .and. config%levels /= 2) then
      write (problem, "(a, i0)") "'levels' must be 1 or 2, found ", config%levels
    end if
    call check_choice("wrap", config%wrap, [character(len=8) :: "ring", "sites"], problem)
    call check_choice("coupling", config%coupling, [character(len=8) :: "mean", "sum"], &
      problem)
    call check_choice("precision", config%precision, ["float64", "float32"], problem)
    call check_choice("kind' in '&closure", config%closure, &
      [character(len=10) :: "none", "linear", "polynomial"], problem)
    call check_choice("scheme' in '&closure", config%closure_scheme, &
      [character(len=12) :: "held", "every_stage"], problem)
    if (scheme_from_name(trim(config%scheme)) == 0) call check_choice("scheme", &
      config%scheme, [character(len=8) :: "rk4", "euler"], problem)
    call check_numbers(config, problem)
    call check_closure(config, problem)
    if (problem /= "") then
      call fail(err_argument, path//": "//trim(problem), stat, errmsg)
    else
      call succeed(stat)
    end if
  end subroutine check_config

  !> Say so if a number is out of its range.
  subroutine check_numbers(config, problem)
    type(lorenz96_config_t), intent(in) :: config !! settings
    character(len=*), intent(inout) :: problem    !! set if there is one

    call check_at_least("n_sites", config%n_sites, 4, problem)
    call check_at_least("n_fast", config%n_fast, 1, problem)
    call check_at_least("n_steps", config%n_steps, 0, problem)
    call check_at_least("n_members", config%n_members, 1, problem)
    call check_at_least("spin_up_steps", config%spin_up_steps, 0, problem)
    call check_at_least("output_every", config%output_every, 1, problem)
    call check_at_least("initial_record", config%initial_record, 0, problem)
    if (problem /= "") return
    if (.not. (config%dt > 0.0_wp .and. config%dt < huge(config%dt))) then
      write (problem, "(a, g0.6)") "'dt' must be positive, found ", config%dt
    else if (.not. abs(config%forcing) < huge(config%forcing)) then
      problem = "'forcing' must be finite"
    else if (.not. abs(config%h*config%c) < huge(config%h)) then
      problem = "'h' and 'c' must be finite"
    else if (.not. (abs(config%b) > 0.0_wp .and. abs(config%b) < huge(config%b))) then
      problem = "'b' must be finite and not zero"
    else if (config%initial /= "" .and. config%restart_in /= "") then
      problem = "'initial' and 'restart_in' exclude each other"
    end if
  end subroutine check_numbers

  !> Say so if the closure cannot be built.
  subroutine check_closure(config, problem)
    type(lorenz96_config_t), intent(in) :: config !! settings
    character(len=*), intent(inout) :: problem    !! set if there is one

    integer :: n

    n = size(config%coefficients)
    if (problem /= "" .or. config%closure == "none") return
    if (config%levels == 2) then
      problem = "a closure stands for the second level: it needs 'levels' = 1"
    else if (config%closure == "linear" .and. n /= 2) then
      write (problem, "(a, i0)") &
        "a linear closure needs 2 'coefficients' (of x^0 and x^1), found ", n
    else if (n == 0) then
      problem = "a polynomial closure needs 'coefficients' (of x^0, x^1, ...)"
    end if
  end subroutine check_closure

end module lorenz96_config
