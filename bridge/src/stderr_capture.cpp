// SPDX-License-Identifier: MIT
#include "stderr_capture.hpp"

#include <iostream>
#include <streambuf>

namespace isthmus {
namespace {

thread_local std::string *captured = nullptr;

/// Passes everything on to the buffer it stands before, but for threads that capture.
class ForkedBuffer : public std::streambuf {
public:
  ForkedBuffer() : outer_(std::cerr.rdbuf(this)) {}
  ~ForkedBuffer() override {
    if (std::cerr.rdbuf() == this) // else the host has put its own before ours
      std::cerr.rdbuf(outer_);
  }

protected:
  int_type overflow(int_type c) override {
    if (!captured)
      return outer_->sputc(traits_type::to_char_type(c));
    captured->push_back(traits_type::to_char_type(c));
    return traits_type::not_eof(c);
  }
  std::streamsize xsputn(const char *text, std::streamsize n) override {
    if (!captured)
      return outer_->sputn(text, n);
    captured->append(text, static_cast<std::size_t>(n));
    return n;
  }
  int sync() override { return captured ? 0 : outer_->pubsync(); }

private:
  std::streambuf *outer_;
};

} // namespace

StderrCapture::StderrCapture() : outer_(captured) {
  static ForkedBuffer buffer; // installed with the first compiled network
  captured = &text_;
}

StderrCapture::~StderrCapture() { captured = outer_; }

} // namespace isthmus
