// SPDX-License-Identifier: MIT
#include "derivative_check.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "element_type.hpp"
#include "failure.hpp"
#include "runtime/torch_entry.hpp"

namespace isthmus {
namespace {

using Values = std::vector<double>;

double dot(const Values &a, const Values &b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i)
    sum += a[i] * b[i];
  return sum;
}

/// Visit the address of every element, slowest dimension outermost.
template <typename Visit>
void for_each(const Array &array, std::size_t dimension, char *address, Visit &visit) {
  if (dimension == array.shape.size())
    return visit(address);
  for (std::int64_t i = 0; i < array.shape[dimension]; ++i)
    for_each(array, dimension + 1, address + i * array.strides[dimension], visit);
}

/// An array of our own, like one of the caller's: same kind and shape, contiguous.
class Field {
public:
  Field() = default;
  Field(const std::string &name, const Array &like) : array_(like) {
    if (!like.device.empty())
      throw Failure(ISTHMUS_ERR_DEVICE, in_quotes(name) + " is on device " +
                                            in_quotes(like.device) +
                                            ", derivatives are checked on host memory");
    bytes_.resize(static_cast<std::size_t>(like.n_elements() * element_size(like.dtype)));
    std::int64_t step = element_size(like.dtype);
    for (std::size_t i = like.shape.size(); i-- > 0; step *= like.shape[i])
      array_.strides[i] = step;
    const bool is_known = with_element_type(like.dtype, [](auto) {});
    if (!is_known)
      throw Failure(ISTHMUS_ERR_ARGUMENT,
                    in_quotes(name) + " is " + dtype_name(like.dtype) +
                        ", derivatives are checked in float32 or float64");
  }

  void copy(const Array &from) {
    char *target = reinterpret_cast<char *>(bytes_.data());
    const std::int64_t size = element_size(from.dtype);
    const auto take = [&](const char *address) {
      target = std::copy_n(address, size, target);
    };
    for_each(from, 0, static_cast<char *>(from.data), take);
  }

  /// The description, valid while this field stays where it is.
  const Array &array() {
    array_.data = bytes_.data();
    return array_;
  }

  Values values() const {
    Values values(static_cast<std::size_t>(array_.n_elements()));
    with_element_type(array_.dtype, [&](auto zero) {
      const auto *found = reinterpret_cast<const decltype(zero) *>(bytes_.data());
      for (double &value : values)
        value = static_cast<double>(*found++);
    });
    return values;
  }

  void set(const Values &values) {
    with_element_type(array_.dtype, [&](auto zero) {
      auto *target = reinterpret_cast<decltype(zero) *>(bytes_.data());
      for (const double value : values)
        *target++ = static_cast<decltype(zero)>(value);
    });
  }

private:
  Array array_;
  std::vector<unsigned char> bytes_;
};

using Fields = std::map<std::string, Field>;

/// The trial: fields for every name of the three methods, bound while it lives.
class Trial {
public:
  Trial(Model &model, std::uint64_t seed)
      : model_(model), random_(seed), given_(model.exchange({})) {
    try {
      set_up();
    } catch (...) {
      model_.exchange(std::move(given_));
      throw;
    }
  }
  ~Trial() { model_.exchange(std::move(given_)); }
  Trial(const Trial &) = delete;
  Trial &operator=(const Trial &) = delete;

  double dot_error();
  double taylor_error();

private:
  void set_up();
  const Array &given(Role role, const std::string &name) const;
  Values directions(const Field &field, double scale);
  Values gathered(const std::vector<std::string> &names, Fields &fields) const;
  double remainder(double h, const Values &base, const Values &slope);

  Model &model_;
  std::mt19937_64 random_;
  Model::Bound given_;
  Fields inputs_, outputs_;
  std::vector<std::string> varied_, answers_; // inputs and outputs that have derivatives
  std::map<std::string, Values> point_;
};

const Array &Trial::given(Role role, const std::string &name) const {
  const bool is_input = role == Role::input;
  const Model::Bindings &bindings = is_input ? given_.inputs : given_.outputs;
  const auto found = bindings.find(name);
  if (found == bindings.end())
    throw Failure(ISTHMUS_ERR_ARGUMENT, (is_input ? "input " : "output ") +
                                            in_quotes(name) +
                                            " is not bound: the derivatives are checked "
                                            "at what is bound for 'forward'");
  return found->second;
}

void Trial::set_up() {
  const MethodNames &forward = model_.names("forward");
  model_.names("jvp"), model_.names("vjp"); // both must be there
  for (const std::string &name : forward.inputs) {
    const Array &array = given(Role::input, name);
    inputs_[name] = Field(name, array);
    inputs_[name].copy(array);
    if (!is_floating(array.dtype))
      continue;
    varied_.push_back(name);
    point_[name] = inputs_[name].values();
    const Values &x = point_[name];
    const double size = std::sqrt(dot(x, x) / std::max<double>(1.0, double(x.size())));
    Field tangent(name, array);
    tangent.set(directions(tangent, size > 0.0 ? size : 1.0));
    inputs_[name + "_tl"] = tangent;
    outputs_[name + "_ad"] = Field(name, array);
  }
  for (const std::string &name : forward.outputs) {
    const Array &array = given(Role::output, name);
    outputs_[name] = Field(name, array);
    if (!is_floating(array.dtype))
      continue;
    answers_.push_back(name);
    Field adjoint(name, array);
    adjoint.set(directions(adjoint, 1.0));
    inputs_[name + "_ad"] = adjoint;
    outputs_[name + "_tl"] = Field(name, array);
  }
  Model::Bound own;
  for (auto &[name, field] : inputs_)
    own.inputs[name] = field.array();
  for (auto &[name, field] : outputs_)
    own.outputs[name] = field.array();
  model_.exchange(std::move(own));
}

Values Trial::directions(const Field &field, double scale) {
  std::uniform_real_distribution<double> uniform(-scale, scale);
  Values values = field.values();
  std::generate(values.begin(), values.end(), [&] { return uniform(random_); });
  return values;
}

Values Trial::gathered(const std::vector<std::string> &names, Fields &fields) const {
  Values all;
  for (const std::string &name : names) {
    const Values values = fields.at(name).values();
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

std::vector<std::string> with(const char *suffix, std::vector<std::string> names) {
  for (std::string &name : names)
    name += suffix;
  return names;
}

double Trial::dot_error() {
  model_.run("jvp");
  model_.run("vjp");
  const Values x_tl = gathered(with("_tl", varied_), inputs_);
  const Values x_ad = gathered(with("_ad", varied_), outputs_);
  const Values y_tl = gathered(with("_tl", answers_), outputs_);
  const Values y_ad = gathered(with("_ad", answers_), inputs_);
  const double difference = std::abs(dot(y_tl, y_ad) - dot(x_tl, x_ad));
  const double size = std::sqrt(
      std::max(dot(y_tl, y_tl) * dot(y_ad, y_ad), dot(x_tl, x_tl) * dot(x_ad, x_ad)));
  return difference == 0.0 ? 0.0 : difference / size;
}

double Trial::taylor_error() {
  const Values slope = gathered(with("_tl", answers_), outputs_);
  model_.run("forward");
  const Values base = gathered(answers_, outputs_);
  double smallest = HUGE_VAL;
  // The best step depends on the precision; at long ones the curvature would mislead.
  for (double h = 1.0 / 64; h > 1e-9; h /= 4.0)
    smallest = std::min(smallest, remainder(h, base, slope));
  return smallest;
}

double Trial::remainder(double h, const Values &base, const Values &slope) {
  for (const std::string &name : varied_) {
    Values x = point_[name];
    const Values direction = inputs_[name + "_tl"].values();
    for (std::size_t i = 0; i < x.size(); ++i)
      x[i] += h * direction[i];
    inputs_[name].set(x);
  }
  model_.run("forward");
  Values rest = gathered(answers_, outputs_);
  for (std::size_t i = 0; i < rest.size(); ++i)
    rest[i] -= base[i] + h * slope[i];
  const double size = h * std::sqrt(dot(slope, slope));
  const double error = std::sqrt(dot(rest, rest));
  return error == 0.0 ? 0.0 : std::isnan(error) ? HUGE_VAL : error / size;
}

} // namespace

DerivativeErrors check_derivatives(Model &model, std::uint64_t seed) {
  const TorchEntry entry; // a step may leave the network's domain
  Trial trial(model, seed);
  DerivativeErrors errors{};
  errors.dot = trial.dot_error();
  errors.taylor = trial.taylor_error();
  return errors;
}

} // namespace isthmus
