// SPDX-License-Identifier: MIT
#include "transfer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

namespace isthmus {
namespace {

constexpr std::int64_t block = 32; // a tile of two element types stays in the first cache

/// Two nested loops, the outer ones flattened away: what one call of a kernel covers.
struct Plane {
  const char *from;
  char *to;
  std::int64_t n_rows, n_columns;             // the columns are next to each other in `to`
  std::int64_t from_row, from_column, to_row; // bytes
  std::int64_t to_column;
  const double *mean, *sd;
  std::int64_t factor_row, factor_column; // 0 or 1
};

template <typename From, typename To> constexpr bool may_overflow() {
  return sizeof(To) < sizeof(From) || std::is_same_v<To, c10::Half>;
}

template <Scaling scaling, typename T> T scaled(T value, double mean, double sd) {
  if constexpr (scaling == Scaling::reduce)
    return (value - static_cast<T>(mean)) / static_cast<T>(sd);
  else if constexpr (scaling == Scaling::expand)
    return value * static_cast<T>(sd) + static_cast<T>(mean);
  else
    return value;
}

// Wider registers where the machine has them. No fused multiply-add: bits are those of
// any other machine.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define FOR_WIDE_REGISTERS __attribute__((target_clones("avx2", "default")))
#else
#define FOR_WIDE_REGISTERS
#endif

/// Contiguous values to contiguous values, with the same factors for all (`step` 0) or one
/// pair for each (1).
template <typename From, typename To, Scaling scaling, int step>
FOR_WIDE_REGISTERS void convert(const From *__restrict from, To *__restrict to,
                                std::int64_t n, [[maybe_unused]] const double *mean,
                                [[maybe_unused]] const double *sd) {
  // The wider of both computes: a float32 network's output expands in float64.
  using Work =
      std::conditional_t<std::is_same_v<From, double> || std::is_same_v<To, double>, double,
                         float>;
  for (std::int64_t i = 0; i < n; ++i)
    if constexpr (scaling == Scaling::none && std::is_same_v<From, To>)
      to[i] = from[i]; // of any type: no bit may change
    else
      to[i] = static_cast<To>(
          scaled<scaling>(static_cast<Work>(from[i]), mean[i * step], sd[i * step]));
}

/// Whether a value became infinite on its way that was not. An infinite input stays
/// infinite under any scaling, and so do sums of them: what counts is what came in.
template <typename From, typename To>
bool has_overflowed(const From *from, const To *to, std::int64_t n) {
  int n_infinite = 0; // seldom any, and counted in wide registers
  for (std::int64_t i = 0; i < n; ++i)
    n_infinite += std::abs(static_cast<float>(to[i])) > std::numeric_limits<float>::max();
  for (std::int64_t i = 0; i < n && n_infinite > 0; ++i)
    if (std::isinf(static_cast<float>(to[i])) && !std::isinf(static_cast<double>(from[i])))
      return true;
  return false;
}

/// Contiguous values to contiguous values; returns whether one overflowed.
template <typename From, typename To, Scaling scaling>
bool copy_line(const char *from, char *to, std::int64_t n, const double *mean,
               const double *sd, std::int64_t step) {
  const auto *source = reinterpret_cast<const From *>(from);
  auto *target = reinterpret_cast<To *>(to);
  if (step == 0)
    convert<From, To, scaling, 0>(source, target, n, mean, sd);
  else
    convert<From, To, scaling, 1>(source, target, n, mean, sd);
  if constexpr (may_overflow<From, To>())
    return has_overflowed(source, target, n);
  return false;
}

/// Rows that are contiguous on both sides.
template <typename From, typename To, Scaling scaling> bool copy_rows(const Plane &plane) {
  bool overflowed = false;
  for (std::int64_t row = 0; row < plane.n_rows; ++row)
    overflowed |= copy_line<From, To, scaling>(
        plane.from + row * plane.from_row, plane.to + row * plane.to_row, plane.n_columns,
        plane.mean + row * plane.factor_row, plane.sd + row * plane.factor_row,
        plane.factor_column);
  return overflowed;
}

/// Tiles that are gathered, converted line by line along `from`'s shorter step, and
/// scattered: every line of memory is read and written while it is in the first cache.
template <typename From, typename To, Scaling scaling> bool copy_tiles(const Plane &plane) {
  From gathered[block];
  To tile[block][block];
  bool overflowed = false;
  for (std::int64_t row = 0; row < plane.n_rows; row += block)
    for (std::int64_t column = 0; column < plane.n_columns; column += block) {
      const std::int64_t n_rows = std::min(block, plane.n_rows - row);
      const std::int64_t n_columns = std::min(block, plane.n_columns - column);
      for (std::int64_t k = 0; k < n_columns; ++k) {
        const char *from =
            plane.from + row * plane.from_row + (column + k) * plane.from_column;
        if (plane.from_row != sizeof(From)) {
          for (std::int64_t i = 0; i < n_rows; ++i)
            gathered[i] = *reinterpret_cast<const From *>(from + i * plane.from_row);
          from = reinterpret_cast<const char *>(gathered);
        }
        const std::int64_t factor =
            row * plane.factor_row + (column + k) * plane.factor_column;
        overflowed |= copy_line<From, To, scaling>(from, reinterpret_cast<char *>(tile[k]),
                                                   n_rows, plane.mean + factor,
                                                   plane.sd + factor, plane.factor_row);
      }
      for (std::int64_t i = 0; i < n_rows; ++i) {
        char *to = plane.to + (row + i) * plane.to_row + column * plane.to_column;
        for (std::int64_t k = 0; k < n_columns; ++k)
          *reinterpret_cast<To *>(to + k * plane.to_column) = tile[k][i];
      }
    }
  return overflowed;
}

template <typename From, typename To, Scaling scaling> bool copy_plane(const Plane &plane) {
  const bool is_contiguous =
      plane.from_column == sizeof(From) && plane.to_column == sizeof(To);
  return is_contiguous ? copy_rows<From, To, scaling>(plane)
                       : copy_tiles<From, To, scaling>(plane);
}

using Kernel = bool (*)(const Plane &);

template <typename From, typename To> Kernel kernel_for(Scaling scaling) {
  switch (scaling) {
  case Scaling::reduce:
    return copy_plane<From, To, Scaling::reduce>;
  case Scaling::expand:
    return copy_plane<From, To, Scaling::expand>;
  default:
    return copy_plane<From, To, Scaling::none>;
  }
}

template <typename From> Kernel kernel_to(isthmus_dtype to, Scaling scaling) {
  switch (to) {
  case ISTHMUS_FLOAT64:
    return kernel_for<From, double>(scaling);
  case ISTHMUS_FLOAT32:
    return kernel_for<From, float>(scaling);
  case ISTHMUS_FLOAT16:
    return kernel_for<From, c10::Half>(scaling);
  default:
    return kernel_for<From, c10::BFloat16>(scaling);
  }
}

/// Bytes moved as they are, by their number.
Kernel kernel_of_size(std::int64_t size) {
  switch (size) {
  case 1:
    return copy_plane<std::uint8_t, std::uint8_t, Scaling::none>;
  case 2:
    return copy_plane<std::uint16_t, std::uint16_t, Scaling::none>;
  case 4:
    return copy_plane<std::uint32_t, std::uint32_t, Scaling::none>;
  default:
    return copy_plane<std::uint64_t, std::uint64_t, Scaling::none>;
  }
}

Kernel kernel(isthmus_dtype from, isthmus_dtype to, Scaling scaling) {
  if (from == to && scaling == Scaling::none)
    return kernel_of_size(element_size(from));
  switch (from) {
  case ISTHMUS_FLOAT64:
    return kernel_to<double>(to, scaling);
  case ISTHMUS_FLOAT32:
    return kernel_to<float>(to, scaling);
  case ISTHMUS_FLOAT16:
    return kernel_to<c10::Half>(to, scaling);
  default:
    return kernel_to<c10::BFloat16>(to, scaling);
  }
}

/// A dimension of the loop nest: extent, and steps in both arrays and in the factors.
struct Loop {
  std::int64_t extent, from, to, factor;
};

/// The dimensions that matter: those of extent 1 dropped, neighbours that continue each
/// other in both arrays joined.
std::vector<Loop> loops_of(const Array &from, const Array &to, int factor_dimension) {
  std::vector<Loop> loops;
  for (std::size_t i = 0; i < from.shape.size(); ++i) {
    const Loop loop{from.shape[i], from.strides[i], to.strides[i],
                    static_cast<int>(i) == factor_dimension ? 1 : 0};
    if (loop.extent == 1)
      continue;
    Loop *last = loops.empty() ? nullptr : &loops.back();
    if (last && last->from == loop.extent * loop.from &&
        last->to == loop.extent * loop.to && last->factor == 0 && loop.factor == 0)
      *last = {last->extent * loop.extent, loop.from, loop.to, 0};
    else
      loops.push_back(loop);
  }
  return loops;
}

/// The innermost loop is the one with the shortest step in `to`; next, that in `from`.
void sort_inwards(std::vector<Loop> &loops) {
  std::stable_sort(loops.begin(), loops.end(),
                   [](const Loop &a, const Loop &b) { return a.to > b.to; });
  if (loops.size() < 3)
    return;
  const auto nearest =
      std::min_element(loops.begin(), loops.end() - 1,
                       [](const Loop &a, const Loop &b) { return a.from < b.from; });
  if (nearest->from < loops.back().from) // `from` runs across: make that the row loop
    std::rotate(nearest, nearest + 1, loops.end() - 1);
}

bool descend(const std::vector<Loop> &loops, std::size_t depth, Plane plane, Kernel copy) {
  if (depth + 2 >= loops.size())
    return copy(plane);
  bool has_overflowed = false;
  for (std::int64_t i = 0; i < loops[depth].extent; ++i) {
    has_overflowed |= descend(loops, depth + 1, plane, copy);
    plane.from += loops[depth].from;
    plane.to += loops[depth].to;
    plane.mean += loops[depth].factor;
    plane.sd += loops[depth].factor;
  }
  return has_overflowed;
}

} // namespace

bool transfer(const Array &from, const Array &to, const Factors &factors) {
  if (from.n_elements() == 0)
    return true;
  static constexpr double none = 0.0;
  std::vector<Loop> loops = loops_of(from, to, factors.dimension);
  sort_inwards(loops);
  const Loop single{1, 0, 0, 0};
  const Loop column = loops.empty() ? single : loops.back();
  const Loop row = loops.size() < 2 ? single : loops[loops.size() - 2];
  Plane plane{static_cast<const char *>(from.data),
              static_cast<char *>(to.data),
              row.extent,
              column.extent,
              row.from,
              column.from,
              row.to,
              column.to,
              factors.mean ? factors.mean : &none,
              factors.sd ? factors.sd : &none,
              row.factor,
              column.factor};
  if (column.extent == 1) { // a scalar is a row of one
    plane.from_column = element_size(from.dtype);
    plane.to_column = element_size(to.dtype);
  }
  return !descend(loops, 0, plane, kernel(from.dtype, to.dtype, factors.scaling));
}

} // namespace isthmus
