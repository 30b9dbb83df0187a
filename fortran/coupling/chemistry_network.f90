! SPDX-License-Identifier: MIT
!> A network step of chemistry computed here, without an engine, many cells at once.
!>
!>     z  = (y + floor) exp(d),   d = A x + net(x),   x = log((y + floor)/typical), light
!>     y+ = z, each conserved family times (its total in y)/(its total in z)
!>
!> The same step that `isthmus.nets.chemistry` trains and explains. Logarithms, layers and
!> exponentials are in single precision, which the division makes good: numbers near one
!> have logarithms near zero. Totals and what restores them in double: a family
!> is kept to the rounding of double. A .pt file of the same step costs a library call for
!> each operation and copies between them; here a block of cells stays in registers and the
!> nearest cache.
module chemistry_network
  use, intrinsic :: iso_fortran_env, only: int32, real32
  use chemistry_network_file, only: layer_t, network_weights_t, read_weights
  use failures, only: err_argument, fail, succeed
  use kinds, only: wp
  use network_lanes, only: dense, hard_swish, lanes, logarithms, outputs_together, &
    times_exponentials
  implicit none
  private
  public :: chemistry_network_t

  integer, parameter, public :: reason_range = 1, reason_not_finite = 2, &
    reason_output = 16 !! bits of `reasons`, those of the bridge's guard
  real(wp), parameter :: largest_share = 0.99_wp
    !! of a family's total that species of several families may hold
  real(real32), parameter :: largest_exponent = 40.0_real32
  real(wp), parameter :: example_tolerance = 1.0e-4_wp
    !! single precision, exponents of some tens; a wrong weight shows as per cents
  integer, parameter :: fewest_blocks = 8 !! for a second thread

  !> A trained step. `load` it, then `step` cells as often as wanted, from any thread.
  type :: chemistry_network_t
    type(network_weights_t) :: weights !! what the file says
  contains
    procedure, public :: load
    procedure, public :: step
  end type chemistry_network_t

contains

  !> Read a file, and compute its examples again.
  subroutine load(self, path, stat, errmsg)
    class(chemistry_network_t), intent(inout) :: self
    character(len=*), intent(in) :: path !! `.nc`, as `export_step` writes it
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=512) :: problem
    integer :: status

    problem = ""
    call read_weights(path, self%weights, status, problem)
    if (status == 0) call check_examples(self, path, status, problem)
    if (status /= 0) then
      call fail(status, trim(problem), stat, errmsg)
    else
      call succeed(stat)
    end if
  end subroutine load

  !> What Python computed must come out here too.
  subroutine check_examples(self, path, status, problem)
    class(chemistry_network_t), intent(in) :: self
    character(len=*), intent(in) :: path
    integer, intent(out) :: status
    character(len=*), intent(inout) :: problem

    real(wp) :: y(size(self%weights%floor), 1), error
    integer :: e, reasons(1)

    error = 0.0_wp
    do e = 1, size(self%weights%example_y, 2)
      y(:, 1) = self%weights%example_y(:, e)
      call self%step(y, self%weights%example_light(:, e), .false., reasons)
      associate (expected => self%weights%example_next(:, e))
        error = max(error, maxval(abs(y(:, 1) - expected)/abs(expected)))
      end associate
    end do
    status = 0
    if (error <= example_tolerance) return
    status = err_argument
    write (problem, "(3a, es8.1, a, es8.1)") "chemistry: '", path, &
      "' does not reproduce its own examples: relative error ", error, ", expected ", &
      example_tolerance
  end subroutine check_examples

  !> Carry cells over one splitting step. A cell with a reason keeps its concentrations.
  subroutine step(self, y, light, guarded, reasons)
    class(chemistry_network_t), intent(in) :: self
    real(wp), intent(inout), contiguous :: y(:, :) !! concentrations (species, cell)
    real(wp), intent(in) :: light(:)               !! during the step (node)
    logical, intent(in) :: guarded                 !! only within the range of the training
    integer(int32), intent(out), contiguous :: reasons(:) !! why not, or 0 (cell)

    real(real32), allocatable :: first(:, :), last(:, :)
    integer :: b, n_blocks

    ! All cells see the same light: it becomes part of the biases.
    first = self%weights%layers(1)%b + self%weights%lit(self%weights%light_first, light)
    associate (n => size(self%weights%layers))
      last = self%weights%layers(n)%b + self%weights%lit(self%weights%light_last, light)
    end associate
    n_blocks = (size(y, 2) + lanes - 1)/lanes
    !$omp parallel do schedule(static) if(n_blocks >= fewest_blocks)
    do b = 1, n_blocks
      call step_block(self%weights, first, last, guarded, (b - 1)*lanes, y, reasons)
    end do
  end subroutine step

  !> The cells behind `offset`; the last one fills the lanes left over.
  subroutine step_block(w, first, last, guarded, offset, y, reasons)
    type(network_weights_t), intent(in) :: w
    real(real32), intent(in) :: first(:, :), last(:, :) !! biases with light
    logical, intent(in) :: guarded
    integer, intent(in) :: offset
    real(wp), intent(inout), contiguous :: y(:, :)
    integer(int32), intent(inout), contiguous :: reasons(:)

    real(wp) :: state(lanes, size(w%floor)), z(lanes, size(w%floor)), per_typical
    real(real32) :: lifted(lanes, size(w%floor)), d(lanes, w%n_padded)
    integer(int32) :: reason(lanes)
    integer :: c, n_cells, s

    n_cells = min(lanes, size(y, 2) - offset)
    do c = 1, lanes
      call gather(y(:, offset + min(c, n_cells)), c, state)
    end do
    call judge(w, guarded, state, reason)
    do s = 1, size(w%floor)
      per_typical = 1.0_wp/w%typical(s)
      !$omp simd
      do c = 1, lanes
        lifted(c, s) = real((max(state(c, s), 0.0_wp) + w%floor(s))*per_typical, real32)
      end do
    end do
    call exponents(w, first, last, lifted, d)
    call times_exponentials(size(w%floor), largest_exponent, d, lifted)
    do s = 1, size(w%floor)
      z(:, s) = w%typical(s)*lifted(:, s)
    end do
    call restore_totals(w, state, z)
    where (reason == 0 .and. .not. sum_is_finite(z)) reason = reason_output
    do c = 1, n_cells
      reasons(offset + c) = reason(c)
      if (reason(c) == 0) call scatter(z, c, y(:, offset + c))
    end do
  end subroutine step_block

  !> A cell of the host to its lane.
  pure subroutine gather(y, lane, state)
    real(wp), intent(in) :: y(:)
    integer, intent(in) :: lane
    real(wp), intent(inout) :: state(:, :) !! (lane, species)

    integer :: s

    !GCC$ unroll 8
    do s = 1, size(y)
      state(lane, s) = y(s)
    end do
  end subroutine gather

  !> A lane to its cell of the host.
  pure subroutine scatter(z, lane, y)
    real(wp), intent(in) :: z(:, :) !! (lane, species)
    integer, intent(in) :: lane
    real(wp), intent(out) :: y(:)

    integer :: s

    !GCC$ unroll 8
    do s = 1, size(y)
      y(s) = z(lane, s)
    end do
  end subroutine scatter

  !> Whether all species of a cell are finite: a sum of magnitudes is only if all are.
  pure function sum_is_finite(z) result(is_finite)
    real(wp), intent(in) :: z(:, :) !! (lane, species)
    logical :: is_finite(lanes)

    real(wp) :: total(lanes)
    integer :: s

    total = 0.0_wp
    do s = 1, size(z, 2)
      total = total + abs(z(:, s))
    end do
    is_finite = total <= huge(total)
  end function sum_is_finite

  !> Which cells the network may not be asked about.
  pure subroutine judge(w, guarded, state, reason)
    type(network_weights_t), intent(in) :: w
    logical, intent(in) :: guarded
    real(wp), intent(in) :: state(lanes, size(w%floor)) !! concentrations
    integer(int32), intent(out) :: reason(lanes) !! or 0

    real(wp) :: outside(lanes)
    integer :: c, s

    reason = 0
    if (guarded) then
      outside = 0.0_wp
      do s = 1, size(state, 2)
        !$omp simd
        do c = 1, lanes
          outside(c) = max(outside(c), w%y_low(s) - state(c, s), state(c, s) - w%y_high(s))
        end do
      end do
      reason = merge(reason_range, 0, outside > 0.0_wp)
    end if
    where (.not. sum_is_finite(state)) reason = reason_not_finite
  end subroutine judge

  !> d from (y + floor)/typical through the layers.
  pure subroutine exponents(w, first, last, lifted, d)
    type(network_weights_t), intent(in) :: w
    real(real32), intent(in) :: first(:, :), last(:, :)
    real(real32), intent(in) :: lifted(lanes, size(w%floor)) !! (y + floor)/typical
    real(real32), intent(out) :: d(lanes, w%n_padded)        !! species and padding

    ! x in front of the last hidden layer: the output layer reads both, so that the linear
    ! part costs nothing of its own. Hidden layers lie behind x and in h by turns.
    real(real32) :: x(lanes, size(w%floor) + w%widest), h(lanes, w%widest)
    integer :: k, n, n_hidden

    n = size(w%floor)
    n_hidden = size(w%layers) - 1
    call logarithms(n, w%log_low, w%log_high, lifted, x)
    do k = 1, n_hidden
      associate (layer => w%layers(k))
        if (k == 1 .and. modulo(n_hidden, 2) == 1) then
          call hidden(layer, first, x, x(1, n + 1))
        else if (k == 1) then
          call hidden(layer, first, x, h)
        else if (modulo(n_hidden - k, 2) == 0) then
          call hidden(layer, layer%b, h, x(1, n + 1))
        else
          call hidden(layer, layer%b, x(1, n + 1), h)
        end if
      end associate
    end do
    associate (layer => w%layers(size(w%layers)))
      call dense(layer%n_in, layer%n_groups, layer%w, last, x, d)
    end associate
  end subroutine exponents

  !> A hidden layer with its activation.
  pure subroutine hidden(layer, b, x, out)
    type(layer_t), intent(in) :: layer
    real(real32), intent(in) :: b(outputs_together, layer%n_groups) !! biases
    real(real32), intent(in) :: x(lanes, layer%n_in)
    real(real32), intent(out) :: out(lanes, layer%n_out)

    call dense(layer%n_in, layer%n_groups, layer%w, b, x, out)
    call hard_swish(layer%n_out, out)
  end subroutine hidden

  !> Give z the totals of the state, by positive factors. See `FamilyProjection`.
  pure subroutine restore_totals(w, state, z)
    type(network_weights_t), intent(in) :: w
    real(wp), intent(in) :: state(lanes, size(w%floor)) !! before the step
    real(wp), intent(inout) :: z(lanes, size(w%floor))  !! after it

    real(wp), dimension(lanes, w%n_families) :: left, own
    integer :: m

    left = 0.0_wp
    do m = 1, size(w%members)
      associate (p => w%members(m))
        left(:, p%family) = left(:, p%family) + p%weight*state(:, p%species)
      end associate
    end do
    if (any(w%members%is_shared)) call limit_shared(w, left, z)
    own = 0.0_wp
    do m = 1, size(w%members)
      associate (p => w%members(m))
        if (p%is_shared) cycle
        own(:, p%family) = own(:, p%family) + p%weight*z(:, p%species)
      end associate
    end do
    own = left/own
    do m = 1, size(w%members)
      associate (p => w%members(m))
        if (.not. p%is_shared) z(:, p%species) = z(:, p%species)*own(:, p%family)
      end associate
    end do
  end subroutine restore_totals

  !> Species of several families leave a rest of each total to the families' own.
  pure subroutine limit_shared(w, left, z)
    type(network_weights_t), intent(in) :: w
    real(wp), intent(inout) :: left(lanes, w%n_families)
      !! totals; on return what is left to the families' own
    real(wp), intent(inout) :: z(lanes, size(w%floor)) !! after the step

    real(wp) :: held(lanes, w%n_families), allowed(lanes, w%n_families)
    integer :: m

    held = 0.0_wp
    do m = 1, size(w%members)
      associate (p => w%members(m))
        if (p%is_shared) held(:, p%family) = held(:, p%family) + p%weight*z(:, p%species)
      end associate
    end do
    allowed = 1.0_wp
    where (held > 0.0_wp) allowed = min(1.0_wp, largest_share*left/held)
    do m = 1, size(w%members)
      associate (p => w%members(m))
        if (p%is_shared) z(:, p%species) = z(:, p%species)*allowed(:, p%family)
      end associate
    end do
    do m = 1, size(w%members)
      associate (p => w%members(m))
        if (p%is_shared) left(:, p%family) = left(:, p%family) - p%weight*z(:, p%species)
      end associate
    end do
  end subroutine limit_shared

end module chemistry_network
