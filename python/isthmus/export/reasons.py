# SPDX-License-Identifier: MIT
"""Why a module cannot be exported and what to change: torch's failures in two sentences."""

import re
from typing import Final

from torch import Tensor, nn

_REASONS: Final = (
    (
        r"data-dependent|DataDependent|GuardOnDataDependent|control flow|"
        r"to a Python (boolean|float|integer|number)|_local_scalar_dense|\.item\(\)|"
        r"Boolean value of Tensor",
        "The network lets Python decide by a tensor's value (if, while, float(), .item()),"
        " which is fixed at export. Use torch.where or torch.cond, or write .pt, where a"
        " scripted network keeps such branches.",
    ),
    (
        r"[Cc]onstraints? violated|ConstraintViolation|marked .* dynamic|specializ|"
        r"Not all values of|was inferred to be a constant",
        "An extent that was declared to vary is fixed by the network's code. Take extents"
        " from x.shape and reshape with -1, or declare that extent fixed.",
    ),
    (
        r"nonzero|unbacked|masked_select|dynamic output shape|DynamicOutputShape",
        "The size of a result depends on values (nonzero, x[mask], unique), which compiled"
        " code does not know beforehand. Keep the full size and set what is masked to zero"
        " with torch.where.",
    ),
    (
        r"[Uu]nsupported operator|not implemented for|NotImplementedError|no fake impl|"
        r"meta kernel|Could not find|derivative for .* not implemented|"
        r"not have a derivative",
        "An operator of the network has no rule for export or for its derivative. Replace"
        " it by elementary operations, or pass derivatives=False (--no-derivatives) if"
        " forward is all that is needed.",
    ),
    (
        r"skip|graph break|[Uu]nsupported: |print|logging|builtin|numpy|import statement|"
        r"mutat|attribute .* was (assigned|created)|side effect",
        "forward does something besides computing with tensors (prints, calls NumPy or a"
        " library, stores an attribute). Take that out of forward, and pass what it keeps"
        " as an input and an output.",
    ),
    (
        r"Unsupported input type|Only tensors|expected .*Tensor|non-tensor|pytree|"
        r"Invalid input type|missing .* required positional|takes .* positional",
        "The arguments of forward are not the tensors that were given as inputs. Name one"
        " input for each argument, in order, and bind options by a small wrapper module.",
    ),
    (
        r"C\+\+ compile error|g\+\+|CppCompileError|InvalidCxxCompiler",
        "The C++ compiler failed on the generated code. `isthmus doctor` shows whether g++"
        " works here and whether the temporary folder has room.",
    ),
)
_UNKNOWN: Final = (
    "PyTorch cannot turn the network into a graph. Simplify forward until it exports, or"
    " write the other engine's file."
)


def reason_of(error: BaseException) -> str:
    """Return two sentences, what is wrong and what to change, and torch's first line."""
    return f"{advice_on(error)} PyTorch says: {first_line(error)}"


def advice_on(*errors: BaseException) -> str:
    """Return two sentences on torch's failures: what is wrong and what to change."""
    text = "\n".join(f"{type(error).__name__}: {error}" for error in errors)
    return next((said for pattern, said in _REASONS if re.search(pattern, text)), _UNKNOWN)


def failure_of_forward(
    module: nn.Module, sample: tuple[Tensor, ...], error: BaseException
) -> str:
    """Return torch's words, and what to change if inputs and weights are of two types."""
    weights = {str(p.dtype)[6:] for p in module.parameters() if p.is_floating_point()}
    given = {str(x.dtype)[6:] for x in sample if x.is_floating_point()}
    if not weights or given <= weights:
        return first_line(error)
    return (
        f"{first_line(error)}. Its weights are {', '.join(sorted(weights))}, the inputs"
        f" {', '.join(sorted(given))}: give inputs of the weights' type, or convert the"
        " module by .to(dtype)"
    )


def first_line(error: BaseException) -> str:
    """Return the first line of an error that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".:") if lines else type(error).__name__
