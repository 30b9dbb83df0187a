// SPDX-License-Identifier: MIT
// Layout of a packed state: a mark, the number of arrays; for each its name, type, rank,
// shape and content; then the SHA-256 of all that, as 64 digits. Numbers are int64 in the
// byte order of the machine, as in an unformatted Fortran file.
#include <cstring>

#include "../failure.hpp"
#include "../sha256.hpp"
#include "state.hpp"

namespace isthmus {
namespace {

const std::string mark = "isthmus state 1\n";
constexpr std::size_t n_digits = 64;

[[noreturn]] void refuse(const std::string &text) {
  throw Failure(ISTHMUS_ERR_ARGUMENT, "state: " + text);
}

class Writer {
public:
  void bytes(const void *data, std::size_t n) {
    const auto *from = static_cast<const unsigned char *>(data);
    out_.insert(out_.end(), from, from + n);
  }
  void number(std::int64_t value) { bytes(&value, sizeof value); }
  void text(const std::string &value) {
    number(static_cast<std::int64_t>(value.size()));
    bytes(value.data(), value.size());
  }
  std::vector<unsigned char> &out() { return out_; }

private:
  std::vector<unsigned char> out_;
};

class Reader {
public:
  Reader(const unsigned char *data, std::size_t n) : at_(data), end_(data + n) {}
  const unsigned char *bytes(std::int64_t n) {
    if (n < 0 || n > end_ - at_)
      refuse("the bytes end too early");
    const unsigned char *found = at_;
    at_ += n;
    return found;
  }
  std::int64_t number() {
    std::int64_t value = 0;
    std::memcpy(&value, bytes(sizeof value), sizeof value);
    return value;
  }
  std::string text() {
    const std::int64_t n = number();
    return std::string(reinterpret_cast<const char *>(bytes(n)),
                       static_cast<std::size_t>(n));
  }

private:
  const unsigned char *at_, *end_;
};

void check_sum(const unsigned char *data, std::size_t n) {
  if (n < mark.size() + n_digits || std::memcmp(data, mark.data(), mark.size()) != 0)
    refuse("these bytes are no state of an emulator");
  const std::string digits(reinterpret_cast<const char *>(data) + n - n_digits, n_digits);
  if (sha256(data, n - n_digits) != digits)
    refuse("the bytes were changed: their SHA-256 is not the one at their end");
}

void read_array(Reader &reader, StateArray &expected) {
  const std::string name = reader.text();
  if (name != expected.name)
    refuse("found the array " + in_quotes(name) + ", expected " + in_quotes(expected.name));
  const std::int64_t dtype = reader.number();
  std::vector<std::int64_t> shape(static_cast<std::size_t>(reader.number()));
  for (std::int64_t &extent : shape)
    extent = reader.number();
  if (dtype != expected.field.dtype() || shape != expected.field.shape())
    throw Failure(ISTHMUS_ERR_SHAPE, "state: array " + in_quotes(name) + " has shape " +
                                         shape_text(shape) + ", expected " +
                                         dtype_name(expected.field.dtype()) + " of shape " +
                                         shape_text(expected.field.shape()));
  std::vector<unsigned char> &bytes = expected.field.bytes();
  const unsigned char *from = reader.bytes(static_cast<std::int64_t>(bytes.size()));
  std::copy(from, from + bytes.size(), bytes.begin());
}

} // namespace

std::vector<unsigned char> packed(const std::vector<StateArray> &arrays) {
  Writer writer;
  writer.bytes(mark.data(), mark.size());
  writer.number(static_cast<std::int64_t>(arrays.size()));
  for (const auto &[name, field] : arrays) {
    writer.text(name);
    writer.number(field.dtype());
    writer.number(static_cast<std::int64_t>(field.shape().size()));
    for (const std::int64_t extent : field.shape())
      writer.number(extent);
    writer.bytes(field.bytes().data(), field.bytes().size());
  }
  const std::string digits = sha256(writer.out().data(), writer.out().size());
  writer.bytes(digits.data(), digits.size());
  return std::move(writer.out());
}

std::vector<StateArray> unpacked(const void *bytes, std::int64_t n_bytes,
                                 std::vector<StateArray> expected) {
  const auto *data = static_cast<const unsigned char *>(bytes);
  const auto n = static_cast<std::size_t>(n_bytes < 0 ? 0 : n_bytes);
  check_sum(data, n);
  Reader reader(data + mark.size(), n - mark.size() - n_digits);
  const std::int64_t n_arrays = reader.number();
  if (n_arrays != static_cast<std::int64_t>(expected.size()))
    refuse("there are " + std::to_string(n_arrays) + " arrays, expected " +
           std::to_string(expected.size()));
  for (StateArray &array : expected)
    read_array(reader, array);
  return expected;
}

} // namespace isthmus
