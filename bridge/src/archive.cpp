// SPDX-License-Identifier: MIT
#include "archive.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <sys/stat.h>

#include <caffe2/serialize/inline_container.h>
#include <nlohmann/json.hpp>

#include "failure.hpp"
#include "sha256.hpp"

namespace isthmus {
namespace {

const std::string compiled_folder = "data/aotinductor/";
const std::string seal_word = "isthmus sha256 ";
constexpr std::size_t n_digits = 64;
const std::string end_record = "PK\x05\x06"; // of a zip archive, with what follows it:
constexpr std::size_t n_end_rest = 18;       // the last two bytes count the comment's

[[noreturn]] void refuse(const std::string &path, const std::string &text) {
  throw Failure(ISTHMUS_ERR_FILE, in_quotes(path) + " " + text);
}

// torch's reader answers an absent file, a folder or an empty file with a puzzle.
void check_readable(const std::string &path) {
  struct stat info{};
  if (stat(path.c_str(), &info) != 0)
    refuse(path, std::string("cannot be read: ") + std::strerror(errno));
  if (!S_ISREG(info.st_mode))
    refuse(path, "cannot be read: it is no regular file");
  if (info.st_size == 0)
    refuse(path, "is empty");
  if (!std::ifstream(path, std::ios::binary))
    refuse(path, std::string("cannot be read: ") + std::strerror(errno));
}

bool starts_with(const std::string &text, const std::string &start) {
  return text.compare(0, start.size(), start) == 0;
}

bool ends_with(const std::string &text, const std::string &end) {
  return text.size() >= end.size() &&
         text.compare(text.size() - end.size(), end.size(), end) == 0;
}

std::string sum_of_head(std::ifstream &file, std::size_t n_bytes) {
  Sha256 sum;
  std::vector<char> block(1 << 20);
  file.seekg(0);
  while (n_bytes > 0) {
    file.read(block.data(), static_cast<std::streamsize>(std::min(block.size(), n_bytes)));
    const auto n = static_cast<std::size_t>(file.gcount());
    if (n == 0)
      break;
    sum.update(block.data(), n);
    n_bytes -= n;
  }
  return sum.hexadecimal();
}

std::string tail_of(std::ifstream &file, std::size_t size, std::size_t n_bytes) {
  std::string tail(std::min(size, n_bytes), '\0');
  file.seekg(static_cast<std::streamoff>(size - tail.size()));
  file.read(tail.data(), static_cast<std::streamsize>(tail.size()));
  return tail;
}

} // namespace

struct Archive::Reader {
  caffe2::serialize::PyTorchStreamReader zip;
};

Archive::Archive(const std::string &path) : path_(path) {
  check_readable(path);
  try {
    reader_ =
        std::unique_ptr<Reader>(new Reader{caffe2::serialize::PyTorchStreamReader(path)});
    entries_ = reader_->zip.getAllRecords();
  } catch (const c10::Error &error) {
    refuse(path, std::string("is no model file (a zip archive of torch), or is damaged: ") +
                     error.what_without_backtrace());
  }
}

Archive::~Archive() = default;

bool Archive::has(const std::string &entry) const {
  return std::find(entries_.begin(), entries_.end(), entry) != entries_.end();
}

std::string Archive::bytes_of(const std::string &entry) const {
  try {
    const auto [data, size] = reader_->zip.getRecord(entry);
    return {static_cast<const char *>(data.get()), size};
  } catch (const c10::Error &) {
    refuse(path_, "is damaged: entry " + in_quotes(entry) + " cannot be read");
  }
}

std::string Archive::sum_of(const std::string &entry) const {
  try {
    const auto [data, size] = reader_->zip.getRecord(entry);
    return sha256(data.get(), size);
  } catch (const c10::Error &) {
    refuse(path_, "is damaged: entry " + in_quotes(entry) + " cannot be read");
  }
}

EngineKind Archive::kind() const {
  const bool has_compiled =
      std::any_of(entries_.begin(), entries_.end(),
                  [](const std::string &e) { return starts_with(e, compiled_folder); });
  if (has_compiled)
    return EngineKind::inductor;
  const bool has_code =
      std::any_of(entries_.begin(), entries_.end(),
                  [](const std::string &e) { return starts_with(e, "code/"); });
  if (has_code && has("data.pkl"))
    return EngineKind::torchscript;
  refuse(path_, "holds neither a TorchScript module (code/, data.pkl) nor a compiled "
                "package (data/aotinductor/): was it saved with torch.save or "
                "torch.export.save?");
}

std::vector<std::string> Archive::compiled_models() const {
  std::set<std::string> names;
  for (const std::string &entry : entries_)
    if (starts_with(entry, compiled_folder)) {
      const std::string rest = entry.substr(compiled_folder.size());
      if (rest.find('/') != std::string::npos)
        names.insert(rest.substr(0, rest.find('/')));
    }
  return {names.begin(), names.end()};
}

std::string Archive::metadata(const std::string &key) const {
  for (const std::string &entry : entries_) {
    if (!starts_with(entry, compiled_folder) || !ends_with(entry, "_metadata.json"))
      continue;
    const auto values = nlohmann::json::parse(bytes_of(entry), nullptr, false);
    if (values.is_discarded() || !values.is_object())
      refuse(path_, "is damaged: entry " + in_quotes(entry) + " is no JSON object");
    if (values.contains(key) && values[key].is_string())
      return values[key].get<std::string>();
  }
  return "";
}

void Archive::check_seal() const {
  std::ifstream file(path_, std::ios::binary | std::ios::ate);
  const auto size = static_cast<std::size_t>(file.tellg());
  const std::string end = tail_of(file, size, end_record.size() + n_end_rest);
  if (starts_with(end, end_record) && ends_with(end, std::string(2, '\0')))
    return; // no comment is due: written by hand, or by a tool that keeps none
  const std::string seal = tail_of(file, size, seal_word.size() + n_digits);
  if (!starts_with(seal, seal_word))
    throw Failure(ISTHMUS_ERR_CONTRACT,
                  in_quotes(path_) +
                      " is damaged: its end is cut off, or the comment there "
                      "is not the seal of isthmus");
  if (sum_of_head(file, size - n_digits) != seal.substr(seal_word.size()))
    throw Failure(ISTHMUS_ERR_CONTRACT,
                  in_quotes(path_) + " is damaged: its SHA-256 is not the one of its seal");
}

} // namespace isthmus
