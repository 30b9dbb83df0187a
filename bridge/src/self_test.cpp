// SPDX-License-Identifier: MIT
// The test vectors of a contract, evaluated on this machine by the engine of the file.
#include "requirements.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

#include <nlohmann/json.hpp>

#include "element_type.hpp"
#include "failure.hpp"
#include "runtime/torch_entry.hpp"

namespace isthmus {
namespace {

using Json = nlohmann::json;

/// A nested list of the contract, as memory a network can be bound to.
struct Vector {
  isthmus_dtype dtype = ISTHMUS_FLOAT64;
  bool is_converted = false; // half precision: bound as float32, which holds its values
  std::vector<std::int64_t> shape;
  std::vector<double> values; // an int64 beyond 2^53 would be rounded: PyTorch wrote none
  std::vector<unsigned char> bytes;

  isthmus_array array() {
    isthmus_array described{};
    described.data = bytes.data();
    described.dtype = dtype;
    described.rank = static_cast<int32_t>(shape.size());
    described.shape = shape.data();
    return described;
  }
};

[[noreturn]] void refuse(const std::string &text) {
  throw Failure(ISTHMUS_ERR_CONTRACT, "self-test: " + text);
}

void flatten(const std::string &name, const Json &list, std::size_t depth, Vector &vector) {
  if (!list.is_array()) {
    if (depth != vector.shape.size() || !(list.is_number() || list.is_boolean()))
      refuse(in_quotes(name) + " is no regular list of numbers");
    vector.values.push_back(list.is_boolean() ? list.get<bool>() : list.get<double>());
    return;
  }
  if (depth >= vector.shape.size() ||
      static_cast<std::int64_t>(list.size()) != vector.shape[depth])
    refuse(in_quotes(name) + " is no regular list of numbers");
  for (const Json &item : list)
    flatten(name, item, depth + 1, vector);
}

isthmus_dtype dtype_of(const std::string &text) {
  for (int i = ISTHMUS_BOOL; i < n_dtypes; ++i)
    if (text == dtype_name(static_cast<isthmus_dtype>(i)))
      return static_cast<isthmus_dtype>(i);
  refuse("unknown type " + in_quotes(text));
}

void refuse_type(const std::string &name, isthmus_dtype dtype) {
  refuse(in_quotes(name) + " is " + dtype_name(dtype) + ", whose numbers C++ cannot hold");
}

void store(const std::string &name, Vector &vector) {
  const bool is_known = with_element_type(vector.dtype, [&](auto zero) {
    auto *target = reinterpret_cast<decltype(zero) *>(vector.bytes.data());
    for (const double value : vector.values)
      *target++ = static_cast<decltype(zero)>(value);
  });
  if (!is_known)
    refuse_type(name, vector.dtype);
}

std::vector<double> fetch(const Vector &vector) {
  std::vector<double> values(vector.values.size());
  with_element_type(vector.dtype, [&](auto zero) {
    const auto *found = reinterpret_cast<const decltype(zero) *>(vector.bytes.data());
    for (double &value : values)
      value = static_cast<double>(*found++);
  });
  return values;
}

Vector vector_of(const std::string &name, const Json &list, const std::string &dtype) {
  Vector vector;
  vector.dtype = dtype_of(dtype);
  if (vector.dtype == ISTHMUS_FLOAT16 || vector.dtype == ISTHMUS_BFLOAT16) {
    vector.dtype = ISTHMUS_FLOAT32;
    vector.is_converted = true;
  }
  for (const Json *level = &list; level->is_array(); level = &level->front()) {
    vector.shape.push_back(static_cast<std::int64_t>(level->size()));
    if (level->empty())
      break;
  }
  flatten(name, list, 0, vector);
  vector.bytes.resize(vector.values.size() *
                      static_cast<std::size_t>(element_size(vector.dtype)));
  store(name, vector);
  return vector;
}

/// Largest error of one output, relative to its largest expected value; infinite for NaN.
double error_of(const Vector &expected) {
  const std::vector<double> found = fetch(expected);
  double error = 0.0, scale = 0.0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double difference = std::abs(found[i] - expected.values[i]);
    error = difference <= error ? error : std::isnan(difference) ? HUGE_VAL : difference;
    scale = std::max(scale, std::abs(expected.values[i]));
  }
  return error == 0.0 ? 0.0 : scale > 0.0 ? error / scale : HUGE_VAL;
}

using Vectors = std::map<std::string, Vector>;

Vectors vectors_of(const Json &lists, const std::vector<std::string> &names,
                   const Json &variables) {
  Vectors vectors;
  for (const std::string &name : names) {
    if (!lists.contains(name))
      refuse("the contract has no vector for " + in_quotes(name));
    vectors[name] =
        vector_of(name, lists.at(name), variables.at(name).at("dtype").get<std::string>());
  }
  return vectors;
}

/// Puts the caller's bindings back, however the test ends.
class Aside {
public:
  explicit Aside(Model &model) : model_(model), bound_(model.exchange({})) {}
  ~Aside() { model_.exchange(std::move(bound_)); }
  Aside(const Aside &) = delete;
  Aside &operator=(const Aside &) = delete;

private:
  Model &model_;
  Model::Bound bound_;
};

void bind(Model &model, Role role, const std::string &name, Vector &vector) {
  const isthmus_array array = vector.array();
  isthmus_binding binding{};
  binding.convert = vector.is_converted ? 1 : 0;
  model.bind(role, name, &array, &binding);
}

void evaluate(Model &model, Vectors &inputs, Vectors &outputs) {
  const Aside aside(model);
  for (auto &[name, vector] : inputs)
    bind(model, Role::input, name, vector);
  for (auto &[name, vector] : outputs) {
    std::fill(vector.bytes.begin(), vector.bytes.end(), static_cast<unsigned char>(0));
    bind(model, Role::output, name, vector);
  }
  model.run("forward");
}

void check_tolerance(const std::string &name, double error, double tolerance) {
  if (error <= tolerance)
    return;
  std::ostringstream text;
  text.precision(3);
  text << in_quotes(name) << " differs from PyTorch by " << error
       << " of its largest value, expected at most " << tolerance;
  refuse(text.str());
}

double tested(Model &model) {
  const std::string text = model.contract();
  if (text.empty())
    refuse("the file has no contract");
  const Json contract = Json::parse(text);
  const Json test = contract.value("self_test", Json());
  if (test.is_null())
    refuse("the contract holds no test vectors");
  const TorchEntry entry; // NaN is compared
  const MethodNames &names = model.names("forward");
  const Json &variables = contract.at("variables");
  Vectors inputs = vectors_of(test.at("inputs"), names.inputs, variables);
  Vectors outputs = vectors_of(test.at("outputs"), names.outputs, variables);
  evaluate(model, inputs, outputs);
  double largest = 0.0;
  for (const auto &[name, vector] : outputs) {
    const double error = error_of(vector);
    check_tolerance(name, error, test.at("tolerance").get<double>());
    largest = std::max(largest, error);
  }
  return largest;
}

} // namespace

double self_test(Model &model) {
  try {
    return tested(model);
  } catch (const Json::exception &error) {
    refuse(error.what());
  }
}

} // namespace isthmus
