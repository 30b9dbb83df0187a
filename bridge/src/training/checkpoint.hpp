// SPDX-License-Identifier: MIT
// Named pieces in one file: guarded by a checksum, tensors to the bit. Includes libtorch.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "torch_call.hpp"

namespace isthmus {

class Checkpoint {
public:
  Checkpoint() = default;
  /// @throws Failure (file): not there, no checkpoint, of another version, or damaged
  static Checkpoint read(const std::string &path);
  /// The file is whole or as it was before.
  void write(const std::string &path) const;

  void put(const std::string &name, const std::string &bytes) { pieces_[name] = bytes; }
  void put(const std::string &name, const Tensors &tensors);
  void put(const std::string &name, const std::map<std::string, at::Tensor> &named);
  void put_number(const std::string &name, std::uint64_t number);
  bool has(const std::string &name) const { return pieces_.count(name) > 0; }
  /// @throws Failure (file) naming the piece that is missing
  const std::string &text(const std::string &name) const;
  Tensors tensors(const std::string &name) const;
  std::map<std::string, at::Tensor> named_tensors(const std::string &name) const;
  std::uint64_t number(const std::string &name) const;

private:
  std::map<std::string, std::string> pieces_;
};

} // namespace isthmus
