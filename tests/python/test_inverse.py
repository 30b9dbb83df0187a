# SPDX-License-Identifier: MIT
"""Derivatives under one interface, and strong-constraint 4D-Var built on them."""

import numpy as np
import pytest
import torch

from isthmus.errors import AssimilationError, BindingError, ConfigurationError
from isthmus.export import export_network
from isthmus.inverse import (
    Borrowed,
    BridgeModel,
    Diagonal,
    DifferenceModel,
    FortranModel,
    ForwardModel,
    FourDVar,
    Full,
    Hybrid,
    Linear,
    Nonlinear,
    Observations,
    Sites,
    SquareRoot,
    TorchModel,
    WeakFourDVar,
    gaussian_on_ring,
)
from isthmus.models import Lorenz96
from isthmus.nets import ConvNet, Lorenz96Tendency, Rk4Step

N, DT, FORCING = 40, 0.05, 8.0
DOT = 1e-14  # rounding of some hundred operations, relative to the norms
SINGLE = 1e-6  # rounding of single precision over a few steps
DIFFERENCES = 1e-7  # central differences at the cube root of the precision
KALMAN = 1e-6  # linear problems: what is left of a gradient that fell by 1e-8
SLOPE = 0.05  # of the Taylor remainder
N_STEPS = 10


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    """Return a state on the attractor `[k]`."""
    model = Lorenz96(N, FORCING)
    return model.advance(model.initial_state(1, seed=3), DT, n_steps=400)[0]


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, ForwardModel]:
    """Return the equations under each kind of derivative."""
    fortran = FortranModel(Lorenz96(N, FORCING), DT)
    step = Rk4Step(Lorenz96Tendency(FORCING), DT).double().eval()
    path = tmp_path_factory.mktemp("inverse") / "step.pt"
    export_network(
        step,
        path,
        inputs={"x": torch.zeros(2, N, dtype=torch.float64)},
        outputs=["x_next"],
        dynamic={"member": 0},
        separable="member",
        dims={"x": ("member", "k"), "x_next": ("member", "k")},
        dt=DT,
    )
    return {
        "fortran": fortran,
        "differences": DifferenceModel(fortran, scale=4.0),
        "torch reverse": TorchModel(step, N, dt=DT),
        "torch forward": TorchModel(step, N, dt=DT, mode="forward"),
        "bridge": BridgeModel(path, N),
    }


KINDS = ["fortran", "differences", "torch reverse", "torch forward", "bridge"]


@pytest.mark.parametrize("kind", KINDS)
def test_adjoint_is_the_transpose_of_the_tangent_linear(models, truth, kind):
    rng = np.random.default_rng(1)
    model = models[kind]
    states = model.trajectory(truth[None], N_STEPS)
    x_tl = rng.standard_normal((1, N))
    s = rng.standard_normal(states.shape)
    changes = model.sweep_tl(states, x_tl)
    left, right = np.vdot(changes, s), np.vdot(x_tl, model.sweep_ad(states, s))
    limit = DIFFERENCES if kind == "differences" else DOT
    assert abs(left - right) <= limit * np.linalg.norm(changes) * np.linalg.norm(s)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_all_kinds_give_the_same_derivatives(models, truth, kind):
    exact = models["fortran"].propagator(truth, N_STEPS)
    found = models[kind].propagator(truth, N_STEPS)
    limit = DIFFERENCES if kind == "differences" else 10 * DOT
    assert np.linalg.norm(found - exact) <= limit * np.linalg.norm(exact)


def test_bridge_takes_any_number_of_members_and_keeps_what_it_gave(models, truth):
    bridge, torch_model = models["bridge"], models["torch reverse"]
    rng = np.random.default_rng(5)
    given, found = [], []
    for n_members in (1, 3, 1):
        x, s = truth + rng.standard_normal((2, n_members, N))
        given.append((x, s))
        found.append((bridge.step(x), bridge.step_tl(x, s), bridge.step_ad(x, s)))
    for (x, s), results in zip(given, found, strict=True):
        same = torch_model.step(x), torch_model.step_tl(x, s), torch_model.step_ad(x, s)
        for a, b in zip(results, same, strict=True):
            assert np.linalg.norm(a - b) <= 10 * DOT * np.linalg.norm(b)


def test_bridge_refuses_states_that_do_not_fit(models, truth):
    with pytest.raises(BindingError, match=r"'x_tl' has shape \[40\], 'x' \[1, 40\]"):
        models["bridge"].step_tl(truth[None], truth)
    with pytest.raises(BindingError, match="36"):
        models["bridge"].step(truth[None, :36])


def test_derivatives_of_a_network_in_single_precision(truth):
    torch.manual_seed(2)
    step = Rk4Step(ConvNet("silu"), DT)
    s = np.random.default_rng(2).standard_normal((4, 1, N))
    gradients = []
    for network in (step, step.double()):
        model = TorchModel(network, N, dt=DT)
        gradients.append(model.sweep_ad(model.trajectory(truth[None], 3), s))
    single, double = gradients
    assert np.linalg.norm(single - double) <= SINGLE * np.linalg.norm(double)


@pytest.mark.parametrize("n_steps", [1, 40])
def test_taylor_remainder_is_quadratic(models, truth, n_steps):
    model = models["fortran"]
    rng = np.random.default_rng(4)
    direction = rng.standard_normal((1, N))
    states = model.trajectory(truth[None], n_steps)
    change = model.sweep_tl(states, direction)[-1]
    sizes = 10.0 ** np.arange(-2.0, -6.1, -0.5)
    remainders = [
        np.linalg.norm(
            model.trajectory(truth[None] + h * direction, n_steps)[-1]
            - states[-1]
            - h * change
        )
        for h in sizes
    ]
    slope = np.polyfit(np.log(sizes), np.log(remainders), 1)[0]
    assert abs(slope - 2.0) <= SLOPE


def test_a_window_is_its_steps(models, truth):
    model = models["fortran"]
    one_by_one = ForwardModel.trajectory(model, truth[None], N_STEPS)
    assert np.array_equal(model.trajectory(truth[None], N_STEPS), one_by_one)


def test_gradient_in_the_forcing(truth):
    from isthmus.models.windows import misfit_gradient

    y = np.zeros((N_STEPS + 1, N))
    h = 1e-4
    costs = [
        misfit_gradient(truth, y, np.ones_like(y), forcing=FORCING + s * h, dt=DT)[0]
        for s in (1, -1)
    ]
    slope = misfit_gradient(truth, y, np.ones_like(y), forcing=FORCING, dt=DT)[2]
    assert slope == pytest.approx((costs[0] - costs[1]) / (2 * h), rel=DIFFERENCES)


def observed(
    model: ForwardModel, truth: np.ndarray, *, n_steps: int = N_STEPS, seed: int = 5
) -> Observations:
    """Return noisy observations of every second site at every second step."""
    sites = Sites(N, range(0, N, 2))
    steps = np.arange(0, n_steps + 1, 2)
    noise = np.random.default_rng(seed).standard_normal((steps.size, N // 2))
    values = sites(model.trajectory(truth[None], n_steps)[steps, 0]) + noise
    return Observations(steps, values, sites, Diagonal(1.0, N // 2))


class LinearModel(ForwardModel):
    """`x_{i+1} = A x_i`."""

    def __init__(self, matrix) -> None:
        self.matrix = matrix
        self.n_state = len(matrix)
        self.dt = 1.0

    def step(self, x):
        """Return the next state."""
        return x @ self.matrix.T

    def step_tl(self, x, x_tl):
        """Return its change."""
        return x_tl @ self.matrix.T

    def step_ad(self, x, x_ad):
        """Return the transpose."""
        return x_ad @ self.matrix


@pytest.mark.parametrize("way", ["direct", "incremental"])
def test_linear_window_is_the_kalman_smoother(way):
    rng = np.random.default_rng(6)
    n, n_steps = 6, 5
    model = LinearModel(np.linalg.qr(rng.standard_normal((n, n)))[0] * 1.05)
    h = rng.standard_normal((3, n))
    b = np.cov(rng.standard_normal((n, 40)))
    r = np.cov(rng.standard_normal((3, 20)))
    background, values = rng.standard_normal(n), rng.standard_normal((n_steps + 1, 3))
    window = FourDVar(
        model,
        n_steps,
        Observations(np.arange(n_steps + 1), values, Linear(h), Full(r)),
        background,
        Full(b),
    )
    analysis = getattr(window, way)(tolerance=1e-8).required()

    # The smoother in one sweep: all observations at once, in the space of observations.
    stacked = np.concatenate(
        [h @ np.linalg.matrix_power(model.matrix, i) for i in range(n_steps + 1)]
    )
    innovation = values.ravel() - stacked @ background
    s = stacked @ b @ stacked.T + np.kron(np.eye(n_steps + 1), r)
    smoothed = background + b @ stacked.T @ np.linalg.solve(s, innovation)
    assert np.abs(analysis.x - smoothed).max() <= KALMAN


def test_linear_window_with_model_error_is_the_kalman_smoother():
    rng = np.random.default_rng(11)
    n, n_steps = 4, 5
    m = np.linalg.qr(rng.standard_normal((n, n)))[0]
    h = rng.standard_normal((2, n))
    b, q = np.cov(rng.standard_normal((n, 30))), 0.3 * np.cov(rng.standard_normal((n, 30)))
    background, values = rng.standard_normal(n), rng.standard_normal((n_steps + 1, 2))
    window = WeakFourDVar(
        LinearModel(m),
        n_steps,
        Observations(np.arange(n_steps + 1), values, Linear(h), Diagonal(0.5, 2)),
        background,
        Full(b),
        Full(q),
    )
    analysis = window.direct(tolerance=1e-8).required()

    # All states at once: their prior covariance, then one update in observation space.
    prior, mean = np.zeros((n_steps + 1, n, n_steps + 1, n)), [background]
    p = b
    for i in range(n_steps + 1):
        for j in range(i, n_steps + 1):
            prior[i, :, j] = p @ np.linalg.matrix_power(m, j - i).T
            prior[j, :, i] = prior[i, :, j].T
        p = m @ p @ m.T + q
        mean.append(m @ mean[-1])
    flat, stacked = prior.reshape(2 * [(n_steps + 1) * n]), np.kron(np.eye(n_steps + 1), h)
    state = np.concatenate(mean[:-1])
    s = stacked @ flat @ stacked.T + 0.5 * np.eye(2 * (n_steps + 1))
    gain = np.linalg.solve(s, values.ravel() - stacked @ state)
    smoothed = (state + flat @ stacked.T @ gain).reshape(-1, n)
    assert np.abs(analysis.states - smoothed).max() <= KALMAN


def test_weak_constraint_with_tiny_errors_is_the_strong_one(models, truth):
    model = models["fortran"]
    background = truth + 0.2 * np.random.default_rng(12).standard_normal(N)
    observations, b = observed(model, truth), Diagonal(0.1, N)
    strong = FourDVar(model, N_STEPS, observations, background, b).direct().required()
    weak = WeakFourDVar(model, N_STEPS, observations, background, b, Diagonal(1e-10, N))
    assert np.abs(weak.direct().required().states[0] - strong.x).max() <= 1e-4


def test_cost_is_half_the_squares_of_misfits_and_prior(models, truth):
    """`(y - H M(x))^T R^-1 (y - H M(x)) + (x - x_f)^T B^-1 (x - x_f)`, both full."""
    model, rng = models["fortran"], np.random.default_rng(21)
    sites, steps = Sites(N, range(0, N, 4)), np.array([0, 3, 7])
    near = np.exp(-np.abs(np.subtract.outer(np.arange(N), np.arange(N))) / 3.0)
    b, r = 0.2 * near, 0.5 * near[: N // 4, : N // 4]
    y = rng.standard_normal((3, N // 4))
    x_f, x = truth + 0.3 * rng.standard_normal((2, N))
    window = FourDVar(model, 7, Observations(steps, y, sites, Full(r)), x_f, Full(b))
    departures = y - model.trajectory(x[None], 7)[steps, 0, ::4]
    expected = (x - x_f) @ np.linalg.solve(b, x - x_f)
    expected += sum(d @ np.linalg.solve(r, d) for d in departures)
    assert window.cost(window.control(x)).cost == pytest.approx(0.5 * expected, rel=1e-12)


def test_both_ways_find_the_same_minimum(models, truth):
    rng = np.random.default_rng(7)
    model = models["fortran"]
    background = truth + 0.3 * rng.standard_normal(N)
    window = FourDVar(model, N_STEPS, observed(model, truth), background, Diagonal(0.1, N))
    direct = window.direct().required()
    incremental = window.incremental().required()
    assert np.abs(direct.x - incremental.x).max() <= 1e-4
    assert np.linalg.norm(direct.x - truth) < np.linalg.norm(background - truth)
    assert direct.n_missing == 0


@pytest.mark.parametrize("variance", [0.1, None])
def test_one_call_of_fortran_is_the_incremental_analysis(models, truth, variance):
    model = models["fortran"]
    background = truth + 0.1 * np.random.default_rng(7).standard_normal(N)
    b = None if variance is None else Diagonal(variance, N)
    every = Sites(N)
    states = model.trajectory(truth[None], 4)[:, 0]
    noise = np.random.default_rng(8).standard_normal(states.shape)
    observations = Observations(np.arange(5), states + noise, every, Diagonal(1.0, N))
    window = FourDVar(model, 4, observations, background, b)
    python = window.incremental(tolerance=1e-8).required()
    fortran = model.analyse(background, b, observations, 4, tolerance=1e-8).required()
    assert np.abs(fortran.x - python.x).max() <= KALMAN
    assert fortran.cost == pytest.approx(python.cost, rel=1e-10)
    assert fortran.cost_background == pytest.approx(python.cost_background, rel=1e-5)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_all_kinds_give_the_same_gradient_of_the_cost(models, truth, kind):
    observations = observed(models["fortran"], truth)
    gradients = [
        FourDVar(models[name], N_STEPS, observations, truth, Diagonal(0.1, N))
        .cost(np.full(N, 0.3))
        .gradient
        for name in ("fortran", kind)
    ]
    limit = DIFFERENCES if kind == "differences" else 100 * DOT
    difference = np.linalg.norm(gradients[1] - gradients[0])
    assert difference <= limit * np.linalg.norm(gradients[0])


def test_simulator_forward_and_network_back(models, truth):
    borrowed = Borrowed(models["fortran"], models["torch reverse"])
    observations = observed(models["fortran"], truth)
    exact = FourDVar(models["fortran"], N_STEPS, observations, truth, Diagonal(0.1, N))
    mixed = FourDVar(borrowed, N_STEPS, observations, truth, Diagonal(0.1, N))
    assert np.allclose(exact.cost(truth).gradient, mixed.cost(truth).gradient, rtol=1e-9)


@pytest.mark.parametrize("n_checkpoints", [1, 3, 40])
def test_checkpointed_gradient_has_the_same_bits(models, truth, n_checkpoints):
    model = models["fortran"]
    observations = observed(model, truth, n_steps=23)
    whole = FourDVar(model, 23, observations, truth).cost(np.full(N, 0.1))
    pieces = FourDVar(model, 23, observations, truth, n_checkpoints=n_checkpoints).cost(
        np.full(N, 0.1)
    )
    assert np.array_equal(whole.gradient, pieces.gradient)
    assert whole.cost == pytest.approx(pieces.cost, rel=1e-14)


def test_nonlinear_observations(models, truth):
    square = Nonlinear(
        lambda x: x**2, lambda x, x_tl: 2 * x * x_tl, lambda x, y_ad: 2 * x * y_ad
    )
    model = models["fortran"]
    steps = np.arange(0, N_STEPS + 1, 5)
    values = model.trajectory(truth[None], N_STEPS)[steps, 0] ** 2
    background = truth + 0.1 * np.random.default_rng(8).standard_normal(N)
    window = FourDVar(
        model,
        N_STEPS,
        Observations(steps, values, square, Diagonal(1.0, N)),
        background,
        gaussian_on_ring(N, sd=0.3, length=0.5),
    )
    analysis = window.direct().required()
    assert np.linalg.norm(analysis.x - truth) < np.linalg.norm(background - truth) / 2


def test_missing_values_are_masked_and_said(models, truth):
    whole = observed(models["fortran"], truth)
    values = whole.values.copy()
    values[1] = np.nan
    values[2, 3] = np.nan
    masked = Observations(whole.steps, values, whole.operator, whole.covariance)
    window = FourDVar(models["fortran"], N_STEPS, masked, truth, Diagonal(0.1, N))
    analysis = window.direct().required()
    assert analysis.n_missing == N // 2 + 1
    assert "21 missing and masked" in str(analysis)

    full = Observations(whole.steps, values, whole.operator, Full(np.eye(N // 2)))
    general = FourDVar(models["fortran"], N_STEPS, full, truth, Diagonal(0.1, N))
    assert np.allclose(general.direct().x, analysis.x, atol=1e-4)


def test_covariances_agree():
    rng = np.random.default_rng(9)
    ring = gaussian_on_ring(12, sd=2.0, length=1.0)
    full = Full(ring.apply(np.eye(12)))
    x, v = rng.standard_normal((2, 3, 12))
    assert np.allclose(full.solve(x), ring.solve(x), rtol=1e-6)
    assert np.allclose(full.apply(x), ring.apply(x))
    for covariance in (ring, full, Diagonal(rng.uniform(1, 2, 12))):
        assert np.vdot(covariance.sqrt(v), x) == pytest.approx(
            np.vdot(v, covariance.sqrt_ad(x))
        )
        assert np.allclose(covariance.solve(covariance.apply(x)), x)


def test_hybrid_is_the_weighted_sum_of_its_parts(models, truth):
    rng = np.random.default_rng(10)
    ensemble = truth + 0.3 * rng.standard_normal((9, N))
    taper = gaussian_on_ring(N, sd=1.0, length=2.0)
    for localization in (None, taper):
        hybrid = Hybrid(Diagonal(0.1, N), ensemble, share=0.6, localization=localization)
        sample = np.cov(ensemble.T)
        if localization is not None:
            sample = sample * localization.apply(np.eye(N))
        matrix = 0.4 * 0.1 * np.eye(N) + 0.6 * sample
        assert np.allclose(hybrid.apply(np.eye(N)), matrix, rtol=0, atol=1e-12)
        observations = observed(models["fortran"], truth)
        background = ensemble.mean(axis=0)
        analyses = [
            FourDVar(models["fortran"], N_STEPS, observations, background, b)
            .incremental(tolerance=1e-8)
            .required()
            .x
            for b in (hybrid, Full(matrix))
        ]
        assert np.abs(analyses[0] - analyses[1]).max() <= KALMAN


def test_singular_covariances_are_refused():
    with pytest.raises(ConfigurationError, match="singular"):
        Diagonal(np.array([1.0, 0.0]))
    with pytest.raises(ConfigurationError, match="smallest eigenvalue"):
        Full(np.array([[1.0, 2.0], [2.0, 1.0]]))
    with pytest.raises(ConfigurationError, match="without 'solve'"):
        SquareRoot(2, lambda v: v, lambda x: x).solve(np.ones(2))


def test_a_background_that_does_not_fit_is_named_by_all(models, truth):
    model, b = models["fortran"], Diagonal(0.1, N)
    observations = observed(model, truth)
    n_steps = int(observations.steps[-1])
    for x, said in ((truth * np.nan, "holds NaN"), (truth[:-1], "'background' has shape")):
        with pytest.raises(BindingError, match=said):
            model.analyse(x, b, observations, n_steps)
        with pytest.raises(BindingError, match=said):
            FourDVar(model, n_steps, observations, x, b)
        with pytest.raises(BindingError, match=said):
            WeakFourDVar(model, n_steps, observations, x, b, b)


def test_observations_outside_are_refused(models, truth):
    with pytest.raises(BindingError, match="site 40 lies outside the state"):
        Sites(N, [0, 40])
    observations = observed(models["fortran"], truth)
    with pytest.raises(BindingError, match="outside the window of 8 steps"):
        FourDVar(models["fortran"], 8, observations, truth)
    with pytest.raises(BindingError, match="ascend"):
        Observations(np.array([2, 1]), np.zeros((2, N)), Sites(N), Diagonal(1.0, N))
    with pytest.raises(BindingError, match="infinity"):
        Observations(np.array([0]), np.full((1, N), np.inf), Sites(N), Diagonal(1.0, N))


def test_what_did_not_converge_tells_the_gradient(models, truth):
    window = FourDVar(models["fortran"], N_STEPS, observed(models["fortran"], truth), truth)
    analysis = window.direct(max_iterations=1)
    assert not analysis.is_converged
    with pytest.raises(AssimilationError, match=r"did not converge .* gradient"):
        analysis.required()
    weak = WeakFourDVar(
        models["fortran"],
        N_STEPS,
        observed(models["fortran"], truth),
        truth,
        Diagonal(0.1, N),
        Diagonal(0.01, N),
    )
    with pytest.raises(AssimilationError, match="did not converge: gradient"):
        weak.direct(max_iterations=1).required()
    with pytest.raises(AssimilationError, match="blew up"):
        FourDVar(
            models["fortran"], 200, observed(models["fortran"], truth), 1e3 * truth
        ).direct()
