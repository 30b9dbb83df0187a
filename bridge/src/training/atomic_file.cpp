// SPDX-License-Identifier: MIT
// Files that are there whole or as they were before: written beside, flushed, renamed.
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "network.hpp"

namespace isthmus {
namespace {

[[noreturn]] void refuse(const std::string &path, int reason) {
  throw Failure(ISTHMUS_ERR_FILE,
                in_quotes(path) + " cannot be written: " + std::strerror(reason));
}

bool write_all(int file, const std::string &bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n = ::write(file, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return false;
    done += static_cast<std::size_t>(n);
  }
  return ::fsync(file) == 0;
}

} // namespace

void write_atomically(const std::string &path, const std::string &bytes) {
  const std::string beside = path + ".part" + std::to_string(::getpid());
  const int file = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0)
    refuse(path, errno);
  bool is_written = write_all(file, bytes);
  int reason = errno;
  if (::close(file) != 0 && is_written) {
    is_written = false;
    reason = errno;
  }
  if (is_written && std::rename(beside.c_str(), path.c_str()) == 0)
    return;
  reason = is_written ? errno : reason;
  ::unlink(beside.c_str());
  refuse(path, reason);
}

} // namespace isthmus
