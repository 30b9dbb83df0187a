! SPDX-License-Identifier: MIT
!> Module ftorch as programs for FTorch use it: operators, gradients, training.
! allow(C121)
program test_ftorch_gradients
  use, intrinsic :: iso_c_binding, only: c_int64_t
  use, intrinsic :: iso_fortran_env, only: int16, int32, int64, int8, real32, real64
  use checks, only: check, finish, network
  use ftorch
  use ftorch_test_utils, only: allclose, assert_allclose, isclose
  use isthmus_tensor_table, only: isthmus_fortran_n_kept
  implicit none

  !> A few roundings of real32, whose spacing is 1.2e-7.
  real(real32), parameter :: roundings = 1e-6_real32

  call results_are_written_to_arrays()
  call exponents_of_every_kind()
  call numbers_of_every_kind_on_either_side()
  call sums_and_means()
  call gradients_of_an_expression()
  call gradients_add_up_until_zeroed()
  call graph_is_kept_when_asked()
  call loops_need_no_new_tensors()
  call gradients_through_a_network()
  call several_steps_of_a_network()
  call copies_between_types()
  call losses()
  call sgd_finds_a_scaling()
  call sgd_without_keywords()
  call adam_takes_its_first_step()
  call training_a_network()
  call nothing_leaks()
  call closeness()
  call finish()

contains

  subroutine results_are_written_to_arrays()
    type(torch_tensor) :: a, b, c, d
    real(real32), target :: x(2, 3), y(2, 3)

    x = reshape(real([1, 2, 3, 4, 5, 6]), [2, 3])
    call torch_tensor_ones(a, 2, [2_c_int64_t, 3_c_int64_t], torch_kFloat32, torch_kCPU)
    call torch_tensor_from_array(b, x, torch_kCPU)
    call torch_tensor_from_array(c, y, torch_kCPU)
    c = a + b
    call check(all(y == x + 1), "an array below the left-hand side is filled")
    c = b - a*b/(a + a)
    call check(all(y == x/2), "again, by an expression")
    c = -b
    call check(all(y == -x), "minus")
    c = b
    call check(all(y == x), "the values of a variable")
    y = 0
    call check(all(x /= 0), "which are copied, not shared")
    d = a + b
    call check(all(d%get_shape() == [2, 3]), "a tensor never set takes the result")
    call torch_tensor_to(d, c)
    call check(all(y == x + 1), "which can be copied out")
  end subroutine results_are_written_to_arrays

  subroutine exponents_of_every_kind()
    type(torch_tensor) :: a, b
    real(real64), target :: x(4), y(4)

    x = [1, 2, 3, 4]
    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_from_array(b, y, torch_kCPU)
    b = a**2_int8
    call check(all(y == x**2), "int8")
    b = a**2_int16
    call check(all(y == x**2), "int16")
    b = a**3
    call check(all(y == x**3), "int32")
    b = a**3_int64
    call check(all(y == x**3), "int64")
    b = a**0.5
    call check(allclose(y, sqrt(x), "real32", rtol=1e-15_real64), "real32")
    b = a**2.5_real64
    call check(allclose(y, x**2.5_real64, "real64", rtol=1e-15_real64), "real64")
    b = a**0.1_real64
    call check(allclose(y, x**0.1_real64, "0.1", rtol=1e-15_real64), "no power of two")
    b = a**(1.0_real64/3.0_real64)
    call check(allclose(y**3, x, "root", rtol=1e-15_real64), "cube root")
  end subroutine exponents_of_every_kind

  subroutine numbers_of_every_kind_on_either_side()
    type(torch_tensor) :: a, b
    real(real32), target :: x(3), y(3)

    x = [1, 2, 4]
    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_from_array(b, y, torch_kCPU)
    b = 1_int8 + a*2_int16 - 3_int32
    call check(all(y == 1 + 2*x - 3), "integers")
    b = 1.0_real64/a + 0.5
    call check(all(y == 1/x + 0.5), "reals")
    b = (2_int64*a - 1)/2.0_real64
    call check(all(y == (2*x - 1)/2), "both")
    b = 2**a
    call check(all(y == 2.0**x), "a tensor as exponent")
  end subroutine numbers_of_every_kind_on_either_side

  subroutine sums_and_means()
    type(torch_tensor) :: a, total, average, fresh
    real(real64), target :: x(2, 2), s(1), m(1), f(1)
    type(torch_tensor) :: out

    x = reshape(real([1, 2, 3, 6], real64), [2, 2])
    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_from_array(total, s, torch_kCPU)
    call torch_tensor_from_array(average, m, torch_kCPU)
    call torch_tensor_sum(total, a)
    call torch_tensor_mean(average, a*a)
    call check(s(1) == 12, "sum")
    call check(m(1) == 12.5_real64, "mean of an expression")
    call torch_tensor_sum(fresh, a)
    call check(fresh%get_rank() == 1 .and. all(fresh%get_shape() == [1]), &
      "a sum is a tensor of rank 1")
    call torch_tensor_from_array(out, f, torch_kCPU)
    out = fresh/total
    call check(f(1) == 1, "sums are operands")
  end subroutine sums_and_means

  !> Q = 3 (a^3 - b^2/3): dQ/da = 9 a^2, dQ/db = -2 b, in FTorch's way of writing it.
  subroutine gradients_of_an_expression()
    type(torch_tensor) :: a, b, q, three, weights, dqda, dqdb
    real(real32), target :: x(2), y(2), z(2), gx(2), gy(2), number(1)

    x = [2, 3]
    y = [6, 4]
    number = 3
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(b, y, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(q, z, torch_kCPU)
    call torch_tensor_from_array(three, number, torch_kCPU)
    q = three*(a**3 - b*b/three)
    call check(allclose(z, [-12.0, 65.0], "Q", rtol=roundings), "the value")
    call check(a%requires_grad() .and. q%requires_grad(), "gradients flow")
    call torch_tensor_ones(weights, 1, q%get_shape(), q%get_dtype(), torch_kCPU)
    call torch_tensor_backward(q, weights)
    call torch_tensor_from_array(dqda, gx, torch_kCPU)
    call torch_tensor_from_array(dqdb, gy, torch_kCPU)
    call torch_tensor_get_gradient(dqda, a)
    call torch_tensor_get_gradient(dqdb, b)
    call check(allclose(gx, 9*x**2, "dQda", rtol=roundings), "9 a^2")
    call check(allclose(gy, -2*y, "dQdb", rtol=roundings), "-2 b")
  end subroutine gradients_of_an_expression

  subroutine gradients_add_up_until_zeroed()
    type(torch_tensor) :: a, q, gradient
    real(real64), target :: x(2), g(2)

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(gradient, g, torch_kCPU)
    call a%zero_grad() ! before there is one
    call torch_tensor_sum(q, a*a)
    call torch_tensor_backward(q)
    call torch_tensor_sum(q, a*a)
    call torch_tensor_backward(q)
    call torch_tensor_get_gradient(gradient, a)
    call check(all(g == 4*x), "two calls add up")
    call torch_tensor_zero_grad(a)
    call torch_tensor_sum(q, 5*a)
    call torch_tensor_backward(q)
    call torch_tensor_get_gradient(gradient, a)
    call check(all(g == 5), "zero_grad starts anew")
  end subroutine gradients_add_up_until_zeroed

  subroutine graph_is_kept_when_asked()
    type(torch_tensor) :: a, q, gradient
    real(real64), target :: x(2), g(2)

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(gradient, g, torch_kCPU)
    call torch_tensor_sum(q, a**3)
    call torch_tensor_backward(q, retain_graph=.true.)
    call torch_tensor_backward(q)
    call torch_tensor_get_gradient(gradient, a)
    call check(all(g == 6*x**2), "backward twice over one graph")
  end subroutine graph_is_kept_when_asked

  !> FTorch needs output tensors made anew before each pass.
  subroutine loops_need_no_new_tensors()
    type(torch_tensor) :: a, q, loss, gradient
    real(real64), target :: x(2), z(2), l(1), g(2)
    integer :: i

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(q, z, torch_kCPU)
    call torch_tensor_from_array(loss, l, torch_kCPU)
    call torch_tensor_from_array(gradient, g, torch_kCPU)
    do i = 1, 3
      call torch_tensor_zero_grad(a)
      q = a*i
      call torch_tensor_sum(loss, q*q)
      call torch_tensor_backward(loss)
      call torch_tensor_get_gradient(gradient, a)
      call check(all(z == i*x) .and. l(1) == sum(z**2), "values of this pass")
      call check(all(g == 2*i**2*x), "gradients of this pass")
    end do
  end subroutine loops_need_no_new_tensors

  subroutine gradients_through_a_network()
    type(torch_model) :: model
    type(torch_tensor) :: inputs(1), outputs(1), weights(1), ones, dydx, dydw
    real(real32), target :: x(5), y(5), gx(5), gw(5, 5)
    integer :: i

    x = [1, 2, 3, 4, 5]
    call torch_tensor_from_array(inputs(1), x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(outputs(1), y, torch_kCPU)
    call torch_model_load(model, network("doubling.pt"), torch_kCPU)
    call torch_model_forward(model, inputs, outputs, requires_grad=.true.)
    call check(all(y == 2*x), "the array is filled with gradients on, too")
    call torch_tensor_ones(ones, 1, outputs(1)%get_shape(), outputs(1)%get_dtype(), &
      torch_kCPU)
    call torch_tensor_backward(outputs(1), ones)
    call torch_tensor_from_array(dydx, gx, torch_kCPU)
    call torch_tensor_get_gradient(dydx, inputs(1))
    call check(all(gx == 2), "with respect to the input")
    call torch_model_parameters(model, weights)
    call torch_tensor_from_array(dydw, gw, torch_kCPU)
    call torch_tensor_get_gradient(dydw, weights(1))
    call check(all([(all(gw(i, :) == x), i=1, 5)]), "with respect to the weights")
    x = -x
    call torch_model_forward(model, inputs, outputs)
    call check(all(y == 2*x), "without gradients the array is filled again")
    call check(.not. outputs(1)%requires_grad(), "and no gradient flows")
    call torch_tensor_from_array(outputs(1), y, torch_kCPU, requires_grad=.true.)
    x = 3*x
    call torch_model_forward(model, inputs, outputs)
    call check(all(y == 2*x), "an output may have been made with requires_grad")
  end subroutine gradients_through_a_network

  !> The network's own results go in again: y = 2 (2 x), one output tensor for both steps.
  subroutine several_steps_of_a_network()
    type(torch_model) :: model
    type(torch_tensor) :: x_tensor(1), y_tensor(1), total, gradient
    real(real32), target :: x(5), y(5), g(5)

    x = [1, 2, 3, 4, 5]
    call torch_tensor_from_array(x_tensor(1), x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(y_tensor(1), y, torch_kCPU)
    call torch_model_load(model, network("doubling.pt"), torch_kCPU)
    call torch_model_forward(model, x_tensor, y_tensor, requires_grad=.true.)
    call torch_model_forward(model, y_tensor, y_tensor, requires_grad=.true.)
    call check(all(y == 4*x), "two steps")
    call torch_tensor_sum(total, y_tensor(1))
    call torch_tensor_backward(total)
    call torch_tensor_from_array(gradient, g, torch_kCPU)
    call torch_tensor_get_gradient(gradient, x_tensor(1))
    call check(all(g == 4), "gradients through both")
  end subroutine several_steps_of_a_network

  subroutine copies_between_types()
    type(torch_tensor) :: a, b, c
    real(real64), target :: x(3)
    real(real32), target :: y(3)
    integer(int32), target :: k(3)

    x = [1.5_real64, -2.25_real64, 3.0_real64]
    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_from_array(b, y, torch_kCPU)
    call torch_tensor_from_array(c, k, torch_kCPU)
    call torch_tensor_to(a, b)
    call check(all(y == real(x, real32)), "to real32, asked for")
    call torch_tensor_to(a, c, non_blocking=.true.)
    call check(all(k == int(x)), "to integers, asked for")
    call check(a%get_dtype() == torch_kFloat64, "the source keeps its type")
  end subroutine copies_between_types

  subroutine losses()
    type(torch_tensor) :: x_tensor, y_tensor, loss, each, scores, classes
    real(real32), target :: x(4), y(4), l(1), e(4), s(2, 3)
    integer(int64), target :: c(2)

    x = [1, 2, 3, 4]
    y = [1, 0, 3, 0]
    call torch_tensor_from_array(x_tensor, x, torch_kCPU)
    call torch_tensor_from_array(y_tensor, y, torch_kCPU)
    call torch_tensor_from_array(loss, l, torch_kCPU)
    call torch_loss_mse(loss, x_tensor, y_tensor)
    call check(l(1) == 5, "mean of the squares")
    call torch_loss_mse(loss, x_tensor, y_tensor, torch_kSum)
    call check(l(1) == 20, "sum of the squares")
    call torch_tensor_from_array(each, e, torch_kCPU)
    call torch_loss_mse(each, x_tensor, y_tensor, reduction_type=torch_kNone)
    call check(all(e == (x - y)**2), "all squares")
    ! Equal scores: each class has probability 1/3.
    s = 0
    c = [0, 2]
    call torch_tensor_from_array(scores, s, torch_kCPU)
    call torch_tensor_from_array(classes, c, torch_kCPU)
    call torch_loss_cross_entropy(loss, scores, classes)
    call check(isclose(l(1), log(3.0), "log 3", rtol=roundings), "cross entropy")
  end subroutine losses

  !> FTorch's tenth example: a scaling that maps ones to 1, 2, 3, 4.
  subroutine sgd_finds_a_scaling()
    type(torch_tensor) :: ones, wanted, scaling, found, loss
    type(torch_optim) :: optimizer
    real(real32), target :: x(4), y(4), z(4), s(4), l(1)
    integer :: i

    x = 1
    y = [1, 2, 3, 4]
    s = 1
    call torch_tensor_from_array(ones, x, torch_kCPU)
    call torch_tensor_from_array(wanted, y, torch_kCPU)
    call torch_tensor_from_array(scaling, s, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(found, z, torch_kCPU)
    call torch_tensor_from_array(loss, l, torch_kCPU)
    call torch_optim_SGD(optimizer, [scaling], learning_rate=1.0_real64)
    do i = 1, 16
      call optimizer%zero_grad()
      found = ones*scaling
      call torch_loss_mse(loss, found, wanted)
      call torch_tensor_backward(loss)
      call optimizer%step()
    end do
    ! Each step halves the distance: gradient (s - y)/2, learning rate 1.
    call check(all(abs(s - y) <= (y - 1)/2**16 + roundings), "2**-16 of the way is left")
    call torch_delete(optimizer)
    call torch_delete(optimizer)
  end subroutine sgd_finds_a_scaling

  !> By position: learning rate, momentum, weight decay, dampening.
  subroutine sgd_without_keywords()
    type(torch_tensor) :: a, loss
    type(torch_optim) :: optimizer
    real(real64), target :: x(1)
    integer :: i

    x = 2
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_optim_SGD(optimizer, [a], 0.1_real64, 0.5_real64, 0.25_real64, 0.75_real64)
    do i = 1, 2
      call torch_optim_zero_grad(optimizer)
      call torch_tensor_sum(loss, a)
      call torch_tensor_backward(loss)
      call torch_optim_step(optimizer)
    end do
    ! Gradients with decay 1 + x/4: 1.5, at x = 1.85 1.4625; then 1.5/2 + 1.4625/4.
    call check(abs(x(1) - (1.85_real64 - 0.1_real64*(0.75_real64 + 0.365625_real64))) &
      < 1e-14_real64, "order of SGD's numbers")
  end subroutine sgd_without_keywords

  !> The first step of Adam is the learning rate, against the sign of the gradient.
  subroutine adam_takes_its_first_step()
    type(torch_tensor) :: a, loss
    type(torch_optim) :: optimizer, same
    real(real64), target :: x(2)
    real(real64), parameter :: small = 1e-7_real64 !! eps of Adam is 1e-8

    x = [1, -1]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_optim_Adam(optimizer, [a], learning_rate=0.1_real64, beta_1=0.8_real64)
    same = optimizer
    call torch_tensor_sum(loss, a*a)
    call torch_tensor_backward(loss)
    call torch_optim_step(same)
    call check(all(abs(x - [0.9_real64, -0.9_real64]) < small), "Adam")
    x = [1, -1]
    call torch_optim_AdamW(optimizer, [a], learning_rate=0.1_real64, &
      weight_decay=0.5_real64, amsgrad=.true.)
    call torch_optim_zero_grad(optimizer)
    call torch_tensor_sum(loss, a*a)
    call torch_tensor_backward(loss)
    call optimizer%step()
    call check(all(abs(x - [0.85_real64, -0.85_real64]) < small), "AdamW decays first")
  end subroutine adam_takes_its_first_step

  !> FTorch's eleventh example, shorter: the weights become a permutation.
  subroutine training_a_network()
    type(torch_model) :: model, again
    type(torch_tensor) :: x_tensor(1), y_tensor(1), wanted, weights(1), loss
    type(torch_optim) :: optimizer
    real(real32), target :: x(5), y(5), z(5), l(1)
    real(real32) :: first
    real(real32), parameter :: trained = 1e-3 !! of the wanted values, far below 1
    integer :: i, k

    call torch_tensor_from_array(x_tensor(1), x, torch_kCPU)
    call torch_tensor_from_array(y_tensor(1), y, torch_kCPU)
    call torch_tensor_from_array(wanted, z, torch_kCPU)
    call torch_tensor_from_array(loss, l, torch_kCPU)
    call torch_model_load(model, network("doubling.pt"), torch_kCPU, is_training=.true.)
    call torch_model_parameters(model, weights)
    call torch_optim_SGD(optimizer, weights, learning_rate=0.5_real64)
    first = 0
    do i = 1, 400
      x = [(merge(1.0, 0.0, k == modulo(i, 5) + 1), k=1, 5)]
      z = x([5, 1, 2, 3, 4])
      call optimizer%zero_grad()
      call torch_model_forward(model, x_tensor, y_tensor, requires_grad=.true.)
      call torch_tensor_mean(loss, (y_tensor(1) - wanted)**2)
      call torch_tensor_backward(loss)
      call optimizer%step()
      if (i == 1) first = l(1)
    end do
    call check(l(1) < 1e-6*first, "the loss falls")
    x = [1, 2, 3, 4, 5]
    call torch_model_forward(model, x_tensor, y_tensor)
    call check(allclose(y, x([5, 1, 2, 3, 4]), "trained", rtol=trained), "it permutes")
    call torch_model_save(model, "ftorch_trained.pt")
    call torch_model_load(again, "ftorch_trained.pt", torch_kCPU)
    z = y
    y = 0
    call torch_model_forward(again, x_tensor, y_tensor)
    call check(all(y == z), "a saved network gives the same bits")
  end subroutine training_a_network

  subroutine nothing_leaks()
    type(torch_tensor) :: a, b
    type(torch_tensor), allocatable :: several(:)
    real(real32), target :: x(4), y(4)
    integer(int64) :: before
    integer :: i

    x = 1
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(b, y, torch_kCPU)
    b = a
    before = isthmus_fortran_n_kept()
    do i = 1, 100
      b = (a + a)*a - 2*a/3.0
      call torch_tensor_from_array(b, y, torch_kCPU)
      call scratch()
      allocate (several(3))
      several(2) = a*a
      deallocate (several)
    end do
    call check(isthmus_fortran_n_kept() == before, "operators and scopes leave nothing")
  end subroutine nothing_leaks

  subroutine scratch()
    type(torch_tensor) :: a, b(2)
    real(real32), target :: x(4)

    x = 1
    call torch_tensor_from_array(a, x, torch_kCPU)
    b(1) = a
    b(2) = a + a
  end subroutine scratch

  subroutine closeness()
    real(real32) :: x(2, 2)

    x = reshape([1.0, 2.0, 3.0, 4.0], [2, 2])
    call check(assert_allclose(x, x, "same"), "an array is close to itself")
    call check(.not. allclose(x, x + 0.1, print_result=.false.), "not to another")
    call check(allclose(x, x + 0.1, "wide", rtol=0.2), "with a wide tolerance it is")
    call check(allclose([0.0], [1e-3], "absolute", atol=1e-2), "an absolute tolerance")
    call check(.not. allclose([1.0], [1.0, 2.0], "shapes"), "shapes differ")
    call check(isclose(1.0_real64, 1.0_real64 + 1e-6_real64, "numbers"), "two numbers")
  end subroutine closeness

end program test_ftorch_gradients
