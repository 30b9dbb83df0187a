! SPDX-License-Identifier: MIT
!> The C functions of `network.h` as Fortran sees them, for the modules of this folder only.
! allow(C071)
module isthmus_network_capi
  use, intrinsic :: iso_c_binding, only: c_char, c_double, c_funptr, c_int, c_int32_t, &
    c_int64_t, c_ptr
  implicit none
  private
  public :: isthmus_network_load, isthmus_network_copy, isthmus_network_free
  public :: isthmus_network_n_inputs, isthmus_network_input_name
  public :: isthmus_network_n_outputs, isthmus_network_output_name, isthmus_network_forward
  public :: isthmus_network_n_parameters, isthmus_network_parameter
  public :: isthmus_network_n_buffers, isthmus_network_buffer, isthmus_network_n_trainable
  public :: isthmus_network_set_trainable, isthmus_network_set_training
  public :: c_network_is_training, isthmus_network_text, isthmus_network_save
  public :: isthmus_loss_mse, isthmus_loss_l1, isthmus_loss_huber
  public :: isthmus_loss_cross_entropy
  public :: isthmus_optimizer_make, isthmus_optimizer_of_network
  public :: isthmus_optimizer_add_group, isthmus_optimizer_free
  public :: isthmus_optimizer_settings, c_optimizer_step, c_optimizer_step_closure
  public :: isthmus_optimizer_zero_grad, isthmus_optimizer_learning_rate
  public :: isthmus_optimizer_set_learning_rate, isthmus_optimizer_clip_norm
  public :: isthmus_optimizer_clip_value

  integer(c_int), parameter, public :: loss_none = 0, loss_mean = 1, loss_sum = 2

  public :: isthmus_tensor_free

  interface
    !> Of tensor.h: for results that find no taker.
    subroutine isthmus_tensor_free(tensor) bind(c)
      import :: c_ptr
      implicit none
      type(c_ptr), value :: tensor
    end subroutine isthmus_tensor_free

    function isthmus_network_load(path, device, is_training, network) result(status) bind(c)
      import :: c_char, c_int, c_int32_t, c_ptr
      implicit none
      character(kind=c_char), intent(in) :: path(*), device(*)
      integer(c_int32_t), value :: is_training
      type(c_ptr), intent(inout) :: network
      integer(c_int) :: status
    end function isthmus_network_load

    function isthmus_network_copy(network, copy) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: network
      type(c_ptr), intent(inout) :: copy
      integer(c_int) :: status
    end function isthmus_network_copy

    subroutine isthmus_network_free(network) bind(c)
      import :: c_ptr
      implicit none
      type(c_ptr), value :: network
    end subroutine isthmus_network_free

    function isthmus_network_n_inputs(network, method, n) result(status) bind(c)
      import :: c_char, c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: network
      character(kind=c_char), intent(in) :: method(*)
      integer(c_int32_t), intent(inout) :: n
      integer(c_int) :: status
    end function isthmus_network_n_inputs

    function isthmus_network_input_name(network, method, index, name) result(status) bind(c)
      import :: c_char, c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: network
      character(kind=c_char), intent(in) :: method(*)
      integer(c_int32_t), value :: index
      type(c_ptr), intent(inout) :: name
      integer(c_int) :: status
    end function isthmus_network_input_name

    function isthmus_network_n_outputs(network, method, n) result(status) bind(c)
      import :: c_char, c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: network
      character(kind=c_char), intent(in) :: method(*)
      integer(c_int32_t), intent(inout) :: n
      integer(c_int) :: status
    end function isthmus_network_n_outputs

    function isthmus_network_output_name(network, method, index, name) &
      result(status) bind(c)
      import :: c_char, c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: network
      character(kind=c_char), intent(in) :: method(*)
      integer(c_int32_t), value :: index
      type(c_ptr), intent(inout) :: name
      integer(c_int) :: status
    end function isthmus_network_output_name

    function isthmus_network_forward(network, method, inputs, n_inputs, with_tape, room, &
      outputs, n_outputs) result(status) bind(c)
      import :: c_char, c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: network
      character(kind=c_char), intent(in) :: method(*)
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

    function isthmus_network_parameter(network, index, name, parameter_tensor) &
      result(status) bind(c)
      import :: c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: network
      integer(c_int32_t), value :: index
      type(c_ptr), intent(inout), optional :: name, parameter_tensor
      integer(c_int) :: status
    end function isthmus_network_parameter

    function isthmus_network_n_buffers(network, n) result(status) bind(c)
      import :: c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: network
      integer(c_int32_t), intent(inout) :: n
      integer(c_int) :: status
    end function isthmus_network_n_buffers

    function isthmus_network_buffer(network, index, name, buffer) result(status) bind(c)
      import :: c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: network
      integer(c_int32_t), value :: index
      type(c_ptr), intent(inout), optional :: name, buffer
      integer(c_int) :: status
    end function isthmus_network_buffer

    function isthmus_network_n_trainable(network, n) result(status) bind(c)
      import :: c_int, c_int64_t, c_ptr
      implicit none
      type(c_ptr), value :: network
      integer(c_int64_t), intent(inout) :: n
      integer(c_int) :: status
    end function isthmus_network_n_trainable

    function isthmus_network_set_trainable(network, prefix, is_trainable) &
      result(status) bind(c)
      import :: c_char, c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: network
      character(kind=c_char), intent(in) :: prefix(*)
      integer(c_int32_t), value :: is_trainable
      integer(c_int) :: status
    end function isthmus_network_set_trainable

    function isthmus_network_set_training(network, is_training) result(status) bind(c)
      import :: c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: network
      integer(c_int32_t), value :: is_training
      integer(c_int) :: status
    end function isthmus_network_set_training

    function c_network_is_training(network, is_training) &
      result(status) bind(c, name="isthmus_network_is_training")
      import :: c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: network
      integer(c_int32_t), intent(inout) :: is_training
      integer(c_int) :: status
    end function c_network_is_training

    function isthmus_network_text(network, with_values, room, text, length) &
      result(status) bind(c)
      import :: c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: network
      integer(c_int32_t), value :: with_values, room
      type(c_ptr), value :: text
      integer(c_int32_t), intent(inout) :: length
      integer(c_int) :: status
    end function isthmus_network_text

    function isthmus_network_save(network, path) result(status) bind(c)
      import :: c_char, c_int, c_ptr
      implicit none
      type(c_ptr), value :: network
      character(kind=c_char), intent(in) :: path(*)
      integer(c_int) :: status
    end function isthmus_network_save

    function isthmus_loss_mse(prediction, target_tensor, reduction, loss) &
      result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: prediction, target_tensor
      integer(c_int), value :: reduction
      type(c_ptr), intent(inout) :: loss
      integer(c_int) :: status
    end function isthmus_loss_mse

    function isthmus_loss_l1(prediction, target_tensor, reduction, loss) &
      result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: prediction, target_tensor
      integer(c_int), value :: reduction
      type(c_ptr), intent(inout) :: loss
      integer(c_int) :: status
    end function isthmus_loss_l1

    function isthmus_loss_huber(prediction, target_tensor, delta, reduction, loss) &
      result(status) bind(c)
      import :: c_double, c_int, c_ptr
      implicit none
      type(c_ptr), value :: prediction, target_tensor
      real(c_double), value :: delta
      integer(c_int), value :: reduction
      type(c_ptr), intent(inout) :: loss
      integer(c_int) :: status
    end function isthmus_loss_huber

    function isthmus_loss_cross_entropy(prediction, target_tensor, reduction, loss) &
      result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: prediction, target_tensor
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

    function isthmus_optimizer_of_network(network, kind, settings, optimizer) &
      result(status) bind(c)
      import :: c_char, c_int, c_ptr
      implicit none
      type(c_ptr), value :: network
      character(kind=c_char), intent(in) :: kind(*), settings(*)
      type(c_ptr), intent(inout) :: optimizer
      integer(c_int) :: status
    end function isthmus_optimizer_of_network

    function isthmus_optimizer_add_group(optimizer, settings, parameters, n_parameters) &
      result(status) bind(c)
      import :: c_char, c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: optimizer
      character(kind=c_char), intent(in) :: settings(*)
      type(c_ptr), intent(in) :: parameters(*)
      integer(c_int32_t), value :: n_parameters
      integer(c_int) :: status
    end function isthmus_optimizer_add_group

    subroutine isthmus_optimizer_free(optimizer) bind(c)
      import :: c_ptr
      implicit none
      type(c_ptr), value :: optimizer
    end subroutine isthmus_optimizer_free

    function isthmus_optimizer_settings(optimizer, settings) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: optimizer
      type(c_ptr), intent(inout) :: settings
      integer(c_int) :: status
    end function isthmus_optimizer_settings

    function c_optimizer_step(optimizer) &
      result(status) bind(c, name="isthmus_optimizer_step")
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: optimizer
      integer(c_int) :: status
    end function c_optimizer_step

    function c_optimizer_step_closure(optimizer, closure, context, loss) &
      result(status) bind(c, name="isthmus_optimizer_step_closure")
      import :: c_double, c_funptr, c_int, c_ptr
      implicit none
      type(c_ptr), value :: optimizer
      type(c_funptr), value :: closure
      type(c_ptr), value :: context
      real(c_double), intent(inout) :: loss
      integer(c_int) :: status
    end function c_optimizer_step_closure

    function isthmus_optimizer_zero_grad(optimizer) result(status) bind(c)
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: optimizer
      integer(c_int) :: status
    end function isthmus_optimizer_zero_grad

    function isthmus_optimizer_learning_rate(optimizer, learning_rate) &
      result(status) bind(c)
      import :: c_double, c_int, c_ptr
      implicit none
      type(c_ptr), value :: optimizer
      real(c_double), intent(inout) :: learning_rate
      integer(c_int) :: status
    end function isthmus_optimizer_learning_rate

    function isthmus_optimizer_set_learning_rate(optimizer, group, learning_rate) &
      result(status) bind(c)
      import :: c_double, c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: optimizer
      integer(c_int32_t), value :: group
      real(c_double), value :: learning_rate
      integer(c_int) :: status
    end function isthmus_optimizer_set_learning_rate

    function isthmus_optimizer_clip_norm(optimizer, max_norm, norm) result(status) bind(c)
      import :: c_double, c_int, c_ptr
      implicit none
      type(c_ptr), value :: optimizer
      real(c_double), value :: max_norm
      real(c_double), intent(inout) :: norm
      integer(c_int) :: status
    end function isthmus_optimizer_clip_norm

    function isthmus_optimizer_clip_value(optimizer, max_value) result(status) bind(c)
      import :: c_double, c_int, c_ptr
      implicit none
      type(c_ptr), value :: optimizer
      real(c_double), value :: max_value
      integer(c_int) :: status
    end function isthmus_optimizer_clip_value
  end interface
end module isthmus_network_capi
