! SPDX-License-Identifier: MIT
!> The explicit part of the momentum equations: bottom friction, rotation, provisional
!> transports.
!>
!>     F  = 1/(1 + dt*(r + cd*sqrt(U**2 + Vm**2)/H**2))                (Backhaus 1983)
!>     U* = F*(cos(f dt)*U + sin(f dt)*Vm - (1 - cos(f dt))/f*g*H*mean(d zeta/dy)
!>             + dt*X - (1 - theta)*g*dt*H*d zeta/dx)
!>
!> and alike for V. Vm is the mean of the four neighbouring V, each weighted by
!> sqrt(H_u/H_v), so that rotation makes no energy over topography (Espelid, Berntsen and
!> Barthel 2000). The rotation is exact for a gradient that is frozen during the step: the
!> cross gradient keeps a geostrophic balance, which cos and sin alone would damp.
module swe_momentum
  use swe_blocks, only: halo
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_parameters, only: drag_manning, drag_quadratic, swe_parameters_t
  implicit none
  private
  public :: face_momentum_t, provisional_transports, scaled_transports

  !> What the momentum equation of one direction reads and sets.
  type :: face_momentum_t
    real(wp), allocatable :: h(:, :)        !! water depth H [m]
    real(wp), allocatable :: slope(:, :)    !! of the surface along the direction [1]
    real(wp), allocatable :: scaled(:, :)   !! transport/sqrt(H) [m3/2 s-1]
    real(wp), allocatable :: friction(:, :) !! F [1], 0 at closed and boundary faces
    real(wp), allocatable :: extra(:, :)    !! X, all other tendencies [m2 s-2]
    real(wp), allocatable :: star(:, :)     !! provisional transport [m2 s-1]
    real(wp), allocatable :: velocity(:, :) !! transport/H where a tendency needs it [m s-1]
    logical :: has_extra = .false.          !! X is not zero everywhere
  end type face_momentum_t

contains

  !> transport/sqrt(H), zero at faces without water.
  subroutine scaled_transports(grid, u, v, east, north)
    type(swe_grid_t), intent(in) :: grid
    real(wp), intent(in), contiguous :: u(1 - halo:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in), contiguous :: v(1 - halo:, 1 - halo:) !! [m2 s-1]
    type(face_momentum_t), intent(inout) :: east, north         !! `scaled` is set

    integer :: j, last

    last = grid%block%nx + 1
    !$omp parallel do
    do j = 0, grid%block%ny + 1
      call scale_row(last + 1, u(0:last, j), east%h(0:last, j), east%scaled(0:last, j))
      call scale_row(last + 1, v(0:last, j), north%h(0:last, j), north%scaled(0:last, j))
    end do
  end subroutine scaled_transports

  !> The same for one row of faces.
  pure subroutine scale_row(n, transport, h, scaled)
    integer, intent(in) :: n              !! faces
    real(wp), intent(in) :: transport(n)  !! [m2 s-1]
    real(wp), intent(in) :: h(n)          !! water depth [m]
    real(wp), intent(inout) :: scaled(n)  !! set [m3/2 s-1]

    integer :: i

    do i = 1, n
      scaled(i) = merge(transport(i), 0.0_wp, h(i) > 0.0_wp) &
        /sqrt(max(h(i), tiny(1.0_wp)))
    end do
  end subroutine scale_row

  !> F and the provisional transports at all faces of the block, halo faces 0 included.
  subroutine provisional_transports(grid, parameters, u, v, east, north)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: u(1 - halo:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in), contiguous :: v(1 - halo:, 1 - halo:) !! [m2 s-1]
    type(face_momentum_t), intent(inout) :: east, north !! `friction` and `star` are set

    real(wp), dimension(0:grid%block%nx) :: mean, cross
    integer :: i, j, nx

    nx = grid%block%nx
    !$omp parallel do private(i, mean, cross)
    do j = 0, grid%block%ny
      if (j > 0) then
        do i = 0, nx
          mean(i) = grid%mean_u(i, j)*((north%scaled(i, j) + north%scaled(i + 1, j)) &
            + (north%scaled(i, j - 1) + north%scaled(i + 1, j - 1)))
          cross(i) = -grid%share_u(i, j)*((north%slope(i, j) + north%slope(i + 1, j)) &
            + (north%slope(i, j - 1) + north%slope(i + 1, j - 1)))
        end do
        call provisional_row(parameters, grid%f_u(j), nx + 1, u(0:nx, j), mean, cross, &
          grid%open_u(0:nx, j), grid%drag_u(0:nx, j), east%h(0:nx, j), &
          east%slope(0:nx, j), east%extra(0:nx, j), east%friction(0:nx, j), &
          east%star(0:nx, j))
      end if
      do i = 1, nx
        mean(i) = -grid%mean_v(i, j)*((east%scaled(i, j) + east%scaled(i, j + 1)) &
          + (east%scaled(i - 1, j) + east%scaled(i - 1, j + 1)))
        cross(i) = grid%share_v(i, j)*((east%slope(i, j) + east%slope(i, j + 1)) &
          + (east%slope(i - 1, j) + east%slope(i - 1, j + 1)))
      end do
      call provisional_row(parameters, grid%f_v(j), nx, v(1:nx, j), mean(1:), cross(1:), &
        grid%open_v(1:nx, j), grid%drag_v(1:nx, j), north%h(1:nx, j), &
        north%slope(1:nx, j), north%extra(1:nx, j), north%friction(1:nx, j), &
        north%star(1:nx, j))
    end do
  end subroutine provisional_transports

  !> F and U* at the faces of one row. `mean` and `cross` carry the sign of the rotation:
  !> north of east is +, east of north is -.
  pure subroutine provisional_row(parameters, f, n, transport, mean, cross, open, drag, h, &
    slope, extra, friction, star)
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in) :: f               !! Coriolis parameter of the row [s-1]
    integer, intent(in) :: n                !! faces
    real(wp), intent(in) :: transport(n)    !! [m2 s-1]
    real(wp), intent(in) :: mean(n)         !! of the other scaled transport [m3/2 s-1]
    real(wp), intent(in) :: cross(n)        !! of the other slope [1]
    real(wp), intent(in) :: open(n)         !! 1 if the face is open
    real(wp), intent(in) :: drag(n)         !! cd or Manning's n
    real(wp), intent(in) :: h(n)            !! water depth [m]
    real(wp), intent(in) :: slope(n)        !! along the direction [1]
    real(wp), intent(in) :: extra(n)        !! other tendencies [m2 s-2]
    real(wp), intent(inout) :: friction(n)  !! set [1]
    real(wp), intent(inout) :: star(n)      !! set [m2 s-1]

    real(wp) :: across, cosine, cross_factor, slope_factor, sine
    integer :: i

    cosine = cos(f*parameters%dt)
    sine = sin(f*parameters%dt)
    cross_factor = parameters%gravity*frozen_rotation(f, parameters%dt)
    slope_factor = (1.0_wp - parameters%theta)*parameters%gravity*parameters%dt
    call friction_row(parameters, n, transport, mean, open, drag, h, friction)
    do i = 1, n
      across = sqrt(h(i))*mean(i)
      star(i) = friction(i)*(cosine*transport(i) + sine*across &
        + h(i)*(cross_factor*cross(i) - slope_factor*slope(i)) + parameters%dt*extra(i))
    end do
  end subroutine provisional_row

  !> F at the faces of one row: zero where a face is closed or has no water.
  pure subroutine friction_row(parameters, n, transport, mean, open, drag, h, friction)
    type(swe_parameters_t), intent(in) :: parameters
    integer, intent(in) :: n               !! faces
    real(wp), intent(in) :: transport(n)   !! [m2 s-1]
    real(wp), intent(in) :: mean(n)        !! of the other scaled transport [m3/2 s-1]
    real(wp), intent(in) :: open(n)        !! 1 if the face is open
    real(wp), intent(in) :: drag(n)        !! cd or Manning's n
    real(wp), intent(in) :: h(n)           !! water depth [m]
    real(wp), intent(inout) :: friction(n) !! set [1]

    real(wp) :: linear, speed, water
    integer :: i

    linear = 1.0_wp + parameters%dt*parameters%linear_drag
    select case (parameters%drag)
    case (drag_quadratic)
      do i = 1, n
        water = max(h(i), parameters%min_depth)
        speed = sqrt(transport(i)**2 + h(i)*mean(i)**2)
        ! One division: it and the roots are what this loop costs.
        friction(i) = merge(open(i)*water**2/(linear*water**2 + parameters%dt*drag(i) &
          *speed), 0.0_wp, h(i) > 0.0_wp)
      end do
    case (drag_manning)
      do i = 1, n
        water = max(h(i), parameters%min_depth)
        speed = sqrt(transport(i)**2 + h(i)*mean(i)**2)
        friction(i) = merge(open(i)/(linear + parameters%dt*parameters%gravity*drag(i)**2 &
          *speed/(water**2*cube_root(water))), 0.0_wp, h(i) > 0.0_wp)
      end do
    case default
      do i = 1, n
        friction(i) = merge(open(i)/linear, 0.0_wp, h(i) > 0.0_wp)
      end do
    end select
  end subroutine friction_row

  !> Of a positive number.
  elemental real(wp) function cube_root(x)
    real(wp), intent(in) :: x

    cube_root = exp(log(x)/3.0_wp)
  end function cube_root

  !> (1 - cos(f dt))/f [s], without loss of digits for small f dt.
  elemental real(wp) function frozen_rotation(f, dt)
    real(wp), intent(in) :: f  !! [s-1]
    real(wp), intent(in) :: dt !! [s]

    real(wp) :: half

    half = 0.5_wp*f*dt
    if (abs(half) < 1.0e-3_wp) then
      frozen_rotation = half*dt*(1.0_wp - half**2/3.0_wp)
    else
      frozen_rotation = 2.0_wp*sin(half)**2/f
    end if
  end function frozen_rotation

end module swe_momentum
