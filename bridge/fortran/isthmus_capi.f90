! SPDX-License-Identifier: MIT
!> The C functions of `isthmus.h` as Fortran sees them, for the modules of this folder only.
! allow(C071)
module isthmus_capi
  use, intrinsic :: iso_c_binding, only: c_char, c_double, c_int, c_int32_t, c_null_ptr, &
    c_ptr
  implicit none
  private
  public :: isthmus_error_message, c_status_name, c_version, c_torch_version
  public :: isthmus_model_load, isthmus_model_free
  public :: isthmus_model_contract, isthmus_model_time_step, isthmus_model_engine
  public :: isthmus_model_count, isthmus_model_input_name, isthmus_model_output_name
  public :: isthmus_model_run_method
  public :: isthmus_model_bind_input_as, isthmus_model_bind_output_as

  !> `isthmus_array` of `array.h`.
  type, bind(c), public :: c_array_t
    type(c_ptr) :: data = c_null_ptr
    integer(c_int) :: dtype = 0
    integer(c_int32_t) :: rank = 0
    type(c_ptr) :: shape = c_null_ptr   !! slowest first
    type(c_ptr) :: strides = c_null_ptr !! bytes; null: contiguous
    type(c_ptr) :: device = c_null_ptr  !! null: host memory
  end type c_array_t

  !> `isthmus_binding` of `model.h`.
  type, bind(c), public :: c_binding_t
    integer(c_int32_t) :: convert = 0
    type(c_ptr) :: order = c_null_ptr !! slowest first, from 0; null: as they are
  end type c_binding_t

  interface
    function isthmus_error_message() result(text) bind(c)
      import :: c_ptr
      implicit none
      type(c_ptr) :: text
    end function isthmus_error_message

    function c_status_name(status) result(text) bind(c, name="isthmus_status_name")
      import :: c_int, c_ptr
      implicit none
      integer(c_int), value :: status
      type(c_ptr) :: text
    end function c_status_name

    function c_version() result(text) bind(c, name="isthmus_version")
      import :: c_ptr
      implicit none
      type(c_ptr) :: text
    end function c_version

    function c_torch_version() result(text) bind(c, name="isthmus_torch_version")
      import :: c_ptr
      implicit none
      type(c_ptr) :: text
    end function c_torch_version

    function isthmus_model_load(path, device, model) result(status) bind(c)
      import :: c_char, c_int, c_ptr
      implicit none
      character(kind=c_char), intent(in) :: path(*), device(*)
      type(c_ptr), intent(inout) :: model
      integer(c_int) :: status
    end function isthmus_model_load

    subroutine isthmus_model_free(model) bind(c)
      import :: c_ptr
      implicit none
      type(c_ptr), value :: model
    end subroutine isthmus_model_free

    function isthmus_model_contract(model, json) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: model
      type(c_ptr), intent(inout) :: json
      integer(c_int) :: status
    end function isthmus_model_contract

    function isthmus_model_time_step(model, dt) result(status) bind(c)
      import :: c_double, c_int, c_ptr
      implicit none
      type(c_ptr), value :: model
      real(c_double), intent(inout) :: dt
      integer(c_int) :: status
    end function isthmus_model_time_step

    function isthmus_model_engine(model, engine) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: model
      type(c_ptr), intent(inout) :: engine
      integer(c_int) :: status
    end function isthmus_model_engine

    function isthmus_model_count(model, method, n_inputs, n_outputs) result(status) bind(c)
      import :: c_char, c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: model
      character(kind=c_char), intent(in) :: method(*)
      integer(c_int32_t), intent(inout) :: n_inputs, n_outputs
      integer(c_int) :: status
    end function isthmus_model_count

    function isthmus_model_input_name(model, method, index, name) result(status) bind(c)
      import :: c_char, c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: model
      character(kind=c_char), intent(in) :: method(*)
      integer(c_int32_t), value :: index
      type(c_ptr), intent(inout) :: name
      integer(c_int) :: status
    end function isthmus_model_input_name

    function isthmus_model_output_name(model, method, index, name) result(status) bind(c)
      import :: c_char, c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: model
      character(kind=c_char), intent(in) :: method(*)
      integer(c_int32_t), value :: index
      type(c_ptr), intent(inout) :: name
      integer(c_int) :: status
    end function isthmus_model_output_name

    function isthmus_model_run_method(model, method) result(status) bind(c)
      import :: c_char, c_int, c_ptr
      implicit none
      type(c_ptr), value :: model
      character(kind=c_char), intent(in) :: method(*)
      integer(c_int) :: status
    end function isthmus_model_run_method

    function isthmus_model_bind_input_as(model, name, array, binding) result(status) bind(c)
      import :: c_array_t, c_binding_t, c_char, c_int, c_ptr
      implicit none
      type(c_ptr), value :: model
      character(kind=c_char), intent(in) :: name(*)
      type(c_array_t), intent(in) :: array
      type(c_binding_t), intent(in) :: binding
      integer(c_int) :: status
    end function isthmus_model_bind_input_as

    function isthmus_model_bind_output_as(model, name, array, binding) &
      result(status) bind(c)
      import :: c_array_t, c_binding_t, c_char, c_int, c_ptr
      implicit none
      type(c_ptr), value :: model
      character(kind=c_char), intent(in) :: name(*)
      type(c_array_t), intent(in) :: array
      type(c_binding_t), intent(in) :: binding
      integer(c_int) :: status
    end function isthmus_model_bind_output_as
  end interface
end module isthmus_capi
