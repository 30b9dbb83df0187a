! SPDX-License-Identifier: MIT
!> Group `&coupling` of a namelist: which network, in which slot, on which device.
module coupling_config
  use failures, only: err_argument, fail, succeed
  use lorenz96_config, only: max_path
  use namelists, only: assignment_t, complain, read_assignments
  implicit none
  private
  public :: coupling_config_t, read_coupling

  !> Settings of a coupling, with their defaults.
  type :: coupling_config_t
    character(len=max_path) :: network = ""  !! model file, `.pt` or `.pt2`
    character(len=16) :: role = "closure"    !! or "stepper"
    character(len=32) :: device = "cpu"      !! torch's device string
  end type coupling_config_t

contains

  !> Read the group from a namelist file; other groups belong to others.
  subroutine read_coupling(path, config, stat, errmsg)
    character(len=*), intent(in) :: path            !! namelist file
    type(coupling_config_t), intent(out) :: config  !! what it says
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
      if (items(i)%group /= "coupling") cycle
      call read_item(items(i), config, status, problem)
      if (status /= 0) then
        call complain(path, items(i), trim(problem), stat, errmsg)
        return
      end if
    end do
    call check(path, config, stat, errmsg)
  end subroutine read_coupling

  !> Read one assignment; tell an unknown key from a value of another type.
  subroutine read_item(item, config, status, problem)
    type(assignment_t), intent(in) :: item            !! one assignment of the group
    type(coupling_config_t), intent(inout) :: config  !! settings so far
    integer, intent(out) :: status                    !! zero if it could be read
    character(len=*), intent(inout) :: problem        !! why it could not

    integer :: unknown

    call read_record(item%record(), config, status)
    if (status == 0) return
    call read_record(item%question(), config, unknown)
    if (unknown /= 0) then
      problem = "unknown key '"//item%key//"', expected network, role or device"
    else
      problem = "the value is not of the type of '"//item%key//"'"
    end if
  end subroutine read_item

  !> Read a record with this group's namelist.
  subroutine read_record(record, config, status)
    character(len=*), intent(in) :: record            !! namelist record
    type(coupling_config_t), intent(inout) :: config  !! settings so far
    integer, intent(out) :: status                    !! of the read

    character(len=max_path) :: network
    character(len=32) :: device
    character(len=16) :: role
    namelist /coupling/ network, role, device

    network = config%network
    role = config%role
    device = config%device
    read (record, nml=coupling, iostat=status)
    if (status /= 0) return
    config%network = network
    config%role = role
    config%device = device
  end subroutine read_record

  !> Refuse what cannot be coupled.
  subroutine check(path, config, stat, errmsg)
    character(len=*), intent(in) :: path            !! namelist file
    type(coupling_config_t), intent(in) :: config   !! settings
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    if (config%network == "") then
      call fail(err_argument, path// &
        ": 'network' in &coupling is missing, expected a .pt or .pt2 file", stat, errmsg)
    else if (config%role /= "closure" .and. config%role /= "stepper") then
      call fail(err_argument, path//": 'role' in &coupling must be closure or stepper, "// &
        "found '"//trim(config%role)//"'", stat, errmsg)
    else
      call succeed(stat)
    end if
  end subroutine check

end module coupling_config
