! SPDX-License-Identifier: MIT
!> Geostrophic adjustment of a step in the surface, on an f-plane without boundaries.
!>
!> From zeta = -z0 sgn(y) at rest, waves leave, and what stays is in balance:
!> zeta = -z0 sgn(y) (1 - exp(-|y|/R)), R = sqrt(g D)/f. The mean over the inertial periods
!> 2 to 10 is compared. C.-G. Rossby (1938), J. Mar. Res. 1,
!> 239-263; A. E. Gill (1982), Atmosphere-Ocean Dynamics, section 7.2.
program test_swe_geostrophic
  use basins, only: basin_t, build, gravity, is_full_run, linear_step, pi, report, run
  use swe_kinds, only: wp
  use swe_state, only: swe_state_t
  use swe_step, only: swe_model_t
  use testing, only: check_below, finish
  implicit none

  real(wp), parameter :: depth = 50.0_wp, f = 1.0e-4_wp, step_height = 1.0_wp
  real(wp), parameter :: radius = sqrt(gravity*depth)/f !! of deformation [m]
  integer, parameter :: n_before = 2, n_mean = 8       !! inertial periods
  real(wp), parameter :: reach = 100.0_wp !! waves from the ends come back later [radius]
  ! Time steps of 0.06/f; a prototype of the same scheme, written by another hand.
  real(wp), parameter :: cells(4) = [0.6_wp, 0.3_wp, 0.15_wp, 0.075_wp] !! [radius]
  real(wp), parameter :: known_errors(3) = [0.023_wp, 0.0074_wp, 0.0021_wp]
  character(len=5) :: name
  real(wp) :: error
  integer :: k

  do k = 1, merge(4, 3, is_full_run())
    error = error_of(cells(k), k == 3)
    call report("geostrophic", cells(k), error)
    if (k > 3) cycle
    write (name, "(f5.3)") cells(k)
    call check_below(error, 1.1_wp*known_errors(k), "adjusted, cells of "//name//" R")
  end do
  call finish()

contains

  !> RMS error/z0 of the mean over time within four radii of the step.
  real(wp) function error_of(cell, is_printed)
    real(wp), intent(in) :: cell      !! [radius]
    logical, intent(in) :: is_printed !! the profile, in a full run

    type(swe_model_t) :: model
    type(swe_state_t) :: state
    real(wp) :: dt
    real(wp), dimension(2*nint(reach/cell)) :: exact, mean, y
    integer :: j, n, ny, steps_per_period

    ny = size(y)
    steps_per_period = nint(2*pi/0.06_wp)
    dt = 2*pi/f/steps_per_period
    call build(basin_t(nx=2, ny=ny, dx=cell*radius, dy=cell*radius, depth=depth, f=f, &
      periodic_x=.true.), linear_step(dt, theta=0.51_wp), model, state)
    y = [((j - 0.5_wp*(ny + 1))*cell, j=1, ny)]
    do j = 1, ny
      state%zeta(1:2, j) = -sign(step_height, y(j))
    end do
    call state%fill_halo(model%grid%block)
    call run(model, state, n_before*steps_per_period)
    mean = 0.0_wp
    do n = 1, n_mean*steps_per_period
      call run(model, state, 1)
      mean = mean + state%zeta(1, 1:ny)/(n_mean*steps_per_period)
    end do
    exact = -sign(step_height*(1.0_wp - exp(-abs(y))), y)
    associate (near => abs(y) < 4.0_wp)
      error_of = sqrt(sum((mean - exact)**2, near)/count(near))/step_height
    end associate
    if (is_printed .and. is_full_run()) then
      print "(*(a, 3(1x, f10.6), :, /))", ("profile", y(j), mean(j), exact(j), j=1, ny)
    end if
  end function error_of

end program test_swe_geostrophic
