! SPDX-License-Identifier: MIT
!> Many members of the two-level model at once: the inner loops run over members.
!>
!> As in `lorenz96_blocks`: x(k, member) and z(jk, member) are turned into full, padded
!> blocks (member, site), so that a member's bits do not depend on the ensemble around it.
module lorenz96_two_level_blocks
  use aligned, only: aligned_length, first_aligned
  use kinds, only: wp
  use schemes, only: scheme_rk4
  implicit none
  private
  public :: advance_blocks, rings_t

  integer, parameter, public :: block_size = 8 !! members in a block: z stays near the core

  !> Sizes and coefficients of the two rings.
  type :: rings_t
    integer :: n_sites          !! K
    integer :: n_fast           !! J
    integer :: ring_length      !! points after which z closes: J K, or J
    integer :: scheme           !! one of `schemes`
    real(wp) :: forcing         !! F [1]
    real(wp) :: c               !! ratio of the time scales [1]
    real(wp) :: bc              !! b c, weight of the fast advection [1]
    real(wp) :: slow_weight     !! dx_k/dt = ... - slow_weight sum_j z
    real(wp) :: fast_weight     !! dz/dt = ... + fast_weight x_k
  end type rings_t

contains

  !> Advance all members by `n_steps`, `added` held constant throughout.
  subroutine advance_blocks(x, z, dt, n_steps, rings, added)
    real(wp), intent(inout), contiguous :: x(:, :) !! slow state [1] (k, member)
    real(wp), intent(inout), contiguous :: z(:, :) !! fast state [1] (jk, member)
    real(wp), intent(in) :: dt                     !! time step [1]
    integer, intent(in) :: n_steps                 !! number of steps
    type(rings_t), intent(in) :: rings             !! the model
    real(wp), intent(in), contiguous, optional :: added(:, :) !! tendency of x (k, member)

    integer :: first

    !$omp parallel do schedule(static) if(size(x, 2) > block_size)
    do first = 1, size(x, 2), block_size
      call advance_block(first, x, z, dt, n_steps, rings, added)
    end do
    !$omp end parallel do
  end subroutine advance_blocks

  !> Advance the members `first` to `first + block_size - 1`.
  subroutine advance_block(first, x, z, dt, n_steps, rings, added)
    integer, intent(in) :: first                   !! first member of the block
    real(wp), intent(inout), contiguous :: x(:, :) !! slow state [1] (k, member)
    real(wp), intent(inout), contiguous :: z(:, :) !! fast state [1] (jk, member)
    real(wp), intent(in) :: dt                     !! time step [1]
    integer, intent(in) :: n_steps                 !! number of steps
    type(rings_t), intent(in) :: rings             !! the model
    real(wp), intent(in), contiguous, optional :: added(:, :) !! tendency of x (k, member)

    real(wp), allocatable, target :: work(:)
    integer :: i, n_slow, n_fast

    ! u, g, v, then three of each size for the step
    n_slow = block_size*size(x, 1)
    n_fast = block_size*size(z, 1)
    allocate (work(aligned_length(5*n_slow + 4*n_fast)))
    i = first_aligned(work)
    call march_block(first, size(x, 1), size(z, 1), x, z, dt, n_steps, rings, work(i), &
      work(i + n_slow), work(i + 2*n_slow), work(i + 2*n_slow + n_fast), added)
  end subroutine advance_block

  !> Copy members into a block, step it, and copy them back.
  subroutine march_block(first, n, nz, x, z, dt, n_steps, rings, u, g, v, work, added)
    integer, intent(in) :: first                   !! first member of the block
    integer, intent(in) :: n                       !! K
    integer, intent(in) :: nz                      !! J K
    real(wp), intent(inout), contiguous :: x(:, :) !! slow state [1] (k, member)
    real(wp), intent(inout), contiguous :: z(:, :) !! fast state [1] (jk, member)
    real(wp), intent(in) :: dt                     !! time step [1]
    integer, intent(in) :: n_steps                 !! number of steps
    type(rings_t), intent(in) :: rings             !! the model
    real(wp), intent(inout) :: u(block_size, n)    !! slow block
    real(wp), intent(inout) :: g(block_size, n)    !! F + added tendency
    real(wp), intent(inout) :: v(block_size, nz)   !! fast block
    real(wp), intent(inout) :: work(block_size*3*(n + nz)) !! for the step
    real(wp), intent(in), contiguous, optional :: added(:, :) !! tendency of x (k, member)

    integer :: i, last, m, slow, source

    last = min(block_size, size(x, 2) - first + 1)
    do m = 1, block_size
      source = merge(first + m - 1, first, m <= last)
      u(m, :) = x(:, source)
      v(m, :) = z(:, source)
      g(m, :) = rings%forcing
      if (present(added)) g(m, :) = rings%forcing + added(:, source)
    end do
    slow = 3*block_size*n
    do i = 1, n_steps
      if (rings%scheme == scheme_rk4) then
        call step_rk4(rings, n, nz, u, v, g, dt, work, work(slow + 1))
      else
        call step_euler(rings, n, nz, u, v, g, dt, work, work(slow + 1))
      end if
    end do
    do m = 1, last
      x(:, first + m - 1) = u(m, :)
      z(:, first + m - 1) = v(m, :)
    end do
  end subroutine march_block

  !> One classical Runge-Kutta step of a block.
  pure subroutine step_rk4(rings, n, nz, x, z, g, dt, work_x, work_z)
    type(rings_t), intent(in) :: rings                !! the model
    integer, intent(in) :: n                          !! K
    integer, intent(in) :: nz                         !! J K
    real(wp), intent(inout) :: x(block_size, n)       !! slow state
    real(wp), intent(inout) :: z(block_size, nz)      !! fast state
    real(wp), intent(in) :: g(block_size, n)          !! F + added tendency
    real(wp), intent(in) :: dt                        !! time step [1]

    real(wp), intent(inout) :: work_x(block_size, n, 3)
    real(wp), intent(inout) :: work_z(block_size, nz, 3)

    real(wp), parameter :: offset(4) = [0.0_wp, 0.5_wp, 0.5_wp, 1.0_wp] ! of the stages
    real(wp), parameter :: weight(4) = [1.0_wp, 2.0_wp, 2.0_wp, 1.0_wp]/6.0_wp
    integer :: stage

    associate (y => work_x(:, :, 1), fx => work_x(:, :, 2), total_x => work_x(:, :, 3), &
      w => work_z(:, :, 1), fz => work_z(:, :, 2), total_z => work_z(:, :, 3))
      call tendency(rings, n, nz, x, z, g, fx, fz)
      total_x = x + dt*weight(1)*fx
      total_z = z + dt*weight(1)*fz
      do stage = 2, 4
        y = x + dt*offset(stage)*fx
        w = z + dt*offset(stage)*fz
        call tendency(rings, n, nz, y, w, g, fx, fz)
        total_x = total_x + dt*weight(stage)*fx
        total_z = total_z + dt*weight(stage)*fz
      end do
      x = total_x
      z = total_z
    end associate
  end subroutine step_rk4

  !> One Euler step of a block.
  pure subroutine step_euler(rings, n, nz, x, z, g, dt, fx, fz)
    type(rings_t), intent(in) :: rings                !! the model
    integer, intent(in) :: n                          !! K
    integer, intent(in) :: nz                         !! J K
    real(wp), intent(inout) :: x(block_size, n)       !! slow state
    real(wp), intent(inout) :: z(block_size, nz)      !! fast state
    real(wp), intent(in) :: g(block_size, n)          !! F + added tendency
    real(wp), intent(in) :: dt                        !! time step [1]
    real(wp), intent(inout) :: fx(block_size, n)      !! work
    real(wp), intent(inout) :: fz(block_size, nz)     !! work

    call tendency(rings, n, nz, x, z, g, fx, fz)
    x = x + dt*fx
    z = z + dt*fz
  end subroutine step_euler

  !> Time derivative of both levels of a block.
  pure subroutine tendency(rings, n, nz, x, z, g, fx, fz)
    type(rings_t), intent(in) :: rings                !! the model
    integer, intent(in) :: n                          !! K
    integer, intent(in) :: nz                         !! J K
    real(wp), intent(in) :: x(block_size, n)          !! slow state
    real(wp), intent(in) :: z(block_size, nz)         !! fast state
    real(wp), intent(in) :: g(block_size, n)          !! F + added tendency
    real(wp), intent(out) :: fx(block_size, n)        !! dx/dt
    real(wp), intent(out) :: fz(block_size, nz)       !! dz/dt

    real(wp) :: total(block_size)
    integer :: back, first, i, j, k, last, m, next, next2

    first = 1
    do k = 1, n
      total = 0.0_wp
      do j = 1, rings%n_fast
        ! Neighbours on the ring `first` to `last`; divisions would cost more than the rest.
        i = (k - 1)*rings%n_fast + j
        if (i == first + rings%ring_length) first = i
        last = first + rings%ring_length - 1
        back = merge(last, i - 1, i == first)
        next = merge(first, i + 1, i == last)
        next2 = merge(i + 2 - rings%ring_length, i + 2, i + 2 > last)
        !$omp simd
        do m = 1, block_size
          total(m) = total(m) + z(m, i)
          fz(m, i) = rings%bc*(z(m, next)*(z(m, back) - z(m, next2))) - rings%c*z(m, i) &
            + rings%fast_weight*x(m, k)
        end do
      end do
      back = 1 + modulo(k - 2, n)
      next = 1 + modulo(k, n)
      next2 = 1 + modulo(k - 3, n)
      !$omp simd
      do m = 1, block_size
        fx(m, k) = x(m, back)*(x(m, next) - x(m, next2)) - x(m, k) + g(m, k) &
          - rings%slow_weight*total(m)
      end do
    end do
  end subroutine tendency

end module lorenz96_two_level_blocks
