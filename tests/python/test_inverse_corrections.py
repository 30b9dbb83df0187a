# SPDX-License-Identifier: MIT
"""Corrective terms from noisy, incomplete observations, by every kind of derivative."""

import numpy as np
import pytest
import torch
from lorenz96_steps import export_exact_step

from isthmus.couple.autograd import fortran_step
from isthmus.errors import BindingError, ConfigurationError
from isthmus.inverse import FortranModel
from isthmus.inverse.corrected_steps import CorrectedStep, SplitStep
from isthmus.inverse.corrections import CorrectionProblem
from isthmus.inverse.derivative_kinds import KINDS, OF_A_FILE, with_derivatives
from isthmus.models import Lorenz96
from isthmus.nets import Lorenz96Tendency, PolynomialClosure

N, DT = 12, 0.05
LEARNED = 0.05  # of the coefficients: about four standard errors of 100 noisy times
SAME = 1e-9  # rounding, amplified by ten iterations of L-BFGS
BY_DIFFERENCES = 1e-5  # errors of 1e-10 in gradients, likewise


def test_corrective_term_is_learned_from_every_second_site():
    rng = np.random.default_rng(4)
    truth = CorrectedStep(Lorenz96Tendency(10.0), PolynomialClosure(), 0.05)
    x = torch.from_numpy(rng.normal(2.0, 3.0, (1, N)))
    states = [x]
    for _ in range(160):
        states.append(truth(states[-1]))
    values = torch.cat(states[61:]).numpy() + 0.05 * rng.standard_normal((100, N))
    values[:, 1::2] = np.nan
    errors = {}
    for way in ("joint", "alternating"):
        line = _Line()
        step = CorrectedStep(Lorenz96Tendency(10.0), line, 0.05)
        problem = CorrectionProblem(step, line, values, sd=0.05, window=5, jump_sd=0.02)
        found = getattr(problem, way)()
        assert found.cost < 0.1 * found.cost_start
        assert found.gradient_norm < 0.1 * found.gradient_norm_start
        assert "600 observations, 600 missing and masked" in str(found)
        errors[way] = np.abs(line.coefficients.detach().numpy() - [-0.2, -0.31])
    assert (errors["joint"] < LEARNED).all()
    assert (errors["alternating"] < 3.0 * LEARNED).all()  # nearer with more rounds


class _Line(torch.nn.Module):
    """A constant and a slope."""

    def __init__(self) -> None:
        super().__init__()
        self.coefficients = torch.nn.Parameter(torch.zeros(2, dtype=torch.float64))

    def forward(self, x):
        return self.coefficients[0] + self.coefficients[1] * x


def test_corrections_refuse_what_does_not_fit():
    step = CorrectedStep(Lorenz96Tendency(10.0), _Line(), 0.05)
    with pytest.raises(BindingError, match="two windows of 5 steps"):
        CorrectionProblem(step, _Line(), np.zeros((9, N)), sd=1.0, window=5, jump_sd=1.0)
    with pytest.raises(BindingError, match="holds infinity"):
        values = np.full((10, N), np.inf)
        CorrectionProblem(step, _Line(), values, sd=1.0, window=5, jump_sd=1.0)
    with pytest.raises(ConfigurationError, match="'jump_sd' must be above 0"):
        CorrectionProblem(step, _Line(), np.zeros((10, N)), sd=1.0, window=5, jump_sd=0.0)
    with pytest.raises(BindingError, match="double precision"):
        CorrectionProblem(
            step, _Line().float(), np.zeros((10, N)), sd=1.0, window=5, jump_sd=1.0
        )


def test_corrections_are_the_same_by_every_kind_of_derivative(tmp_path):
    """States and weights after the same iterations; the network kinds are exact files."""
    rng = np.random.default_rng(7)
    fortran = FortranModel(Lorenz96(N, 8.0), DT)
    step = SplitStep(fortran, PolynomialClosure())
    states = [torch.from_numpy(fortran.advance(rng.normal(2.0, 3.0, (1, N)), 100))]
    for _ in range(19):
        states.append(step(states[-1]))
    values = torch.cat(states).detach().numpy() + 0.05 * rng.standard_normal((20, N))
    values[:, 1::2] = np.nan
    file = export_exact_step(tmp_path / "step.pt", N, DT)
    found = {}
    for kind in KINDS:
        model = with_derivatives(fortran, kind, file if kind in OF_A_FILE else "")
        line = _Line()
        problem = CorrectionProblem(
            SplitStep(model, line), line, values, sd=0.05, window=5, jump_sd=0.02
        )
        learned = problem.joint(n_iterations=10)
        assert learned.cost < 0.1 * learned.cost_start
        found[kind] = np.append(learned.states, line.coefficients.detach().numpy())
    for kind, z in found.items():
        limit = BY_DIFFERENCES if kind == "differences" else SAME
        assert np.abs(z - found["adjoint"]).max() <= limit, kind


def test_gradient_of_a_correction_is_that_of_differences():
    rng = np.random.default_rng(8)
    line = _Line()
    step = SplitStep(FortranModel(Lorenz96(N, 8.0), DT), line)
    values = rng.normal(2.0, 3.0, (10, N))
    problem = CorrectionProblem(step, line, values, sd=1.0, window=5, jump_sd=1.0)
    x = torch.from_numpy(problem.states).requires_grad_()
    gradients = torch.autograd.grad(problem.cost(x), [x, line.coefficients])
    h = 1e-5
    for variable, gradient in zip((x, line.coefficients), gradients, strict=True):
        direction = torch.from_numpy(rng.standard_normal(variable.shape))
        costs = []
        with torch.no_grad():
            for sign in (1.0, -1.0):
                variable += sign * h * direction
                costs.append(float(problem.cost(x)))
                variable -= sign * h * direction
        slope = (costs[0] - costs[1]) / (2.0 * h)
        assert slope == pytest.approx(float((gradient * direction).sum()), rel=1e-6)


def test_split_step_is_the_step_with_a_held_correction_to_second_order():
    x = torch.from_numpy(np.random.default_rng(9).normal(2.0, 3.0, (3, N)))
    line, errors = PolynomialClosure(), []
    for dt in (0.02, 0.01):
        model = Lorenz96(N, 8.0)
        split = SplitStep(FortranModel(model, dt), line)(x)
        errors.append(float((split - fortran_step(model, dt)(x, line(x))).norm()))
    assert np.log2(errors[0] / errors[1]) > 2.8  # the error of a step is of third order
