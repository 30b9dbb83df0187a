! SPDX-License-Identifier: MIT
!> Collision efficiency of two drops, from a table over the larger radius and the ratio of
!> the radii, linear in between.
!>
!> Hall (1980), "A detailed microphysical model within a two-dimensional dynamic framework",
!> doi:10.1175/1520-0469(1980)037<2486:ADMMWA>2.0.CO;2, with the small collectors of Davis
!> (1972) and Jonas (1972) and the nearly equal drops of Lin and Lee (1975), as flux and
!> droplet models use it since Seesselberg, Trautmann and Thorn (1996),
!> doi:10.1016/0169-8095(95)00024-0. Beyond 300 um the last row is kept, at most 1: it is
!> above 1 only for drops of nearly one size (wake capture) [1].
module rain_efficiencies
  use kinds, only: wp
  implicit none
  private
  public :: efficiency_table_t

  integer, parameter :: n_radii = 15, n_ratios = 21
  real(wp), parameter :: radii(n_radii) = 1.0e-6_wp*[6, 8, 10, 15, 20, 25, 30, 40, 50, 60, &
    70, 100, 150, 200, 300] !! of the larger drop [m]
  real(wp), parameter :: ratio_step = 0.05_wp !! ratios 0, 0.05, ..., 1 [1]

  !> Thousandths; a line for each ratio.
  integer, parameter :: thousandths(n_radii, n_ratios) = reshape([ &
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, & ! 0.00
    3, 3, 3, 4, 5, 5, 5, 10, 100, 50, 200, 500, 770, 870, 970, & ! 0.05
    7, 7, 7, 8, 9, 10, 10, 70, 400, 430, 580, 790, 930, 960, 1000, & ! 0.10
    9, 9, 9, 12, 15, 10, 20, 280, 600, 640, 750, 910, 970, 980, 1000, & ! 0.15
    14, 14, 14, 15, 16, 30, 60, 500, 700, 770, 840, 950, 970, 1000, 1000, & ! 0.20
    17, 17, 17, 20, 22, 60, 100, 620, 780, 840, 880, 950, 1000, 1000, 1000, & ! 0.25
    30, 30, 24, 22, 32, 62, 200, 680, 830, 870, 900, 950, 1000, 1000, 1000, & ! 0.30
    25, 25, 25, 36, 43, 130, 270, 740, 860, 890, 920, 1000, 1000, 1000, 1000, & ! 0.35
    27, 27, 27, 40, 52, 200, 400, 780, 880, 900, 940, 1000, 1000, 1000, 1000, & ! 0.40
    30, 30, 30, 47, 64, 250, 500, 800, 900, 910, 950, 1000, 1000, 1000, 1000, & ! 0.45
    40, 40, 33, 37, 68, 240, 550, 800, 900, 910, 950, 1000, 1000, 1000, 1000, & ! 0.50
    35, 35, 35, 55, 79, 290, 580, 800, 900, 910, 950, 1000, 1000, 1000, 1000, & ! 0.55
    37, 37, 37, 62, 82, 290, 590, 780, 900, 910, 950, 1000, 1000, 1000, 1000, & ! 0.60
    37, 37, 37, 60, 80, 290, 580, 770, 890, 910, 950, 1000, 1000, 1000, 1000, & ! 0.65
    37, 37, 37, 41, 75, 250, 540, 760, 880, 920, 950, 1000, 1000, 1000, 1000, & ! 0.70
    37, 37, 37, 52, 67, 250, 510, 770, 880, 930, 970, 1000, 1000, 1000, 1000, & ! 0.75
    37, 37, 37, 47, 57, 250, 490, 770, 890, 950, 1000, 1000, 1000, 1000, 1000, & ! 0.80
    36, 36, 36, 42, 48, 230, 470, 780, 920, 1000, 1020, 1020, 1020, 1020, 1020, & ! 0.85
    40, 40, 35, 33, 40, 112, 450, 790, 1010, 1030, 1040, 1040, 1040, 1040, 1040, & ! 0.90
    33, 33, 33, 33, 33, 119, 470, 950, 1300, 1700, 2300, 2300, 2300, 2300, 2300, & ! 0.95
    27, 27, 27, 27, 27, 125, 520, 1400, 2300, 3000, 4000, 4000, 4000, &
    4000, 4000], [n_radii, n_ratios]) ! 1.00
  real(wp), parameter :: fine_step = 1.0e-6_wp !! divides all differences of radii [m]
  integer, parameter :: n_fine = 295           !! rows at 6, 7, ..., 300 um

  !> The same piecewise linear function over even radii: the row follows without a search.
  type :: efficiency_table_t
    real(wp) :: values(n_fine, n_ratios) !! [1]
  contains
    procedure :: setup
    procedure :: evaluate
  end type efficiency_table_t

contains

  !> Fill in the rows between those of the table.
  pure subroutine setup(self)
    class(efficiency_table_t), intent(inout) :: self

    integer :: i, j, row
    real(wp) :: p, radius

    row = 1
    do i = 1, n_fine
      radius = radii(1) + fine_step*(i - 1)
      if (row < n_radii - 1 .and. radius > radii(row + 1)) row = row + 1
      p = (radius - radii(row))/(radii(row + 1) - radii(row))
      do j = 1, n_ratios
        self%values(i, j) = 1.0e-3_wp*((1.0_wp - p)*thousandths(row, j) &
          + p*thousandths(row + 1, j))
      end do
    end do
  end subroutine setup

  !> Efficiencies of collisions.
  pure subroutine evaluate(self, radius, ratio, efficiency)
    class(efficiency_table_t), intent(in) :: self
    real(wp), intent(in), contiguous :: radius(:) !! of the larger drops [m] (pair)
    real(wp), intent(in), contiguous :: ratio(:)  !! smaller over larger radius [1] (pair)
    real(wp), intent(out), contiguous :: efficiency(:) !! [1] (pair)

    real(wp) :: e, p, q, row
    integer :: i, j, k

    associate (table => self%values)
      do k = 1, size(radius)
        row = (radius(k) - radii(1))*(1.0_wp/fine_step)
        row = max(0.0_wp, min(row, real(n_fine - 1, wp)))
        i = min(int(row), n_fine - 2)
        q = ratio(k)*(1.0_wp/ratio_step)
        j = min(int(q), n_ratios - 2)
        p = row - i
        q = q - j
        i = i + 1
        j = j + 1
        e = (1.0_wp - q)*((1.0_wp - p)*table(i, j) + p*table(i + 1, j)) &
          + q*((1.0_wp - p)*table(i, j + 1) + p*table(i + 1, j + 1))
        efficiency(k) = merge(min(e, 1.0_wp), e, radius(k) > radii(n_radii))
      end do
    end associate
  end subroutine evaluate

end module rain_efficiencies
