// SPDX-License-Identifier: MIT
#include "chain.hpp"

#include <algorithm>
#include <cstring>

namespace isthmus {
namespace {

template <typename T> class TypedChain final : public Chain {
public:
  TypedChain(const std::vector<Step> &steps, const Loops<T> &loops);
  isthmus_dtype dtype() const override {
    return sizeof(T) == sizeof(float) ? ISTHMUS_FLOAT32 : ISTHMUS_FLOAT64;
  }
  int n_in() const override { return n_in_; }
  int n_out() const override { return n_out_; }
  void run(const void *x, void *y, std::int64_t n_samples) override;

private:
  struct Packed {
    Step::Kind kind = Step::Kind::linear;
    int n_in = 0, n_padded = 0;
    std::vector<T> weights, bias;
    Activation activation = Activation::none;
    T slope = 0;
    std::vector<T> scale, shift;
  };

  int padded(int n) const { return (n + loops_.width - 1) / loops_.width * loops_.width; }
  Packed packed(const Step &step, int n_features) const;
  void pack_weights(const Step &step, Packed &packed) const;

  const Loops<T> &loops_;
  std::vector<Packed> steps_;
  int n_in_ = 0, n_out_ = 0;
  std::vector<T> here_, there_; // features before and after a linear layer
};

int first_width(const std::vector<Step> &steps) {
  for (const Step &step : steps)
    if (step.kind == Step::Kind::linear)
      return step.n_in;
  return 0;
}

template <typename T>
TypedChain<T>::TypedChain(const std::vector<Step> &steps, const Loops<T> &loops)
    : loops_(loops), n_in_(first_width(steps)) {
  int n = n_in_, widest = padded(n);
  for (const Step &step : steps) {
    steps_.push_back(packed(step, n));
    if (step.kind == Step::Kind::linear)
      n = step.n_out;
    widest = std::max(widest, padded(n));
  }
  n_out_ = n;
  here_.assign(static_cast<std::size_t>(widest), T(0));
  there_ = here_;
}

template <typename T>
typename TypedChain<T>::Packed TypedChain<T>::packed(const Step &step, int n) const {
  Packed result;
  result.kind = step.kind;
  result.activation = step.activation;
  result.slope = static_cast<T>(step.slope);
  result.n_in = step.n_in;
  result.n_padded = padded(step.kind == Step::Kind::linear ? step.n_out : n);
  const auto spread = [&](const std::vector<double> &values, T rest) {
    std::vector<T> all(static_cast<std::size_t>(result.n_padded), rest);
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i)
      all[i] = static_cast<T>(values[values.size() == 1 ? 0 : i]);
    return all;
  };
  if (step.kind == Step::Kind::affine) {
    result.scale = spread(step.scale, T(1));
    result.shift = spread(step.shift, T(0));
  } else if (step.kind == Step::Kind::linear) {
    result.bias.assign(static_cast<std::size_t>(result.n_padded), T(0));
    std::copy(step.bias.begin(), step.bias.end(), result.bias.begin());
    pack_weights(step, result);
  }
  return result;
}

template <typename T>
void TypedChain<T>::pack_weights(const Step &step, Packed &packed) const {
  const int block = max_vectors * loops_.width;
  for (int begin = 0; begin < packed.n_padded; begin += block) {
    const int end = std::min(begin + block, packed.n_padded);
    for (int k = 0; k < step.n_in; ++k)
      for (int i = begin; i < end; ++i)
        packed.weights.push_back(
            i < step.n_out
                ? static_cast<T>(step.weights[static_cast<std::size_t>(i) * step.n_in + k])
                : T(0));
  }
}

template <typename T>
void TypedChain<T>::run(const void *x, void *y, std::int64_t n_samples) {
  const T *from = static_cast<const T *>(x);
  T *to = static_cast<T *>(y);
  for (std::int64_t sample = 0; sample < n_samples; ++sample) {
    std::memcpy(here_.data(), from + sample * n_in_,
                static_cast<std::size_t>(n_in_) * sizeof(T));
    for (const Packed &step : steps_) {
      if (step.kind == Step::Kind::linear) {
        loops_.linear(step.weights.data(), step.bias.data(), step.n_in, step.n_padded,
                      here_.data(), there_.data());
        here_.swap(there_);
      } else if (step.kind == Step::Kind::activation) {
        loops_.activate(step.activation, step.slope, here_.data(), step.n_padded);
      } else {
        loops_.affine(step.scale.data(), step.shift.data(), here_.data(), step.n_padded);
      }
    }
    std::memcpy(to + sample * n_out_, here_.data(),
                static_cast<std::size_t>(n_out_) * sizeof(T));
  }
}

} // namespace

std::unique_ptr<Chain> make_chain(isthmus_dtype dtype, const std::vector<Step> &steps) {
  if (dtype == ISTHMUS_FLOAT32)
    return std::make_unique<TypedChain<float>>(steps, best_loops<float>());
  return std::make_unique<TypedChain<double>>(steps, best_loops<double>());
}

} // namespace isthmus
