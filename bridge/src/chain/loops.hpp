// SPDX-License-Identifier: MIT
// Loops over the layers of a small network, compiled once per instruction set.
#pragma once

#include <cstdint>

namespace isthmus {

enum class Activation { none, relu, leaky_relu, tanh, sigmoid, silu };

/// Outputs are computed in blocks of this many vectors, which is what registers hold.
constexpr int max_vectors = 8;

/// The loops for one element type and instruction set. Arrays have room up to a multiple
/// of `width`; what lies there beyond their length may be anything finite.
template <typename T> struct Loops {
  int width; // elements in a vector
  /// y = W x + b. `weights` are in blocks of max_vectors * width outputs, in each block
  /// input after input; the last block is as wide as is left.
  void (*linear)(const T *weights, const T *bias, int n_in, int n_out_padded, const T *x,
                 T *y);
  void (*activate)(Activation kind, T slope, T *x, int n_padded);
  /// x = x * scale + shift, element by element.
  void (*affine)(const T *scale, const T *shift, T *x, int n_padded);
};

/// The loops for the best instruction set of this machine.
template <typename T> const Loops<T> &best_loops();

namespace baseline {
template <typename T> const Loops<T> &loops();
}
namespace avx2 {
template <typename T> const Loops<T> &loops();
}
namespace avx512 {
template <typename T> const Loops<T> &loops();
}

} // namespace isthmus
