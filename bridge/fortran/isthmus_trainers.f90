! SPDX-License-Identifier: MIT
!> A network trained while the model runs: on trajectories of the states it hands over.
module isthmus_trainers
  use, intrinsic :: iso_c_binding, only: c_double, c_int32_t, c_int64_t, c_null_ptr, c_ptr
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use isthmus_handles, only: handle_t
  use isthmus_networks, only: isthmus_network_t
  use isthmus_status, only: isthmus_ok
  use isthmus_tensors, only: isthmus_tensor_t, message_of, tensor_consume, tensor_find
  use isthmus_texts, only: c_text, report
  use isthmus_training_capi, only: isthmus_trainer_free, isthmus_trainer_learning_rate, &
    isthmus_trainer_make, isthmus_trainer_n_steps, isthmus_trainer_n_windows, &
    isthmus_trainer_network, isthmus_trainer_push, isthmus_trainer_restore, &
    isthmus_trainer_save, isthmus_trainer_step, isthmus_trainer_validate
  implicit none
  private

  !> A network in training. A copy by assignment is the same one. Enquiries about a trainer
  !> that was never made give -1.
  type, public :: isthmus_trainer_t
    private
    type(handle_t) :: object
  contains
    procedure, public :: make
    procedure, public :: free
    procedure, public :: push
    procedure, public :: n_windows
    procedure, public :: step
    procedure, public :: validate
    procedure, public :: n_steps
    procedure, public :: learning_rate
    procedure, public :: get_network
    procedure, public :: save => save_checkpoint
    procedure, public :: restore
  end type isthmus_trainer_t

contains

  !> Make a trainer of a `.pt` network.
  subroutine make(self, network, settings, device, stat, errmsg)
    class(isthmus_trainer_t), intent(inout) :: self
    character(len=*), intent(in) :: network            !! path
    character(len=*), intent(in), optional :: settings !! "rollout=4 ...": docs/training.md
    character(len=*), intent(in), optional :: device   !! "cpu" by default
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(c_ptr) :: trainer
    character(len=:), allocatable :: place, how
    integer :: status

    place = "cpu"
    if (present(device)) place = device
    how = ""
    if (present(settings)) how = settings
    trainer = c_null_ptr
    status = int(isthmus_trainer_make(c_text(network), c_text(place), c_text(how), trainer))
    if (status == isthmus_ok) call self%object%own(trainer, isthmus_trainer_free)
    call report(status, message_of(status), stat, errmsg)
  end subroutine make

  !> Free the trainer, unless other copies of it are left.
  subroutine free(self)
    class(isthmus_trainer_t), intent(inout) :: self

    call self%object%free()
  end subroutine free

  !> Keep a copy of the model's state.
  subroutine push(self, state, is_first, stat, errmsg)
    class(isthmus_trainer_t), intent(inout) :: self
    type(isthmus_tensor_t), intent(in) :: state !! without the dimension of the batch
    logical, intent(in), optional :: is_first   !! it does not follow the state before
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(c_ptr) :: handle
    character(len=:), allocatable :: text
    integer :: status

    call tensor_find(state, handle, status, text)
    if (status == isthmus_ok) then
      status = int(isthmus_trainer_push(self%object%address(), handle, flag(is_first)))
      text = message_of(status)
    end if
    call tensor_consume(state)
    call report(status, text, stat, errmsg)
  end subroutine push

  !> How many trajectories of rollout + 1 states there are.
  subroutine n_windows(self, n_training, n_validation, stat, errmsg)
    class(isthmus_trainer_t), intent(in) :: self
    integer(int64), intent(inout) :: n_training, n_validation
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: status

    status = int(isthmus_trainer_n_windows(self%object%address(), n_training, n_validation))
    call report(status, message_of(status), stat, errmsg)
  end subroutine n_windows

  !> Make steps of the optimizer.
  subroutine step(self, n_steps, loss, stat, errmsg)
    class(isthmus_trainer_t), intent(inout) :: self
    integer, intent(in), optional :: n_steps      !! 1 by default
    real(real64), intent(inout), optional :: loss !! of the last step, before it
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer(c_int64_t) :: n
    integer :: status

    n = 1
    if (present(n_steps)) n = int(n_steps, c_int64_t)
    status = int(isthmus_trainer_step(self%object%address(), n, loss))
    call report(status, message_of(status), stat, errmsg)
  end subroutine step

  !> Mean loss of all trajectories that validate.
  subroutine validate(self, loss, with_average, stat, errmsg)
    class(isthmus_trainer_t), intent(inout) :: self
    real(real64), intent(inout) :: loss
    logical, intent(in), optional :: with_average !! of the weights; .false. by default
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: status

    status = int(isthmus_trainer_validate(self%object%address(), flag(with_average), loss))
    call report(status, message_of(status), stat, errmsg)
  end subroutine validate

  !> Number of steps made.
  integer(int64) function n_steps(self)
    class(isthmus_trainer_t), intent(in) :: self

    integer(c_int64_t) :: found

    found = 0
    n_steps = -1
    if (isthmus_trainer_n_steps(self%object%address(), found) /= isthmus_ok) return
    n_steps = found
  end function n_steps

  !> Learning rate of the next step.
  real(real64) function learning_rate(self)
    class(isthmus_trainer_t), intent(in) :: self

    real(c_double) :: found

    found = 0.0_c_double
    learning_rate = -1.0_real64
    if (isthmus_trainer_learning_rate(self%object%address(), found) /= isthmus_ok) return
    learning_rate = found
  end function learning_rate

  !> A copy of the network as it is now, in evaluation mode.
  subroutine get_network(self, network, with_average, stat, errmsg)
    class(isthmus_trainer_t), intent(in) :: self
    class(isthmus_network_t), intent(inout) :: network
    logical, intent(in), optional :: with_average !! of the weights; .false. by default
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(c_ptr) :: found
    integer :: status

    found = c_null_ptr
    status = int(isthmus_trainer_network(self%object%address(), flag(with_average), found))
    if (status == isthmus_ok) call network%own(found)
    call report(status, message_of(status), stat, errmsg)
  end subroutine get_network

  !> Write a checkpoint: all that the training needs to go on bit for bit.
  subroutine save_checkpoint(self, path, stat, errmsg)
    class(isthmus_trainer_t), intent(in) :: self
    character(len=*), intent(in) :: path
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: status

    status = int(isthmus_trainer_save(self%object%address(), c_text(path)))
    call report(status, message_of(status), stat, errmsg)
  end subroutine save_checkpoint

  !> Go on from a checkpoint of a trainer of the same network and settings.
  subroutine restore(self, path, stat, errmsg)
    class(isthmus_trainer_t), intent(inout) :: self
    character(len=*), intent(in) :: path
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: status

    status = int(isthmus_trainer_restore(self%object%address(), c_text(path)))
    call report(status, message_of(status), stat, errmsg)
  end subroutine restore

  !> C's truth; an absent one is false.
  pure integer(c_int32_t) function flag(is_so)
    logical, intent(in), optional :: is_so

    flag = 0
    if (present(is_so)) flag = merge(1_c_int32_t, 0_c_int32_t, is_so)
  end function flag

end module isthmus_trainers
