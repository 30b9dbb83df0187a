! SPDX-License-Identifier: MIT
!> The emulator from Fortran: column loops with guard and fallback, modes by namelist,
!> restart, evaluation beside the model, ensembles, swaps, and what is refused.
program test_isthmus_emulators
  use, intrinsic :: iso_fortran_env, only: int32, int64, int8, real64
  use checks, only: check, expect, finish, network
  use isthmus, only: isthmus_emulator_t, isthmus_err_argument, isthmus_err_contract, &
    isthmus_err_file, isthmus_err_runtime, isthmus_float64, isthmus_model_t, isthmus_ok, &
    isthmus_reason_input_range
  implicit none

  integer, parameter :: n_levels = 4, n_columns = 100, n_cells = 5, n_half = 4
  character(len=*), parameter :: group_file = "test_isthmus_emulators.nml"
  real(real64), target :: x_cells(n_cells), y_cells(n_cells), physics_cells(n_cells)
  character(len=512) :: errmsg
  integer :: stat

  call flagged_columns_take_the_physics()
  call modes_come_by_namelist()
  call wrong_namelists_are_refused()
  call restart_is_no_restart(0_int64)
  call restart_is_no_restart(2_int64)
  call steps_may_run_beside_the_model()
  call ensembles_and_swaps()
  call copies_own_together()
  call finish()

contains

  subroutine flagged_columns_take_the_physics()
    type(isthmus_emulator_t) :: emulator
    type(isthmus_model_t) :: model
    real(real64), target :: t(n_levels, n_columns), q(n_levels, n_columns), ps(n_columns)
    real(real64), target :: dt(n_levels, n_columns), dq(n_levels, n_columns)
    real(real64), target :: dt_physics(n_levels, n_columns), dq_physics(n_levels, n_columns)
    real(real64) :: dt_calm(n_levels, n_columns), largest_error
    integer(int32), target :: flags(n_columns)
    logical :: is_perturbed(n_columns)
    integer :: i

    call emulator%run(stat, errmsg)
    call expect(isthmus_err_argument, "no emulator is loaded", stat, errmsg, "not loaded")
    call emulator%load("nowhere.pt", stat=stat, errmsg=errmsg)
    call expect(isthmus_err_file, "nowhere.pt", stat, errmsg, "absent")
    call emulator%load(network("column.pt"))
    call emulator%network(model)
    call model%require_input("t", units="K", shape=[n_levels, -1])
    call model%require_time_step(2.0_real64)
    call model%self_test(largest_error)
    t = 260.0_real64
    q = 0.01_real64
    ps = [(900.0_real64 + i, i=1, n_columns)]
    dt_physics = -1.0_real64
    dq_physics = -2.0_real64
    call emulator%bind_input("t", t)
    call emulator%bind_input("q", q)
    call emulator%bind_input("ps", ps)
    call emulator%bind_output("dt", dt)
    call emulator%bind_output("dq", dq)
    call emulator%bind_fallback("dt", dt_physics)
    call emulator%bind_fallback("dq", dq_physics)
    call emulator%bind_flags(flags)
    call emulator%run()
    call check(emulator%n_flagged() == 0 .and. all(flags == 0), "calm columns pass")
    dt_calm = dt
    is_perturbed = [(mod(i, 20) == 7, i=1, n_columns)]
    do i = 7, n_columns, 20
      t(2, i) = 900.0_real64
    end do
    call emulator%run()
    call check(emulator%n_flagged() == 5, "5 % of columns are flagged")
    call check(all((flags == isthmus_reason_input_range) .eqv. is_perturbed), "which")
    do i = 1, n_columns
      if (is_perturbed(i)) then
        call check(all(dt(:, i) == dt_physics(:, i)) .and. all(dq(:, i) == -2.0_real64), &
          "a flagged column takes the physics' bits")
      else
        call check(all(dt(:, i) == dt_calm(:, i)), "the others keep the network's")
      end if
    end do
    call check(index(emulator%report(), "flagged 5 (2.5 %)") > 0, "report in text")
    call check(index(emulator%report("json"), '"input_range": 5') > 0, "report in JSON")
    call check(emulator%version() == "7", "the version of the weights")
    call check(emulator%step() == 2, "two steps")
    call emulator%set_policy("fail")
    call emulator%run(stat, errmsg)
    call expect(isthmus_err_runtime, "5 of 100 samples are flagged", stat, errmsg, "fail")
    call emulator%set_policy("fallback")
    call emulator%set_limits("t", high=1000.0_real64)
    call emulator%run()
    call check(emulator%n_flagged() == 0, "limits from code")
    call emulator%set_guard('{"inputs": {"q": {"low": 0.02}}}')
    call emulator%set_limits("t", low=100.0_real64)
    call emulator%run()
    call check(emulator%n_flagged() == n_columns, "a guard from code")
    call emulator%bind_input("t", t(:3, :), stat, errmsg)
    call check(stat /= isthmus_ok .and. index(errmsg, "'t' has shape") > 0, "three levels")
    call emulator%bind_pointer("sideways", "t", emulator%handle(), isthmus_float64, [1], &
      stat, errmsg)
    call expect(isthmus_err_argument, "no role 'sideways'", stat, errmsg, "no such role")
  end subroutine flagged_columns_take_the_physics

  subroutine modes_come_by_namelist()
    type(isthmus_emulator_t) :: emulator
    real(real64), target :: x(2, n_cells), y(2, n_cells), physics(2, n_cells)
    real(real64) :: answer(2, n_cells), mean, rms, largest
    integer(int64) :: n
    integer :: i

    call emulator%load(network("member_1.pt"))
    x = reshape([(0.1_real64*i, i=1, 2*n_cells)], shape(x))
    physics = 1.0_real64
    answer = 2.0_real64*x*(1.0_real64 + x/10.0_real64)
    call emulator%bind_input("x", x)
    call emulator%bind_output("y", y)
    call emulator%bind_fallback("y", physics)
    call write_group("mode = 'shadow', record = 'test_shadow_f.csv'")
    call emulator%configure(group_file)
    call emulator%run()
    call check(all(y == physics), "shadow gives the physics")
    n = 0
    mean = 0.0_real64
    rms = 0.0_real64
    largest = 0.0_real64
    call emulator%difference("y", n, mean, rms, largest)
    call check(n == 2*n_cells .and. abs(mean - sum(answer - physics)/n) < 1.0e-14_real64, &
      "mean difference")
    call check(abs(largest - maxval(abs(answer - physics))) < 1.0e-14_real64, "largest")
    call write_group("mode = 'blend', alpha = 0.5, ramp_start = 1, ramp_steps = 2")
    call emulator%configure(group_file)
    call emulator%run()
    call check(all(y == physics), "alpha is 0 where the ramp starts")
    call emulator%run()
    call check(all(abs(y - (0.75_real64*physics + 0.25_real64*answer)) < 1.0e-14_real64), &
      "alpha is half of its end in the middle of the ramp")
    call write_group("mode = 'emulator', record = ''")
    call emulator%configure(group_file)
    call emulator%run()
    call check(all(abs(y - answer) < 1.0e-14_real64), "the network alone")
    call write_group("")
    call emulator%configure(group_file)
    call emulator%run()
    call check(all(abs(y - answer) < 1.0e-14_real64), "an empty group changes nothing")
  end subroutine modes_come_by_namelist

  subroutine wrong_namelists_are_refused()
    type(isthmus_emulator_t) :: emulator
    integer :: unit

    call emulator%load(network("member_1.pt"))
    call emulator%configure("no_such_file.nml", stat, errmsg)
    call expect(isthmus_err_file, "no_such_file.nml", stat, errmsg, "no file")
    call write_group("mode = 'blend', alhpa = 0.5")
    call emulator%configure(group_file, stat, errmsg)
    call expect(isthmus_err_file, "alhpa", stat, errmsg, "an unknown key")
    call write_group("mode = 'mixed'")
    call emulator%configure(group_file, stat, errmsg)
    call expect(isthmus_err_argument, "no mode 'mixed'", stat, errmsg, "an unknown mode")
    call write_group("policy = 'pray'")
    call emulator%configure(group_file, stat, errmsg)
    call expect(isthmus_err_argument, "no policy 'pray'", stat, errmsg, "unknown policy")
    call write_group("alpha = 1.5")
    call emulator%configure(group_file, stat, errmsg)
    call expect(isthmus_err_argument, "'alpha' is 1.5", stat, errmsg, "alpha above 1")
    call write_group("lag = -3")
    call emulator%configure(group_file, stat, errmsg)
    call expect(isthmus_err_argument, "'lag' is -3", stat, errmsg, "a negative lag")
    open (newunit=unit, file=group_file, action="write")
    write (unit, "(a)") "&other_group / "
    close (unit)
    call emulator%configure(group_file, stat, errmsg)
    call expect(isthmus_err_file, "there is no group", stat, errmsg, "no group")
    call write_group("share_inputs = .true., threads = 2, seed = 4, answer = 'mean'")
    call emulator%configure(group_file, stat, errmsg)
    call expect(isthmus_ok, "", stat, errmsg, "all keys")
  end subroutine wrong_namelists_are_refused

  subroutine write_group(keys)
    character(len=*), intent(in) :: keys

    integer :: unit

    open (newunit=unit, file=group_file, action="write")
    write (unit, "(3a)") "&isthmus_emulator ", keys, " /"
    close (unit)
  end subroutine write_group

  subroutine restart_is_no_restart(lag)
    integer(int64), intent(in) :: lag

    type(isthmus_emulator_t) :: whole, half
    real(real64), target :: h(3, n_cells)
    integer(int64), target :: step
    real(real64) :: history(n_cells, 2*n_half), restarted(n_cells, 2*n_half)
    character(len=:), allocatable :: name
    integer(int8), allocatable :: bytes(:)
    integer(int64), allocatable :: extents(:)
    integer :: dtype, i, n

    physics_cells = -1.0_real64
    call begin(whole, lag)
    call advance(whole, 1, 2*n_half, history)
    call begin(half, lag)
    call advance(half, 1, n_half, restarted)
    call half%pack_state(bytes)
    call half%free()
    call begin(half, lag)
    bytes(50) = ieor(bytes(50), 1_int8)
    call half%unpack_state(bytes, stat, errmsg)
    call expect(isthmus_err_argument, "the bytes were changed", stat, errmsg, "damage")
    bytes(50) = ieor(bytes(50), 1_int8)
    call half%unpack_state(bytes)
    call advance(half, n_half + 1, 2*n_half, restarted)
    call check(all(history == restarted), "2N steps are N, a restart and N")
    n = 0
    call half%n_states(n)
    do i = 1, n
      call half%describe_state(i, name, dtype, extents)
      if (name /= "memory.0.h") cycle
      call check(dtype == isthmus_float64 .and. all(extents == [3, n_cells]), "memory")
    end do
    call half%get_state("memory.0.h", h)
    call check(any(h /= 0.0_real64), "memory is not nothing")
    h = 0.0_real64
    step = 100
    call half%put_state("memory.0.h", h)
    call half%put_state("step", step)
    call check(half%step() == 100, "the step from the host's restart")
    call half%get_state("memory.0.h", h(:, :2), stat, errmsg)
    call check(stat /= isthmus_ok .and. index(errmsg, "memory.0.h") > 0, "another shape")
  end subroutine restart_is_no_restart

  subroutine begin(emulator, lag)
    type(isthmus_emulator_t), intent(inout) :: emulator
    integer(int64), intent(in) :: lag

    call emulator%load(network("recurrent.pt"))
    call emulator%bind_input("x", x_cells)
    call emulator%bind_output("y", y_cells)
    call emulator%bind_fallback("y", physics_cells)
    call emulator%set_lag(lag)
  end subroutine begin

  subroutine advance(emulator, first, last, history)
    type(isthmus_emulator_t), intent(inout) :: emulator
    integer, intent(in) :: first, last
    real(real64), intent(inout) :: history(:, :)

    integer :: i, k

    do i = first, last
      x_cells = [(sin(real(i*k, real64)), k=1, n_cells)]
      call emulator%run()
      history(:, i) = y_cells
    end do
  end subroutine advance

  subroutine steps_may_run_beside_the_model()
    type(isthmus_emulator_t) :: emulator
    real(real64), target :: x(2, n_cells), y(2, n_cells)

    call emulator%load(network("member_0.pt"))
    call emulator%bind_input("x", x)
    call emulator%bind_output("y", y)
    x = 2.0_real64
    y = 0.0_real64
    call emulator%submit()
    x = 77.0_real64
    call check(all(y == 0.0_real64), "nothing is delivered before wait")
    call emulator%wait()
    call check(all(abs(y - 2.4_real64) < 1.0e-14_real64), "the inputs were copied")
    call emulator%wait(stat, errmsg)
    call expect(isthmus_err_argument, "nothing was submitted", stat, errmsg, "wait twice")
  end subroutine steps_may_run_beside_the_model

  subroutine ensembles_and_swaps()
    type(isthmus_emulator_t) :: emulator
    real(real64), target :: x(2, n_cells), y(2, n_cells), spread(2, n_cells)
    character(len=:), allocatable :: paths(:)

    allocate (character(len=len(network("member_0.pt")) + 10) :: paths(3))
    paths = [character(len=len(paths)) :: network("member_0.pt"), network("member_1.pt"), &
      network("member_2.pt")]
    call emulator%load(paths)
    call check(emulator%n_members() == 3 .and. emulator%version(3) == "v2", "members")
    x = 10.0_real64
    call emulator%bind_input("x", x)
    call emulator%bind_output("y", y)
    call emulator%bind_spread("y", spread)
    call emulator%run()
    call check(all(abs(y - 140.0_real64/3.0_real64) < 1.0e-12_real64), "mean of 20, 40, 80")
    call check(all(abs(spread - sqrt(2800.0_real64/3.0_real64)) < 1.0e-12_real64), "spread")
    call emulator%set_answer("member")
    call emulator%set_seed(3_int64)
    call emulator%run()
    call check(any(abs(y(1, 1) - [20.0_real64, 40.0_real64, 80.0_real64]) &
      < 1.0e-12_real64), "one of the members")
    call emulator%set_answer("mean")
    call emulator%swap_at(3_int64, [paths(1), paths(1), paths(1)])
    call emulator%run()
    call check(abs(y(1, 1) - 140.0_real64/3.0_real64) < 1.0e-12_real64, "before the swap")
    call emulator%run()
    call check(abs(y(1, 1) - 20.0_real64) < 1.0e-12_real64, "from step 3 on")
    call emulator%swap_at(9_int64, [network("fragile.pt")], stat=stat, errmsg=errmsg)
    call expect(isthmus_err_argument, "1 files are to replace 3", stat, errmsg, "too few")
    call emulator%load(paths(1))
    call emulator%swap_at(0_int64, [network("noisy.pt")], stat=stat, errmsg=errmsg)
    call expect(isthmus_err_contract, "another contract", stat, errmsg, "another contract")
  end subroutine ensembles_and_swaps

  subroutine copies_own_together()
    type(isthmus_emulator_t) :: one
    type(isthmus_emulator_t), allocatable :: other
    real(real64), target :: x(2, n_cells), y(2, n_cells)

    call one%load(network("member_0.pt"))
    x = 1.0_real64
    call one%bind_input("x", x)
    call one%bind_output("y", y)
    allocate (other)
    other = one
    call other%run()
    deallocate (other)
    call check(one%is_loaded() .and. one%step() == 1, "a copy is the same emulator")
    call one%run()
    call one%free()
    call check(.not. one%is_loaded() .and. one%n_members() == 0, "free")
    call check(one%report() == "" .and. one%version() == "", "nothing to report")
  end subroutine copies_own_together

end program test_isthmus_emulators
