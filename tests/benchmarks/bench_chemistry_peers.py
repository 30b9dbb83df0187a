# SPDX-License-Identifier: MIT
"""The stiff solver beside MICM of MUSICA, the same mechanism file in the same run.

Boxes of POLLU for 60 minutes, Rosenbrock methods at the same tolerances, one thread:
processor time of the integration per box, the least of some rounds, and correct digits of
ozone. Both are called from Python with all boxes at once; setting and asking for
concentrations is not timed.

    pip install musica
    OMP_NUM_THREADS=1 python tests/benchmarks/bench_chemistry_peers.py
"""

import argparse
import time
from collections.abc import Callable

import numpy as np

from isthmus.models import Mechanism

try:
    import musica.mechanism_configuration as mc
    from musica.micm import MICM, SolverType
    from musica.micm.solver_parameters import RosenbrockSolverParameters
except ImportError as error:
    raise SystemExit(f"MUSICA is not installed ({error}): pip install musica") from error

OZONE = 5.5231402074843599373e-3  # of POLLU after 60 minutes, 20-digit reference
RTOL, ATOL = 1e-3, 1e-9
KELVIN, PASCAL = 298.15, 101325.0  # no rate of POLLU depends on them
DONE = 1e-9  # of the interval: rest that is rounding


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--boxes", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    print(f"POLLU, 60 min, {args.boxes} boxes, rtol {RTOL:g}, atol {ATOL:g}, one thread\n")
    print("| | us per box | inner steps | digits of ozone |\n|---|---|---|---|")
    for method in ("ros3", "rodas3", "rodas4"):
        row(f"Isthmus, {method}", *measure(ours(method, args.boxes), args))
    for name in ("rosenbrock", "rosenbrock_standard_order"):
        row(f"MICM, {name}", *measure(micm(name, args.boxes), args))


def measure(
    run: Callable[[], tuple[float, float, float]], args: argparse.Namespace
) -> tuple[float, float, float]:
    """Return the least seconds of a box, its inner steps, and the error of ozone."""
    least = np.inf
    for _ in range(args.rounds):
        seconds, steps, ozone = run()
        least = min(least, seconds)
    return least / args.boxes, steps, abs(ozone / OZONE - 1)


def row(name: str, seconds: float, steps: float, error: float) -> None:
    """Print a row."""
    print(f"| {name} | {1e6 * seconds:.2f} | {steps:.0f} | {-np.log10(error):.1f} |")


def ours(method: str, n_boxes: int) -> Callable[[], tuple[float, float, float]]:
    """Return a run of our solver."""
    pollu = Mechanism("pollu", method=method, rtol=RTOL, atol=ATOL)
    start = np.repeat(pollu.initial[None], n_boxes, axis=0)

    def run() -> tuple[float, float, float]:
        y = start.copy()
        begin = time.process_time()
        done = pollu.integrate(y, pollu.end_time)
        spent = time.process_time() - begin
        steps = (done.n_accepted + done.n_rejected) / n_boxes
        return spent, steps, float(y[0, pollu.index("O3")])

    return run


def micm(name: str, n_boxes: int) -> Callable[[], tuple[float, float, float]]:
    """Return a run of MICM with the reactions of our file; its time unit is the second."""
    pollu = Mechanism("pollu")
    solver = MICM(mechanism=translated(pollu), solver_type=getattr(SolverType, name))
    solver.set_solver_parameters(
        RosenbrockSolverParameters(RTOL, absolute_tolerances=[ATOL] * len(pollu))
    )
    state = solver.create_state(n_boxes)
    state.set_conditions([KELVIN] * n_boxes, [PASCAL] * n_boxes)
    start = {
        species: [float(value)] * n_boxes
        for species, value in zip(pollu.species, pollu.initial, strict=True)
    }

    def run() -> tuple[float, float, float]:
        state.set_concentrations(start)
        seconds, steps, left = 60.0 * pollu.end_time, 0, 60.0 * pollu.end_time
        begin = time.process_time()
        while left > DONE * seconds:
            result = solver.solve(state, left)
            steps += result.stats.number_of_steps
            left -= result.stats.final_time
        spent = time.process_time() - begin
        return spent, float(steps), float(state.get_concentrations()["O3"][0])

    return run


def translated(mechanism: Mechanism) -> mc.Mechanism:
    """Return a mechanism of constant rates in the words of MUSICA."""
    species = {name: mc.Species(name=name) for name in mechanism.species}
    gas = mc.Phase(name="gas", species=list(species.values()))
    constants = mechanism.rate_constants() / 60.0  # per minute to per second
    reactions = []
    for r, (text, constant) in enumerate(zip(mechanism.reactions, constants, strict=True)):
        taken = [word for word in text.split("->")[0].split() if word in species]
        made = mechanism.stoichiometry[:, r].copy()
        for name in taken:
            made[mechanism.index(name)] += 1.0
        products = [
            (species[name], float(amount))
            for name, amount in zip(mechanism.species, made, strict=True)
            if amount > 0
        ]
        reactions.append(
            mc.Arrhenius(
                name=f"reaction {r + 1}",
                A=float(constant),
                reactants=[species[name] for name in taken],
                products=products,
                gas_phase=gas,
            )
        )
    return mc.Mechanism(
        name=mechanism.name,
        species=list(species.values()),
        phases=[gas],
        reactions=reactions,
    )


if __name__ == "__main__":
    main()
