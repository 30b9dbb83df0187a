! SPDX-License-Identifier: MIT
!> All of Isthmus for a Fortran program: `use isthmus`.
!>
!> Every procedure that can fail takes `stat` and `errmsg` as `allocate` does: without
!> `stat` a failure is printed and stops the program.
! allow(C121)
module isthmus
  use isthmus_emulators
  use isthmus_costs
  use isthmus_losses
  use isthmus_models
  use isthmus_networks, only: isthmus_network_t
  use isthmus_optimizers
  use isthmus_runtime
  use isthmus_status
  use isthmus_tensor_functions
  use isthmus_tensor_minus
  use isthmus_tensor_over
  use isthmus_tensor_plus
  use isthmus_tensor_power
  use isthmus_tensor_times
  use isthmus_tensors, only: isthmus_seed, isthmus_set_tape, isthmus_tape_is_on, &
    isthmus_tensor_t
  use isthmus_trainers
  implicit none
  public
end module isthmus
