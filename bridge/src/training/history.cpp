// SPDX-License-Identifier: MIT
#include "history.hpp"

#include <limits>

#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>

#include "../array.hpp"

namespace isthmus {

std::uint64_t Dice::next() {
  state += 0x9e3779b97f4a7c15u;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

std::int64_t Dice::below(std::int64_t n) {
  const auto range = static_cast<std::uint64_t>(n);
  const std::uint64_t all = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t number = next();
  while (number >= all - all % range) // the rest would favour small numbers
    number = next();
  return static_cast<std::int64_t>(number % range);
}

bool Split::is_validation(std::int64_t state) const {
  Dice dice{seed + static_cast<std::uint64_t>(state / block) * 0xd1342543de82ef95u};
  dice.next();
  return static_cast<double>(dice.next() >> 11) * 0x1p-53 < validation;
}

void History::push(const at::Tensor &state, bool is_first) {
  if (!states_.empty() && (!state.sizes().equals(states_[0].sizes()) ||
                           state.scalar_type() != states_[0].scalar_type()))
    throw Failure(ISTHMUS_ERR_SHAPE,
                  "'state' is " + std::string(c10::toString(state.scalar_type())) +
                      " of shape " + shape_text(state.sizes().vec()) +
                      ", the states before are " + c10::toString(states_[0].scalar_type()) +
                      " of shape " + shape_text(states_[0].sizes().vec()));
  const at::Tensor copy = state.detach().clone();
  const std::size_t at = place(n_pushed_);
  if (at == states_.size()) {
    states_.push_back(copy);
    is_first_.push_back(is_first);
  } else {
    states_[at] = copy;
    is_first_[at] = is_first;
  }
  ++n_pushed_;
}

std::vector<std::int64_t> History::windows(std::int64_t k, const Split &split,
                                           bool is_validation) const {
  std::vector<std::int64_t> starts;
  std::int64_t n_in_row = 0;
  for (std::int64_t i = n_pushed_ - n_kept(); i < n_pushed_; ++i) {
    if (is_first_[place(i)])
      n_in_row = 0;
    n_in_row = split.is_validation(i) == is_validation ? n_in_row + 1 : 0;
    if (n_in_row > k)
      starts.push_back(i - k);
  }
  return starts;
}

at::Tensor History::batch(const std::vector<std::int64_t> &numbers) const {
  Tensors chosen;
  for (const std::int64_t number : numbers)
    chosen.push_back(states_[place(number)]);
  return at::stack(chosen);
}

Tensors History::content() const {
  if (states_.empty())
    return {};
  at::Tensor flags = at::empty({n_kept()}, at::kChar);
  for (std::int64_t i = 0; i < n_kept(); ++i)
    flags.data_ptr<std::int8_t>()[i] = is_first_[static_cast<std::size_t>(i)];
  return {at::stack(states_), flags};
}

void History::set_content(const Tensors &content, std::int64_t n_pushed) {
  const std::int64_t n = content.empty() ? 0 : content[0].size(0);
  if (n != std::min(n_pushed, capacity_) || (n > 0 && content[1].numel() != n))
    throw Failure(ISTHMUS_ERR_FILE, "the checkpoint's states do not add up");
  states_.clear();
  is_first_.clear();
  for (std::int64_t i = 0; i < n; ++i) {
    states_.push_back(content[0].select(0, i).clone());
    is_first_.push_back(content[1].data_ptr<std::int8_t>()[i]);
  }
  n_pushed_ = n_pushed;
}

} // namespace isthmus
