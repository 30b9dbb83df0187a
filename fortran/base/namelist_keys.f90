! SPDX-License-Identifier: MIT
!> The keys of a namelist, told once: the same list of calls reads and records them.
!>
!>     call keys%visit("theta", parameters%theta)
!>
!> reads `theta` if the assignment at hand is of that key, or, when listing, appends its
!> value to the settings that go into restarts and attributes. A new key is one such line.
!> As in any namelist a value left out (`theta = ,`) keeps what the setting holds.
module namelist_keys
  use kinds, only: int64, real32, real64 => wp
  use namelists, only: assignment_t
  use restarts, only: append, setting_t
  implicit none
  private
  public :: key_visitor_t

  integer, parameter :: max_text = 4096  !! characters of a value that is text
  integer, parameter :: max_values = 256 !! of a key that takes several
  real(real64), parameter :: left_out = -huge(1.0_real64) !! between two commas

  !> Looks for one key, or lists all.
  type :: key_visitor_t
    logical :: is_known = .false.      !! a visited key was the one looked for
    character(len=1024) :: problem = "" !! why its value could not be read
    type(setting_t), allocatable :: settings(:) !! listed so far
    logical, private :: is_listing = .false.
    character(len=:), allocatable, private :: key  !! looked for
    character(len=:), allocatable, private :: text !! its value as written
    character(len=:), allocatable, private :: names !! of the keys visited
  contains
    procedure :: look_for
    procedure :: conclude
    procedure :: list
    generic :: visit => visit_integer, visit_int64, visit_real64, visit_real32, &
      visit_logical, visit_text, visit_texts, visit_reals
    procedure :: choose
    procedure, private :: visit_integer, visit_int64, visit_real64, visit_real32
    procedure, private :: visit_logical, visit_text, visit_texts, visit_reals
    procedure, private :: matches
    procedure, private :: expect
  end type key_visitor_t

contains

  !> From now on read the key of one assignment.
  subroutine look_for(self, item)
    class(key_visitor_t), intent(inout) :: self
    type(assignment_t), intent(in) :: item !! one line of a namelist

    self%is_listing = .false.
    self%key = item%key
    self%text = trim(adjustl(item%text(index(item%text, "=") + 1:)))
    self%names = ""
    self%is_known = item%key == "" ! the start of a group
    self%problem = ""
  end subroutine look_for

  !> After all keys of the group have been visited: the one looked for must be among them.
  subroutine conclude(self)
    class(key_visitor_t), intent(inout) :: self

    if (self%problem == "" .and. .not. self%is_known) self%problem = "unknown key '"// &
      self%key//"', expected one of"//self%names
  end subroutine conclude

  !> From now on list.
  subroutine list(self)
    class(key_visitor_t), intent(inout) :: self

    self%is_listing = .true.
    if (.not. allocated(self%settings)) allocate (self%settings(0))
  end subroutine list

  !> Whether a key is the one looked for.
  logical function matches(self, name)
    class(key_visitor_t), intent(inout) :: self
    character(len=*), intent(in) :: name !! of a key

    matches = self%key == name
    self%names = self%names//" "//name
    if (matches) self%is_known = .true.
    if (matches .and. self%text == "") self%problem = "'"//name//"' has no value"
  end function matches

  !> Say so if the value is not exactly one of its type.
  subroutine expect(self, first, second, what)
    class(key_visitor_t), intent(inout) :: self
    integer, intent(in) :: first         !! status of reading one value
    integer, intent(in) :: second        !! status of reading two
    character(len=*), intent(in) :: what !! expected

    if (self%problem /= "") return
    if (first /= 0 .or. .not. is_iostat_end(second)) self%problem = "'"//self%key// &
      "' must be "//what//": the value is not of the type of '"//self%key//"'"
  end subroutine expect

  subroutine visit_integer(self, name, value)
    class(key_visitor_t), intent(inout) :: self
    character(len=*), intent(in) :: name !! of the key
    integer, intent(inout) :: value      !! read or listed

    integer :: first, second, values(2)

    if (self%is_listing) then
      call append(self%settings, name, real(value, real64))
    else if (self%matches(name)) then
      values = value
      read (self%text, *, iostat=first) values(1)
      if (first == 0) value = values(1)
      read (self%text, *, iostat=second) values
      call self%expect(first, second, "an integer")
    end if
  end subroutine visit_integer

  subroutine visit_int64(self, name, value)
    class(key_visitor_t), intent(inout) :: self
    character(len=*), intent(in) :: name   !! of the key
    integer(int64), intent(inout) :: value !! read or listed

    integer :: first, second
    integer(int64) :: values(2)

    if (self%is_listing) then
      call append(self%settings, name, real(value, real64))
    else if (self%matches(name)) then
      values = value
      read (self%text, *, iostat=first) values(1)
      if (first == 0) value = values(1)
      read (self%text, *, iostat=second) values
      call self%expect(first, second, "an integer")
    end if
  end subroutine visit_int64

  subroutine visit_real64(self, name, value)
    class(key_visitor_t), intent(inout) :: self
    character(len=*), intent(in) :: name !! of the key
    real(real64), intent(inout) :: value !! read or listed

    integer :: first, second
    real(real64) :: values(2)

    if (self%is_listing) then
      call append(self%settings, name, value)
    else if (self%matches(name)) then
      values = value
      read (self%text, *, iostat=first) values(1)
      if (first == 0) value = values(1)
      read (self%text, *, iostat=second) values
      call self%expect(first, second, "a number")
    end if
  end subroutine visit_real64

  subroutine visit_real32(self, name, value)
    class(key_visitor_t), intent(inout) :: self
    character(len=*), intent(in) :: name !! of the key
    real(real32), intent(inout) :: value !! read or listed

    real(real64) :: wide

    wide = real(value, real64)
    call self%visit_real64(name, wide)
    if (.not. self%is_listing) value = real(wide, real32)
  end subroutine visit_real32

  subroutine visit_logical(self, name, value)
    class(key_visitor_t), intent(inout) :: self
    character(len=*), intent(in) :: name !! of the key
    logical, intent(inout) :: value      !! read or listed

    integer :: first, second
    logical :: values(2)

    if (self%is_listing) then
      call append(self%settings, name, trim(merge("true ", "false", value)))
    else if (self%matches(name)) then
      values = value
      read (self%text, *, iostat=first) values(1)
      if (first == 0) value = values(1)
      read (self%text, *, iostat=second) values
      call self%expect(first, second, ".true. or .false.")
    end if
  end subroutine visit_logical

  !> Whether a value begins with a quotation mark.
  pure logical function is_quoted(text)
    character(len=*), intent(in) :: text

    is_quoted = index(text, "'") == 1 .or. index(text, '"') == 1
  end function is_quoted

  subroutine visit_text(self, name, value)
    class(key_visitor_t), intent(inout) :: self
    character(len=*), intent(in) :: name     !! of the key
    character(len=*), intent(inout) :: value !! read or listed

    character(len=max_text), allocatable :: values(:)
    integer :: first, second

    if (self%is_listing) then
      call append(self%settings, name, trim(value))
    else if (self%matches(name)) then
      allocate (values(2))
      values = value
      read (self%text, *, iostat=first) values(1)
      if (first == 0) value = values(1)
      if (first == 0 .and. len_trim(values(1)) > len(value)) then
        write (self%problem, "(3a, i0, a)") "'", name, "' is longer than ", len(value), &
          " characters"
      end if
      read (self%text, *, iostat=second) values
      call self%expect(merge(first, 1, is_quoted(self%text)), second, &
        "text in quotation marks")
    end if
  end subroutine visit_text

  !> A list of words.
  subroutine visit_texts(self, name, values)
    class(key_visitor_t), intent(inout) :: self
    character(len=*), intent(in) :: name !! of the key
    character(len=*), allocatable, intent(inout) :: values(:) !! read or listed

    character(len=max_text), allocatable :: read_values(:)
    character(len=:), allocatable :: joined
    integer :: i, n, status

    if (self%is_listing) then
      joined = ""
      do i = 1, size(values)
        joined = joined//" "//trim(values(i))
      end do
      call append(self%settings, name, trim(adjustl(joined)))
    else if (self%matches(name)) then
      allocate (read_values(max_values))
      n = 0
      if (is_quoted(self%text)) then
        do while (n < max_values)
          read (self%text, *, iostat=status) read_values(:n + 1)
          if (status /= 0) exit
          n = n + 1
        end do
      end if
      if (n == 0) then
        self%problem = "'"//name//"' must be texts in quotation marks"
        return
      end if
      if (allocated(values)) deallocate (values)
      allocate (values(n))
      values = read_values(:n)
    end if
  end subroutine visit_texts

  !> A list of numbers.
  subroutine visit_reals(self, name, values)
    class(key_visitor_t), intent(inout) :: self
    character(len=*), intent(in) :: name                     !! of the key
    real(real64), allocatable, intent(inout) :: values(:) !! read or listed

    real(real64) :: read_values(max_values)
    integer :: n, status

    if (self%is_listing) then
      do n = 1, size(values)
        call append(self%settings, name, values(n))
      end do
    else if (self%matches(name)) then
      n = 0
      read_values = left_out
      do while (n < max_values)
        read (self%text, *, iostat=status) read_values(:n + 1)
        if (status /= 0) exit
        n = n + 1
      end do
      if (n == 0 .or. .not. is_iostat_end(status) .or. &
        any(read_values(:n) == left_out)) then
        self%problem = "'"//name//"' must be numbers, found '"//self%text//"'"
      end if
      values = read_values(:n)
    end if
  end subroutine visit_reals

  !> A word that stands for a number of the model.
  subroutine choose(self, name, words, codes, code)
    class(key_visitor_t), intent(inout) :: self
    character(len=*), intent(in) :: name     !! of the key
    character(len=*), intent(in) :: words(:) !! what it may say
    integer, intent(in) :: codes(:)          !! what the words mean
    integer, intent(inout) :: code           !! read or listed

    character(len=64) :: word
    integer :: i

    word = "unknown"
    do i = 1, size(words)
      if (codes(i) == code) word = words(i)
    end do
    call self%visit_text(name, word)
    if (self%is_listing) return
    if (self%key /= name .or. self%problem /= "") return
    do i = 1, size(words)
      if (words(i) == word) code = codes(i)
    end do
    if (any(words == word)) return
    self%problem = "'"//name//"' must be "//trim(words(1))
    do i = 2, size(words)
      self%problem = trim(self%problem)//" or "//trim(words(i))
    end do
    self%problem = trim(self%problem)//", found '"//trim(word)//"'"
  end subroutine choose

end module namelist_keys
