// SPDX-License-Identifier: MIT
// Several networks of one contract: loaded together, evaluated on the same inputs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../handle.hpp"
#include "samples.hpp"
#include "terms.hpp"

namespace isthmus {

class Ensemble {
public:
  Ensemble() = default;
  /// @throws Failure (file, device, contract); the members' contracts must agree
  Ensemble(const std::vector<std::string> &paths, const std::string &device);

  std::size_t size() const { return members_.size(); }
  Model &member(std::size_t i) const { return members_[i]->body; }
  isthmus_model *handle(std::size_t i) const { return members_[i].get(); }
  const Terms &terms() const { return terms_[0]; }
  const std::string &version(std::size_t i) const { return terms_[i].version; }
  /// @throws Failure (contract) unless the other may stand in the place of this one
  void check_replaceable_by(const Ensemble &other) const;

private:
  std::vector<std::unique_ptr<isthmus_model>> members_;
  std::vector<Terms> terms_;
  std::vector<std::string> paths_;
};

/// Mean of the members' values, summed in double.
void mean_of(const std::vector<const Samples *> &members, const Samples &mean);
/// Standard deviation over the members (divided by their number less one).
void spread_of(const std::vector<const Samples *> &members, const Samples &spread);
/// Which member speaks at a step: the same for the same seed, step and number.
std::size_t chosen_member(std::int64_t seed, std::int64_t step, std::size_t n_members);

} // namespace isthmus
