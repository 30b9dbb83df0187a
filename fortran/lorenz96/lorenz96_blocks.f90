! SPDX-License-Identifier: MIT
!> Many members of the one-level model at once: the inner loops run over members.
!>
!> The state x(k, member) is turned, block by block, into local arrays (member, k) that stay
!> in the first-level cache for as many steps as are asked for. A block is always full: the
!> last one is padded with copies of its first member, so that every member goes through the
!> same instructions and its bits depend neither on the size of the ensemble nor on the
!> number of threads.
module lorenz96_blocks
  use aligned, only: aligned_length, first_aligned
  use kinds, only: wp
  use lorenz96_kernel, only: after, before, block_size, close_ring, step_rk4
  use schemes, only: scheme_rk4
  implicit none
  private
  public :: advance_blocks

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
      call advance_block(first, x, dt, n_steps, forcing, scheme, b)
    end do
    !$omp end parallel do
  end subroutine advance_blocks

  !> Advance the members `first` to `first + block_size - 1`.
  subroutine advance_block(first, x, dt, n_steps, forcing, scheme, b)
    integer, intent(in) :: first    !! first member of the block
    real(wp), intent(inout), contiguous :: x(:, :) !! state [1] (k, member)
    real(wp), intent(in) :: dt      !! time step [1]
    integer, intent(in) :: n_steps  !! number of steps
    real(wp), intent(in) :: forcing !! F [1]
    integer, intent(in) :: scheme   !! one of `schemes`
    real(wp), intent(in), contiguous, optional :: b(:, :) !! added tendency (k, member)

    real(wp), allocatable, target :: work(:)
    integer :: length, start

    length = block_size*(before + 1 + size(x, 1) + after)
    allocate (work(aligned_length(4*length)))
    start = first_aligned(work)
    call fill_block(first, size(x, 1), x, dt, forcing, work(start), work(start + length), b)
    call march_block(size(x, 1), dt, n_steps, scheme, work(start), work(start + length), &
      work(start + 2*length), work(start + 3*length))
    call empty_block(first, size(x, 1), x, work(start))
  end subroutine advance_block

  !> Copy members into a block.
  subroutine fill_block(first, n, x, dt, forcing, y, hg, b)
    integer, intent(in) :: first                               !! first member of the block
    integer, intent(in) :: n                                   !! K
    real(wp), intent(in), contiguous :: x(:, :)                !! state [1] (k, member)
    real(wp), intent(in) :: dt                                 !! time step [1]
    real(wp), intent(in) :: forcing                            !! F [1]
    real(wp), intent(out) :: y(block_size, -before:n + after)  !! the members, with halo
    real(wp), intent(out) :: hg(block_size, -before:n + after) !! dt/2 (F + b)
    real(wp), intent(in), contiguous, optional :: b(:, :)      !! added tendency (k, member)

    integer :: k, m, source

    hg = dt/2.0_wp*forcing
    do m = 1, block_size
      source = merge(first + m - 1, first, first + m - 1 <= size(x, 2))
      do k = 1, n
        y(m, k) = x(k, source)
      end do
      if (present(b)) hg(m, 1:n) = dt/2.0_wp*(forcing + b(:, source))
    end do
    call close_ring(n, hg)
  end subroutine fill_block

  !> Step a block.
  pure subroutine march_block(n, dt, n_steps, scheme, y, hg, work1, work2)
    integer, intent(in) :: n                                    !! K
    real(wp), intent(in) :: dt                                  !! time step [1]
    integer, intent(in) :: n_steps                              !! number of steps
    integer, intent(in) :: scheme                               !! one of `schemes`
    real(wp), intent(inout) :: y(block_size, -before:n + after) !! the members
    real(wp), intent(in) :: hg(block_size, -before:n + after)   !! dt/2 (F + b)
    real(wp), intent(inout) :: work1(block_size, -before:n + after)
    real(wp), intent(inout) :: work2(block_size, -before:n + after)

    integer :: i

    do i = 1, n_steps
      if (scheme == scheme_rk4) then
        call step_rk4(n, y, hg, dt, work1, work2)
      else
        call step_euler(n, y, hg, dt, work1)
      end if
    end do
  end subroutine march_block

  !> Copy members back from a block; its padding is dropped.
  subroutine empty_block(first, n, x, y)
    integer, intent(in) :: first                              !! first member of the block
    integer, intent(in) :: n                                  !! K
    real(wp), intent(inout), contiguous :: x(:, :)            !! state [1] (k, member)
    real(wp), intent(in) :: y(block_size, -before:n + after)  !! the members

    integer :: k, m

    do m = 1, min(block_size, size(x, 2) - first + 1)
      do k = 1, n
        x(k, first + m - 1) = y(m, k)
      end do
    end do
  end subroutine empty_block

  !> One Euler step of a block.
  pure subroutine step_euler(n, x, hg, dt, f)
    integer, intent(in) :: n                                    !! K
    real(wp), intent(inout) :: x(block_size, -before:n + after) !! state with halo
    real(wp), intent(in) :: hg(block_size, -before:n + after)   !! dt/2 (F + b)
    real(wp), intent(in) :: dt                                  !! time step [1]
    real(wp), intent(inout) :: f(block_size, -before:n + after) !! work

    integer :: k, m

    x(:, -1:0) = x(:, n - 1:n)
    x(:, n + 1) = x(:, 1)
    do k = 1, n
      !$omp simd
      do m = 1, block_size
        f(m, k) = dt*(x(m, k - 1)*(x(m, k + 1) - x(m, k - 2)) - x(m, k)) + 2.0_wp*hg(m, k)
      end do
    end do
    x(:, 1:n) = x(:, 1:n) + f(:, 1:n)
  end subroutine step_euler

end module lorenz96_blocks
