! SPDX-License-Identifier: MIT
!> What stands in a time loop: one network or an ensemble, with a guard that hands single
!> columns back to the physics, modes for validating online, memory, restart, evaluation
!> beside the model, and weights that change at a stated step.
!>
!> Load, bind each input, output and the physics' values by name once, configure by the
!> namelist group `&isthmus_emulator`, then `run` inside the time loop.
module isthmus_emulators
  use, intrinsic :: iso_c_binding, only: c_char, c_double, c_int, c_int32_t, c_int64_t, &
    c_loc, c_null_char, c_null_ptr, c_ptr
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use isthmus_emulator_bindings, only: emulator_message
  use isthmus_emulator_states, only: emulator_state_t
  use isthmus_emulators_capi, only: isthmus_emulator_difference, isthmus_emulator_load, &
    isthmus_emulator_member, isthmus_emulator_n_flagged, isthmus_emulator_report, &
    isthmus_emulator_run, isthmus_emulator_set_answer, isthmus_emulator_set_blend, &
    isthmus_emulator_set_guard, isthmus_emulator_set_lag, isthmus_emulator_set_limits, &
    isthmus_emulator_set_mode, isthmus_emulator_set_policy, isthmus_emulator_set_record, &
    isthmus_emulator_set_seed, isthmus_emulator_set_spread_limit, &
    isthmus_emulator_set_threads, isthmus_emulator_share_inputs, isthmus_emulator_size, &
    isthmus_emulator_step, isthmus_emulator_submit, isthmus_emulator_swap_at, &
    isthmus_emulator_version, isthmus_emulator_wait
  use isthmus_models, only: isthmus_model_t
  use isthmus_status, only: isthmus_err_argument, isthmus_err_file, isthmus_ok
  use isthmus_texts, only: c_text, f_text, report_failure => report
  implicit none
  private
  public :: isthmus_emulator_t

  ! Reason bits of a flagged sample.
  integer, parameter, public :: isthmus_reason_input_range = 1
  integer, parameter, public :: isthmus_reason_input_not_finite = 2
  integer, parameter, public :: isthmus_reason_input_distance = 4
  integer, parameter, public :: isthmus_reason_output_range = 8
  integer, parameter, public :: isthmus_reason_output_not_finite = 16
  integer, parameter, public :: isthmus_reason_spread = 32
  integer, parameter, public :: isthmus_reason_not_ready = 64

  !> An emulator and the arrays bound to it. One per thread. A copy by assignment is the
  !> same emulator; it is freed with its last copy.
  type, extends(emulator_state_t) :: isthmus_emulator_t
  contains
    generic, public :: load => load_one, load_several
    procedure, public :: run
    procedure, public :: submit
    procedure, public :: wait
    procedure, public :: configure
    procedure, public :: set_mode
    procedure, public :: set_blend
    procedure, public :: set_policy
    procedure, public :: set_record
    procedure, public :: set_guard
    procedure, public :: set_limits
    procedure, public :: set_spread_limit
    procedure, public :: set_answer
    procedure, public :: set_seed
    procedure, public :: set_lag
    procedure, public :: set_threads
    procedure, public :: share_inputs
    procedure, public :: swap_at
    procedure, public :: network
    procedure, public :: n_members
    procedure, public :: n_flagged
    procedure, public :: step
    procedure, public :: version
    procedure, public :: report
    procedure, public :: difference
    procedure, private :: load_one
    procedure, private :: load_several
    final :: finalize
  end type isthmus_emulator_t

  ! isthmus_emulator_namelist.f90
  interface
    !> Read the namelist group `&isthmus_emulator` from a file and set what it says. Keys:
    !> mode, alpha, ramp_start, ramp_steps, policy, record, answer, seed, lag, threads,
    !> share_inputs. What it does not say stays as it is; another key is refused.
    module subroutine configure(self, path, stat, errmsg)
      implicit none
      class(isthmus_emulator_t), intent(inout) :: self
      character(len=*), intent(in) :: path !! of the namelist file
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine configure
  end interface

contains

  !> Load a network; what was loaded before is freed.
  subroutine load_one(self, path, device, stat, errmsg)
    class(isthmus_emulator_t), intent(inout) :: self
    character(len=*), intent(in) :: path             !! `.pt` or `.pt2`
    character(len=*), intent(in), optional :: device !! "cpu" (default), "cuda", ...
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call self%load_several([path], device, stat, errmsg)
  end subroutine load_one

  !> Load an ensemble of networks with equal contracts.
  subroutine load_several(self, paths, device, stat, errmsg)
    class(isthmus_emulator_t), intent(inout) :: self
    character(len=*), intent(in) :: paths(:)         !! `.pt` or `.pt2`
    character(len=*), intent(in), optional :: device !! "cpu" (default), "cuda", ...
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(kind=c_char, len=len(paths) + 1), target :: texts(size(paths))
    character(len=:), allocatable :: place
    type(c_ptr) :: addresses(size(paths))
    type(c_ptr) :: emulator
    integer(c_int) :: status

    place = "cpu"
    if (present(device)) place = trim(device)
    call fill_texts(paths, texts, addresses)
    emulator = c_null_ptr
    status = isthmus_emulator_load(addresses, size(addresses, kind=c_int32_t), &
      c_text(place), emulator)
    if (status == isthmus_ok) call self%adopt(emulator)
    call report_failure(int(status), emulator_message(), stat, errmsg)
  end subroutine load_several

  !> One step: evaluate the networks on the inputs, fill the outputs.
  subroutine run(self, stat, errmsg)
    class(isthmus_emulator_t), intent(inout) :: self
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call tell(isthmus_emulator_run(self%handle()), stat, errmsg)
  end subroutine run

  !> Begin a step on a thread of the emulator's own; the inputs are copied first.
  subroutine submit(self, stat, errmsg)
    class(isthmus_emulator_t), intent(inout) :: self
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call tell(isthmus_emulator_submit(self%handle()), stat, errmsg)
  end subroutine submit

  !> End the step that `submit` began: fill the outputs. What failed is reported here.
  subroutine wait(self, stat, errmsg)
    class(isthmus_emulator_t), intent(inout) :: self
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call tell(isthmus_emulator_wait(self%handle()), stat, errmsg)
  end subroutine wait

  !> Whose values the outputs get, from the next step on.
  subroutine set_mode(self, mode, stat, errmsg)
    class(isthmus_emulator_t), intent(inout) :: self
    character(len=*), intent(in) :: mode !! "physics", "emulator", "shadow" or "blend"
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: code

    code = position_of(mode, [character(len=8) :: "physics", "emulator", "shadow", "blend"])
    if (code < 0) then
      call report_failure(isthmus_err_argument, "no mode '"//trim(mode)// &
        "': expected physics, emulator, shadow or blend", stat, errmsg)
      return
    end if
    call tell(isthmus_emulator_set_mode(self%handle(), int(code, c_int)), stat, errmsg)
  end subroutine set_mode

  !> Weight of the network in mode "blend": `alpha` after the ramp, 0 at and before step
  !> `ramp_start`, linear between.
  subroutine set_blend(self, alpha, ramp_start, ramp_steps, stat, errmsg)
    class(isthmus_emulator_t), intent(inout) :: self
    real(real64), intent(in) :: alpha                  !! [1] 0 to 1
    integer(int64), intent(in), optional :: ramp_start !! step, 0 by default
    integer(int64), intent(in), optional :: ramp_steps !! 0, the default, is no ramp
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer(c_int64_t) :: start, steps

    start = 0
    steps = 0
    if (present(ramp_start)) start = ramp_start
    if (present(ramp_steps)) steps = ramp_steps
    call tell(isthmus_emulator_set_blend(self%handle(), alpha, start, steps), stat, errmsg)
  end subroutine set_blend

  !> What happens to flagged samples.
  subroutine set_policy(self, policy, stat, errmsg)
    class(isthmus_emulator_t), intent(inout) :: self
    character(len=*), intent(in) :: policy !! "fallback" (default), "count" or "fail"
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: code

    code = position_of(policy, [character(len=8) :: "fallback", "count", "fail"])
    if (code < 0) then
      call report_failure(isthmus_err_argument, "no policy '"//trim(policy)// &
        "': expected fallback, count or fail", stat, errmsg)
      return
    end if
    call tell(isthmus_emulator_set_policy(self%handle(), int(code, c_int)), stat, errmsg)
  end subroutine set_policy

  !> Append the differences found in mode "shadow" to a CSV file; "" closes it.
  subroutine set_record(self, path, stat, errmsg)
    class(isthmus_emulator_t), intent(inout) :: self
    character(len=*), intent(in) :: path
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call tell(isthmus_emulator_set_record(self%handle(), c_text(path)), stat, errmsg)
  end subroutine set_record

  !> Replace the contract's guard; "" leaves only the check for NaN and infinity.
  subroutine set_guard(self, json, stat, errmsg)
    class(isthmus_emulator_t), intent(inout) :: self
    character(len=*), intent(in) :: json !! as under the contract's key "guard"
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call tell(isthmus_emulator_set_guard(self%handle(), c_text(json)), stat, errmsg)
  end subroutine set_guard

  !> Limits of an input or output, for all its elements; left out is none.
  subroutine set_limits(self, name, low, high, stat, errmsg)
    class(isthmus_emulator_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    real(real64), intent(in), optional :: low, high !! in the units of the variable
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    real(c_double) :: limits(2)

    ! Numbers this large are no limit: the library takes infinity so, which a host that
    ! traps overflow cannot compute.
    limits = [-huge(1.0_c_double), huge(1.0_c_double)]
    if (present(low)) limits(1) = low
    if (present(high)) limits(2) = high
    call tell(isthmus_emulator_set_limits(self%handle(), c_text(name), limits(1), &
      limits(2)), stat, errmsg)
  end subroutine set_limits

  !> Flag samples where the ensemble's standard deviation of an output is above `limit`.
  subroutine set_spread_limit(self, output, limit, stat, errmsg)
    class(isthmus_emulator_t), intent(inout) :: self
    character(len=*), intent(in) :: output
    real(real64), intent(in) :: limit !! in the units of the output
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call tell(isthmus_emulator_set_spread_limit(self%handle(), c_text(output), limit), &
      stat, errmsg)
  end subroutine set_spread_limit

  !> What an ensemble answers.
  subroutine set_answer(self, answer, stat, errmsg)
    class(isthmus_emulator_t), intent(inout) :: self
    character(len=*), intent(in) :: answer !! "mean" (default), or "member": one a step
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: code

    code = position_of(answer, [character(len=8) :: "mean", "member"])
    if (code < 0) then
      call report_failure(isthmus_err_argument, "no answer '"//trim(answer)// &
        "': expected mean or member", stat, errmsg)
      return
    end if
    call tell(isthmus_emulator_set_answer(self%handle(), int(code, c_int)), stat, errmsg)
  end subroutine set_answer

  !> Seed of the member drawn and of random numbers in the networks; negative for none.
  subroutine set_seed(self, seed, stat, errmsg)
    class(isthmus_emulator_t), intent(inout) :: self
    integer(int64), intent(in) :: seed
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call tell(isthmus_emulator_set_seed(self%handle(), seed), stat, errmsg)
  end subroutine set_seed

  !> Outputs are those evaluated `n_steps` before, beside the model. Before the first step.
  subroutine set_lag(self, n_steps, stat, errmsg)
    class(isthmus_emulator_t), intent(inout) :: self
    integer(int64), intent(in) :: n_steps
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call tell(isthmus_emulator_set_lag(self%handle(), n_steps), stat, errmsg)
  end subroutine set_lag

  !> OpenMP threads of the networks on the emulator's thread, 1 by default.
  subroutine set_threads(self, n_threads, stat, errmsg)
    class(isthmus_emulator_t), intent(inout) :: self
    integer, intent(in) :: n_threads
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call tell(isthmus_emulator_set_threads(self%handle(), int(n_threads, c_int32_t)), &
      stat, errmsg)
  end subroutine set_threads

  !> Promise not to change inputs while they are evaluated: they are not copied then.
  subroutine share_inputs(self, is_promised, stat, errmsg)
    class(isthmus_emulator_t), intent(inout) :: self
    logical, intent(in) :: is_promised
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call tell(isthmus_emulator_share_inputs(self%handle(), &
      merge(1_c_int32_t, 0_c_int32_t, is_promised)), stat, errmsg)
  end subroutine share_inputs

  !> Use other weights from step `step` on: refused if their contract differs.
  subroutine swap_at(self, step, paths, in_background, stat, errmsg)
    class(isthmus_emulator_t), intent(inout) :: self
    integer(int64), intent(in) :: step             !! from 0
    character(len=*), intent(in) :: paths(:)       !! as many as are loaded
    logical, intent(in), optional :: in_background !! load while the model goes on
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(kind=c_char, len=len(paths) + 1), target :: texts(size(paths))
    type(c_ptr) :: addresses(size(paths))
    integer(c_int32_t) :: background

    background = 0
    if (present(in_background)) background = merge(1_c_int32_t, 0_c_int32_t, in_background)
    call fill_texts(paths, texts, addresses)
    call tell(isthmus_emulator_swap_at(self%handle(), step, addresses, &
      size(addresses, kind=c_int32_t), background), stat, errmsg)
  end subroutine swap_at

  ! What it is and what it did

  !> A network of the ensemble, to ask for its contract, to require, to test. It must not
  !> outlive the emulator nor a change of weights, and not be run.
  subroutine network(self, model, index, stat, errmsg)
    class(isthmus_emulator_t), intent(in) :: self
    type(isthmus_model_t), intent(inout) :: model
    integer, intent(in), optional :: index !! from 1, the default
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer(c_int32_t) :: member
    type(c_ptr) :: handle
    integer(c_int) :: status

    member = 0
    if (present(index)) member = int(index - 1, c_int32_t)
    handle = c_null_ptr
    status = isthmus_emulator_member(self%handle(), member, handle)
    if (status == isthmus_ok) call model%borrow(handle)
    call tell(status, stat, errmsg)
  end subroutine network

  !> Number of networks, 0 if nothing is loaded.
  integer function n_members(self)
    class(isthmus_emulator_t), intent(in) :: self

    integer(c_int32_t) :: n

    n = 0
    if (isthmus_emulator_size(self%handle(), n) /= isthmus_ok) n = 0
    n_members = int(n)
  end function n_members

  !> Number of samples that the last step flagged.
  integer(int64) function n_flagged(self)
    class(isthmus_emulator_t), intent(in) :: self

    n_flagged = 0
    if (isthmus_emulator_n_flagged(self%handle(), n_flagged) /= isthmus_ok) n_flagged = 0
  end function n_flagged

  !> Number of the next step, from 0.
  integer(int64) function step(self)
    class(isthmus_emulator_t), intent(in) :: self

    step = 0
    if (isthmus_emulator_step(self%handle(), step) /= isthmus_ok) step = 0
  end function step

  !> Version of the weights of a network, "" if its contract says none.
  function version(self, index) result(text)
    class(isthmus_emulator_t), intent(in) :: self
    integer, intent(in), optional :: index !! from 1, the default
    character(len=:), allocatable :: text

    integer(c_int32_t) :: member
    type(c_ptr) :: address

    member = 0
    if (present(index)) member = int(index - 1, c_int32_t)
    address = c_null_ptr
    text = ""
    if (isthmus_emulator_version(self%handle(), member, address) == isthmus_ok) then
      text = f_text(address)
    end if
  end function version

  !> Steps, samples, flags by reason and by variable, differences; "" if nothing is loaded.
  function report(self, format) result(text)
    class(isthmus_emulator_t), intent(in) :: self
    character(len=*), intent(in), optional :: format !! "text" (default) or "json"
    character(len=:), allocatable :: text

    character(len=:), allocatable :: kind_of_text
    type(c_ptr) :: address

    kind_of_text = "text"
    if (present(format)) kind_of_text = format
    address = c_null_ptr
    text = ""
    if (isthmus_emulator_report(self%handle(), c_text(kind_of_text), address) &
      == isthmus_ok) text = f_text(address)
  end function report

  !> Differences network - physics of an output over all steps in mode "shadow".
  subroutine difference(self, output, n, mean, rms, largest, stat, errmsg)
    class(isthmus_emulator_t), intent(in) :: self
    character(len=*), intent(in) :: output
    integer(int64), intent(inout) :: n                !! number of values
    real(real64), intent(inout) :: mean, rms, largest !! in the units of the output
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    real(c_double) :: stats(3)
    integer(c_int) :: status

    stats = 0.0_c_double
    status = isthmus_emulator_difference(self%handle(), c_text(output), n, stats)
    if (status == isthmus_ok) then
      mean = stats(1)
      rms = stats(2)
      largest = stats(3)
    end if
    call tell(status, stat, errmsg)
  end subroutine difference

  impure elemental subroutine finalize(self)
    type(isthmus_emulator_t), intent(inout) :: self

    call self%free()
  end subroutine finalize

  ! Helpers

  subroutine tell(status, stat, errmsg)
    integer(c_int), intent(in) :: status
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call report_failure(int(status), emulator_message(), stat, errmsg)
  end subroutine tell

  !> Position of a word in a list from 0, -1 if it is not there.
  pure integer function position_of(word, list)
    character(len=*), intent(in) :: word, list(:)

    integer :: i

    position_of = -1
    do i = 1, size(list)
      if (word == list(i)) position_of = i - 1
    end do
  end function position_of

  !> C strings and where each begins.
  subroutine fill_texts(paths, texts, addresses)
    character(len=*), intent(in) :: paths(:)
    character(kind=c_char, len=*), intent(inout), target :: texts(:)
    type(c_ptr), intent(out) :: addresses(:)

    integer :: i

    do i = 1, size(paths)
      texts(i) = c_text(paths(i))
      addresses(i) = c_loc(texts(i))
    end do
  end subroutine fill_texts

end module isthmus_emulators
