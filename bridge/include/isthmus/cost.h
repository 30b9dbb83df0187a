/* SPDX-License-Identifier: MIT */
/** @file isthmus/cost.h
 *  What networks cost, by model and phase. Off by default, and then free. */
#ifndef ISTHMUS_COST_H
#define ISTHMUS_COST_H

#include "isthmus/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Seconds of wall clock in one phase of a model's calls. The first call, which may compile
 *  or allocate, stands apart: `total`, `least` and `most` are those of the others. */
typedef struct isthmus_cost {
  int64_t n_calls; /**< with the first */
  double first;    /**< of the first call */
  double total;    /**< of all others */
  double least;    /**< of one of the others */
  double most;     /**< of one of the others */
} isthmus_cost;

/** Start (not 0) or stop (0) measuring, for all models of the process. Starting forgets
 * what was measured before. */
ISTHMUS_API isthmus_status isthmus_cost_set(int32_t is_on);

/** Cost of one phase: "pack" (arrays into buffers), "run" (the engine, with its own copy of
 *  results to the arrays), "unpack" (buffers into arrays), or "call" (all of it). Plain
 *  numbers that a host can reduce over its ranks. */
ISTHMUS_API isthmus_status isthmus_model_cost(const isthmus_model *model, const char *phase,
                                              isthmus_cost *cost);

/** A report on all models that are loaded, as "text" for people or "json". Call it while no
 *  other thread runs a model. Owned by the library, valid until the thread's next call. */
ISTHMUS_API isthmus_status isthmus_cost_report(const char *format, const char **report);

/** What this process measured, as numbers to be gathered by any means a host has: one row
 *  of ISTHMUS_COST_ROW numbers for each file. What it means is the library's affair.
 *  @param[in]  room    number of elements `table` has
 *  @param[out] table   NULL asks for the length only
 *  @param[out] length  numbers in the table */
ISTHMUS_API isthmus_status isthmus_cost_table(int32_t room, double *table, int32_t *length);

/** Numbers in a row of isthmus_cost_table(). */
#define ISTHMUS_COST_ROW 21

/** A report over ranks: least, mean and largest of what the ranks measured, by model and
 *  phase, the first call apart. Ranks may have measured other models; names are those of
 *  models that are loaded here.
 *  @param[in]  format   "text" or "json"
 *  @param[in]  lengths  of the ranks' tables
 *  @param[in]  tables   of all ranks, one after the other, as MPI_Gatherv leaves them
 *  @param[out] report   owned by the library, valid until the thread's next call */
ISTHMUS_API isthmus_status isthmus_cost_report_of_ranks(const char *format, int32_t n_ranks,
                                                        const int32_t *lengths,
                                                        const double *tables,
                                                        const char **report);

#ifdef __cplusplus
}
#endif

#endif /* ISTHMUS_COST_H */
