# SPDX-License-Identifier: MIT
"""Everything that can be checked of a model file on the machine where it will run."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from ..contract import HALF_DTYPES, Contract, has_contract, verify_file
from ..errors import IsthmusError

Outcome = Literal["ok", "failed", "skipped"]

TAYLOR_ERROR: Final = 0.05
"""A right tangent-linear leaves the square root of a rounding, a wrong one about 1."""
ADJOINT_ERROR: Final = 256 * 2.0**-23
"""Some hundred roundings of float32, where no self-test tells the network's precision."""
N_SAMPLES: Final = 3  # of every extent that may vary


@dataclass(frozen=True)
class Check:
    """One thing that was checked of a file."""

    name: str
    outcome: Outcome
    detail: str


def check_file(path: Path | str) -> Iterator[Check]:
    """Check a model file: sums, contract, machine, self-test, derivatives.

    Yields one result after the other; after a failure that makes the rest pointless, none.
    """
    path = Path(path)
    try:
        if not has_contract(path):
            yield Check("contract", "failed", "the file has none: nothing to hold it to")
            return
        verified = verify_file(path)
    except IsthmusError as error:
        yield Check("contract", "failed", str(error))
        return
    contract = verified.contract
    yield Check("contract", "ok", f"{contract.name}: consistent, its checksum is right")
    yield Check("payload", "ok", f"{verified.n_entries} entries have their SHA-256")
    yield _seal(verified.is_sealed)
    try:
        from ..bridge import Model

        model = Model(path)
    except (IsthmusError, ImportError) as error:
        yield Check("load", "failed", str(error))
        return
    yield Check("machine", "ok", f"has the instruction set {contract.isa or 'any'}")
    yield Check("load", "ok", f"by the engine {model.engine}")
    yield _self_test(model, contract)
    yield from _derivatives(model, contract)


def _seal(is_sealed: bool) -> Check:
    if is_sealed:
        return Check("seal", "ok", "every byte of the file is as it was written")
    return Check("seal", "skipped", "the file was packed again: held to the payload alone")


def _self_test(model: Any, contract: Contract) -> Check:  # noqa: ANN401 (bridge.Model)
    if contract.self_test is None:
        return Check("self-test", "skipped", "the file holds no vectors")
    try:
        error = model.self_test()
    except IsthmusError as failure:
        return Check("self-test", "failed", str(failure))
    allowed = contract.self_test.tolerance
    return Check("self-test", "ok", f"largest error {error:.1e}, allowed {allowed:.1e}")


def _derivatives(model: Any, contract: Contract) -> Iterator[Check]:  # noqa: ANN401
    names = "adjoint", "tangent-linear"
    if not {"jvp", "vjp"} <= set(contract.methods):
        for name in names:
            yield Check(name, "skipped", "the file has no derivatives")
        return
    forward = contract.methods["forward"]
    used = [contract.variables[n] for n in (*forward.inputs, *forward.outputs)]
    if any(v.dtype in HALF_DTYPES for v in used):
        for name in names:
            yield Check(name, "skipped", "half precision is too coarse to tell")
        return
    try:
        _bind_sample(model, contract)
        dot_error, taylor_error = model.check_derivatives()
    except IsthmusError as failure:
        for name in names:
            yield Check(name, "failed", str(failure))
        return
    test = contract.self_test
    adjoint_error = (test and test.tolerance) or ADJOINT_ERROR
    for name, said, error, allowed in (
        (names[0], "dot-product test", dot_error, adjoint_error),
        (names[1], "Taylor test", taylor_error, TAYLOR_ERROR),
    ):
        outcome: Outcome = "ok" if error <= allowed else "failed"
        yield Check(name, outcome, f"{said}: error {error:.1e}, allowed {allowed:.1e}")


def _bind_sample(model: Any, contract: Contract) -> None:  # noqa: ANN401 (bridge.Model)
    """Bind the inputs of the self-test, or random ones, and arrays for the outputs."""
    variables, test = contract.variables, contract.self_test
    if test is not None:
        x = {n: np.array(v, variables[n].host_dtype) for n, v in test.inputs.items()}
    else:
        x = _random_inputs(contract)
    for name, array in x.items():
        model.bind_input(name, array)
    for name, array in model(**x).items():
        model.bind_output(name, array)


def _random_inputs(contract: Contract) -> dict[str, "np.ndarray[Any, Any]"]:
    """Return inputs within their training ranges, or of order one."""
    generator = np.random.default_rng(1)
    arrays = {}
    for name in contract.methods["forward"].inputs:
        variable = contract.variables[name]
        shape = [N_SAMPLES if isinstance(e, str) else e for e in variable.shape]
        low, high = variable.training_range or (0.0, 1.0)
        arrays[name] = generator.uniform(low, high, shape).astype(variable.host_dtype)
    return arrays
