! SPDX-License-Identifier: MIT
!> What the namelist of `isthmus-four-d-var` says: one group, `&assimilation`.
module assimilation_config
  use kinds, only: wp
  use lorenz96, only: max_sites, min_sites
  use namelist_checks, only: check_at_least, check_not_negative, check_positive
  use namelist_settings, only: key_visitor_t, max_path, settings_t
  implicit none
  private
  public :: assimilation_config_t

  !> Settings, with their defaults.
  type, extends(settings_t) :: assimilation_config_t
    integer :: n_sites = 40                  !! K
    real(wp) :: forcing = 8.0_wp             !! F, of the Fortran model [1]
    real(wp) :: dt = 0.05_wp                 !! time step between observation times [1]
    integer :: n_window = 8                  !! observation times in a window
    character(len=max_path) :: network = ""  !! emulator in the place of the model
    character(len=32) :: device = "cpu"      !! of the emulator
    real(wp) :: sd = 0.0_wp                  !! of background errors, 0: no background [1]
    real(wp) :: observation_sd = 1.0_wp      !! of observation errors [1]
    real(wp) :: tolerance = 1.0e-4_wp        !! factor by which the gradient falls
    integer :: max_outer = 20                !! linearisations
    integer :: max_inner = 50                !! conjugate gradients in each
    character(len=max_path) :: observations = "" !! netCDF file with y(time, k), x_first(k)
    character(len=max_path) :: analysis = "analysis.nc" !! what is written
  contains
    procedure :: visit_group
    procedure :: check
  end type assimilation_config_t

contains

  !> All keys of the only group.
  subroutine visit_group(self, keys, group)
    class(assimilation_config_t), intent(inout) :: self
    type(key_visitor_t), intent(inout) :: keys
    character(len=*), intent(in) :: group

    if (group /= "assimilation") keys%problem = "unknown group, expected &assimilation"
    call keys%visit("n_sites", self%n_sites)
    call keys%visit("forcing", self%forcing)
    call keys%visit("dt", self%dt)
    call keys%visit("n_window", self%n_window)
    call keys%visit("network", self%network)
    call keys%visit("device", self%device)
    call keys%visit("sd", self%sd)
    call keys%visit("observation_sd", self%observation_sd)
    call keys%visit("tolerance", self%tolerance)
    call keys%visit("max_outer", self%max_outer)
    call keys%visit("max_inner", self%max_inner)
    call keys%visit("observations", self%observations)
    call keys%visit("analysis", self%analysis)
  end subroutine visit_group

  !> Refuse what makes no sense.
  subroutine check(self, problem)
    class(assimilation_config_t), intent(inout) :: self
    character(len=*), intent(inout) :: problem !! set if there is one

    call check_at_least("n_sites", self%n_sites, min_sites, problem)
    call check_at_least("n_window", self%n_window, 1, problem)
    call check_at_least("max_outer", self%max_outer, 1, problem)
    call check_at_least("max_inner", self%max_inner, 1, problem)
    if (problem == "" .and. self%n_sites > max_sites) problem = "'n_sites' is too large"
    call check_positive("dt", self%dt, problem)
    call check_not_negative("sd", self%sd, problem)
    call check_positive("observation_sd", self%observation_sd, problem)
    call check_positive("tolerance", self%tolerance, problem)
    if (problem == "" .and. self%observations == "") problem = &
      "'observations' is missing, expected a netCDF file"
  end subroutine check

end module assimilation_config
