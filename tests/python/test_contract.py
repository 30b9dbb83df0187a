# SPDX-License-Identifier: MIT
"""The contract without torch: its text, its checks, and the sums over an archive."""

import json
import re
import zipfile
from dataclasses import replace
from typing import Any

import pytest

from isthmus.contract import (
    Bounds,
    Conserve,
    Contract,
    Guard,
    Limits,
    Mahalanobis,
    Method,
    Normalization,
    PositiveState,
    SelfTest,
    Variable,
    Variant,
    payload_sums,
    read_contract,
    verify_file,
    write_contract,
)
from isthmus.errors import ContractError, IsthmusError, ModelFileError

STATE = Variable(
    dtype="float64",
    shape=("member", 3),
    dims=("member", "k"),
    units="1",
    long_name="resolved state",
    training_range=(-12.5, 17.0),
    normalization=Normalization(2.5, 3.5),
)
CONTRACT = Contract(
    name="closure",
    description="B(x_k) → trained on rollouts",
    engine="torchscript",
    methods={
        "forward": Method(("x", "n"), ("b",)),
        "jvp": Method(("x", "n", "x_tl"), ("b", "b_tl")),
        "vjp": Method(("x", "n", "b_ad"), ("x_ad",)),
    },
    variables={
        "x": STATE,
        "n": Variable("int32", ()),
        "b": Variable("float64", ("member", 3)),
    },
    payload_sha256={"data.pkl": "0" * 64},
    separable="member",
    dt=0.01,
    self_test=SelfTest(
        1, {"x": [[1.0, 2.0, 3.0]], "n": 3}, {"b": [[0.1, 1e-300, -0.0]]}, 1e-12
    ),
    provenance={"torch": "2.13.0", "data": {"sha256": "ab"}},
)


def document() -> dict[str, Any]:
    return json.loads(CONTRACT.to_json())


@pytest.fixture
def model_file(tmp_path):
    path = tmp_path / "closure.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("closure/data.pkl", b"weights " * 20)
        archive.writestr("closure/code/__torch__.py", b"def forward(self): pass")
        archive.writestr("closure/.data/serialization_id", b"12345")
    write_contract(path, CONTRACT)
    return path


def rewritten(path, *, drop=(), add=(), change=()):
    """Rewrite an archive as another zip tool would, without the seal."""
    with zipfile.ZipFile(path) as archive:
        entries = [(n, archive.read(n)) for n in archive.namelist() if n not in drop]
    entries = [(n, dict(change).get(n, content)) for n, content in entries]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in [*entries, *add]:
            archive.writestr(name, content)
    return path


# Text


def test_contract_survives_its_json():
    assert Contract.from_json(CONTRACT.to_json()) == CONTRACT


def test_json_has_the_keys_of_the_specification():
    text = document()
    assert text["format"] == "isthmus"
    assert text["format_version"] == 1
    assert text["variables"]["x"]["shape"] == ["member", 3]
    assert text["variables"]["x"]["normalization"] == {"mean": 2.5, "sd": 3.5}
    assert "units" not in text["variables"]["b"]
    assert text["methods"]["vjp"] == {"inputs": ["x", "n", "b_ad"], "outputs": ["x_ad"]}


def set_in(*keys: str, value: object):
    def edit(text: dict[str, Any]) -> None:
        for key in keys[:-1]:
            text = text[key]
        text[keys[-1]] = value

    return edit


def removed(*keys: str):
    def edit(text: dict[str, Any]) -> None:
        for key in keys[:-1]:
            text = text[key]
        del text[keys[-1]]

    return edit


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (set_in("colour", value="blue"), "'colour' is not a key"),
        (set_in("variables", "x", "unit", value="m"), r"'variables\.x\.unit' is not a key"),
        (removed("engine"), "'engine' is missing"),
        (removed("format"), "'format' is missing"),
        (removed("variables", "x", "dtype"), r"'variables\.x\.dtype' is missing"),
        (removed("methods", "vjp", "outputs"), r"'methods\.vjp\.outputs' is missing"),
        (set_in("format_version", value=2), "'format_version' is 2, expected 1"),
        (set_in("format_version", value=True), "'format_version' is true"),
        (set_in("dt", value="0.01"), "'dt' is \"0.01\", expected a number"),
        (set_in("dt", value=True), "'dt' is true, expected a number"),
        (set_in("name", value=""), "'name' is \"\", expected a name"),
        (
            set_in("variables", "x", "shape", value=[1.5]),
            r"'variables\.x\.shape\[0\]' is 1.5",
        ),
        (set_in("variables", "x", "shape", value=[0, 3]), r"'variables\.x\.shape' has 0"),
        (set_in("variables", "x", "dtype", value="float8"), r"x\.dtype' is 'float8'"),
        (set_in("variables", "x", "dims", value=["k"]), r"x\.dims' names 1 dimensions"),
        (set_in("variables", "x", "training_range", value=[1]), "expected two numbers"),
        (set_in("variables", "x", "training_range", value=[2, 1]), "not in rising order"),
        (
            set_in("variables", "c", value={"dtype": "bool", "shape": []}),
            r"variables\.c' is neither",
        ),
        (
            set_in("methods", "adjoint", value={"inputs": [], "outputs": []}),
            "adjoint.outputs' is empty",
        ),
        (set_in("methods", "forward", "inputs", value=["x", "y"]), "'y'.* lacks"),
        (set_in("methods", "vjp", "outputs", value=["n_ad"]), "'n' is int32"),
        (removed("methods", "forward"), "lacks 'forward'"),
        (set_in("engine", value="onnx"), "'engine' is 'onnx'"),
        (set_in("strides", value="fortran"), "'strides' is 'fortran'"),
        (set_in("separable", value="time"), "'separable' names 'time'"),
        (set_in("payload_sha256", "data.pkl", value="0" * 63), "64 lower-case hexadecimal"),
        (set_in("self_test", "seed", value=1.5), r"'self_test\.seed' is 1.5"),
        (set_in("variables", value=[]), r"'variables' is \[\], expected an object"),
    ],
)
def test_wrong_json_names_the_key(edit, message):
    text = document()
    edit(text)
    with pytest.raises(ContractError, match=message):
        Contract.from_json(json.dumps(text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "expected an object"),
        ('{"format": "isthmus", "format": "isthmus"}', "'format' twice"),
        ('{"dt": NaN}', "NaN"),
        ('{"dt": -Infinity}', "Infinity"),
        ("[" * 100000, "nested too deeply"),
    ],
)
def test_text_that_is_no_contract_is_refused(text, message):
    with pytest.raises(ContractError, match=message):
        Contract.from_json(text)


def test_nan_in_provenance_cannot_be_written():
    with pytest.raises(ContractError, match="cannot be written as JSON"):
        replace(CONTRACT, provenance={"loss": float("nan")}).to_json()


def test_derivative_names_resolve_to_their_variable():
    assert CONTRACT.variable_of("x") is STATE
    assert CONTRACT.variable_of("x_tl") is STATE
    assert CONTRACT.variable_of("x_ad") is STATE
    with pytest.raises(ContractError, match="'y_tl' is no variable"):
        CONTRACT.variable_of("y_tl")
    with pytest.raises(ContractError, match="'x_tl_ad' is no variable"):
        CONTRACT.variable_of("x_tl_ad")
    with pytest.raises(ContractError, match="'n' is int32 and has no derivative"):
        CONTRACT.variable_of("n_tl")


def test_variable_named_like_a_derivative_of_another_is_refused():
    variables = {**CONTRACT.variables, "x_tl": STATE}
    methods = {"forward": Method(("x", "n", "x_tl"), ("b",))}
    with pytest.raises(ContractError, match=r"'variables\.x_tl' has the name"):
        replace(CONTRACT, variables=variables, methods=methods)


# Archive


def test_written_file_verifies_and_lists_every_entry(model_file):
    found = verify_file(model_file)
    assert found.is_sealed
    assert found.n_entries == 3
    assert set(found.contract.payload_sha256) == {
        "data.pkl",
        "code/__torch__.py",
        ".data/serialization_id",
    }
    assert found.contract == read_contract(model_file)
    assert replace(found.contract, payload_sha256=CONTRACT.payload_sha256) == CONTRACT
    assert payload_sums(model_file) == found.contract.payload_sha256
    with zipfile.ZipFile(model_file) as archive:
        assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())


def test_writing_again_replaces_the_contract(model_file):
    write_contract(model_file, replace(CONTRACT, name="second"))
    assert verify_file(model_file).contract.name == "second"
    with zipfile.ZipFile(model_file) as archive:
        assert len(archive.namelist()) == len(set(archive.namelist())) == 5


def test_every_flipped_byte_is_detected(model_file):
    good = model_file.read_bytes()
    unseen = []
    for position in range(len(good)):
        bad = bytearray(good)
        bad[position] ^= 1 << (position % 8)
        model_file.write_bytes(bad)
        try:
            verify_file(model_file)
            unseen.append(position)
        except IsthmusError:
            pass
    assert unseen == []


@pytest.mark.parametrize("n_bytes", [1, 22, 79, 100, 1000])
def test_truncated_file_is_detected(model_file, n_bytes):
    good = model_file.read_bytes()
    model_file.write_bytes(good[:-n_bytes])
    with pytest.raises(IsthmusError):
        verify_file(model_file)
    model_file.write_bytes(good + b"x" * n_bytes)
    with pytest.raises(IsthmusError):
        verify_file(model_file)


def test_repacked_file_verifies_without_seal(model_file):
    assert not verify_file(rewritten(model_file)).is_sealed


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"drop": ["closure/data.pkl"]}, "'data.pkl' is missing"),
        ({"add": [("closure/extra/more", b"")]}, "'extra/more' is not listed"),
        ({"change": {"closure/data.pkl": b"other"}}, "'data.pkl' has SHA-256"),
        ({"drop": ["closure/extra/isthmus.json"]}, "has no entry 'extra/isthmus.json'"),
        ({"drop": ["closure/extra/isthmus.json.sha256"]}, "isthmus.json.sha256'"),
        ({"change": {"closure/extra/isthmus.json": b"{}"}}, "isthmus.json has SHA-256"),
        ({"add": [("another/root", b"")]}, "2 root folders"),
    ],
)
def test_changed_archive_names_the_entry(model_file, edit, message):
    rewritten(model_file, **edit)
    with pytest.raises(ContractError, match=message) as caught:
        verify_file(model_file)
    assert str(model_file) in str(caught.value)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_entry_given_twice_is_refused(model_file):
    rewritten(model_file, add=[("closure/data.pkl", b"second")])
    with pytest.raises(ContractError, match=r"'closure/data\.pkl' is in the archive twice"):
        verify_file(model_file)


def test_files_that_are_no_archive_are_refused(tmp_path):
    text = tmp_path / "notes.pt"
    text.write_text("not a network")
    with pytest.raises(ModelFileError, match=r"notes\.pt.* is no model file"):
        read_contract(text)
    with pytest.raises(ModelFileError, match=r"absent\.pt.* cannot be read: No such file"):
        read_contract(tmp_path / "absent.pt")
    with pytest.raises(ModelFileError, match="Is a directory"):
        read_contract(tmp_path)


def test_failed_write_leaves_the_file_as_it_was(model_file, monkeypatch):
    before = model_file.read_bytes()

    def full(_path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("isthmus.contract.archive._seal", full)
    with pytest.raises(ModelFileError, match="No space left on device"):
        write_contract(model_file, CONTRACT)
    assert model_file.read_bytes() == before
    assert list(model_file.parent.iterdir()) == [model_file]


def test_writing_keeps_the_mode(model_file):
    model_file.chmod(0o640)
    write_contract(model_file, CONTRACT)
    assert model_file.stat().st_mode & 0o777 == 0o640


# The guard, memory, variants and normalization


COLUMNS = Contract(
    name="column",
    engine="inductor",
    methods={
        "forward": Method(("t", "q", "h"), ("dq", "h_next")),
        "physics_step": Method(("t",), ("state.mean",)),
    },
    variables={
        "t": Variable(
            "float32",
            ("column", 2),
            dims=("column", "level"),
            normalization=Normalization((220.0, 250.0), (4.0, 6.0), "level", "bridge"),
        ),
        "q": Variable("bfloat16", ("column", 2)),
        "h": Variable("float64", ("column", 5)),
        "dq": Variable("float16", ("column", 2)),
        "h_next": Variable("float64", ("column", 5)),
        "state.mean": Variable("float64", ("column",)),
    },
    payload_sha256={},
    separable="column",
    dt=600.0,
    isa="avx2",
    version="3",
    guard=Guard(
        inputs={"t": Limits((180.0, None), 330.0), "q": Limits(low=0.0)},
        outputs={"dq": Limits(-1.0, 1.0)},
        quantiles=(0.001, 0.999),
        mahalanobis=Mahalanobis(
            ("t", "q"), (0.0,) * 4, ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0)), 9.2
        ),
        fixers=(
            Bounds("dq", low=0.0),
            Conserve({"dq": (1.0, 2.0)}, 0.5),
            PositiveState("dq", "q"),
        ),
    ),
    memory={"h": "h_next"},
    variants={"forward": (Variant("forward_batch_1", 1),)},
)


def columns() -> dict[str, Any]:
    return json.loads(COLUMNS.to_json())


def test_guard_memory_and_variants_survive_the_text():
    assert Contract.from_json(COLUMNS.to_json()) == COLUMNS
    written = columns()
    assert written["guard"]["fixers"][0] == {"kind": "bounds", "output": "dq", "low": 0.0}
    assert written["guard"]["inputs"]["t"] == {"low": [180.0, None], "high": 330.0}
    assert written["variants"] == {"forward": [{"model": "forward_batch_1", "extent": 1}]}


def test_absent_keys_are_not_written():
    for key in ("guard", "memory", "variants", "version"):
        assert key not in document()
    assert document()["variables"]["x"]["normalization"] == {"mean": 2.5, "sd": 3.5}


def test_half_precision_has_derivatives_too():
    assert COLUMNS.variable_of("q_tl").dtype == "bfloat16"


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("guard.rnages", {}, "'guard.rnages' is not a key"),
        ("guard.inputs.t.low", [1.0], "lists 1 values, a sample has 2"),
        ("guard.inputs.t.low", 400.0, "above the high one"),
        ("guard.inputs.dq", {}, "not among the inputs"),
        ("guard.quantiles", [0.9, 0.1], "not rising"),
        ("guard.mahalanobis.mean", [0.0], "lists 1 values, the inputs have 4"),
        ("guard.mahalanobis.whitening", [[1.0]], "rows of another length than 4"),
        ("guard.mahalanobis.threshold", 0.0, "not above 0"),
        ("guard.fixers", [{"kind": "magic"}], "expected one of bounds"),
        ("guard.fixers", [{"kind": "bounds", "output": "t"}], "no output"),
        (
            "guard.fixers",
            [{"kind": "conserve", "weights": {"dq": [0.0, 0.0]}, "total": 0.0}],
            "all 0",
        ),
        (
            "guard.fixers",
            [{"kind": "positive_state", "tendency": "dq", "state": "h"}],
            "pairs 'dq'",
        ),
        ("memory.h", "dq", "'memory.h' is 'dq', float16"),
        ("memory.dq", "h_next", "no input of 'forward'"),
        ("variants.forward", [{"model": "a", "extent": 0}], "expected each once"),
        ("variants.nothing", [], "is of no method"),
        ("version", 3, "'version' is 3, expected a name"),
        ("variables.t.normalization.dim", "k", "no dimension of fixed extent"),
        ("variables.t.normalization.mean", [1.0], "expected 2, as 'level' has"),
        ("variables.t.normalization.sd", 0.0, "not above 0"),
        ("variables.t.normalization.applied_by", "host", "expected one of"),
        ("variables.t.dtype", "float128", "expected one of bool"),
        ("methods.a b", {"inputs": ["t"], "outputs": ["dq"]}, "expected a name"),
        ("methods.physics_step.inputs", ["t_tl"], "which 'variables' lacks"),
    ],
)
def test_terms_that_contradict_each_other_are_refused(path, value, said):
    changed = columns()
    *parents, last = path.split(".")
    place = changed
    for parent in parents:
        place = place[parent]
    place[last] = value
    with pytest.raises(ContractError, match=re.escape(said)):
        Contract.from_json(json.dumps(changed))


def test_positive_state_needs_a_time_step():
    with pytest.raises(ContractError, match="needs 'dt'"):
        replace(COLUMNS, dt=None)


def test_lists_need_samples_of_fixed_size():
    with pytest.raises(ContractError, match="samples have no fixed size"):
        replace(COLUMNS, separable=None, variants={})
