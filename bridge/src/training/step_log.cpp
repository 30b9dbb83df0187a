// SPDX-License-Identifier: MIT
#include "step_log.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "../failure.hpp"
#include "network.hpp"

namespace isthmus {
namespace {

const std::string header = "step,kind,loss,learning_rate\n";

} // namespace

void StepLog::add(std::int64_t step, const char *kind, double loss,
                  double learning_rate) const {
  if (path_.empty())
    return;
  char line[120];
  std::snprintf(line, sizeof line, "%lld,%s,%.9g,%.9g\n", static_cast<long long>(step),
                kind, loss, learning_rate);
  std::ofstream file(path_, std::ios::app | std::ios::ate);
  if (file.tellp() == 0)
    file << header;
  file << line << std::flush;
  if (!file)
    throw Failure(ISTHMUS_ERR_FILE, in_quotes(path_) + " cannot be written");
}

void StepLog::forget_after(std::int64_t step) const {
  std::ifstream file(path_);
  if (path_.empty() || !file)
    return;
  std::string kept = header, line;
  std::getline(file, line);
  if (line + "\n" != header)
    throw Failure(ISTHMUS_ERR_FILE,
                  in_quotes(path_) + " is no log of a training: it is left as it is");
  while (std::getline(file, line))
    if (std::strtoll(line.c_str(), nullptr, 10) <= step)
      kept += line + "\n";
  write_atomically(path_, kept);
}

} // namespace isthmus
