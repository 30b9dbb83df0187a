! SPDX-License-Identifier: MIT
!> Parts of the water that are not connected through faces.
module swe_islands
  use swe_config, only: islands_fill, islands_keep
  use swe_domain, only: swe_domain_t
  use swe_grid, only: cell_elevation, cell_land, cell_water
  implicit none
  private
  public :: label_parts, resolve_islands

  integer, parameter :: n_named = 3 !! parts that a message tells of

contains

  !> Treat water that is cut off as the settings say.
  subroutine resolve_islands(domain, islands, problem)
    type(swe_domain_t), intent(inout) :: domain !! small parts become land if asked
    integer, intent(in) :: islands              !! one of islands_*
    character(len=*), intent(inout) :: problem  !! set if there are parts and may not be

    integer, allocatable :: label(:, :), sizes(:)

    if (problem /= "") return
    call label_parts(domain, label, sizes)
    if (size(sizes) == 0) then
      problem = "the grid has no water: is 'depth' positive down, is the mask 1 in water?"
    else if (size(sizes) > 1 .and. islands == islands_fill) then
      where (label /= maxloc(sizes, 1) .and. label > 0)
        domain%cell = cell_land
        domain%depth = 0
      end where
    else if (size(sizes) > 1 .and. islands /= islands_keep) then
      call describe(domain, label, sizes, problem)
    end if
  end subroutine resolve_islands

  !> Say how many parts there are, and where the largest lie.
  subroutine describe(domain, label, sizes, problem)
    type(swe_domain_t), intent(in) :: domain
    integer, intent(in) :: label(:, :) !! part of each cell
    integer, intent(in) :: sizes(:)    !! cells of each part
    character(len=*), intent(inout) :: problem

    character(len=128) :: part
    integer :: k, largest, left(size(sizes)), place(2)

    write (problem, "(a, i0, a)") "the mask cuts the water into ", size(sizes), " parts:"
    left = sizes
    do k = 1, min(n_named, size(sizes))
      largest = maxloc(left, 1)
      place = findloc(label, largest)
      write (part, "(i0, a, g0.6, a, g0.6, a)") left(largest), " cells from (", &
        domain%x(place(1)), ", ", domain%y(place(2)), ")"
      problem = trim(problem)//" "//trim(part)
      if (k < min(n_named, size(sizes))) problem = trim(problem)//","
      left(largest) = 0
    end do
    if (size(sizes) > n_named) problem = trim(problem)//", ..."
    problem = trim(problem)//"; islands = 'fill' in &grid makes land of all but the "// &
      "largest, 'keep' computes all"
  end subroutine describe

  !> Number the parts. Cells are neighbours across faces and periodic sides.
  subroutine label_parts(domain, label, sizes)
    type(swe_domain_t), intent(in) :: domain
    integer, allocatable, intent(out) :: label(:, :) !! 0 on land and outside (nx, ny)
    integer, allocatable, intent(out) :: sizes(:)    !! cells of each part

    integer, allocatable :: counts(:), stack(:, :)
    integer :: i, j, n

    allocate (label(domain%nx, domain%ny), source=0)
    where (domain%cell == cell_water .or. domain%cell == cell_elevation) label = -1
    allocate (stack(2, count(label < 0)), counts(count(label < 0)))
    n = 0
    do j = 1, domain%ny
      do i = 1, domain%nx
        if (label(i, j) >= 0) cycle
        n = n + 1
        call flood(domain, i, j, n, label, stack, counts(n))
      end do
    end do
    sizes = counts(:n)
  end subroutine label_parts

  !> Give all cells connected with (i, j) its number.
  subroutine flood(domain, i, j, number, label, stack, n_cells)
    type(swe_domain_t), intent(in) :: domain
    integer, intent(in) :: i, j           !! the first cell
    integer, intent(in) :: number         !! of the part
    integer, intent(inout) :: label(:, :) !! -1 where not yet numbered
    integer, intent(inout) :: stack(:, :) !! cells whose neighbours are to be seen
    integer, intent(out) :: n_cells       !! of the part

    integer, parameter :: di(4) = [1, -1, 0, 0], dj(4) = [0, 0, 1, -1]
    integer :: cell(2), depth, k, next(2)

    label(i, j) = number
    n_cells = 1
    stack(:, 1) = [i, j]
    depth = 1
    do while (depth > 0)
      cell = stack(:, depth)
      depth = depth - 1
      do k = 1, 4
        next = cell + [di(k), dj(k)]
        if (domain%periodic_x) next(1) = modulo(next(1) - 1, domain%nx) + 1
        if (domain%periodic_y) next(2) = modulo(next(2) - 1, domain%ny) + 1
        if (any(next < 1) .or. next(1) > domain%nx .or. next(2) > domain%ny) cycle
        if (label(next(1), next(2)) >= 0) cycle
        label(next(1), next(2)) = number
        n_cells = n_cells + 1
        depth = depth + 1
        stack(:, depth) = next
      end do
    end do
  end subroutine flood

end module swe_islands
