/* SPDX-License-Identifier: MIT */
/** @file isthmus/tensor_math.h
 *  Arithmetic, reductions and shapes of tensors; every result is a new tensor. */
#ifndef ISTHMUS_TENSOR_MATH_H
#define ISTHMUS_TENSOR_MATH_H

#include "isthmus/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Operators between two operands. Integers are not divided: convert them first. */
typedef enum isthmus_operator {
  ISTHMUS_ADD = 0,
  ISTHMUS_SUB = 1,
  ISTHMUS_MUL = 2,
  ISTHMUS_DIV = 3,
  ISTHMUS_POW = 4
} isthmus_operator;

/** What becomes of the elements along reduced dimensions. */
typedef enum isthmus_reduction {
  ISTHMUS_SUM = 0,  /**< int64 for integers of every size */
  ISTHMUS_MEAN = 1, /**< floating-point types only */
  ISTHMUS_MIN = 2,
  ISTHMUS_MAX = 3,
  ISTHMUS_NORM = 4 /**< root of the sum of squares; floating-point types only */
} isthmus_reduction;

/** `left op right`, element by element. Type and device must be the same, shapes equal;
 *  an operand of one element goes with any shape. */
ISTHMUS_API isthmus_status isthmus_tensor_combine(const isthmus_tensor *left,
                                                  isthmus_operator op,
                                                  const isthmus_tensor *right,
                                                  isthmus_tensor **result);

/** `left op right` for each element of `left`, whose floating-point type the result has. */
ISTHMUS_API isthmus_status isthmus_tensor_combine_float64(const isthmus_tensor *left,
                                                          isthmus_operator op, double right,
                                                          isthmus_tensor **result);

/** `left op right` for each element of `left`, whose type must hold `right`. */
ISTHMUS_API isthmus_status isthmus_tensor_combine_int64(const isthmus_tensor *left,
                                                        isthmus_operator op, int64_t right,
                                                        isthmus_tensor **result);

/** `left op right` for each element of `right`, whose floating-point type the result has.
 */
ISTHMUS_API isthmus_status isthmus_tensor_float64_combine(double left, isthmus_operator op,
                                                          const isthmus_tensor *right,
                                                          isthmus_tensor **result);

/** `left op right` for each element of `right`, whose type must hold `left`. */
ISTHMUS_API isthmus_status isthmus_tensor_int64_combine(int64_t left, isthmus_operator op,
                                                        const isthmus_tensor *right,
                                                        isthmus_tensor **result);

/** A function of each element by name: "neg", "abs", "sign", "square" of any numbers;
 *  "exp", "expm1", "log", "log1p", "log10", "sqrt", "sin", "cos", "tan", "asin", "acos",
 *  "atan", "sinh", "cosh", "tanh", "sigmoid", "relu", "erf", "floor", "ceil", "round" of
 *  floating-point types. */
ISTHMUS_API isthmus_status isthmus_tensor_unary(const isthmus_tensor *tensor,
                                                const char *name, isthmus_tensor **result);

/** Reduce the dimensions listed, all if `n_dims` is 0; they are dropped from the shape.
 *  @param[in]  dims  `n_dims` different numbers from 0 on; may be NULL if there are none */
ISTHMUS_API isthmus_status isthmus_tensor_reduce(const isthmus_tensor *tensor,
                                                 isthmus_reduction reduction,
                                                 int32_t n_dims, const int32_t *dims,
                                                 isthmus_tensor **result);

/** Sum over all elements of `left * right`, of equal shape; a scalar tensor. */
ISTHMUS_API isthmus_status isthmus_tensor_dot(const isthmus_tensor *left,
                                              const isthmus_tensor *right,
                                              isthmus_tensor **result);

/** Product of matrices [.., n, k] and [.., k, m], of a matrix and a vector, of two vectors.
 *  Leading dimensions are equal, or one operand has none. */
ISTHMUS_API isthmus_status isthmus_tensor_matmul(const isthmus_tensor *left,
                                                 const isthmus_tensor *right,
                                                 isthmus_tensor **result);

/** Dimension `i` of the result is dimension `order[i]` of the tensor: a permutation of
 *  0 .. rank-1; NULL reverses them. The result looks at the same memory. */
ISTHMUS_API isthmus_status isthmus_tensor_permute(const isthmus_tensor *tensor,
                                                  const int32_t *order,
                                                  isthmus_tensor **result);

/** The elements in C order under another shape with as many. The result looks at the same
 *  memory if its strides allow, else it is a copy. */
ISTHMUS_API isthmus_status isthmus_tensor_reshape(const isthmus_tensor *tensor,
                                                  int32_t rank, const int64_t *shape,
                                                  isthmus_tensor **result);

/** Elements `first`, `first + step`, ... below `end` along one dimension. The result looks
 *  at the same memory.
 *  @param[in]  dim    from 0
 *  @param[in]  first  from 0
 *  @param[in]  end    one past the last, at most the extent
 *  @param[in]  step   1 or more */
ISTHMUS_API isthmus_status isthmus_tensor_slice(const isthmus_tensor *tensor, int32_t dim,
                                                int64_t first, int64_t end, int64_t step,
                                                isthmus_tensor **result);

/** Tensors one after the other along `dim`; all other extents, types and devices equal. */
ISTHMUS_API isthmus_status isthmus_tensor_cat(int32_t n_tensors,
                                              const isthmus_tensor *const *tensors,
                                              int32_t dim, isthmus_tensor **result);

#ifdef __cplusplus
}
#endif

#endif /* ISTHMUS_TENSOR_MATH_H */
