! SPDX-License-Identifier: MIT
!> A model in double precision with columns first, t(column, level), and a network in single
!> precision that reads [column, level]: asked for by name, refused otherwise.
program test_isthmus_staging
  use, intrinsic :: iso_fortran_env, only: real32, real64
  use checks, only: check, expect, finish, network
  use isthmus, only: isthmus_cost_report, isthmus_cost_report_of_ranks, &
    isthmus_cost_set, isthmus_cost_t, isthmus_cost_table, &
    isthmus_err_argument, isthmus_err_shape, isthmus_model_cost, isthmus_model_t
  implicit none

  integer, parameter :: n_columns = 13, n_levels = 4
  ! y = x x + level x rounded to single precision, of size 40
  real(real64), parameter :: rounding = 40*epsilon(1.0_real32)
  real(real64), target :: t(n_columns, n_levels), y(n_columns, n_levels)
  real(real64), target :: across(n_levels, n_columns)
  type(isthmus_model_t) :: model
  character(len=512) :: errmsg
  integer :: i, k, stat

  do k = 1, n_levels
    do i = 1, n_columns
      t(i, k) = 0.3_real64*i - 1.1_real64*k
    end do
  end do

  call nothing_is_converted_unasked()
  call indices_keep_their_order()
  call default_order_is_that_of_memory()
  call tiles_change_no_column()
  call costs_are_told()
  call finish()

contains

  subroutine nothing_is_converted_unasked()
    call model%load(network("profile_float32.pt"))
    call model%bind_input("x", t, stat, errmsg, order=[1, 2])
    call expect(isthmus_err_shape, "'x' is float64, the network expects float32 (bind"// &
      " it with 'convert'", stat, errmsg, "conversion not asked for")
    call model%bind_input("x", t, stat, errmsg, convert=.true., order=[1])
    call expect(isthmus_err_shape, "'x' has an order of another rank", stat, errmsg, "rank")
    call model%bind_input("x", t, stat, errmsg, convert=.true., order=[0, 1])
    call expect(isthmus_err_shape, "'x' has an order that is no order", stat, errmsg, &
      "no permutation")
    call model%set_tile(12, stat, errmsg)
    call expect(isthmus_err_argument, "expected a power of two", stat, errmsg, "tile of 12")
    call model%run_other("step", stat, errmsg)
    call expect(isthmus_err_argument, "no method 'step'", stat, errmsg, "unknown method")
    call model%use_loops(-1, stat, errmsg)
    call expect(isthmus_err_argument, "n_samples is -1", stat, errmsg, "loops of -1")
  end subroutine nothing_is_converted_unasked

  subroutine indices_keep_their_order()
    call model%bind_input("x", t, convert=.true., order=[1, 2])
    call model%bind_output("y", y, convert=.true., order=[1, 2])
    call model%run_other("forward")
    call check(all(abs(y - expected()) < rounding), "t(column, level) is [column, level]")
    call check(model%tuning() == "", "no tuning file, no note")
  end subroutine indices_keep_their_order

  subroutine default_order_is_that_of_memory()
    across = transpose(t)
    call model%bind_input("x", across, convert=.true.)
    call model%run()
    call check(all(abs(y - expected()) < rounding), "across(level, column) is the same")
  end subroutine default_order_is_that_of_memory

  subroutine tiles_change_no_column()
    real(real64), allocatable :: whole(:, :)

    call model%set_tile(8)
    call model%run()
    whole = y
    y = 0
    do i = 1, n_columns
      call model%bind_input("x", across(:, i:i), convert=.true.)
      call model%bind_output("y", y(i:i, :), convert=.true., order=[1, 2])
      call model%run()
    end do
    call check(all(transfer(y, [1]) == transfer(whole, [1])), "one by one, same bits")
    call model%set_chunk(5)
    call model%bind_input("x", across, convert=.true.)
    call model%bind_output("y", y, convert=.true., order=[1, 2])
    call model%run()
    call check(all(abs(y - expected()) < rounding), "chunks give the same")
  end subroutine tiles_change_no_column

  subroutine costs_are_told()
    type(isthmus_cost_t) :: call_cost, pack_cost
    real(real64), allocatable :: table(:)
    character(len=:), allocatable :: text

    call isthmus_cost_set(.true.)
    call model%run()
    call model%run()
    call isthmus_cost_set(.false.)
    call model%run()
    call isthmus_model_cost(model, "call", call_cost)
    call isthmus_model_cost(model, "pack", pack_cost)
    call check(call_cost%n_calls == 2 .and. call_cost%total > 0, "two calls are measured")
    call check(pack_cost%total > 0 .and. pack_cost%total < call_cost%total, "part of them")
    call check(index(isthmus_cost_report("text"), "profile_float32") > 0, "text is given")
    table = isthmus_cost_table()
    text = isthmus_cost_report_of_ranks("text", [size(table), size(table)], [table, table])
    call check(index(text, "(on 2 of 2 ranks)") > 0, "ranks are told")
    text = isthmus_cost_report_of_ranks("text", [1], table, stat, errmsg)
    call expect(isthmus_err_shape, "the sum of 'lengths', 1", stat, errmsg, "ranks")
    call isthmus_model_cost(model, "rest", call_cost, stat, errmsg)
    call expect(isthmus_err_argument, "no phase 'rest'", stat, errmsg, "unknown phase")
  end subroutine costs_are_told

  function expected() result(values)
    real(real64) :: values(n_columns, n_levels)

    do k = 1, n_levels
      values(:, k) = t(:, k)*(t(:, k) + k)
    end do
  end function expected

end program test_isthmus_staging
