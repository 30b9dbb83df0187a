! SPDX-License-Identifier: MIT
!> Operators of tensors in Fortran: the values of Fortran's own, for numbers of every kind
!> on either side; functions along Fortran's dimensions; gradients against those on paper.
! allow(C121)
program test_isthmus_tensor_operators
  use, intrinsic :: iso_fortran_env, only: int16, int32, int64, int8, real32, real64
  use checks, only: check, expect, finish
  use isthmus
  implicit none

  integer, parameter :: wp = real64
  real(wp), parameter :: rounding = 1.0e-14_wp !! a few operations of real64, relative
  character(len=1024) :: errmsg = ""
  integer :: stat

  call numbers_of_kind_int8()
  call numbers_of_kind_int16()
  call numbers_of_kind_int32()
  call numbers_of_kind_int64()
  call numbers_of_kind_real32()
  call numbers_of_kind_real64()
  call tensors_with_tensors()
  call exponents_of_real64()
  call long_expressions()
  call functions_along_dimensions()
  call products_of_matrices()
  call shapes_of_the_same_elements()
  call gradients_of_a_polynomial()
  call gradients_through_an_expression_with_arrays()
  call tape_off_records_nothing()
  call seeds_repeat_random_numbers()
  call finish()

contains

  subroutine compare(tensor, expected, what)
    type(isthmus_tensor_t), intent(in) :: tensor
    real(wp), intent(in) :: expected(:)
    character(len=*), intent(in) :: what

    real(wp), target :: found(size(expected))

    call tensor%to_array(found, convert=.true., stat=stat, errmsg=errmsg)
    call expect(isthmus_ok, "", stat, errmsg, what)
    call check(all(abs(found - expected) <= rounding*(1.0_wp + abs(expected))), what)
  end subroutine compare

  subroutine numbers_of_kind_int8()
    integer(int8), parameter :: n = 3_int8
    real(wp), target :: x(3)
    type(isthmus_tensor_t) :: t, r

    x = [0.5_wp, 2.0_wp, 4.0_wp]
    call t%from_array(x)
    r = t + n
    call compare(r, x + real(n, wp), "tensor + int8")
    r = n + t
    call compare(r, real(n, wp) + x, "int8 + tensor")
    r = t - n
    call compare(r, x - real(n, wp), "tensor - int8")
    r = n - t
    call compare(r, real(n, wp) - x, "int8 - tensor")
    r = t*n
    call compare(r, x*real(n, wp), "tensor * int8")
    r = n*t
    call compare(r, real(n, wp)*x, "int8 * tensor")
    r = t/n
    call compare(r, x/real(n, wp), "tensor / int8")
    r = n/t
    call compare(r, real(n, wp)/x, "int8 / tensor")
    r = t**n
    call compare(r, x**real(n, wp), "tensor ** int8")
    r = n**t
    call compare(r, real(n, wp)**x, "int8 ** tensor")
  end subroutine numbers_of_kind_int8

  subroutine numbers_of_kind_int16()
    integer(int16), parameter :: n = 3_int16
    real(wp), target :: x(3)
    type(isthmus_tensor_t) :: t, r

    x = [0.5_wp, 2.0_wp, 4.0_wp]
    call t%from_array(x)
    r = t + n
    call compare(r, x + real(n, wp), "tensor + int16")
    r = n + t
    call compare(r, real(n, wp) + x, "int16 + tensor")
    r = t - n
    call compare(r, x - real(n, wp), "tensor - int16")
    r = n - t
    call compare(r, real(n, wp) - x, "int16 - tensor")
    r = t*n
    call compare(r, x*real(n, wp), "tensor * int16")
    r = n*t
    call compare(r, real(n, wp)*x, "int16 * tensor")
    r = t/n
    call compare(r, x/real(n, wp), "tensor / int16")
    r = n/t
    call compare(r, real(n, wp)/x, "int16 / tensor")
    r = t**n
    call compare(r, x**real(n, wp), "tensor ** int16")
    r = n**t
    call compare(r, real(n, wp)**x, "int16 ** tensor")
  end subroutine numbers_of_kind_int16

  subroutine numbers_of_kind_int32()
    integer(int32), parameter :: n = 3_int32
    real(wp), target :: x(3)
    type(isthmus_tensor_t) :: t, r

    x = [0.5_wp, 2.0_wp, 4.0_wp]
    call t%from_array(x)
    r = t + n
    call compare(r, x + real(n, wp), "tensor + int32")
    r = n + t
    call compare(r, real(n, wp) + x, "int32 + tensor")
    r = t - n
    call compare(r, x - real(n, wp), "tensor - int32")
    r = n - t
    call compare(r, real(n, wp) - x, "int32 - tensor")
    r = t*n
    call compare(r, x*real(n, wp), "tensor * int32")
    r = n*t
    call compare(r, real(n, wp)*x, "int32 * tensor")
    r = t/n
    call compare(r, x/real(n, wp), "tensor / int32")
    r = n/t
    call compare(r, real(n, wp)/x, "int32 / tensor")
    r = t**n
    call compare(r, x**real(n, wp), "tensor ** int32")
    r = n**t
    call compare(r, real(n, wp)**x, "int32 ** tensor")
  end subroutine numbers_of_kind_int32

  subroutine numbers_of_kind_int64()
    integer(int64), parameter :: n = 3_int64
    real(wp), target :: x(3)
    type(isthmus_tensor_t) :: t, r

    x = [0.5_wp, 2.0_wp, 4.0_wp]
    call t%from_array(x)
    r = t + n
    call compare(r, x + real(n, wp), "tensor + int64")
    r = n + t
    call compare(r, real(n, wp) + x, "int64 + tensor")
    r = t - n
    call compare(r, x - real(n, wp), "tensor - int64")
    r = n - t
    call compare(r, real(n, wp) - x, "int64 - tensor")
    r = t*n
    call compare(r, x*real(n, wp), "tensor * int64")
    r = n*t
    call compare(r, real(n, wp)*x, "int64 * tensor")
    r = t/n
    call compare(r, x/real(n, wp), "tensor / int64")
    r = n/t
    call compare(r, real(n, wp)/x, "int64 / tensor")
    r = t**n
    call compare(r, x**real(n, wp), "tensor ** int64")
    r = n**t
    call compare(r, real(n, wp)**x, "int64 ** tensor")
  end subroutine numbers_of_kind_int64

  subroutine numbers_of_kind_real32()
    real(real32), parameter :: n = 2.5_real32
    real(wp), target :: x(3)
    type(isthmus_tensor_t) :: t, r

    x = [0.5_wp, 2.0_wp, 4.0_wp]
    call t%from_array(x)
    r = t + n
    call compare(r, x + real(n, wp), "tensor + real32")
    r = n + t
    call compare(r, real(n, wp) + x, "real32 + tensor")
    r = t - n
    call compare(r, x - real(n, wp), "tensor - real32")
    r = n - t
    call compare(r, real(n, wp) - x, "real32 - tensor")
    r = t*n
    call compare(r, x*real(n, wp), "tensor * real32")
    r = n*t
    call compare(r, real(n, wp)*x, "real32 * tensor")
    r = t/n
    call compare(r, x/real(n, wp), "tensor / real32")
    r = n/t
    call compare(r, real(n, wp)/x, "real32 / tensor")
    r = t**n
    call compare(r, x**real(n, wp), "tensor ** real32")
    r = n**t
    call compare(r, real(n, wp)**x, "real32 ** tensor")
  end subroutine numbers_of_kind_real32

  subroutine numbers_of_kind_real64()
    real(real64), parameter :: n = 2.5_real64
    real(wp), target :: x(3)
    type(isthmus_tensor_t) :: t, r

    x = [0.5_wp, 2.0_wp, 4.0_wp]
    call t%from_array(x)
    r = t + n
    call compare(r, x + real(n, wp), "tensor + real64")
    r = n + t
    call compare(r, real(n, wp) + x, "real64 + tensor")
    r = t - n
    call compare(r, x - real(n, wp), "tensor - real64")
    r = n - t
    call compare(r, real(n, wp) - x, "real64 - tensor")
    r = t*n
    call compare(r, x*real(n, wp), "tensor * real64")
    r = n*t
    call compare(r, real(n, wp)*x, "real64 * tensor")
    r = t/n
    call compare(r, x/real(n, wp), "tensor / real64")
    r = n/t
    call compare(r, real(n, wp)/x, "real64 / tensor")
    r = t**n
    call compare(r, x**real(n, wp), "tensor ** real64")
    r = n**t
    call compare(r, real(n, wp)**x, "real64 ** tensor")
  end subroutine numbers_of_kind_real64

  subroutine tensors_with_tensors()
    real(wp), target :: x(3), y(3)
    integer(int32), target :: whole(3)
    type(isthmus_tensor_t) :: a, b, c, r

    x = [0.5_wp, 2.0_wp, 4.0_wp]
    y = [3.0_wp, -1.0_wp, 0.5_wp]
    whole = [1, 2, 3]
    call a%from_array(x)
    call b%from_array(y)
    call c%from_array(whole)
    r = a + b
    call compare(r, x + y, "tensor + tensor")
    r = a - b
    call compare(r, x - y, "tensor - tensor")
    r = a*b
    call compare(r, x*y, "tensor * tensor")
    r = a/b
    call compare(r, x/y, "tensor / tensor")
    r = a**b
    call compare(r, x**y, "tensor ** tensor")
    r = -a
    call compare(r, -x, "- tensor")
    r = c*2
    call compare(r, 2.0_wp*whole, "integers times an integer")
    call check(r%dtype() == isthmus_int32, "integers stay integers")
    r = a + c
    call r%check(stat, errmsg)
    call expect(isthmus_err_shape, "'left' is float64, 'right' is int32", stat, errmsg, &
      "types are not mixed")
    r = c + 0.5_wp
    call r%check(stat, errmsg)
    call expect(isthmus_err_shape, "is a real number", stat, errmsg, "integers plus a real")
    r = c/2
    call r%check(stat, errmsg)
    call expect(isthmus_err_shape, "div: ", stat, errmsg, "integers are not divided")
  end subroutine tensors_with_tensors

  !> Other bridges read a real64 exponent as a real32 one.
  subroutine exponents_of_real64()
    real(wp), parameter :: exponents(6) = [2.0_wp, 2.5_wp, 0.1_wp, 1.0_wp/3.0_wp, -1.5_wp, &
      0.0_wp]
    real(wp), target :: x(4)
    real(real32), target :: y(4)
    type(isthmus_tensor_t) :: a, b, r
    integer :: i

    x = [1.0_wp, 2.0_wp, 3.0_wp, 4.0_wp]
    y = real(x, real32)
    call a%from_array(x)
    call b%from_array(y)
    do i = 1, size(exponents)
      r = a**exponents(i)
      call compare(r, x**exponents(i), "real64 ** real64")
      r = b**exponents(i)
      call check(r%dtype() == isthmus_float32, "a real32 tensor stays one")
    end do
    r = b**2.0_wp
    call compare(r, x**2, "real32 ** real64")
  end subroutine exponents_of_real64

  subroutine long_expressions()
    real(wp), target :: x(3)
    type(isthmus_tensor_t) :: a, r

    x = [0.5_wp, 2.0_wp, 4.0_wp]
    call a%from_array(x)
    r = ((a + a)*a - 3)/(1 + a**2) - (-a)*2.0_real32
    call compare(r, ((x + x)*x - 3)/(1 + x**2) + 2*x, "a long expression")
    r = tensor_apply("exp", -a)*tensor_apply("tanh", a + 1)
    call compare(r, exp(-x)*tanh(x + 1), "functions of expressions")
    r = a - tensor_mean(a)
    call compare(r, x - sum(x)/3, "one element goes with any shape")
    r = tensor_apply("gamma", a)
    call r%check(stat, errmsg)
    call expect(isthmus_err_argument, "'gamma'", stat, errmsg, "an unknown function")
  end subroutine long_expressions

  subroutine functions_along_dimensions()
    real(wp), target :: u(2, 3)
    type(isthmus_tensor_t) :: t, r

    u = reshape([1.0_wp, 5.0_wp, 3.0_wp, 2.0_wp, 4.0_wp, 6.0_wp], [2, 3])
    call t%from_array(u)
    r = tensor_sum(t, dim=1)
    call compare(r, sum(u, dim=1), "sum along dimension 1")
    r = tensor_sum(t, dim=2)
    call compare(r, sum(u, dim=2), "sum along dimension 2")
    r = tensor_min(t, dim=2)
    call compare(r, minval(u, dim=2), "least along dimension 2")
    r = tensor_max(t, dim=1)
    call compare(r, maxval(u, dim=1), "greatest along dimension 1")
    r = tensor_norm(t, dim=2)
    call compare(r, norm2(u, dim=2), "norm along dimension 2")
    r = tensor_reshape(tensor_mean(t), [1])
    call compare(r, [sum(u)/6], "mean of all")
    r = tensor_reshape(tensor_dot(t, t), [1])
    call compare(r, [sum(u*u)], "dot product of all")
  end subroutine functions_along_dimensions

  subroutine products_of_matrices()
    real(wp), target :: a(2, 3), b(3, 4), v(3), c(2, 4)
    type(isthmus_tensor_t) :: ta, tb, tv, r

    call random_number(a)
    call random_number(b)
    call random_number(v)
    call ta%from_array(a)
    call tb%from_array(b)
    call tv%from_array(v)
    r = tensor_matmul(ta, tb)
    call r%to_array(c)
    call check(all(abs(c - matmul(a, b)) <= rounding), "matmul is Fortran's")
    r = tensor_matmul(ta, tv)
    call compare(r, matmul(a, v), "matrix times vector")
    r = tensor_matmul(tv, tb)
    call compare(r, matmul(v, b), "vector times matrix")
    r = tensor_matmul(ta, ta)
    call r%check(stat, errmsg)
    call expect(isthmus_err_shape, "matmul: ", stat, errmsg, "matrices that do not fit")
  end subroutine products_of_matrices

  subroutine shapes_of_the_same_elements()
    real(wp), target :: u(2, 3), w(3, 2), c(2, 3, 4), d(3, 4, 2)
    type(isthmus_tensor_t) :: t, r

    call random_number(u)
    call random_number(c)
    call t%from_array(u)
    r = tensor_transpose(t)
    call r%to_array(w)
    call check(all(abs(w - transpose(u)) <= 0.0_wp), "transpose is Fortran's")
    r = tensor_reshape(t, [3, 2])
    call r%to_array(w)
    call check(all(abs(w - reshape(u, [3, 2])) <= 0.0_wp), "reshape is Fortran's")
    r = tensor_slice(t, dim=2, first=1, last=3, step=2)
    call r%to_array(w(1:2, :))
    call check(all(abs(w(1:2, :) - u(:, 1:3:2)) <= 0.0_wp), "slices are Fortran's")
    call t%from_array(c)
    r = tensor_permute(t, [2, 3, 1])
    call r%to_array(d)
    call check(all(abs(d(:, :, 2) - c(2, :, :)) <= 0.0_wp), "permute takes Fortran's order")
    r = tensor_permute(t, [2, 2, 1])
    call r%check(stat, errmsg)
    call expect(isthmus_err_argument, "permute: ", stat, errmsg, "no permutation")
    r = tensor_slice(t, dim=1, first=1, last=3)
    call r%check(stat, errmsg)
    call expect(isthmus_err_argument, "not within the extent 2", stat, errmsg, "too far")
  end subroutine shapes_of_the_same_elements

  subroutine gradients_of_a_polynomial()
    real(wp), target :: x(3)
    type(isthmus_tensor_t) :: t, loss, g, weights

    x = [1.0_wp, 2.0_wp, -3.0_wp]
    call t%from_array(x, requires_grad=.true.)
    loss = tensor_sum(2*t**3 - t*t/4)
    call loss%backward(retain_graph=.true.)
    g = t%gradient()
    call compare(g, 6*x**2 - x/2, "gradient of a polynomial")
    call loss%backward()
    g = t%gradient()
    call compare(g, 12*x**2 - x, "gradients add up")
    call t%zero_grad()
    call compare(g, 0.0_wp*x, "the gradient handed out is the one set to zero")
    loss = t**2
    call loss%backward(stat=stat, errmsg=errmsg)
    call expect(isthmus_err_shape, "expected one element", stat, errmsg, "no scalar")
    call weights%ones([3], isthmus_float64)
    call loss%backward(weights*2)
    g = t%gradient()
    call compare(g, 4*x, "weights of the elements")
    g = loss%gradient()
    call g%check(stat, errmsg)
    call expect(isthmus_err_argument, "has no gradient", stat, errmsg, "not a leaf")
  end subroutine gradients_of_a_polynomial

  subroutine gradients_through_an_expression_with_arrays()
    real(wp), target :: a(2, 3), x(3), y(2)
    real(wp) :: residual(2)
    type(isthmus_tensor_t) :: ta, tx, ty, loss, g

    call random_number(a)
    call random_number(x)
    call random_number(y)
    call ta%from_array(a)
    call tx%from_array(x, requires_grad=.true.)
    call ty%from_array(y)
    loss = tensor_sum((tensor_matmul(ta, tx) - ty)**2)
    call loss%backward()
    g = tx%gradient()
    residual = matmul(a, x) - y
    call compare(g, 2*matmul(residual, a), "gradient of least squares")
  end subroutine gradients_through_an_expression_with_arrays

  subroutine tape_off_records_nothing()
    type(isthmus_tensor_t) :: t, r

    call t%ones([2], isthmus_float64, requires_grad=.true.)
    call check(isthmus_tape_is_on(), "the tape starts on")
    call isthmus_set_tape(.false.)
    r = t*2
    call check(.not. r%requires_grad(), "nothing is recorded while the tape is off")
    call isthmus_set_tape(.true.)
    r = t*2
    call check(r%requires_grad() .and. .not. r%is_leaf(), "and it is while it is on")
    r = r%detach()
    call check(.not. r%requires_grad() .and. r%is_leaf(), "detach leaves the tape")
  end subroutine tape_off_records_nothing

  subroutine seeds_repeat_random_numbers()
    type(isthmus_tensor_t) :: a, b
    real(wp), target :: x(20), y(20)

    call isthmus_seed(7)
    call a%randn([20], isthmus_float64)
    call isthmus_seed(7)
    call b%randn([20], isthmus_float64)
    call a%to_array(x)
    call b%to_array(y)
    call check(all(abs(x - y) <= 0.0_wp) .and. abs(x(1) - x(2)) > 0.0_wp, "seeds repeat")
  end subroutine seeds_repeat_random_numbers

end program test_isthmus_tensor_operators
