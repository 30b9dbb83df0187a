// SPDX-License-Identifier: MIT
// What every C entry point is made of: arguments checked, exceptions turned into a status.
#pragma once

#include <cerrno>
#include <new>
#include <stdexcept>
#include <string>

#include "failure.hpp"

namespace isthmus {

inline void set_message(const char *text) noexcept {
  try {
    last_message() = text;
  } catch (...) { // no memory even for the text
    last_message().clear();
  }
}

/// errno is the host's: a call leaves it as found.
class KeptErrno {
public:
  KeptErrno() = default;
  ~KeptErrno() { errno = value_; }
  KeptErrno(const KeptErrno &) = delete;
  KeptErrno &operator=(const KeptErrno &) = delete;

private:
  int value_ = errno;
};

// No exception crosses the C boundary: every entry point is `return guarded([&] {...});`.
template <typename Body> isthmus_status guarded(Body &&body) noexcept {
  const KeptErrno kept;
  try {
    last_message().clear();
    body();
    return ISTHMUS_OK;
  } catch (const Failure &failure) { // ours: knows its status
    set_message(failure.what());
    return failure.status();
  } catch (const std::bad_alloc &) {
    set_message("out of memory");
    return ISTHMUS_ERR_RUNTIME;
  } catch (const std::exception &error) {
    set_message(error.what());
    return ISTHMUS_ERR_INTERNAL;
  } catch (...) {
    set_message("exception of unknown type");
    return ISTHMUS_ERR_INTERNAL;
  }
}

/// The pointer, if it is not null.
template <typename T> T &required(T *pointer, const char *what) {
  if (!pointer)
    throw Failure(ISTHMUS_ERR_ARGUMENT, std::string("argument '") + what + "' is null");
  return *pointer;
}

inline const char *text(const char *pointer, const char *what) {
  return &required(pointer, what);
}

} // namespace isthmus
