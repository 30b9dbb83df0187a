! SPDX-License-Identifier: MIT
!> Group `&coupling` of a namelist for chemistry: what fills the slot of the solver.
module chemistry_coupling
  use chemistry_config, only: max_path
  use failures, only: err_argument, fail, succeed
  use namelist_checks, only: check_at_least, check_choice
  use namelists, only: assignment_t, complain, read_assignments
  implicit none
  private
  public :: chemistry_coupling_t, read_coupling

  !> Settings of a coupling, with their defaults.
  type :: chemistry_coupling_t
    character(len=16) :: reactor = "network"  !! or "qssa", "solver"
    character(len=max_path) :: network = ""   !! model file, `.pt`, `.pt2` or `.nc`
    logical :: guarded = .true.    !! cells outside the network's range by the solver
    integer :: n_substeps = 60     !! of quasi-steady state in a splitting step
    logical :: keep_steps = .true. !! the solver keeps its inner step from call to call
  end type chemistry_coupling_t

contains

  !> Read the group from a namelist file; other groups belong to others.
  subroutine read_coupling(path, config, stat, errmsg)
    character(len=*), intent(in) :: path               !! namelist file
    type(chemistry_coupling_t), intent(out) :: config  !! what it says
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(assignment_t), allocatable :: items(:)
    character(len=256) :: problem
    integer :: i, status, unknown

    call read_assignments(path, items, stat, errmsg)
    if (present(stat)) then
      if (stat /= 0) return
    end if
    do i = 1, size(items)
      if (items(i)%group /= "coupling") cycle
      call read_record(items(i)%record(), config, status)
      if (status == 0) cycle
      call read_record(items(i)%question(), config, unknown)
      problem = "the value is not of the type of '"//items(i)%key//"'"
      if (unknown /= 0) problem = "unknown key '"//items(i)%key// &
        "', expected reactor, network, guarded, n_substeps or keep_steps"
      call complain(path, items(i), trim(problem), stat, errmsg)
      return
    end do
    problem = ""
    call check_choice("reactor", config%reactor, &
      [character(len=7) :: "network", "qssa", "solver"], problem)
    call check_at_least("n_substeps", config%n_substeps, 1, problem)
    if (problem == "" .and. config%reactor == "network" .and. config%network == "") then
      problem = "'network' in &coupling is missing, expected a .pt, .pt2 or .nc file"
    end if
    if (problem /= "") then
      call fail(err_argument, path//": "//trim(problem), stat, errmsg)
    else
      call succeed(stat)
    end if
  end subroutine read_coupling

  !> Read a record with this group's namelist.
  subroutine read_record(record, config, status)
    character(len=*), intent(in) :: record               !! namelist record
    type(chemistry_coupling_t), intent(inout) :: config  !! settings so far
    integer, intent(out) :: status                       !! of the read

    character(len=16) :: reactor
    character(len=max_path) :: network
    logical :: guarded, keep_steps
    integer :: n_substeps
    namelist /coupling/ reactor, network, guarded, n_substeps, keep_steps

    reactor = config%reactor
    network = config%network
    guarded = config%guarded
    n_substeps = config%n_substeps
    keep_steps = config%keep_steps
    read (record, nml=coupling, iostat=status)
    if (status /= 0) return
    config%reactor = reactor
    config%network = network
    config%guarded = guarded
    config%n_substeps = n_substeps
    config%keep_steps = keep_steps
  end subroutine read_record

end module chemistry_coupling
