! SPDX-License-Identifier: MIT
!> What a semi-implicit step of 100 x 100 cells cannot do without: its bytes, streamed as
!> STREAM's triad over as many fields in the same level of cache, and its roots and
!> divisions in the first level. Prints microseconds. To be built without inlining.
program bench_swe_floor
  use, intrinsic :: iso_fortran_env, only: real64
  use swe_kinds, only: wp
  implicit none

  integer, parameter :: cells = 104*104 ! with the halo
  integer, parameter :: n_fields = 34   ! that a step with viscosity touches
  integer, parameter :: n_triads = 35   ! of three words: 105 words per cell, as counted
  integer, parameter :: row = 96, n_rows = 212 ! of 2 x 101 x 101 faces
  integer, parameter :: n_rounds = 30, n_times = 20
  real(wp) :: fields(cells, n_fields), h(row), u(row), other(row), quotients(row, 3)
  real(real64) :: best(2), now, start
  integer :: j, k, round

  fields = 1.0_wp
  h = [(10.0_wp + j, j=1, row)]
  u = 0.1_wp*h
  best = huge(best)
  do round = 1, n_rounds
    call cpu_time(start)
    do k = 1, n_times
      do j = 1, 3*n_triads, 3
        call triad(fields(:, 1 + modulo(j, n_fields)), fields(:, 1 + modulo(j + 1, &
          n_fields)), fields(:, 1 + modulo(j + 2, n_fields)))
      end do
    end do
    call cpu_time(now)
    best(1) = min(best(1), (now - start)/n_times)
    call cpu_time(start)
    do k = 1, n_times
      do j = 1, n_rows
        call roots(h, u, other, quotients)
        h(1 + modulo(j, row)) = 11.0_wp + j ! so that no row can be left out
      end do
    end do
    call cpu_time(now)
    best(2) = min(best(2), (now - start)/n_times)
  end do
  print "(a, f8.1)", "bytes as a triad, us     ", 1.0e6_real64*best(1), &
    "roots and divisions, us  ", 1.0e6_real64*best(2)
  if (any(quotients < 0.0_wp) .or. any(fields < 0.0_wp)) print *, "not reached"

contains

  subroutine triad(x, y, z)
    real(wp), intent(in) :: x(cells), y(cells)
    real(wp), intent(inout) :: z(cells)

    integer :: i

    do i = 1, cells
      z(i) = x(i) + 0.5_wp*y(i)
    end do
  end subroutine triad

  !> Two roots and three divisions per face: sqrt(H), scaled transport, friction, velocity.
  subroutine roots(h, u, other, quotients)
    real(wp), intent(in) :: h(row), u(row)
    real(wp), intent(inout) :: other(row), quotients(row, 3)

    integer :: i

    do i = 1, row
      other(i) = sqrt(h(i))
      quotients(i, 1) = u(i)/other(i)
      quotients(i, 2) = u(i)/h(i)
      quotients(i, 3) = h(i)/(h(i) + sqrt(u(i)**2 + quotients(i, 1)**2))
    end do
  end subroutine roots

end program bench_swe_floor
