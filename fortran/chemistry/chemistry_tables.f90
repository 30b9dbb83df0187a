! SPDX-License-Identifier: MIT
!> A mechanism turned into lists of indices: what the kernels run through.
!>
!> Species are renumbered so that the LU factors of I/(h gamma) - J fill in little
!> (Markowitz: the next pivot is the one with the fewest products of row and column). The
!> pattern with its fill-in is found here, once. The order is the same for all cells and all
!> times, so the kernels never pivot; L-stable methods with a positive diagonal shift need
!> no pivoting in practice (Sandu et al. 1997).
module chemistry_tables
  use chemistry_mechanism, only: max_order, mechanism_t, rate_photolysis
  use kinds, only: wp
  implicit none
  private
  public :: build_tables, sum_list_t, tables_t

  !> Sums target(i) = sum_p weight(p) source(index(p)), p = start(i)..start(i+1)-1.
  type :: sum_list_t
    integer, allocatable :: start(:)
    integer, allocatable :: index(:)
    real(wp), allocatable :: weight(:)
  end type sum_list_t

  !> Everything in the kernels' numbering ("slots").
  type :: tables_t
    integer :: n = 0            !! species
    integer :: n_reactions = 0
    integer :: n_partials = 0   !! distinct derivatives of speeds
    integer :: n_entries = 0    !! of the LU factors, with fill-in
    integer :: n_jacobian = 0   !! of them, not zero in the Jacobian
    logical :: is_autonomous = .true.
    integer, allocatable :: species(:)  !! species of a slot
    integer, allocatable :: slot(:)     !! slot of a species
    integer, allocatable :: reactant(:, :) !! slots; n + 1 holds one (max_order, reaction)
    integer :: order = 0        !! highest order of a reaction
    integer, allocatable :: photolytic(:)  !! reactions that need light
    type(sum_list_t) :: tendency           !! of species from speeds
    type(sum_list_t) :: by_reaction        !! its transpose: reactions from species
    integer, allocatable :: partial(:, :)  !! reaction, and the other two reactants
    type(sum_list_t) :: jacobian           !! minus J in LU entries from partials
    integer, allocatable :: row(:)      !! first entry of a row; columns ascend
    integer, allocatable :: column(:)   !! of an entry
    integer, allocatable :: diagonal(:) !! entry of the diagonal of a row
    integer, allocatable :: product_start(:)  !! first of the products of an entry
    integer, allocatable :: product(:, :)     !! entries of L and U (2, product)
    integer, allocatable :: column_start(:) !! first entry of a column in the two below
    integer, allocatable :: column_entry(:) !! entries by columns; rows ascend
    integer, allocatable :: column_row(:)   !! their rows
  end type tables_t

contains

  !> Make the lists of a mechanism.
  subroutine build_tables(mechanism, tables)
    type(mechanism_t), intent(in) :: mechanism
    type(tables_t), intent(out) :: tables

    logical, allocatable :: pattern(:, :), filled(:, :)
    integer :: i, r

    tables%n = size(mechanism%species)
    tables%n_reactions = size(mechanism%reactions)
    tables%is_autonomous = mechanism%is_autonomous()
    allocate (pattern(tables%n, tables%n), source=.false.)
    do r = 1, tables%n_reactions
      associate (reaction => mechanism%reactions(r))
        do i = 1, reaction%order
          pattern(reaction%species, reaction%reactant(i)) = .true.
        end do
      end associate
    end do
    do i = 1, tables%n
      pattern(i, i) = .true.
    end do
    call order_species(pattern, tables%species, filled)
    tables%n_jacobian = count(pattern)
    allocate (tables%slot(tables%n))
    tables%slot(tables%species) = [(i, i=1, tables%n)]
    call list_reactions(mechanism, tables)
    call list_entries(filled(tables%species, tables%species), tables)
    call list_products(tables)
    call list_columns(tables)
    call list_partials(mechanism, tables)
  end subroutine build_tables

  !> Markowitz ordering on the diagonal; `filled` is the pattern with fill-in.
  subroutine order_species(pattern, species, filled)
    logical, intent(in) :: pattern(:, :)
    integer, allocatable, intent(out) :: species(:)  !! pivots in their order
    logical, allocatable, intent(out) :: filled(:, :) !! in the old numbering

    logical :: is_left(size(pattern, 1))
    integer :: best, cost, i, j, least, pivot, step

    filled = pattern
    is_left = .true.
    allocate (species(size(is_left)))
    do step = 1, size(is_left)
      best = 0
      least = huge(least)
      do i = 1, size(is_left)
        if (.not. is_left(i)) cycle
        cost = (count(filled(i, :) .and. is_left) - 1) &
          *(count(filled(:, i) .and. is_left) - 1)
        if (cost >= least) cycle
        least = cost
        best = i
      end do
      pivot = best
      species(step) = pivot
      is_left(pivot) = .false.
      do j = 1, size(is_left)
        if (.not. (is_left(j) .and. filled(pivot, j))) cycle
        filled(:, j) = filled(:, j) .or. (is_left .and. filled(:, pivot))
      end do
    end do
  end subroutine order_species

  !> Reactants, photolysis, and the sums that make tendencies.
  subroutine list_reactions(mechanism, tables)
    type(mechanism_t), intent(in) :: mechanism
    type(tables_t), intent(inout) :: tables

    real(wp) :: stoichiometry(tables%n, tables%n_reactions)
    integer :: i, r

    allocate (tables%reactant(max_order, tables%n_reactions), source=tables%n + 1)
    tables%photolytic = pack([(r, r=1, tables%n_reactions)], &
      mechanism%reactions%rate%form >= rate_photolysis)
    tables%order = max(2, maxval(mechanism%reactions%order))
    stoichiometry = 0.0_wp
    do r = 1, tables%n_reactions
      associate (reaction => mechanism%reactions(r))
        tables%reactant(:reaction%order, r) = &
          tables%slot(reaction%reactant(:reaction%order))
        do i = 1, size(reaction%species)
          stoichiometry(tables%slot(reaction%species(i)), r) = reaction%change(i)
        end do
      end associate
    end do
    tables%tendency = sums_of(stoichiometry)
    tables%by_reaction = sums_of(transpose(stoichiometry))
  end subroutine list_reactions

  !> The rows of a matrix as sums.
  pure type(sum_list_t) function sums_of(matrix) result(list)
    real(wp), intent(in) :: matrix(:, :) !! (target, source)

    integer :: i, j

    allocate (list%start(size(matrix, 1) + 1), list%index(0), list%weight(0))
    do i = 1, size(matrix, 1)
      list%start(i) = size(list%index) + 1
      do j = 1, size(matrix, 2)
        if (matrix(i, j) == 0.0_wp) cycle
        list%index = [list%index, j]
        list%weight = [list%weight, matrix(i, j)]
      end do
    end do
    list%start(size(list%start)) = size(list%index) + 1
  end function sums_of

  !> The entries of the factors, row by row.
  subroutine list_entries(filled, tables)
    logical, intent(in) :: filled(:, :) !! pattern in slots
    type(tables_t), intent(inout) :: tables

    integer :: i, j

    allocate (tables%row(tables%n + 1), tables%diagonal(tables%n), tables%column(0))
    do i = 1, tables%n
      tables%row(i) = size(tables%column) + 1
      do j = 1, tables%n
        if (.not. filled(i, j)) cycle
        tables%column = [tables%column, j]
        if (i == j) tables%diagonal(i) = size(tables%column)
      end do
    end do
    tables%n_entries = size(tables%column)
    tables%row(tables%n + 1) = tables%n_entries + 1
  end subroutine list_entries

  !> Doolittle: entry (i, j) loses sum_k L_ik U_kj, k < min(i, j).
  subroutine list_products(tables)
    type(tables_t), intent(inout) :: tables

    integer, allocatable :: factors(:)
    integer :: e, i, j, l, u

    allocate (factors(0), tables%product_start(tables%n_entries + 1))
    do i = 1, tables%n
      do e = tables%row(i), tables%row(i + 1) - 1
        tables%product_start(e) = size(factors)/2 + 1
        j = tables%column(e)
        do l = tables%row(i), tables%diagonal(i) - 1
          if (tables%column(l) >= j) exit
          u = entry_at(tables, tables%column(l), j)
          if (u > 0) factors = [factors, l, u]
        end do
      end do
    end do
    tables%product_start(tables%n_entries + 1) = size(factors)/2 + 1
    tables%product = reshape(factors, [2, size(factors)/2])
  end subroutine list_products

  !> Number of entry (i, j), or 0.
  pure integer function entry_at(tables, i, j) result(e)
    type(tables_t), intent(in) :: tables
    integer, intent(in) :: i, j

    do e = tables%row(i), tables%row(i + 1) - 1
      if (tables%column(e) == j) return
    end do
    e = 0
  end function entry_at

  !> The same entries column by column, for solving with the transpose.
  subroutine list_columns(tables)
    type(tables_t), intent(inout) :: tables

    integer :: e, i, j

    allocate (tables%column_start(tables%n + 1), tables%column_entry(0), &
      tables%column_row(0))
    do j = 1, tables%n
      tables%column_start(j) = size(tables%column_entry) + 1
      do i = 1, tables%n
        e = entry_at(tables, i, j)
        if (e == 0) cycle
        tables%column_entry = [tables%column_entry, e]
        tables%column_row = [tables%column_row, i]
      end do
    end do
    tables%column_start(tables%n + 1) = tables%n_entries + 1
  end subroutine list_columns

  !> Derivatives of the speeds, and the Jacobian as sums of them.
  subroutine list_partials(mechanism, tables)
    type(mechanism_t), intent(in) :: mechanism
    type(tables_t), intent(inout) :: tables

    real(wp), allocatable :: matrix(:, :)
    integer :: a, e, i, p, r
    integer :: others(2)

    allocate (tables%partial(3, sum(mechanism%reactions%order)))
    allocate (matrix(tables%n_entries, size(tables%partial, 2)), source=0.0_wp)
    p = 0
    do r = 1, tables%n_reactions
      associate (reaction => mechanism%reactions(r))
        do a = 1, reaction%order
          ! y^2 has two equal derivatives; both are listed, their sum is 2 y.
          p = p + 1
          others = pack(tables%reactant(:, r), [(i /= a, i=1, max_order)])
          tables%partial(:, p) = [r, others]
          do i = 1, size(reaction%species)
            e = entry_at(tables, tables%slot(reaction%species(i)), tables%reactant(a, r))
            matrix(e, p) = -reaction%change(i)
          end do
        end do
      end associate
    end do
    tables%n_partials = p
    tables%jacobian = sums_of(matrix)
  end subroutine list_partials

end module chemistry_tables
