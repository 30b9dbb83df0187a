! SPDX-License-Identifier: MIT
!> Train a closure while the model runs: train_in_fortran whole | resumed
!>
!> `whole` runs and trains for 40 cycles and leaves a checkpoint after 20; `resumed` goes on
!> from that checkpoint, with the same losses to the last digit.
program train_in_fortran
  use, intrinsic :: iso_fortran_env, only: real64
  use isthmus, only: isthmus_network_t, isthmus_seed, isthmus_tensor_t, isthmus_trainer_t
  use two_level, only: n_fast, n_slow, start, step
  implicit none

  integer, parameter :: n_cycles = 40, n_first = 10, n_states = 40, n_trained = 10
  character(len=*), parameter :: settings = "optimizer=adam learning_rate=0.01 "// &
    "predicts=tendency dt=0.01 rollout=4 batch_size=32 capacity=2000 clip_norm=10 "// &
    "schedule=cosine t_max=400 warm_up=20 ema=0.98 validation=0.2 "// &
    "validation_block=20 seed=1"

  type(isthmus_trainer_t) :: trainer
  type(isthmus_network_t) :: closure
  type(isthmus_tensor_t) :: state
  real(real64), target :: x(n_slow) ! stays in place: `state` looks at it
  real(real64) :: y(n_fast*n_slow), loss
  character(len=16) :: how
  integer :: cycle, first

  call get_command_argument(1, how)
  if (how /= "whole" .and. how /= "resumed") error stop "train_in_fortran whole | resumed"
  call state%from_array(x)
  call trainer%make("closure.pt", settings//" log="//trim(how)//".csv")
  first = 1
  if (how == "resumed") then
    call trainer%restore("half.isthmus")
    call read_state("half.restart")
    first = n_cycles/2 + 1
  else
    call isthmus_seed(1)
    call start(x, y)
    do cycle = 1, n_first
      call run_model()
    end do
    call trainer%validate(loss)
    write (*, "(a, es10.3)") "validation loss without a closure ", loss
  end if

  do cycle = first, n_cycles
    call run_model()
    call trainer%step(n_trained)
    if (cycle == n_cycles/2 .and. how /= "resumed") then
      call trainer%save("half.isthmus")
      call write_state("half.restart")
    end if
  end do

  call trainer%validate(loss)
  write (*, "(a, es10.3)") "validation loss with the closure  ", loss
  call trainer%validate(loss, with_average=.true.)
  write (*, "(a, es10.3)") "and with its averaged weights     ", loss
  call trainer%save(trim(how)//".isthmus")
  call trainer%get_network(closure, with_average=.true.)
  call closure%save("trained.pt")

contains

  !> The model's own loop: hand over each state.
  subroutine run_model()
    integer :: i

    do i = 1, n_states
      call step(x, y)
      call trainer%push(state)
    end do
  end subroutine run_model

  subroutine write_state(path)
    character(len=*), intent(in) :: path

    integer :: unit

    open (newunit=unit, file=path, form="unformatted", status="replace", action="write")
    write (unit) x, y
    close (unit)
  end subroutine write_state

  subroutine read_state(path)
    character(len=*), intent(in) :: path

    integer :: unit

    open (newunit=unit, file=path, form="unformatted", status="old", action="read")
    read (unit) x, y
    close (unit)
  end subroutine read_state

end program train_in_fortran
