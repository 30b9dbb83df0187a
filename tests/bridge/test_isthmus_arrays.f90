! SPDX-License-Identifier: MIT
!> Arrays of every kind, ranks 0 to 15, sections, components, pointers and allocatables: the
!> network gives 2 x + (position in C order), so that no transposition goes unseen.
program test_isthmus_arrays
  use, intrinsic :: iso_c_binding, only: c_bool
  use, intrinsic :: iso_fortran_env, only: int16, int32, int64, int8, real32, real64
  use checks, only: check, finish, network
  use isthmus, only: isthmus_model_t
  implicit none

  integer, parameter :: wp = real64

  !> A model's state as models have it: arrays inside types.
  type :: field_t
    real(wp), allocatable :: values(:, :)
  end type field_t
  type :: state_t
    type(field_t) :: temperature
    real(wp) :: wind(3, 2)
    real(wp), pointer :: pressure(:) => null()
  end type state_t

  type(isthmus_model_t) :: model

  call model%load(network("indexed.pt"))
  call int8_is_bound()
  call int16_is_bound()
  call int32_is_bound()
  call int64_is_bound()
  call real32_is_bound()
  call real64_is_bound()
  call logical_is_bound()
  call ranks_are_bound()
  call sections_are_bound()
  call components_and_pointers_are_bound()
  call dummies_are_bound()
  call empty_arrays_are_bound()
  call finish()

contains

  subroutine int8_is_bound()
    integer(int8), target :: x(3, 2), y(3, 2)

    x = reshape([1_int8, 2_int8, 3_int8, -4_int8, 5_int8, 6_int8], [3, 2])
    call model%bind_input("x", x)
    call model%bind_output("output_0", y)
    call model%run()
    call check(all(int(reshape(y, [6])) == [2, 5, 8, -5, 14, 17]), "int8")
  end subroutine int8_is_bound

  subroutine int16_is_bound()
    integer(int16), target :: x(3, 2), y(3, 2)

    x = reshape([1_int16, 2_int16, 3_int16, -4_int16, 5_int16, 6_int16], [3, 2])
    call model%bind_input("x", x)
    call model%bind_output("output_0", y)
    call model%run()
    call check(all(int(reshape(y, [6])) == [2, 5, 8, -5, 14, 17]), "int16")
  end subroutine int16_is_bound

  subroutine int32_is_bound()
    integer(int32), target :: x(3, 2), y(3, 2)

    x = reshape([1_int32, 2_int32, 3_int32, -4_int32, 5_int32, 6_int32], [3, 2])
    call model%bind_input("x", x)
    call model%bind_output("output_0", y)
    call model%run()
    call check(all(int(reshape(y, [6])) == [2, 5, 8, -5, 14, 17]), "int32")
  end subroutine int32_is_bound

  subroutine int64_is_bound()
    integer(int64), target :: x(3, 2), y(3, 2)

    x = reshape([1_int64, 2_int64, 3_int64, -4_int64, 5_int64, 6_int64], [3, 2])
    call model%bind_input("x", x)
    call model%bind_output("output_0", y)
    call model%run()
    call check(all(int(reshape(y, [6])) == [2, 5, 8, -5, 14, 17]), "int64")
  end subroutine int64_is_bound

  subroutine real32_is_bound()
    real(real32), target :: x(3, 2), y(3, 2)

    x = reshape(real([1, 2, 3, -4, 5, 6], real32), [3, 2])
    call model%bind_input("x", x)
    call model%bind_output("output_0", y)
    call model%run()
    call check(all(nint(reshape(y, [6])) == [2, 5, 8, -5, 14, 17]), "real32")
  end subroutine real32_is_bound

  subroutine real64_is_bound()
    real(real64), target :: x(3, 2), y(3, 2)

    x = reshape(real([1, 2, 3, -4, 5, 6], real64), [3, 2])
    call model%bind_input("x", x)
    call model%bind_output("output_0", y)
    call model%run()
    call check(all(nint(reshape(y, [6])) == [2, 5, 8, -5, 14, 17]), "real64")
  end subroutine real64_is_bound

  !> Every third value in memory is flipped.
  subroutine logical_is_bound()
    logical(c_bool), target :: x(4), y(4)

    x = [.true._c_bool, .false._c_bool, .true._c_bool, .false._c_bool]
    call model%bind_input("x", x)
    call model%bind_output("output_0", y)
    call model%run()
    call check(all(y .eqv. [.false., .false., .true., .true.]), "logical(c_bool)")
  end subroutine logical_is_bound

  subroutine ranks_are_bound()
    real(wp), target :: x0, y0, x1(3), y1(3), x3(2, 3, 2), y3(2, 3, 2)
    real(wp), target :: x5(2, 1, 3, 2, 2), y5(2, 1, 3, 2, 2)
    real(wp), target :: x15(2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3)
    real(wp), target :: y15(2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3)
    integer :: i

    x0 = 4.0_wp
    call model%bind_input("x", x0)
    call model%bind_output("output_0", y0)
    call model%run()
    call check(nint(y0) == 8, "rank 0")
    x1 = [1.0_wp, 2.0_wp, 3.0_wp]
    call model%bind_input("x", x1)
    call model%bind_output("output_0", y1)
    call model%run()
    call check(all(nint(y1) == [2, 5, 8]), "rank 1")
    x3 = reshape([(real(i, wp), i=1, 12)], shape(x3))
    call model%bind_input("x", x3)
    call model%bind_output("output_0", y3)
    call model%run()
    call check(all(nint(reshape(y3, [12])) == [(3*i - 1, i=1, 12)]), "rank 3")
    x5 = reshape([(real(i, wp), i=1, 24)], shape(x5))
    call model%bind_input("x", x5)
    call model%bind_output("output_0", y5)
    call model%run()
    call check(all(nint(reshape(y5, [24])) == [(3*i - 1, i=1, 24)]), "rank 5")
    x15 = reshape([(real(i, wp), i=1, 6)], shape(x15))
    call model%bind_input("x", x15)
    call model%bind_output("output_0", y15)
    call model%run()
    call check(all(nint(reshape(y15, [6])) == [(3*i - 1, i=1, 6)]), "rank 15")
  end subroutine ranks_are_bound

  !> Of `x`, of `y` and of both; what is outside the section stays.
  subroutine sections_are_bound()
    real(wp), target :: x(6, 5), y(7, 6), z(0:5, -1:3)
    integer :: i, j

    x = reshape([(real(i, wp), i=1, size(x))], shape(x))
    y = -1.0_wp
    call model%bind_input("x", x(2:6:2, 1:5:4))
    call model%bind_output("output_0", y(1:7:3, 2:6:3))
    call model%run()
    call check(all(nint(y(1:7:3, 2)) == 2*nint(x(2:6:2, 1)) + [0, 1, 2]), "strided section")
    call check(all(nint(y(1:7:3, 5)) == 2*nint(x(2:6:2, 5)) + [3, 4, 5]), "strided section")
    call check(count(nint(y) == -1) == size(y) - 6, "the rest is not written")
    z = 0.0_wp
    call model%bind_input("x", x(3, :))
    call model%bind_output("output_0", z(5, :))
    call model%run()
    call check(all([(nint(z(5, j)) == 2*nint(x(3, j + 2)) + j + 1, j=-1, 3)]), "a row")
    call check(all(abs(z(:4, :)) < tiny(z)), "other rows are untouched")
    call model%bind_input("x", x(4, 4))
    call model%bind_output("output_0", z(0, -1))
    call model%run()
    call check(nint(z(0, -1)) == 2*nint(x(4, 4)), "an element")
  end subroutine sections_are_bound

  subroutine components_and_pointers_are_bound()
    type(state_t), target :: state
    real(wp), target :: storage(10)
    real(wp), pointer :: view(:, :), every_other(:)

    state%wind = reshape([1.0_wp, 2.0_wp, 3.0_wp, 4.0_wp, 5.0_wp, 6.0_wp], [3, 2])
    allocate (state%temperature%values(3, 2))
    call model%bind_input("x", state%wind)
    call model%bind_output("output_0", state%temperature%values)
    call model%run()
    call check(all(nint(reshape(state%temperature%values, [6])) &
      == [2, 5, 8, 11, 14, 17]), "components of a type")
    state%pressure => storage(1:9:2)
    every_other => storage(2:10:2)
    storage(1:9:2) = [1.0_wp, 2.0_wp, 3.0_wp, 4.0_wp, 5.0_wp]
    call model%bind_input("x", state%pressure)
    call model%bind_output("output_0", every_other)
    call model%run()
    call check(all(nint(storage) == [1, 2, 2, 5, 3, 8, 4, 11, 5, 14]), &
      "pointers with strides")
    view(1:3, 1:2) => storage(1:6)
    call model%bind_input("x", view)
    call model%bind_output("output_0", state%temperature%values)
    call model%run()
    call check(all(nint(reshape(state%temperature%values, [6])) &
      == 2*nint(storage(1:6)) + [0, 1, 2, 3, 4, 5]), "a pointer with new bounds")
  end subroutine components_and_pointers_are_bound

  subroutine dummies_are_bound()
    real(wp), target :: x(4, 3), y(4, 3)
    integer :: i

    x = reshape([(real(i, wp), i=1, 12)], shape(x))
    y = 0.0_wp
    call assumed_shape(x(1:4:2, :), y(2:4:2, :))
    call check(all(nint(y(2:4:2, 2)) == 2*nint(x(1:4:2, 2)) + [2, 3]), &
      "assumed-shape dummies")
    call check(all(abs(y(1:3:2, :)) < tiny(y)), "their section only")
    call assumed_size(x, y, 4)
    call check(all(nint(y(:, 2)) == 2*nint(x(:, 2)) + [4, 5, 6, 7]), "assumed-size dummies")
  end subroutine dummies_are_bound

  subroutine assumed_shape(x, y)
    real(wp), intent(in), target :: x(:, :)
    real(wp), intent(inout), target :: y(:, :)

    call model%bind_input("x", x)
    call model%bind_output("output_0", y)
    call model%run()
  end subroutine assumed_shape

  ! allow(C071)
  subroutine assumed_size(x, y, n)
    integer, intent(in) :: n
    real(wp), intent(in), target :: x(n, *)
    real(wp), intent(inout), target :: y(n, *)

    call model%bind_input("x", x(:, 1:3))
    call model%bind_output("output_0", y(:, 1:3))
    call model%run()
  end subroutine assumed_size

  subroutine empty_arrays_are_bound()
    real(wp), allocatable, target :: x(:, :), y(:, :)

    allocate (x(3, 0), y(3, 0))
    call model%bind_input("x", x)
    call model%bind_output("output_0", y)
    call model%run()
    call check(size(y) == 0, "arrays without elements")
  end subroutine empty_arrays_are_bound

end program test_isthmus_arrays
