// SPDX-License-Identifier: MIT
// The engine for `.pt2`: models compiled by AOTInductor, one per method.
#include <cstdlib>
#include <map>
#include <mutex>

#include <nlohmann/json.hpp>
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>

#include "engine.hpp"
#include "failure.hpp"
#include "stderr_capture.hpp"
#include "tensor_view.hpp"

namespace isthmus {
namespace {

using Loader = torch::inductor::AOTIModelPackageLoader;

/// The reason in what AOTInductor printed: its last line without the "Error: " before it.
std::string reason_in(const std::string &printed, const std::string &fallback) {
  const std::size_t begin = printed.find("Error: ");
  std::string text = begin == std::string::npos ? printed : printed.substr(begin + 7);
  text = text.substr(0, text.find('\n'));
  return text.empty() ? fallback.substr(0, fallback.find('\n')) : text;
}

template <typename Body> void translating(isthmus_status status, Body &&body) {
  const StderrCapture capture;
  try {
    body();
  } catch (const Failure &) {
    throw;
  } catch (const c10::Error &error) {
    throw Failure(status, reason_in(capture.text(), error.what_without_backtrace()));
  } catch (const std::exception &error) {
    throw Failure(status, reason_in(capture.text(), error.what()));
  }
}

/// Leaves of one of the two tree specifications (inputs, outputs) torch.export writes.
std::size_t n_leaves(const nlohmann::json &node) {
  if (!node.is_object())
    return 0;
  if (node.contains("type") && node["type"].is_null())
    return 1;
  std::size_t n = 0;
  if (node.contains("children_spec"))
    for (const nlohmann::json &child : node["children_spec"])
      n += n_leaves(child);
  return n;
}

std::size_t n_leaves_of(const std::string &specification) {
  const nlohmann::json tree = nlohmann::json::parse(specification, nullptr, false);
  return tree.is_array() && tree.size() == 2 ? n_leaves(tree[1]) : 0;
}

std::vector<std::string> numbered(const std::string &stem, std::size_t n) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < n; ++i)
    names.push_back(stem + std::to_string(i));
  return names;
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

class Inductor final : public Engine {
public:
  Inductor(const Archive &archive, const std::string &device, const Contract *contract);
  const char *name() const override { return "inductor"; }
  const Methods &methods() const override { return methods_; }
  void prepare(Verb verb, const Call &call) override;
  void run(Verb verb) override;

private:
  struct Prepared {
    std::unique_ptr<Loader> loader;
    std::vector<Input> inputs;
    std::vector<Target> targets;
    std::vector<at::Tensor> tensors; // kept to reuse its memory
    bool has_run = false;
  };

  void check_target(const Archive &archive) const;
  void open(const std::string &path, const std::string &method, const std::string &model);
  void name_foreign(const std::string &method);
  void evaluate(Prepared &prepared);

  c10::Device device_;
  bool is_foreign_; // no contract says what it needs
  Methods methods_;
  std::array<Prepared, n_verbs> prepared_;
};

std::size_t index_of(const std::string &path, const std::string &method) {
  for (std::size_t i = 0; i < n_verbs; ++i)
    if (method == verb_names[i])
      return i;
  throw Failure(ISTHMUS_ERR_CONTRACT,
                in_quotes(path) + ": contract has the unknown method " + in_quotes(method));
}

Inductor::Inductor(const Archive &archive, const std::string &device,
                   const Contract *contract)
    : device_(checked_device(device)), is_foreign_(!contract) {
  check_target(archive);
  const std::vector<std::string> models = archive.compiled_models();
  const auto has = [&](const std::string &name) {
    return std::find(models.begin(), models.end(), name) != models.end();
  };
  const TorchModes modes(false);
  if (contract)
    methods_ = contract->methods;
  else
    methods_["forward"] = {};
  for (const auto &[method, names] : methods_) {
    if (has(method))
      open(archive.path(), method, method);
    else if (method == "forward" && models.size() == 1)
      open(archive.path(), method, models.front());
    else
      throw Failure(contract ? ISTHMUS_ERR_CONTRACT : ISTHMUS_ERR_FILE,
                    in_quotes(archive.path()) + " holds no compiled model " +
                        in_quotes(method));
  }
  if (is_foreign_)
    name_foreign("forward");
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

void Inductor::open(const std::string &path, const std::string &method,
                    const std::string &model) {
  // One model per thread, so one runner that nobody shares: no locks, no waiting.
  prepared_[index_of(path, method)].loader =
      std::make_unique<Loader>(path, model, /*run_single_threaded=*/true,
                               /*num_runners=*/1, device_.index());
}

void Inductor::name_foreign(const std::string &method) {
  Loader &loader = *prepared_[0].loader;
  const std::vector<std::string> specification = loader.get_call_spec();
  if (specification.size() != 2)
    throw Failure(ISTHMUS_ERR_FILE, "the package does not say what it takes and returns");
  methods_[method] = {numbered("input_", n_leaves_of(specification[0])),
                      numbered("output_", n_leaves_of(specification[1]))};
}

void Inductor::prepare(Verb verb, const Call &call) {
  const TorchModes modes(false);
  const auto index = static_cast<std::size_t>(verb);
  const MethodNames &names = methods_.at(verb_names[index]);
  Prepared &prepared = prepared_[index];
  prepared.inputs.clear();
  for (const Array *array : call.inputs)
    // Compiled code has the strides built in and computes wrong numbers on others. Without
    // a contract it may also write to its inputs.
    prepared.inputs.emplace_back(*array, device_, is_foreign_ || !array->is_contiguous());
  prepared.targets = targets_of(names.outputs, call.outputs);
}

void Inductor::run(Verb verb) {
  Prepared &prepared = prepared_[static_cast<std::size_t>(verb)];
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

void Inductor::evaluate(Prepared &prepared) {
  const TorchModes modes(false);
  prepared.tensors.clear();
  for (Input &input : prepared.inputs)
    prepared.tensors.push_back(input.fetch());
  std::vector<at::Tensor> results = prepared.loader->run(prepared.tensors);
  deliver(results, prepared.targets);
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
    throw Failure(ISTHMUS_ERR_FILE,
                  in_quotes(archive.path()) + " cannot be loaded: " + failure.what());
  }
  return engine;
}

} // namespace isthmus
