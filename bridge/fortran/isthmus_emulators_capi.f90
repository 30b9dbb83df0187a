! SPDX-License-Identifier: MIT
!> The functions of `emulator.h` as Fortran sees them, for the emulator's modules only.
! allow(C071)
module isthmus_emulators_capi
  use, intrinsic :: iso_c_binding, only: c_char, c_double, c_int, c_int32_t, c_int64_t, &
    c_int8_t, c_ptr
  use isthmus_capi, only: c_array_t
  implicit none
  public

  interface
    subroutine isthmus_emulator_free(emulator) bind(c)
      import :: c_ptr
      implicit none
      type(c_ptr), value :: emulator
    end subroutine isthmus_emulator_free

    function isthmus_emulator_load(paths, n_paths, device, emulator) result(status) bind(c)
      import :: c_char, c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), intent(in) :: paths(*)
      integer(c_int32_t), value :: n_paths
      character(kind=c_char), intent(in) :: device(*)
      type(c_ptr), intent(inout) :: emulator
      integer(c_int) :: status
    end function isthmus_emulator_load

    function isthmus_emulator_member(emulator, index, model) result(status) bind(c)
      import :: c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      integer(c_int32_t), value :: index
      type(c_ptr), intent(inout) :: model
      integer(c_int) :: status
    end function isthmus_emulator_member

    function isthmus_emulator_size(emulator, n_members) result(status) bind(c)
      import :: c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      integer(c_int32_t), intent(inout) :: n_members
      integer(c_int) :: status
    end function isthmus_emulator_size

    function isthmus_emulator_bind_input(emulator, name, array) result(status) bind(c)
      import :: c_array_t, c_char, c_int, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      character(kind=c_char), intent(in) :: name(*)
      type(c_array_t), intent(in) :: array
      integer(c_int) :: status
    end function isthmus_emulator_bind_input

    function isthmus_emulator_bind_output(emulator, name, array) result(status) bind(c)
      import :: c_array_t, c_char, c_int, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      character(kind=c_char), intent(in) :: name(*)
      type(c_array_t), intent(in) :: array
      integer(c_int) :: status
    end function isthmus_emulator_bind_output

    function isthmus_emulator_bind_fallback(emulator, name, array) result(status) bind(c)
      import :: c_array_t, c_char, c_int, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      character(kind=c_char), intent(in) :: name(*)
      type(c_array_t), intent(in) :: array
      integer(c_int) :: status
    end function isthmus_emulator_bind_fallback

    function isthmus_emulator_bind_spread(emulator, name, array) result(status) bind(c)
      import :: c_array_t, c_char, c_int, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      character(kind=c_char), intent(in) :: name(*)
      type(c_array_t), intent(in) :: array
      integer(c_int) :: status
    end function isthmus_emulator_bind_spread

    function isthmus_emulator_bind_flags(emulator, array) result(status) bind(c)
      import :: c_array_t, c_int, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      type(c_array_t), intent(in) :: array
      integer(c_int) :: status
    end function isthmus_emulator_bind_flags

    function isthmus_emulator_bind_alpha(emulator, array) result(status) bind(c)
      import :: c_array_t, c_int, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      type(c_array_t), intent(in) :: array
      integer(c_int) :: status
    end function isthmus_emulator_bind_alpha

    function isthmus_emulator_run(emulator) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      integer(c_int) :: status
    end function isthmus_emulator_run

    function isthmus_emulator_submit(emulator) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      integer(c_int) :: status
    end function isthmus_emulator_submit

    function isthmus_emulator_wait(emulator) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      integer(c_int) :: status
    end function isthmus_emulator_wait

    function isthmus_emulator_set_mode(emulator, mode) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      integer(c_int), value :: mode
      integer(c_int) :: status
    end function isthmus_emulator_set_mode

    function isthmus_emulator_set_blend(emulator, alpha, ramp_start, &
      ramp_steps) result(status) bind(c)
      import :: c_double, c_int, c_int64_t, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      real(c_double), value :: alpha
      integer(c_int64_t), value :: ramp_start
      integer(c_int64_t), value :: ramp_steps
      integer(c_int) :: status
    end function isthmus_emulator_set_blend

    function isthmus_emulator_set_record(emulator, path) result(status) bind(c)
      import :: c_char, c_int, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      character(kind=c_char), intent(in) :: path(*)
      integer(c_int) :: status
    end function isthmus_emulator_set_record

    function isthmus_emulator_set_policy(emulator, policy) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      integer(c_int), value :: policy
      integer(c_int) :: status
    end function isthmus_emulator_set_policy

    function isthmus_emulator_set_guard(emulator, json) result(status) bind(c)
      import :: c_char, c_int, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      character(kind=c_char), intent(in) :: json(*)
      integer(c_int) :: status
    end function isthmus_emulator_set_guard

    function isthmus_emulator_set_limits(emulator, name, low, high) result(status) bind(c)
      import :: c_char, c_double, c_int, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      character(kind=c_char), intent(in) :: name(*)
      real(c_double), value :: low
      real(c_double), value :: high
      integer(c_int) :: status
    end function isthmus_emulator_set_limits

    function isthmus_emulator_set_spread_limit(emulator, name, limit) result(status) bind(c)
      import :: c_char, c_double, c_int, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      character(kind=c_char), intent(in) :: name(*)
      real(c_double), value :: limit
      integer(c_int) :: status
    end function isthmus_emulator_set_spread_limit

    function isthmus_emulator_set_answer(emulator, answer) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      integer(c_int), value :: answer
      integer(c_int) :: status
    end function isthmus_emulator_set_answer

    function isthmus_emulator_set_seed(emulator, seed) result(status) bind(c)
      import :: c_int, c_int64_t, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      integer(c_int64_t), value :: seed
      integer(c_int) :: status
    end function isthmus_emulator_set_seed

    function isthmus_emulator_set_lag(emulator, n_steps) result(status) bind(c)
      import :: c_int, c_int64_t, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      integer(c_int64_t), value :: n_steps
      integer(c_int) :: status
    end function isthmus_emulator_set_lag

    function isthmus_emulator_share_inputs(emulator, is_promised) result(status) bind(c)
      import :: c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      integer(c_int32_t), value :: is_promised
      integer(c_int) :: status
    end function isthmus_emulator_share_inputs

    function isthmus_emulator_set_threads(emulator, n_threads) result(status) bind(c)
      import :: c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      integer(c_int32_t), value :: n_threads
      integer(c_int) :: status
    end function isthmus_emulator_set_threads

    function isthmus_emulator_swap_at(emulator, step, paths, n_paths, &
      in_background) result(status) bind(c)
      import :: c_int, c_int32_t, c_int64_t, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      integer(c_int64_t), value :: step
      type(c_ptr), intent(in) :: paths(*)
      integer(c_int32_t), value :: n_paths
      integer(c_int32_t), value :: in_background
      integer(c_int) :: status
    end function isthmus_emulator_swap_at

    function isthmus_emulator_step(emulator, step) result(status) bind(c)
      import :: c_int, c_int64_t, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      integer(c_int64_t), intent(inout) :: step
      integer(c_int) :: status
    end function isthmus_emulator_step

    function isthmus_emulator_version(emulator, index, version) result(status) bind(c)
      import :: c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      integer(c_int32_t), value :: index
      type(c_ptr), intent(inout) :: version
      integer(c_int) :: status
    end function isthmus_emulator_version

    function isthmus_emulator_n_flagged(emulator, n_flagged) result(status) bind(c)
      import :: c_int, c_int64_t, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      integer(c_int64_t), intent(inout) :: n_flagged
      integer(c_int) :: status
    end function isthmus_emulator_n_flagged

    function isthmus_emulator_report(emulator, format, report) result(status) bind(c)
      import :: c_char, c_int, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      character(kind=c_char), intent(in) :: format(*)
      type(c_ptr), intent(inout) :: report
      integer(c_int) :: status
    end function isthmus_emulator_report

    function isthmus_emulator_difference(emulator, name, n, stats) result(status) bind(c)
      import :: c_char, c_double, c_int, c_int64_t, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      character(kind=c_char), intent(in) :: name(*)
      integer(c_int64_t), intent(inout) :: n
      real(c_double), intent(inout) :: stats(3)
      integer(c_int) :: status
    end function isthmus_emulator_difference

    function isthmus_emulator_state_count(emulator, n_arrays) result(status) bind(c)
      import :: c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      integer(c_int32_t), intent(inout) :: n_arrays
      integer(c_int) :: status
    end function isthmus_emulator_state_count

    function isthmus_emulator_state_array(emulator, index, name, dtype, rank, &
      shape) result(status) bind(c)
      import :: c_int, c_int32_t, c_int64_t, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      integer(c_int32_t), value :: index
      type(c_ptr), intent(inout) :: name
      integer(c_int), intent(inout) :: dtype
      integer(c_int32_t), intent(inout) :: rank
      integer(c_int64_t), intent(inout) :: shape(*)
      integer(c_int) :: status
    end function isthmus_emulator_state_array

    function isthmus_emulator_get_state(emulator, name, array) result(status) bind(c)
      import :: c_array_t, c_char, c_int, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      character(kind=c_char), intent(in) :: name(*)
      type(c_array_t), intent(in) :: array
      integer(c_int) :: status
    end function isthmus_emulator_get_state

    function isthmus_emulator_put_state(emulator, name, array) result(status) bind(c)
      import :: c_array_t, c_char, c_int, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      character(kind=c_char), intent(in) :: name(*)
      type(c_array_t), intent(in) :: array
      integer(c_int) :: status
    end function isthmus_emulator_put_state

    function isthmus_emulator_state_size(emulator, n_bytes) result(status) bind(c)
      import :: c_int, c_int64_t, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      integer(c_int64_t), intent(inout) :: n_bytes
      integer(c_int) :: status
    end function isthmus_emulator_state_size

    function isthmus_emulator_pack_state(emulator, bytes, n_bytes) result(status) bind(c)
      import :: c_int, c_int64_t, c_int8_t, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      integer(c_int8_t), intent(inout) :: bytes(*)
      integer(c_int64_t), value :: n_bytes
      integer(c_int) :: status
    end function isthmus_emulator_pack_state

    function isthmus_emulator_unpack_state(emulator, bytes, n_bytes) result(status) bind(c)
      import :: c_int, c_int64_t, c_int8_t, c_ptr
      implicit none
      type(c_ptr), value :: emulator
      integer(c_int8_t), intent(in) :: bytes(*)
      integer(c_int64_t), value :: n_bytes
      integer(c_int) :: status
    end function isthmus_emulator_unpack_state
  end interface
end module isthmus_emulators_capi
