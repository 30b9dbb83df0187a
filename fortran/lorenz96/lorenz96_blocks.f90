! SPDX-License-Identifier: MIT
!> Many members of the one-level model at once: the inner loops run over members.
!>
!> The state x(k, member) is turned, block by block, into local arrays (member, k) that stay
!> in the first-level cache for as many steps as are asked for. A block is always full: the
!> last one is padded with copies of its first member, so that every member goes through the
!> same instructions and its bits depend neither on the size of the ensemble nor on the
!> number of threads.
module lorenz96_blocks
  use kinds, only: wp
  use schemes, only: scheme_rk4
  implicit none
  private
  public :: advance_blocks

  integer, parameter, public :: block_size = 16 !! members in a block

contains

  !> Advance all members by `n_steps`, `b` held constant throughout.
  subroutine advance_blocks(x, dt, n_steps, forcing, scheme, b)
    real(wp), intent(inout), contiguous :: x(:, :) !! state [1] (k, member)
    real(wp), intent(in) :: dt      !! time step [1]
    integer, intent(in) :: n_steps  !! number of steps
    real(wp), intent(in) :: forcing !! F [1]
    integer, intent(in) :: scheme   !! one of `schemes`
    real(wp), intent(in), contiguous, optional :: b(:, :) !! added tendency (k, member)

    integer :: first

    !$omp parallel do schedule(static) if(size(x, 2) > block_size)
    do first = 1, size(x, 2), block_size
      call advance_block(first, size(x, 1), x, dt, n_steps, forcing, scheme, b)
    end do
    !$omp end parallel do
  end subroutine advance_blocks

  !> Advance the members `first` to `first + block_size - 1`.
  subroutine advance_block(first, n, x, dt, n_steps, forcing, scheme, b)
    integer, intent(in) :: first    !! first member of the block
    integer, intent(in) :: n        !! K
    real(wp), intent(inout), contiguous :: x(:, :) !! state [1] (k, member)
    real(wp), intent(in) :: dt      !! time step [1]
    integer, intent(in) :: n_steps  !! number of steps
    real(wp), intent(in) :: forcing !! F [1]
    integer, intent(in) :: scheme   !! one of `schemes`
    real(wp), intent(in), contiguous, optional :: b(:, :) !! added tendency (k, member)

    real(wp) :: y(block_size, -1:n + 1) ! the block with a halo
    real(wp) :: g(block_size, n)        ! F + b
    integer :: i, k, m, source

    do m = 1, block_size
      source = merge(first + m - 1, first, first + m - 1 <= size(x, 2))
      do k = 1, n
        y(m, k) = x(k, source)
      end do
      g(m, :) = forcing
      if (present(b)) g(m, :) = forcing + b(:, source)
    end do
    do i = 1, n_steps
      if (scheme == scheme_rk4) then
        call step_rk4(n, y, g, dt)
      else
        call step_euler(n, y, g, dt)
      end if
    end do
    do m = 1, min(block_size, size(x, 2) - first + 1)
      do k = 1, n
        x(k, first + m - 1) = y(m, k)
      end do
    end do
  end subroutine advance_block

  !> One classical Runge-Kutta step of a block.
  pure subroutine step_rk4(n, x, g, dt)
    integer, intent(in) :: n                                !! K
    real(wp), intent(inout) :: x(block_size, -1:n + 1)      !! state with halo
    real(wp), intent(in) :: g(block_size, n)                !! F + b
    real(wp), intent(in) :: dt                              !! time step [1]

    real(wp) :: y(block_size, -1:n + 1), w(block_size, -1:n + 1), total(block_size, n)
    real(wp) :: f, half, third, sixth
    integer :: k, m

    half = dt/2.0_wp
    third = dt/3.0_wp
    sixth = dt/6.0_wp
    call close_ring(n, x)
    do k = 1, n
      !$omp simd
      do m = 1, block_size
        f = x(m, k - 1)*(x(m, k + 1) - x(m, k - 2)) - x(m, k) + g(m, k)
        y(m, k) = x(m, k) + half*f
        total(m, k) = x(m, k) + sixth*f
      end do
    end do
    call close_ring(n, y)
    do k = 1, n
      !$omp simd
      do m = 1, block_size
        f = y(m, k - 1)*(y(m, k + 1) - y(m, k - 2)) - y(m, k) + g(m, k)
        w(m, k) = x(m, k) + half*f
        total(m, k) = total(m, k) + third*f
      end do
    end do
    call close_ring(n, w)
    do k = 1, n
      !$omp simd
      do m = 1, block_size
        f = w(m, k - 1)*(w(m, k + 1) - w(m, k - 2)) - w(m, k) + g(m, k)
        y(m, k) = x(m, k) + dt*f
        total(m, k) = total(m, k) + third*f
      end do
    end do
    call close_ring(n, y)
    do k = 1, n
      !$omp simd
      do m = 1, block_size
        f = y(m, k - 1)*(y(m, k + 1) - y(m, k - 2)) - y(m, k) + g(m, k)
        x(m, k) = total(m, k) + sixth*f
      end do
    end do
  end subroutine step_rk4

  !> One Euler step of a block.
  pure subroutine step_euler(n, x, g, dt)
    integer, intent(in) :: n                           !! K
    real(wp), intent(inout) :: x(block_size, -1:n + 1) !! state with halo
    real(wp), intent(in) :: g(block_size, n)           !! F + b
    real(wp), intent(in) :: dt                         !! time step [1]

    real(wp) :: f(block_size, n)
    integer :: k, m

    call close_ring(n, x)
    do k = 1, n
      !$omp simd
      do m = 1, block_size
        f(m, k) = x(m, k - 1)*(x(m, k + 1) - x(m, k - 2)) - x(m, k) + g(m, k)
      end do
    end do
    x(:, 1:n) = x(:, 1:n) + dt*f
  end subroutine step_euler

  !> Repeat the ends of the ring beyond one another.
  pure subroutine close_ring(n, x)
    integer, intent(in) :: n                           !! K
    real(wp), intent(inout) :: x(block_size, -1:n + 1) !! block

    x(:, -1:0) = x(:, n - 1:n)
    x(:, n + 1) = x(:, 1)
  end subroutine close_ring

end module lorenz96_blocks
