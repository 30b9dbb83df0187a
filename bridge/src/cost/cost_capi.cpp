// SPDX-License-Identifier: MIT
// The functions of cost.h.
#include "cost.hpp"

#include "../guarded.hpp"
#include "../handle.hpp"

using isthmus::CostLog;
using isthmus::Failure;
using isthmus::guarded;
using isthmus::required;

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
    static thread_local std::string kept;
    const std::string wanted = isthmus::text(format, "format");
    const char *&target = required(report, "report");
    if (wanted != "text" && wanted != "json")
      throw Failure(ISTHMUS_ERR_ARGUMENT,
                    "no format " + isthmus::in_quotes(wanted) + ", expected text or json");
    kept = CostLog::report(wanted == "json");
    target = kept.c_str();
  });
}
