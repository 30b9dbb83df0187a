// SPDX-License-Identifier: MIT
// The engine for `.pt2`: models compiled by AOTInductor, one or several per method.
#include <cstdlib>
#include <mutex>
#include <optional>

#include <c10/core/StreamGuard.h>
#include <nlohmann/json.hpp>

#include "compiled.hpp"
#include "engine.hpp"
#include "failure.hpp"
#include "structure.hpp"
#include "tensor_view.hpp"

namespace isthmus {
namespace {

template <typename Body> void translating(isthmus_status status, Body &&body) {
  try {
    body();
  } catch (const Failure &) {
    throw;
  } catch (const c10::Error &error) {
    throw Failure(status, error.what_without_backtrace());
  } catch (const std::exception &error) {
    throw Failure(status, error.what());
  }
}

/// Compiled code believes what it is told: without a contract, let it check its inputs.
/// It reads this variable once, at its first run.
class CheckedInputs {
public:
  explicit CheckedInputs(bool is_wanted) : is_set_(is_wanted && !std::getenv(variable)) {
    if (is_set_)
      setenv(variable, "1", 0);
  }
  ~CheckedInputs() {
    if (is_set_)
      unsetenv(variable);
  }
  CheckedInputs(const CheckedInputs &) = delete;
  CheckedInputs &operator=(const CheckedInputs &) = delete;

private:
  static constexpr const char *variable = "AOTI_RUNTIME_CHECK_INPUTS";
  bool is_set_;
};

/// A compiled model that is only for one extent of the separable symbol.
struct Variant {
  std::string model;
  std::int64_t extent;
};

/// The variants of a method that a contract lists, and the symbol they are for.
std::vector<Variant> variants_of(const Contract &contract, const std::string &method,
                                 std::string &symbol) {
  const nlohmann::json json = nlohmann::json::parse(contract.text);
  std::vector<Variant> variants;
  if (!json.contains("variants") || !json["variants"].contains(method))
    return variants;
  for (const nlohmann::json &each : json["variants"][method])
    variants.push_back(
        {each.at("model").get<std::string>(), each.at("extent").get<std::int64_t>()});
  symbol = json.value("separable", nlohmann::json()).is_string()
               ? json["separable"].get<std::string>()
               : "";
  if (symbol.empty())
    throw Failure(ISTHMUS_ERR_CONTRACT,
                  "contract has variants, but no separable symbol they could be for");
  return variants;
}

class Inductor final : public Engine {
public:
  Inductor(const Archive &archive, const std::string &device, const Contract *contract);
  const char *name() const override { return "inductor"; }
  std::string device() const override { return device_.str(); }
  void use_stream(void *stream) override {
    stream_ = stream_of_host(device_, stream);
    stream_handle_ = stream;
  }
  const Methods &methods() const override { return methods_; }
  void prepare(Verb verb, const Call &call) override;
  void run(Verb verb) override;

private:
  struct Special {
    std::int64_t extent = 0;
    std::unique_ptr<CompiledModel> model;
  };
  struct Prepared {
    std::unique_ptr<CompiledModel> general; // null: the file has no such method
    std::vector<Special> special;
    std::vector<std::pair<std::size_t, std::size_t>> places; // of the symbol in the inputs
    CompiledModel *chosen = nullptr;
    std::vector<Input> inputs;
    std::vector<Target> targets;
    std::vector<at::Tensor> tensors, results; // kept to reuse their memory
    bool has_run = false;
  };

  void check_target(const Archive &archive) const;
  void open(const Archive &archive, const Contract &contract, const std::string &method);
  void open_foreign(const Archive &archive);
  void check_counts(const std::string &method, const CompiledModel &model) const;
  std::unique_ptr<CompiledModel> loaded(const Archive &archive, const std::string &model);
  static CompiledModel *choice(const Prepared &prepared, const Call &call);
  void evaluate(Prepared &prepared) const;

  c10::Device device_;
  std::optional<c10::Stream> stream_; // of the host program
  void *stream_handle_ = nullptr;
  bool is_foreign_; // no contract says what it needs
  Methods methods_;
  std::vector<std::string> order_;
  std::vector<Prepared> prepared_; // by number of the method
};

Inductor::Inductor(const Archive &archive, const std::string &device,
                   const Contract *contract)
    : device_(checked_device(device)), is_foreign_(!contract) {
  check_target(archive);
  const TorchModes modes(false);
  if (contract)
    methods_ = contract->methods;
  order_ = method_order(methods_);
  prepared_.resize(order_.size());
  if (is_foreign_)
    open_foreign(archive);
  else
    for (const auto &[method, names] : methods_)
      open(archive, *contract, method);
}

void Inductor::check_target(const Archive &archive) const {
  check_instruction_set(archive.path(), archive.metadata("AOTI_CPU_ISA"));
  const std::string target = archive.metadata("AOTI_DEVICE_KEY");
  const std::string own = c10::DeviceTypeName(device_.type(), /*lower_case=*/true);
  if (!target.empty() && target != own)
    throw Failure(ISTHMUS_ERR_DEVICE, in_quotes(archive.path()) +
                                          " was compiled for device " + in_quotes(target) +
                                          ", not for " + in_quotes(own));
}

std::unique_ptr<CompiledModel> Inductor::loaded(const Archive &archive,
                                                const std::string &model) {
  const std::vector<std::string> models = archive.compiled_models();
  if (std::find(models.begin(), models.end(), model) == models.end())
    throw Failure(is_foreign_ ? ISTHMUS_ERR_FILE : ISTHMUS_ERR_CONTRACT,
                  in_quotes(archive.path()) + " holds no compiled model " +
                      in_quotes(model));
  return std::make_unique<CompiledModel>(archive, model, device_);
}

void Inductor::open(const Archive &archive, const Contract &contract,
                    const std::string &method) {
  const std::vector<std::string> models = archive.compiled_models();
  const bool is_only = method == "forward" && models.size() == 1;
  const auto place = std::find(order_.begin(), order_.end(), method) - order_.begin();
  Prepared &prepared = prepared_[static_cast<std::size_t>(place)];
  prepared.general = loaded(archive, is_only ? models.front() : method);
  check_counts(method, *prepared.general);
  std::string symbol;
  for (const Variant &variant : variants_of(contract, method, symbol)) {
    prepared.special.push_back({variant.extent, loaded(archive, variant.model)});
    check_counts(method, *prepared.special.back().model);
  }
  const std::vector<std::string> &inputs = methods_.at(method).inputs;
  for (std::size_t i = 0; i < inputs.size() && !symbol.empty(); ++i) {
    const std::vector<Extent> &shape = contract.find(inputs[i])->shape;
    for (std::size_t k = 0; k < shape.size(); ++k)
      if (shape[k].symbol == symbol)
        prepared.places.emplace_back(i, k);
  }
}

void Inductor::check_counts(const std::string &method, const CompiledModel &model) const {
  const MethodNames &names = methods_.at(method);
  if (names.inputs.size() != model.n_inputs() || names.outputs.size() != model.n_outputs())
    throw Failure(ISTHMUS_ERR_CONTRACT,
                  "method " + in_quotes(method) + " was compiled for " +
                      std::to_string(model.n_inputs()) + " inputs and " +
                      std::to_string(model.n_outputs()) + " outputs, its contract names " +
                      std::to_string(names.inputs.size()) + " and " +
                      std::to_string(names.outputs.size()));
}

/// Without a contract every compiled model is a method; a single one is "forward".
void Inductor::open_foreign(const Archive &archive) {
  const std::vector<std::string> models = archive.compiled_models();
  std::map<std::string, std::unique_ptr<CompiledModel>> opened;
  for (const std::string &model : models) {
    auto compiled = loaded(archive, model);
    const std::string method = models.size() == 1 ? "forward" : model;
    methods_[method] = {numbered("input_", compiled->n_inputs()),
                        output_names(compiled->output_structure(), compiled->n_outputs())};
    opened[method] = std::move(compiled);
  }
  order_ = method_order(methods_);
  prepared_.resize(order_.size());
  for (std::size_t i = 0; i < order_.size(); ++i)
    if (const auto found = opened.find(order_[i]); found != opened.end())
      prepared_[i].general = std::move(found->second);
}

void Inductor::prepare(Verb verb, const Call &call) {
  const TorchModes modes(false);
  const auto index = static_cast<std::size_t>(verb);
  const MethodNames &names = methods_.at(order_.at(index));
  Prepared &prepared = prepared_[index];
  prepared.inputs.clear();
  for (const Array *array : call.inputs)
    // Compiled code has the strides built in and computes wrong numbers on others. Without
    // a contract it may also write to its inputs.
    prepared.inputs.emplace_back(*array, device_, is_foreign_ || !array->is_contiguous());
  prepared.targets = targets_of(names.outputs, call.outputs);
  prepared.chosen = choice(prepared, call);
}

/// The model made for this extent of the separable symbol, if there is one.
CompiledModel *Inductor::choice(const Prepared &prepared, const Call &call) {
  for (const Special &special : prepared.special) {
    const bool fits =
        std::all_of(prepared.places.begin(), prepared.places.end(), [&](const auto &place) {
          return call.inputs[place.first]->shape[place.second] == special.extent;
        });
    if (fits && !prepared.places.empty())
      return special.model.get();
  }
  return prepared.general.get();
}

void Inductor::run(Verb verb) {
  Prepared &prepared = prepared_[static_cast<std::size_t>(verb)];
  // Also after a failure: no tensor may outlive its binding.
  struct Release {
    Prepared &prepared;
    ~Release() {
      prepared.tensors.clear();
      prepared.results.clear();
    }
  } const release{prepared};
  translating(ISTHMUS_ERR_RUNTIME, [&] {
    if (prepared.has_run || !is_foreign_)
      return evaluate(prepared);
    static std::mutex environment;
    const std::lock_guard<std::mutex> lock(environment);
    const CheckedInputs checked(true);
    evaluate(prepared);
    prepared.has_run = true;
  });
}

void Inductor::evaluate(Prepared &prepared) const {
  const TorchModes modes(prepared.chosen->has_own_operators() ? Autograd::idle
                                                              : Autograd::bypassed);
  const c10::OptionalStreamGuard on_stream(stream_);
  for (Input &input : prepared.inputs)
    prepared.tensors.push_back(input.fetch());
  prepared.chosen->run(prepared.tensors, prepared.results, stream_handle_);
  deliver(prepared.results, prepared.targets);
  if (!stream_)
    wait_for(device_);
}

/// A library compiled by a newer torch may want functions that this one lacks.
std::string versions_text(const Contract *contract) {
  if (!contract)
    return "";
  const nlohmann::json json = nlohmann::json::parse(contract->text, nullptr, false);
  const nlohmann::json found = json.value("provenance", nlohmann::json::object());
  if (!found.is_object() || !found.contains("torch") || !found["torch"].is_string())
    return "";
  std::string compiled = found["torch"].get<std::string>();
  compiled = compiled.substr(0, compiled.find('+'));
  return compiled == torch_version()
             ? ""
             : " (compiled by torch " + compiled + ", this library is of torch " +
                   torch_version() + ")";
}

} // namespace

std::unique_ptr<Engine> make_inductor(const Archive &archive, const std::string &device,
                                      const Contract *contract) {
  std::unique_ptr<Engine> engine;
  try {
    translating(ISTHMUS_ERR_FILE,
                [&] { engine = std::make_unique<Inductor>(archive, device, contract); });
  } catch (const Failure &failure) {
    if (failure.status() != ISTHMUS_ERR_FILE)
      throw;
    throw Failure(ISTHMUS_ERR_FILE, in_quotes(archive.path()) + " cannot be loaded: " +
                                        failure.what() + versions_text(contract));
  }
  return engine;
}

} // namespace isthmus
