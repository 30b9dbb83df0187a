! SPDX-License-Identifier: MIT
!> Fields whose rows begin at cache lines.
!>
!> A vector that lies across two lines costs two accesses. Rows of whole lines (`east_end`
!> of swe_blocks) in memory that begins with one let loops over a row load whole lines: the
!> explicit step runs up to twice as fast. `allocate` and copies of a field give the same
!> shape, but memory that begins anywhere: right, and slower.
module swe_fields
  use, intrinsic :: iso_c_binding, only: c_int
  use swe_blocks, only: block_t, east_end, halo, lead
  use swe_kinds, only: wp
  implicit none
  private
  public :: allocate_field

  integer(c_int), parameter :: first(2) = [1 - lead, 1 - halo] !! column and row in memory

  interface allocate_field
    procedure allocate_one
    procedure allocate_layers
  end interface allocate_field

  interface
    !> Allocate with these bounds at a multiple of 64 bytes; not 0: no memory.
    integer(c_int) function allocate_lines_2(field, lower, upper) &
      bind(c, name="isthmus_swe_allocate_lines")
      import :: c_int, wp
      implicit none
      real(wp), intent(inout), allocatable :: field(:, :)
      integer(c_int), intent(in) :: lower(2), upper(2)
    end function allocate_lines_2

    integer(c_int) function allocate_lines_3(field, lower, upper) &
      bind(c, name="isthmus_swe_allocate_lines")
      import :: c_int, wp
      implicit none
      real(wp), intent(inout), allocatable :: field(:, :, :)
      integer(c_int), intent(in) :: lower(3), upper(3)
    end function allocate_lines_3
  end interface

contains

  !> Allocate a field of a block and set all of it.
  subroutine allocate_one(block, field, value)
    type(block_t), intent(in) :: block
    real(wp), intent(inout), allocatable :: field(:, :) !! not allocated yet
    real(wp), intent(in), optional :: value             !! 0 if not given

    if (allocated(field)) error stop "swe_fields: a field is allocated twice"
    call need(allocate_lines_2(field, first, [east_end(block%nx), block%ny + halo]))
    field(:, :) = 0.0_wp
    if (.not. present(value)) return
    field(:, :) = value
  end subroutine allocate_one

  !> The same for some fields in one array.
  subroutine allocate_layers(block, fields, n_fields)
    type(block_t), intent(in) :: block
    real(wp), intent(inout), allocatable :: fields(:, :, :) !! not allocated yet
    integer, intent(in) :: n_fields

    if (allocated(fields)) error stop "swe_fields: fields are allocated twice"
    call need(allocate_lines_3(fields, [first, 1], [east_end(block%nx), block%ny + halo, &
      n_fields]))
    fields(:, :, :) = 0.0_wp
  end subroutine allocate_layers

  !> As after an `allocate` without `stat`.
  subroutine need(status)
    integer(c_int), intent(in) :: status

    if (status /= 0) error stop "swe_fields: no memory for a field"
  end subroutine need

end module swe_fields
