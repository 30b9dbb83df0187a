! SPDX-License-Identifier: MIT
!> The namelist group `&isthmus_emulator`.
submodule(isthmus_emulators) isthmus_emulator_namelist
  implicit none

  integer, parameter :: n_text = 1024
  integer(int64), parameter :: unsaid = -huge(1_int64)

  !> What a group can say; what it does not say stays as here.
  type :: said_t
    character(len=n_text) :: mode = "", policy = "", answer = "", record = ""
    logical :: has_record = .false.
    real(real64) :: alpha = -1.0_real64 !! negative: not said
    integer(int64) :: ramp_start = unsaid, ramp_steps = unsaid
    integer(int64) :: seed = unsaid, lag = unsaid, threads = unsaid
    integer :: share_inputs = -1        !! 0 or 1 if said
  end type said_t

contains

  module procedure configure
    type(said_t) :: said
    character(len=n_text) :: text
    integer :: status

    call read_group(path, said, status, text)
    if (status == isthmus_ok) call apply(self, said, status, text)
    call report_failure(status, trim(text), stat, errmsg)
  end procedure configure

  subroutine read_group(path, said, status, text)
    character(len=*), intent(in) :: path
    type(said_t), intent(inout) :: said
    integer, intent(out) :: status
    character(len=*), intent(out) :: text

    character(len=*), parameter :: no_record = achar(0) !! no path can be this
    character(len=n_text) :: mode, policy, answer, record, reason
    real(real64) :: alpha
    integer(int64) :: ramp_start, ramp_steps, seed, lag, threads
    logical :: share_inputs, shared_before
    integer :: iostat, unit, attempt
    namelist /isthmus_emulator/ mode, alpha, ramp_start, ramp_steps, policy, record, &
      answer, seed, lag, threads, share_inputs

    text = ""
    ! A logical has no value that means "not said": read with either, see which stays.
    do attempt = 0, 1
      mode = said%mode
      policy = said%policy
      answer = said%answer
      record = no_record
      alpha = said%alpha
      ramp_start = said%ramp_start
      ramp_steps = said%ramp_steps
      seed = said%seed
      lag = said%lag
      threads = said%threads
      share_inputs = attempt == 1
      reason = ""
      open (newunit=unit, file=path, status="old", action="read", iostat=iostat, &
        iomsg=reason)
      if (iostat == 0) then
        read (unit, nml=isthmus_emulator, iostat=iostat, iomsg=reason)
        close (unit)
        if (iostat < 0) reason = "there is no group, or it has no end"
      end if
      if (iostat /= 0) then
        status = isthmus_err_file
        text = "namelist group &isthmus_emulator of '"//trim(path)//"': "//trim(reason)
        return
      end if
      if (attempt == 0) shared_before = share_inputs
    end do
    if (shared_before .eqv. share_inputs) said%share_inputs = merge(1, 0, share_inputs)
    said%mode = mode
    said%policy = policy
    said%answer = answer
    said%has_record = record /= no_record
    if (said%has_record) said%record = record
    said%alpha = alpha
    said%ramp_start = ramp_start
    said%ramp_steps = ramp_steps
    said%seed = seed
    said%lag = lag
    said%threads = threads
    status = isthmus_ok
  end subroutine read_group

  subroutine apply(self, said, status, text)
    class(isthmus_emulator_t), intent(inout) :: self
    type(said_t), intent(in) :: said
    integer, intent(out) :: status
    character(len=*), intent(inout) :: text

    status = isthmus_ok
    if (said%mode /= "") call self%set_mode(said%mode, status, text)
    if (status == isthmus_ok .and. said%policy /= "") then
      call self%set_policy(said%policy, status, text)
    end if
    if (status == isthmus_ok .and. said%answer /= "") then
      call self%set_answer(said%answer, status, text)
    end if
    if (status == isthmus_ok) call apply_blend(self, said, status, text)
    if (status == isthmus_ok .and. said%seed /= unsaid) then
      call self%set_seed(said%seed, status, text)
    end if
    if (status == isthmus_ok .and. said%lag /= unsaid) then
      call self%set_lag(said%lag, status, text)
    end if
    if (status == isthmus_ok .and. said%threads /= unsaid) then
      call self%set_threads(int(said%threads), status, text)
    end if
    if (status == isthmus_ok .and. said%share_inputs >= 0) then
      call self%share_inputs(said%share_inputs == 1, status, text)
    end if
    if (status == isthmus_ok .and. said%has_record) then
      call self%set_record(trim(said%record), status, text)
    end if
  end subroutine apply

  !> A ramp belongs to its weight: one without the other would reset what is not said.
  subroutine apply_blend(self, said, status, text)
    class(isthmus_emulator_t), intent(inout) :: self
    type(said_t), intent(in) :: said
    integer, intent(inout) :: status
    character(len=*), intent(inout) :: text

    real(real64) :: alpha

    if (said%alpha < 0.0_real64 .and. said%ramp_start == unsaid &
      .and. said%ramp_steps == unsaid) return
    alpha = merge(said%alpha, 1.0_real64, said%alpha >= 0.0_real64)
    call self%set_blend(alpha, merge(said%ramp_start, 0_int64, said%ramp_start /= unsaid), &
      merge(said%ramp_steps, 0_int64, said%ramp_steps /= unsaid), status, text)
  end subroutine apply_blend

end submodule isthmus_emulator_namelist
