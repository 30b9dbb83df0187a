! SPDX-License-Identifier: MIT
!> What networks cost, by model and phase: off by default, and then free.
! allow(C071)
module isthmus_costs
  use, intrinsic :: iso_c_binding, only: c_char, c_double, c_int, c_int32_t, c_int64_t, &
    c_loc, c_null_ptr, c_ptr
  use isthmus_models, only: isthmus_model_t
  use isthmus_status, only: isthmus_err_shape, isthmus_ok
  use isthmus_texts, only: c_text, f_text, last_message, report
  implicit none
  private
  public :: isthmus_cost_set, isthmus_cost_report, isthmus_cost_report_of_ranks, &
    isthmus_cost_table, isthmus_model_cost

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

    function c_cost_table(room, table, length) result(status) &
      bind(c, name="isthmus_cost_table")
      import :: c_int, c_int32_t, c_ptr
      implicit none
      integer(c_int32_t), value :: room
      type(c_ptr), value :: table
      integer(c_int32_t), intent(inout) :: length
      integer(c_int) :: status
    end function c_cost_table

    function c_report_of_ranks(format, n_ranks, lengths, tables, text) result(status) &
      bind(c, name="isthmus_cost_report_of_ranks")
      import :: c_char, c_double, c_int, c_int32_t, c_ptr
      implicit none
      character(kind=c_char), intent(in) :: format(*)
      integer(c_int32_t), value :: n_ranks
      integer(c_int32_t), intent(in) :: lengths(*)
      real(c_double), intent(in) :: tables(*)
      type(c_ptr), intent(inout) :: text
      integer(c_int) :: status
    end function c_report_of_ranks
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

  !> What this process measured, as numbers to be gathered over ranks. The host gathers:
  !> the library knows no MPI.
  function isthmus_cost_table() result(table)
    real(c_double), allocatable :: table(:)

    real(c_double), allocatable, target :: numbers(:)
    integer(c_int32_t) :: length
    integer(c_int) :: status

    length = 0
    status = c_cost_table(0_c_int32_t, c_null_ptr, length)
    allocate (numbers(length))
    if (length > 0) status = c_cost_table(length, c_loc(numbers), length)
    call report(int(status), last_message())
    table = numbers
  end function isthmus_cost_table

  !> A report over ranks as "text" or "json": least, mean and largest, by network and phase.
  !> `tables` are those of all ranks one after the other, as `mpi_gatherv` leaves them.
  function isthmus_cost_report_of_ranks(format, lengths, tables, stat, errmsg) result(text)
    character(len=*), intent(in) :: format
    integer, intent(in) :: lengths(:)        !! of the ranks' tables
    real(c_double), intent(in) :: tables(:)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=:), allocatable :: text

    type(c_ptr) :: address
    character(len=80) :: reason
    integer(c_int) :: status

    text = ""
    if (any(lengths < 0) .or. sum(lengths) /= size(tables)) then
      write (reason, "(2(a, i0))") "'tables' has ", size(tables), &
        " numbers, expected the sum of 'lengths', ", sum(lengths)
      call report(isthmus_err_shape, trim(reason), stat, errmsg)
      return
    end if
    address = c_null_ptr
    status = c_report_of_ranks(c_text(format), size(lengths, kind=c_int32_t), &
      int(lengths, c_int32_t), tables, address)
    if (status == isthmus_ok) text = f_text(address)
    call report(int(status), last_message(), stat, errmsg)
  end function isthmus_cost_report_of_ranks

end module isthmus_costs
