// SPDX-License-Identifier: MIT
#include "optimizer.hpp"

#include <cmath>
#include <iomanip>
#include <limits>
#include <set>
#include <sstream>

#include <torch/nn/utils/clip_grad.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/lbfgs.h>
#include <torch/optim/sgd.h>

namespace isthmus {
namespace {

namespace optim = torch::optim;
constexpr double unlimited = std::numeric_limits<double>::infinity();
// A beta of 1 divides by zero in the bias correction.
const double below_one = std::nextafter(1.0, 0.0);

using Options = std::unique_ptr<optim::OptimizerOptions>;

// Defaults are written out: those of PyTorch in Python, which C++ does not share
// throughout.
Options sgd_options(Settings &from) {
  auto options =
      std::make_unique<optim::SGDOptions>(from.real("learning_rate", 1e-3, 0.0, unlimited));
  options->momentum(from.real("momentum", 0.0, 0.0, unlimited))
      .dampening(from.real("dampening", 0.0, -unlimited, unlimited))
      .weight_decay(from.real("weight_decay", 0.0, 0.0, unlimited))
      .nesterov(from.logical("nesterov", false));
  if (options->nesterov() && (options->momentum() <= 0.0 || options->dampening() != 0.0))
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  "sgd: 'nesterov' needs a 'momentum' above 0 and a 'dampening' of 0");
  return options;
}

template <typename AdamLike> Options adam_options(Settings &from, double weight_decay) {
  auto options =
      std::make_unique<AdamLike>(from.real("learning_rate", 1e-3, 0.0, unlimited));
  const double beta1 = from.real("beta1", 0.9, 0.0, below_one);
  const double beta2 = from.real("beta2", 0.999, 0.0, below_one);
  options->betas({beta1, beta2})
      .eps(from.real("eps", 1e-8, 0.0, unlimited))
      .weight_decay(from.real("weight_decay", weight_decay, 0.0, unlimited))
      .amsgrad(from.logical("amsgrad", false));
  return options;
}

Options lbfgs_options(Settings &from) {
  auto options = std::make_unique<optim::LBFGSOptions>(
      from.real("learning_rate", 1.0, 0.0, unlimited));
  options->max_iter(from.whole("max_iter", 20, 1));
  options->max_eval(from.whole("max_eval", options->max_iter() * 5 / 4, 1));
  options->tolerance_grad(from.real("tolerance_grad", 1e-7, 0.0, unlimited))
      .tolerance_change(from.real("tolerance_change", 1e-9, 0.0, unlimited))
      .history_size(from.whole("history_size", 100, 1));
  if (from.word("line_search", "none", {"none", "strong_wolfe"}) == "strong_wolfe")
    options->line_search_fn("strong_wolfe");
  return options;
}

Options options_of(const std::string &kind, Settings &settings) {
  if (kind == "sgd")
    return sgd_options(settings);
  if (kind == "adam")
    return adam_options<optim::AdamOptions>(settings, 0.0);
  if (kind == "adamw")
    return adam_options<optim::AdamWOptions>(settings, 1e-2);
  if (kind == "lbfgs")
    return lbfgs_options(settings);
  throw Failure(ISTHMUS_ERR_ARGUMENT, "there is no optimizer " + in_quotes(kind) +
                                          ", known are sgd, adam, adamw, lbfgs");
}

void check_parameters(const Tensors &parameters, const Tensors &taken) {
  if (parameters.empty())
    throw Failure(ISTHMUS_ERR_ARGUMENT, "an optimizer needs at least one parameter that "
                                        "is trained");
  std::set<const void *> seen;
  for (const at::Tensor &each : taken)
    seen.insert(each.unsafeGetTensorImpl());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const std::string which = "parameter " + std::to_string(i);
    if (!parameters[i].is_leaf() || !parameters[i].requires_grad())
      throw Failure(ISTHMUS_ERR_ARGUMENT,
                    which +
                        " is no leaf that requires a gradient, so it cannot be trained");
    if (!seen.insert(parameters[i].unsafeGetTensorImpl()).second)
      throw Failure(ISTHMUS_ERR_ARGUMENT, which + " is given twice");
  }
}

template <typename AdamLike>
void write_adam(std::ostream &out, const optim::OptimizerOptions &options) {
  const auto &own = static_cast<const AdamLike &>(options);
  out << " beta1=" << std::get<0>(own.betas()) << " beta2=" << std::get<1>(own.betas())
      << " eps=" << own.eps() << " weight_decay=" << own.weight_decay()
      << " amsgrad=" << own.amsgrad();
}

} // namespace

Optimizer::Optimizer(const std::string &kind, const std::string &settings,
                     Tensors parameters)
    : kind_(kind) {
  Settings read(kind, settings);
  make(read, std::move(parameters));
  read.refuse_unknown();
}

Optimizer::Optimizer(const std::string &kind, Settings &settings, Tensors parameters)
    : kind_(kind) {
  make(settings, std::move(parameters));
}

void Optimizer::make(Settings &settings, Tensors parameters) {
  const Options options = options_of(kind_, settings);
  check_parameters(parameters, {});
  if (kind_ == "sgd")
    body_ = std::make_unique<optim::SGD>(std::move(parameters),
                                         static_cast<optim::SGDOptions &>(*options));
  else if (kind_ == "adam")
    body_ = std::make_unique<optim::Adam>(std::move(parameters),
                                          static_cast<optim::AdamOptions &>(*options));
  else if (kind_ == "adamw")
    body_ = std::make_unique<optim::AdamW>(std::move(parameters),
                                           static_cast<optim::AdamWOptions &>(*options));
  else
    body_ = std::make_unique<optim::LBFGS>(std::move(parameters),
                                           static_cast<optim::LBFGSOptions &>(*options));
}

void Optimizer::add_group(const std::string &settings, Tensors parameters) {
  if (kind_ == "lbfgs")
    throw Failure(ISTHMUS_ERR_ARGUMENT, "lbfgs has one group of parameters only");
  Settings read(kind_, settings);
  Options options = options_of(kind_, read);
  read.refuse_unknown();
  check_parameters(parameters, this->parameters());
  body_->add_param_group({std::move(parameters), std::move(options)});
}

std::string Optimizer::settings() const {
  const optim::OptimizerOptions &options = body_->param_groups()[0].options();
  std::ostringstream out;
  out << std::setprecision(std::numeric_limits<double>::max_digits10);
  out << "learning_rate=" << options.get_lr();
  if (kind_ == "sgd") {
    const auto &own = static_cast<const optim::SGDOptions &>(options);
    out << " momentum=" << own.momentum() << " dampening=" << own.dampening()
        << " weight_decay=" << own.weight_decay() << " nesterov=" << own.nesterov();
  } else if (kind_ == "adam") {
    write_adam<optim::AdamOptions>(out, options);
  } else if (kind_ == "adamw") {
    write_adam<optim::AdamWOptions>(out, options);
  } else {
    const auto &own = static_cast<const optim::LBFGSOptions &>(options);
    out << " max_iter=" << own.max_iter() << " max_eval=" << own.max_eval().value()
        << " tolerance_grad=" << own.tolerance_grad()
        << " tolerance_change=" << own.tolerance_change()
        << " history_size=" << own.history_size()
        << " line_search=" << own.line_search_fn().value_or("none");
  }
  return out.str();
}

void Optimizer::step() {
  if (needs_closure())
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  kind_ + " evaluates the loss more than once: use a step with a closure");
  const TorchModes modes(false);
  body_->step();
}

at::Tensor Optimizer::step(const Closure &closure) {
  const TorchModes modes(true);
  Tensors before;
  for (const at::Tensor &each : parameters())
    before.push_back(each.detach().clone());
  try {
    return body_->step(closure).detach();
  } catch (...) {
    const TorchModes no_tape(false);
    const Tensors now = parameters();
    for (std::size_t i = 0; i < now.size(); ++i)
      now[i].copy_(before[i]);
    throw;
  }
}

void Optimizer::zero_grad() { body_->zero_grad(); }

double Optimizer::learning_rate() const {
  return body_->param_groups()[0].options().get_lr();
}

void Optimizer::set_learning_rate(std::int32_t group, double learning_rate) {
  auto &groups = body_->param_groups();
  if (group < -1 || group >= static_cast<std::int32_t>(groups.size()))
    throw Failure(ISTHMUS_ERR_ARGUMENT, "group " + std::to_string(group) +
                                            " does not exist: there are " +
                                            std::to_string(groups.size()));
  if (!(learning_rate >= 0.0) || std::isinf(learning_rate))
    throw Failure(ISTHMUS_ERR_ARGUMENT, "'learning_rate' is " +
                                            std::to_string(learning_rate) +
                                            ", expected a finite number of 0 or more");
  for (std::size_t i = 0; i < groups.size(); ++i)
    if (group == -1 || i == static_cast<std::size_t>(group))
      groups[i].options().set_lr(learning_rate);
}

Tensors Optimizer::parameters() const {
  Tensors all;
  for (const auto &group : body_->param_groups())
    all.insert(all.end(), group.params().begin(), group.params().end());
  return all;
}

double Optimizer::clip_norm(double max_norm) {
  if (!(max_norm > 0.0))
    throw Failure(ISTHMUS_ERR_ARGUMENT, "'max_norm' is " + std::to_string(max_norm) +
                                            ", expected a number above 0");
  const TorchModes modes(false);
  try {
    return torch::nn::utils::clip_grad_norm_(parameters(), max_norm, 2.0,
                                             /*error_if_nonfinite=*/true);
  } catch (const c10::Error &) {
    throw Failure(ISTHMUS_ERR_RUNTIME,
                  "the norm of the gradients is not finite: the loss has gone wild");
  }
}

void Optimizer::clip_value(double max_value) {
  if (!(max_value > 0.0))
    throw Failure(ISTHMUS_ERR_ARGUMENT, "'max_value' is " + std::to_string(max_value) +
                                            ", expected a number above 0");
  const TorchModes modes(false);
  torch::nn::utils::clip_grad_value_(parameters(), max_value);
}

} // namespace isthmus
