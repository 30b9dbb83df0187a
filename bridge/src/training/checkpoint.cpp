// SPDX-License-Identifier: MIT
#include "checkpoint.hpp"

#include <cstring>
#include <fstream>
#include <sstream>

#include <ATen/ops/empty.h>

#include "../sha256.hpp"
#include "network.hpp"

namespace isthmus {
namespace {

// Numbers are those of the machine, little end first on all that libtorch serves.
const std::string magic = "isthmus checkpoint 1\n";
constexpr std::size_t n_digits = 64;

void append(std::string &bytes, std::uint64_t number) {
  bytes.append(reinterpret_cast<const char *>(&number), sizeof number);
}

void append(std::string &bytes, const std::string &piece) {
  append(bytes, piece.size());
  bytes += piece;
}

/// Takes pieces from bytes whose checksum was right; still never beyond their end.
class Reader {
public:
  explicit Reader(const std::string &bytes) : bytes_(bytes) {}
  bool is_done() const { return at_ == bytes_.size(); }
  const char *take(std::size_t n) {
    if (n > bytes_.size() - at_)
      throw Failure(ISTHMUS_ERR_FILE, "the checkpoint ends too early");
    at_ += n;
    return bytes_.data() + at_ - n;
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    std::memcpy(&value, take(sizeof value), sizeof value);
    return value;
  }
  std::string piece() {
    const std::uint64_t n = number();
    return {take(n), n};
  }

private:
  const std::string &bytes_;
  std::size_t at_ = 0;
};

std::string whole_file(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  if (!file)
    throw Failure(ISTHMUS_ERR_FILE, in_quotes(path) + " cannot be read");
  return bytes.str();
}

} // namespace

Checkpoint Checkpoint::read(const std::string &path) {
  const std::string all = whole_file(path);
  const std::size_t start = magic.size() + n_digits + 1;
  const std::string family = magic.substr(0, magic.size() - 2);
  if (all.compare(0, family.size(), family) != 0)
    throw Failure(ISTHMUS_ERR_FILE, in_quotes(path) + " is no checkpoint of isthmus");
  if (all.compare(0, magic.size(), magic) != 0)
    throw Failure(ISTHMUS_ERR_FILE,
                  in_quotes(path) + " is a checkpoint of another format, expected 1");
  if (all.size() < start ||
      all.substr(magic.size(), n_digits) != sha256(all.data() + start, all.size() - start))
    throw Failure(ISTHMUS_ERR_FILE, in_quotes(path) + " is damaged: its checksum is wrong");
  const std::string body = all.substr(start);
  Checkpoint found;
  for (Reader reader(body); !reader.is_done();) {
    const std::string name = reader.piece();
    found.pieces_[name] = reader.piece();
  }
  return found;
}

void Checkpoint::write(const std::string &path) const {
  std::string body;
  for (const auto &[name, bytes] : pieces_) {
    append(body, name);
    append(body, bytes);
  }
  write_atomically(path, magic + sha256(body.data(), body.size()) + "\n" + body);
}

void Checkpoint::put(const std::string &name, const Tensors &tensors) {
  std::string bytes;
  append(bytes, tensors.size());
  for (const at::Tensor &each : tensors) {
    const at::Tensor here = each.detach().cpu().contiguous();
    append(bytes, static_cast<std::uint64_t>(here.scalar_type()));
    append(bytes, static_cast<std::uint64_t>(here.dim()));
    for (const std::int64_t extent : here.sizes())
      append(bytes, static_cast<std::uint64_t>(extent));
    append(bytes, std::string(static_cast<const char *>(here.data_ptr()), here.nbytes()));
  }
  put(name, bytes);
}

void Checkpoint::put(const std::string &name,
                     const std::map<std::string, at::Tensor> &named) {
  Tensors values;
  std::string keys;
  for (const auto &[key, value] : named) {
    keys += key + "\n";
    values.push_back(value);
  }
  put(name, values);
  put(name + "'s names", keys);
}

void Checkpoint::put_number(const std::string &name, std::uint64_t number) {
  put(name, std::to_string(number));
}

const std::string &Checkpoint::text(const std::string &name) const {
  const auto found = pieces_.find(name);
  if (found == pieces_.end())
    throw Failure(ISTHMUS_ERR_FILE, "the checkpoint has no " + in_quotes(name));
  return found->second;
}

Tensors Checkpoint::tensors(const std::string &name) const {
  Reader reader(text(name));
  Tensors list(reader.number());
  for (at::Tensor &each : list) {
    const auto type = static_cast<at::ScalarType>(reader.number());
    std::vector<std::int64_t> shape(reader.number());
    for (std::int64_t &extent : shape)
      extent = static_cast<std::int64_t>(reader.number());
    each = at::empty(shape, type);
    if (reader.number() != each.nbytes())
      throw Failure(ISTHMUS_ERR_FILE, in_quotes(name) + " of the checkpoint is damaged");
    std::memcpy(each.data_ptr(), reader.take(each.nbytes()), each.nbytes());
  }
  return list;
}

std::map<std::string, at::Tensor> Checkpoint::named_tensors(const std::string &name) const {
  std::map<std::string, at::Tensor> named;
  std::istringstream keys(text(name + "'s names"));
  const Tensors values = tensors(name);
  std::string key;
  std::size_t i = 0;
  while (std::getline(keys, key) && i < values.size())
    named[key] = values[i++];
  if (named.size() != values.size())
    throw Failure(ISTHMUS_ERR_FILE, in_quotes(name) + " of the checkpoint is damaged");
  return named;
}

std::uint64_t Checkpoint::number(const std::string &name) const {
  return std::strtoull(text(name).c_str(), nullptr, 10);
}

} // namespace isthmus
