! SPDX-License-Identifier: MIT
!> Other methods than the three, and the ways in which a network may be run.
submodule(isthmus_models) isthmus_runs
  use isthmus_runs_capi, only: isthmus_model_device, isthmus_model_set_chunk, &
    isthmus_model_set_stream, isthmus_model_set_tile, isthmus_model_tuning, &
    isthmus_model_use_loops
  implicit none

contains

  module procedure run_other
    integer(c_int) :: status

    status = isthmus_model_run_method(self%handle(), c_text(method))
    call report(int(status), last_message(), stat, errmsg)
  end procedure run_other

  module procedure set_tile
    integer(c_int) :: status

    status = isthmus_model_set_tile(self%handle(), int(n_samples, c_int64_t))
    call report(int(status), last_message(), stat, errmsg)
  end procedure set_tile

  module procedure set_chunk
    integer(c_int) :: status

    status = isthmus_model_set_chunk(self%handle(), int(n_samples, c_int64_t))
    call report(int(status), last_message(), stat, errmsg)
  end procedure set_chunk

  module procedure use_loops
    integer(c_int) :: status

    status = isthmus_model_use_loops(self%handle(), int(n_samples, c_int64_t))
    call report(int(status), last_message(), stat, errmsg)
  end procedure use_loops

  module procedure device
    type(c_ptr) :: address

    address = c_null_ptr
    text = ""
    if (isthmus_model_device(self%handle(), address) == isthmus_ok) text = f_text(address)
  end procedure device

  module procedure set_stream_pointer
    integer(c_int) :: status

    status = isthmus_model_set_stream(self%handle(), stream)
    call report(int(status), last_message(), stat, errmsg)
  end procedure set_stream_pointer

  module procedure set_stream_number
    call self%set_stream_pointer(transfer(stream, c_null_ptr), stat, errmsg)
  end procedure set_stream_number

  module procedure tuning
    type(c_ptr) :: address

    address = c_null_ptr
    note = ""
    if (isthmus_model_tuning(self%handle(), address) == isthmus_ok) note = f_text(address)
  end procedure tuning

end submodule isthmus_runs
