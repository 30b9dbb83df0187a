// SPDX-License-Identifier: MIT
// Against the examples of FIPS 180-4 (NIST's "SHA256.pdf" and the byte vectors of CAVP).
#include "sha256.hpp"

#include <cstdio>
#include <string>

namespace {

int n_failures = 0;

void expect(const std::string &name, const std::string &found, const std::string &digits) {
  if (found != digits) {
    ++n_failures;
    std::printf("%s: %s, expected %s\n", name.c_str(), found.c_str(), digits.c_str());
  }
}

std::string sum(const std::string &text) {
  return isthmus::sha256(text.data(), text.size());
}

void sums_are_those_of_the_standard() {
  expect("empty", sum(""),
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  expect("one block", sum("abc"),
         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  expect("two blocks", sum("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  expect("a million", sum(std::string(1000000, 'a')),
         "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

void pieces_sum_to_the_whole() {
  std::string text;
  for (int i = 0; i < 1000; ++i)
    text += static_cast<char>(i * 7);
  for (std::size_t piece : {1, 3, 55, 56, 63, 64, 65, 127, 999}) {
    isthmus::Sha256 running;
    for (std::size_t begin = 0; begin < text.size(); begin += piece)
      running.update(text.data() + begin, std::min(piece, text.size() - begin));
    expect("pieces of " + std::to_string(piece), running.hexadecimal(), sum(text));
  }
}

/// Where the processor has instructions for it, both ways are tried.
void portable_code_gives_the_same() {
  std::string text;
  for (int i = 0; i < 1000; ++i) {
    isthmus::Sha256 portable(false);
    portable.update(text.data(), text.size());
    expect(std::to_string(i) + " bytes", portable.hexadecimal(), sum(text));
    text += static_cast<char>(i * 11);
  }
}

} // namespace

int main() {
  portable_code_gives_the_same();
  sums_are_those_of_the_standard();
  pieces_sum_to_the_whole();
  return n_failures == 0 ? 0 : 1;
}
