! SPDX-License-Identifier: MIT
!> Status codes and element types as in `isthmus.h`, and the versions in use.
module isthmus_status
  use, intrinsic :: iso_c_binding, only: c_int
  use isthmus_capi, only: c_status_name, c_torch_version, c_version
  use isthmus_texts, only: f_text
  implicit none
  private
  public :: isthmus_status_name, isthmus_torch_version, isthmus_version

  integer, parameter, public :: isthmus_ok = 0
  integer, parameter, public :: isthmus_err_argument = 1 !! null, unknown name, out of order
  integer, parameter, public :: isthmus_err_file = 2     !! absent, unreadable, foreign
  integer, parameter, public :: isthmus_err_shape = 3    !! rank, extent, stride or type
  integer, parameter, public :: isthmus_err_device = 4   !! unknown or not present
  integer, parameter, public :: isthmus_err_runtime = 5  !! the network failed
  integer, parameter, public :: isthmus_err_internal = 6 !! a defect of isthmus
  integer, parameter, public :: isthmus_err_contract = 7 !! the file breaks its contract

  integer, parameter, public :: isthmus_bool = 0 !! logical(c_bool)
  integer, parameter, public :: isthmus_int8 = 1
  integer, parameter, public :: isthmus_int16 = 2
  integer, parameter, public :: isthmus_int32 = 3
  integer, parameter, public :: isthmus_int64 = 4
  integer, parameter, public :: isthmus_float32 = 5 !! real32
  integer, parameter, public :: isthmus_float64 = 6 !! real64
  integer, parameter, public :: isthmus_float16 = 7 !! of networks and devices only
  integer, parameter, public :: isthmus_bfloat16 = 8 !! of networks and devices only

contains

  !> Name of a status as in the C header, e.g. "ISTHMUS_ERR_SHAPE".
  function isthmus_status_name(status) result(name)
    integer, intent(in) :: status !! what a `stat` received
    character(len=:), allocatable :: name

    name = f_text(c_status_name(int(status, c_int)))
  end function isthmus_status_name

  !> Version of the library, "major.minor.patch".
  function isthmus_version() result(text)
    character(len=:), allocatable :: text

    text = f_text(c_version())
  end function isthmus_version

  !> Version of the libtorch underneath.
  function isthmus_torch_version() result(text)
    character(len=:), allocatable :: text

    text = f_text(c_torch_version())
  end function isthmus_torch_version

end module isthmus_status
