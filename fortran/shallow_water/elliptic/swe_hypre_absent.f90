! SPDX-License-Identifier: MIT
!> The place of hypre's solver in a build without hypre: a name that is refused.
!>
!> The module of the same name in swe_hypre.f90 has the solver.
module swe_hypre
  use failures, only: err_argument, fail
  use swe_five_point, only: five_point_solver_t
  implicit none
  private
  public :: make_hypre

  logical, parameter, public :: has_hypre = .false.

contains

  !> Say how to get it.
  subroutine make_hypre(solver, stat, errmsg)
    class(five_point_solver_t), allocatable, intent(out) :: solver !! none
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    if (allocated(solver)) deallocate (solver)
    call fail(err_argument, "make_solver: 'hypre_pfmg' is not in this build; take the "// &
      "program for MPI ranks, built where hypre is found (Debian: libhypre-dev, CMake: "// &
      "-DISTHMUS_HYPRE=ON)", stat, errmsg)
  end subroutine make_hypre

end module swe_hypre
