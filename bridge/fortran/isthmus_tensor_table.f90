! SPDX-License-Identifier: MIT
!> The table of tensors that Fortran objects hold (tensor_table.c), for this folder only.
! allow(C071)
module isthmus_tensor_table
  use, intrinsic :: iso_c_binding, only: c_char, c_int, c_int64_t, c_ptr
  implicit none
  private
  public :: isthmus_fortran_keep, isthmus_fortran_keep_failure, isthmus_fortran_rename
  public :: isthmus_fortran_find, isthmus_fortran_release, isthmus_fortran_n_kept
  public :: isthmus_fortran_memory, isthmus_fortran_reseat

  interface
    !> A key for a C tensor, which the table now owns.
    function isthmus_fortran_keep(tensor) result(key) bind(c)
      import :: c_int64_t, c_ptr
      implicit none
      type(c_ptr), value :: tensor
      integer(c_int64_t) :: key
    end function isthmus_fortran_keep

    !> A key for the reason why there is no tensor.
    function isthmus_fortran_keep_failure(status, text) result(key) bind(c)
      import :: c_char, c_int, c_int64_t
      implicit none
      integer(c_int), value :: status
      character(kind=c_char), intent(in) :: text(*)
      integer(c_int64_t) :: key
    end function isthmus_fortran_keep_failure

    !> A new key for the same tensor; the old one is void.
    function isthmus_fortran_rename(key) result(renamed) bind(c)
      import :: c_int64_t
      implicit none
      integer(c_int64_t), value :: key
      integer(c_int64_t) :: renamed
    end function isthmus_fortran_rename

    !> The C tensor of a key; `text` receives why there is none.
    function isthmus_fortran_find(key, tensor, text, n_text) result(status) bind(c)
      import :: c_char, c_int, c_int64_t, c_ptr
      implicit none
      integer(c_int64_t), value :: key
      type(c_ptr), intent(inout) :: tensor
      character(kind=c_char), intent(inout) :: text(*)
      integer(c_int), value :: n_text
      integer(c_int) :: status
    end function isthmus_fortran_find

    !> The C tensor whose memory takes what is assigned; null if there is none.
    function isthmus_fortran_memory(key) result(tensor) bind(c)
      import :: c_int64_t, c_ptr
      implicit none
      integer(c_int64_t), value :: key
      type(c_ptr) :: tensor
    end function isthmus_fortran_memory

    !> Let a key stand for another C tensor, which the table now owns.
    subroutine isthmus_fortran_reseat(key, tensor, is_elsewhere) bind(c)
      import :: c_int, c_int64_t, c_ptr
      implicit none
      integer(c_int64_t), value :: key
      type(c_ptr), value :: tensor
      integer(c_int), value :: is_elsewhere
    end subroutine isthmus_fortran_reseat

    !> Free the tensor of a key, unless that was done before.
    subroutine isthmus_fortran_release(key) bind(c)
      import :: c_int64_t
      implicit none
      integer(c_int64_t), value :: key
    end subroutine isthmus_fortran_release

    !> How many keys are in use.
    function isthmus_fortran_n_kept() result(n) bind(c)
      import :: c_int64_t
      implicit none
      integer(c_int64_t) :: n
    end function isthmus_fortran_n_kept
  end interface
end module isthmus_tensor_table
