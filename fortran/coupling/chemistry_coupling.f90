! SPDX-License-Identifier: MIT
!> Group `&coupling` of a namelist for chemistry: what fills the slot of the solver.
module chemistry_coupling
  use namelist_checks, only: check_at_least, check_choice
  use namelist_settings, only: key_visitor_t, max_path, settings_t
  implicit none
  private
  public :: chemistry_coupling_t

  !> Settings of a coupling, with their defaults.
  type, extends(settings_t) :: chemistry_coupling_t
    character(len=16) :: reactor = "network"  !! or "qssa", "solver"
    character(len=max_path) :: network = ""   !! model file, `.pt`, `.pt2` or `.nc`
    logical :: guarded = .true.    !! cells outside the network's range by the solver
    integer :: n_substeps = 60     !! of quasi-steady state in a splitting step
    logical :: keep_steps = .true. !! the solver keeps its inner step from call to call
  contains
    procedure :: visit_group
    procedure :: check
  end type chemistry_coupling_t

contains

  !> All keys; the other groups belong to others.
  subroutine visit_group(self, keys, group)
    class(chemistry_coupling_t), intent(inout) :: self
    type(key_visitor_t), intent(inout) :: keys
    character(len=*), intent(in) :: group

    if (group /= "coupling") keys%problem = "unknown group, expected &coupling"
    call keys%visit("reactor", self%reactor)
    call keys%visit("network", self%network)
    call keys%visit("guarded", self%guarded)
    call keys%visit("n_substeps", self%n_substeps)
    call keys%visit("keep_steps", self%keep_steps)
  end subroutine visit_group

  !> Refuse what cannot be coupled.
  subroutine check(self, problem)
    class(chemistry_coupling_t), intent(inout) :: self
    character(len=*), intent(inout) :: problem !! set if there is one

    call check_choice("reactor", self%reactor, &
      [character(len=7) :: "network", "qssa", "solver"], problem)
    call check_at_least("n_substeps", self%n_substeps, 1, problem)
    if (problem == "" .and. self%reactor == "network" .and. self%network == "") then
      problem = "'network' in &coupling is missing, expected a .pt, .pt2 or .nc file"
    end if
  end subroutine check

end module chemistry_coupling
