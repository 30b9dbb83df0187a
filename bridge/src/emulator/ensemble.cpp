// SPDX-License-Identifier: MIT
#include "ensemble.hpp"

#include <cmath>

#include "../failure.hpp"
#include "random.hpp"

namespace isthmus {

Ensemble::Ensemble(const std::vector<std::string> &paths, const std::string &device)
    : paths_(paths) {
  if (paths.empty())
    throw Failure(ISTHMUS_ERR_ARGUMENT, "no file is named, expected one or several");
  for (const std::string &path : paths) {
    members_.push_back(std::unique_ptr<isthmus_model>(new isthmus_model{{path, device}}));
    terms_.push_back(terms_of(members_.back()->body));
    if (members_.size() > 1 && terms_.back().signature.empty())
      throw Failure(ISTHMUS_ERR_CONTRACT,
                    in_quotes(path) + " has no contract: it cannot be in an ensemble");
    if (terms_.back().signature != terms_.front().signature)
      throw Failure(ISTHMUS_ERR_CONTRACT, in_quotes(path) + " has another contract than " +
                                              in_quotes(paths.front()) +
                                              ": expected the same inputs, outputs, units, "
                                              "sample dimension, time step and memory");
  }
}

void Ensemble::check_replaceable_by(const Ensemble &other) const {
  if (terms().signature.empty() || other.terms().signature != terms().signature)
    throw Failure(ISTHMUS_ERR_CONTRACT,
                  in_quotes(other.paths_.front()) + " has another contract than " +
                      in_quotes(paths_.front()) +
                      ": expected the same inputs, outputs, units, sample dimension, time "
                      "step and memory");
  if (other.size() != size())
    throw Failure(ISTHMUS_ERR_ARGUMENT, std::to_string(other.size()) +
                                            " files are to replace " +
                                            std::to_string(size()));
}

void mean_of(const std::vector<const Samples *> &members, const Samples &mean) {
  with_element_type(mean.dtype(), [&](auto zero) {
    using T = decltype(zero);
    mean.for_each([&](std::int64_t s, std::int64_t e) {
      double sum = 0.0;
      for (const Samples *member : members)
        sum += static_cast<double>(member->at<T>(s, e));
      mean.at<T>(s, e) = static_cast<T>(sum / static_cast<double>(members.size()));
    });
  });
}

void spread_of(const std::vector<const Samples *> &members, const Samples &spread) {
  const auto n = static_cast<double>(members.size());
  with_element_type(spread.dtype(), [&](auto zero) {
    using T = decltype(zero);
    spread.for_each([&](std::int64_t s, std::int64_t e) {
      double mean = 0.0, squares = 0.0;
      for (const Samples *member : members)
        mean += static_cast<double>(member->at<T>(s, e)) / n;
      for (const Samples *member : members) {
        const double difference = static_cast<double>(member->at<T>(s, e)) - mean;
        squares += difference * difference;
      }
      spread.at<T>(s, e) = static_cast<T>(std::sqrt(squares / (n - 1.0)));
    });
  });
}

std::size_t chosen_member(std::int64_t seed, std::int64_t step, std::size_t n_members) {
  return static_cast<std::size_t>(mixed(seed, step, 0) % n_members);
}

} // namespace isthmus
