! SPDX-License-Identifier: MIT
!> What networks cost, by model and phase: off by default, and then free.
! allow(C071)
module isthmus_costs
  use, intrinsic :: iso_c_binding, only: c_char, c_double, c_int, c_int32_t, c_int64_t, &
    c_null_ptr, c_ptr
  use isthmus_models, only: isthmus_model_t
  use isthmus_texts, only: c_text, f_text, last_message, report
  implicit none
  private
  public :: isthmus_cost_set, isthmus_cost_report, isthmus_model_cost

  !> Wall clock of one phase of a model's calls [s]. The first call stands apart: `total`,
  !> `least` and `most` are those of the others. Plain numbers, to be reduced over ranks.
  type, bind(c), public :: isthmus_cost_t
    integer(c_int64_t) :: n_calls = 0 !! with the first
    real(c_double) :: first = 0, total = 0, least = 0, most = 0
  end type isthmus_cost_t

  interface
    function c_cost_set(is_on) result(status) bind(c, name="isthmus_cost_set")
      import :: c_int, c_int32_t
      implicit none
      integer(c_int32_t), value :: is_on
      integer(c_int) :: status
    end function c_cost_set

    function c_model_cost(model, phase, cost) result(status) &
      bind(c, name="isthmus_model_cost")
      import :: c_char, c_int, c_ptr, isthmus_cost_t
      implicit none
      type(c_ptr), value :: model
      character(kind=c_char), intent(in) :: phase(*)
      type(isthmus_cost_t), intent(inout) :: cost
      integer(c_int) :: status
    end function c_model_cost

    function c_cost_report(format, text) result(status) &
      bind(c, name="isthmus_cost_report")
      import :: c_char, c_int, c_ptr
      implicit none
      character(kind=c_char), intent(in) :: format(*)
      type(c_ptr), intent(inout) :: text
      integer(c_int) :: status
    end function c_cost_report
  end interface

contains

  !> Start or stop measuring, for all networks of the process. Starting forgets.
  subroutine isthmus_cost_set(is_on)
    logical, intent(in) :: is_on

    integer(c_int) :: status

    status = c_cost_set(merge(1_c_int32_t, 0_c_int32_t, is_on))
    call report(int(status), last_message())
  end subroutine isthmus_cost_set

  !> Cost of one phase of a network: "pack", "run", "unpack" or "call", all of it.
  subroutine isthmus_model_cost(model, phase, cost, stat, errmsg)
    type(isthmus_model_t), intent(in) :: model
    character(len=*), intent(in) :: phase
    type(isthmus_cost_t), intent(inout) :: cost
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer(c_int) :: status

    status = c_model_cost(model%handle(), c_text(phase), cost)
    call report(int(status), last_message(), stat, errmsg)
  end subroutine isthmus_model_cost

  !> A report on all networks that are loaded: "text" for people, or "json".
  function isthmus_cost_report(format) result(text)
    character(len=*), intent(in) :: format
    character(len=:), allocatable :: text

    type(c_ptr) :: address
    integer(c_int) :: status

    address = c_null_ptr
    status = c_cost_report(c_text(format), address)
    call report(int(status), last_message())
    text = f_text(address)
  end function isthmus_cost_report

end module isthmus_costs
