! SPDX-License-Identifier: MIT
!> The trainer from Fortran: a rotation learned online, validated, checkpointed, run.
! The bridge is used as a whole, as programs do.
! allow(C121)
program test_isthmus_trainers
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use isthmus
  use checks, only: check, expect, finish, network
  implicit none

  character(len=*), parameter :: settings = "predicts=tendency dt=0.1 rollout=3 "// &
    "learning_rate=0.01 validation=0.3 validation_block=12 ema=0.9 seed=4"
  integer, parameter :: n_states = 200
  integer :: stat
  character(len=400) :: errmsg

  call a_rotation_is_learned()
  call a_restored_trainer_goes_on()
  call wrong_uses_are_named()
  call finish()

contains

  !> Hand over the states of a rotation by 0.1 rad each.
  subroutine feed(trainer)
    type(isthmus_trainer_t), intent(inout) :: trainer

    type(isthmus_tensor_t) :: state
    real(real64), target :: u(2)
    integer :: i

    call state%from_array(u)
    do i = 1, n_states
      u = [cos(0.1_real64*i), sin(0.1_real64*i)]
      call trainer%push(state, is_first=i == 1)
    end do
  end subroutine feed

  subroutine a_rotation_is_learned()
    type(isthmus_trainer_t) :: trainer
    type(isthmus_network_t) :: net
    type(isthmus_tensor_t) :: input, output
    real(real64), target :: u(2, 1), found(2, 1)
    real(real64) :: before, after, averaged
    integer(int64) :: n_training, n_validation

    call trainer%make(network("stepper.pt"), settings)
    call feed(trainer)
    call trainer%n_windows(n_training, n_validation)
    call check(n_training > 0 .and. n_validation > 0, "both sides of the split")
    call check(n_training + n_validation <= n_states - 3, "trajectories of four states")
    call trainer%validate(before)
    call trainer%step(400)
    call check(trainer%n_steps() == 400_int64, "number of steps")
    call check(trainer%learning_rate() == 0.01_real64, "constant learning rate")
    call trainer%validate(after)
    call trainer%validate(averaged, with_average=.true.)
    write (*, "(a, 3es10.2)") "validation loss before, after, averaged", before, after, &
      averaged
    call check(after < 0.01_real64*before, "the loss on states never trained on falls")
    call check(averaged < 0.01_real64*before, "so does that of the averaged weights")
    call trainer%get_network(net, with_average=.true.)
    call check(.not. net%is_training(), "the copy is in evaluation mode")
    u(:, 1) = [1.0_real64, 0.0_real64]
    call input%from_array(u)
    call net%forward(input, output)
    call output%to_array(found)
    ! The exact tendency of a step: (cos 0.1 - 1, sin 0.1)/0.1 = (-0.05, 0.998).
    call check(all(abs(found(:, 1) - [-0.05_real64, 0.998_real64]) < 0.1_real64), &
      "the tendency of a rotation")
  end subroutine a_rotation_is_learned

  subroutine a_restored_trainer_goes_on()
    type(isthmus_trainer_t) :: whole, same, resumed
    real(real64) :: one, other

    call whole%make(network("stepper.pt"), settings)
    call feed(whole)
    call whole%step(10)
    call whole%save("fortran.isthmus")
    same = whole
    call whole%free()
    call same%step(10, one)
    call resumed%make(network("stepper.pt"), settings)
    call resumed%restore("fortran.isthmus")
    call resumed%step(10, other)
    call check(one == other, "a restored training gives the same bits")
    call check(one > 0.0_real64, "there is a loss")
  end subroutine a_restored_trainer_goes_on

  subroutine wrong_uses_are_named()
    type(isthmus_trainer_t) :: trainer, none
    type(isthmus_tensor_t) :: state
    real(real32), target :: single(2)
    real(real64), target :: longer(3)

    call check(none%n_steps() == -1_int64, "no trainer, no steps")
    call none%step(stat=stat, errmsg=errmsg)
    call expect(isthmus_err_argument, "'trainer' is null", stat, errmsg, "never made")
    call trainer%make(network("stepper.pt"), "rolout=2", stat=stat, errmsg=errmsg)
    call expect(isthmus_err_argument, "'rolout'", stat, errmsg, "a misspelt setting")
    call trainer%make(network("stepper.pt"))
    single = 0.0_real32
    call state%from_array(single)
    call trainer%push(state, stat=stat, errmsg=errmsg)
    call expect(isthmus_err_shape, "'state' is Float", stat, errmsg, "another kind")
    longer = 0.0_real64
    call state%from_array(longer)
    call trainer%push(state)
    call trainer%push(state)
    call trainer%step(stat=stat, errmsg=errmsg)
    call expect(isthmus_err_runtime, "", stat, errmsg, "a state that does not fit")
    call trainer%restore("stepper.pt", stat, errmsg)
    call expect(isthmus_err_file, "cannot be read", stat, errmsg, "no checkpoint")
  end subroutine wrong_uses_are_named

end program test_isthmus_trainers
