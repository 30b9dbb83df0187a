! SPDX-License-Identifier: MIT
!> Settings of a program that come from a namelist file, read by one loop.
!>
!> A program extends `settings_t` by its settings with their defaults, tells its keys once
!> (`visit_group`) and what cannot be run (`check`):
!>
!>     call config%read(path, stat=stat, errmsg=errmsg)
!>
!> Every mistake is reported with file and line, before anything is computed.
module namelist_settings
  use failures, only: err_argument, fail, succeed
  use namelist_keys, only: key_visitor_t
  use namelists, only: assignment_t, complain, read_assignments
  implicit none
  private
  public :: key_visitor_t, settings_t

  integer, parameter, public :: max_path = 1024 !! longest path in a namelist

  !> What a namelist file says.
  type, abstract :: settings_t
  contains
    procedure(visit_group_i), deferred :: visit_group
    procedure(check_i), deferred :: check
    procedure :: set_lists
    procedure :: read
  end type settings_t

  abstract interface
    !> Visit all keys of a group; `keys%no_group` where there is no such group.
    subroutine visit_group_i(self, keys, group)
      import :: key_visitor_t, settings_t
      implicit none
      class(settings_t), intent(inout) :: self
      type(key_visitor_t), intent(inout) :: keys
      character(len=*), intent(in) :: group !! in lower case
    end subroutine visit_group_i

    !> Refuse what cannot be run.
    subroutine check_i(self, problem)
      import :: settings_t
      implicit none
      class(settings_t), intent(inout) :: self
      character(len=*), intent(inout) :: problem !! set if there is one
    end subroutine check_i
  end interface

contains

  !> Defaults of lists, which a type cannot state; most settings have none.
  subroutine set_lists(self)
    class(settings_t), intent(inout) :: self

    associate (no_lists => self)
    end associate
  end subroutine set_lists

  !> Read a namelist file into settings that hold their defaults.
  subroutine read(self, path, only, others, stat, errmsg)
    class(settings_t), intent(inout) :: self
    character(len=*), intent(in) :: path                !! namelist file
    character(len=*), intent(in), optional :: only(:)   !! groups; the rest is others'
    character(len=*), intent(in), optional :: others(:) !! groups that belong to others
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(assignment_t), allocatable :: items(:)
    type(key_visitor_t) :: keys
    integer :: i

    call self%set_lists()
    call read_assignments(path, items, stat, errmsg)
    if (present(stat)) then
      if (stat /= 0) return
    end if
    do i = 1, size(items)
      if (belongs_to_others(items(i)%group, only, others)) cycle
      call keys%look_for(items(i))
      call self%visit_group(keys, items(i)%group)
      call keys%conclude()
      if (keys%problem /= "") then
        call complain(path, items(i), trim(keys%problem), stat, errmsg)
        return
      end if
    end do
    call self%check(keys%problem)
    if (keys%problem /= "") then
      call fail(err_argument, path//": "//trim(keys%problem), stat, errmsg)
    else
      call succeed(stat)
    end if
  end subroutine read

  !> Whether a group is not among those wanted.
  pure logical function belongs_to_others(group, only, others)
    character(len=*), intent(in) :: group
    character(len=*), intent(in), optional :: only(:), others(:)

    belongs_to_others = .false.
    if (present(only)) belongs_to_others = .not. any(only == group)
    if (present(others)) belongs_to_others = belongs_to_others .or. any(others == group)
  end function belongs_to_others

end module namelist_settings
