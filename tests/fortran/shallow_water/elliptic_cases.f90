! SPDX-License-Identifier: MIT
!> Five-point systems as a semi-implicit step from rest makes them.
!>
!>     (area + K) z = (area - K) zeta,     K = couplings for theta = 1/2
!>
!> with long waves, a hump of six cells and ripples of 12 and 15 cells in zeta; the first
!> guess is zeta.
module elliptic_cases
  use swe_blocks, only: block_t, halo
  use swe_exchange, only: exchange
  use swe_five_point, only: five_point_t
  use swe_kinds, only: wp
  implicit none
  private
  public :: make_case, wavy_depth

  real(wp), parameter :: pi = acos(-1.0_wp)
  real(wp), parameter :: dx = 5000.0_wp !! [m]

contains

  !> Matrix, right-hand side and first guess for a Courant number and a relative depth.
  subroutine make_case(block, courant, depth, matrix, b, z)
    type(block_t), intent(in) :: block
    real(wp), intent(in) :: courant     !! where the relative depth is one
    real(wp), intent(in) :: depth(:, :) !! relative, 0 on land, of this block (nx, ny)
    type(five_point_t), intent(out) :: matrix
    real(wp), allocatable, intent(out) :: b(:, :) !! right-hand side [m3]
    real(wp), allocatable, intent(out) :: z(:, :) !! first guess [m]

    real(wp), allocatable :: area(:), wide(:, :)
    integer :: i, j

    allocate (area(1 - halo:block%ny + halo), source=dx**2)
    call matrix%setup(block, area)
    allocate (b, z, wide, mold=matrix%diagonal)
    b = 0.0_wp
    z = 0.0_wp
    wide = 0.0_wp
    wide(1:block%nx, 1:block%ny) = depth
    call exchange(block, wide)
    do j = 0, block%ny
      do i = 0, block%nx
        matrix%east(i, j) = coupling(wide(i, j), wide(i + 1, j))
        matrix%north(i, j) = coupling(wide(i, j), wide(i, j + 1))
      end do
    end do
    do j = 1, block%ny
      do i = 1, block%nx
        matrix%diagonal(i, j) = area(j) + (matrix%east(i, j) + matrix%east(i - 1, j)) &
          + (matrix%north(i, j) + matrix%north(i, j - 1))
        z(i, j) = merge(elevation(i + block%i_offset, j + block%j_offset), 0.0_wp, &
          wide(i, j) > 0.0_wp)
      end do
    end do
    call exchange(block, z)
    call matrix%residual(b, z, b) ! b = -(area + K) zeta
    do j = 1, block%ny
      do i = 1, block%nx
        b(i, j) = b(i, j) + 2*area(j)*z(i, j)
      end do
    end do

  contains

    !> (theta*c)**2*area between two wet cells.
    pure real(wp) function coupling(one, other)
      real(wp), intent(in) :: one, other !! relative depths

      coupling = merge(0.125_wp*(courant*dx)**2*(one + other), 0.0_wp, &
        min(one, other) > 0.0_wp)
    end function coupling

    !> The old elevation [m].
    pure real(wp) function elevation(i, j)
      integer, intent(in) :: i, j !! in the whole grid

      real(wp) :: x, y

      x = (i - 0.5_wp)/block%nx_global
      y = (j - 0.5_wp)/block%ny_global
      elevation = cos(2*pi*x)*cos(pi*y) + 0.5_wp*cos(3*pi*x)*cos(5*pi*y) &
        + exp(-((i - 0.4_wp*block%nx_global)**2 &
        + (j - 0.6_wp*block%ny_global)**2)/36.0_wp) &
        + 0.1_wp*sin(2*pi*i/12.0_wp)*sin(2*pi*j/15.0_wp)
    end function elevation

  end subroutine make_case

  !> A shelf sea: relative depth between 0.02 and 1, deepest in a trench, with islands.
  function wavy_depth(nx, ny) result(depth)
    integer, intent(in) :: nx, ny
    real(wp) :: depth(nx, ny)

    real(wp) :: trench, x, y
    logical :: is_land
    integer :: i, j

    do j = 1, ny
      do i = 1, nx
        x = (i - 0.5_wp)/nx
        y = (j - 0.5_wp)/ny
        trench = exp(-((x - 0.75_wp - 0.1_wp*y)/0.08_wp)**2)
        depth(i, j) = 0.02_wp + 0.06_wp*y + 0.9_wp*trench*y &
          + 0.01_wp*sin(14*pi*x)*sin(11*pi*y)
        is_land = x + y < 0.2_wp .or. sin(6*pi*x + 2*y)*sin(5*pi*y) > 0.85_wp
        if (is_land) depth(i, j) = 0.0_wp
      end do
    end do
    depth = depth/maxval(depth)
  end function wavy_depth

end module elliptic_cases
