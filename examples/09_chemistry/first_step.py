# SPDX-License-Identifier: MIT
"""A network that only guesses the stiff solver's first inner step: what it buys.

Inner steps per cell and hour of Super-Fast, rodas3 at rtol 1e-3, on cells that were mixed
and disturbed before the step, as transport does it: from a cold start, with the step kept
from before the disturbance, and with the network's guess. All three end within the same
tolerance: the solver's error control repeats what was guessed too long.

    python examples/09_chemistry/first_step.py
"""

import time

import numpy as np
import torch

from isthmus.couple.chemistry import light_of_step, spread_start
from isthmus.learn import FitSettings
from isthmus.learn.chemistry import FirstSteps, train_first_step
from isthmus.models import Mechanism
from isthmus.nets.chemistry import ChemistryStep, floors

DT, N_CELLS, N_HOURS = 3600.0, 500, 36
MIXING = 0.3


def main() -> None:
    """Generate, train, count."""
    torch.set_num_threads(1)
    mechanism = Mechanism("superfast")
    train, valid = samples(mechanism, seed=1), samples(mechanism, seed=2)
    y = train.y.numpy()
    step = ChemistryStep(
        mechanism.linear_invariants(), floors(y), dt=DT, n_light=train.light.shape[1]
    )
    step.fit_linear(train.y, train.light, train.y)
    settings = FitSettings(
        learning_rate=5e-3, batch_size=512, schedule="cosine", evaluate_every=50
    )
    net, history = train_first_step(step, train, valid, settings=settings)
    print(
        f"log(h/dt): standard deviation {float(valid.h.std()):.2f}, "
        f"error of the network {history.best**0.5:.2f}\n"
    )
    count(mechanism, net)


def samples(mechanism: Mechanism, *, seed: int) -> FirstSteps:
    """Return disturbed states and the inner step that a cold start arrived at soonest."""
    states, lights, steps = [], [], []
    for t, y, _ in disturbed(mechanism, seed):
        cold = mechanism.integrate(y.copy(), DT / 60, t=t)  # a minute: the first steps
        states.append(y)
        lights.append(np.repeat(light_of_step(mechanism, t, DT)[None], len(y), axis=0))
        steps.append(np.log(cold.h / DT)[:, None])
    parts = (np.concatenate(part) for part in (states, lights, steps))
    return FirstSteps(*(torch.from_numpy(part) for part in parts))


def disturbed(mechanism: Mechanism, seed: int):  # noqa: ANN201 (a generator of triples)
    """Yield time, disturbed state and the inner step kept from before."""
    random = np.random.default_rng(seed)
    y = spread_start(mechanism, N_CELLS, spread=3.0, random=random)
    t, h = 32400.0, None
    for _ in range(N_HOURS):
        done = mechanism.integrate(y, DT, t=t, h=h)
        t, h = t + DT, done.h
        share = random.uniform(0.0, 0.3, (N_CELLS, 1))
        y = np.maximum((1 - share) * y + share * random.permutation(y), 0.0)
        y = y * np.exp(MIXING * random.standard_normal(y.shape))
        yield t, y.copy(), h


def count(mechanism: Mechanism, net: torch.nn.Module) -> None:
    """Print inner steps and time of the three ways to begin."""
    totals = {name: [0, 0, 0.0] for name in ("cold start", "step kept", "network")}
    for t, y, kept in disturbed(mechanism, seed=3):
        light = light_of_step(mechanism, t, DT)
        begin = time.process_time()
        with torch.no_grad():
            inputs = torch.from_numpy(y), torch.from_numpy(light).expand(len(y), -1)
            guess = DT * np.exp(net(*inputs).numpy()[:, 0].astype(np.float64))
        cost = time.process_time() - begin
        for name, h in (("cold start", None), ("step kept", kept), ("network", guess)):
            begin = time.process_time()
            done = mechanism.integrate(y.copy(), DT, t=t, h=h)
            seconds = time.process_time() - begin + (cost if name == "network" else 0.0)
            for i, value in enumerate((done.n_accepted, done.n_rejected, seconds)):
                totals[name][i] += value
    n = N_CELLS * N_HOURS
    print("| first inner step | accepted | repeated | us per cell and hour |")
    print("|---|---|---|---|")
    for name, (accepted, rejected, seconds) in totals.items():
        print(
            f"| {name} | {accepted / n:.2f} | {rejected / n:.2f} "
            f"| {1e6 * seconds / n:.1f} |"
        )


if __name__ == "__main__":
    main()
