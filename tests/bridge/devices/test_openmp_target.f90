! SPDX-License-Identifier: MIT
!> Addresses within an OpenMP target region handed to a network, as a program on a GPU does.
!> Where OpenMP has no device it runs on the host, and so does the network: the same source.
program test_openmp_target
  use, intrinsic :: iso_c_binding, only: c_loc
  use, intrinsic :: iso_fortran_env, only: real64
  use omp_lib, only: omp_get_default_device, omp_get_num_devices
  use isthmus, only: isthmus_float64, isthmus_model_t
  use checks, only: check, finish, network
  implicit none

  integer, parameter :: n = 40
  real(real64), parameter :: tolerance = 1.0e-14_real64 !! some roundings of values below 1
  real(real64), target :: x(n), y(n)

  call step(place(), x, y)
  call finish()

contains

  !> Where the memory of OpenMP's device is, in torch's words.
  function place() result(device)
    character(len=:), allocatable :: device

    character(len=12) :: number

    device = "cpu"
    if (omp_get_num_devices() == 0) return
    write (number, "(i0)") omp_get_default_device()
    device = "cuda:"//trim(number)
  end function place

  !> P(2, x), which is what the network computes.
  elemental function incomplete_gamma(x) result(p)
    real(real64), intent(in) :: x
    real(real64) :: p

    p = 1.0_real64 - (1.0_real64 + x) * exp(-x)
  end function incomplete_gamma

  subroutine step(device, state, tendency)
    character(len=*), intent(in) :: device
    real(real64), intent(inout), target :: state(n), tendency(n)

    type(isthmus_model_t) :: model
    integer :: i

    call model%load(network("gamma.pt"), device)
    state = [(0.1_real64 * i, i = 1, n)]
    tendency = 0.0_real64
    !$omp target data map(to: state) map(from: tendency)
    !$omp target data use_device_addr(state, tendency)
    call model%bind_input_pointer("x", c_loc(state), isthmus_float64, [n], device=device)
    call model%bind_output_pointer("output_0", c_loc(tendency), isthmus_float64, [n], &
      device=device)
    !$omp end target data
    call model%run()
    !$omp end target data
    call check(all(abs(tendency - incomplete_gamma(state)) < tolerance), &
      "a network works on the memory of OpenMP's device on "//device)
  end subroutine step
end program test_openmp_target
