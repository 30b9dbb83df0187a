! SPDX-License-Identifier: MIT
!> Strings across the C boundary, and the one way in which module `isthmus` fails.
module isthmus_texts
  use, intrinsic :: iso_c_binding, only: c_char, c_f_pointer, c_null_char, c_ptr, c_size_t
  use, intrinsic :: iso_fortran_env, only: error_unit
  use isthmus_capi, only: isthmus_error_message
  implicit none
  private
  public :: c_method, c_text, f_text, last_message, report, until_null

contains

  !> Hand a failure to the caller, or stop if it does not listen.
  subroutine report(status, text, stat, errmsg)
    integer, intent(in) :: status
    character(len=*), intent(in) :: text
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    if (present(stat)) stat = status
    if (status == 0) return
    if (present(errmsg)) errmsg = text
    if (present(stat)) return
    write (error_unit, "(a)") "isthmus: "//text
    error stop
  end subroutine report

  !> The library's message; for a model that was never loaded, one that says so.
  function last_message() result(text)
    character(len=:), allocatable :: text

    text = f_text(isthmus_error_message())
    if (text == "argument 'model' is null") text = "no network is loaded"
  end function last_message

  function c_method(method) result(text)
    character(len=*), intent(in), optional :: method
    character(kind=c_char, len=:), allocatable :: text

    text = c_text("forward")
    if (present(method)) text = c_text(method)
  end function c_method

  pure function c_text(text) result(copy)
    character(len=*), intent(in) :: text
    character(kind=c_char, len=:), allocatable :: copy

    copy = trim(text)//c_null_char
  end function c_text

  pure function until_null(text) result(part)
    character(len=*), intent(in) :: text
    character(len=:), allocatable :: part

    integer :: n

    n = index(text, c_null_char) - 1
    if (n < 0) n = len_trim(text)
    part = text(:n)
    if (part == "argument 'model' is null") part = "no network is loaded"
  end function until_null

  !> A copy of a C string.
  function f_text(address) result(text)
    type(c_ptr), intent(in) :: address
    character(len=:), allocatable :: text

    interface
      pure function strlen(string) result(length) bind(c)
        import :: c_ptr, c_size_t
        implicit none
        type(c_ptr), intent(in), value :: string
        integer(c_size_t) :: length
      end function strlen
    end interface
    character(kind=c_char), pointer :: letters(:)
    integer :: i

    call c_f_pointer(address, letters, [strlen(address)])
    allocate (character(len=size(letters)) :: text)
    do i = 1, len(text)
      text(i:i) = letters(i)
    end do
  end function f_text

end module isthmus_texts
