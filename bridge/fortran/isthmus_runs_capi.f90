! SPDX-License-Identifier: MIT
!> The functions of `model.h` on how a network is run, as Fortran sees them.
module isthmus_runs_capi
  use, intrinsic :: iso_c_binding, only: c_int, c_int64_t, c_ptr
  implicit none
  private
  public :: isthmus_model_device, isthmus_model_set_chunk, isthmus_model_set_stream, &
    isthmus_model_set_tile, isthmus_model_tuning, isthmus_model_use_loops

  interface
    function isthmus_model_set_tile(model, n_samples) result(status) bind(c)
      import :: c_int, c_int64_t, c_ptr
      implicit none
      type(c_ptr), value :: model
      integer(c_int64_t), value :: n_samples
      integer(c_int) :: status
    end function isthmus_model_set_tile

    function isthmus_model_set_chunk(model, n_samples) result(status) bind(c)
      import :: c_int, c_int64_t, c_ptr
      implicit none
      type(c_ptr), value :: model
      integer(c_int64_t), value :: n_samples
      integer(c_int) :: status
    end function isthmus_model_set_chunk

    function isthmus_model_use_loops(model, n_samples) result(status) bind(c)
      import :: c_int, c_int64_t, c_ptr
      implicit none
      type(c_ptr), value :: model
      integer(c_int64_t), value :: n_samples
      integer(c_int) :: status
    end function isthmus_model_use_loops

    function isthmus_model_set_stream(model, stream) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: model, stream
      integer(c_int) :: status
    end function isthmus_model_set_stream

    function isthmus_model_device(model, device) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: model
      type(c_ptr), intent(inout) :: device
      integer(c_int) :: status
    end function isthmus_model_device

    function isthmus_model_tuning(model, note) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: model
      type(c_ptr), intent(inout) :: note
      integer(c_int) :: status
    end function isthmus_model_tuning
  end interface
end module isthmus_runs_capi
