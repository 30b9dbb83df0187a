// SPDX-License-Identifier: MIT
// tensor_math.h: operators and functions of each element.
#include <array>

#include <ATen/Functions.h>

#include "tensors/operation.hpp"
#include "tensors/scalar.hpp"

namespace {

using namespace isthmus;

struct Unary {
  const char *name;
  at::Tensor (*function)(const at::Tensor &);
  bool takes_integers;
};

constexpr Unary unaries[] = {{"neg", at::neg, true},      {"abs", at::abs, true},
                             {"sign", at::sign, true},    {"square", at::square, true},
                             {"exp", at::exp, false},     {"expm1", at::expm1, false},
                             {"log", at::log, false},     {"log1p", at::log1p, false},
                             {"log10", at::log10, false}, {"sqrt", at::sqrt, false},
                             {"sin", at::sin, false},     {"cos", at::cos, false},
                             {"tan", at::tan, false},     {"asin", at::asin, false},
                             {"acos", at::acos, false},   {"atan", at::atan, false},
                             {"sinh", at::sinh, false},   {"cosh", at::cosh, false},
                             {"tanh", at::tanh, false},   {"sigmoid", at::sigmoid, false},
                             {"relu", at::relu, false},   {"erf", at::erf, false},
                             {"floor", at::floor, false}, {"ceil", at::ceil, false},
                             {"round", at::round, false}};

constexpr const char *names[] = {"add", "sub", "mul", "div", "pow"};

const char *name_of_operator(isthmus_operator op) {
  return op >= ISTHMUS_ADD && op <= ISTHMUS_POW ? names[op] : "combine";
}

void check_numbers(const at::Tensor &tensor, const char *name, isthmus_operator op) {
  if (op < ISTHMUS_ADD || op > ISTHMUS_POW)
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  "'op' is " + std::to_string(op) + ", expected one of isthmus_operator");
  if (tensor.scalar_type() == at::kBool)
    throw Failure(ISTHMUS_ERR_SHAPE,
                  in_quotes(name) + " is bool, expected numbers: convert it with 'to'");
  if (op == ISTHMUS_DIV)
    check_floating(tensor, name);
}

void check_shapes(const at::Tensor &left, const at::Tensor &right) {
  if (left.sizes() == right.sizes() || left.numel() == 1 || right.numel() == 1)
    return;
  throw Failure(ISTHMUS_ERR_SHAPE, "'left' has shape " + shape_text(left.sizes().vec()) +
                                       ", 'right' has shape " +
                                       shape_text(right.sizes().vec()) +
                                       ", expected the same, or one element");
}

template <typename Left, typename Right>
at::Tensor combined(const Left &left, isthmus_operator op, const Right &right) {
  switch (op) {
  case ISTHMUS_ADD:
    return at::add(left, right);
  case ISTHMUS_SUB:
    return at::sub(left, right);
  case ISTHMUS_MUL:
    return at::mul(left, right);
  case ISTHMUS_DIV:
    return at::div(left, right);
  default:
    return at::pow(left, right);
  }
}

// Of one element and without rank: then torch gives the result the other one's shape.
at::Tensor without_rank(const at::Tensor &tensor, const at::Tensor &other) {
  if (tensor.numel() != 1 || tensor.dim() == 0 || other.numel() == 1)
    return tensor;
  return tensor.reshape({});
}

template <typename Number>
isthmus_status with_right(const isthmus_tensor *left, isthmus_operator op, Number right,
                          isthmus_tensor **result) {
  return on_tensors(name_of_operator(op), [&] {
    const at::Tensor &tensor = value_of(left, "left");
    check_numbers(tensor, "left", op);
    const c10::Scalar number = checked_scalar(right, tensor, "right");
    hand_out(result, [&] { return combined(tensor, op, number); });
  });
}

template <typename Number>
isthmus_status with_left(Number left, isthmus_operator op, const isthmus_tensor *right,
                         isthmus_tensor **result) {
  return on_tensors(name_of_operator(op), [&] {
    const at::Tensor &tensor = value_of(right, "right");
    check_numbers(tensor, "right", op);
    const c10::Scalar number = checked_scalar(left, tensor, "left");
    hand_out(result, [&] {
      if (op == ISTHMUS_POW)
        return at::pow(number, tensor);
      const at::Tensor scalar = at::scalar_tensor(number, tensor.options());
      return combined(scalar, op, tensor);
    });
  });
}

} // namespace

isthmus_status isthmus_tensor_combine(const isthmus_tensor *left, isthmus_operator op,
                                      const isthmus_tensor *right,
                                      isthmus_tensor **result) {
  return on_tensors(name_of_operator(op), [&] {
    const at::Tensor &a = value_of(left, "left");
    const at::Tensor &b = value_of(right, "right");
    check_numbers(a, "left", op);
    check_same_kind(a, "left", b, "right");
    check_shapes(a, b);
    hand_out(result, [&] { return combined(without_rank(a, b), op, without_rank(b, a)); });
  });
}

isthmus_status isthmus_tensor_combine_float64(const isthmus_tensor *left,
                                              isthmus_operator op, double right,
                                              isthmus_tensor **result) {
  return with_right(left, op, right, result);
}

isthmus_status isthmus_tensor_combine_int64(const isthmus_tensor *left, isthmus_operator op,
                                            int64_t right, isthmus_tensor **result) {
  return with_right(left, op, right, result);
}

isthmus_status isthmus_tensor_float64_combine(double left, isthmus_operator op,
                                              const isthmus_tensor *right,
                                              isthmus_tensor **result) {
  return with_left(left, op, right, result);
}

isthmus_status isthmus_tensor_int64_combine(int64_t left, isthmus_operator op,
                                            const isthmus_tensor *right,
                                            isthmus_tensor **result) {
  return with_left(left, op, right, result);
}

isthmus_status isthmus_tensor_unary(const isthmus_tensor *tensor, const char *name,
                                    isthmus_tensor **result) {
  return on_tensors("unary", [&] {
    const at::Tensor &value = value_of(tensor, "tensor");
    const std::string wanted = text(name, "name");
    for (const Unary &each : unaries) {
      if (wanted != each.name)
        continue;
      if (!each.takes_integers || value.scalar_type() == at::kBool)
        check_floating(value, "tensor");
      hand_out(result, [&] { return each.function(value); });
      return;
    }
    throw Failure(ISTHMUS_ERR_ARGUMENT, "no function is named " + in_quotes(wanted));
  });
}
