// SPDX-License-Identifier: MIT
// The functions of cost.h.
#include <algorithm>

#include "cost.hpp"

#include "../guarded.hpp"
#include "../handle.hpp"

using isthmus::CostLog;
using isthmus::Failure;
using isthmus::guarded;
using isthmus::required;

namespace {

thread_local std::string kept_report;

bool is_json(const char *format) {
  const std::string wanted = isthmus::text(format, "format");
  if (wanted != "text" && wanted != "json")
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  "no format " + isthmus::in_quotes(wanted) + ", expected text or json");
  return wanted == "json";
}

} // namespace

isthmus_status isthmus_cost_set(int32_t is_on) {
  return guarded([&] { CostLog::set(is_on != 0); });
}

isthmus_status isthmus_model_cost(const isthmus_model *model, const char *phase,
                                  isthmus_cost *cost) {
  return guarded([&] {
    const isthmus::Model &body = required(model, "model").body;
    const std::string wanted = isthmus::text(phase, "phase");
    isthmus_cost &target = required(cost, "cost");
    for (std::size_t i = 0; i < isthmus::phase_names.size(); ++i)
      if (wanted == isthmus::phase_names[i]) {
        target = body.cost().of(static_cast<isthmus::Phase>(i));
        return;
      }
    throw Failure(ISTHMUS_ERR_ARGUMENT, "no phase " + isthmus::in_quotes(wanted) +
                                            ", expected pack, run, unpack or call");
  });
}

isthmus_status isthmus_cost_report(const char *format, const char **report) {
  return guarded([&] {
    const bool as_json = is_json(format);
    const char *&target = required(report, "report");
    kept_report = CostLog::report(as_json);
    target = kept_report.c_str();
  });
}

isthmus_status isthmus_cost_table(int32_t room, double *table, int32_t *length) {
  return guarded([&] {
    std::map<double, std::string> names;
    const std::vector<double> own = CostLog::table(names);
    int32_t &target = required(length, "length");
    if (table && (room < 0 || static_cast<std::size_t>(room) < own.size()))
      throw Failure(ISTHMUS_ERR_ARGUMENT, "'table' has room for " + std::to_string(room) +
                                              " numbers, expected " +
                                              std::to_string(own.size()));
    if (table)
      std::copy(own.begin(), own.end(), table);
    target = static_cast<int32_t>(own.size());
  });
}

isthmus_status isthmus_cost_report_of_ranks(const char *format, int32_t n_ranks,
                                            const int32_t *lengths, const double *tables,
                                            const char **report) {
  return guarded([&] {
    const bool as_json = is_json(format);
    const char *&target = required(report, "report");
    if (n_ranks < 1)
      throw Failure(ISTHMUS_ERR_ARGUMENT,
                    "'n_ranks' is " + std::to_string(n_ranks) + ", expected 1 or more");
    const int32_t *length = &required(lengths, "lengths");
    const double *begin = &required(tables, "tables");
    std::vector<std::vector<double>> of_ranks;
    for (int32_t rank = 0; rank < n_ranks; begin += length[rank++]) {
      if (length[rank] < 0 || length[rank] % ISTHMUS_COST_ROW != 0)
        throw Failure(ISTHMUS_ERR_ARGUMENT, "the table of rank " + std::to_string(rank) +
                                                " has " + std::to_string(length[rank]) +
                                                " numbers, expected a multiple of " +
                                                std::to_string(ISTHMUS_COST_ROW));
      of_ranks.emplace_back(begin, begin + length[rank]);
    }
    kept_report = isthmus::report_of_ranks(of_ranks, as_json);
    target = kept_report.c_str();
  });
}
