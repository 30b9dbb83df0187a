! SPDX-License-Identifier: MIT
!> Ownership of objects of the C library by Fortran variables: freed with the last copy.
module isthmus_handles
  use, intrinsic :: iso_c_binding, only: c_associated, c_loc, c_null_ptr, c_ptr
  implicit none
  private

  type :: shared_t
    type(c_ptr) :: address = c_null_ptr !! the C object
    integer :: n_owners = 1             !! it is freed with the last one
    procedure(freeing), pointer, nopass :: free => null()
  end type shared_t

  !> An object of the C library, or nothing yet. A copy by assignment is the same object.
  type, public :: handle_t
    private
    type(shared_t), pointer :: shared => null()
    type(c_ptr) :: owner = c_null_ptr !! address of this object, where it counts as owner
    integer :: anchor = 0             !! gives the object an address
  contains
    procedure, public :: own
    procedure, public :: address => address_of
    procedure, public :: free
    generic, public :: assignment(=) => assign
    procedure, private :: assign
    final :: finalize
  end type handle_t

  abstract interface
    !> A function of the C library that frees an object.
    subroutine freeing(object) bind(c)
      import :: c_ptr
      implicit none
      type(c_ptr), value :: object
    end subroutine freeing
  end interface

contains

  !> Own a C object; what was owned before is given up.
  subroutine own(self, address, of_library)
    class(handle_t), intent(inout), target :: self
    type(c_ptr), intent(in) :: address
    procedure(freeing) :: of_library !! frees it

    call self%free()
    allocate (self%shared)
    self%shared%address = address
    self%shared%free => of_library
    self%owner = c_loc(self%anchor)
  end subroutine own

  !> The C object; null if there is none.
  type(c_ptr) function address_of(self)
    class(handle_t), intent(in) :: self

    address_of = c_null_ptr
    if (associated(self%shared)) address_of = self%shared%address
  end function address_of

  !> Free the object, unless other copies are left.
  subroutine free(self)
    class(handle_t), intent(inout), target :: self

    ! What was copied bit by bit (allocate with source=) never counted as an owner.
    if (associated(self%shared) .and. c_associated(self%owner, c_loc(self%anchor))) then
      self%shared%n_owners = self%shared%n_owners - 1
      if (self%shared%n_owners == 0) then
        call self%shared%free(self%shared%address)
        deallocate (self%shared)
      end if
    end if
    self%shared => null()
    self%owner = c_null_ptr
  end subroutine free

  impure elemental subroutine assign(self, other)
    class(handle_t), intent(inout), target :: self
    class(handle_t), intent(in) :: other

    if (associated(self%shared, other%shared)) return
    call self%free()
    if (.not. associated(other%shared)) return
    self%shared => other%shared
    self%shared%n_owners = self%shared%n_owners + 1
    self%owner = c_loc(self%anchor)
  end subroutine assign

  impure elemental subroutine finalize(self)
    type(handle_t), intent(inout), target :: self

    call self%free()
  end subroutine finalize

end module isthmus_handles
