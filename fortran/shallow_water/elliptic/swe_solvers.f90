! SPDX-License-Identifier: MIT
!> Solvers by their names.
module swe_solvers
  use, intrinsic :: ieee_arithmetic, only: ieee_is_finite
  use failures, only: err_argument, fail, succeed
  use swe_conjugate_gradients, only: conjugate_gradients_t
  use swe_five_point, only: five_point_solver_t
  use swe_hypre, only: make_hypre
  use swe_incomplete, only: incomplete_t
  use swe_kinds, only: wp
  use swe_over_relaxation, only: over_relaxation_t
  use swe_reduced_gradients, only: reduced_gradients_t
  implicit none
  private
  public :: make_solver

  character(len=*), parameter, public :: default_solver = "cg_multigrid"
  character(len=*), parameter, public :: solver_names = &
    "sor, cg, cg_incomplete, cg_multigrid, hypre_pfmg" !! what `make_solver` knows

contains

  !> Make a solver: `sor`, red-black over-relaxation; conjugate gradients preconditioned by
  !> the diagonal (`cg`), by modified incomplete Cholesky factors (`cg_incomplete`), or by a
  !> multigrid cycle (`cg_multigrid`), ours or, where it is built, hypre's (`hypre_pfmg`).
  subroutine make_solver(solver, name, tolerance, stat, errmsg)
    class(five_point_solver_t), allocatable, intent(out) :: solver
    character(len=*), intent(in) :: name  !! one of `solver_names`
    real(wp), intent(in) :: tolerance     !! largest residual/area accepted [m]
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(conjugate_gradients_t) :: cg
    character(len=24) :: found

    if (.not. (ieee_is_finite(tolerance) .and. tolerance > 0.0_wp)) then
      write (found, "(es10.3)") tolerance
      call fail(err_argument, "make_solver: 'tolerance' must be a positive number of "// &
        "metres, it is "//trim(adjustl(found)), stat, errmsg)
      return
    end if
    select case (name)
    case ("sor")
      allocate (over_relaxation_t :: solver)
    case ("cg")
      allocate (solver, source=cg)
    case ("cg_incomplete")
      allocate (incomplete_t :: cg%preconditioner)
      allocate (solver, source=cg)
    case ("cg_multigrid")
      allocate (reduced_gradients_t :: solver)
    case ("hypre_pfmg")
      call make_hypre(solver, stat, errmsg)
      if (.not. allocated(solver)) return
    case default
      call fail(err_argument, "make_solver: no solver is called '"//trim(name)// &
        "'; choose one of: "//solver_names, stat, errmsg)
      return
    end select
    solver%tolerance = tolerance
    call succeed(stat)
  end subroutine make_solver

end module swe_solvers
