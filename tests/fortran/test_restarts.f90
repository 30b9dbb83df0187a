! SPDX-License-Identifier: MIT
!> Restart files keep every bit and are refused where they do not belong.
program test_restarts
  use failures, only: err_file, err_shape
  use files, only: delete_file
  use kinds, only: int64, wp
  use restarts, only: append, field_t, read_restart, setting_t, write_restart
  use testing, only: check, fill_random, finish
  implicit none

  character(len=*), parameter :: path = "test_restarts.nc"
  type(field_t), allocatable :: fields(:)
  type(setting_t), allocatable :: settings(:)

  call make_state(7, 3, 8.0_wp, fields, settings)
  call write_restart(path, fields, settings, 1234)
  call every_bit_returns()
  call another_size_model_or_parameter_is_named()
  call foreign_and_absent_files_are_refused()
  call a_failed_write_leaves_the_good_file()
  call delete_file(path)
  call finish()

contains

  !> A state of two arrays and what it belongs to.
  subroutine make_state(n, members, forcing, fields, settings)
    integer, intent(in) :: n, members
    real(wp), intent(in) :: forcing
    type(field_t), allocatable, intent(out) :: fields(:)
    type(setting_t), allocatable, intent(out) :: settings(:)

    real(wp) :: x(n, members)

    allocate (fields(0), settings(0))
    call fill_random(x, 3.0_wp)
    call append(fields, "x", x)
    call fill_random(x, 1.0e-310_wp) ! denormal numbers are numbers too
    call append(fields, "z", x)
    call append(settings, "model", "ring")
    call append(settings, "forcing", forcing)
  end subroutine make_state

  !> Written and read: the same bits and the same step.
  subroutine every_bit_returns()
    type(field_t), allocatable :: copy(:)
    type(setting_t), allocatable :: same(:)
    integer :: i, step

    call make_state(7, 3, 8.0_wp, copy, same)
    call read_restart(path, copy, settings, step)
    call check(step == 1234, "the step returns")
    do i = 1, 2
      call check(all(same_bits(copy(i)%values, fields(i)%values)), "every bit returns")
    end do
  end subroutine every_bit_returns

  !> What differs is named.
  subroutine another_size_model_or_parameter_is_named()
    type(field_t), allocatable :: other(:)
    type(setting_t), allocatable :: expected(:)

    call make_state(8, 3, 8.0_wp, other, expected)
    call expect(path, other, expected, err_shape, &
      "'x' holds 3 members of 7 sites, this run has 3 members of 8 sites")
    call make_state(7, 3, 9.0_wp, other, expected)
    call expect(path, other, expected, err_shape, "'forcing' is 8, this run has 9")
    call make_state(7, 3, 8.0_wp, other, expected)
    expected(1)%text = "line"
    call expect(path, other, expected, err_shape, "'model' is 'ring', this run has 'line'")
    other(2)%name = "y"
    expected(1)%text = "ring"
    call expect(path, other, expected, err_shape, "cannot read 'y'")
  end subroutine another_size_model_or_parameter_is_named

  !> Absent, not netCDF, netCDF of another kind.
  subroutine foreign_and_absent_files_are_refused()
    type(field_t), allocatable :: other(:)
    type(setting_t), allocatable :: expected(:)
    integer :: unit

    call make_state(7, 3, 8.0_wp, other, expected)
    call expect("absent.nc", other, expected, err_file, "No such file")
    open (newunit=unit, file="test_restarts.txt", status="replace", action="write")
    write (unit, "(a)") "no netCDF"
    close (unit)
    call expect("test_restarts.txt", other, expected, err_file, "Unknown file format")
    call delete_file("test_restarts.txt")
  end subroutine foreign_and_absent_files_are_refused

  !> A folder that is not there: stat, a text, and the old file as it was.
  subroutine a_failed_write_leaves_the_good_file()
    character(len=256) :: errmsg
    integer :: stat

    call write_restart("no/such/folder.nc", fields, settings, 1, stat, errmsg)
    call check(stat == err_file .and. index(errmsg, "no/such/folder.nc") > 0, &
      "an unwritable path is named")
    call every_bit_returns()
  end subroutine a_failed_write_leaves_the_good_file

  !> Reading must fail with this text.
  subroutine expect(file, state, belongs_to, code, text)
    character(len=*), intent(in) :: file, text
    type(field_t), intent(inout) :: state(:)
    type(setting_t), intent(in) :: belongs_to(:)
    integer, intent(in) :: code

    character(len=256) :: errmsg
    integer :: stat, step

    errmsg = ""
    call read_restart(file, state, belongs_to, step, stat, errmsg)
    call check(stat == code .and. index(errmsg, text) > 0, &
      "expected '"//text//"', found '"//trim(errmsg)//"'")
  end subroutine expect

  !> True where two numbers are the same in every bit.
  elemental logical function same_bits(a, b)
    real(wp), intent(in) :: a !! one
    real(wp), intent(in) :: b !! other

    same_bits = transfer(a, 0_int64) == transfer(b, 0_int64)
  end function same_bits

end program test_restarts
