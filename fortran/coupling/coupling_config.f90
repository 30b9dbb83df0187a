! SPDX-License-Identifier: MIT
!> Group `&coupling` of a namelist: which network, in which slot, on which device.
module coupling_config
  use namelist_checks, only: check_choice
  use namelist_settings, only: key_visitor_t, max_path, settings_t
  implicit none
  private
  public :: coupling_config_t

  !> Settings of a coupling, with their defaults.
  type, extends(settings_t) :: coupling_config_t
    character(len=max_path) :: network = ""  !! model file, `.pt` or `.pt2`
    character(len=16) :: role = "closure"    !! or "stepper"
    character(len=32) :: device = "cpu"      !! torch's device string
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

    if (self%network == "") problem = &
      "'network' in &coupling is missing, expected a .pt or .pt2 file"
    call check_choice("role' in '&coupling", self%role, ["closure", "stepper"], problem)
  end subroutine check

end module coupling_config
