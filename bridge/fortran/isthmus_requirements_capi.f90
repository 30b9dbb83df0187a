! SPDX-License-Identifier: MIT
!> The functions of `model.h` that hold a network against its host, as Fortran sees them.
! allow(C071)
module isthmus_requirements_capi
  use, intrinsic :: iso_c_binding, only: c_char, c_double, c_int, c_int32_t, c_int64_t, &
    c_null_ptr, c_ptr
  implicit none
  private
  public :: isthmus_model_require_input, isthmus_model_require_output
  public :: isthmus_model_require_time_step, isthmus_model_self_test
  public :: isthmus_model_check_derivatives

  !> `isthmus_requirement` of `model.h`; null is not said.
  type, bind(c), public :: c_requirement_t
    type(c_ptr) :: units = c_null_ptr
    integer(c_int32_t) :: rank = 0
    type(c_ptr) :: shape = c_null_ptr !! slowest first
    type(c_ptr) :: dims = c_null_ptr  !! slowest first
    type(c_ptr) :: dtype = c_null_ptr
  end type c_requirement_t

  interface
    function isthmus_model_require_input(model, name, requirement) result(status) bind(c)
      import :: c_char, c_int, c_ptr, c_requirement_t
      implicit none
      type(c_ptr), value :: model
      character(kind=c_char), intent(in) :: name(*)
      type(c_requirement_t), intent(in) :: requirement
      integer(c_int) :: status
    end function isthmus_model_require_input

    function isthmus_model_require_output(model, name, requirement) result(status) bind(c)
      import :: c_char, c_int, c_ptr, c_requirement_t
      implicit none
      type(c_ptr), value :: model
      character(kind=c_char), intent(in) :: name(*)
      type(c_requirement_t), intent(in) :: requirement
      integer(c_int) :: status
    end function isthmus_model_require_output

    function isthmus_model_require_time_step(model, dt) result(status) bind(c)
      import :: c_double, c_int, c_ptr
      implicit none
      type(c_ptr), value :: model
      real(c_double), value :: dt
      integer(c_int) :: status
    end function isthmus_model_require_time_step

    function isthmus_model_self_test(model, largest_error) result(status) bind(c)
      import :: c_double, c_int, c_ptr
      implicit none
      type(c_ptr), value :: model
      real(c_double), intent(inout) :: largest_error
      integer(c_int) :: status
    end function isthmus_model_self_test

    function isthmus_model_check_derivatives(model, seed, dot_error, taylor_error) &
      result(status) bind(c)
      import :: c_double, c_int, c_int64_t, c_ptr
      implicit none
      type(c_ptr), value :: model
      integer(c_int64_t), value :: seed
      real(c_double), intent(inout) :: dot_error, taylor_error
      integer(c_int) :: status
    end function isthmus_model_check_derivatives
  end interface
end module isthmus_requirements_capi
