! SPDX-License-Identifier: MIT
!> Lorenz-96 with two levels: K slow sites, each with J fast ones; ensembles in one array.
!>
!> `dx_k/dt = -x_{k-1} (x_{k-2} - x_{k+1}) - x_k + F - h c mean_j z_{j,k}`,
!> `(1/c) dz_j/dt = -b z_{j+1} (z_{j+2} - z_{j-1}) - z_j + (h/J) x_k`,
!> all dimensionless. The fast variables form one ring of J K points (the default), or close
!> inside each site (`wrap_sites`). Lorenz (1996), "Predictability: a problem partly
!> solved", equations 3.2 and 3.3, has the coupling as a sum: `-(h c/b) sum_j z` and `+(h
!> c/b) x_k`; `coupling_sum` selects it. Wilks (2005), doi:10.1256/qj.04.03, has it too.
!>
!> z(jk, member): j is fastest, jk = j + J (k - 1).
module lorenz96_two_level
  use failures, only: err_argument, err_shape, fail, succeed
  use kinds, only: wp
  use lorenz96, only: max_sites, min_sites
  use lorenz96_rings, only: fast_advection, slow_advection
  use lorenz96_two_level_blocks, only: advance_blocks, rings_t
  use schemes, only: scheme_rk4
  implicit none
  private
  public :: two_level_t

  integer, parameter, public :: wrap_ring = 1  !! z closes over all J K points
  integer, parameter, public :: wrap_sites = 2 !! z closes inside each site
  integer, parameter, public :: coupling_mean = 1 !! -h c mean_j z, c (h/J) x
  integer, parameter, public :: coupling_sum = 2  !! -(h c/b) sum_j z, (h c/b) x

  !> Parameters of the model. The state belongs to the caller.
  type :: two_level_t
    integer :: n_sites = 36              !! K
    integer :: n_fast = 10               !! J
    real(wp) :: forcing = 10.0_wp        !! F [1]
    real(wp) :: h = 1.0_wp               !! coupling strength [1]
    real(wp) :: c = 10.0_wp              !! ratio of the time scales [1]
    real(wp) :: b = 10.0_wp              !! ratio of the amplitudes [1]
    integer :: wrap = wrap_ring          !! wrap_*
    integer :: coupling_form = coupling_mean !! coupling_*
    integer :: scheme = scheme_rk4       !! one of `schemes`
  contains
    procedure :: setup
    procedure :: tendency
    procedure :: coupling
    procedure :: step
    procedure :: hold
    procedure :: advance
    procedure :: check_state
    procedure :: slow_weight
    procedure :: fast_weight
    procedure :: ring_length
  end type two_level_t

contains

  !> Set the parameters and check them.
  subroutine setup(self, n_sites, n_fast, forcing, h, c, b, wrap, coupling_form, scheme, &
    stat, errmsg)
    class(two_level_t), intent(inout) :: self
    integer, intent(in) :: n_sites !! K, at least 4
    integer, intent(in) :: n_fast  !! J, at least 1; at least 4 if z closes inside sites
    real(wp), intent(in) :: forcing !! F [1]
    real(wp), intent(in) :: h      !! coupling strength [1]
    real(wp), intent(in) :: c      !! ratio of the time scales [1]
    real(wp), intent(in) :: b      !! ratio of the amplitudes [1], not zero
    integer, intent(in), optional :: wrap          !! wrap_*, one ring if absent
    integer, intent(in), optional :: coupling_form !! coupling_*, the mean if absent
    integer, intent(in), optional :: scheme
      !! one of `schemes`, Runge-Kutta if absent
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=96) :: text

    self%wrap = wrap_ring
    if (present(wrap)) self%wrap = wrap
    self%coupling_form = coupling_mean
    if (present(coupling_form)) self%coupling_form = coupling_form
    self%scheme = scheme_rk4
    if (present(scheme)) self%scheme = scheme
    text = ""
    if (n_sites < min_sites) then
      write (text, "(a, i0)") "'n_sites' must be at least 4, found ", n_sites
    else if (n_sites > max_sites/max(1, n_fast)) then
      write (text, "(2(a, i0))") "'n_sites' times 'n_fast' must be at most ", max_sites, &
        ", found n_sites = ", n_sites
    else if (n_fast < 1) then
      write (text, "(a, i0)") "'n_fast' must be at least 1, found ", n_fast
    else if (self%wrap == wrap_sites .and. n_fast < min_sites) then
      write (text, "(a, i0)") &
        "'n_fast' must be at least 4 if z closes inside each site, found ", n_fast
    else if (.not. abs(b) > 0.0_wp) then
      text = "'b' must not be zero"
    end if
    if (text /= "") then
      call fail(err_argument, "lorenz96_two_level: "//trim(text), stat, errmsg)
      return
    end if
    self%n_sites = n_sites
    self%n_fast = n_fast
    self%forcing = forcing
    self%h = h
    self%c = c
    self%b = b
    call succeed(stat)
  end subroutine setup

  !> g in dx_k/dt = ... - g sum_j z_{j,k}.
  pure real(wp) function slow_weight(self) result(g)
    class(two_level_t), intent(in) :: self

    if (self%coupling_form == coupling_sum) then
      g = self%h*self%c/self%b
    else
      g = self%h*self%c/real(self%n_fast, wp)
    end if
  end function slow_weight

  !> g in dz_{j,k}/dt = ... + g x_k.
  pure real(wp) function fast_weight(self) result(g)
    class(two_level_t), intent(in) :: self

    ! Both forms are symmetric: the energy that x gives away is what z receives.
    g = self%slow_weight()
  end function fast_weight

  !> Points after which the fast ring closes.
  pure integer function ring_length(self)
    class(two_level_t), intent(in) :: self

    ring_length = self%n_fast
    if (self%wrap == wrap_ring) ring_length = self%n_fast*self%n_sites
  end function ring_length

  !> Time derivative of both levels.
  subroutine tendency(self, x, z, dxdt, dzdt)
    class(two_level_t), intent(in) :: self
    real(wp), intent(in), contiguous :: x(:, :)     !! slow state [1] (k, member)
    real(wp), intent(in), contiguous :: z(:, :)     !! fast state [1] (jk, member)
    real(wp), intent(out), contiguous :: dxdt(:, :) !! derivative of x [1] (k, member)
    real(wp), intent(out), contiguous :: dzdt(:, :) !! derivative of z [1] (jk, member)

    integer :: first, k, length, m

    call self%coupling(z, dxdt)
    length = self%ring_length()
    do m = 1, size(x, 2)
      add_slow: block
        real(wp) :: a(size(x, 1))
        call slow_advection(x(:, m), a)
        dxdt(:, m) = dxdt(:, m) + (a - x(:, m) + self%forcing)
      end block add_slow
      do first = 1, size(z, 1), length
        call fast_advection(z(first:first + length - 1, m), &
          dzdt(first:first + length - 1, m))
      end do
      dzdt(:, m) = self%c*(self%b*dzdt(:, m) - z(:, m))
      do k = 1, self%n_sites
        first = (k - 1)*self%n_fast + 1
        dzdt(first:first + self%n_fast - 1, m) = dzdt(first:first + self%n_fast - 1, m) &
          + self%fast_weight()*x(k, m)
      end do
    end do
  end subroutine tendency

  !> What the unresolved level adds to dx/dt: -h c mean_j z, or -(h c/b) sum_j z.
  subroutine coupling(self, z, b)
    class(two_level_t), intent(in) :: self
    real(wp), intent(in), contiguous :: z(:, :)  !! fast state [1] (jk, member)
    real(wp), intent(out), contiguous :: b(:, :) !! tendency of x [1] (k, member)

    integer :: k, m

    do m = 1, size(z, 2)
      do k = 1, self%n_sites
        b(k, m) = -self%slow_weight()*sum(z((k - 1)*self%n_fast + 1:k*self%n_fast, m))
      end do
    end do
  end subroutine coupling

  !> Advance the ensemble by one step; `added` is held through the stages.
  subroutine step(self, x, z, dt, added)
    class(two_level_t), intent(in) :: self
    real(wp), intent(inout), contiguous :: x(:, :) !! slow state [1] (k, member)
    real(wp), intent(inout), contiguous :: z(:, :) !! fast state [1] (jk, member)
    real(wp), intent(in) :: dt                     !! time step [1]
    real(wp), intent(in), contiguous, optional :: added(:, :) !! tendency of x (k, member)

    call advance_blocks(x, z, dt, 1, coefficients(self), added)
  end subroutine step

  !> Advance the ensemble by many steps, `added` held throughout.
  subroutine hold(self, x, z, dt, n_steps, added)
    class(two_level_t), intent(in) :: self
    real(wp), intent(inout), contiguous :: x(:, :)  !! slow state [1] (k, member)
    real(wp), intent(inout), contiguous :: z(:, :)  !! fast state [1] (jk, member)
    real(wp), intent(in) :: dt                      !! time step [1]
    integer, intent(in) :: n_steps                  !! number of steps
    real(wp), intent(in), contiguous :: added(:, :) !! tendency of x [1] (k, member)

    call advance_blocks(x, z, dt, n_steps, coefficients(self), added)
  end subroutine hold

  !> Advance the ensemble by many steps.
  subroutine advance(self, x, z, dt, n_steps, stat, errmsg)
    class(two_level_t), intent(in) :: self
    real(wp), intent(inout), contiguous :: x(:, :) !! slow state [1] (k, member)
    real(wp), intent(inout), contiguous :: z(:, :) !! fast state [1] (jk, member)
    real(wp), intent(in) :: dt                     !! time step [1]
    integer, intent(in) :: n_steps                 !! number of steps
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call self%check_state(x, z, stat, errmsg)
    if (present(stat)) then
      if (stat /= 0) return
    end if
    call advance_blocks(x, z, dt, n_steps, coefficients(self))
  end subroutine advance

  !> Refuse arrays whose extents do not fit the model or each other.
  subroutine check_state(self, x, z, stat, errmsg)
    class(two_level_t), intent(in) :: self
    real(wp), intent(in), contiguous :: x(:, :) !! slow state [1] (k, member)
    real(wp), intent(in), contiguous :: z(:, :) !! fast state [1] (jk, member)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=128) :: text

    call succeed(stat)
    text = ""
    if (size(x, 1) /= self%n_sites) then
      write (text, "(a, i0, a, i0)") "'x' has ", size(x, 1), " sites, expected ", &
        self%n_sites
    else if (size(z, 1) /= self%n_sites*self%n_fast) then
      write (text, "(a, i0, a, i0)") "'z' has ", size(z, 1), " sites, expected ", &
        self%n_sites*self%n_fast
    else if (size(z, 2) /= size(x, 2)) then
      write (text, "(a, i0, a, i0)") "'z' has ", size(z, 2), " members, 'x' has ", &
        size(x, 2)
    end if
    if (text /= "") call fail(err_shape, "lorenz96_two_level: "//trim(text), stat, errmsg)
  end subroutine check_state

  !> What the blocks need to know of the model.
  pure type(rings_t) function coefficients(self) result(rings)
    class(two_level_t), intent(in) :: self

    rings = rings_t(n_sites=self%n_sites, n_fast=self%n_fast, &
      ring_length=self%ring_length(), scheme=self%scheme, forcing=self%forcing, &
      c=self%c, bc=self%b*self%c, slow_weight=self%slow_weight(), &
      fast_weight=self%fast_weight())
  end function coefficients

end module lorenz96_two_level
