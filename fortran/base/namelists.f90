! SPDX-License-Identifier: MIT
!> A namelist file, cut into single assignments that remember their line.
!>
!> The compiler's own `read (nml=...)` stops at the first mistake and names neither the key
!> nor the line. Here the file is cut into assignments; the caller reads each of them with
!> its own namelist (`record`), and a mistake is reported where it stands (`complain`).
module namelists
  use failures, only: err_file, fail, succeed
  implicit none
  private
  public :: assignment_t, complain, read_assignments

  character(len=*), parameter :: blanks = " "//achar(9)//achar(13)
  character(len=*), parameter :: letters = &
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_%(),:"

  !> One assignment `key = values` in a group; or a group's start, with an empty key.
  type :: assignment_t
    character(len=:), allocatable :: group !! in lower case
    character(len=:), allocatable :: key   !! in lower case, "" at a group's start
    character(len=:), allocatable :: text  !! all of it: `key = values`
    integer :: line = 0                    !! where it stands
  contains
    procedure :: record
    procedure :: question
  end type assignment_t

contains

  !> The assignment as a namelist record of its own, to be read with `nml=`.
  function record(self) result(text)
    class(assignment_t), intent(in) :: self
    character(len=:), allocatable :: text

    text = "&"//self%group//" "//self%text//" /"
  end function record

  !> A record that assigns nothing to the key. It can be read if the group has the key, so
  !> it tells an unknown key from a value of the wrong type.
  function question(self) result(text)
    class(assignment_t), intent(in) :: self
    character(len=:), allocatable :: text

    text = "&"//self%group//" "//self%key//" = /"
  end function question

  !> Cut a namelist file into assignments.
  subroutine read_assignments(path, items, stat, errmsg)
    character(len=*), intent(in) :: path                        !! namelist file
    type(assignment_t), allocatable, intent(out) :: items(:)    !! in the file's order
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=:), allocatable :: group, line
    character(len=512) :: problem
    integer :: number, status, unit

    allocate (items(0))
    open (newunit=unit, file=path, status="old", action="read", iostat=status, &
      iomsg=problem)
    if (status /= 0) then
      call fail(err_file, "namelist file '"//path//"': "//trim(problem), stat, errmsg)
      return
    end if
    group = ""
    problem = ""
    number = 0
    do
      call read_line(unit, line, status)
      if (status /= 0) exit
      number = number + 1
      call cut_line(line, number, group, items, problem)
      if (problem /= "") exit
    end do
    close (unit)
    if (problem == "" .and. group /= "") problem = &
      "group '&"//group//"' has no end: a line with '/' is missing"
    if (problem == "" .and. size(items) == 0) problem = "holds no namelist group"
    if (problem /= "") then
      call fail(err_file, at(path, number)//trim(problem), stat, errmsg)
      return
    end if
    call succeed(stat)
  end subroutine read_assignments

  !> Report a mistake in an assignment: file, line, key, and what the compiler said of it.
  subroutine complain(path, item, reason, stat, errmsg)
    character(len=*), intent(in) :: path     !! namelist file
    type(assignment_t), intent(in) :: item   !! the assignment
    character(len=*), intent(in) :: reason   !! what is wrong with it
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    if (item%key == "") then
      call fail(err_file, at(path, item%line)//"&"//item%group//": "//reason, stat, errmsg)
    else
      call fail(err_file, at(path, item%line)//"'"//item%text//"' in &"//item%group// &
        ": "//reason, stat, errmsg)
    end if
  end subroutine complain

  !> "path:line: "
  function at(path, number) result(text)
    character(len=*), intent(in) :: path !! file
    integer, intent(in) :: number        !! line
    character(len=:), allocatable :: text

    character(len=16) :: digits

    write (digits, "(i0)") number
    text = path//":"//trim(digits)//": "
  end function at

  !> Read a line of any length.
  subroutine read_line(unit, line, status)
    integer, intent(in) :: unit                            !! open unit
    character(len=:), allocatable, intent(out) :: line     !! without its end
    integer, intent(out) :: status                         !! zero, or the end of the file

    character(len=256) :: piece
    integer :: length

    line = ""
    do
      read (unit, "(a)", advance="no", size=length, iostat=status) piece
      line = line//piece(:length)
      if (is_iostat_eor(status)) then
        status = 0
        return
      end if
      if (is_iostat_end(status) .and. len(line) > 0) then
        status = 0 ! a last line without an end
        return
      end if
      if (status /= 0) return
    end do
  end subroutine read_line

  !> Take one line: a group's start or end, new assignments, more of the last one.
  subroutine cut_line(line, number, group, items, problem)
    character(len=*), intent(in) :: line                       !! text of the line
    integer, intent(in) :: number                              !! its number
    character(len=:), allocatable, intent(inout) :: group      !! open group, or ""
    type(assignment_t), allocatable, intent(inout) :: items(:) !! so far
    character(len=*), intent(inout) :: problem                 !! set if the line is wrong

    character(len=1) :: quote
    integer :: i, key_start, start

    quote = ""
    start = 1
    do i = 1, len(line)
      if (quote /= "") then
        if (line(i:i) == quote) quote = ""
      else if (line(i:i) == "'" .or. line(i:i) == '"') then
        quote = line(i:i)
      else if (line(i:i) == "!") then
        call extend(line(start:i - 1), number, group, items, problem)
        return
      else if (line(i:i) == "&" .and. group == "") then
        call open_group(line(i + 1:), number, group, items)
        start = i + 1 + len(group)
      else if (line(i:i) == "/" .and. group /= "") then
        call extend(line(start:i - 1), number, group, items, problem)
        group = ""
        start = i + 1
      else if (line(i:i) == "=" .and. group /= "") then
        key_start = start_of_key(line(:i - 1))
        call extend(line(start:key_start - 1), number, group, items, problem)
        start = key_start
        call append(group, trim_blanks(line(key_start:i - 1)), number, items)
      end if
    end do
    if (quote /= "") problem = "a quotation mark "//quote//" is not closed"
    call extend(line(start:), number, group, items, problem)
  end subroutine cut_line

  !> Begin a group.
  subroutine open_group(rest, number, group, items)
    character(len=*), intent(in) :: rest                       !! the line after the "&"
    integer, intent(in) :: number                              !! the line's number
    character(len=:), allocatable, intent(inout) :: group      !! set
    type(assignment_t), allocatable, intent(inout) :: items(:) !! so far

    integer :: length

    length = verify(rest//" ", letters) - 1
    group = rest(:length)
    call lower(group)
    call append(group, "", number, items)
  end subroutine open_group

  !> Add an assignment without values yet.
  subroutine append(group, key, number, items)
    character(len=*), intent(in) :: group                      !! in lower case
    character(len=*), intent(in) :: key                        !! as written
    integer, intent(in) :: number                              !! line
    type(assignment_t), allocatable, intent(inout) :: items(:) !! so far

    type(assignment_t), allocatable :: more(:)
    integer :: n

    n = size(items)
    allocate (more(n + 1))
    more(:n) = items
    more(n + 1)%group = group
    more(n + 1)%key = key
    call lower(more(n + 1)%key)
    more(n + 1)%text = ""
    more(n + 1)%line = number
    call move_alloc(more, items)
  end subroutine append

  !> Add text to the last assignment.
  subroutine extend(text, number, group, items, problem)
    character(len=*), intent(in) :: text                       !! more of it
    integer, intent(in) :: number                              !! line
    character(len=*), intent(in) :: group                      !! open group, or ""
    type(assignment_t), allocatable, intent(inout) :: items(:) !! so far
    character(len=*), intent(inout) :: problem                 !! set if it belongs nowhere

    integer :: n

    if (verify(text, blanks) == 0) return
    n = size(items)
    if (group == "") then
      problem = "'"//trim_blanks(text)//"' stands outside every group"
    else if (items(n)%key == "") then
      problem = "'"//trim_blanks(text)//"' is no assignment 'key = value'"
    else if (items(n)%line == number) then
      items(n)%text = trim_blanks(items(n)%text//text)
    else
      items(n)%text = items(n)%text//" "//trim_blanks(text)
    end if
  end subroutine extend

  !> Where the key before an equals sign begins.
  pure integer function start_of_key(text) result(start)
    character(len=*), intent(in) :: text !! the line before the equals sign

    integer :: last

    last = verify(text, blanks, back=.true.)
    start = verify(text(:last), letters, back=.true.) + 1
    ! A comma can end the value before the key: `a = 1, b = 2`.
    if (scan(text(start:last), ",") > 0 .and. scan(text(start:last), "(") == 0) then
      start = start + scan(text(start:last), ",", back=.true.)
    end if
  end function start_of_key

  !> Without blanks at both ends.
  pure function trim_blanks(text) result(trimmed)
    character(len=*), intent(in) :: text !! any text
    character(len=:), allocatable :: trimmed

    integer :: first

    first = verify(text, blanks)
    if (first == 0) then
      trimmed = ""
    else
      trimmed = text(first:verify(text, blanks, back=.true.))
    end if
  end function trim_blanks

  !> Turn to lower case.
  pure subroutine lower(text)
    character(len=*), intent(inout) :: text !! any text

    integer :: i

    do i = 1, len(text)
      if (text(i:i) >= "A" .and. text(i:i) <= "Z") text(i:i) = achar(iachar(text(i:i)) + 32)
    end do
  end subroutine lower

end module namelists
