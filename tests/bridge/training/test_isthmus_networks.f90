! SPDX-License-Identifier: MIT
!> Networks, losses and optimizers from Fortran: a straight line found by each optimizer.
! The bridge is used as a whole, as programs do.
! allow(C121)
module line_problem
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use isthmus
  use checks, only: check
  implicit none
  public

  integer, parameter :: n = 32
  type(isthmus_tensor_t) :: x, y, weights
  type(isthmus_optimizer_t) :: optimizer
  real(real64), target :: x_values(2, n), y_values(1, n)
  logical :: is_failing = .false.

contains

  !> The mean squared error of a straight line, and its gradient.
  subroutine evaluate(loss, stat)
    real(real64), intent(out) :: loss
    integer, intent(out) :: stat

    type(isthmus_tensor_t) :: prediction, error

    loss = 0.0_real64
    stat = 77
    if (is_failing) return
    call optimizer%zero_grad(stat)
    prediction = tensor_matmul(weights, x)
    error = loss_mse(prediction, y)
    call error%backward(stat=stat)
    if (stat == 0) loss = value_of(error)
  end subroutine evaluate

  real(real64) function value_of(tensor)
    type(isthmus_tensor_t), intent(in) :: tensor

    real(real64), target :: value

    call tensor%to_array(value)
    value_of = value
  end function value_of

end module line_problem

! allow(C121)
program test_isthmus_networks
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use isthmus
  use checks, only: check, expect, finish, network
  use line_problem
  implicit none

  integer :: stat
  character(len=400) :: errmsg

  call make_line()
  call line_by("sgd", "learning_rate=0.3 momentum=0.5", 300)
  call line_by("adam", "learning_rate=0.05", 2000)
  call line_by("adamw", "learning_rate=0.05 weight_decay=0", 2000)
  call line_by("lbfgs", "line_search=strong_wolfe tolerance_grad=1e-13 "// &
    "tolerance_change=0", 3)
  call failing_closure_leaves_the_weights()
  call network_is_looked_into()
  call copies_are_the_same_network()
  call wrong_uses_are_named()
  call losses_have_their_values()
  call groups_have_their_own_rates()
  call dropout_acts_in_training_only()
  call nothing_leaks()
  call finish()

contains

  subroutine make_line()
    integer :: i

    do i = 1, n
      x_values(:, i) = [real(i, real64)/n - 0.5_real64, 1.0_real64]
      y_values(1, i) = 3.0_real64*x_values(1, i) - 0.25_real64
    end do
    call x%from_array(x_values)
    call y%from_array(y_values)
  end subroutine make_line

  !> No noise: the least-squares solution is slope 3 and intercept -1/4.
  subroutine line_by(kind, settings, n_steps)
    character(len=*), intent(in) :: kind, settings
    integer, intent(in) :: n_steps

    real(real64), parameter :: tolerance = 1e-11_real64 ! all go on to rounding
    real(real64), target :: found(1, 2)
    real(real64) :: loss
    integer :: i

    call weights%zeros([1, 2], isthmus_float64, requires_grad=.true.)
    call optimizer%make([weights], kind, settings)
    do i = 1, n_steps
      if (kind == "lbfgs") then
        call optimizer%step(evaluate, loss)
      else
        call evaluate(loss, stat)
        call optimizer%step()
      end if
    end do
    call evaluate(loss, stat)
    call weights%to_array(found)
    write (*, "(2a, 2es12.4)") kind, ": errors of slope and intercept", &
      found(1, :) - [3.0_real64, -0.25_real64]
    call check(all(abs(found(1, :) - [3.0_real64, -0.25_real64]) < tolerance), &
      kind//" finds the straight line")
  end subroutine line_by

  subroutine failing_closure_leaves_the_weights()
    real(real64), target :: found(1, 2), before(1, 2)
    real(real64) :: loss

    call weights%to_array(before)
    is_failing = .true.
    call optimizer%step(evaluate, loss, stat, errmsg)
    is_failing = .false.
    call expect(77, "the closure failed", stat, errmsg, "a closure that fails")
    call weights%to_array(found)
    call check(all(found == before), "a failed step leaves the weights")
    call optimizer%step(evaluate, loss, stat, errmsg)
    call expect(0, "", stat, errmsg, "the next step")
    call optimizer%step(stat, errmsg)
    call expect(isthmus_err_argument, "use a step with a closure", stat, errmsg, &
      "lbfgs without a closure")
  end subroutine failing_closure_leaves_the_weights

  subroutine network_is_looked_into()
    type(isthmus_network_t) :: net, twin, again
    type(isthmus_tensor_t) :: input, output, weight, parts(3)
    real(real64), target :: values(3, 2), results(2, 2), others(2, 2)

    values = 0.5_real64
    call input%from_array(values)
    call net%load(network("perceptron.pt"))
    call check(.not. net%is_training(), "a network starts in evaluation mode")
    call net%set_training(.true.)
    call check(net%is_training(), "training mode")
    call check(net%n_parameters() == 4, "number of parameters")
    call check(net%parameter_name(1) == "first.weight", "name of the first parameter")
    call check(net%parameter_name(5) == "", "no fifth parameter")
    call check(net%n_buffers() == 0, "no buffers")
    call check(net%n_trainable() == 50_int64, "number of values")
    call net%set_trainable(.false., "first.")
    call check(net%n_trainable() == 18_int64, "frozen parameters are not counted")
    call check(index(net%text(), "first.weight  Double [8, 3]  frozen") > 0, "text")
    call net%forward(input, output)
    call output%to_array(results)
    call check(output%requires_grad(), "the forward is recorded")
    call twin%copy_of(net)
    weight = net%parameter(4)
    call check(all(weight%shape() == [2]), "shape of a parameter")
    call isthmus_set_tape(.false.)
    call weight%fill(7.0_real64)
    call twin%forward(input, output)
    call output%to_array(others)
    call check(all(others == results), "a copy has weights of its own")
    call check(.not. output%requires_grad(), "nothing is recorded while the tape is off")
    call net%forward(input, output)
    call output%to_array(results)
    call check(all(others /= results), "a parameter is the very weights")
    call isthmus_set_tape(.true.)
    call net%save("saved_from_fortran.pt")
    call again%load("saved_from_fortran.pt")
    call again%forward(input, output)
    call output%to_array(others)
    call check(all(others == results), "a saved network has the weights")
    call net%forward([input], parts, method="parts")
    call check(all(parts(3)%shape() == [3, 2]), "several results")
    call net%forward([input], parts, stat=stat, errmsg=errmsg)
    call expect(isthmus_err_argument, "the network returned 1 tensors, outputs has 3", &
      stat, errmsg, "more room than results")
  end subroutine network_is_looked_into

  subroutine copies_are_the_same_network()
    type(isthmus_network_t) :: net, same
    type(isthmus_optimizer_t) :: one, other

    call net%load(network("perceptron.pt"))
    same = net
    call net%free()
    call check(net%n_parameters() == -1, "a freed network has no parameters")
    call check(same%n_parameters() == 4, "its copy goes on")
    call one%make(same, "adam", "learning_rate=0.5")
    other = one
    call one%free()
    call other%set_learning_rate(0.25_real64)
    call check(other%learning_rate() == 0.25_real64, "learning rate")
    call check(index(other%settings(), "learning_rate=0.25 beta1=") == 1, "settings")
  end subroutine copies_are_the_same_network

  subroutine wrong_uses_are_named()
    type(isthmus_network_t) :: net
    type(isthmus_optimizer_t) :: none
    type(isthmus_tensor_t) :: tensor

    call net%load("nowhere.pt", stat=stat, errmsg=errmsg)
    call expect(isthmus_err_file, "nowhere.pt", stat, errmsg, "a file that is not there")
    call net%save("x.pt", stat, errmsg)
    call expect(isthmus_err_argument, "'network' is null", stat, errmsg, "nothing loaded")
    call none%step(stat, errmsg)
    call expect(isthmus_err_argument, "'optimizer' is null", stat, errmsg, "no optimizer")
    tensor = loss_mse(x, y, reduction="average")
    call tensor%check(stat, errmsg)
    call expect(isthmus_err_argument, "expected 'mean', 'sum' or 'none'", stat, errmsg, &
      "an unknown reduction")
    tensor = loss_mse(x, y)
    call tensor%check(stat, errmsg)
    call expect(isthmus_err_shape, "[32, 2]", stat, errmsg, "shapes that differ")
    call optimizer%set_learning_rate(0.1_real64, 0, stat, errmsg)
    call expect(isthmus_err_argument, "does not exist", stat, errmsg, "group 0")
  end subroutine wrong_uses_are_named

  subroutine losses_have_their_values()
    type(isthmus_tensor_t) :: given, wanted, classes
    real(real64), target :: a(2, 2), b(2, 2)
    integer(int64), target :: labels(2)
    real(real64), parameter :: rounding = 1e-15_real64

    a = reshape([0.0_real64, 1.0_real64, 2.0_real64, 3.0_real64], [2, 2])
    b = 0.0_real64
    labels = [1, 0]
    call given%from_array(a)
    call wanted%from_array(b)
    call classes%from_array(labels)
    call check(value_of(loss_mse(given, wanted)) == 3.5_real64, "mse")
    call check(value_of(loss_l1(given, wanted, reduction="sum")) == 6.0_real64, "l1")
    call check(value_of(loss_huber(given, wanted, delta=2.0_real64, reduction="sum")) &
      == 6.5_real64, "huber: 0.5 + 2 + 2 (3 - 1)")
    call check(abs(value_of(loss_cross_entropy(given, classes, reduction="sum")) &
      - (log(1.0_real64 + exp(-1.0_real64)) + log(1.0_real64 + exp(1.0_real64)))) &
      < rounding*10, "cross entropy")
  end subroutine losses_have_their_values

  !> One step of plain gradient descent: - rate * gradient, the gradient limited to 1/2.
  subroutine groups_have_their_own_rates()
    type(isthmus_tensor_t) :: first, second, loss
    type(isthmus_optimizer_t) :: descent

    call first%zeros([1], isthmus_float64, requires_grad=.true.)
    call second%zeros([1], isthmus_float64, requires_grad=.true.)
    call descent%make([first], "sgd", "learning_rate=0.5")
    call descent%add_group([second], "learning_rate=0.25")
    call descent%add_group([second], stat=stat, errmsg=errmsg)
    call expect(isthmus_err_argument, "is given twice", stat, errmsg, "a tensor again")
    loss = tensor_sum(first*3.0_real64 + second*0.25_real64)
    call loss%backward()
    call descent%clip_value(0.5_real64)
    call descent%step()
    call check(value_of(tensor_sum(first)) == -0.25_real64, "gradient limited to 1/2")
    call check(value_of(tensor_sum(second)) == -0.0625_real64, "rate 1/4, gradient 1/4")
    call descent%zero_grad()
    call descent%set_learning_rate(1.0_real64, 2)
    loss = tensor_sum(first + second)
    call loss%backward()
    loss = tensor_sum(first + second)
    call loss%backward()
    call descent%step()
    call check(value_of(tensor_sum(first)) == -1.25_real64, "two gradients add up")
    call check(value_of(tensor_sum(second)) == -2.0625_real64, "the rate of group 2")
  end subroutine groups_have_their_own_rates

  subroutine dropout_acts_in_training_only()
    type(isthmus_network_t) :: net
    type(isthmus_tensor_t) :: input, output
    real(real64), target :: values(2, 50), one(2, 50), other(2, 50)

    values = 0.5_real64
    call input%from_array(values)
    call net%load(network("stepper_dropout.pt"))
    call net%forward(input, output)
    call output%to_array(one)
    call check(all(one(1, :) == one(1, 1)), "no dropout in evaluation mode")
    call net%set_training(.true.)
    call isthmus_seed(7)
    call net%forward(input, output)
    call output%to_array(one)
    call check(any(one(1, :) /= one(1, 1)), "dropout in training mode")
    call isthmus_seed(7)
    call net%forward(input, output)
    call output%to_array(other)
    call check(all(one == other), "the same seed, the same dropout")
  end subroutine dropout_acts_in_training_only

  subroutine nothing_leaks()
    use isthmus_tensor_table, only: isthmus_fortran_n_kept
    type(isthmus_network_t) :: net
    type(isthmus_tensor_t) :: input, target_values, output, loss
    type(isthmus_optimizer_t) :: adam
    real(real64), target :: values(3, 6), wanted(2, 6)
    integer(int64) :: n_kept
    integer :: i

    values = 0.5_real64
    wanted = 0.25_real64
    call input%from_array(values)
    call target_values%from_array(wanted)
    call net%load(network("perceptron.pt"), is_training=.true.)
    call adam%make(net, "adam")
    do i = 1, 300
      call adam%zero_grad()
      call net%forward(input, output)
      loss = loss_mse(output, target_values)
      call loss%backward()
      call adam%step()
      if (i == 1) n_kept = isthmus_fortran_n_kept()
    end do
    call check(isthmus_fortran_n_kept() == n_kept, "no tensor is left over by a step")
    loss = loss_mse(tensor_sum(output), tensor_sum(target_values))
    call check(isthmus_fortran_n_kept() == n_kept, "nor by results that are operands")
  end subroutine nothing_leaks

end program test_isthmus_networks
