// SPDX-License-Identifier: MIT
#include "modes.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "../failure.hpp"

namespace isthmus {

double Ramp::at(std::int64_t step) const {
  if (n_steps == 0)
    return alpha;
  const double part = static_cast<double>(step - start) / static_cast<double>(n_steps);
  return alpha * std::clamp(part, 0.0, 1.0);
}

double Difference::rms() const {
  return n ? std::sqrt(squares / static_cast<double>(n)) : 0.0;
}

void Difference::add(const Difference &other) {
  n += other.n;
  sum += other.sum;
  squares += other.squares;
  largest = std::max(largest, other.largest);
}

Difference difference_of(const Samples &network, const Samples &physics,
                         const Flags &flags) {
  Difference difference;
  with_element_type(network.dtype(), [&](auto zero) {
    using T = decltype(zero);
    network.for_each([&](std::int64_t s, std::int64_t e) {
      if (flags[static_cast<std::size_t>(s)] != 0)
        return;
      const double d = static_cast<double>(network.at<T>(s, e)) -
                       static_cast<double>(physics.at<T>(s, e));
      ++difference.n;
      difference.sum += d;
      difference.squares += d * d;
      difference.largest = std::max(difference.largest, std::abs(d));
    });
  });
  return difference;
}

void Record::open(const std::string &path) {
  if (path.empty()) {
    file_.reset();
    path_.clear();
    return;
  }
  std::unique_ptr<std::FILE, Closer> file(std::fopen(path.c_str(), "a"));
  if (!file)
    throw Failure(ISTHMUS_ERR_FILE, "record " + in_quotes(path) +
                                        " cannot be written: " + std::strerror(errno));
  std::fseek(file.get(), 0, SEEK_END);
  if (std::ftell(file.get()) == 0)
    std::fputs("step,output,n,mean,rms,largest\n", file.get());
  file_ = std::move(file);
  path_ = path;
}

void Record::add(std::int64_t step, const std::string &output,
                 const Difference &difference) {
  sums_[output].add(difference);
  if (!file_)
    return;
  const int n = std::fprintf(file_.get(), "%lld,%s,%lld,%.17g,%.17g,%.17g\n",
                             static_cast<long long>(step), output.c_str(),
                             static_cast<long long>(difference.n), difference.mean(),
                             difference.rms(), difference.largest);
  if (n < 0 || std::fflush(file_.get()) != 0)
    throw Failure(ISTHMUS_ERR_FILE, "record " + in_quotes(path_) +
                                        " cannot be written: " + std::strerror(errno));
}

void blend(const Samples &physics, const Samples &network,
           const std::vector<double> &alphas, const Samples &target) {
  const auto alpha_of = [&](std::int64_t s) {
    return alphas[alphas.size() == 1 ? 0 : static_cast<std::size_t>(s)];
  };
  with_element_type(target.dtype(), [&](auto zero) {
    using T = decltype(zero);
    target.for_each([&](std::int64_t s, std::int64_t e) {
      const double alpha = alpha_of(s);
      const T from = physics.at<T>(s, e), to = network.at<T>(s, e);
      T &value = target.at<T>(s, e);
      if (alpha == 0.0)
        value = from;
      else if (alpha == 1.0)
        value = to;
      else
        value = static_cast<T>((1.0 - alpha) * static_cast<double>(from) +
                               alpha * static_cast<double>(to));
    });
  });
}

} // namespace isthmus
