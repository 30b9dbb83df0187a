! SPDX-License-Identifier: MIT
!> Tangent-linear and adjoint of the two-level model: tendency and steps, by hand.
!>
!> With `S_k = sum_j z_{j,k}`, the advections `a(x)`, `a(z)` and the coupling weight
!> `g = h c/J` (mean) or `g = h c/b` (sum):
!> `fx_k = a_k(x) - x_k + F + b_k - g S_k`, `fz = c (b a(z) - z) + g x_k`.
!> Derivatives reach both states, the coefficients [F, h, c, b], in this order, and the
!> tendency added to x that is held through the steps.
!>
!> Adjoint arguments: `x_ad` and `z_ad` come in as the sensitivity to the result and go out
!> as that to the start; the others are set.
module lorenz96_two_level_linearised
  use kinds, only: wp
  use lorenz96_rings, only: fast_advection, fast_advection_ad, fast_advection_tl, &
    slow_advection, slow_advection_ad, slow_advection_tl
  use lorenz96_two_level, only: coupling_sum, two_level_t
  use runge_kutta, only: advance_ad, advance_tl, system_t
  implicit none
  private
  public :: two_level_tendency_tl, two_level_tendency_ad
  public :: two_level_advance_tl, two_level_advance_ad

  integer, parameter, public :: n_coefficients = 4 !! F, h, c, b
  integer, parameter :: at_f = 1, at_h = 2, at_c = 3, at_b = 4

  !> The equations of the state [x, z] with p = [added tendency (k), F, h, c, b].
  type, extends(system_t) :: rings_t
    type(two_level_t) :: model
  contains
    procedure :: tendency
    procedure :: tendency_tl
    procedure :: tendency_ad
  end type rings_t

contains

  !> Change of the tendency with the states and the coefficients.
  subroutine two_level_tendency_tl(model, x, z, x_tl, z_tl, coefficients_tl, dxdt_tl, &
    dzdt_tl)
    type(two_level_t), intent(in) :: model             !! parameters
    real(wp), intent(in), contiguous :: x(:, :)        !! slow state (k, member)
    real(wp), intent(in), contiguous :: z(:, :)        !! fast state (jk, member)
    real(wp), intent(in), contiguous :: x_tl(:, :)     !! change of x (k, member)
    real(wp), intent(in), contiguous :: z_tl(:, :)     !! change of z (jk, member)
    real(wp), intent(in), contiguous :: coefficients_tl(:, :) !! of F, h, c, b (i, member)
    real(wp), intent(out), contiguous :: dxdt_tl(:, :) !! change of dx/dt (k, member)
    real(wp), intent(out), contiguous :: dzdt_tl(:, :) !! change of dz/dt (jk, member)

    real(wp) :: f_tl(size(x, 1) + size(z, 1)), p(size(x, 1) + n_coefficients)
    real(wp) :: p_tl(size(x, 1) + n_coefficients)
    type(rings_t) :: rings
    integer :: m, n

    rings%model = model
    n = size(x, 1)
    p = parameters(model, [(0.0_wp, m=1, n)])
    p_tl = 0.0_wp
    do m = 1, size(x, 2)
      p_tl(n + 1:) = coefficients_tl(:, m)
      call rings%tendency_tl([x(:, m), z(:, m)], p, [x_tl(:, m), z_tl(:, m)], p_tl, f_tl)
      dxdt_tl(:, m) = f_tl(:n)
      dzdt_tl(:, m) = f_tl(n + 1:)
    end do
  end subroutine two_level_tendency_tl

  !> Transpose of `two_level_tendency_tl`.
  subroutine two_level_tendency_ad(model, x, z, dxdt_ad, dzdt_ad, x_ad, z_ad, &
    coefficients_ad)
    type(two_level_t), intent(in) :: model            !! parameters
    real(wp), intent(in), contiguous :: x(:, :)       !! slow state (k, member)
    real(wp), intent(in), contiguous :: z(:, :)       !! fast state (jk, member)
    real(wp), intent(in), contiguous :: dxdt_ad(:, :) !! sensitivity to dx/dt (k, member)
    real(wp), intent(in), contiguous :: dzdt_ad(:, :) !! sensitivity to dz/dt (jk, member)
    real(wp), intent(out), contiguous :: x_ad(:, :)   !! sensitivity to x (k, member)
    real(wp), intent(out), contiguous :: z_ad(:, :)   !! sensitivity to z (jk, member)
    real(wp), intent(out), contiguous :: coefficients_ad(:, :) !! to F, h, c, b (i, member)

    real(wp) :: p(size(x, 1) + n_coefficients), p_ad(size(x, 1) + n_coefficients)
    real(wp) :: s_ad(size(x, 1) + size(z, 1))
    type(rings_t) :: rings
    integer :: m, n

    rings%model = model
    n = size(x, 1)
    p = parameters(model, [(0.0_wp, m=1, n)])
    do m = 1, size(x, 2)
      p_ad = 0.0_wp
      call rings%tendency_ad([x(:, m), z(:, m)], p, [dxdt_ad(:, m), dzdt_ad(:, m)], s_ad, &
        p_ad)
      x_ad(:, m) = s_ad(:n)
      z_ad(:, m) = s_ad(n + 1:)
      coefficients_ad(:, m) = p_ad(n + 1:)
    end do
  end subroutine two_level_tendency_ad

  !> Advance both states and their changes together, `added` held throughout.
  subroutine two_level_advance_tl(model, x, z, dt, n_steps, added, x_tl, z_tl, &
    coefficients_tl, added_tl)
    type(two_level_t), intent(in) :: model            !! parameters
    real(wp), intent(inout), contiguous :: x(:, :)    !! slow state, advanced (k, member)
    real(wp), intent(inout), contiguous :: z(:, :)    !! fast state, advanced (jk, member)
    real(wp), intent(in) :: dt                        !! time step [1]
    integer, intent(in) :: n_steps                    !! number of steps
    real(wp), intent(in), contiguous :: added(:, :)   !! tendency of x (k, member)
    real(wp), intent(inout), contiguous :: x_tl(:, :) !! change of x (k, member)
    real(wp), intent(inout), contiguous :: z_tl(:, :) !! change of z (jk, member)
    real(wp), intent(in), contiguous :: coefficients_tl(:, :) !! of F, h, c, b (i, member)
    real(wp), intent(in), contiguous :: added_tl(:, :) !! change of `added` (k, member)

    real(wp), allocatable :: p(:, :), p_tl(:, :), s(:, :), s_tl(:, :)
    type(rings_t) :: rings
    integer :: m, n

    rings%model = model
    n = size(x, 1)
    s = stacked(x, z)
    s_tl = stacked(x_tl, z_tl)
    p_tl = stacked(added_tl, coefficients_tl)
    allocate (p, mold=p_tl)
    do m = 1, size(x, 2)
      p(:, m) = parameters(model, added(:, m))
    end do
    call advance_tl(rings, model%scheme, dt, n_steps, s, p, s_tl, p_tl)
    x = s(:n, :)
    z = s(n + 1:, :)
    x_tl = s_tl(:n, :)
    z_tl = s_tl(n + 1:, :)
  end subroutine two_level_advance_tl

  !> Transpose of the changes that `two_level_advance_tl` makes.
  subroutine two_level_advance_ad(model, x, z, dt, n_steps, added, x_ad, z_ad, &
    coefficients_ad, added_ad)
    type(two_level_t), intent(in) :: model            !! parameters
    real(wp), intent(in), contiguous :: x(:, :)       !! slow state at the start (k, member)
    real(wp), intent(in), contiguous :: z(:, :)
      !! fast state at the start (jk, member)
    real(wp), intent(in) :: dt                        !! time step [1]
    integer, intent(in) :: n_steps                    !! number of steps
    real(wp), intent(in), contiguous :: added(:, :)   !! tendency of x (k, member)
    real(wp), intent(inout), contiguous :: x_ad(:, :) !! sensitivity to x (k, member)
    real(wp), intent(inout), contiguous :: z_ad(:, :) !! sensitivity to z (jk, member)
    real(wp), intent(out), contiguous :: coefficients_ad(:, :) !! to F, h, c, b (i, member)
    real(wp), intent(out), contiguous :: added_ad(:, :) !! to `added` (k, member)

    real(wp), allocatable :: p(:, :), p_ad(:, :), s_ad(:, :)
    type(rings_t) :: rings
    integer :: m, n

    rings%model = model
    n = size(x, 1)
    allocate (p(n + n_coefficients, size(x, 2)))
    do m = 1, size(x, 2)
      p(:, m) = parameters(model, added(:, m))
    end do
    s_ad = stacked(x_ad, z_ad)
    allocate (p_ad, mold=p)
    p_ad = 0.0_wp
    call advance_ad(rings, model%scheme, dt, n_steps, stacked(x, z), p, s_ad, p_ad)
    x_ad = s_ad(:n, :)
    z_ad = s_ad(n + 1:, :)
    added_ad = p_ad(:n, :)
    coefficients_ad = p_ad(n + 1:, :)
  end subroutine two_level_advance_ad

  !> Two arrays above one another.
  pure function stacked(above, below) result(both)
    real(wp), intent(in) :: above(:, :) !! (i, member)
    real(wp), intent(in) :: below(:, :) !! (j, member)
    real(wp), allocatable :: both(:, :)

    allocate (both(size(above, 1) + size(below, 1), size(above, 2)))
    both(:size(above, 1), :) = above
    both(size(above, 1) + 1:, :) = below
  end function stacked

  !> p = [added tendency, F, h, c, b]
  pure function parameters(model, added) result(p)
    type(two_level_t), intent(in) :: model !! parameters
    real(wp), intent(in) :: added(:)       !! tendency of x (k)
    real(wp) :: p(size(added) + n_coefficients)

    p = [added, model%forcing, model%h, model%c, model%b]
  end function parameters

  !> Time derivative of one member.
  pure subroutine tendency(self, x, p, f)
    class(rings_t), intent(in) :: self
    real(wp), intent(in), contiguous :: x(:)  !! [x, z]
    real(wp), intent(in), contiguous :: p(:)  !! [added (k), F, h, c, b]
    real(wp), intent(out), contiguous :: f(:) !! [dx/dt, dz/dt]

    integer :: k, n

    n = self%model%n_sites
    call advect(self%model, x, f)
    f(n + 1:) = p(n + at_c)*(p(n + at_b)*f(n + 1:) - x(n + 1:))
    f(:n) = f(:n) - x(:n) + p(n + at_f) + p(:n)
    do k = 1, n
      associate (g => weight(self%model, p(n + 1:)), first => first_fast(self%model, k), &
        last => first_fast(self%model, k + 1) - 1)
        f(k) = f(k) - g*sum(x(first:last))
        f(first:last) = f(first:last) + g*x(k)
      end associate
    end do
  end subroutine tendency

  !> Change of the time derivative of one member.
  pure subroutine tendency_tl(self, x, p, x_tl, p_tl, f_tl)
    class(rings_t), intent(in) :: self
    real(wp), intent(in), contiguous :: x(:)     !! [x, z]
    real(wp), intent(in), contiguous :: p(:)     !! [added (k), F, h, c, b]
    real(wp), intent(in), contiguous :: x_tl(:)  !! change of [x, z]
    real(wp), intent(in), contiguous :: p_tl(:)  !! change of p
    real(wp), intent(out), contiguous :: f_tl(:) !! change of [dx/dt, dz/dt]

    real(wp) :: a(size(x)), g, g_tl
    integer :: first, k, last, n

    n = self%model%n_sites
    g = weight(self%model, p(n + 1:))
    g_tl = dot_product(weight_gradient(self%model, p(n + 1:)), p_tl(n + 1:))
    call advect(self%model, x, a)
    call advect_tl(self%model, x, x_tl, f_tl)
    f_tl(n + 1:) = p(n + at_c)*(p(n + at_b)*f_tl(n + 1:) - x_tl(n + 1:)) &
      + p_tl(n + at_c)*(p(n + at_b)*a(n + 1:) - x(n + 1:)) &
      + p(n + at_c)*p_tl(n + at_b)*a(n + 1:)
    f_tl(:n) = f_tl(:n) - x_tl(:n) + p_tl(n + at_f) + p_tl(:n)
    do k = 1, n
      first = first_fast(self%model, k)
      last = first_fast(self%model, k + 1) - 1
      f_tl(k) = f_tl(k) - g*sum(x_tl(first:last)) - g_tl*sum(x(first:last))
      f_tl(first:last) = f_tl(first:last) + g*x_tl(k) + g_tl*x(k)
    end do
  end subroutine tendency_tl

  !> Transpose of the change of the time derivative of one member.
  pure subroutine tendency_ad(self, x, p, f_ad, x_ad, p_ad)
    class(rings_t), intent(in) :: self
    real(wp), intent(in), contiguous :: x(:)       !! [x, z]
    real(wp), intent(in), contiguous :: p(:)       !! [added (k), F, h, c, b]
    real(wp), intent(in), contiguous :: f_ad(:)    !! sensitivity to [dx/dt, dz/dt]
    real(wp), intent(out), contiguous :: x_ad(:)   !! sensitivity to [x, z]
    real(wp), intent(inout), contiguous :: p_ad(:) !! sensitivity to p, added

    real(wp) :: a(size(x)), g, g_ad
    integer :: first, k, last, n

    n = self%model%n_sites
    g = weight(self%model, p(n + 1:))
    g_ad = 0.0_wp
    call advect(self%model, x, a)
    call advect_ad(self%model, x, f_ad, x_ad)
    x_ad(n + 1:) = p(n + at_c)*(p(n + at_b)*x_ad(n + 1:) - f_ad(n + 1:))
    x_ad(:n) = x_ad(:n) - f_ad(:n)
    do k = 1, n
      first = first_fast(self%model, k)
      last = first_fast(self%model, k + 1) - 1
      x_ad(k) = x_ad(k) + g*sum(f_ad(first:last))
      x_ad(first:last) = x_ad(first:last) - g*f_ad(k)
      g_ad = g_ad + x(k)*sum(f_ad(first:last)) - f_ad(k)*sum(x(first:last))
    end do
    p_ad(:n) = p_ad(:n) + f_ad(:n)
    p_ad(n + at_f) = p_ad(n + at_f) + sum(f_ad(:n))
    p_ad(n + at_c) = p_ad(n + at_c) &
      + dot_product(f_ad(n + 1:), p(n + at_b)*a(n + 1:) - x(n + 1:))
    p_ad(n + at_b) = p_ad(n + at_b) + p(n + at_c)*dot_product(f_ad(n + 1:), a(n + 1:))
    p_ad(n + 1:) = p_ad(n + 1:) + g_ad*weight_gradient(self%model, p(n + 1:))
  end subroutine tendency_ad

  !> Place in [x, z] of a site's first fast variable.
  pure integer function first_fast(model, k)
    type(two_level_t), intent(in) :: model !! sizes
    integer, intent(in) :: k               !! site

    first_fast = model%n_sites + (k - 1)*model%n_fast + 1
  end function first_fast

  !> The coupling weight g of coefficients q = [F, h, c, b].
  pure real(wp) function weight(model, q) result(g)
    type(two_level_t), intent(in) :: model !! form of the coupling
    real(wp), intent(in) :: q(:)           !! [F, h, c, b]

    if (model%coupling_form == coupling_sum) then
      g = q(at_h)*q(at_c)/q(at_b)
    else
      g = q(at_h)*q(at_c)/real(model%n_fast, wp)
    end if
  end function weight

  !> Its derivatives with respect to [F, h, c, b].
  pure function weight_gradient(model, q) result(gradient)
    type(two_level_t), intent(in) :: model !! form of the coupling
    real(wp), intent(in) :: q(:)           !! [F, h, c, b]
    real(wp) :: gradient(n_coefficients)

    if (model%coupling_form == coupling_sum) then
      gradient = [0.0_wp, q(at_c)/q(at_b), q(at_h)/q(at_b), -q(at_h)*q(at_c)/q(at_b)**2]
    else
      gradient = [0.0_wp, q(at_c), q(at_h), 0.0_wp]/real(model%n_fast, wp)
    end if
  end function weight_gradient

  !> Advection of both levels.
  pure subroutine advect(model, x, a)
    type(two_level_t), intent(in) :: model    !! sizes and closing of the rings
    real(wp), intent(in), contiguous :: x(:)  !! [x, z]
    real(wp), intent(out), contiguous :: a(:) !! advection of both

    integer :: first, last

    call slow_advection(x(:model%n_sites), a(:model%n_sites))
    do first = model%n_sites + 1, size(x), model%ring_length()
      last = first + model%ring_length() - 1
      call fast_advection(x(first:last), a(first:last))
    end do
  end subroutine advect

  !> Its derivative.
  pure subroutine advect_tl(model, x, x_tl, a_tl)
    type(two_level_t), intent(in) :: model       !! sizes and closing of the rings
    real(wp), intent(in), contiguous :: x(:)     !! [x, z]
    real(wp), intent(in), contiguous :: x_tl(:)  !! change of [x, z]
    real(wp), intent(out), contiguous :: a_tl(:) !! change of the advection

    integer :: first, last

    call slow_advection_tl(x(:model%n_sites), x_tl(:model%n_sites), a_tl(:model%n_sites))
    do first = model%n_sites + 1, size(x), model%ring_length()
      last = first + model%ring_length() - 1
      call fast_advection_tl(x(first:last), x_tl(first:last), a_tl(first:last))
    end do
  end subroutine advect_tl

  !> The derivative's transpose.
  pure subroutine advect_ad(model, x, a_ad, x_ad)
    type(two_level_t), intent(in) :: model       !! sizes and closing of the rings
    real(wp), intent(in), contiguous :: x(:)     !! [x, z]
    real(wp), intent(in), contiguous :: a_ad(:)  !! sensitivity to the advection
    real(wp), intent(out), contiguous :: x_ad(:) !! sensitivity to [x, z]

    integer :: first, last

    call slow_advection_ad(x(:model%n_sites), a_ad(:model%n_sites), x_ad(:model%n_sites))
    do first = model%n_sites + 1, size(x), model%ring_length()
      last = first + model%ring_length() - 1
      call fast_advection_ad(x(first:last), a_ad(first:last), x_ad(first:last))
    end do
  end subroutine advect_ad

end module lorenz96_two_level_linearised
