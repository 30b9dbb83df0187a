// SPDX-License-Identifier: MIT
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/huber_loss.h>
#include <ATen/ops/l1_loss.h>
#include <ATen/ops/mse_loss.h>

#include "../array.hpp"
#include "../tensors/tape.hpp"
#include "optimizer.hpp"

namespace isthmus {
namespace {

std::string form_of(const at::Tensor &tensor) {
  return std::string(c10::toString(tensor.scalar_type())) + " of shape " +
         shape_text(tensor.sizes().vec());
}

[[noreturn]] void refuse(const at::Tensor &prediction, const at::Tensor &target,
                         const std::string &expected) {
  throw Failure(ISTHMUS_ERR_SHAPE, "'prediction' is " + form_of(prediction) +
                                       ", 'target' is " + form_of(target) + ", expected " +
                                       expected);
}

/// Torch would stretch one of the two, with a warning only.
void check_pair(const at::Tensor &prediction, const at::Tensor &target) {
  if (!prediction.sizes().equals(target.sizes()) ||
      prediction.scalar_type() != target.scalar_type() ||
      !at::isFloatingType(prediction.scalar_type()))
    refuse(prediction, target, "one floating-point type and shape");
}

void check_classes(const at::Tensor &prediction, const at::Tensor &target) {
  if (target.scalar_type() != at::kLong)
    return check_pair(prediction, target); // probabilities
  std::vector<std::int64_t> expected = prediction.sizes().vec();
  if (!expected.empty())
    expected.erase(expected.begin() + (expected.size() > 1 ? 1 : 0));
  if (prediction.dim() < 1 || target.sizes().vec() != expected)
    refuse(prediction, target,
           "classes of shape " + shape_text(expected) + ", or probabilities");
  const std::int64_t n_classes = prediction.size(prediction.dim() > 1 ? 1 : 0);
  if (target.numel() > 0 && (target.min().item<std::int64_t>() < 0 ||
                             target.max().item<std::int64_t>() >= n_classes))
    throw Failure(ISTHMUS_ERR_SHAPE,
                  "'target' has a class outside 0 to " + std::to_string(n_classes - 1));
}

} // namespace

at::Tensor loss_of(Loss kind, const at::Tensor &prediction, const at::Tensor &target,
                   isthmus_loss_reduction reduction, double delta) {
  if (prediction.device() != target.device())
    throw Failure(ISTHMUS_ERR_DEVICE, "'prediction' is on " + prediction.device().str() +
                                          ", 'target' on " + target.device().str());
  if (reduction < ISTHMUS_LOSS_NONE || reduction > ISTHMUS_LOSS_SUM)
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  "'reduction' is " + std::to_string(reduction) + ", expected 0, 1 or 2");
  const std::int64_t how = reduction; // the numbers are those of at::Reduction
  if (kind == Loss::cross_entropy) {
    check_classes(prediction, target);
    return at::cross_entropy_loss(prediction, target, {}, how);
  }
  check_pair(prediction, target);
  if (kind == Loss::mse)
    return at::mse_loss(prediction, target, how);
  if (kind == Loss::l1)
    return at::l1_loss(prediction, target, how);
  if (!(delta > 0.0))
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  "'delta' is " + std::to_string(delta) + ", expected a number above 0");
  return at::huber_loss(prediction, target, how, delta);
}

} // namespace isthmus

using namespace isthmus;

namespace {

isthmus_status evaluate(Loss kind, const isthmus_tensor *prediction,
                        const isthmus_tensor *target, isthmus_loss_reduction reduction,
                        isthmus_tensor **loss, double delta = 1.0) noexcept {
  return guarded_torch([&] {
    isthmus_tensor *&result = required(loss, "loss");
    const TorchModes modes(is_tape_on());
    result =
        new isthmus_tensor{loss_of(kind, required(prediction, "prediction").value,
                                   required(target, "target").value, reduction, delta)};
  });
}

} // namespace

isthmus_status isthmus_loss_mse(const isthmus_tensor *prediction,
                                const isthmus_tensor *target,
                                isthmus_loss_reduction reduction, isthmus_tensor **loss) {
  return evaluate(Loss::mse, prediction, target, reduction, loss);
}

isthmus_status isthmus_loss_l1(const isthmus_tensor *prediction,
                               const isthmus_tensor *target,
                               isthmus_loss_reduction reduction, isthmus_tensor **loss) {
  return evaluate(Loss::l1, prediction, target, reduction, loss);
}

isthmus_status isthmus_loss_huber(const isthmus_tensor *prediction,
                                  const isthmus_tensor *target, double delta,
                                  isthmus_loss_reduction reduction, isthmus_tensor **loss) {
  return evaluate(Loss::huber, prediction, target, reduction, loss, delta);
}

isthmus_status isthmus_loss_cross_entropy(const isthmus_tensor *prediction,
                                          const isthmus_tensor *target,
                                          isthmus_loss_reduction reduction,
                                          isthmus_tensor **loss) {
  return evaluate(Loss::cross_entropy, prediction, target, reduction, loss);
}
