// SPDX-License-Identifier: MIT
// Settings as text: `key = value`, separated by blanks, commas or line ends; `#` comments.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace isthmus {

/// Ask for every key that is known, then refuse_unknown().
class Settings {
public:
  /// @param what  for messages: "adam"
  Settings(std::string what, const std::string &text);
  double real(const std::string &key, double standard, double low, double high);
  std::int64_t whole(const std::string &key, std::int64_t standard, std::int64_t low);
  bool logical(const std::string &key, bool standard);
  std::string word(const std::string &key, const std::string &standard,
                   const std::vector<std::string> &choices = {});
  /// "10:20:30"
  std::vector<std::int64_t> wholes(const std::string &key);
  bool has(const std::string &key) const { return values_.count(key) > 0; }
  /// All that was set but `without`, sorted: equal settings have equal texts.
  std::string text(const std::string &without) const;
  /// @throws Failure (argument), with the list of those that are known
  void refuse_unknown() const;

private:
  [[noreturn]] void refuse(const std::string &key, const std::string &expected) const;
  std::string what_;
  std::map<std::string, std::string> values_;
  std::set<std::string> known_;
};

} // namespace isthmus
