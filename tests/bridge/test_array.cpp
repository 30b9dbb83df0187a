// SPDX-License-Identifier: MIT
// What counts as an overlap, exactly.
#include "array.hpp"

#include <cstdio>

namespace {

int n_failures = 0;

void expect(const char *what, bool found, bool expected) {
  if (found != expected) {
    ++n_failures;
    std::printf("%s: found %d\n", what, found);
  }
}

isthmus::Array section(double *data, std::vector<std::int64_t> shape,
                       std::vector<std::int64_t> steps) {
  isthmus::Array array;
  array.data = data;
  array.dtype = ISTHMUS_FLOAT64;
  array.shape = std::move(shape);
  for (const std::int64_t step : steps)
    array.strides.push_back(8 * step);
  return array;
}

} // namespace

int main() {
  using isthmus::overlap;
  using isthmus::overlaps_itself;
  double x[64];
  const auto evens = section(x, {10}, {2}), odds = section(x + 1, {10}, {2});
  expect("even and odd elements interleave", overlap(evens, odds), false);
  expect("an array overlaps itself", overlap(evens, evens), true);
  expect("shifted by one even step", overlap(evens, section(x + 4, {10}, {2})), true);
  expect("halves", overlap(section(x, {32}, {1}), section(x + 32, {32}, {1})), false);
  expect("halves that share one",
         overlap(section(x, {33}, {1}), section(x + 32, {32}, {1})), true);
  expect("two columns of a matrix", overlap(section(x, {8}, {8}), section(x + 3, {8}, {8})),
         false);
  expect("column and row", overlap(section(x + 3, {8}, {8}), section(x + 16, {8}, {1})),
         true);
  expect("empty arrays overlap nothing", overlap(section(x, {0, 4}, {4, 1}), evens), false);
  expect("scalars apart", overlap(section(x, {}, {}), section(x + 1, {}, {})), false);
  expect("the same scalar", overlap(section(x, {}, {}), section(x, {}, {})), true);
  expect("a transposed matrix is free of overlap",
         overlaps_itself(section(x, {4, 8}, {1, 4})), false);
  expect("rows closer than they are long", overlaps_itself(section(x, {4, 8}, {6, 1})),
         true);
  expect("rows that interleave", overlaps_itself(section(x, {2, 4}, {1, 2})), false);
  expect("a window that slides", overlaps_itself(section(x, {4, 4}, {1, 1})), true);
  return n_failures == 0 ? 0 : 1;
}
