# SPDX-License-Identifier: MIT
"""Why a module cannot be exported and what to change: torch's failures in two sentences."""

import re
from typing import Final

from .torchscript import first_line

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
        r"skip|graph break|[Uu]nsupported: |print|logging|builtin|numpy|torch\.from_numpy|"
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
    text = f"{type(error).__name__}: {error}"
    said = next((said for pattern, said in _REASONS if re.search(pattern, text)), _UNKNOWN)
    return f"{said} PyTorch says: {first_line(error)}"
