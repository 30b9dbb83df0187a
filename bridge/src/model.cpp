// SPDX-License-Identifier: MIT
#include "model.hpp"

#include <algorithm>
#include <cstring>
#include <mutex>

#include "failure.hpp"
#include "runtime/torch_entry.hpp"
#include "runtime/torch_settings.hpp"

namespace isthmus {
namespace {

using Symbols = std::map<std::string, std::pair<std::int64_t, std::string>>;

bool contains(const std::vector<std::string> &names, const std::string &name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string list_text(const std::vector<std::string> &names) {
  std::string text;
  for (const std::string &name : names)
    text += (text.empty() ? "" : ", ") + in_quotes(name);
  return text;
}

void check_against(const Variable &variable, const std::string &name, const Array &array) {
  const bool is_convertible = is_floating(array.dtype) && variable.is_floating();
  if (array.dtype != variable.dtype && !(is_convertible && array.may_convert))
    throw Failure(
        ISTHMUS_ERR_SHAPE,
        in_quotes(name) + " is " + dtype_name(array.dtype) + ", the network expects " +
            dtype_name(variable.dtype) +
            (is_convertible ? " (bind it with 'convert' to have it converted)" : ""));
  bool fits = array.shape.size() == variable.shape.size();
  for (std::size_t i = 0; fits && i < array.shape.size(); ++i)
    fits = !variable.shape[i].symbol.empty() || variable.shape[i].fixed == array.shape[i];
  if (!fits)
    throw Failure(ISTHMUS_ERR_SHAPE, in_quotes(name) + " has shape " +
                                         shape_text(array.shape) +
                                         ", the network expects " + shape_text(variable));
}

/// An array is in host memory or where the network is, never on a third place.
void check_place(const std::string &name, Array &array, const std::string &of_network) {
  if (of_network.compare(0, of_network.find(':'), array.device) == 0)
    array.device = of_network; // "cuda" for "cuda:1": the network's
  if (!array.device.empty() && array.device != of_network)
    throw Failure(ISTHMUS_ERR_DEVICE,
                  in_quotes(name) + " is on device " + in_quotes(array.device) +
                      ", expected host memory or the network's device " +
                      in_quotes(of_network));
}

/// Symbols take their extents from the first array that has them; the others must agree.
void check_symbols(const Contract &contract, const std::vector<std::string> &names,
                   const std::vector<const Array *> &arrays, Symbols &symbols) {
  for (std::size_t k = 0; k < names.size(); ++k) {
    if (!arrays[k])
      continue;
    const Variable &variable = *contract.find(names[k]);
    for (std::size_t i = 0; i < variable.shape.size(); ++i) {
      const std::string &symbol = variable.shape[i].symbol;
      if (symbol.empty())
        continue;
      const std::int64_t extent = arrays[k]->shape[i];
      const auto [known, is_new] = symbols.try_emplace(symbol, extent, names[k]);
      if (!is_new && known->second.first != extent)
        throw Failure(ISTHMUS_ERR_SHAPE, in_quotes(names[k]) + " has " + in_quotes(symbol) +
                                             " = " + std::to_string(extent) + ", but " +
                                             in_quotes(known->second.second) + " has " +
                                             std::to_string(known->second.first));
    }
  }
}

/// True if no output of the method has an element, whether it is bound or not.
bool is_empty(const Contract &contract, const std::vector<std::string> &outputs,
              const Symbols &symbols) {
  return std::all_of(outputs.begin(), outputs.end(), [&](const std::string &name) {
    const auto &shape = contract.find(name)->shape;
    return std::any_of(shape.begin(), shape.end(), [&](const Extent &extent) {
      const auto known = symbols.find(extent.symbol);
      return extent.fixed == 0 || (known != symbols.end() && known->second.first == 0);
    });
  });
}

/// Read an array as its binding asks: its dimensions in another order, or converted.
void apply(const isthmus_binding &binding, const std::string &name, bool has_contract,
           Array &array) {
  if (binding.convert && !has_contract)
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  in_quotes(name) +
                      " cannot be converted: without a contract the file does "
                      "not say to which type");
  array.may_convert = binding.convert != 0;
  if (!binding.order)
    return;
  const Array given = array;
  std::vector<bool> is_taken(given.shape.size());
  for (std::size_t i = 0; i < given.shape.size(); ++i) {
    const std::int32_t from = binding.order[i];
    const auto k = static_cast<std::size_t>(from);
    if (from < 0 || k >= given.shape.size() || is_taken[k])
      throw Failure(ISTHMUS_ERR_SHAPE, in_quotes(name) +
                                           " has an order that is no order of "
                                           "its " +
                                           std::to_string(given.shape.size()) +
                                           " dimensions");
    is_taken[k] = true;
    array.shape[i] = given.shape[k];
    array.strides[i] = given.strides[k];
  }
}

void check_overlaps(const std::vector<std::string> &names,
                    const std::vector<const Array *> &arrays) {
  for (std::size_t i = 0; i < arrays.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (arrays[i] && arrays[j] && overlap(*arrays[i], *arrays[j]))
        throw Failure(ISTHMUS_ERR_ARGUMENT, "outputs " + in_quotes(names[j]) + " and " +
                                                in_quotes(names[i]) + " overlap in memory");
}

bool is_derivative(Verb verb) { return verb == Verb::jvp || verb == Verb::vjp; }

} // namespace

Model::Turn::Turn(std::atomic_flag &is_taken) : is_taken_(is_taken) {
  if (is_taken.test_and_set(std::memory_order_acquire))
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  "the network is in use by another thread: load one per thread");
}

Model::Model(const std::string &path, const std::string &device)
    : Model(chosen_file(path), device) {}

Model::Model(const ChosenFile &file, const std::string &device)
    : cost_(file.path), tuning_note_(file.note) {
  const std::string &path = file.path;
  // Loading two networks at once is not what torch's loaders were tested for.
  static std::mutex loading;
  const std::lock_guard<std::mutex> lock(loading);
  const TorchEntry entry;
  const Archive archive(path);
  const EngineKind kind = archive.kind();
  contract_ = verified_contract(archive);
  const Contract *contract = contract_ ? &*contract_ : nullptr;
  if (contract)
    check_instruction_set(path, contract->isa);
  engine_ = kind == EngineKind::torchscript ? make_torchscript(archive, device, contract)
                                            : make_inductor(archive, device, contract);
  device_ = engine_->device();
  if (contract)
    normalizations_ = normalizations_of(*contract);
  order_ = method_order(engine_->methods());
  states_.resize(order_.size());
  if (contract && contract->engine != engine_->name())
    throw Failure(ISTHMUS_ERR_CONTRACT,
                  in_quotes(path) + " is for the engine " + in_quotes(engine_->name()) +
                      ", its contract says " + in_quotes(contract->engine));
  apply_tuning(path);
}

const MethodNames &Model::names(const std::string &method) const {
  const Methods &methods = engine_->methods();
  const auto found = methods.find(method);
  if (found == methods.end()) {
    const std::string reason = engine_->why_not(method);
    if (!reason.empty())
      throw Failure(ISTHMUS_ERR_ARGUMENT,
                    "method " + in_quotes(method) + " cannot be called: " + reason);
    std::vector<std::string> known;
    for (const auto &[name, names] : methods)
      known.push_back(name);
    throw Failure(ISTHMUS_ERR_ARGUMENT, "no method " + in_quotes(method) +
                                            ": the network has " + list_text(known));
  }
  return found->second;
}

/// A choice that does not hold here is no reason to refuse the network: it runs as without.
void Model::apply_tuning(const std::string &path) {
  const Tuning tuning = tuning_of(path);
  add_note(tuning.note);
  if (!tuning.is_valid)
    return;
  try {
    engine_->use_loops(tuning.n_samples_by_loops);
    tuned_.chunk = contract_ ? tuning.chunk : 0;
    if (tuning.is_caching)
      use_caching_allocator(true);
  } catch (const Failure &failure) {
    add_note("but it is ignored: " + std::string(failure.what()));
  }
}

void Model::add_note(const std::string &note) {
  tuning_note_ += (tuning_note_.empty() || note.empty() ? "" : "; ") + note;
}

void Model::use_loops(std::int64_t n_samples) {
  if (n_samples < 0)
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  "n_samples is " + std::to_string(n_samples) + ", expected 0 or more");
  const TorchEntry entry;
  engine_->use_loops(n_samples);
  ++changes_;
}

void Model::use_stream(void *stream) {
  const Turn turn(is_taken_);
  engine_->use_stream(stream);
}

void Model::bind(Role role, const std::string &name, const isthmus_array *array,
                 const isthmus_binding *binding) {
  const Turn turn(is_taken_);
  std::vector<std::string> known;
  for (const auto &[method, names] : engine_->methods())
    for (const std::string &each : role == Role::input ? names.inputs : names.outputs)
      if (!contains(known, each))
        known.push_back(each);
  if (!contains(known, name))
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  "no " + std::string(role == Role::input ? "input " : "output ") +
                      in_quotes(name) + ": the network has " + list_text(known));
  Array checked = checked_array(name, array, role, Where::host_or_device);
  check_place(name, checked, device_);
  if (binding)
    apply(*binding, name, contract_.has_value(), checked);
  if (contract_)
    check_against(*contract_->find(name), name, checked);
  (role == Role::input ? inputs_ : outputs_)[name] = std::move(checked);
  ++changes_;
}

Model::Bound Model::exchange(Bound bound) {
  std::swap(inputs_, bound.inputs);
  std::swap(outputs_, bound.outputs);
  ++changes_;
  return bound;
}

void Model::run(Verb verb) {
  const Turn turn(is_taken_);
  evaluate(verb);
}

void Model::run(const char *method) {
  const Turn turn(is_taken_);
  for (std::size_t i = 0; i < order_.size(); ++i) {
    if (std::strcmp(method, order_[i].c_str()) != 0)
      continue;
    return evaluate(static_cast<Verb>(i));
  }
  names(method); // tells which there are
}

void Model::prepare(Verb verb) {
  const auto index = static_cast<std::size_t>(verb);
  const MethodNames &method = names(order_[index]);
  Call call;
  for (const std::string &name : method.inputs)
    call.inputs.push_back(input_of(verb, name));
  for (const std::string &name : method.outputs) {
    const auto bound = outputs_.find(name);
    if (bound == outputs_.end() && !is_derivative(verb))
      throw Failure(ISTHMUS_ERR_ARGUMENT, "output " + in_quotes(name) + " is not bound");
    call.outputs.push_back(bound == outputs_.end() ? nullptr : &bound->second);
  }
  check_overlaps(method.outputs, call.outputs);
  State state;
  if (contract_) {
    Symbols symbols;
    check_symbols(*contract_, method.inputs, call.inputs, symbols);
    check_symbols(*contract_, method.outputs, call.outputs, symbols);
    state.has_nothing_to_do = is_empty(*contract_, method.outputs, symbols);
  }
  const Contract *contract = contract_ ? &*contract_ : nullptr;
  const bool is_tuned = verb == Verb::forward && !has_own_pieces_;
  const Pieces &pieces = is_tuned ? tuned_ : pieces_;
  state.stage = Stage::make({verb, method, contract, normalizations_, pieces}, call);
  engine_->prepare(verb, state.stage ? state.stage->engine_call() : call);
  state.prepared_for = changes_;
  states_[index] = std::move(state);
}

void Model::evaluate(Verb verb) {
  const auto index = static_cast<std::size_t>(verb);
  const bool is_timed = CostLog::is_on();
  const Stopwatch of_call(cost_, Phase::call, is_timed);
  if (states_[index].prepared_for != changes_)
    prepare(verb);
  if (states_[index].has_nothing_to_do)
    return;
  const TorchEntry entry;
  if (states_[index].stage)
    return run_in_pieces(verb, *states_[index].stage, is_timed);
  const Stopwatch of_run(cost_, Phase::run, is_timed);
  engine_->run(verb);
}

void Model::run_in_pieces(Verb verb, Stage &stage, bool is_timed) {
  for (std::int64_t piece = 0; piece < stage.n_pieces(); ++piece) {
    {
      const Stopwatch of_pack(cost_, Phase::pack, is_timed);
      stage.pack(piece);
    }
    {
      const Stopwatch of_run(cost_, Phase::run, is_timed);
      engine_->run(verb);
    }
    const Stopwatch of_unpack(cost_, Phase::unpack, is_timed);
    stage.unpack(piece);
  }
}

void Model::set_pieces(Pieces pieces) {
  pieces_ = pieces;
  has_own_pieces_ = true;
  ++changes_;
}

const Array *Model::input_of(Verb verb, const std::string &name) const {
  const auto bound = inputs_.find(name);
  if (bound != inputs_.end()) {
    check_derivative(name, bound->second);
    return &bound->second;
  }
  if (!may_be_unbound(verb, name))
    throw Failure(ISTHMUS_ERR_ARGUMENT, "input " + in_quotes(name) + " is not bound");
  return nullptr;
}

/// Without a contract only the arrays tell that a variable has no derivative.
bool Model::may_be_unbound(Verb verb, const std::string &name) const {
  if (contract_ || !is_derivative(verb) || base_name(name) == name)
    return false;
  const Bindings &bindings = verb == Verb::jvp ? inputs_ : outputs_;
  const auto base = bindings.find(base_name(name));
  return base != bindings.end() && !is_floating(base->second.dtype);
}

/// A tangent `x_tl` is of the type and shape of `x`.
void Model::check_derivative(const std::string &name, const Array &array) const {
  const std::string base = base_name(name);
  const auto primal = inputs_.find(base);
  if (base == name || primal == inputs_.end())
    return;
  if (primal->second.shape != array.shape || primal->second.dtype != array.dtype)
    throw Failure(ISTHMUS_ERR_SHAPE, in_quotes(name) + " is " + dtype_name(array.dtype) +
                                         " of shape " + shape_text(array.shape) + ", but " +
                                         in_quotes(base) + " is " +
                                         dtype_name(primal->second.dtype) + " of shape " +
                                         shape_text(primal->second.shape));
}

} // namespace isthmus
