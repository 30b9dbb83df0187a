! SPDX-License-Identifier: MIT
!> Lines of a mechanism file: words and numbers.
module chemistry_words
  use kinds, only: wp
  implicit none
  private
  public :: joined, listed, split, take_number

  integer, parameter, public :: line_length = 512 !! longest line
  integer, parameter, public :: max_words = 64    !! most words in a line

contains

  !> A number among the words.
  subroutine take_number(words, i, value, problem)
    character(len=*), intent(in) :: words(:)
    integer, intent(in) :: i              !! which one
    real(wp), intent(inout) :: value      !! set
    character(len=*), intent(inout) :: problem

    integer :: status

    if (i > size(words)) then
      problem = "a number is missing behind '"//trim(words(size(words)))//"'"
      return
    end if
    ! List-directed reading takes commas and slashes for an early end.
    if (verify(trim(words(i)), "+-.0123456789eEdD") == 0) then
      read (words(i), *, iostat=status) value
      if (status == 0) return
    end if
    problem = "'"//trim(words(i))//"' is not a number"
  end subroutine take_number

  !> Words of a line.
  subroutine split(line, words, n, problem)
    character(len=*), intent(in) :: line
    character(len=*), intent(out) :: words(:)
    integer, intent(out) :: n
    character(len=*), intent(inout) :: problem

    character(len=*), parameter :: blanks = " "//achar(9)//achar(13)
    integer :: first, length

    n = 0
    first = 1
    do
      length = verify(line(first:)//"x", blanks) - 1
      first = first + length
      if (first > len(line)) return
      if (n == size(words)) then
        problem = "the line has more than 64 words"
        return
      end if
      length = scan(line(first:)//" ", blanks) - 1
      n = n + 1
      words(n) = line(first:first + length - 1)
      first = first + length
      if (first > len(line)) return
    end do
  end subroutine split

  !> Words with blanks between them.
  function joined(words) result(text)
    character(len=*), intent(in) :: words(:)
    character(len=:), allocatable :: text

    text = adjustl(listed(words))
    text = trim(text)
  end function joined

  !> Words, each with a blank before it.
  function listed(words) result(text)
    character(len=*), intent(in) :: words(:)
    character(len=:), allocatable :: text

    integer :: i

    text = ""
    do i = 1, size(words)
      text = text//" "//trim(words(i))
    end do
  end function listed

end module chemistry_words
