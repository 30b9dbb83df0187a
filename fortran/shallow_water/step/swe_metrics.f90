! SPDX-License-Identifier: MIT
!> Widths of cells and Coriolis parameters of a grid: on a plane, or on the sphere.
!>
!>     plane   dx constant,            f = f0 + beta*(y - y0)
!>     sphere  dx = R cos(lat) dlon,   f = 2*Omega*sin(lat)
module swe_metrics
  use swe_blocks, only: block_t, halo
  use swe_kinds, only: real64, wp
  implicit none
  private
  public :: metric_t, plane_metric, sphere_metric

  real(real64), parameter, public :: earth_radius = 6371.0e3_real64 !! mean radius [m]
  real(real64), parameter, public :: earth_rotation = 7.2921159e-5_real64
    !! Omega [s-1], of the sidereal day
  real(real64), parameter :: degree = acos(-1.0_real64)/180.0_real64

  !> Of the rows of one block, halo rows included: (1-halo:ny+halo).
  type :: metric_t
    real(wp), allocatable :: dx(:)   !! width of the cells in a row [m]
    real(wp), allocatable :: dx_v(:) !! width at their north faces [m]
    real(wp) :: dy = 0.0_wp          !! height of all cells [m]
    real(wp), allocatable :: f_u(:)  !! Coriolis parameter of the row [s-1]
    real(wp), allocatable :: f_v(:)  !! Coriolis parameter at its north faces [s-1]
  end type metric_t

contains

  !> The metric of a beta plane; of an f plane if beta is zero.
  pure function plane_metric(block, dx, dy, f0, beta) result(metric)
    type(block_t), intent(in) :: block
    real(real64), intent(in) :: dx, dy !! of all cells [m]
    real(real64), intent(in) :: f0     !! Coriolis parameter in the middle of the grid [s-1]
    real(real64), intent(in) :: beta   !! its northward slope [m-1 s-1]
    type(metric_t) :: metric

    real(real64) :: y
    integer :: j

    call allocate_metric(block, metric)
    metric%dy = real(dy, wp)
    do j = 1 - halo, block%ny + halo
      metric%dx(j) = real(dx, wp)
      metric%dx_v(j) = real(dx, wp)
      y = dy*(block%j_offset + j - 0.5_real64*(block%ny_global + 1))
      metric%f_u(j) = real(f0 + beta*y, wp)
      metric%f_v(j) = real(f0 + beta*(y + 0.5_real64*dy), wp)
    end do
  end function plane_metric

  !> The metric of a grid of longitude and latitude.
  pure function sphere_metric(block, first_latitude, dlon, dlat) result(metric)
    type(block_t), intent(in) :: block
    real(real64), intent(in) :: first_latitude !! of the centres in row 1 [degree]
    real(real64), intent(in) :: dlon, dlat     !! of all cells [degree]
    type(metric_t) :: metric

    real(real64) :: latitude
    integer :: j

    call allocate_metric(block, metric)
    metric%dy = real(earth_radius*dlat*degree, wp)
    do j = 1 - halo, block%ny + halo
      latitude = first_latitude + dlat*(block%j_offset + j - 1)
      metric%dx(j) = real(width(latitude, dlon), wp)
      metric%dx_v(j) = real(width(latitude + 0.5_real64*dlat, dlon), wp)
      metric%f_u(j) = real(2*earth_rotation*sin(latitude*degree), wp)
      metric%f_v(j) = real(2*earth_rotation*sin((latitude + 0.5_real64*dlat)*degree), wp)
    end do
  end function sphere_metric

  !> Length of an arc of a parallel [m]. Rows of the halo may lie beyond a pole.
  pure real(real64) function width(latitude, dlon)
    real(real64), intent(in) :: latitude, dlon !! [degree]

    width = earth_radius*abs(cos(latitude*degree))*dlon*degree
  end function width

  pure subroutine allocate_metric(block, metric)
    type(block_t), intent(in) :: block
    type(metric_t), intent(inout) :: metric

    allocate (metric%dx(1 - halo:block%ny + halo))
    allocate (metric%dx_v, metric%f_u, metric%f_v, mold=metric%dx)
  end subroutine allocate_metric

end module swe_metrics
