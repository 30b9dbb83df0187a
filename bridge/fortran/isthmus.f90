! SPDX-License-Identifier: MIT
!> All of Isthmus for a Fortran program: `use isthmus`.
!>
!> Every procedure that can fail takes `stat` and `errmsg` as `allocate` does: without
!> `stat` a failure is printed and stops the program.
! allow(C121)
module isthmus
  use isthmus_emulators
  use isthmus_models
  use isthmus_runtime
  use isthmus_status
  implicit none
  public
end module isthmus
