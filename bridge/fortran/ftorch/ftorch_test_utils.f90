! SPDX-License-Identifier: MIT
!> FTorch's helpers for tests: whether numbers are what was expected.
!>
!> Two numbers are close if |got - expect| <= atol + rtol |expect|. NaN is close to nothing,
!> and arrays of different shapes are not close.
module ftorch_test_utils
  use, intrinsic :: iso_fortran_env, only: output_unit, real32, real64
  implicit none
  private
  public :: allclose, assert_allclose, assert_isclose, isclose

  real(real64), parameter :: default_rtol = 1e-5_real64

  !> Of two numbers.
  interface isclose
    module procedure :: isclose_real32, isclose_real64
  end interface isclose

  !> Of all elements of two arrays.
  interface allclose
    module procedure :: allclose_real32_1d, allclose_real32_2d, allclose_real32_3d, &
      allclose_real32_4d, allclose_real64_1d, allclose_real64_2d, allclose_real64_3d, &
      allclose_real64_4d
  end interface allclose

  !> The older name of isclose.
  interface assert_isclose
    procedure :: isclose_real32, isclose_real64
  end interface assert_isclose

  !> The older name of allclose.
  interface assert_allclose
    procedure :: allclose_real32_1d, allclose_real32_2d, allclose_real32_3d, &
      allclose_real32_4d, allclose_real64_1d, allclose_real64_2d, allclose_real64_3d, &
      allclose_real64_4d
  end interface assert_allclose

contains

  logical function isclose_real32(got, expect, test_name, rtol, print_result, atol) &
    result(is_close)
    real(real32), intent(in) :: got, expect
    include "ftorch_closeness.inc"

    is_close = judged([real(got, real64)], [real(expect, real64)], .true., test_name, &
      rtol, print_result, atol)
  end function isclose_real32

  logical function allclose_real32_1d(got, expect, test_name, rtol, print_result, atol) &
    result(is_close)
    real(real32), intent(in) :: got(:), expect(:)
    include "ftorch_closeness.inc"

    is_close = judged([real(got, real64)], [real(expect, real64)], &
      all(shape(got) == shape(expect)), test_name, rtol, print_result, atol)
  end function allclose_real32_1d

  logical function allclose_real32_2d(got, expect, test_name, rtol, print_result, atol) &
    result(is_close)
    real(real32), intent(in) :: got(:, :), expect(:, :)
    include "ftorch_closeness.inc"

    is_close = judged([real(got, real64)], [real(expect, real64)], &
      all(shape(got) == shape(expect)), test_name, rtol, print_result, atol)
  end function allclose_real32_2d

  logical function allclose_real32_3d(got, expect, test_name, rtol, print_result, atol) &
    result(is_close)
    real(real32), intent(in) :: got(:, :, :), expect(:, :, :)
    include "ftorch_closeness.inc"

    is_close = judged([real(got, real64)], [real(expect, real64)], &
      all(shape(got) == shape(expect)), test_name, rtol, print_result, atol)
  end function allclose_real32_3d

  logical function allclose_real32_4d(got, expect, test_name, rtol, print_result, atol) &
    result(is_close)
    real(real32), intent(in) :: got(:, :, :, :), expect(:, :, :, :)
    include "ftorch_closeness.inc"

    is_close = judged([real(got, real64)], [real(expect, real64)], &
      all(shape(got) == shape(expect)), test_name, rtol, print_result, atol)
  end function allclose_real32_4d

  logical function isclose_real64(got, expect, test_name, rtol, print_result, atol) &
    result(is_close)
    real(real64), intent(in) :: got, expect
    include "ftorch_closeness.inc"

    is_close = judged([real(got, real64)], [real(expect, real64)], .true., test_name, &
      rtol, print_result, atol)
  end function isclose_real64

  logical function allclose_real64_1d(got, expect, test_name, rtol, print_result, atol) &
    result(is_close)
    real(real64), intent(in) :: got(:), expect(:)
    include "ftorch_closeness.inc"

    is_close = judged([real(got, real64)], [real(expect, real64)], &
      all(shape(got) == shape(expect)), test_name, rtol, print_result, atol)
  end function allclose_real64_1d

  logical function allclose_real64_2d(got, expect, test_name, rtol, print_result, atol) &
    result(is_close)
    real(real64), intent(in) :: got(:, :), expect(:, :)
    include "ftorch_closeness.inc"

    is_close = judged([real(got, real64)], [real(expect, real64)], &
      all(shape(got) == shape(expect)), test_name, rtol, print_result, atol)
  end function allclose_real64_2d

  logical function allclose_real64_3d(got, expect, test_name, rtol, print_result, atol) &
    result(is_close)
    real(real64), intent(in) :: got(:, :, :), expect(:, :, :)
    include "ftorch_closeness.inc"

    is_close = judged([real(got, real64)], [real(expect, real64)], &
      all(shape(got) == shape(expect)), test_name, rtol, print_result, atol)
  end function allclose_real64_3d

  logical function allclose_real64_4d(got, expect, test_name, rtol, print_result, atol) &
    result(is_close)
    real(real64), intent(in) :: got(:, :, :, :), expect(:, :, :, :)
    include "ftorch_closeness.inc"

    is_close = judged([real(got, real64)], [real(expect, real64)], &
      all(shape(got) == shape(expect)), test_name, rtol, print_result, atol)
  end function allclose_real64_4d

  !> Compare, and tell on standard output.
  logical function judged(got, expect, same_shape, test_name, rtol, print_result, atol)
    real(real64), intent(in) :: got(:), expect(:)
    logical, intent(in) :: same_shape
    include "ftorch_closeness.inc"

    real(real64) :: relative, absolute
    logical :: is_told
    character(len=:), allocatable :: name

    relative = default_rtol
    if (present(rtol)) relative = number_of(rtol)
    absolute = 0
    if (present(atol)) absolute = number_of(atol)
    is_told = .true.
    if (present(print_result)) is_told = print_result
    judged = same_shape
    if (judged) judged = all(abs(got - expect) <= absolute + relative*abs(expect))
    if (.not. is_told) return
    name = ""
    if (present(test_name)) name = test_name
    write (output_unit, "(4a)") merge("PASSED", "FAILED", judged), " [", name, "]"
    if (judged) return
    if (.not. same_shape) then
      write (output_unit, "(a)") "  the shapes differ"
    else
      write (output_unit, "(a, es12.4)") "  largest difference", maxval(abs(got - expect))
    end if
  end function judged

  !> A real number of either kind.
  real(real64) function number_of(any_number)
    class(*), intent(in) :: any_number

    select type (any_number)
    type is (real(real32))
      number_of = real(any_number, real64)
    type is (real(real64))
      number_of = any_number
    class default
      error stop "ftorch_test_utils: 'rtol' and 'atol' must be real numbers"
    end select
  end function number_of

end module ftorch_test_utils
