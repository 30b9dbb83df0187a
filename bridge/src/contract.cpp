// SPDX-License-Identifier: MIT
#include "contract.hpp"

#include <algorithm>
#include <cctype>
#include <set>

#include <nlohmann/json.hpp>

#include "contract_keys.hpp"
#include "failure.hpp"
#include "sha256.hpp"

namespace isthmus {
namespace {

using Json = nlohmann::json;

const std::string contract_entry = "extra/isthmus.json";
const std::string digest_entry = "extra/isthmus.json.sha256";
constexpr int format_version = 1;

[[noreturn]] void refuse(const std::string &text) {
  throw Failure(ISTHMUS_ERR_CONTRACT, text);
}

const Json &member(const Json &object, const std::string &key, Json::value_t type) {
  if (!object.is_object() || !object.contains(key))
    refuse("contract lacks '" + key + "'");
  const Json &value = object.at(key);
  if (value.type() != type)
    refuse("contract has '" + key + "' of type " + value.type_name() + ", expected " +
           Json(type).type_name());
  return value;
}

isthmus_dtype dtype_of(const std::string &name, const std::string &text) {
  for (int i = ISTHMUS_BOOL; i < n_dtypes; ++i)
    if (text == dtype_name(static_cast<isthmus_dtype>(i)))
      return static_cast<isthmus_dtype>(i);
  refuse("contract gives " + in_quotes(name) + " the unknown dtype " + in_quotes(text));
}

Extent extent_of(const std::string &name, const Json &value) {
  if (value.is_string() && !value.get<std::string>().empty())
    return {-1, value.get<std::string>()};
  if (value.is_number_integer() && value.get<std::int64_t>() >= 0)
    return {value.get<std::int64_t>(), ""};
  refuse("contract gives " + in_quotes(name) + " the extent " + value.dump() +
         ", expected a count or a symbol");
}

Variable variable_of(const std::string &name, const Json &object) {
  Variable variable;
  variable.dtype =
      dtype_of(name, member(object, "dtype", Json::value_t::string).get<std::string>());
  for (const Json &extent : member(object, "shape", Json::value_t::array))
    variable.shape.push_back(extent_of(name, extent));
  if (variable.shape.size() > max_rank)
    refuse("contract gives " + in_quotes(name) + " more than 15 dimensions");
  return variable;
}

std::vector<std::string> names_of(const Json &object, const std::string &key) {
  std::vector<std::string> names;
  for (const Json &name : member(object, key, Json::value_t::array)) {
    if (!name.is_string())
      refuse("contract has " + name.dump() + " in '" + key + "', expected a name");
    names.push_back(name.get<std::string>());
  }
  const std::set<std::string> distinct(names.begin(), names.end());
  if (distinct.size() != names.size())
    refuse("contract names a variable twice in '" + key + "'");
  return names;
}

void check_names(const Contract &contract) {
  if (!contract.methods.count("forward"))
    refuse("contract has no method 'forward'");
  for (const auto &[method, names] : contract.methods)
    for (const auto *list : {&names.inputs, &names.outputs})
      for (const std::string &name : *list)
        if (!contract.find(name))
          refuse("contract names " + in_quotes(name) + " in method " + in_quotes(method) +
                 " but not among its variables");
}

std::string text_or_empty(const Json &object, const char *key) {
  return object.contains(key) && object[key].is_string() ? object[key].get<std::string>()
                                                         : "";
}

Json parsed(const std::string &text) {
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded())
    refuse("contract is no JSON text");
  if (text_or_empty(json, "format") != "isthmus")
    refuse("contract has another format than 'isthmus'");
  const Json &version = member(json, "format_version", Json::value_t::number_unsigned);
  if (version.get<int>() != format_version)
    refuse("contract has format version " + version.dump() + ", this library reads " +
           std::to_string(format_version));
  check_keys(json);
  return json;
}

Contract contract_of(const std::string &text, const Json &json) {
  Contract contract;
  contract.text = text;
  contract.engine = text_or_empty(json, "engine");
  contract.isa = text_or_empty(json, "isa");
  if (json.contains("dt") && json["dt"].is_number())
    contract.dt = json["dt"].get<double>();
  for (const auto &[name, object] :
       member(json, "variables", Json::value_t::object).items())
    contract.variables[name] = variable_of(name, object);
  for (const auto &[name, object] : member(json, "methods", Json::value_t::object).items())
    contract.methods[name] = {names_of(object, "inputs"), names_of(object, "outputs")};
  check_names(contract);
  return contract;
}

void check_payload(const Archive &archive, const Json &json) {
  const Json &sums = member(json, "payload_sha256", Json::value_t::object);
  std::set<std::string> seen;
  for (const std::string &entry : archive.entries()) {
    if (!seen.insert(entry).second)
      refuse("entry " + in_quotes(entry) + " is in the archive twice");
    if (entry == contract_entry || entry == digest_entry || entry.back() == '/')
      continue;
    if (!sums.contains(entry))
      refuse("entry " + in_quotes(entry) + " is not listed in the contract");
    if (sums[entry] != archive.sum_of(entry))
      refuse("entry " + in_quotes(entry) +
             " was changed: its SHA-256 is not the contract's");
  }
  for (const auto &[entry, sum] : sums.items())
    if (!seen.count(entry))
      refuse("entry " + in_quotes(entry) + " of the contract is missing");
}

std::string trimmed(std::string text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
    text.pop_back();
  return text;
}

std::optional<Contract> read_contract(const Archive &archive) {
  if (!archive.has(contract_entry)) {
    if (archive.has(digest_entry))
      refuse("the file has a checksum of its contract, but no contract");
    return std::nullopt;
  }
  if (!archive.has(digest_entry))
    refuse("the contract has no checksum");
  const std::string text = archive.bytes_of(contract_entry);
  if (sha256(text.data(), text.size()) != trimmed(archive.bytes_of(digest_entry)))
    refuse("the contract was changed: its SHA-256 is not the one beside it");
  const Json json = parsed(text);
  check_payload(archive, json);
  archive.check_seal();
  return contract_of(text, json);
}

bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
}

/// Whether this machine has one set of instructions, by the name torch gives it.
bool has_instructions(const std::string &set) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (set == "baseline" || set == "invalid_vec_isa" || set == "sse2")
    return true;
  if (set == "avx2")
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (set == "avx512")
    return has_avx512();
  if (set == "avx512_vnni")
    return has_avx512() && __builtin_cpu_supports("avx512vnni");
  if (set == "amx_tile")
    return __builtin_cpu_supports("amx-tile");
  return false;
#else
  return set == "baseline" || set == "invalid_vec_isa";
#endif
}

} // namespace

bool Variable::is_floating() const { return isthmus::is_floating(dtype); }

std::string base_name(const std::string &name) {
  if (name.size() > 3) {
    const std::string end = name.substr(name.size() - 3);
    if (end == "_tl" || end == "_ad")
      return name.substr(0, name.size() - 3);
  }
  return name;
}

const Variable *Contract::find(const std::string &name) const {
  auto found = variables.find(name);
  if (found == variables.end())
    found = variables.find(base_name(name));
  return found == variables.end() ? nullptr : &found->second;
}

std::string shape_text(const Variable &variable) {
  std::string text = "[";
  for (const Extent &extent : variable.shape)
    text += (text.size() > 1 ? ", " : "") +
            (extent.symbol.empty() ? std::to_string(extent.fixed) : extent.symbol);
  return text + "]";
}

std::optional<Contract> verified_contract(const Archive &archive) {
  try {
    return read_contract(archive);
  } catch (const Failure &failure) {
    throw Failure(ISTHMUS_ERR_CONTRACT, in_quotes(archive.path()) + ": " + failure.what());
  } catch (const Json::exception &error) {
    throw Failure(ISTHMUS_ERR_CONTRACT, in_quotes(archive.path()) + ": " + error.what());
  }
}

void check_instruction_set(const std::string &path, const std::string &isa) {
  std::string lower = isa;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (std::size_t begin = 0; begin < lower.size();) {
    const std::size_t end = std::min(lower.find(' ', begin), lower.size());
    const std::string set = lower.substr(begin, end - begin);
    if (!set.empty() && !has_instructions(set))
      throw Failure(ISTHMUS_ERR_CONTRACT,
                    in_quotes(path) + " was compiled for the instruction set " +
                        in_quotes(set) +
                        ", which this machine lacks or isthmus does not know");
    begin = end + 1;
  }
}

} // namespace isthmus
