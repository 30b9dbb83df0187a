// SPDX-License-Identifier: MIT
// AOTInductor prints why it failed and throws only where. This keeps the text, unprinted.
#pragma once

#include <string>

namespace isthmus {

/// While it lives, what this thread writes to std::cerr is kept instead of printed.
/// Other threads print as ever.
class StderrCapture {
public:
  StderrCapture();
  ~StderrCapture();
  StderrCapture(const StderrCapture &) = delete;
  StderrCapture &operator=(const StderrCapture &) = delete;
  const std::string &text() const { return text_; }

private:
  std::string text_;
  std::string *outer_;
};

} // namespace isthmus
