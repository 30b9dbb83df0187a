! SPDX-License-Identifier: MIT
!> The whole grid of a run: places, fingerprints, parts of the water.
program test_swe_domain
  use swe_config, only: grid_settings_t, islands_fill, islands_refuse
  use swe_domain, only: swe_domain_t
  use swe_grid, only: cell_land
  use swe_islands, only: label_parts, resolve_islands
  use swe_kinds, only: real64
  use testing, only: check, check_below, finish
  implicit none

  real(real64), parameter :: rounding = 1.0e-6_real64 !! of an arc of 100 km [m]

  call places_are_found()
  call any_change_changes_the_fingerprint()
  call parts_are_counted_across_periodic_sides()
  call finish()

contains

  !> A box of 10 by 6 degrees across the date line, or of kilometres.
  subroutine make(domain, projection)
    type(swe_domain_t), intent(out) :: domain
    character(len=*), intent(in) :: projection

    type(grid_settings_t) :: settings

    settings%nx = 10
    settings%ny = 6
    settings%dx = 1
    settings%dy = 1
    settings%depth = 30
    settings%latitude = 50
    settings%projection = projection
    call domain%make_box(settings)
    call domain%set_rotation(settings)
    allocate (domain%drag(10, 6), source=2.5e-3_real64)
  end subroutine make

  subroutine places_are_found()
    type(swe_domain_t) :: domain
    integer :: i, j

    call make(domain, "sphere")
    domain%x = domain%x + 175
    call domain%locate(-179.4_real64, 53.6_real64, i, j)
    call check(i == 6 .and. j == 4, "a place beyond the date line")
    call domain%locate(185.0_real64, 56.0_real64, i, j)
    call check(i == 10 .and. j == 6, "a place on the rim")
    call domain%locate(185.1_real64, 55.0_real64, i, j)
    call check(i == 0, "a place outside")
    call check_below(abs(domain%distance(-179.5_real64, 54.5_real64, 6, 4) &
      - 6371.0e3_real64*acos(-1.0_real64)/180), rounding, "a degree of latitude")
    call check_below(domain%distance(-179.5_real64, 53.5_real64, 6, 4), rounding, &
      "no distance")
  end subroutine places_are_found

  subroutine any_change_changes_the_fingerprint()
    type(swe_domain_t) :: domain, other

    call make(domain, "f_plane")
    call make(other, "f_plane")
    call check(domain%fingerprint() == other%fingerprint(), "twins are alike")
    other%depth(7, 3) = nearest(other%depth(7, 3), 1.0)
    call check(domain%fingerprint() /= other%fingerprint(), "the last bit of a depth")
    call make(other, "f_plane")
    other%cell(10, 6) = cell_land
    call check(domain%fingerprint() /= other%fingerprint(), "a cell of land")
    call make(other, "beta_plane")
    call check(domain%fingerprint() /= other%fingerprint(), "another rotation")
  end subroutine any_change_changes_the_fingerprint

  subroutine parts_are_counted_across_periodic_sides()
    type(swe_domain_t) :: domain
    character(len=512) :: problem
    integer, allocatable :: label(:, :), sizes(:)

    call make(domain, "f_plane")
    domain%cell(4, :) = cell_land
    domain%cell(8, :) = cell_land
    call label_parts(domain, label, sizes)
    call check(all(sizes == [18, 18, 12]), "two walls make three parts")
    domain%periodic_x = .true.
    call label_parts(domain, label, sizes)
    call check(all(sizes == [30, 18]), "or two where the sides meet")
    problem = ""
    call resolve_islands(domain, islands_refuse, problem)
    call check(index(problem, "2 parts: 30 cells") > 0, "parts are refused by size")
    problem = ""
    call resolve_islands(domain, islands_fill, problem)
    call check(problem == "" .and. count(domain%cell /= cell_land) == 30, &
      "small parts become land")
  end subroutine parts_are_counted_across_periodic_sides

end program test_swe_domain
