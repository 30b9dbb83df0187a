! SPDX-License-Identifier: MIT
!> The exact tide of a channel, closed at x = 0, that a Kelvin wave enters.
!>
!> All fields are real parts of something times exp(-i w t). In a channel 0 < y < W
!>
!>     incoming   exp(f (y - W)/c) exp(-i k x)       k = w/c, c = sqrt(g D)
!>     outgoing   exp(-f y/c) exp(i k x)
!>     Poincare   (cos(l y) - i f s/(w l) sin(l y)) exp(-s x)
!>                l = n pi/W, s**2 = l**2 - (w**2 - f**2)/c**2 > 0
!>
!> all keep V = 0 at the walls. Amplitudes make U = 0 at even points of x = 0
!> (collocation).
module taylor_problem
  use swe_kinds, only: wp
  implicit none
  private
  public :: taylor_problem_t

  integer, parameter :: n_modes = 40
  complex(wp), parameter :: imaginary = (0.0_wp, 1.0_wp)

  !> The problem and its amplitudes; the incoming wave is 1 m at the wall.
  type :: taylor_problem_t
    real(wp) :: width = 0.0_wp, celerity = 0.0_wp, f = 0.0_wp, omega = 0.0_wp
    real(wp) :: gravity = 0.0_wp
    complex(wp) :: amplitudes(0:n_modes) = 0.0_wp !! of the outgoing wave and the modes
  contains
    procedure :: setup
    procedure :: zeta
    procedure :: u
    procedure :: v
    procedure, private :: fields_of
    procedure, private :: total
  end type taylor_problem_t

contains

  !> Find the amplitudes.
  subroutine setup(self, width, depth, f, omega, gravity)
    class(taylor_problem_t), intent(inout) :: self
    real(wp), intent(in) :: width   !! of the channel [m]
    real(wp), intent(in) :: depth   !! [m]
    real(wp), intent(in) :: f       !! [s-1]
    real(wp), intent(in) :: omega   !! of the tide [s-1]
    real(wp), intent(in) :: gravity !! [m s-2]

    complex(wp) :: matrix(0:n_modes, 0:n_modes + 1), fields(3)
    real(wp) :: y
    integer :: m, n

    self%width = width
    self%celerity = sqrt(gravity*depth)
    self%f = f
    self%omega = omega
    self%gravity = gravity
    do m = 0, n_modes
      y = width*(m + 0.5_wp)/(n_modes + 1)
      do n = 0, n_modes
        fields = self%fields_of(n, 0.0_wp, y)
        matrix(m, n) = fields(2)
      end do
      fields = self%fields_of(-1, 0.0_wp, y)
      matrix(m, n_modes + 1) = -fields(2)
    end do
    self%amplitudes = solution_of(matrix)
  end subroutine setup

  !> Elevation [m].
  complex(wp) function zeta(self, x, y)
    class(taylor_problem_t), intent(in) :: self
    real(wp), intent(in) :: x, y !! [m]

    zeta = self%total(1, x, y)
  end function zeta

  !> Velocity along the channel [m s-1].
  complex(wp) function u(self, x, y)
    class(taylor_problem_t), intent(in) :: self
    real(wp), intent(in) :: x, y !! [m]

    u = self%total(2, x, y)
  end function u

  !> Velocity across the channel [m s-1].
  complex(wp) function v(self, x, y)
    class(taylor_problem_t), intent(in) :: self
    real(wp), intent(in) :: x, y !! [m]

    v = self%total(3, x, y)
  end function v

  !> Sum of all waves, of one field.
  complex(wp) function total(self, field, x, y)
    class(taylor_problem_t), intent(in) :: self
    integer, intent(in) :: field !! 1: zeta, 2: u, 3: v
    real(wp), intent(in) :: x, y

    complex(wp) :: fields(3)
    integer :: n

    fields = self%fields_of(-1, x, y)
    total = fields(field)
    do n = 0, n_modes
      fields = self%fields_of(n, x, y)
      total = total + self%amplitudes(n)*fields(field)
    end do
  end function total

  !> zeta, u, v of wave n: -1 the incoming, 0 the outgoing Kelvin wave, else a mode.
  pure function fields_of(self, n, x, y) result(fields)
    class(taylor_problem_t), intent(in) :: self
    integer, intent(in) :: n
    real(wp), intent(in) :: x, y
    complex(wp) :: fields(3)

    complex(wp) :: b, fading
    real(wp) :: l, s

    select case (n)
    case (-1)
      fields(1) = exp(self%f*(y - self%width)/self%celerity - imaginary*self%omega*x &
        /self%celerity)
      fields(2:3) = [-self%gravity/self%celerity*fields(1), (0.0_wp, 0.0_wp)]
    case (0)
      fields(1) = exp(-self%f*y/self%celerity + imaginary*self%omega*x/self%celerity)
      fields(2:3) = [self%gravity/self%celerity*fields(1), (0.0_wp, 0.0_wp)]
    case default
      l = n*acos(-1.0_wp)/self%width
      s = sqrt(l**2 - (self%omega**2 - self%f**2)/self%celerity**2)
      b = -imaginary*self%f*s/(self%omega*l)
      fading = exp(-s*x)
      fields(1) = (cos(l*y) + b*sin(l*y))*fading
      associate (slope_x => -s*fields(1), slope_y => l*(b*cos(l*y) - sin(l*y))*fading)
        fields(2) = imaginary*self%omega*slope_x - self%f*slope_y
        fields(3) = imaginary*self%omega*slope_y + self%f*slope_x
      end associate
      fields(2:3) = self%gravity/(self%f**2 - self%omega**2)*fields(2:3)
    end select
  end function fields_of

  !> Solution of a small dense system, the last column its right-hand side.
  pure function solution_of(matrix) result(x)
    complex(wp), intent(in) :: matrix(:, :) !! (n, n + 1)
    complex(wp) :: x(size(matrix, 1))

    complex(wp) :: rows(size(matrix, 1), size(matrix, 2)), row(size(matrix, 2))
    integer :: k, m, n

    rows = matrix
    n = size(x)
    do k = 1, n
      m = k - 1 + maxloc(abs(rows(k:, k)), dim=1)
      row = rows(m, :)
      rows(m, :) = rows(k, :)
      rows(k, :) = row/row(k)
      do m = 1, n
        if (m /= k) rows(m, :) = rows(m, :) - rows(m, k)*rows(k, :)
      end do
    end do
    x = rows(:, n + 1)
  end function solution_of

end module taylor_problem
