! SPDX-License-Identifier: MIT
!> Numbers that a network's contract says it was trained for.
!>
!> The exporter keeps them in `provenance` as a flat table,
!>
!>     "trained_for": {"dx": 10000.0, "f0": 0.0}
!>
!> with the names of the host's own settings. A contract is written by the exporter and
!> sealed, so this reader knows no more of JSON than such a table.
module contract_numbers
  use kinds, only: wp
  implicit none
  private
  public :: contract_number_t, trained_for

  !> One entry of the table.
  type :: contract_number_t
    character(len=64) :: name = ""
    real(wp) :: value = 0.0_wp
  end type contract_number_t

contains

  !> The table of a contract, empty if it has none; an entry that is no number ends it.
  function trained_for(contract) result(numbers)
    character(len=*), intent(in) :: contract !! JSON text
    type(contract_number_t), allocatable :: numbers(:)

    type(contract_number_t) :: number
    integer :: colon, first, last, next, status

    allocate (numbers(0))
    first = index(contract, '"trained_for":')
    if (first == 0) return
    next = first + index(contract(first:), "{")
    last = next + index(contract(next:), "}") - 2
    do while (next <= last)
      first = next + index(contract(next:last), '"')
      if (first == next) return
      colon = first + index(contract(first:last), '":') - 1
      number%name = contract(first:colon - 1)
      next = colon + 2 + index(contract(colon + 2:last)//",", ",")
      read (contract(colon + 2:min(last, next - 2)), *, iostat=status) number%value
      if (status /= 0) return
      numbers = [numbers, number]
    end do
  end function trained_for

end module contract_numbers
