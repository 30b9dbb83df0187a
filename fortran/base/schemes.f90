! SPDX-License-Identifier: MIT
!> The explicit time steps that the reference models offer, by number and by name.
module schemes
  implicit none
  private
  public :: scheme_from_name

  integer, parameter, public :: scheme_rk4 = 1   !! classical Runge-Kutta, order 4
  integer, parameter, public :: scheme_euler = 2 !! Euler forward, order 1

contains

  !> The number of a scheme, zero if the name is not known.
  pure integer function scheme_from_name(name) result(scheme)
    character(len=*), intent(in) :: name !! "rk4" or "euler"

    select case (name)
    case ("rk4")
      scheme = scheme_rk4
    case ("euler")
      scheme = scheme_euler
    case default
      scheme = 0
    end select
  end function scheme_from_name

end module schemes
