// SPDX-License-Identifier: MIT
#include "transfer.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

namespace isthmus {
namespace {

constexpr std::int64_t block = 32; // a block of two element types stays in the first cache

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

/// One row from contiguous to contiguous, or strided; returns whether a value overflowed.
template <typename From, typename To, Scaling scaling>
bool copy_row(const Plane &plane, std::int64_t row, std::int64_t begin, std::int64_t end) {
  // The wider of both computes: a float32 network's output expands in float64.
  using Work =
      std::conditional_t<std::is_same_v<From, double> || std::is_same_v<To, double>, double,
                         float>;
  const char *from = plane.from + row * plane.from_row;
  char *to = plane.to + row * plane.to_row;
  const double *mean = plane.mean + row * plane.factor_row;
  const double *sd = plane.sd + row * plane.factor_row;
  bool has_overflowed = false;
  const auto one = [&](const From &source, To &target, [[maybe_unused]] std::int64_t k) {
    if constexpr (std::is_same_v<From, To> && scaling == Scaling::none) {
      target = source; // of any type: no bit may change
    } else {
      const Work value = static_cast<Work>(source);
      target = static_cast<To>(scaled<scaling>(value, mean[k], sd[k]));
      if constexpr (may_overflow<From, To>())
        has_overflowed |= std::isinf(static_cast<float>(target)) & !std::isinf(value);
    }
  };
  if (plane.from_column == sizeof(From) && plane.to_column == sizeof(To)) {
    const auto *source = reinterpret_cast<const From *>(from);
    auto *target = reinterpret_cast<To *>(to);
    if (plane.factor_column == 0)
      for (std::int64_t i = begin; i < end; ++i)
        one(source[i], target[i], 0);
    else
      for (std::int64_t i = begin; i < end; ++i)
        one(source[i], target[i], i);
  } else {
    for (std::int64_t i = begin; i < end; ++i)
      one(*reinterpret_cast<const From *>(from + i * plane.from_column),
          *reinterpret_cast<To *>(to + i * plane.to_column), i * plane.factor_column);
  }
  return has_overflowed;
}

template <typename From, typename To, Scaling scaling> bool copy_plane(const Plane &plane) {
  bool has_overflowed = false;
  // Where rows are nearer to each other than columns, a whole row would leave the cache.
  const bool is_crossed =
      plane.from_row < plane.from_column || plane.to_row < plane.to_column;
  const std::int64_t width =
      is_crossed ? block : std::max<std::int64_t>(plane.n_columns, 1);
  for (std::int64_t begin = 0; begin < plane.n_columns; begin += width)
    for (std::int64_t row = 0; row < plane.n_rows; ++row)
      has_overflowed |= copy_row<From, To, scaling>(
          plane, row, begin, std::min(begin + width, plane.n_columns));
  return has_overflowed;
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
