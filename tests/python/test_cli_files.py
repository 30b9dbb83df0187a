# SPDX-License-Identifier: MIT
"""`isthmus inspect`, `check` and `doctor` on good, plain and broken files."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from isthmus.cli import app
from isthmus.cli.fortran_snippet import fortran_snippet
from isthmus.cli.installation import Finding, findings
from isthmus.contract import (
    Contract,
    Method,
    Variable,
    read_contract,
    write_contract,
)
from isthmus.errors import ContractError, ModelFileError
from isthmus.export import export_network, learn_guard
from isthmus.export.file_checks import check_file

BUILD = Path(__file__).parents[2] / "build" / "python"
CHECKS = [
    *("contract", "payload", "seal", "machine", "load", "self-test"),
    *("adjoint", "tangent-linear"),
]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    x = torch.randn(50, 4, dtype=torch.float64)
    path = tmp_path_factory.mktemp("files") / "closure.pt"
    module = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Tanh()).double()
    export_network(
        module.eval(),
        path,
        inputs={"x": x},
        outputs=["b"],
        dynamic={"member": 0},
        separable="member",
        dt=0.01,
        dims={"x": ["member", "k"], "b": ["member", "k"]},
        units={"x": "K", "b": "K s-1"},
        long_names={"x": "resolved state"},
        training_range={"x": (-3, 3)},
        normalization={"x": (0.0, 1.0)},
        guard=learn_guard({"x": x}),
        version="3",
    )
    return path


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plain") / "plain.pt"
    with pytest.warns(DeprecationWarning):
        torch.jit.script(torch.nn.Bilinear(2, 3, 1)).save(path)
    return path


def test_inspect_shows_both_readings_of_a_shape_and_the_terms(network):
    shown = " ".join(run("inspect", network).stdout.split())
    for text in (
        "closure, version 3",
        "(k=4, member)",
        "[member, k=4]",
        "resolved state",
        "-3 to 3",
        "K s-1",
        "limits on inputs x; quantiles 0.001 to 0.999; distance of x",
        "time step 0.01",
        "torch",
    ):
        assert text in shown


def test_inspect_writes_the_contract_as_json(network):
    found = json.loads(run("inspect", network, "--json").stdout)
    assert found == json.loads(read_contract(network).to_json())


def test_inspect_tells_what_a_plain_file_is(plain):
    shown = run("inspect", plain).stdout
    assert "TorchScript" in shown
    assert "inputs of forward: input1, input2" in shown
    assert json.loads(run("inspect", plain, "--json").stdout)["engine"] == "torchscript"
    assert isinstance(run("inspect", plain, "--fortran").exception, ContractError)


def test_inspect_says_that_weights_are_no_network(tmp_path):
    path = tmp_path / "weights.pt"
    torch.save({"w": torch.zeros(2)}, path)
    assert "no network to run" in run("inspect", path).stdout


def test_inspect_refuses_what_is_no_archive(tmp_path):
    path = tmp_path / "text.pt"
    path.write_text("hello")
    assert isinstance(run("inspect", path).exception, ModelFileError)


def test_the_fortran_program_compiles(network, tmp_path):
    modules = next(BUILD.rglob("isthmus.mod"), None)
    if modules is None or shutil.which("gfortran") is None:
        pytest.skip("no gfortran, or no compiled module isthmus in build/python")
    source = tmp_path / "call.f90"
    source.write_text(run("inspect", network, "--fortran").stdout)
    assert "real(real64), target :: x(4, member)" in source.read_text()
    subprocess.run(
        ["gfortran", "-fsyntax-only", "-Wall", "-Werror", f"-I{modules.parent}", source],
        check=True,
        cwd=tmp_path,
    )


def test_the_fortran_program_names_nested_outputs_and_scalars():
    contract = Contract(
        name="nested",
        engine="torchscript",
        methods={"forward": Method(("n", "is_wet"), ("flux.0",))},
        variables={
            "n": Variable("int32", ()),
            "is_wet": Variable("bool", ("column",)),
            "flux.0": Variable("float32", ("column",)),
        },
        payload_sha256={},
    )
    program = fortran_snippet(contract, "nested.pt")
    assert "integer(int32), target :: n\n" in program
    assert "logical(c_bool), target :: is_wet(column)" in program
    assert 'call model%bind_output("flux.0", flux_0)' in program


def test_check_passes_a_good_file_line_by_line(network):
    result = run("check", network)
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert [line[8:23].strip() for line in lines] == CHECKS
    assert all(line.startswith("ok") for line in lines)


def test_check_names_what_is_wrong_with_a_damaged_file(network, tmp_path):
    damaged = tmp_path / "damaged.pt"
    content = bytearray(network.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    result = run("check", damaged)
    assert result.exit_code == 1
    assert result.stdout.startswith("failed  contract")
    assert "damaged" in result.stdout or "changed" in result.stdout


def test_check_fails_without_a_contract(plain):
    result = run("check", plain)
    assert result.exit_code == 1
    assert "the file has none" in result.stdout


def test_check_fails_where_the_network_gives_something_else(network, tmp_path):
    path = tmp_path / "closure.pt"
    shutil.copy(network, path)
    contract = read_contract(path)
    test = contract.self_test
    assert test is not None
    wrong = {"b": [[2 * v for v in row] for row in test.outputs["b"]]}
    write_contract(path, replace(contract, self_test=replace(test, outputs=wrong)))
    outcomes = {found.name: found.outcome for found in check_file(path)}
    assert outcomes["self-test"] == "failed"
    assert outcomes["adjoint"] == "ok"
    assert run("check", path).exit_code == 1


def test_check_draws_inputs_where_there_is_no_self_test(network, tmp_path):
    path = tmp_path / "closure.pt"
    shutil.copy(network, path)
    write_contract(path, replace(read_contract(path), self_test=None))
    outcomes = {found.name: found.outcome for found in check_file(path)}
    assert outcomes["self-test"] == "skipped"
    assert outcomes["adjoint"] == outcomes["tangent-linear"] == "ok"


def test_doctor_finds_this_installation_in_order():
    result = run("doctor")
    assert result.exit_code == 0, result.stdout
    found = {finding.what: finding for finding in findings()}
    assert found["torch"].detail == torch.__version__
    assert found["bridge"].state == "ok"
    assert found["temporary folder"].state == "ok"


def test_doctor_fails_and_advises_where_something_is_missing(monkeypatch):
    def broken() -> list[Finding]:
        return [Finding("bridge", "failed", "not built", "build it here")]

    monkeypatch.setattr("isthmus.cli.doctor.findings", broken)
    result = run("doctor")
    assert result.exit_code == 1
    assert "-> build it here" in result.stdout


@pytest.mark.parametrize("command", ["inspect", "check", "doctor"])
def test_every_command_explains_itself(command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) > 5
