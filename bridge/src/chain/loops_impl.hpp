// SPDX-License-Identifier: MIT
// The loops themselves. Included by one source per instruction set, which defines
// ISTHMUS_SET (its namespace) and ISTHMUS_BYTES (of a vector). All in an anonymous
// namespace: no code of one set may be taken for that of another.
#include "loops.hpp"

#include <cmath>
#include <cstring>
#include <type_traits>

namespace isthmus {
namespace {

template <typename T> struct Vectors {
  typedef T type __attribute__((vector_size(ISTHMUS_BYTES)));
  typedef T anywhere __attribute__((vector_size(ISTHMUS_BYTES), aligned(alignof(T)),
                                    may_alias)); // in memory, where it may lie as it likes
  static constexpr int width = ISTHMUS_BYTES / sizeof(T);
};
template <typename T> using Vector = typename Vectors<T>::type;

template <typename T> inline Vector<T> load(const T *from) {
  return *reinterpret_cast<const typename Vectors<T>::anywhere *>(from);
}
template <typename T> inline void store(T *to, Vector<T> v) {
  *reinterpret_cast<typename Vectors<T>::anywhere *>(to) = v;
}

/// A block of n vectors of outputs; several sums each where there are few, as an addition
/// must wait for the one before it. The short loops are unrolled by hand, or the sums would
/// live in memory.
template <typename T, int n>
void block(const T *weights, const T *bias, int n_in, const T *x, T *y) {
  constexpr int width = Vectors<T>::width;
  constexpr int n_sums = n <= 2 ? 4 : n <= 4 ? 2 : 1;
  Vector<T> sums[n_sums][n];
#pragma GCC unroll 8
  for (int i = 0; i < n; ++i) {
    sums[0][i] = load(bias + i * width);
#pragma GCC unroll 4
    for (int s = 1; s < n_sums; ++s)
      sums[s][i] = Vector<T>{};
  }
  int k = 0;
  for (; k + n_sums <= n_in; k += n_sums)
#pragma GCC unroll 4
    for (int s = 0; s < n_sums; ++s)
#pragma GCC unroll 8
      for (int i = 0; i < n; ++i)
        sums[s][i] += load(weights + ((k + s) * n + i) * width) * x[k + s];
  for (; k < n_in; ++k)
#pragma GCC unroll 8
    for (int i = 0; i < n; ++i)
      sums[0][i] += load(weights + (k * n + i) * width) * x[k];
#pragma GCC unroll 8
  for (int i = 0; i < n; ++i) {
#pragma GCC unroll 4
    for (int s = 1; s < n_sums; ++s)
      sums[0][i] += sums[s][i];
    store(y + i * width, sums[0][i]);
  }
}

template <typename T>
void linear(const T *weights, const T *bias, int n_in, int n_out, const T *x, T *y) {
  constexpr int width = Vectors<T>::width;
  constexpr void (*blocks[])(const T *, const T *, int, const T *,
                             T *) = {block<T, 1>, block<T, 2>, block<T, 3>, block<T, 4>,
                                     block<T, 5>, block<T, 6>, block<T, 7>, block<T, 8>};
  while (n_out > 0) {
    const int n = n_out / width < max_vectors ? n_out / width : max_vectors;
    blocks[n - 1](weights, bias, n_in, x, y);
    weights += n * width * n_in;
    bias += n * width;
    y += n * width;
    n_out -= n * width;
  }
}

/// exp for float: 2^n exp(r), |r| <= log(2)/2, r by two-part subtraction, exp(r) by its
/// series to the seventh power (error below 1 unit in the last place).
inline Vector<float> exponential(Vector<float> x) {
  typedef int Whole __attribute__((vector_size(ISTHMUS_BYTES)));
  const Vector<float> from = x;
  constexpr float lowest = -87.0F, highest = 88.0F; // beyond: 0 or infinite in float
  x = x < lowest ? lowest - Vector<float>{} : x;
  x = x > highest ? highest - Vector<float>{} : x;
  const Vector<float> turn = x * 1.44269504F + 12582912.0F; // rounds: 1.5 * 2^23
  const Vector<float> n = turn - 12582912.0F;
  const Vector<float> r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
  Vector<float> p = r * (1.0F / 5040) + 1.0F / 720;
  p = p * r + 1.0F / 120;
  p = p * r + 1.0F / 24;
  p = p * r + 1.0F / 6;
  p = p * r + 0.5F;
  p = p * r * r + r + 1.0F;
  const Whole power = (__builtin_convertvector(n, Whole) + 127) << 23;
  Vector<float> scale;
  std::memcpy(&scale, &power, sizeof scale);
  p *= scale;
  p = from < lowest ? Vector<float>{} : p;
  p = from > highest ? INFINITY - Vector<float>{} : p;
  return from == from ? p : from; // not a number stays so
}

inline Vector<double> exponential(Vector<double> x) {
  for (int i = 0; i < Vectors<double>::width; ++i)
    x[i] = std::exp(x[i]);
  return x;
}

template <typename T> Vector<T> sigmoid(Vector<T> x) {
  return T(1) / (T(1) + exponential(-x));
}

/// Near zero by the series of Cephes (Moshier 1989), else by the exponential.
inline Vector<float> hyperbolic_tangent(Vector<float> x) {
  const Vector<float> z = x * x;
  Vector<float> p = z * -5.70498872745e-3F + 2.06390887954e-2F;
  p = p * z - 5.37397155531e-2F;
  p = p * z + 1.33314422036e-1F;
  p = p * z - 3.33332819422e-1F;
  const Vector<float> near = p * z * x + x;
  const Vector<float> size = x < 0.0F ? -x : x;
  const Vector<float> far = 1.0F - 2.0F / (exponential(2.0F * size) + 1.0F);
  return size < 0.625F ? near : x < 0.0F ? -far : far;
}

inline Vector<double> hyperbolic_tangent(Vector<double> x) {
  for (int i = 0; i < Vectors<double>::width; ++i)
    x[i] = std::tanh(x[i]);
  return x;
}

template <typename T, typename Function> void each(T *x, int n, Function function) {
  for (int i = 0; i < n; i += Vectors<T>::width)
    store(x + i, function(load(x + i)));
}

template <typename T> void activate(Activation kind, T slope, T *x, int n) {
  using V = Vector<T>;
  switch (kind) { // comparisons are such that what is not a number stays so
  case Activation::none:
    return;
  case Activation::relu:
    return each(x, n, [](V v) -> V { return v < T(0) ? V{} : v; });
  case Activation::leaky_relu:
    return each(x, n, [slope](V v) -> V { return v < T(0) ? v * slope : v; });
  case Activation::tanh:
    return each(x, n, [](V v) -> V { return hyperbolic_tangent(v); });
  case Activation::sigmoid:
    return each(x, n, [](V v) -> V { return sigmoid<T>(v); });
  case Activation::silu:
    return each(x, n, [](V v) -> V { return v * sigmoid<T>(v); });
  }
}

template <typename T> void affine(const T *scale, const T *shift, T *x, int n) {
  for (int i = 0; i < n; i += Vectors<T>::width)
    store(x + i, Vector<T>(load(x + i) * load(scale + i) + load(shift + i)));
}

template <typename T>
constexpr Loops<T> these = {Vectors<T>::width, linear<T>, activate<T>, affine<T>};

} // namespace

namespace ISTHMUS_SET {
template <> const Loops<float> &loops<float>() { return these<float>; }
template <> const Loops<double> &loops<double>() { return these<double>; }
} // namespace ISTHMUS_SET

} // namespace isthmus
