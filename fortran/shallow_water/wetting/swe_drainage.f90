! SPDX-License-Identifier: MIT
!> No cell gives away more water than it has.
!>
!> A step moves dt*((1 - theta)*U(n) + theta*U(n+1)) through a face. Two limits keep every
!> volume from falling below zero, and since both act on the transport of a face, which one
!> cell loses and the other gains, neither makes nor takes water:
!>
!> - before the step, the old transports through faces that have fallen dry are dropped, and
!>   those out of a cell are scaled so that their share 1 - theta leaves no less than none;
!> - after the solve, the new transports out of a cell are scaled where more left than the
!>   cell had and got. The solution of `swe_newton` has no such cell: what is left to scale
!>   is the solver's tolerance.
!>
!> In layers thinner than `thin_depth` the old velocity is bounded too: it is a quotient of
!> two small numbers, and a front of water moves less than a cell in a step.
module swe_drainage
  use swe_blocks, only: halo, lead
  use swe_exchange, only: exchange, global_maximum
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_parameters, only: swe_parameters_t
  use swe_rows, only: is_large
  implicit none
  private
  public :: clip_elevation, limit_new_transports, limit_old_transports

  integer, parameter :: max_passes = 10 !! of the second limit
  real(wp), parameter :: thin_courant = 0.5_wp
    !! largest velocity in thin layers [cells per step]

contains

  !> The first limit, on the transports of the faces 0:nx+1, 0:ny+1.
  subroutine limit_old_transports(grid, parameters, zeta, h_u, h_v, u, v, share)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: zeta(1 - lead:, 1 - halo:) !! [m]
    real(wp), intent(in), contiguous :: h_u(1 - lead:, 1 - halo:)  !! depth at faces [m]
    real(wp), intent(in), contiguous :: h_v(1 - lead:, 1 - halo:)  !! depth at faces [m]
    real(wp), intent(inout), contiguous :: u(1 - lead:, 1 - halo:) !! limited [m2 s-1]
    real(wp), intent(inout), contiguous :: v(1 - lead:, 1 - halo:) !! limited [m2 s-1]
    real(wp), intent(inout), contiguous :: share(1 - lead:, 1 - halo:)
      !! set: part of a cell's outflow that it can give [1]

    real(wp) :: before, volume
    integer :: i, j

    !$omp parallel do private(i) if (is_large(grid%block))
    do j = 0, grid%block%ny + 1
      do i = 0, grid%block%nx + 1
        u(i, j) = bounded(u(i, j), h_u(i, j), grid%open_u(i, j), grid%dx(j)/parameters%dt)
        v(i, j) = bounded(v(i, j), h_v(i, j), grid%open_v(i, j), grid%dy/parameters%dt)
      end do
    end do
    before = (1.0_wp - parameters%theta)*parameters%dt
    !$omp parallel do private(i, volume) if (is_large(grid%block))
    do j = 1, grid%block%ny
      do i = 1, grid%block%nx
        volume = grid%area(j)*max(0.0_wp, grid%depth(i, j) + zeta(i, j))
        share(i, j) = part(volume, before*outflow(grid, u, v, i, j), grid%water(i, j))
      end do
    end do
    call exchange(grid%block, share)
    call scale(grid, share, 1, u, v)

  contains

    !> A transport through a face: none if it is dry, not too fast if it is nearly so.
    pure real(wp) function bounded(transport, h, open, cell_speed)
      real(wp), intent(in) :: transport  !! [m2 s-1]
      real(wp), intent(in) :: h          !! [m]
      real(wp), intent(in) :: open       !! 1 at an open face
      real(wp), intent(in) :: cell_speed !! a cell in a step [m s-1]

      real(wp) :: most

      most = merge(thin_courant*h*cell_speed, huge(h), &
        h < parameters%thin_depth .and. open > 0.0_wp)
      bounded = merge(0.0_wp, max(-most, min(most, transport)), &
        open > 0.0_wp .and. .not. h > 0.0_wp)
    end function bounded

  end subroutine limit_old_transports

  !> The second limit, on the transports of the faces 0:nx, 0:ny.
  subroutine limit_new_transports(grid, parameters, zeta, u_old, v_old, u, v, share)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: zeta(1 - lead:, 1 - halo:)  !! old elevation [m]
    real(wp), intent(in), contiguous :: u_old(1 - lead:, 1 - halo:) !! limited [m2 s-1]
    real(wp), intent(in), contiguous :: v_old(1 - lead:, 1 - halo:) !! limited [m2 s-1]
    real(wp), intent(inout), contiguous :: u(1 - lead:, 1 - halo:)  !! limited [m2 s-1]
    real(wp), intent(inout), contiguous :: v(1 - lead:, 1 - halo:)  !! limited [m2 s-1]
    real(wp), intent(inout), contiguous :: share(1 - lead:, 1 - halo:) !! set, as above

    real(wp) :: least, volume, before, now
    integer :: i, j, pass

    before = (1.0_wp - parameters%theta)*parameters%dt
    now = parameters%theta*parameters%dt
    do pass = 1, max_passes
      least = 1.0_wp
      !$omp parallel do private(i, volume) reduction(min: least) if (is_large(grid%block))
      do j = 1, grid%block%ny
        do i = 1, grid%block%nx
          volume = grid%area(j)*(grid%depth(i, j) + zeta(i, j)) &
            - before*(outflow(grid, u_old, v_old, i, j) - inflow(grid, u_old, v_old, i, j))
          ! Inflow counts, though its giver may be limited in the next pass; in the last
          ! pass it does not, and the limit is sure.
          if (pass < max_passes) volume = volume + now*inflow(grid, u, v, i, j)
          share(i, j) = part(max(0.0_wp, volume), now*outflow(grid, u, v, i, j), &
            grid%water(i, j))
          least = min(least, share(i, j))
        end do
      end do
      if (.not. global_maximum(grid%block, 1.0_wp - least) > 0.0_wp) exit
      call exchange(grid%block, share)
      call scale(grid, share, 0, u, v)
    end do
  end subroutine limit_new_transports

  !> The part of an outflow that a volume can give.
  elemental real(wp) function part(volume, leaving, water)
    real(wp), intent(in) :: volume  !! [m3]
    real(wp), intent(in) :: leaving !! [m3]
    real(wp), intent(in) :: water   !! 0 where the elevation is prescribed

    part = merge(volume/max(leaving, volume, tiny(1.0_wp)), 1.0_wp, leaving > volume .and. &
      water > 0.0_wp)
  end function part

  !> What leaves a cell [m3 s-1].
  pure real(wp) function outflow(grid, u, v, i, j)
    type(swe_grid_t), intent(in) :: grid
    real(wp), intent(in), contiguous :: u(1 - lead:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in), contiguous :: v(1 - lead:, 1 - halo:) !! [m2 s-1]
    integer, intent(in) :: i, j

    outflow = grid%dy*(max(u(i, j), 0.0_wp) - min(u(i - 1, j), 0.0_wp)) &
      + grid%dx_v(j)*max(v(i, j), 0.0_wp) - grid%dx_v(j - 1)*min(v(i, j - 1), 0.0_wp)
  end function outflow

  !> What comes into a cell [m3 s-1].
  pure real(wp) function inflow(grid, u, v, i, j)
    type(swe_grid_t), intent(in) :: grid
    real(wp), intent(in), contiguous :: u(1 - lead:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in), contiguous :: v(1 - lead:, 1 - halo:) !! [m2 s-1]
    integer, intent(in) :: i, j

    inflow = grid%dy*(max(u(i - 1, j), 0.0_wp) - min(u(i, j), 0.0_wp)) &
      + grid%dx_v(j - 1)*max(v(i, j - 1), 0.0_wp) - grid%dx_v(j)*min(v(i, j), 0.0_wp)
  end function inflow

  !> Scale the transports by the share of the cell they come from.
  subroutine scale(grid, share, beyond, u, v)
    type(swe_grid_t), intent(in) :: grid
    real(wp), intent(in), contiguous :: share(1 - lead:, 1 - halo:) !! [1]
    integer, intent(in) :: beyond !! the last faces are nx + beyond, ny + beyond
    real(wp), intent(inout), contiguous :: u(1 - lead:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(inout), contiguous :: v(1 - lead:, 1 - halo:) !! [m2 s-1]

    integer :: i, j

    !$omp parallel do private(i) if (is_large(grid%block))
    do j = 0, grid%block%ny + beyond
      do i = 0, grid%block%nx + beyond
        u(i, j) = u(i, j)*merge(share(i, j), share(i + 1, j), u(i, j) > 0.0_wp)
        v(i, j) = v(i, j)*merge(share(i, j), share(i, j + 1), v(i, j) > 0.0_wp)
      end do
    end do
  end subroutine scale

  !> An elevation below the bed by rounding is at the bed.
  subroutine clip_elevation(grid, zeta)
    type(swe_grid_t), intent(in) :: grid
    real(wp), intent(inout), contiguous :: zeta(1 - lead:, 1 - halo:) !! [m]

    integer :: i, j

    !$omp parallel do private(i) if (is_large(grid%block))
    do j = 1, grid%block%ny
      do i = 1, grid%block%nx
        zeta(i, j) = merge(max(zeta(i, j), -grid%depth(i, j)), zeta(i, j), &
          grid%water(i, j) > 0.0_wp)
      end do
    end do
  end subroutine clip_elevation

end module swe_drainage
