// SPDX-License-Identifier: MIT
// The state of an optimizer as named tensors. torch's own archives are unpickled when
// they are read, and hold code: not for files that come from elsewhere.
#include <ATen/ops/scalar_tensor.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/lbfgs.h>
#include <torch/optim/sgd.h>

#include "optimizer.hpp"

namespace isthmus {
namespace {

namespace optim = torch::optim;
using Named = std::map<std::string, at::Tensor>;
using State = optim::OptimizerParamState;

class Writer {
public:
  Writer(Named &named, std::string prefix) : named_(named), prefix_(std::move(prefix)) {}
  void operator()(const char *name, const at::Tensor &value) {
    if (value.defined())
      named_[prefix_ + name] = value.detach();
  }
  void operator()(const char *name, std::int64_t value) {
    named_[prefix_ + name] = at::scalar_tensor(value, at::kLong);
  }
  void operator()(const char *name, double value) {
    named_[prefix_ + name] = at::scalar_tensor(value, at::kDouble);
  }
  template <typename List> void list(const char *name, const List &values) {
    std::size_t i = 0;
    for (const at::Tensor &each : values)
      (*this)((name + std::to_string(i++)).c_str(), each);
  }

private:
  Named &named_;
  std::string prefix_;
};

/// Takes the tensors out one by one; the names that are left over belong to nobody.
class Reader {
public:
  Reader(Named &left, const at::Tensor &parameter, std::string prefix)
      : left_(left), parameter_(parameter), prefix_(std::move(prefix)) {}
  /// Of the form of the parameter; undefined if it is not there.
  at::Tensor like_parameter(const char *name) {
    at::Tensor found = any(name);
    if (found.defined() && (!found.sizes().equals(parameter_.sizes()) ||
                            found.scalar_type() != parameter_.scalar_type()))
      refuse(name, "has another form than its parameter");
    return found;
  }
  at::Tensor any(const char *name) {
    const auto found = left_.find(prefix_ + name);
    if (found == left_.end())
      return {};
    const at::Tensor value = found->second.clone().to(parameter_.device());
    left_.erase(found);
    return value;
  }
  at::Tensor needed(const char *name) {
    at::Tensor found = like_parameter(name);
    if (!found.defined())
      refuse(name, "is missing");
    return found;
  }
  template <typename Number> Number number(const char *name) {
    const auto found = left_.find(prefix_ + name);
    if (found == left_.end() || found->second.dim() != 0)
      refuse(name, "is missing");
    const auto value = found->second.item<Number>();
    left_.erase(found);
    return value;
  }
  template <typename List> List list(const char *name) {
    List values;
    for (at::Tensor each;
         (each = any((name + std::to_string(values.size())).c_str())).defined();)
      values.push_back(each);
    return values;
  }

private:
  [[noreturn]] void refuse(const std::string &name, const std::string &what) const {
    throw Failure(ISTHMUS_ERR_FILE,
                  "optimizer: the state " + in_quotes(prefix_ + name) + " " + what);
  }
  Named &left_;
  const at::Tensor &parameter_;
  std::string prefix_;
};

template <typename AdamLike> void write_adam(Writer &out, const State &state) {
  const auto &own = static_cast<const AdamLike &>(state);
  out("step", own.step());
  out("exp_avg", own.exp_avg());
  out("exp_avg_sq", own.exp_avg_sq());
  out("max_exp_avg_sq", own.max_exp_avg_sq());
}

template <typename AdamLike> std::unique_ptr<State> read_adam(Reader &in) {
  auto state = std::make_unique<AdamLike>();
  state->step(in.number<std::int64_t>("step"));
  state->exp_avg(in.needed("exp_avg"));
  state->exp_avg_sq(in.needed("exp_avg_sq"));
  state->max_exp_avg_sq(in.like_parameter("max_exp_avg_sq"));
  return state;
}

void write_lbfgs(Writer &out, const State &state) {
  const auto &own = static_cast<const optim::LBFGSParamState &>(state);
  out("func_evals", own.func_evals());
  out("n_iter", own.n_iter());
  out("t", own.t());
  out("prev_loss", own.prev_loss());
  out("d", own.d());
  out("H_diag", own.H_diag());
  out("prev_flat_grad", own.prev_flat_grad());
  out.list("old_dirs", own.old_dirs());
  out.list("old_stps", own.old_stps());
  out.list("ro", own.ro());
}

/// `al` is left out: torch writes each element before it reads it.
std::unique_ptr<State> read_lbfgs(Reader &in) {
  auto state = std::make_unique<optim::LBFGSParamState>();
  state->func_evals(in.number<std::int64_t>("func_evals"));
  state->n_iter(in.number<std::int64_t>("n_iter"));
  state->t(in.number<double>("t"));
  state->prev_loss(in.number<double>("prev_loss"));
  state->d(in.any("d"));
  state->H_diag(in.any("H_diag"));
  state->prev_flat_grad(in.any("prev_flat_grad"));
  state->old_dirs(in.list<std::deque<at::Tensor>>("old_dirs"));
  state->old_stps(in.list<std::deque<at::Tensor>>("old_stps"));
  state->ro(in.list<std::deque<at::Tensor>>("ro"));
  return state;
}

void write(const std::string &kind, Writer &out, const State &state) {
  if (kind == "sgd")
    out("momentum_buffer",
        static_cast<const optim::SGDParamState &>(state).momentum_buffer());
  else if (kind == "adam")
    write_adam<optim::AdamParamState>(out, state);
  else if (kind == "adamw")
    write_adam<optim::AdamWParamState>(out, state);
  else
    write_lbfgs(out, state);
}

std::unique_ptr<State> read(const std::string &kind, Reader &in) {
  if (kind == "adam")
    return read_adam<optim::AdamParamState>(in);
  if (kind == "adamw")
    return read_adam<optim::AdamWParamState>(in);
  if (kind == "lbfgs")
    return read_lbfgs(in);
  auto state = std::make_unique<optim::SGDParamState>();
  state->momentum_buffer(in.needed("momentum_buffer"));
  return state;
}

std::string prefix_of(std::size_t i) { return std::to_string(i) + "."; }

bool has_any(const Named &named, const std::string &prefix) {
  const auto found = named.lower_bound(prefix);
  return found != named.end() && found->first.compare(0, prefix.size(), prefix) == 0;
}

} // namespace

std::map<std::string, at::Tensor> Optimizer::state() const {
  const TorchModes modes(false);
  Named named;
  const Tensors all = parameters();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto found = body_->state().find(all[i].unsafeGetTensorImpl());
    if (found == body_->state().end())
      continue;
    Writer out(named, prefix_of(i));
    write(kind_, out, *found->second);
  }
  return named;
}

void Optimizer::set_state(const std::map<std::string, at::Tensor> &tensors) {
  const TorchModes modes(false);
  Named left = tensors;
  std::map<void *, std::unique_ptr<State>> states;
  const Tensors all = parameters();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!has_any(left, prefix_of(i)))
      continue;
    Reader in(left, all[i], prefix_of(i));
    states[all[i].unsafeGetTensorImpl()] = read(kind_, in);
  }
  if (!left.empty())
    throw Failure(ISTHMUS_ERR_FILE,
                  "optimizer: the state " + in_quotes(left.begin()->first) + " is unknown");
  body_->state().clear();
  for (auto &[key, state] : states)
    body_->state()[key] = std::move(state);
}

} // namespace isthmus
