! SPDX-License-Identifier: MIT
!> What holds for the whole process: memory of tensors, threads, repeatable algorithms.
! allow(C071)
module isthmus_runtime
  use, intrinsic :: iso_c_binding, only: c_char, c_int, c_int32_t, c_int64_t
  use, intrinsic :: iso_fortran_env, only: int64
  use isthmus_status, only: isthmus_ok
  use isthmus_texts, only: c_text, last_message, report
  implicit none
  private
  public :: isthmus_set_allocator, isthmus_trim_allocator, isthmus_allocator_cached_bytes
  public :: isthmus_set_threads, isthmus_threads, isthmus_set_deterministic

  interface
    function c_set_allocator(name) result(status) bind(c, name="isthmus_set_allocator")
      import :: c_char, c_int
      implicit none
      character(kind=c_char), intent(in) :: name(*)
      integer(c_int) :: status
    end function c_set_allocator

    function c_set_limit(n_bytes) result(status) &
      bind(c, name="isthmus_set_allocator_limit")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int64_t), value :: n_bytes
      integer(c_int) :: status
    end function c_set_limit

    function c_trim_allocator() result(status) bind(c, name="isthmus_trim_allocator")
      import :: c_int
      implicit none
      integer(c_int) :: status
    end function c_trim_allocator

    function c_cached_bytes(n_bytes) result(status) &
      bind(c, name="isthmus_allocator_cached_bytes")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int64_t), intent(inout) :: n_bytes
      integer(c_int) :: status
    end function c_cached_bytes

    function c_set_threads(n_threads) result(status) bind(c, name="isthmus_set_threads")
      import :: c_int, c_int32_t
      implicit none
      integer(c_int32_t), value :: n_threads
      integer(c_int) :: status
    end function c_set_threads

    function c_threads(n_threads) result(status) bind(c, name="isthmus_threads")
      import :: c_int, c_int32_t
      implicit none
      integer(c_int32_t), intent(inout) :: n_threads
      integer(c_int) :: status
    end function c_threads

    function c_set_deterministic(is_deterministic) result(status) &
      bind(c, name="isthmus_set_deterministic")
      import :: c_int, c_int32_t
      implicit none
      integer(c_int32_t), value :: is_deterministic
      integer(c_int) :: status
    end function c_set_deterministic
  end interface

contains

  !> Choose where tensors in host memory come from. "caching" keeps large blocks for their
  !> next use; "default" is what was set before.
  subroutine isthmus_set_allocator(name, limit, stat, errmsg)
    character(len=*), intent(in) :: name           !! "caching" or "default"
    integer(int64), intent(in), optional :: limit  !! bytes kept at most, 1 GiB if not given
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer(c_int) :: status

    status = isthmus_ok
    if (present(limit)) status = c_set_limit(limit)
    if (status == isthmus_ok) status = c_set_allocator(c_text(name))
    call report(int(status), last_message(), stat, errmsg)
  end subroutine isthmus_set_allocator

  !> Return all memory that the caching allocator keeps unused to the system.
  subroutine isthmus_trim_allocator(stat, errmsg)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer(c_int) :: status

    status = c_trim_allocator()
    call report(int(status), last_message(), stat, errmsg)
  end subroutine isthmus_trim_allocator

  !> Bytes that the caching allocator keeps for their next use.
  integer(int64) function isthmus_allocator_cached_bytes() result(n_bytes)
    integer(c_int64_t) :: found

    found = 0
    n_bytes = 0
    if (c_cached_bytes(found) == isthmus_ok) n_bytes = found
  end function isthmus_allocator_cached_bytes

  !> Threads inside one call of a network; 0 takes as many as this program's OpenMP would.
  !> The program's own number is put back after each call; in a parallel region a call
  !> takes one thread.
  subroutine isthmus_set_threads(n_threads, stat, errmsg)
    integer, intent(in) :: n_threads !! from 1 on, or 0
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer(c_int) :: status

    status = c_set_threads(int(n_threads, c_int32_t))
    call report(int(status), last_message(), stat, errmsg)
  end subroutine isthmus_set_threads

  !> The number set by `isthmus_set_threads`.
  integer function isthmus_threads() result(n_threads)
    integer(c_int32_t) :: found

    found = 0
    n_threads = 0
    if (c_threads(found) == isthmus_ok) n_threads = int(found)
  end function isthmus_threads

  !> Let torch use only algorithms that repeat their bits; a network with an operator that
  !> has none then fails, and its text names the operator.
  subroutine isthmus_set_deterministic(is_deterministic, stat, errmsg)
    logical, intent(in) :: is_deterministic
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer(c_int) :: status

    status = c_set_deterministic(merge(1_c_int32_t, 0_c_int32_t, is_deterministic))
    call report(int(status), last_message(), stat, errmsg)
  end subroutine isthmus_set_deterministic

end module isthmus_runtime
