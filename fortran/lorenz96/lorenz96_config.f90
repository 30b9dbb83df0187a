! SPDX-License-Identifier: MIT
!> What a namelist says about a Lorenz-96 run.
!>
!> Groups: `&model`, `&integration`, `&files`, `&closure`; each may be absent, and each key
!> has the default that stands in the type. Every mistake is reported with file and line.
module lorenz96_config
  use kinds, only: wp
  use namelist_checks, only: check_amount, check_at_least, check_choice, check_paths, &
    check_positive
  use namelist_settings, only: key_visitor_t, max_path, settings_t
  use schemes, only: scheme_from_name
  implicit none
  private
  public :: lorenz96_config_t

  !> Settings of a run, with their defaults.
  type, extends(settings_t) :: lorenz96_config_t
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
  contains
    procedure :: set_lists
    procedure :: visit_group
    procedure :: check
  end type lorenz96_config_t

contains

  !> A closure without coefficients.
  subroutine set_lists(self)
    class(lorenz96_config_t), intent(inout) :: self

    self%coefficients = [real(wp) ::]
  end subroutine set_lists

  !> All keys of the group at hand.
  subroutine visit_group(self, keys, group)
    class(lorenz96_config_t), intent(inout) :: self
    type(key_visitor_t), intent(inout) :: keys
    character(len=*), intent(in) :: group

    select case (group)
    case ("model")
      call keys%visit("levels", self%levels)
      call keys%visit("n_sites", self%n_sites)
      call keys%visit("n_fast", self%n_fast)
      call keys%visit("forcing", self%forcing)
      call keys%visit("h", self%h)
      call keys%visit("c", self%c)
      call keys%visit("b", self%b)
      call keys%visit("wrap", self%wrap)
      call keys%visit("coupling", self%coupling)
    case ("integration")
      call keys%visit("scheme", self%scheme)
      call keys%visit("dt", self%dt)
      call keys%visit("n_steps", self%n_steps)
      call keys%visit("n_members", self%n_members)
      call keys%visit("spin_up_steps", self%spin_up_steps)
      call keys%visit("output_every", self%output_every)
      call keys%visit("seed", self%seed)
      call keys%visit("perturbation", self%perturbation)
    case ("files")
      call keys%visit("output", self%output)
      call keys%visit("restart_in", self%restart_in)
      call keys%visit("restart_out", self%restart_out)
      call keys%visit("initial", self%initial)
      call keys%visit("initial_record", self%initial_record)
      call keys%visit("precision", self%precision)
      call keys%visit("write_fast", self%write_fast)
    case ("closure")
      call keys%visit("kind", self%closure)
      call keys%visit("scheme", self%closure_scheme)
      call keys%visit("coefficients", self%coefficients)
    case default
      keys%problem = "unknown group, expected &model, &integration, &files or &closure"
    end select
  end subroutine visit_group

  !> Refuse what cannot be run, before anything is computed or written.
  subroutine check(self, problem)
    class(lorenz96_config_t), intent(inout) :: self
    character(len=*), intent(inout) :: problem !! set if there is one

    if (self%levels /= 1 .and. self%levels /= 2) then
      write (problem, "(a, i0)") "'levels' must be 1 or 2, found ", self%levels
    end if
    call check_choice("wrap", self%wrap, [character(len=8) :: "ring", "sites"], problem)
    call check_choice("coupling", self%coupling, [character(len=8) :: "mean", "sum"], &
      problem)
    call check_choice("precision", self%precision, ["float64", "float32"], problem)
    call check_choice("kind' in '&closure", self%closure, &
      [character(len=10) :: "none", "linear", "polynomial"], problem)
    call check_choice("scheme' in '&closure", self%closure_scheme, &
      [character(len=12) :: "held", "every_stage"], problem)
    if (scheme_from_name(trim(self%scheme)) == 0) call check_choice("scheme", &
      self%scheme, [character(len=8) :: "rk4", "euler"], problem)
    call check_numbers(self, problem)
    call check_closure(self, problem)
    call check_paths([character(len=11) :: "output", "restart_out", "initial"], &
      [self%output, self%restart_out, self%initial], 2, problem)
    call check_paths(["output    ", "restart_in"], [self%output, self%restart_in], 1, &
      problem)
  end subroutine check

  !> Say so if a number is out of its range.
  subroutine check_numbers(config, problem)
    class(lorenz96_config_t), intent(in) :: config !! settings
    character(len=*), intent(inout) :: problem    !! set if there is one

    call check_at_least("n_sites", config%n_sites, 4, problem)
    call check_at_least("n_fast", config%n_fast, 1, problem)
    call check_at_least("n_steps", config%n_steps, 0, problem)
    call check_at_least("n_members", config%n_members, 1, problem)
    call check_at_least("spin_up_steps", config%spin_up_steps, 0, problem)
    call check_at_least("output_every", config%output_every, 1, problem)
    call check_at_least("initial_record", config%initial_record, 0, problem)
    call check_positive("dt", config%dt, problem)
    call check_amount("'n_members' of 'n_sites'", [config%n_members, config%n_sites, &
      merge(1, config%n_fast, config%levels == 1)], 1, problem)
    if (problem /= "") return
    if (.not. abs(config%forcing) < huge(config%forcing)) then
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
    class(lorenz96_config_t), intent(in) :: config !! settings
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
