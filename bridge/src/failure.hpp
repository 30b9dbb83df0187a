// SPDX-License-Identifier: MIT
// What goes wrong inside the library, and the text the caller reads about it.
#pragma once

#include <stdexcept>
#include <string>

#include "isthmus.h"

namespace isthmus {

/// The one exception of the library: it knows the status the caller will see.
class Failure : public std::runtime_error {
public:
  Failure(isthmus_status status, const std::string &text)
      : std::runtime_error(text), status_(status) {}
  isthmus_status status() const noexcept { return status_; }

private:
  isthmus_status status_;
};

/// Text of the last failure of this thread.
std::string &last_message() noexcept;

/// 'name', for messages.
std::string in_quotes(const std::string &name);

} // namespace isthmus
