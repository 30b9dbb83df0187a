! SPDX-License-Identifier: MIT
!> Device types of FTorch, and torch's strings for them.
module ftorch_devices
  use, intrinsic :: iso_c_binding, only: c_int
  implicit none
  private
  public :: device_text, device_type_of

  integer(c_int), parameter, public :: torch_kCPU = 0
  integer(c_int), parameter, public :: torch_kCUDA = 1
  integer(c_int), parameter, public :: torch_kHIP = 6 !! AMD, which torch calls "cuda"
  integer(c_int), parameter, public :: torch_kXPU = 12
  integer(c_int), parameter, public :: torch_kMPS = 13

contains

  !> "cpu", "cuda:1", ...; "" for a device type that does not exist. The host has one
  !> device only: its index is not looked at.
  pure function device_text(device_type, device_index) result(text)
    integer(c_int), intent(in) :: device_type
    integer, intent(in), optional :: device_index !! 0 by default
    character(len=:), allocatable :: text

    character(len=16) :: number

    select case (device_type)
    case (torch_kCPU)
      text = "cpu"
      return
    case (torch_kCUDA, torch_kHIP)
      text = "cuda"
    case (torch_kXPU)
      text = "xpu"
    case (torch_kMPS)
      text = "mps"
    case default
      text = ""
      return
    end select
    number = "0"
    if (present(device_index)) write (number, "(i0)") max(0, device_index)
    text = text//":"//trim(number)
  end function device_text

  !> The device type of torch's string; -1 if FTorch has none.
  pure integer(c_int) function device_type_of(text)
    character(len=*), intent(in) :: text

    device_type_of = -1_c_int
    if (text == "cpu") device_type_of = torch_kCPU
    if (text == "cuda") device_type_of = torch_kCUDA
    if (text == "xpu") device_type_of = torch_kXPU
    if (text == "mps") device_type_of = torch_kMPS
  end function device_type_of

end module ftorch_devices
