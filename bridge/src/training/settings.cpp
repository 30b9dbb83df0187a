// SPDX-License-Identifier: MIT
#include "settings.hpp"

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <sstream>

#include "../failure.hpp"

namespace isthmus {
namespace {

std::string number_text(double value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

/// Blanks around '=' gone, separators made blanks, comments dropped.
std::string normalized(const std::string &text) {
  std::string out;
  bool is_comment = false;
  for (const char letter : text) {
    is_comment = (is_comment || letter == '#') && letter != '\n';
    const bool is_blank = is_comment || letter == ' ' || letter == ',' || letter == '\n' ||
                          letter == '\t' || letter == '\r' || letter == ';';
    if (letter == '=' && !is_comment)
      while (!out.empty() && out.back() == ' ')
        out.pop_back();
    if (is_blank && (out.empty() || out.back() == ' ' || out.back() == '='))
      continue;
    out += is_blank ? ' ' : letter;
  }
  return out;
}

bool read_real(const std::string &text, double &value) {
  char *end = nullptr;
  value = std::strtod(text.c_str(), &end);
  return !text.empty() && *end == '\0';
}

bool read_whole(const std::string &text, std::int64_t &value) {
  char *end = nullptr;
  errno = 0;
  value = std::strtoll(text.c_str(), &end, 10);
  return !text.empty() && *end == '\0' && errno == 0;
}

} // namespace

Settings::Settings(std::string what, const std::string &text) : what_(std::move(what)) {
  std::istringstream words(normalized(text));
  for (std::string word; words >> word;) {
    const std::size_t at = word.find('=');
    if (at == std::string::npos || at == 0)
      throw Failure(ISTHMUS_ERR_ARGUMENT, what_ + ": settings have " + in_quotes(word) +
                                              ", expected key = value");
    const std::string key = word.substr(0, at);
    if (!values_.emplace(key, word.substr(at + 1)).second)
      throw Failure(ISTHMUS_ERR_ARGUMENT,
                    what_ + ": settings have " + in_quotes(key) + " twice");
  }
}

void Settings::refuse(const std::string &key, const std::string &expected) const {
  throw Failure(ISTHMUS_ERR_ARGUMENT, what_ + ": " + in_quotes(key) + " is " +
                                          in_quotes(values_.at(key)) + ", expected " +
                                          expected);
}

double Settings::real(const std::string &key, double standard, double low, double high) {
  known_.insert(key);
  if (!has(key))
    return standard;
  double value = 0.0;
  if (!read_real(values_.at(key), value) || !(value >= low && value <= high))
    refuse(key, std::isinf(high)
                    ? "a number of " + number_text(low) + " or more"
                    : "a number from " + number_text(low) + " to " + number_text(high));
  if (std::isinf(value))
    refuse(key, "a finite number");
  return value;
}

std::int64_t Settings::whole(const std::string &key, std::int64_t standard,
                             std::int64_t low) {
  known_.insert(key);
  if (!has(key))
    return standard;
  std::int64_t value = 0;
  if (!read_whole(values_.at(key), value) || value < low)
    refuse(key, "a whole number of " + std::to_string(low) + " or more");
  return value;
}

bool Settings::logical(const std::string &key, bool standard) {
  known_.insert(key);
  if (!has(key))
    return standard;
  const std::string &value = values_.at(key);
  if (value == "1" || value == "true" || value == "T")
    return true;
  if (value != "0" && value != "false" && value != "F")
    refuse(key, "0 or 1");
  return false;
}

std::string Settings::word(const std::string &key, const std::string &standard,
                           const std::vector<std::string> &choices) {
  known_.insert(key);
  if (!has(key))
    return standard;
  const std::string &value = values_.at(key);
  std::string list;
  for (const std::string &choice : choices) {
    if (choice == value)
      return value;
    list += (list.empty() ? "" : ", ") + choice;
  }
  if (!choices.empty())
    refuse(key, "one of " + list);
  return value;
}

std::vector<std::int64_t> Settings::wholes(const std::string &key) {
  known_.insert(key);
  std::vector<std::int64_t> list;
  if (!has(key))
    return list;
  std::istringstream parts(values_.at(key));
  for (std::string part; std::getline(parts, part, ':');) {
    std::int64_t value = 0;
    if (!read_whole(part, value) || value < 1 || (!list.empty() && value <= list.back()))
      refuse(key, "whole numbers that grow, such as 10:20:30");
    list.push_back(value);
  }
  return list;
}

std::string Settings::text(const std::string &without) const {
  std::string all;
  for (const auto &[key, value] : values_)
    if (key != without)
      all += (all.empty() ? "" : " ") + key + "=" + value;
  return all;
}

void Settings::refuse_unknown() const {
  std::string list;
  for (const std::string &key : known_)
    list += (list.empty() ? "" : ", ") + key;
  for (const auto &[key, value] : values_)
    if (!known_.count(key))
      throw Failure(ISTHMUS_ERR_ARGUMENT,
                    what_ + ": unknown setting " + in_quotes(key) + ", known are " + list);
}

} // namespace isthmus
