! SPDX-License-Identifier: MIT
!> The C functions of `training.h` as Fortran sees them, for modules of this folder only.
! allow(C071)
module isthmus_training_capi
  use, intrinsic :: iso_c_binding, only: c_char, c_double, c_int, c_int32_t, c_int64_t, &
    c_ptr
  implicit none
  private
  public :: isthmus_trainer_free, isthmus_trainer_learning_rate, isthmus_trainer_make
  public :: isthmus_trainer_n_steps, isthmus_trainer_n_windows, isthmus_trainer_network
  public :: isthmus_trainer_push, isthmus_trainer_restore, isthmus_trainer_save
  public :: isthmus_trainer_step, isthmus_trainer_validate

  interface
    function isthmus_trainer_make(network, device, settings, trainer) &
      result(status) bind(c)
      import :: c_char, c_int, c_ptr
      implicit none
      character(kind=c_char), intent(in) :: network(*), device(*), settings(*)
      type(c_ptr), intent(inout) :: trainer
      integer(c_int) :: status
    end function isthmus_trainer_make

    subroutine isthmus_trainer_free(trainer) bind(c)
      import :: c_ptr
      implicit none
      type(c_ptr), value :: trainer
    end subroutine isthmus_trainer_free

    function isthmus_trainer_push(trainer, state, is_first) result(status) bind(c)
      import :: c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: trainer, state
      integer(c_int32_t), value :: is_first
      integer(c_int) :: status
    end function isthmus_trainer_push

    function isthmus_trainer_n_windows(trainer, n_training, n_validation) &
      result(status) bind(c)
      import :: c_int, c_int64_t, &
    c_ptr
      implicit none
      type(c_ptr), value :: trainer
      integer(c_int64_t), intent(inout) :: n_training, n_validation
      integer(c_int) :: status
    end function isthmus_trainer_n_windows

    function isthmus_trainer_step(trainer, n_steps, loss) result(status) bind(c)
      import :: c_double, c_int, c_int64_t, &
    c_ptr
      implicit none
      type(c_ptr), value :: trainer
      integer(c_int64_t), value :: n_steps
      real(c_double), intent(inout), optional :: loss
      integer(c_int) :: status
    end function isthmus_trainer_step

    function isthmus_trainer_validate(trainer, with_average, loss) result(status) bind(c)
      import :: c_double, c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: trainer
      integer(c_int32_t), value :: with_average
      real(c_double), intent(inout) :: loss
      integer(c_int) :: status
    end function isthmus_trainer_validate

    function isthmus_trainer_n_steps(trainer, n_steps) result(status) bind(c)
      import :: c_int, c_int64_t, &
    c_ptr
      implicit none
      type(c_ptr), value :: trainer
      integer(c_int64_t), intent(inout) :: n_steps
      integer(c_int) :: status
    end function isthmus_trainer_n_steps

    function isthmus_trainer_learning_rate(trainer, learning_rate) result(status) bind(c)
      import :: c_double, c_int, c_ptr
      implicit none
      type(c_ptr), value :: trainer
      real(c_double), intent(inout) :: learning_rate
      integer(c_int) :: status
    end function isthmus_trainer_learning_rate

    function isthmus_trainer_network(trainer, with_average, network) result(status) bind(c)
      import :: c_int, c_int32_t, c_ptr
      implicit none
      type(c_ptr), value :: trainer
      integer(c_int32_t), value :: with_average
      type(c_ptr), intent(inout) :: network
      integer(c_int) :: status
    end function isthmus_trainer_network

    function isthmus_trainer_save(trainer, path) result(status) bind(c)
      import :: c_char, c_int, c_ptr
      implicit none
      type(c_ptr), value :: trainer
      character(kind=c_char), intent(in) :: path(*)
      integer(c_int) :: status
    end function isthmus_trainer_save

    function isthmus_trainer_restore(trainer, path) result(status) bind(c)
      import :: c_char, c_int, c_ptr
      implicit none
      type(c_ptr), value :: trainer
      character(kind=c_char), intent(in) :: path(*)
      integer(c_int) :: status
    end function isthmus_trainer_restore
  end interface
end module isthmus_training_capi
