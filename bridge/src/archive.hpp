// SPDX-License-Identifier: MIT
// The zip archive a model file is: read with torch's own reader, so that what is verified
// is what will be loaded.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace isthmus {

enum class EngineKind { torchscript, inductor };

/// A model file, opened; nothing in it is executed or unpickled here.
class Archive {
public:
  /// @throws Failure (file)
  explicit Archive(const std::string &path);
  ~Archive();
  Archive(const Archive &) = delete;
  Archive &operator=(const Archive &) = delete;

  const std::string &path() const { return path_; }
  /// Names below the root folder.
  const std::vector<std::string> &entries() const { return entries_; }
  bool has(const std::string &entry) const;
  std::string bytes_of(const std::string &entry) const;
  /// SHA-256 of an entry's content.
  std::string sum_of(const std::string &entry) const;
  /// Which engine the content is for.
  EngineKind kind() const;
  /// Names of the compiled models in a `.pt2`.
  std::vector<std::string> compiled_models() const;
  /// A value of the metadata of the compiled models, "" if none has it.
  std::string metadata(const std::string &key) const;
  /// Compare the sum over the whole file with the seal in the archive's comment, if any.
  /// @throws Failure (contract)
  void check_seal() const;

private:
  struct Reader;
  std::string path_;
  std::unique_ptr<Reader> reader_;
  std::vector<std::string> entries_;
};

} // namespace isthmus
