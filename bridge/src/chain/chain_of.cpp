// SPDX-License-Identifier: MIT
#include "chain_of.hpp"

#include <map>
#include <optional>

#include <ATen/Functions.h>
#include <ATen/core/Tensor.h>
#include <torch/csrc/jit/ir/constants.h>

namespace isthmus {
namespace {

namespace jit = torch::jit;

struct NoChain {
  std::string reason;
};

const std::map<std::string, Activation> activations = {
    {"aten::relu", Activation::relu},
    {"aten::relu_", Activation::relu},
    {"aten::leaky_relu", Activation::leaky_relu},
    {"aten::tanh", Activation::tanh},
    {"aten::sigmoid", Activation::sigmoid},
    {"aten::silu", Activation::silu},
};

std::vector<double> numbers_of(const at::Tensor &tensor) {
  const at::Tensor plain = tensor.detach().cpu().to(at::kDouble).contiguous();
  const double *data = plain.const_data_ptr<double>();
  return {data, data + plain.numel()};
}

class Reader {
public:
  explicit Reader(const jit::Graph &graph) {
    if (graph.inputs().size() != 2 || graph.outputs().size() != 1)
      throw NoChain{"it has not one input and one output"};
    const jit::Value *flow = graph.inputs()[1];
    for (const jit::Node *node : graph.nodes()) {
      if (node->kind() == jit::prim::Constant)
        continue;
      if (node->inputs().empty() || node->input(0) != flow || node->outputs().size() != 1)
        throw NoChain{"its operations are not one after the other"};
      if (flow->uses().size() != 1)
        throw NoChain{"a value in it is used twice"};
      read(*node);
      flow = node->output();
    }
    if (graph.outputs()[0] != flow || !type_)
      throw NoChain{"it has no linear layer"};
  }

  std::unique_ptr<Chain> made() const {
    return make_chain(*type_ == at::kFloat ? ISTHMUS_FLOAT32 : ISTHMUS_FLOAT64, steps_);
  }

private:
  static c10::IValue constant(const jit::Node &node, std::size_t i) {
    const auto value = jit::toIValue(node.input(i));
    if (!value)
      throw NoChain{std::string(node.kind().toQualString()) +
                    " takes something that is not constant"};
    return *value;
  }

  void read(const jit::Node &node) {
    const std::string kind = node.kind().toQualString();
    const auto activation = activations.find(kind);
    if (kind == "aten::linear") {
      read_linear(node);
    } else if (activation != activations.end()) {
      Step step;
      step.kind = Step::Kind::activation;
      step.activation = activation->second;
      if (step.activation == Activation::leaky_relu)
        step.slope = constant(node, 1).toScalar().toDouble();
      steps_.push_back(std::move(step));
    } else if (kind == "aten::add" || kind == "aten::sub" || kind == "aten::mul" ||
               kind == "aten::div") {
      read_affine(node, kind);
    } else if (kind != "aten::dropout" || constant(node, 2).toBool()) {
      throw NoChain{"it has the operation " + kind};
    }
  }

  void read_linear(const jit::Node &node) {
    const at::Tensor weights = constant(node, 1).toTensor();
    const c10::IValue bias = constant(node, 2);
    const at::ScalarType type = weights.scalar_type();
    if (weights.dim() != 2 || (type != at::kFloat && type != at::kDouble) ||
        (type_ && type != *type_))
      throw NoChain{"its weights are not all float32, or all float64"};
    Step step;
    step.n_out = static_cast<int>(weights.size(0));
    step.n_in = static_cast<int>(weights.size(1));
    if (width_ && *width_ != step.n_in)
      throw NoChain{"its layers do not fit together"};
    step.weights = numbers_of(weights);
    if (bias.isTensor())
      step.bias = numbers_of(bias.toTensor());
    else
      step.bias.assign(static_cast<std::size_t>(step.n_out), 0.0);
    const bool is_first = !width_;
    type_ = type;
    width_ = step.n_out;
    if (is_first)
      for (const Step &before : steps_)
        check_width(before, step.n_in);
    steps_.push_back(std::move(step));
  }

  static void check_width(const Step &step, int n) {
    for (const auto *values : {&step.scale, &step.shift})
      if (values->size() > 1 && values->size() != static_cast<std::size_t>(n))
        throw NoChain{"a constant in it has another width than the layer"};
  }

  /// x op c: with a number, or with a vector along the features.
  void read_affine(const jit::Node &node, const std::string &kind) {
    const c10::IValue other = constant(node, 1);
    std::vector<double> values;
    if (other.isTensor()) {
      const at::Tensor &tensor = other.toTensor();
      if (tensor.dim() > 1 || !at::isFloatingType(tensor.scalar_type()))
        throw NoChain{kind + " takes a constant that is no vector"};
      values = numbers_of(tensor);
    } else {
      values = {other.toScalar().toDouble()};
    }
    const bool is_sum = kind == "aten::add" || kind == "aten::sub";
    double factor = kind == "aten::sub" ? -1.0 : 1.0;
    if (is_sum)
      factor *= constant(node, 2).toScalar().toDouble();
    else if (node.inputs().size() > 2)
      throw NoChain{"it has a division that rounds"};
    Step step;
    step.kind = Step::Kind::affine;
    step.scale = {1.0};
    step.shift = {0.0};
    for (double &value : values)
      value = is_sum ? factor * value : kind == "aten::div" ? 1.0 / value : value;
    (is_sum ? step.shift : step.scale) = values;
    if (width_)
      check_width(step, *width_);
    steps_.push_back(std::move(step));
  }

  std::vector<Step> steps_;
  std::optional<at::ScalarType> type_;
  std::optional<int> width_;
};

} // namespace

std::unique_ptr<Chain> chain_of(const jit::Graph &graph, std::string &reason) {
  try {
    return Reader(graph).made();
  } catch (const NoChain &failure) {
    reason = failure.reason;
    return nullptr;
  }
}

} // namespace isthmus
