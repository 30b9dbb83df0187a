! SPDX-License-Identifier: MIT
!> Interfaces to hypre's structured grids, matrices, vectors and solvers.
!>
!> These are the entry points that hypre 2.x makes for Fortran: everything by reference,
!> communicators as Fortran handles, objects as pointers in 64-bit integers.
! Boxes of values have the extents that their corners say.
! allow(C071)
module swe_hypre_capi
  use, intrinsic :: iso_c_binding, only: c_double, c_int, c_int64_t
  implicit none
  private
  public :: grid_assemble, grid_create, grid_set_extents, grid_set_periodic, &
    matrix_assemble, matrix_create, matrix_initialize, matrix_set_box_values, &
    matrix_set_symmetric, pcg_create, pcg_destroy, pcg_get_num_iterations, &
    pcg_set_absolute_tol, pcg_set_max_iter, pcg_set_precond, pcg_set_tol, &
    pcg_set_two_norm, pcg_setup, pcg_solve, pfmg_create, pfmg_destroy, pfmg_set_max_iter, &
    pfmg_set_relax_type, pfmg_set_tol, pfmg_set_zero_guess, stencil_create, &
    stencil_set_element, vector_assemble, vector_create, vector_get_box_values, &
    vector_initialize, vector_set_box_values

  interface
    subroutine grid_create(communicator, dimensions, grid, ierr) &
      bind(c, name="hypre_structgridcreate_")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int), intent(in) :: communicator, dimensions
      integer(c_int64_t), intent(out) :: grid
      integer(c_int), intent(out) :: ierr
    end subroutine grid_create

    subroutine grid_set_extents(grid, lower, upper, ierr) &
      bind(c, name="hypre_structgridsetextents_")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int64_t), intent(in) :: grid
      integer(c_int), intent(in) :: lower(*), upper(*)
      integer(c_int), intent(out) :: ierr
    end subroutine grid_set_extents

    subroutine grid_set_periodic(grid, periods, ierr) &
      bind(c, name="hypre_structgridsetperiodic_")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int64_t), intent(in) :: grid
      integer(c_int), intent(in) :: periods(*)
      integer(c_int), intent(out) :: ierr
    end subroutine grid_set_periodic

    subroutine grid_assemble(grid, ierr) &
      bind(c, name="hypre_structgridassemble_")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int64_t), intent(in) :: grid
      integer(c_int), intent(out) :: ierr
    end subroutine grid_assemble

    subroutine stencil_create(dimensions, entries, stencil, ierr) &
      bind(c, name="hypre_structstencilcreate_")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int), intent(in) :: dimensions, entries
      integer(c_int64_t), intent(out) :: stencil
      integer(c_int), intent(out) :: ierr
    end subroutine stencil_create

    subroutine stencil_set_element(stencil, entry, offset, ierr) &
      bind(c, name="hypre_structstencilsetelement_")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int64_t), intent(in) :: stencil
      integer(c_int), intent(in) :: entry, offset(*)
      integer(c_int), intent(out) :: ierr
    end subroutine stencil_set_element

    subroutine matrix_create(communicator, grid, stencil, matrix, ierr) &
      bind(c, name="hypre_structmatrixcreate_")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int), intent(in) :: communicator
      integer(c_int64_t), intent(in) :: grid, stencil
      integer(c_int64_t), intent(out) :: matrix
      integer(c_int), intent(out) :: ierr
    end subroutine matrix_create

    subroutine matrix_set_symmetric(matrix, is_symmetric, ierr) &
      bind(c, name="hypre_structmatrixsetsymmetric_")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int64_t), intent(in) :: matrix
      integer(c_int), intent(in) :: is_symmetric
      integer(c_int), intent(out) :: ierr
    end subroutine matrix_set_symmetric

    subroutine matrix_initialize(matrix, ierr) &
      bind(c, name="hypre_structmatrixinitialize_")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int64_t), intent(in) :: matrix
      integer(c_int), intent(out) :: ierr
    end subroutine matrix_initialize

    subroutine matrix_set_box_values(matrix, lower, upper, n, entries, values, ierr) &
      bind(c, name="hypre_structmatrixsetboxvalues_")
      import :: c_double, c_int, c_int64_t
      implicit none
      integer(c_int64_t), intent(in) :: matrix
      integer(c_int), intent(in) :: lower(*), upper(*), n, entries(*)
      real(c_double), intent(in) :: values(*)
      integer(c_int), intent(out) :: ierr
    end subroutine matrix_set_box_values

    subroutine matrix_assemble(matrix, ierr) &
      bind(c, name="hypre_structmatrixassemble_")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int64_t), intent(in) :: matrix
      integer(c_int), intent(out) :: ierr
    end subroutine matrix_assemble

    subroutine vector_create(communicator, grid, vector, ierr) &
      bind(c, name="hypre_structvectorcreate_")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int), intent(in) :: communicator
      integer(c_int64_t), intent(in) :: grid
      integer(c_int64_t), intent(out) :: vector
      integer(c_int), intent(out) :: ierr
    end subroutine vector_create

    subroutine vector_initialize(vector, ierr) &
      bind(c, name="hypre_structvectorinitialize_")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int64_t), intent(in) :: vector
      integer(c_int), intent(out) :: ierr
    end subroutine vector_initialize

    subroutine vector_set_box_values(vector, lower, upper, values, ierr) &
      bind(c, name="hypre_structvectorsetboxvalues_")
      import :: c_double, c_int, c_int64_t
      implicit none
      integer(c_int64_t), intent(in) :: vector
      integer(c_int), intent(in) :: lower(*), upper(*)
      real(c_double), intent(in) :: values(*)
      integer(c_int), intent(out) :: ierr
    end subroutine vector_set_box_values

    subroutine vector_get_box_values(vector, lower, upper, values, ierr) &
      bind(c, name="hypre_structvectorgetboxvalues_")
      import :: c_double, c_int, c_int64_t
      implicit none
      integer(c_int64_t), intent(in) :: vector
      integer(c_int), intent(in) :: lower(*), upper(*)
      real(c_double), intent(inout) :: values(*)
      integer(c_int), intent(out) :: ierr
    end subroutine vector_get_box_values

    subroutine vector_assemble(vector, ierr) &
      bind(c, name="hypre_structvectorassemble_")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int64_t), intent(in) :: vector
      integer(c_int), intent(out) :: ierr
    end subroutine vector_assemble

    subroutine pcg_create(communicator, solver, ierr) &
      bind(c, name="hypre_structpcgcreate_")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int), intent(in) :: communicator
      integer(c_int64_t), intent(out) :: solver
      integer(c_int), intent(out) :: ierr
    end subroutine pcg_create

    subroutine pcg_destroy(solver, ierr) &
      bind(c, name="hypre_structpcgdestroy_")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int64_t), intent(in) :: solver
      integer(c_int), intent(out) :: ierr
    end subroutine pcg_destroy

    subroutine pcg_set_tol(solver, tolerance, ierr) &
      bind(c, name="hypre_structpcgsettol_")
      import :: c_double, c_int, c_int64_t
      implicit none
      integer(c_int64_t), intent(in) :: solver
      real(c_double), intent(in) :: tolerance
      integer(c_int), intent(out) :: ierr
    end subroutine pcg_set_tol

    subroutine pcg_set_absolute_tol(solver, tolerance, ierr) &
      bind(c, name="hypre_structpcgsetabstol_")
      import :: c_double, c_int, c_int64_t
      implicit none
      integer(c_int64_t), intent(in) :: solver
      real(c_double), intent(in) :: tolerance
      integer(c_int), intent(out) :: ierr
    end subroutine pcg_set_absolute_tol

    subroutine pcg_set_max_iter(solver, n, ierr) &
      bind(c, name="hypre_structpcgsetmaxiter_")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int64_t), intent(in) :: solver
      integer(c_int), intent(in) :: n
      integer(c_int), intent(out) :: ierr
    end subroutine pcg_set_max_iter

    subroutine pcg_set_two_norm(solver, is_on, ierr) &
      bind(c, name="hypre_structpcgsettwonorm_")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int64_t), intent(in) :: solver
      integer(c_int), intent(in) :: is_on
      integer(c_int), intent(out) :: ierr
    end subroutine pcg_set_two_norm

    subroutine pcg_set_precond(solver, id, preconditioner, ierr) &
      bind(c, name="hypre_structpcgsetprecond_")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int64_t), intent(in) :: solver
      integer(c_int), intent(in) :: id
      integer(c_int64_t), intent(in) :: preconditioner
      integer(c_int), intent(out) :: ierr
    end subroutine pcg_set_precond

    subroutine pcg_setup(solver, matrix, b, z, ierr) &
      bind(c, name="hypre_structpcgsetup_")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int64_t), intent(in) :: solver, matrix, b, z
      integer(c_int), intent(out) :: ierr
    end subroutine pcg_setup

    subroutine pcg_solve(solver, matrix, b, z, ierr) &
      bind(c, name="hypre_structpcgsolve_")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int64_t), intent(in) :: solver, matrix, b, z
      integer(c_int), intent(out) :: ierr
    end subroutine pcg_solve

    subroutine pcg_get_num_iterations(solver, n, ierr) &
      bind(c, name="hypre_structpcggetnumiterations_")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int64_t), intent(in) :: solver
      integer(c_int), intent(out) :: n, ierr
    end subroutine pcg_get_num_iterations

    subroutine pfmg_create(communicator, solver, ierr) &
      bind(c, name="hypre_structpfmgcreate_")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int), intent(in) :: communicator
      integer(c_int64_t), intent(out) :: solver
      integer(c_int), intent(out) :: ierr
    end subroutine pfmg_create

    subroutine pfmg_destroy(solver, ierr) &
      bind(c, name="hypre_structpfmgdestroy_")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int64_t), intent(in) :: solver
      integer(c_int), intent(out) :: ierr
    end subroutine pfmg_destroy

    subroutine pfmg_set_max_iter(solver, n, ierr) &
      bind(c, name="hypre_structpfmgsetmaxiter_")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int64_t), intent(in) :: solver
      integer(c_int), intent(in) :: n
      integer(c_int), intent(out) :: ierr
    end subroutine pfmg_set_max_iter

    subroutine pfmg_set_tol(solver, tolerance, ierr) &
      bind(c, name="hypre_structpfmgsettol_")
      import :: c_double, c_int, c_int64_t
      implicit none
      integer(c_int64_t), intent(in) :: solver
      real(c_double), intent(in) :: tolerance
      integer(c_int), intent(out) :: ierr
    end subroutine pfmg_set_tol

    subroutine pfmg_set_zero_guess(solver, ierr) &
      bind(c, name="hypre_structpfmgsetzeroguess_")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int64_t), intent(in) :: solver
      integer(c_int), intent(out) :: ierr
    end subroutine pfmg_set_zero_guess

    subroutine pfmg_set_relax_type(solver, type, ierr) &
      bind(c, name="hypre_structpfmgsetrelaxtype_")
      import :: c_int, c_int64_t
      implicit none
      integer(c_int64_t), intent(in) :: solver
      integer(c_int), intent(in) :: type
      integer(c_int), intent(out) :: ierr
    end subroutine pfmg_set_relax_type
  end interface

end module swe_hypre_capi
