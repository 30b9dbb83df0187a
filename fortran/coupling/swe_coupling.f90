! SPDX-License-Identifier: MIT
!> Group `&coupling` of a namelist for shallow water: which network, in which slot.
module swe_coupling
  use namelist_checks, only: check_choice
  use namelist_settings, only: key_visitor_t, max_path, settings_t
  implicit none
  private
  public :: swe_coupling_t

  !> Settings of a coupling, with their defaults.
  type, extends(settings_t) :: swe_coupling_t
    character(len=max_path) :: network = "" !! model file, `.pt` or `.pt2`
    character(len=16) :: role = "step"      !! or another of `roles`
    character(len=32) :: device = "cpu"     !! torch's device string
    logical :: guarded = .true.
      !! what lies outside the limits of the contract is left to the model
  contains
    procedure :: visit_group
    procedure :: check
  end type swe_coupling_t

  character(len=*), parameter :: roles(*) = [character(len=14) :: "step", "closure", &
    "first_guess", "preconditioner"]

contains

  !> All keys; the other groups belong to others.
  subroutine visit_group(self, keys, group)
    class(swe_coupling_t), intent(inout) :: self
    type(key_visitor_t), intent(inout) :: keys
    character(len=*), intent(in) :: group

    if (group /= "coupling") keys%problem = "unknown group, expected &coupling"
    call keys%visit("network", self%network)
    call keys%visit("role", self%role)
    call keys%visit("device", self%device)
    call keys%visit("guarded", self%guarded)
  end subroutine visit_group

  !> Refuse what cannot be coupled.
  subroutine check(self, problem)
    class(swe_coupling_t), intent(inout) :: self
    character(len=*), intent(inout) :: problem !! set if there is one

    call check_choice("role", self%role, roles, problem)
    if (problem == "" .and. self%network == "") problem = &
      "'network' in &coupling is missing, expected a .pt or .pt2 file"
  end subroutine check

end module swe_coupling
