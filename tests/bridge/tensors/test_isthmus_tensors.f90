! SPDX-License-Identifier: MIT
!> Tensors in Fortran: arrays of every kind and rank, layouts, ownership, failures.
! allow(C121)
program test_isthmus_tensors
  use, intrinsic :: iso_c_binding, only: c_associated, c_bool, c_loc, c_ptr
  use, intrinsic :: iso_fortran_env, only: int16, int32, int64, int8, real32, real64
  use checks, only: check, expect, finish
  use isthmus
  implicit none

  type :: column_t
    real(real64) :: t = 0.0_real64
    real(real64) :: q = 0.0_real64
  end type column_t

  character(len=1024) :: errmsg = ""
  integer :: stat

  call every_kind_goes_in_and_out()
  call every_rank_goes_in_and_out()
  call sections_are_viewed_in_place()
  call layouts_of_arrays_that_are_not_square()
  call made_tensors_have_the_form_asked_for()
  call components_go_by_their_address()
  call assignment_copies_variables()
  call assignment_takes_over_expressions()
  call arrays_of_tensors_are_assigned()
  call copies_convert_when_asked_only()
  call unset_tensors_are_told()
  call failures_travel_to_the_next_check()
  call expressions_are_used_once()
  call finish()

contains

  subroutine every_kind_goes_in_and_out()
    logical(c_bool), target :: b(3), b_out(3)
    integer(int8), target :: i1(3), i1_out(3)
    integer(int16), target :: i2(3), i2_out(3)
    integer(int32), target :: i4(3), i4_out(3)
    integer(int64), target :: i8(3), i8_out(3)
    real(real32), target :: r4(3), r4_out(3)
    real(real64), target :: r8(3), r8_out(3)
    type(isthmus_tensor_t) :: t

    b = [.true._c_bool, .false._c_bool, .true._c_bool]
    b_out = .false._c_bool
    call t%from_array(b)
    call t%to_array(b_out)
    call check(all(b .eqv. b_out) .and. t%dtype() == isthmus_bool, "logical goes through")
    i1 = [1_int8, -2_int8, 127_int8]
    call t%from_array(i1)
    call t%to_array(i1_out)
    call check(all(i1 == i1_out) .and. t%dtype() == isthmus_int8, "int8 goes through")
    i2 = [1_int16, -2_int16, 32767_int16]
    call t%from_array(i2)
    call t%to_array(i2_out)
    call check(all(i2 == i2_out) .and. t%dtype() == isthmus_int16, "int16 goes through")
    i4 = [1, -2, huge(1)]
    call t%from_array(i4)
    call t%to_array(i4_out)
    call check(all(i4 == i4_out) .and. t%dtype() == isthmus_int32, "int32 goes through")
    i8 = [1_int64, -2_int64, huge(1_int64)]
    call t%from_array(i8)
    call t%to_array(i8_out)
    call check(all(i8 == i8_out) .and. t%dtype() == isthmus_int64, "int64 goes through")
    r4 = [1.5_real32, -2.5_real32, huge(1.0_real32)]
    call t%from_array(r4)
    call t%to_array(r4_out)
    call check(all(abs(r4 - r4_out) <= 0.0_real32) .and. t%dtype() == isthmus_float32, &
      "real32 goes through")
    r8 = [1.5_real64, -2.5_real64, huge(1.0_real64)]
    call t%from_array(r8)
    call t%to_array(r8_out)
    call check(all(abs(r8 - r8_out) <= 0.0_real64) .and. t%dtype() == isthmus_float64, &
      "real64 goes through")
  end subroutine every_kind_goes_in_and_out

  subroutine every_rank_goes_in_and_out()
    real(real64), target :: x(256)
    real(real64), pointer :: p0, p1(:), p2(:, :), p3(:, :, :), p4(:, :, :, :)
    real(real64), pointer :: p5(:, :, :, :, :), p6(:, :, :, :, :, :)
    real(real64), pointer :: p7(:, :, :, :, :, :, :)
    type(isthmus_tensor_t) :: t(0:7)
    integer :: i
    real(real64), target :: total

    x = [(real(i, real64), i=1, size(x))]
    p0 => x(7)
    p1(1:2) => x(:2)
    p2(1:2, 1:3) => x(:6)
    p3(1:2, 1:3, 1:2) => x(:12)
    p4(1:2, 1:3, 1:2, 1:2) => x(:24)
    p5(1:2, 1:3, 1:2, 1:2, 1:2) => x(:48)
    p6(1:2, 1:3, 1:2, 1:2, 1:2, 1:2) => x(:96)
    p7(1:2, 1:3, 1:2, 1:2, 1:2, 1:2, 1:2) => x(:192)
    call t(0)%from_array(p0)
    call t(1)%from_array(p1)
    call t(2)%from_array(p2)
    call t(3)%from_array(p3)
    call t(4)%from_array(p4)
    call t(5)%from_array(p5)
    call t(6)%from_array(p6)
    call t(7)%from_array(p7)
    do i = 0, 7
      call check(t(i)%rank() == i, "the rank is that of the array")
    end do
    call check(all(t(7)%shape() == [2, 3, 2, 2, 2, 2, 2]), "the shape is that of the array")
    call check(all(t(7)%strides() == [1, 2, 6, 12, 24, 48, 96]), "so are the strides")
    t(1) = tensor_sum(t(7))
    call t(1)%to_array(total)
    call check(abs(total - 192*193/2) <= 0.0_real64, "all elements of rank 7 are seen")
    p7 = 0.0_real64
    call check(t(7)%n_elements() == 192, "the number of elements is that of the array")
    t(1) = tensor_max(t(7))
    call t(1)%to_array(total)
    call check(abs(total) <= 0.0_real64, "the tensor looks at the array")
  end subroutine every_rank_goes_in_and_out

  subroutine sections_are_viewed_in_place()
    real(real32), target :: u(5, 6), v(2, 3)
    integer :: i, j
    type(isthmus_tensor_t) :: t

    u = reshape([((real(10*i + j, real32), i=1, 5), j=1, 6)], [5, 6])
    call t%from_array(u(2:4:2, 1:6:2))
    call t%to_array(v)
    call check(all(abs(v - u(2:4:2, 1:6:2)) <= 0.0_real32), "a section is read in place")
    call t%fill(0.0_real64)
    call check(all(abs(u(2:4:2, 1:6:2)) <= 0.0_real32) .and. u(3, 1) > 0.0_real32, &
      "a section is written in place")
    call t%from_array(u(5:1:-1, :), stat=stat, errmsg=errmsg)
    call expect(isthmus_err_shape, "a reversed section must be copied", stat, errmsg, &
      "from_array of a reversed section")
    call check(t%n_elements() == 6, "a tensor is unchanged by a call that fails")
    call t%to_array(u(1:5:4, 1:6:2))
    call check(all(abs(u(1:5:4, 1:6:2)) <= 0.0_real32), "values are written to a section")
  end subroutine sections_are_viewed_in_place

  subroutine layouts_of_arrays_that_are_not_square()
    real(real64), target :: a(2, 3), b(3, 2), c(2, 3, 4), d(4, 3, 2)
    type(isthmus_tensor_t) :: t
    integer :: i, j, k
    logical :: is_same

    a = reshape([11, 21, 12, 22, 13, 23], [2, 3])*1.0_real64
    call t%from_array(a, layout=[1, 2]) ! torch's [2, 3], index order kept
    call check(all(t%shape() == [3, 2]), "index order kept is the shape reversed here")
    call t%to_array(b)
    call check(all(abs(b - transpose(a)) <= 0.0_real64), "index order kept, not square")
    call t%to_array(b)
    a = 0.0_real64
    call t%from_array(b)
    call t%to_array(a, layout=[1, 2])
    call check(all(abs(a - transpose(b)) <= 0.0_real64), "to_array takes a layout too")
    c = reshape([(real(i, real64), i=1, 24)], [2, 3, 4])
    call t%from_array(c, layout=[1, 2, 3])
    call t%to_array(d)
    is_same = .true.
    do k = 1, 4
      do j = 1, 3
        do i = 1, 2
          is_same = is_same .and. abs(d(k, j, i) - c(i, j, k)) <= 0.0_real64
        end do
      end do
    end do
    call check(is_same, "index order kept in three dimensions")
    call t%from_array(a, layout=[1, 3], stat=stat, errmsg=errmsg)
    call expect(isthmus_err_argument, "'layout' must hold", stat, errmsg, "a wrong layout")
    call t%from_array(a, layout=[1], stat=stat, errmsg=errmsg)
    call expect(isthmus_err_argument, "'layout' must hold", stat, errmsg, "a short layout")
  end subroutine layouts_of_arrays_that_are_not_square

  subroutine made_tensors_have_the_form_asked_for()
    type(isthmus_tensor_t) :: t
    real(real32), target :: x(2, 3)

    call t%ones([2, 3], isthmus_float32)
    call t%to_array(x)
    call check(all(abs(x - 1.0_real32) <= 0.0_real32), "ones are ones")
    call check(all(t%shape() == [2, 3]) .and. t%device() == "cpu", "shape and device")
    call check(t%device_index() == 0 .and. t%is_leaf(), "index and leaf")
    call t%zeros([2, 3], isthmus_float32, requires_grad=.true.)
    call check(t%requires_grad(), "a tensor may require its gradient when it is made")
    call t%empty([2, 3], isthmus_bfloat16)
    call check(t%dtype() == isthmus_bfloat16, "half precision has no array, but a tensor")
    call t%rand([20], isthmus_float64)
    call check(t%n_elements() == 20, "random numbers")
    call t%ones([-1], isthmus_float32, stat=stat, errmsg=errmsg)
    call expect(isthmus_err_shape, "'shape' is [-1]", stat, errmsg, "a negative extent")
    call t%ones([1], 77, stat=stat, errmsg=errmsg)
    call expect(isthmus_err_shape, "'dtype' is 77", stat, errmsg, "an unknown type")
    call t%ones([1], isthmus_int8, requires_grad=.true., stat=stat, errmsg=errmsg)
    call expect(isthmus_err_shape, "expected a floating-point type", stat, errmsg, &
      "a gradient of integers")
    call t%ones([1], isthmus_int8, device="cuda:99", stat=stat, errmsg=errmsg)
    call expect(isthmus_err_device, "cuda:99", stat, errmsg, "an absent device")
    call t%ones([2], isthmus_float32)
    call check(index(t%text(), "{2}") > 0, "the text tells the shape")
  end subroutine made_tensors_have_the_form_asked_for

  subroutine components_go_by_their_address()
    type(column_t), target :: columns(3)
    real(real64), target :: q(3)
    type(isthmus_tensor_t) :: t

    columns%q = [1.0_real64, 2.0_real64, 3.0_real64]
    call t%from_array(columns%q, stat=stat, errmsg=errmsg)
    call check(stat /= 0 .or. c_associated(t%data(), c_loc(columns(1)%q)), &
      "a component is viewed or refused")
    call t%from_pointer(c_loc(columns(1)%q), isthmus_float64, [3], [16])
    call t%to_array(q)
    call check(all(abs(q - columns%q) <= 0.0_real64), "a component by address and stride")
  end subroutine components_go_by_their_address

  subroutine assignment_copies_variables()
    real(real64), target :: x(3), y(3)
    type(isthmus_tensor_t) :: a, b, c

    x = [1.0_real64, 2.0_real64, 3.0_real64]
    call a%from_array(x)
    b = a
    call c%alias_of(a)
    x = 9.0_real64
    call b%to_array(y)
    call check(abs(sum(y) - 6.0_real64) <= 0.0_real64, "a copy is apart from its array")
    call c%to_array(y)
    call check(abs(sum(y) - 27.0_real64) <= 0.0_real64, "an alias shares the memory")
    a = a
    call a%to_array(y)
    call check(abs(sum(y) - 27.0_real64) <= 0.0_real64, "self-assignment changes nothing")
    call a%free()
    call a%free()
    call check(.not. a%is_set() .and. c%is_set(), "an alias outlives what it shared")
  end subroutine assignment_copies_variables

  subroutine assignment_takes_over_expressions()
    real(real64), target :: x(3), y(3)
    type(isthmus_tensor_t) :: a

    x = [1.0_real64, 2.0_real64, 3.0_real64]
    call a%from_array(x)
    a = a + a
    a = -(a*a)
    a = (a)
    call a%to_array(y)
    call check(all(abs(y + 4.0_real64*x*x) <= 0.0_real64), "a variable on both sides")
    call check(abs(x(3) - 3.0_real64) <= 0.0_real64, "the array once viewed is unchanged")
  end subroutine assignment_takes_over_expressions

  subroutine arrays_of_tensors_are_assigned()
    type(isthmus_tensor_t) :: a(3), b(3), joined
    real(real64), target :: y(2), z(6)
    integer :: i

    do i = 1, 3
      call a(i)%ones([2], isthmus_float64)
      a(i) = a(i)*i
    end do
    b = a
    call b(3)%to_array(y)
    call check(all(abs(y - 3.0_real64) <= 0.0_real64), "arrays of tensors are copied")
    joined = tensor_cat(b, 1)
    call joined%to_array(z)
    call check(abs(sum(z) - 12.0_real64) <= 0.0_real64, "arrays of tensors are joined")
  end subroutine arrays_of_tensors_are_assigned

  subroutine copies_convert_when_asked_only()
    real(real32), target :: x(2)
    real(real64), target :: y(2)
    type(isthmus_tensor_t) :: a, b

    call a%zeros([2], isthmus_float32)
    call a%fill(1.5_real64)
    call a%to_array(y, stat=stat, errmsg=errmsg)
    call expect(isthmus_err_shape, "ask for the conversion", stat, errmsg, "another kind")
    call a%to_array(y, convert=.true.)
    call check(all(abs(y - 1.5_real64) <= 0.0_real64), "conversion by to_array")
    b = a%to(isthmus_float16)
    call check(b%dtype() == isthmus_float16, "conversion by to")
    call a%copy_from(b, stat=stat, errmsg=errmsg)
    call expect(isthmus_err_shape, "ask for the conversion", stat, errmsg, "copy_from")
    call a%copy_from(b, convert=.true.)
    call a%to_array(x)
    call check(all(abs(x - 1.5_real32) <= 0.0_real32), "conversion by copy_from")
    call a%zeros([2], isthmus_int8)
    call a%fill(0.5_real64, stat=stat, errmsg=errmsg)
    call expect(isthmus_err_shape, "is a real number", stat, errmsg, "half of an int8")
    call a%fill(3.0_real64)
  end subroutine copies_convert_when_asked_only

  subroutine unset_tensors_are_told()
    type(isthmus_tensor_t) :: unset, b
    real(real64), target :: x(2)

    call unset%to_array(x, stat=stat, errmsg=errmsg)
    call expect(isthmus_err_argument, "never set", stat, errmsg, "to_array")
    call unset%backward(stat=stat, errmsg=errmsg)
    call expect(isthmus_err_argument, "never set", stat, errmsg, "backward")
    call unset%zero_grad(stat=stat, errmsg=errmsg)
    call expect(isthmus_err_argument, "never set", stat, errmsg, "zero_grad")
    call unset%set_requires_grad(.true., stat, errmsg)
    call expect(isthmus_err_argument, "never set", stat, errmsg, "set_requires_grad")
    call unset%fill(1.0_real64, stat, errmsg)
    call expect(isthmus_err_argument, "never set", stat, errmsg, "fill")
    call b%alias_of(unset, stat, errmsg)
    call expect(isthmus_err_argument, "never set", stat, errmsg, "alias_of")
    call check(unset%rank() == -1 .and. size(unset%shape()) == 0 .and. &
      unset%dtype() == -1 .and. unset%device() == "" .and. unset%n_elements() == -1 .and. &
      unset%text() == "", "enquiries about an unset tensor have neutral answers")
    b = unset
    call b%check(stat, errmsg)
    call expect(isthmus_err_argument, "never set", stat, errmsg, &
      "a copy of an unset tensor")
    b = unset + unset
    call b%check(stat, errmsg)
    call expect(isthmus_err_argument, "never set", stat, errmsg, "a sum of unset tensors")
  end subroutine unset_tensors_are_told

  subroutine failures_travel_to_the_next_check()
    type(isthmus_tensor_t) :: a, b, c, d
    real(real64), target :: x(2)

    call a%ones([2], isthmus_float64)
    call b%ones([3], isthmus_float64)
    c = 2*(a + b) - 1
    call c%to_array(x, stat=stat, errmsg=errmsg)
    call expect(isthmus_err_shape, "add: 'left' has shape [2], 'right' has shape [3]", &
      stat, errmsg, "the reason, three operators later")
    d = c
    call d%check(stat, errmsg)
    call expect(isthmus_err_shape, "add: ", stat, errmsg, "a copy carries the reason too")
    c = a + 1
    call c%check(stat, errmsg)
    call expect(isthmus_ok, "", stat, errmsg, "a tensor is set anew after a failure")
    c = tensor_sum(a, dim=2)
    call c%check(stat, errmsg)
    call expect(isthmus_err_argument, "'dim' is 2, the tensor has rank 1", stat, errmsg, &
      "a dimension that is not there")
  end subroutine failures_travel_to_the_next_check

  subroutine expressions_are_used_once()
    type(isthmus_tensor_t) :: a

    call a%ones([2], isthmus_float64)
    call use_twice(a + a, stat, errmsg)
    call expect(isthmus_err_argument, "assign it to a variable first", stat, errmsg, &
      "an expression used twice")
    call use_twice(a, stat, errmsg)
    call expect(isthmus_ok, "", stat, errmsg, "a variable used twice")
  end subroutine expressions_are_used_once

  subroutine use_twice(x, stat, errmsg)
    type(isthmus_tensor_t), intent(in) :: x
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    type(isthmus_tensor_t) :: y

    y = x*x
    y = x + 1
    call y%check(stat, errmsg)
  end subroutine use_twice

end program test_isthmus_tensors
