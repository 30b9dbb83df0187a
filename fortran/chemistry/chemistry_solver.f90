! SPDX-License-Identifier: MIT
!> Integrates many cells through a time interval, each with its own steps.
!>
!> Cells wait in a queue; `lanes` of them are in work at once. Every sweep tries one step of
!> each lane. A lane whose cell has arrived (or failed) takes the next cell from the queue,
!> so no lane waits for a slower neighbour, and a cell's numbers depend on that cell alone:
!> its bits are the same whatever its neighbours, their number and the threads are.
module chemistry_solver
  use, intrinsic :: ieee_arithmetic, only: ieee_is_finite
  use chemistry_kernel, only: lanes
  use chemistry_lanes, only: lanes_t
  use chemistry_mechanism, only: mechanism_t
  use chemistry_rates, only: thermal_rate
  use chemistry_step, only: begin_step, error_norm, finish_step, run_stages
  use chemistry_tableaux, only: find_tableau, tableau_t
  use chemistry_tables, only: build_tables, tables_t
  use chemistry_tape, only: tape_t
  use failures, only: err_argument, err_shape, fail, succeed
  use kinds, only: int64, real32, wp
  !$ use omp_lib, only: omp_get_num_threads
  implicit none
  private
  public :: chemistry_solver_t, flag_text, load_lane_rates, load_rates

  integer, parameter, public :: flag_done = 0       !! integrated
  integer, parameter, public :: flag_not_finite = 1 !! the input has a NaN or an infinity
  integer, parameter, public :: flag_negative = 2   !! the input is below -atol
  integer, parameter, public :: flag_temperature = 3 !! 0 K or less
  integer, parameter, public :: flag_small_step = 4 !! no step is small enough
  integer, parameter, public :: flag_many_steps = 5 !! more than `max_steps`
  integer, parameter, public :: flag_tape_full = 6  !! more steps than the tape holds

  integer, parameter, public :: negatives_keep = 0   !! leave what is below zero
  integer, parameter, public :: negatives_clip = 1   !! set it to zero: elements are added
  integer, parameter, public :: negatives_reject = 2 !! repeat a step that goes below -atol

  real(wp), parameter :: safety = 0.9_wp, smallest = 0.2_wp, largest = 6.0_wp

  !> A mechanism, a method, and how well it is to be solved.
  type :: chemistry_solver_t
    type(mechanism_t) :: mechanism
    type(tables_t) :: tables
    type(tableau_t) :: tableau
    real(wp) :: rtol = 1.0e-3_wp           !! relative tolerance [1]
    real(wp), allocatable :: atol(:)       !! absolute tolerance (slot)
    real(wp) :: first_step = 0.0_wp        !! of a cell without history; 0: 1e-5 of the time
    integer :: max_steps = 100000          !! tried steps of a cell
    integer :: fixed_steps = 0             !! > 0: so many equal steps, no error control
    integer :: negatives = negatives_reject !! one of negatives_*
    integer(int64) :: n_accepted = 0       !! steps since `setup`, over all cells
    integer(int64) :: n_rejected = 0
  contains
    procedure :: setup
    procedure :: integrate
  end type chemistry_solver_t

  !> A block at work: which cell each lane has, and where it stands.
  type :: queue_t
    type(lanes_t) :: w
    integer :: cell(lanes) = 0      !! 0: idle
    integer :: n_tried(lanes) = 0
    integer :: n_taken(lanes) = 0
    real(wp) :: next_h(lanes) = 0.0_wp !! without the cut at the interval's end
    logical :: is_last(lanes) = .false.
    logical :: has_failed(lanes) = .false. !! the step before was rejected
    integer :: next = 0, last = 0   !! cells that wait
    integer(int64) :: n_accepted = 0, n_rejected = 0
  end type queue_t

contains

  !> Choose mechanism, method and tolerances.
  subroutine setup(self, mechanism, method, rtol, atol, stat, errmsg)
    class(chemistry_solver_t), intent(inout) :: self
    type(mechanism_t), intent(in) :: mechanism
    character(len=*), intent(in) :: method !! ros2, ros3, ros4, rodas3 or rodas4
    real(wp), intent(in) :: rtol           !! relative tolerance [1]
    real(wp), intent(in) :: atol           !! absolute tolerance [mechanism's unit]
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=256) :: problem
    integer :: status

    call find_tableau(method, self%tableau, status, problem)
    if (status /= 0) then
      call fail(status, trim(problem), stat, errmsg)
      return
    end if
    if (.not. (rtol > 0.0_wp .and. atol > 0.0_wp)) then
      call fail(err_argument, "chemistry: 'rtol' and 'atol' must be positive", stat, errmsg)
      return
    end if
    self%mechanism = mechanism
    call build_tables(mechanism, self%tables)
    self%rtol = rtol
    self%atol = spread(atol, 1, self%tables%n)
    self%n_accepted = 0
    self%n_rejected = 0
    call succeed(stat)
  end subroutine setup

  !> Integrate all cells from t to t + dt. A cell whose flag is not zero keeps its input.
  subroutine integrate(self, y, t, dt, flags, temperature, h, tape, factors, stat, errmsg)
    class(chemistry_solver_t), intent(inout) :: self
    real(wp), intent(inout), contiguous :: y(:, :)    !! concentrations (species, cell)
    real(wp), intent(in) :: t                         !! start [time unit]
    real(wp), intent(in) :: dt                        !! length, positive
    integer, intent(out), contiguous :: flags(:)      !! one of flag_* (cell)
    real(wp), intent(in), contiguous, optional :: temperature(:) !! [K] (cell)
    real(wp), intent(inout), contiguous, optional :: h(:) !! first step, 0 if not known;
                                                          !! then the next one (cell)
    type(tape_t), intent(inout), optional :: tape     !! receives the accepted steps
    real(wp), intent(in), contiguous, optional :: factors(:, :) !! of the rate constants
                                                      !! [1] (reaction, cell)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=200) :: problem
    integer(int64) :: n_accepted, n_rejected

    call check_shapes(self, y, dt, flags, temperature, h, tape, factors, problem)
    if (problem /= "") then
      call fail(err_shape, trim(problem), stat, errmsg)
      return
    end if
    if (present(tape)) then
      if (allocated(tape%factors)) deallocate (tape%factors)
      if (present(factors)) allocate (tape%factors, source=factors)
    end if
    n_accepted = 0
    n_rejected = 0
    !$omp parallel reduction(+: n_accepted, n_rejected) if(size(flags) > lanes)
    call work_share(self, y, t, dt, flags, temperature, h, tape, factors, n_accepted, &
      n_rejected)
    !$omp end parallel
    self%n_accepted = self%n_accepted + n_accepted
    self%n_rejected = self%n_rejected + n_rejected
    call succeed(stat)
  end subroutine integrate

  !> What one thread does: it fetches chunks of cells until none is left.
  subroutine work_share(self, y, t, dt, flags, temperature, h, tape, factors, n_accepted, &
      n_rejected)
    class(chemistry_solver_t), intent(in) :: self
    real(wp), intent(inout), contiguous :: y(:, :)
    real(wp), intent(in) :: t, dt
    integer, intent(inout), contiguous :: flags(:)
    real(wp), intent(in), contiguous, optional :: temperature(:)
    real(wp), intent(inout), contiguous, optional :: h(:)
    type(tape_t), intent(inout), optional :: tape
    real(wp), intent(in), contiguous, optional :: factors(:, :)
    integer(int64), intent(inout) :: n_accepted, n_rejected !! added

    integer :: chunk, first, n_threads
    type(queue_t) :: queue

    ! Enough chunks for the threads to share, each long enough to keep its lanes busy.
    n_threads = 1
    !$ n_threads = omp_get_num_threads()
    chunk = lanes*min(64, max(1, size(flags)/(4*lanes*n_threads)))
    call queue%w%setup(self%tables, self%tableau%n_stages)
    !$omp do schedule(dynamic)
    do first = 1, size(flags), chunk
      queue%next = first
      queue%last = min(first + chunk - 1, size(flags))
      call work_off(self, queue, y, t, dt, flags, temperature, h, tape, factors)
    end do
    !$omp end do
    call queue%w%free()
    n_accepted = n_accepted + queue%n_accepted
    n_rejected = n_rejected + queue%n_rejected
  end subroutine work_share

  !> Extents must fit together.
  subroutine check_shapes(self, y, dt, flags, temperature, h, tape, factors, problem)
    class(chemistry_solver_t), intent(in) :: self
    real(wp), intent(in) :: y(:, :), dt
    integer, intent(in) :: flags(:)
    real(wp), intent(in), optional :: temperature(:), h(:)
    type(tape_t), intent(in), optional :: tape
    real(wp), intent(in), optional :: factors(:, :)
    character(len=*), intent(out) :: problem !! "" if all is well

    problem = ""
    if (self%tables%n == 0) then
      problem = "chemistry: 'integrate' before 'setup'"
    else if (size(y, 1) /= self%tables%n) then
      write (problem, "(a, i0, a, i0)") "chemistry: 'y' has ", size(y, 1), &
        " species, the mechanism ", self%tables%n
    else if (size(flags) /= size(y, 2)) then
      write (problem, "(a, i0, a, i0)") "chemistry: 'flags' has ", size(flags), &
        " cells, 'y' has ", size(y, 2)
    else if (.not. dt > 0.0_wp) then
      problem = "chemistry: 'dt' must be positive"
    end if
    if (present(temperature)) then
      if (size(temperature) /= size(y, 2)) problem = &
        "chemistry: 'temperature' and 'y' differ in their cells"
    end if
    if (present(h)) then
      if (size(h) /= size(y, 2)) problem = "chemistry: 'h' and 'y' differ in their cells"
    end if
    if (present(tape)) then
      if (size(tape%n_steps) /= size(y, 2)) problem = &
        "chemistry: 'tape' and 'y' differ in their cells"
    end if
    if (present(factors)) then
      if (any(shape(factors) /= [self%tables%n_reactions, size(y, 2)])) then
        problem = "chemistry: 'factors' is not (reaction, cell)"
      else if (.not. all(factors >= 0.0_wp .and. factors < huge(dt))) then
        problem = "chemistry: 'factors' of rate constants must be finite and not negative"
      end if
    end if
  end subroutine check_shapes

  !> All cells of a queue.
  subroutine work_off(self, queue, y, t, dt, flags, temperature, h, tape, factors)
    class(chemistry_solver_t), intent(in) :: self
    type(queue_t), intent(inout) :: queue
    real(wp), intent(inout), contiguous :: y(:, :)
    real(wp), intent(in) :: t, dt
    integer, intent(inout), contiguous :: flags(:)
    real(wp), intent(in), contiguous, optional :: temperature(:)
    real(wp), intent(inout), contiguous, optional :: h(:)
    type(tape_t), intent(inout), optional :: tape
    real(wp), intent(in), contiguous, optional :: factors(:, :)

    integer :: flag(lanes), l

    do l = 1, lanes
      call load(self, queue, l, y, t, dt, flags, temperature, h, tape, factors)
    end do
    do while (any(queue%cell > 0))
      call begin_step(self%mechanism, self%tables, self%tableau, queue%w)
      call run_stages(self%mechanism, self%tables, self%tableau, queue%w)
      call finish_step(self%tables, self%tableau, queue%w)
      call judge(self, queue, t + dt, flag, tape)
      do l = 1, lanes
        if (queue%cell(l) == 0 .or. flag(l) < 0) cycle
        call store(self, queue, l, flag(l), y, flags, h)
        call load(self, queue, l, y, t, dt, flags, temperature, h, tape, factors)
      end do
    end do
  end subroutine work_off

  !> Give a lane the next cell that can be integrated, or nothing.
  subroutine load(self, queue, l, y, t, dt, flags, temperature, h, tape, factors)
    class(chemistry_solver_t), intent(in) :: self
    type(queue_t), intent(inout) :: queue
    integer, intent(in) :: l !! lane
    real(wp), intent(in), contiguous :: y(:, :)
    real(wp), intent(in) :: t, dt
    integer, intent(inout), contiguous :: flags(:)
    real(wp), intent(in), contiguous, optional :: temperature(:)
    real(wp), intent(in), contiguous, optional :: h(:)
    type(tape_t), intent(inout), optional :: tape
    real(wp), intent(in), contiguous, optional :: factors(:, :)

    real(wp) :: kelvin
    integer :: cell

    do cell = queue%next, queue%last
      kelvin = self%mechanism%temperature
      if (present(temperature)) kelvin = temperature(cell)
      if (present(tape)) then
        tape%n_steps(cell) = 0
        tape%temperature(cell) = kelvin
      end if
      flags(cell) = input_flag(self, y(:, cell), kelvin)
      if (flags(cell) == flag_done) exit
    end do
    queue%next = cell + 1
    if (cell > queue%last) then
      queue%cell(l) = 0
      call queue%w%clear(l)
      return
    end if
    queue%cell(l) = cell
    queue%n_tried(l) = 0
    queue%n_taken(l) = 0
    queue%has_failed(l) = .false.
    queue%w%t(l) = t
    queue%w%y(l, :self%tables%n) = y(self%tables%species, cell)
    if (present(factors)) then
      call load_lane_rates(self%mechanism, kelvin, l, queue%w, factors(:, cell))
    else
      call load_lane_rates(self%mechanism, kelvin, l, queue%w)
    end if
    queue%next_h(l) = self%first_step
    if (present(h)) queue%next_h(l) = h(cell)
    if (.not. queue%next_h(l) > 0.0_wp) queue%next_h(l) = 1.0e-5_wp*dt
    if (self%fixed_steps > 0) queue%next_h(l) = dt/self%fixed_steps
    call cut_step(self, queue, l, t + dt)
  end subroutine load

  !> Whether a cell can be integrated.
  pure integer function input_flag(self, y, kelvin) result(flag)
    class(chemistry_solver_t), intent(in) :: self
    real(wp), intent(in) :: y(:)   !! concentrations (species)
    real(wp), intent(in) :: kelvin !! temperature [K]

    flag = flag_done
    if (.not. all(ieee_is_finite(y))) then
      flag = flag_not_finite
    else if (any(y(self%tables%species) < -self%atol)) then
      ! What `negatives_reject` lets out may come in again.
      flag = flag_negative
    else if (.not. (kelvin > 0.0_wp .and. ieee_is_finite(kelvin))) then
      flag = flag_temperature
    end if
  end function input_flag

  !> Rate constants of a lane's cell.
  pure subroutine load_lane_rates(mechanism, kelvin, l, w, factor)
    type(mechanism_t), intent(in) :: mechanism
    real(wp), intent(in) :: kelvin    !! [K]
    integer, intent(in) :: l          !! lane
    type(lanes_t), intent(inout) :: w !! k and factor are set
    real(wp), intent(in), optional :: factor(:) !! of the constants (reaction)

    call load_rates(mechanism, kelvin, w%k(l, :))
    w%factor(l, :) = 1.0_wp
    if (.not. present(factor)) return
    w%factor(l, :) = factor
    w%k(l, :) = w%k(l, :)*factor
  end subroutine load_lane_rates

  !> Rate constants of a cell; photolysis is set later, at each time.
  pure subroutine load_rates(mechanism, kelvin, k)
    type(mechanism_t), intent(in) :: mechanism
    real(wp), intent(in) :: kelvin !! [K]
    real(wp), intent(out) :: k(:)  !! (reaction)

    integer :: r

    do r = 1, size(k)
      k(r) = thermal_rate(mechanism%reactions(r), kelvin)
    end do
  end subroutine load_rates

  !> The step to try: not beyond the end.
  subroutine cut_step(self, queue, l, t_end)
    class(chemistry_solver_t), intent(in) :: self
    type(queue_t), intent(inout) :: queue
    integer, intent(in) :: l
    real(wp), intent(in) :: t_end

    real(wp) :: left

    left = t_end - queue%w%t(l)
    if (self%fixed_steps > 0) then
      queue%is_last(l) = queue%n_taken(l) == self%fixed_steps - 1
      queue%w%h(l) = queue%next_h(l)
    else
      ! A rest of less than a thousandth of a step is taken along.
      queue%is_last(l) = left <= 1.001_wp*queue%next_h(l)
      queue%w%h(l) = merge(left, queue%next_h(l), queue%is_last(l))
    end if
  end subroutine cut_step

  !> Accept or reject the step of each lane; `flag` is -1 while a cell is under way.
  subroutine judge(self, queue, t_end, flag, tape)
    class(chemistry_solver_t), intent(in) :: self
    type(queue_t), intent(inout) :: queue
    real(wp), intent(in) :: t_end
    integer, intent(out) :: flag(lanes)
    type(tape_t), intent(inout), optional :: tape

    real(wp) :: norm(lanes)
    logical :: is_taken(lanes)
    integer :: l

    norm = error_norm(self%tables%n, queue%w%y, queue%w%y_new, queue%w%error, self%atol, &
      self%rtol)
    if (self%negatives == negatives_reject) call reject_negatives(self, queue, norm)
    do l = 1, lanes
      flag(l) = -1
      is_taken(l) = .false.
      if (queue%cell(l) == 0) cycle
      call judge_lane(self, queue, l, norm(l), is_taken(l), flag(l), tape)
    end do
    call queue%w%advance(is_taken .or. queue%cell == 0)
    if (self%negatives == negatives_clip) queue%w%y = max(queue%w%y, 0.0_wp)
    do l = 1, lanes
      if (queue%cell(l) > 0 .and. flag(l) < 0) call cut_step(self, queue, l, t_end)
    end do
  end subroutine judge

  !> A step that ends below -atol counts as four times too inaccurate.
  pure subroutine reject_negatives(self, queue, norm)
    class(chemistry_solver_t), intent(in) :: self
    type(queue_t), intent(in) :: queue
    real(wp), intent(inout) :: norm(lanes)

    real(wp) :: deepest(lanes) !! below zero, over what is allowed
    integer :: i, l

    deepest = 0.0_wp
    do i = 1, self%tables%n
      !$omp simd
      do l = 1, lanes
        deepest(l) = max(deepest(l), -self%atol(i) - queue%w%y_new(l, i))
      end do
    end do
    where (deepest > 0.0_wp) norm = max(norm, 16.0_wp)
  end subroutine reject_negatives

  !> One lane: is the step taken, how long is the next, is the cell done?
  subroutine judge_lane(self, queue, l, norm, is_taken, flag, tape)
    class(chemistry_solver_t), intent(in) :: self
    type(queue_t), intent(inout) :: queue
    integer, intent(in) :: l
    real(wp), intent(in) :: norm      !! mean square of the error over the tolerance
    logical, intent(out) :: is_taken
    integer, intent(inout) :: flag
    type(tape_t), intent(inout), optional :: tape

    real(wp) :: factor, h, t

    h = queue%w%h(l)
    t = queue%w%t(l)
    queue%n_tried(l) = queue%n_tried(l) + 1
    if (self%fixed_steps > 0) then
      is_taken = ieee_is_finite(norm)
      factor = 1.0_wp
      if (.not. is_taken) flag = flag_small_step
    else
      is_taken = norm <= 1.0_wp ! false for NaN
      factor = step_factor(norm, self%tableau%error_order)
      if (.not. ieee_is_finite(norm)) factor = smallest
      if (is_taken .and. queue%has_failed(l)) factor = min(factor, 1.0_wp)
      if (.not. is_taken .and. queue%has_failed(l)) factor = min(factor, 0.1_wp)
    end if
    queue%has_failed(l) = .not. is_taken
    if (is_taken) then
      call take_step(queue, l, t, h, factor, flag, tape)
    else
      queue%n_rejected = queue%n_rejected + 1
      queue%next_h(l) = h*factor
      if (t + 0.1_wp*queue%next_h(l) == t .and. t /= 0.0_wp .or. &
        queue%next_h(l) < tiny(h)/epsilon(h)) flag = flag_small_step
    end if
    if (flag < 0 .and. queue%n_tried(l) >= self%max_steps) flag = flag_many_steps
  end subroutine judge_lane

  !> Factor of the next step: safety/error^(1/order). Where the limits decide, no power.
  pure real(wp) function step_factor(norm, order) result(factor)
    real(wp), intent(in) :: norm  !! square of the error over the tolerance
    integer, intent(in) :: order  !! of the error in h

    if (norm*(largest/safety)**(2*order) <= 1.0_wp) then
      factor = largest
    else
      ! Six digits are enough for a step, and take a third of the time.
      factor = safety*real(real(min(norm, 1.0e30_wp), real32)**(-0.5/order), wp)
      factor = max(smallest, factor)
    end if
  end function step_factor

  !> Book an accepted step.
  subroutine take_step(queue, l, t, h, factor, flag, tape)
    type(queue_t), intent(inout) :: queue
    integer, intent(in) :: l
    real(wp), intent(in) :: t, h   !! where it began, how long it is
    real(wp), intent(in) :: factor !! of the next step
    integer, intent(inout) :: flag
    type(tape_t), intent(inout), optional :: tape

    integer :: cell, step

    queue%n_accepted = queue%n_accepted + 1
    queue%n_taken(l) = queue%n_taken(l) + 1
    if (present(tape)) then
      step = queue%n_taken(l)
      cell = queue%cell(l)
      if (step > tape%capacity) then
        flag = flag_tape_full
        return
      end if
      tape%n_steps(cell) = step
      tape%t(step, cell) = t
      tape%h(step, cell) = h
      tape%y(:, step, cell) = queue%w%y(l, :size(tape%y, 1))
    end if
    queue%w%t(l) = t + h
    if (queue%is_last(l)) then
      ! The last step may have been cut short: the next call begins with what was planned.
      queue%next_h(l) = max(queue%next_h(l), h*factor)
      flag = flag_done
    else
      queue%next_h(l) = h*factor
    end if
  end subroutine take_step

  !> Write a cell's result; a cell that failed keeps its input.
  subroutine store(self, queue, l, flag, y, flags, h)
    class(chemistry_solver_t), intent(in) :: self
    type(queue_t), intent(in) :: queue
    integer, intent(in) :: l, flag
    real(wp), intent(inout), contiguous :: y(:, :)
    integer, intent(inout), contiguous :: flags(:)
    real(wp), intent(inout), contiguous, optional :: h(:)

    integer :: cell

    cell = queue%cell(l)
    flags(cell) = flag
    if (flag /= flag_done) return
    y(self%tables%species, cell) = queue%w%y(l, :self%tables%n)
    if (present(h)) h(cell) = queue%next_h(l)
  end subroutine store

  !> What a flag means.
  pure function flag_text(flag) result(text)
    integer, intent(in) :: flag !! one of flag_*
    character(len=:), allocatable :: text

    select case (flag)
    case (flag_done)
      text = "integrated"
    case (flag_not_finite)
      text = "the input is not finite"
    case (flag_negative)
      text = "the input is negative by more than the absolute tolerance"
    case (flag_temperature)
      text = "the temperature is not above 0 K, or not finite"
    case (flag_small_step)
      text = "no step is small enough"
    case (flag_many_steps)
      text = "more steps than 'max_steps'"
    case (flag_tape_full)
      text = "more steps than the tape holds"
    case default
      text = "unknown flag"
    end select
  end function flag_text

end module chemistry_solver
