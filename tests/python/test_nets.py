# SPDX-License-Identifier: MIT
"""Networks on the ring: analytic weights, symmetry, reach, order, and what export needs."""

from itertools import pairwise

import pytest
import torch

from isthmus.nets import (
    BilinearNet,
    ConditionalBilinearNet,
    ConditionalConvNet,
    ConditionalRk4Step,
    ConvNet,
    LocalClosure,
    Lorenz96Tendency,
    Normalization,
    PolynomialClosure,
    ResidualConvNet,
    ResolvedStep,
    Rk4Step,
    SquareNet,
    StencilClosure,
    join_ends,
    lorenz96_tendency,
    two_level_tendency,
)

# TorchScript is deprecated upstream and still one of our two engines.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")

K, F = 40, 8.0
ROUNDING = 4e-16  # relative to the largest term of a sum, about 400 here
PLAIN = {
    "bilinear": BilinearNet,
    "square": SquareNet,
    "deep": ConvNet,
    "deep-silu": lambda: ConvNet("silu", normalization=Normalization(2.3, 3.6, 10.0)),
    "residual": ResidualConvNet,
    "local": LocalClosure,
    "stencil": StencilClosure,
    "polynomial": lambda: PolynomialClosure((0.3, -0.4, 0.01, 0.001)),
    "analytic": lambda: Lorenz96Tendency(F),
    "rk4": lambda: Rk4Step(BilinearNet(), 0.05),
    "coupled-held": lambda: Rk4Step(ConvNet(), 0.05, LocalClosure()),
    "coupled-stages": lambda: Rk4Step(ConvNet(), 0.05, LocalClosure(), "every_stage"),
}
EXPORTED = ("bilinear", "deep-silu", "residual", "stencil", "polynomial", "coupled-held")
REACH = {  # sites seen to the left and to the right
    "bilinear": (2, 1),
    "square": (2, 1),
    "deep": (2, 2),
    "deep-silu": (2, 2),
    "residual": (2, 2),
    "local": (0, 0),
    "stencil": (1, 1),
    "polynomial": (0, 0),
    "analytic": (2, 1),
}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(7)


@pytest.fixture
def x():
    generator = torch.Generator().manual_seed(3)
    return 2.3 + 3.6 * torch.randn(6, K, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize("net_class", [BilinearNet, SquareNet])
def test_analytic_weights_are_the_lorenz96_tendency(net_class, x):
    with torch.no_grad():
        error = net_class.analytic(F)(x) - lorenz96_tendency(x, F)
    assert error.abs().max() <= ROUNDING * (x**2).max() * 4


def test_tendency_at_one_site_is_the_equation(x):
    got = lorenz96_tendency(x, F)[2, 5]
    expected = -x[2, 4] * (x[2, 3] - x[2, 6]) - x[2, 5] + F
    assert torch.isclose(got, expected, rtol=1e-15)
    assert torch.equal(lorenz96_tendency(x, F), Lorenz96Tendency(F)(x))


def test_two_level_tendency_at_one_site_is_the_equation(x):
    n_fast, h, b, c = 10, 0.9, 8.0, 5.0
    z = torch.randn(6, K * n_fast, dtype=torch.float64)
    dx, dz, coupling = two_level_tendency(x, z, forcing=F, h=h, b=b, c=c)
    assert torch.isclose(coupling[1, 7], -h * c * z[1, 70:80].mean(), rtol=1e-14)
    assert torch.allclose(dx, lorenz96_tendency(x, F) + coupling, rtol=1e-15)
    for jk in (0, 9, 10, 399):  # inside a site, at its edges, across the end of the ring
        ahead, ahead2 = z[1, (jk + 1) % 400], z[1, (jk + 2) % 400]
        expected = c * (
            -b * ahead * (ahead2 - z[1, jk - 1]) - z[1, jk] + h / n_fast * x[1, jk // 10]
        )
        assert torch.isclose(dz[1, jk], expected, rtol=1e-13)


def test_conditional_bilinear_net_follows_each_members_forcing(x):
    forcing = torch.linspace(4, 12, 6, dtype=torch.float64)
    with torch.no_grad():
        got = ConditionalBilinearNet.analytic()(x, forcing)
    expected = lorenz96_tendency(x, forcing.unsqueeze(-1))
    assert (got - expected).abs().max() <= ROUNDING * (x**2).max() * 4


@pytest.mark.parametrize(
    ("net", "n_weights"),
    [
        (BilinearNet(), 19),
        (SquareNet(), 20),
        (ConvNet(), 43201),
        (ConditionalConvNet(), 43201 + 3 * 16),
        (LocalClosure(), 1153),
    ],
)
def test_number_of_weights_is_the_published_one(net, n_weights):
    assert sum(p.numel() for p in net.parameters()) == n_weights


@pytest.mark.parametrize("name", REACH)
def test_one_site_moves_only_the_sites_that_see_it(name, x):
    net = PLAIN[name]().double().eval()
    site = 20
    moved = x.clone()
    moved[:, site] += 0.5
    with torch.no_grad():
        changed = (net(moved) != net(x)).any(0).nonzero().flatten().tolist()
    left, right = REACH[name]
    assert changed == [k for k in range(site - right, site + left + 1) if k in changed]
    assert site in changed
    if name in ("bilinear", "square", "deep-silu", "residual", "stencil"):
        assert (min(changed), max(changed)) == (site - right, site + left)


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("shift", [1, -3, 17])
def test_shift_of_the_ring_shifts_the_result(name, shift, x):
    net = PLAIN[name]().double().eval()
    with torch.no_grad():
        shifted, expected = net(x.roll(shift, -1)), net(x).roll(shift, -1)
    # The same products and sums at every site; only the blocking of a kernel may differ.
    assert (shifted - expected).abs().max() <= 1e-14 * expected.abs().max()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", PLAIN)
def test_scripted_module_gives_the_same_result(name, dtype, x):
    net = PLAIN[name]().to(dtype).eval()
    scripted = torch.jit.script(net)
    with torch.no_grad():
        for n_members in (1, 6):
            expected = net(x[:n_members].to(dtype))
            assert expected.dtype == dtype
            assert expected.shape == (n_members, K)
            assert torch.equal(scripted(x[:n_members].to(dtype)), expected)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [*((name, torch.float64) for name in EXPORTED), ("deep-silu", torch.float32)],
)
def test_exported_program_takes_any_number_of_members(name, dtype, x):
    net = PLAIN[name]().to(dtype).eval()
    member = torch.export.Dim("member", min=1, max=1 << 20)
    program = torch.export.export(net, (x[:4].to(dtype),), dynamic_shapes=({0: member},))
    with torch.no_grad():
        for n_members in (1, 6):
            got = program.module()(x[:n_members].to(dtype))
            tolerance = 8 * torch.finfo(dtype).eps * got.abs().max()
            assert (got - net(x[:n_members].to(dtype))).abs().max() <= tolerance


@pytest.mark.parametrize("net_class", [ConditionalBilinearNet, ConditionalConvNet])
def test_conditional_step_scripts_and_exports(net_class, x):
    step = ConditionalRk4Step(net_class().double(), 0.05).eval()
    forcing = torch.linspace(4, 12, 6, dtype=torch.float64)
    member = torch.export.Dim("member", min=1, max=1 << 20)
    shapes = ({0: member}, {0: member})
    program = torch.export.export(step, (x[:4], forcing[:4]), dynamic_shapes=shapes)
    with torch.no_grad():
        expected = step(x, forcing)
        assert torch.equal(torch.jit.script(step)(x, forcing), expected)
        assert torch.allclose(
            program.module()(x, forcing), expected, rtol=1e-14, atol=1e-13
        )
        assert not torch.allclose(step(x, forcing + 1), expected)


def test_step_is_of_order_four(x):
    """Halving dt divides the error after a tenth of a time unit by 2^4."""
    net = BilinearNet.analytic(F)
    end = 0.1

    def run(n_steps):
        step, state = Rk4Step(net, end / n_steps), x
        with torch.no_grad():
            for _ in range(n_steps):
                state = step(state)
        return state

    reference = run(640)
    errors = [float((run(n) - reference).norm()) for n in (5, 10, 20, 40)]
    for coarse, fine in pairwise(errors):
        assert 14 < coarse / fine < 18


def test_held_closure_is_evaluated_once_and_kept_through_the_stages(x):
    tendency, closure = Lorenz96Tendency(F), PolynomialClosure()
    held = Rk4Step(tendency, 0.05, closure)
    assert torch.equal(held(x), ResolvedStep(tendency, 0.05)(x, closure(x)))
    every = Rk4Step(tendency, 0.05, closure, "every_stage")
    whole = Rk4Step(_Sum(tendency, closure), 0.05)
    assert torch.allclose(every(x), whole(x), rtol=1e-14)
    assert not torch.allclose(every(x), held(x), rtol=1e-6)


class _Sum(torch.nn.Module):
    def __init__(self, first, second) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x):
        return self.first(x) + self.second(x)


def test_unknown_closure_scheme_is_refused():
    with pytest.raises(
        ValueError, match="closure_scheme 'sometimes', expected one of held"
    ):
        Rk4Step(BilinearNet(), 0.05, LocalClosure(), "sometimes")


def test_unknown_activation_is_refused():
    with pytest.raises(ValueError, match="activation 'step', expected one of relu"):
        ConvNet("step")


def test_polynomial_closure_recovers_a_polynomial(x):
    truth = PolynomialClosure((0.2, -0.5, 0.03, 0.004, -0.0002))
    fitted = PolynomialClosure.fitted(x, truth(x), degree=4)
    assert torch.allclose(fitted.coefficients, truth.coefficients, rtol=1e-9)


def test_polynomial_fit_residual_is_orthogonal_to_its_powers(x):
    y = torch.sin(x)
    fitted = PolynomialClosure.fitted(x, y, degree=3)
    residual = y - fitted(x)
    for power in range(4):
        basis = x**power
        assert abs(float((residual * basis).sum())) < 1e-10 * float(basis.norm() * y.norm())


def test_join_ends_joins_the_ends():
    ring = torch.arange(5.0)
    assert join_ends(ring, 2, 1).tolist() == [3.0, 4.0, 0.0, 1.0, 2.0, 3.0, 4.0, 0.0]
    assert join_ends(ring, 0, 0).tolist() == ring.tolist()


def test_forward_mode_jacobian_of_a_step_is_that_of_reverse_mode(x):
    step = Rk4Step(ConvNet("silu").double(), 0.05).requires_grad_(False)
    v = torch.randn_like(x)
    w = torch.randn_like(x)
    _, jv = torch.func.jvp(step, (x,), (v,))
    _, pull = torch.func.vjp(step, x)
    assert torch.isclose((w * jv).sum(), (pull(w)[0] * v).sum(), rtol=1e-12)
