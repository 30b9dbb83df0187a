! SPDX-License-Identifier: MIT
!> Group `&coupling` of a namelist for shallow water: which network, in which slot.
module swe_coupling
  use failures, only: err_argument, fail, succeed
  use namelist_checks, only: check_choice
  use namelist_keys, only: key_visitor_t
  use namelists, only: assignment_t, complain, read_assignments
  use swe_config, only: max_path
  implicit none
  private
  public :: read_coupling, swe_coupling_t

  !> Settings of a coupling, with their defaults.
  type :: swe_coupling_t
    character(len=max_path) :: network = "" !! model file, `.pt` or `.pt2`
    character(len=16) :: role = "step"      !! or another of `roles`
    character(len=32) :: device = "cpu"     !! torch's device string
    logical :: guarded = .true.
      !! what lies outside the limits of the contract is left to the model
  end type swe_coupling_t

  character(len=*), parameter :: roles(*) = [character(len=14) :: "step", "closure", &
    "first_guess", "preconditioner"]

contains

  !> Read the group from a namelist file; other groups belong to others.
  subroutine read_coupling(path, config, stat, errmsg)
    character(len=*), intent(in) :: path        !! namelist file
    type(swe_coupling_t), intent(out) :: config !! what it says
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(assignment_t), allocatable :: items(:)
    type(key_visitor_t) :: keys
    character(len=256) :: problem
    integer :: i

    call read_assignments(path, items, stat, errmsg)
    if (present(stat)) then
      if (stat /= 0) return
    end if
    do i = 1, size(items)
      if (items(i)%group /= "coupling") cycle
      call keys%look_for(items(i))
      call keys%visit("network", config%network)
      call keys%visit("role", config%role)
      call keys%visit("device", config%device)
      call keys%visit("guarded", config%guarded)
      if (keys%problem == "" .and. .not. keys%is_known) keys%problem = "unknown key '"// &
        items(i)%key//"', expected network, role, device or guarded"
      if (keys%problem /= "") then
        call complain(path, items(i), trim(keys%problem), stat, errmsg)
        return
      end if
    end do
    problem = ""
    call check_choice("role", config%role, roles, problem)
    if (problem == "" .and. config%network == "") problem = &
      "'network' in &coupling is missing, expected a .pt or .pt2 file"
    if (problem /= "") then
      call fail(err_argument, path//": "//trim(problem), stat, errmsg)
    else
      call succeed(stat)
    end if
  end subroutine read_coupling

end module swe_coupling
