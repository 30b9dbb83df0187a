! SPDX-License-Identifier: MIT
!> Numbers of the shallow water model that are the same everywhere and always in a run.
module swe_parameters
  use swe_kinds, only: wp
  implicit none
  private
  public :: swe_parameters_t

  integer, parameter, public :: drag_quadratic = 1 !! cd*|u|u
  integer, parameter, public :: drag_manning = 2   !! cd = g*n**2/H**(1/3)
  integer, parameter, public :: drag_none = 0      !! the linear drag alone

  integer, parameter, public :: face_linear = 1   !! mean of D: linear equations
  integer, parameter, public :: face_backhaus = 2 !! mean of D + zeta at the old level
  integer, parameter, public :: face_upwind = 3
    !! zeta upstream + the smaller D (Stelling and Duinmeijer 2003), for wetting and drying

  integer, parameter, public :: advection_none = 0    !! linear momentum equations
  integer, parameter, public :: advection_upwind = 1  !! first order
  integer, parameter, public :: advection_limited = 2 !! second order where it is smooth

  integer, parameter, public :: wetting_static = 1 !! faces close, cells do not dry
  integer, parameter, public :: wetting_newton = 2
    !! cells dry to zero, volumes by Newton's method (Casulli 2009); with `face_upwind`

  !> Physical and numerical parameters, with their defaults.
  type :: swe_parameters_t
    real(wp) :: dt = 300.0_wp        !! time step [s]
    real(wp) :: theta = 0.55_wp      !! weight of the new time level [1]; Backhaus: 1/2
    real(wp) :: gravity = 9.81_wp    !! [m s-2]
    integer :: face_depth = face_backhaus !! one of face_*
    integer :: drag = drag_quadratic !! one of drag_*
    real(wp) :: linear_drag = 0.0_wp !! r [s-1], added to the quadratic drag
    real(wp) :: viscosity = 0.0_wp   !! horizontal eddy viscosity [m2 s-1]
    logical :: no_slip = .false.     !! the coast holds the flow along it; else it slips
    integer :: advection = advection_none !! one of advection_*
    integer :: wetting = wetting_static !! one of wetting_*
    real(wp) :: min_depth = 1.0e-5_wp !! a face with less water is closed [m]
    real(wp) :: thin_depth = 0.0_wp
      !! water below which momentum is not advected and wind acts in proportion to the
      !! depth: 1-2 % of the depth scale where land dries [m]
  end type swe_parameters_t

end module swe_parameters
