! SPDX-License-Identifier: MIT
!> What FTorch's models need of `network.h` and `tensor.h`, for this folder only.
! allow(C071)
module ftorch_capi
  use, intrinsic :: iso_c_binding, only: c_char, c_int, c_int32_t, c_ptr
  implicit none
  private
  public :: isthmus_network_load, isthmus_network_free, isthmus_network_forward
  public :: isthmus_network_n_parameters, isthmus_network_parameter, isthmus_network_text
  public :: isthmus_network_is_training, isthmus_network_save
  public :: isthmus_loss_mse, isthmus_loss_cross_entropy
  public :: isthmus_optimizer_make, isthmus_optimizer_free, isthmus_optimizer_step
  public :: isthmus_optimizer_zero_grad, isthmus_tensor_free

  interface
    function isthmus_network_load(path, device, is_training, network) result(status) bind(c)
      import :: c_char, c_int, c_int32_t, c_ptr
      implicit none
      character(kind=c_char), intent(in) :: path(*), device(*)
      integer(c_int32_t), value :: is_training
      type(c_ptr), intent(inout) :: network
      integer(c_int) :: status
    end function isthmus_network_load

    subroutine isthmus_network_free(network) bind(c)
      import :: c_ptr
      implicit none
      type(c_ptr), value :: network
    end subroutine isthmus_network_free

    function isthmus_network_forward(network, method, inputs, n_inputs, with_tape, room, &
      outputs, n_outputs) result(status) bind(c)
      import :: c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: network, method
      type(c_ptr), intent(in) :: inputs(*)
      integer(c_int32_t), value :: n_inputs, with_tape, room
      type(c_ptr), intent(inout) :: outputs(*)
      integer(c_int32_t), intent(inout) :: n_outputs
      integer(c_int) :: status
    end function isthmus_network_forward

    function isthmus_network_n_parameters(network, n) result(status) bind(c)
      import :: c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: network
      integer(c_int32_t), intent(inout) :: n
      integer(c_int) :: status
    end function isthmus_network_n_parameters

    function isthmus_network_parameter(network, index, name, parameter) &
      result(status) bind(c)
      import :: c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: network, name
      integer(c_int32_t), value :: index
      type(c_ptr), intent(inout) :: parameter
      integer(c_int) :: status
    end function isthmus_network_parameter

    function isthmus_network_text(network, with_values, room, text, length) &
      result(status) bind(c)
      import :: c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: network, text
      integer(c_int32_t), value :: with_values, room
      integer(c_int32_t), intent(inout) :: length
      integer(c_int) :: status
    end function isthmus_network_text

    function isthmus_network_is_training(network, is_training) result(status) bind(c)
      import :: c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: network
      integer(c_int32_t), intent(inout) :: is_training
      integer(c_int) :: status
    end function isthmus_network_is_training

    function isthmus_network_save(network, path) result(status) bind(c)
      import :: c_char, c_int, c_ptr
      implicit none
      type(c_ptr), value :: network
      character(kind=c_char), intent(in) :: path(*)
      integer(c_int) :: status
    end function isthmus_network_save

    function isthmus_loss_mse(prediction, truth, reduction, loss) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: prediction, truth
      integer(c_int), value :: reduction
      type(c_ptr), intent(inout) :: loss
      integer(c_int) :: status
    end function isthmus_loss_mse

    function isthmus_loss_cross_entropy(prediction, truth, reduction, loss) &
      result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: prediction, truth
      integer(c_int), value :: reduction
      type(c_ptr), intent(inout) :: loss
      integer(c_int) :: status
    end function isthmus_loss_cross_entropy

    function isthmus_optimizer_make(kind, settings, parameters, n_parameters, optimizer) &
      result(status) bind(c)
      import :: c_char, c_int, c_int32_t, c_ptr
      implicit none
      character(kind=c_char), intent(in) :: kind(*), settings(*)
      type(c_ptr), intent(in) :: parameters(*)
      integer(c_int32_t), value :: n_parameters
      type(c_ptr), intent(inout) :: optimizer
      integer(c_int) :: status
    end function isthmus_optimizer_make

    subroutine isthmus_optimizer_free(optimizer) bind(c)
      import :: c_ptr
      implicit none
      type(c_ptr), value :: optimizer
    end subroutine isthmus_optimizer_free

    function isthmus_optimizer_step(optimizer) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: optimizer
      integer(c_int) :: status
    end function isthmus_optimizer_step

    function isthmus_optimizer_zero_grad(optimizer) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: optimizer
      integer(c_int) :: status
    end function isthmus_optimizer_zero_grad

    subroutine isthmus_tensor_free(tensor) bind(c)
      import :: c_ptr
      implicit none
      type(c_ptr), value :: tensor
    end subroutine isthmus_tensor_free
  end interface

end module ftorch_capi
