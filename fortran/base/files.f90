! SPDX-License-Identifier: MIT
!> Files that appear whole or not at all: written under another name, renamed at the end.
module files
  use, intrinsic :: iso_c_binding, only: c_char, c_int, c_null_char
  use failures, only: err_file, fail, succeed
  implicit none
  private
  public :: check_writable, delete_file, move_file, with_suffix

  interface
    integer(c_int) function c_rename(from, to) bind(c, name="rename")
      import :: c_char, c_int
      implicit none
      ! allow(C071)
      character(kind=c_char), intent(in) :: from(*), to(*)
    end function c_rename

    integer(c_int) function c_remove(path) bind(c, name="remove")
      import :: c_char, c_int
      implicit none
      ! allow(C071)
      character(kind=c_char), intent(in) :: path(*)
    end function c_remove
  end interface

contains

  !> Try to create a file, and say why that cannot be: netCDF has one reason for all.
  subroutine check_writable(path, stat, errmsg)
    character(len=*), intent(in) :: path !! file; it is emptied
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=512) :: problem
    integer :: status, unit

    open (newunit=unit, file=path, status="replace", action="write", iostat=status, &
      iomsg=problem)
    if (status /= 0) then
      call fail(err_file, trim(problem), stat, errmsg)
      return
    end if
    close (unit)
    call succeed(stat)
  end subroutine check_writable

  !> Give a file its final name; a file that has this name already is replaced at once.
  subroutine move_file(from, to, stat, errmsg)
    character(len=*), intent(in) :: from !! present name
    character(len=*), intent(in) :: to   !! final name, in the same folder
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    if (c_rename(from//c_null_char, to//c_null_char) /= 0) then
      call fail(err_file, "cannot rename '"//from//"' to '"//to//"'", stat, errmsg)
    else
      call succeed(stat)
    end if
  end subroutine move_file

  !> Delete a file if it is there.
  subroutine delete_file(path)
    character(len=*), intent(in) :: path !! file

    integer(c_int) :: ignored

    ignored = c_remove(path//c_null_char)
  end subroutine delete_file

  !> Put a word before a path's extension: ("run/truth.nc", "failed") is
  !> "run/truth.failed.nc".
  pure function with_suffix(path, word) result(name)
    character(len=*), intent(in) :: path !! file
    character(len=*), intent(in) :: word !! to be inserted
    character(len=:), allocatable :: name

    integer :: dot

    dot = scan(path, ".", back=.true.)
    if (dot <= scan(path, "/", back=.true.) + 1) then
      name = path//"."//word
    else
      name = path(:dot)//word//path(dot:)
    end if
  end function with_suffix

end module files
