# SPDX-License-Identifier: MIT
"""The linear implicit layer against dense solves, finite differences and torch.func."""

import pytest
import torch
from torch.autograd import forward_ad, gradcheck, gradgradcheck
from torch.fx.experimental.proxy_tensor import make_fx

from isthmus.bridge import Model
from isthmus.errors import BindingError, ConfigurationError, ModelRunError
from isthmus.export import export_network
from isthmus.nets.implicit import (
    LinearImplicitLayer,
    SolverOptions,
    apply_bands,
    dominant_bands,
    flat_iterations,
    solve,
    transposed,
    unit_rows,
)

CLOSE = 1e-10  # solutions at a relative residual of 1e-12, condition number below 100
SINGLE = 1e-4  # the same at 1e-6 in single precision
CHECK = {"eps": 1e-6, "atol": 1e-6}  # gradcheck: rounding of solutions over eps

SYSTEMS = [
    (["zero_flux"], True),
    (["periodic"], False),
    (["dirichlet"], True),
    (["zero_flux", "zero_flux"], True),
    (["dirichlet", "periodic"], True),
    (["dirichlet", "zero_flux"], False),
    (["periodic", "periodic"], False),
]


def dense(bands, periodic):
    """Return one sample's matrix."""
    shape = bands.shape[1:]
    unit = torch.eye(bands[0].numel(), dtype=bands.dtype)
    columns = [apply_bands(bands, e.reshape(shape), periodic).flatten() for e in unit]
    return torch.stack(columns, 1)


def system(edges, symmetric, *, shape=(6, 10), batch=(), dtype=torch.float64):
    """Return couplings, log mass, right-hand side and mask, seeded."""
    torch.manual_seed(3)
    shape = shape[-len(edges) :]
    n = len(edges) * (1 if symmetric else 2)
    return (
        5.0 * torch.rand(*batch, n, *shape, dtype=dtype),
        torch.randn(*batch, *shape, dtype=dtype),
        torch.randn(*batch, *shape, dtype=dtype),
        (torch.rand(*shape) > 0.1).to(dtype),
    )


@pytest.mark.parametrize(("edges", "symmetric"), SYSTEMS)
@pytest.mark.parametrize("method", ["cg", "bicgstab", "red_black", "multigrid"])
@pytest.mark.parametrize("preconditioner", ["diagonal", "multigrid"])
def test_solution_is_that_of_the_dense_matrix(edges, symmetric, method, preconditioner):
    if method == "cg" and not symmetric:
        pytest.skip("conjugate gradients need symmetry")
    layer = LinearImplicitLayer(
        edges, symmetric=symmetric, method=method, preconditioner=preconditioner
    )
    couplings, mass, b, mask = system(edges, symmetric, shape=(8, 10), batch=(2,))
    found = layer.solution(couplings, mass, b, mask)
    periodic = list(layer.options.periodic)
    bands = dominant_bands(couplings, mass, edges, mask, symmetric)
    for i in range(2):
        expected = torch.linalg.solve(dense(bands[i], periodic), (b[i] * mask).flatten())
        assert (found.z[i].flatten() - expected).abs().max() < CLOSE
    assert found.converged.all()
    assert (found.residual < 3e-12).all()
    assert (found.iterations > 0).all()


@pytest.mark.parametrize(("edges", "symmetric"), SYSTEMS)
def test_matrix_is_dominant_and_transposed(edges, symmetric):
    couplings, mass, _, mask = system(edges, symmetric)
    periodic = [edge == "periodic" for edge in edges]
    bands = dominant_bands(couplings - 2.5, mass, edges, mask, symmetric)
    a = dense(bands, periodic)
    assert torch.equal(dense(transposed(bands, periodic), periodic), a.T)
    off = a.abs().sum(1) - a.diagonal().abs()
    inside = mask.flatten() > 0
    # The diagonal less the couplings is the mass; at a Dirichlet edge those to the outside
    # come on top.
    excess = a.diagonal() - off - torch.exp(mass).flatten()
    assert (excess[inside] > -CLOSE).all()
    if "dirichlet" not in edges:
        assert excess[inside].abs().max() < CLOSE
    if symmetric:
        assert torch.equal(a, a.T)
    land = torch.eye(len(a), dtype=a.dtype)[~inside]
    assert torch.equal(a[~inside], land)


def test_published_scaling_holds_the_exact_operator():
    couplings, mass, b, _ = system(["zero_flux"] * 2, False)
    bands = dominant_bands(
        couplings, torch.zeros_like(mass), ["zero_flux"] * 2, None, False
    )
    raw = torch.cat([torch.ones_like(bands[:1]), bands[1:]])  # its centre is 1 + sum |off|
    scaled, side = unit_rows(raw, 1.05 * b, [False, False])
    options = SolverOptions((False, False), symmetric=False, method="bicgstab")
    exact = solve(bands, b, options).z
    # Rows divided by 1 + sum |off|, which is what the exact diagonal is.
    assert (solve(scaled, side, options).z - exact).abs().max() < CLOSE


@pytest.mark.parametrize(("edges", "symmetric"), SYSTEMS)
def test_derivatives_of_both_kinds_and_orders(edges, symmetric):
    layer = LinearImplicitLayer(edges, symmetric=symmetric, tolerance=1e-14)
    couplings, mass, b, mask = system(edges, symmetric, shape=(2, 3))
    inputs = tuple(x.requires_grad_() for x in (couplings, mass, b))

    def function(couplings, mass, b):
        return layer(couplings, mass, b, mask)

    # Along random directions: all of them take minutes.
    assert gradcheck(function, inputs, check_forward_ad=True, fast_mode=True, **CHECK)
    assert gradgradcheck(function, inputs, fast_mode=True, **CHECK)


def test_adjoint_is_autograd_through_a_dense_solve():
    edges = ["dirichlet", "zero_flux"]
    couplings, mass, b, mask = system(edges, False)
    inputs = [x.requires_grad_() for x in (couplings, mass, b)]
    layer = LinearImplicitLayer(edges, symmetric=False)
    weight = torch.randn_like(b)
    found = torch.autograd.grad((weight * layer(couplings, mass, b, mask)).sum(), inputs)
    bands = dominant_bands(couplings, mass, edges, mask, False)
    z = torch.linalg.solve(dense(bands, [False, False]), (b * mask).flatten())
    expected = torch.autograd.grad((weight.flatten() * z).sum(), inputs)
    for one, other in zip(found, expected, strict=True):
        assert (one - other).abs().max() < CLOSE


def test_function_transforms():
    layer = LinearImplicitLayer(["zero_flux", "periodic"])
    couplings, mass, b, _ = system(
        ["zero_flux", "periodic"], True, shape=(3, 4), batch=(3,)
    )

    def loss(couplings, mass, b):
        return (layer(couplings, mass, b) ** 2).sum()

    batched = torch.func.vmap(torch.func.grad(loss, argnums=(0, 1, 2)))(couplings, mass, b)
    for i in range(3):
        single = torch.func.grad(loss, argnums=(0, 1, 2))(couplings[i], mass[i], b[i])
        for many, one in zip(batched, single, strict=True):
            assert (many[i] - one).abs().max() < CLOSE

    def of_b(b):
        return layer(couplings[0], mass[0], b)

    backward = torch.func.jacrev(of_b)(b[0])
    forward = torch.func.jacfwd(of_b)(b[0])
    matrix = dense(dominant_bands(couplings[0], mass[0], layer.edges), [False, True])
    inverse = torch.linalg.inv(matrix)
    assert (backward.reshape(12, 12) - inverse).abs().max() < CLOSE
    assert (forward.reshape(12, 12) - inverse).abs().max() < CLOSE
    value, change = torch.func.jvp(of_b, (b[0],), (b[1],))
    assert (change - of_b(b[1])).abs().max() < CLOSE
    hessian = torch.func.hessian(lambda x: (of_b(x) ** 2).sum())(b[0]).reshape(12, 12)
    assert (hessian - 2.0 * inverse.T @ inverse).abs().max() < CLOSE
    with forward_ad.dual_level():
        dual = of_b(forward_ad.make_dual(b[0], b[1]))
        assert (forward_ad.unpack_dual(dual).tangent - change).abs().max() < CLOSE
    assert value.shape == b[0].shape


def test_warm_start_and_report():
    layer = LinearImplicitLayer()
    couplings, mass, b, _ = system(layer.edges, True, shape=(32, 32))
    cold = layer.solution(couplings, mass, b)
    near = layer.solution(couplings, mass, b, guess=cold.z + 1e-6)
    again = layer.solution(couplings, mass, b, guess=cold.z)
    assert again.iterations < 3 < near.iterations < cold.iterations
    assert (again.z - cold.z).abs().max() < CLOSE
    assert (layer(couplings, mass, 0.0 * b, guess=b) == 0.0).all()


@pytest.mark.parametrize(("edges", "symmetric"), [x for x in SYSTEMS if len(x[0]) == 2])
@pytest.mark.parametrize("method", ["cg", "bicgstab", "red_black"])
def test_flat_iterations_are_those_of_the_method(edges, symmetric, method, monkeypatch):
    if method == "cg" and not symmetric:
        pytest.skip("conjugate gradients need symmetry")
    # Blocks as they are compiled, but not compiled: that takes longer than all tests here.
    monkeypatch.setattr(flat_iterations, "_compiled", lambda block: block)
    couplings, log_mass, b, mask = system(edges, symmetric, batch=(2, 3))
    b[0, 1] *= 1e-3  # samples that stop at different times, one at once
    b[1, 2] = 0.0
    layers = [
        LinearImplicitLayer(edges, symmetric=symmetric, method=method, compiled=compiled)
        for compiled in (False, True)
    ]
    guess = mask * torch.randn_like(b)
    guess[0, 1] = 0.0  # else rounding of the guess is all that is left
    plain, found = (layer.solution(couplings, log_mass, b, mask, guess) for layer in layers)
    assert bool(found.converged.all())
    assert (found.z - plain.z).abs().max() < CLOSE
    later = found.iterations - plain.iterations
    if method == "red_black":  # stops after blocks
        assert bool((later >= 0).all() and (later < flat_iterations.BLOCK).all())
    else:
        assert later.abs().max() <= 1
    assert bool((found.z[:, :, mask == 0.0] == 0.0).all())


def test_samples_stop_when_they_have_converged():
    layer = LinearImplicitLayer()
    couplings, mass, b, _ = system(layer.edges, True, shape=(16, 16), batch=(2,))
    couplings[0] *= 1e-3
    both = layer.solution(couplings, mass, b)
    assert both.iterations[0] < both.iterations[1]
    for i in range(2):
        alone = layer.solution(couplings[i], mass[i], b[i])
        assert alone.iterations == both.iterations[i]
        assert (alone.z - both.z[i]).abs().max() < CLOSE


def test_failure_is_never_silent():
    couplings, mass, b, _ = system(["zero_flux"] * 2, True, batch=(2,))
    b[1] = 0.0
    with pytest.raises(ModelRunError, match="in 1 of 2 samples after 2 iterations"):
        LinearImplicitLayer(max_iterations=2)(couplings, mass, b)
    filled = LinearImplicitLayer(max_iterations=2, on_failure="nan")(couplings, mass, b)
    assert filled[0].isnan().all() and (filled[1] == 0.0).all()
    flagged = LinearImplicitLayer(max_iterations=2, on_failure="flag")
    report = flagged.solution(couplings, mass, b)
    assert report.converged.tolist() == [False, True]
    assert report.residual[0] > 1e-12
    b[0, 0, 0] = torch.nan
    with pytest.raises(ModelRunError, match="not finite"):
        LinearImplicitLayer()(couplings, mass, b)


def test_adjoint_that_does_not_converge_raises():
    couplings, mass, b, _ = system(["zero_flux"] * 2, True)
    layer = LinearImplicitLayer(max_iterations=5)
    exact = LinearImplicitLayer()(couplings, mass, b)
    z = layer(couplings, mass, b.requires_grad_(), guess=exact)
    with pytest.raises(ModelRunError, match="residual"):
        z.pow(2).sum().backward()


def test_single_precision():
    edges = ["zero_flux", "dirichlet"]
    inputs = system(edges, True, shape=(32, 32), dtype=torch.float32)
    found = LinearImplicitLayer(edges, preconditioner="multigrid").solution(*inputs)
    expected = LinearImplicitLayer(edges)(*(x.double() for x in inputs))
    assert found.z.dtype == torch.float32 and found.converged
    assert (found.z - expected).abs().max() < SINGLE


def test_refusals():
    with pytest.raises(ConfigurationError, match="open"):
        LinearImplicitLayer(["open"])
    with pytest.raises(ConfigurationError, match="symmetric"):
        LinearImplicitLayer(symmetric=False, method="cg")
    with pytest.raises(ConfigurationError, match="sor"):
        LinearImplicitLayer(method="sor")
    with pytest.raises(ConfigurationError, match="max_iterations"):
        LinearImplicitLayer(max_iterations=0)
    couplings, mass, b, _ = system(["zero_flux"] * 2, True)
    with pytest.raises(BindingError, match="expected 4 of them"):
        LinearImplicitLayer(symmetric=False)(couplings, mass, b)
    with pytest.raises(ConfigurationError, match="bfloat16"):
        LinearImplicitLayer()(couplings.bfloat16(), mass.bfloat16(), b.bfloat16())


class Described(torch.nn.Module):
    """A network that ends in the solution of a system which it describes."""

    def __init__(self, **options: object) -> None:
        super().__init__()
        self.layer = LinearImplicitLayer(["zero_flux", "periodic"], **options)
        self.first = torch.nn.Conv2d(1, 1 + self.layer.n_couplings, 3, padding=1)

    def forward(self, b):
        """Return the solution for `b` [member, y, x]."""
        raw = self.first(b.unsqueeze(1))
        return self.layer(3.0 * raw[:, 1:].abs(), raw[:, 0], b)


EXPORTED = 1e-9  # derivatives of the scripted polynomial at a tolerance of 1e-12


def test_file_without_python_solves_and_differentiates(tmp_path):
    torch.manual_seed(0)
    network = Described().double().eval()
    b = torch.randn(2, 8, 10, dtype=torch.float64)
    path = tmp_path / "implicit.pt"
    report = export_network(
        network,
        path,
        inputs={"b": b},
        outputs=["z"],
        dynamic={"member": 0},
        separable="member",
        tolerance=EXPORTED,
    )
    assert report.made_by == "script"  # a trace would unroll the loop
    with torch.no_grad():
        found = Model(path)(b=b.numpy())
        assert abs(found["z"] - network(b).numpy()).max() < CLOSE


def test_scripted_cycles_solve_too():
    torch.manual_seed(0)
    network = Described(preconditioner="multigrid").double().eval()
    b = torch.randn(2, 8, 10, dtype=torch.float64)
    with torch.no_grad():
        assert (torch.jit.script(network)(b) - network(b)).abs().max() < CLOSE


def test_scripted_layer_marks_failures():
    network = Described(max_iterations=2, on_failure="nan").double().eval()
    scripted = torch.jit.script(network)
    with torch.no_grad():
        assert scripted(torch.randn(1, 8, 10, dtype=torch.float64)).isnan().all()


def test_exported_program_loops_by_itself():
    torch.manual_seed(0)
    network = Described().double().eval()
    b = torch.randn(2, 8, 10, dtype=torch.float64)
    member = torch.export.Dim("member", min=1, max=1000)
    program = torch.export.export(network, (b,), dynamic_shapes=({0: member},))
    loops = [n for n in program.graph.nodes if "while_loop" in str(n.target)]
    assert loops, "the iterations must not be unrolled"
    with torch.no_grad():
        for given in (b, torch.randn(5, 8, 10, dtype=torch.float64)):
            assert (program.module()(given) - network(given)).abs().max() < CLOSE


def test_traced_adjoint_is_one_more_loop():
    torch.manual_seed(0)
    network = Described().double().eval()
    b, z_ad = torch.randn(2, 2, 8, 10, dtype=torch.float64)

    def adjoint(b, z_ad):
        with torch.enable_grad():
            leaf = b.detach().requires_grad_()
            return torch.autograd.grad(network(leaf), leaf, z_ad)[0]

    graph = make_fx(adjoint, tracing_mode="symbolic", _allow_non_fake_inputs=True)(b, z_ad)
    loops = [n for n in graph.graph.nodes if "while_loop" in str(n.target)]
    calls = [n for n in loops if n.op == "call_function"]
    assert len(calls) == 2
    assert (graph(b, z_ad) - adjoint(b, z_ad)).abs().max() < CLOSE
