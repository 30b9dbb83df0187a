! SPDX-License-Identifier: MIT
!> Group `&coupling` of a namelist for shallow water: which network, in which slot.
module swe_coupling
  use coupling_config, only: coupling_config_t, max_role
  use namelist_settings, only: key_visitor_t
  implicit none
  private
  public :: swe_coupling_t

  !> Settings of a coupling, with their defaults.
  type, extends(coupling_config_t) :: swe_coupling_t
    logical :: guarded = .true.
      !! what lies outside the limits of the contract is left to the model
  contains
    procedure :: set_lists
    procedure :: visit_group
  end type swe_coupling_t

contains

  !> The slots of a shallow water run.
  subroutine set_lists(self)
    class(swe_coupling_t), intent(inout) :: self

    self%roles = [character(len=max_role) :: "step", "closure", "first_guess", &
      "preconditioner"]
  end subroutine set_lists

  !> All keys; the other groups belong to others.
  subroutine visit_group(self, keys, group)
    class(swe_coupling_t), intent(inout) :: self
    type(key_visitor_t), intent(inout) :: keys
    character(len=*), intent(in) :: group

    call self%coupling_config_t%visit_group(keys, group)
    call keys%visit("guarded", self%guarded)
  end subroutine visit_group

end module swe_coupling
