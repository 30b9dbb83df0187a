! SPDX-License-Identifier: MIT
!> Group `&coupling` of a namelist: which network, in which slot, on which device.
module coupling_config
  use failures, only: err_argument, fail
  use kinds, only: wp
  use namelist_checks, only: check_choice
  use namelist_settings, only: key_visitor_t, max_path, settings_t
  implicit none
  private
  public :: check_time_step, coupling_config_t

  integer, parameter, public :: max_role = 16 !! characters
  real(wp), parameter :: same = 1.0e-12_wp !! relative; one number, read from two texts

  !> Settings of a coupling, with their defaults. A program says which roles it has.
  type, extends(settings_t) :: coupling_config_t
    character(len=max_path) :: network = ""  !! model file, `.pt` or `.pt2`
    character(len=max_role) :: role = ""     !! one of `roles`, the first if not given
    character(len=32) :: device = "cpu"      !! torch's device string
    character(len=max_role), allocatable :: roles(:) !! that this program knows
  contains
    procedure :: visit_group
    procedure :: check
  end type coupling_config_t

contains

  !> All keys; the other groups belong to others.
  subroutine visit_group(self, keys, group)
    class(coupling_config_t), intent(inout) :: self
    type(key_visitor_t), intent(inout) :: keys
    character(len=*), intent(in) :: group

    if (group /= "coupling") keys%problem = "unknown group, expected &coupling"
    call keys%visit("network", self%network)
    call keys%visit("role", self%role)
    call keys%visit("device", self%device)
  end subroutine visit_group

  !> Refuse what cannot be coupled.
  subroutine check(self, problem)
    class(coupling_config_t), intent(inout) :: self
    character(len=*), intent(inout) :: problem !! set if there is one

    if (self%role == "") self%role = self%roles(1)
    call check_choice("role", self%role, self%roles, problem)
    if (problem == "" .and. self%network == "") problem = &
      "'network' in &coupling is missing, expected a .pt or .pt2 file"
  end subroutine check

  !> Refuse a network whose answers are means over another time than a step.
  subroutine check_time_step(network, own_dt, dt, stat, errmsg)
    character(len=*), intent(in) :: network !! file
    real(wp), intent(in) :: own_dt          !! of the network, 0 if it does not say [s]
    real(wp), intent(in) :: dt              !! of the run [s]
    integer, intent(inout) :: stat
    character(len=*), intent(inout) :: errmsg

    character(len=64) :: steps

    if (.not. own_dt > 0.0_wp .or. abs(own_dt - dt) <= same*dt) return
    write (steps, "(f0.3, a, f0.3)") own_dt, " s, the namelist has dt = ", dt
    call fail(err_argument, "network '"//network//"' answers with means over "// &
      trim(steps), stat, errmsg)
  end subroutine check_time_step

end module coupling_config
