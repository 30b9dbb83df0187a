// SPDX-License-Identifier: MIT
#include "failure.hpp"

namespace isthmus {

std::string &last_message() noexcept {
  thread_local std::string message;
  return message;
}

std::string in_quotes(const std::string &name) { return "'" + name + "'"; }

} // namespace isthmus
