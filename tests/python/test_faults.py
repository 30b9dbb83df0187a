# SPDX-License-Identifier: MIT
"""The faults of docs/faults.md from Python, each followed by correct calls."""

import os
import re
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from isthmus.bridge import Model
from isthmus.errors import (
    BindingError,
    ContractError,
    DeviceError,
    InferenceError,
    ModelFileError,
)

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests" / "bridge"
FILES = ("weighted_float64.pt", "weighted_float64.pt2")
ROUNDING = 1e-13  # of values up to 100


@pytest.fixture
def good(networks):
    """Two loaded networks that must compute rightly before and after each test."""
    models = [Model(networks / file) for file in FILES]
    goes_on(models)
    yield models
    goes_on(models)


def goes_on(models) -> None:
    x = 0.25 * np.arange(12.0).reshape(3, 4) - 1
    i, j = np.arange(3.0)[:, None], np.arange(4.0)[None, :]
    expected = (10 * i + j + 1) * x + 0.5 * np.sin(x)
    for model in models:
        y = model(x=x, scale=np.array(0.5))["y"]
        np.testing.assert_allclose(y, expected, rtol=0, atol=ROUNDING)


# Number, file, exception, text

BAD_FILES = [
    ("F01", "absent.pt", ModelFileError, "No such file"),
    ("F02", ".", ModelFileError, "no regular file"),
    ("F03", "x" * 6000, ModelFileError, "too long"),
    ("F05", "empty.pt", ModelFileError, "is empty"),
    ("F06", "random.pt", ModelFileError, "no model file"),
    ("F07", "zip.pt", ModelFileError, "zip.pt'"),
    ("F07", "state_dict.pt", ModelFileError, "torch.save"),
    ("F08", "truncated.pt", ModelFileError, "damaged"),
    ("F08", "truncated.pt2", ModelFileError, "damaged"),
    ("F09", "flipped_code.pt", ContractError, "was changed"),
    ("F09", "flipped_kernel.pt2", ContractError, ".so' was changed"),
    ("F09", "flipped_seal.pt", ContractError, "seal"),
    ("F10", "flipped_contract.pt", ContractError, "the contract was changed"),
    ("F10", "no_digest.pt", ContractError, "no checksum"),
    ("F11", "unlisted.pt", ContractError, "'extra/surprise.txt' is not listed"),
    ("F11", "missing.pt", ContractError, "'constants.pkl' of the contract is missing"),
    ("F12", "version_2.pt", ContractError, "format version 2"),
    ("F13", "faults/no_json.pt", ContractError, "no JSON"),
    ("F13", "faults/null_contract.pt", ContractError, "another format"),
    ("F13", "faults/deep_contract.pt", ContractError, "deep_contract.pt'"),
    ("F14", "faults/dtype.pt", ContractError, "'float63'"),
    ("F14", "faults/extent.pt", ContractError, "extent -4"),
    ("F14", "faults/huge_extent.pt", ContractError, "expected a count"),
    ("F14", "faults/sums.pt", ContractError, "payload_sha25"),
    ("F14", "faults/names.pt", ContractError, "twice in 'inputs'"),
    ("F15", "lying_names.pt", ContractError, "names 2 and 2"),
    ("F15", "no_model.pt2", ContractError, "says 'torchscript'"),
    ("F16", "other_isa.pt2", ContractError, "'avx1024'"),
    ("F17", "faults/cuda.pt2", DeviceError, "compiled for device 'cuda'"),
    ("F18", "faults/bomb.pt", ModelFileError, "system"),
    ("F18", "faults/bare_bomb.pt", ModelFileError, "no model file"),
    ("F19", "faults/bad_code.pt", ModelFileError, "expected ident"),
    ("F20", "faults/no_elf.pt2", ModelFileError, "library is damaged"),
    ("N05", "faults/silent.pt", ModelFileError, "NoneType"),
]


@pytest.mark.parametrize(("number", "file", "kind", "text"), BAD_FILES)
def test_bad_files_are_refused(good, networks, number, file, kind, text):
    with pytest.raises(kind, match=re.escape(text)):
        Model(networks / file)
    assert not (networks / "faults" / "exploded").exists()


def test_every_truncation_is_refused(good, networks, tmp_path):
    """F08."""
    path = tmp_path / "cut.bin"
    for file in FILES:
        data = (networks / file).read_bytes()
        for end in [*range(0, len(data), 1 + len(data) // 25), len(data) - 1]:
            path.write_bytes(data[:end])
            with pytest.raises((ModelFileError, ContractError)):
                Model(path)


def test_every_flipped_bit_is_refused(good, networks, tmp_path):
    """F09."""
    random = np.random.default_rng(7)
    path = tmp_path / "flipped.bin"
    for file, n_flips in zip(FILES, (300, 30), strict=True):
        data = bytearray((networks / file).read_bytes())
        for place in random.integers(len(data), size=n_flips):
            bit = 1 << int(random.integers(8))
            data[place] ^= bit
            path.write_bytes(data)
            with pytest.raises((ModelFileError, ContractError)):
                Model(path)
            data[place] ^= bit


def test_an_unreadable_file_is_refused(good, tmp_path):
    """F04: root reads it all the same, and finds no archive."""
    path = tmp_path / "secret.pt"
    path.write_text("secret")
    path.chmod(0)
    with pytest.raises(ModelFileError, match=r"Permission denied|no model file"):
        Model(path)


def test_a_package_needs_a_place_to_unpack(good, networks, monkeypatch):
    """F21."""
    monkeypatch.setenv("TMPDIR", "/nonexistent/folder")
    with pytest.raises(ModelFileError, match=r"weighted_float64\.pt2"):
        Model(networks / "weighted_float64.pt2")
    Model(networks / "weighted_float64.pt")


@pytest.mark.parametrize("device", ["gpu", "", "cpu:x", "meta", "cuda:77"])
@pytest.mark.parametrize("file", FILES)
def test_unknown_devices_are_refused(good, networks, file, device):
    """F22."""
    with pytest.raises(DeviceError, match=f"device '{device}"):
        Model(networks / file, device)


def test_no_descriptor_left_is_told(good, networks):
    """F23."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(ModelFileError, match="Too many open files"):
            Model(networks / FILES[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_path_with_a_null_is_no_path(good, networks):
    """F24."""
    with pytest.raises(ModelFileError, match="null character"):
        Model(f"{networks}/{FILES[0]}\0.pt")


def sections() -> dict[str, np.ndarray]:
    room = np.zeros((3, 8))
    read_only = np.zeros((3, 4))
    read_only.flags.writeable = False
    sliding = np.lib.stride_tricks.as_strided(np.zeros(20), (3, 4), (8, 8))
    odd = np.frombuffer(bytearray(97), np.uint8)[1:].view(np.float64).reshape(3, 4)
    uneven = np.ndarray((3, 4), np.float64, bytearray(400), 0, (48, 12))
    return {
        "backwards": room[:, ::-2],
        "read_only": read_only,
        "sliding": sliding,
        "still": np.broadcast_to(np.zeros(4), (3, 4)),
        "odd": odd,
        "uneven": uneven,
    }


# Number, role, name, array, text

BAD_ARRAYS: list[tuple[str, str, str, Callable[[], object], str]] = [
    ("A01", "input", "x", lambda: None, "'x' is a NoneType, expected a NumPy array"),
    ("A01", "input", "x", lambda: [[1.0]], "'x' is a list"),
    ("A02", "input", "x", lambda: np.zeros((3, 4, 1)), "[3, 4, 1], the network expects"),
    ("A02", "input", "x", lambda: np.zeros(()), "shape [], the network expects"),
    ("A03", "input", "x", lambda: np.zeros((1,) * 16), "rank 16, expected 0 to 15"),
    ("A04", "input", "x", lambda: np.zeros((4, 3)), "[4, 3], the network expects [row, 4]"),
    ("A06", "input", "x", lambda: np.zeros((3, 4), "f4"), "float32, the network expects"),
    ("A06", "output", "s", lambda: np.zeros(3, "i8"), "'s' is int64"),
    ("A06", "input", "x", lambda: np.zeros((3, 4), "c16"), "'x' is complex128"),
    ("A06", "input", "x", lambda: np.zeros((3, 4), "O"), "'x' is object"),
    ("A06", "input", "x", lambda: np.zeros((3, 4), ">f8"), "byte order"),
    ("A07", "input", "x", lambda: sections()["backwards"], "byte stride -16"),
    ("A08", "input", "x", lambda: sections()["uneven"], "byte stride 12"),
    ("A09", "output", "y", lambda: sections()["sliding"], "overlaps itself"),
    ("A11", "input", "x", lambda: sections()["odd"], "no multiple of its element's"),
    ("A14", "input", "z", lambda: np.zeros((3, 4)), "no input 'z': the network has 'x'"),
    ("A14", "output", "x", lambda: np.zeros((3, 4)), "no output 'x'"),
    ("A15", "input", "", lambda: np.zeros((3, 4)), "no input ''"),
    ("A15", "input", "a" * 100000, lambda: np.zeros((3, 4)), "no input 'aaa"),
    ("A15", "input", 'it\'s "%s"\n', lambda: np.zeros((3, 4)), "no input 'it's \"%s\"\n'"),
    ("A15", "input", "x\0", lambda: np.zeros((3, 4)), "null character"),
    ("A27", "output", "y", lambda: sections()["read_only"], "'y' is read-only"),
    ("A27", "output", "y", lambda: sections()["still"], "'y' is read-only"),
]


@pytest.mark.parametrize(("number", "role", "name", "array", "text"), BAD_ARRAYS)
@pytest.mark.parametrize("index", [0, 1], ids=FILES)
def test_bad_arrays_are_refused(good, index, number, role, name, array, text):
    with pytest.raises(BindingError, match=re.escape(text)):
        getattr(good[index], f"bind_{role}")(name, array())


@pytest.mark.parametrize("index", [0, 1], ids=FILES)
def test_calls_out_of_order_are_refused(good, networks, index):
    """A10, A12, A16, A17, A20."""
    model = Model(networks / FILES[index])
    x, y, s, scale = np.zeros((3, 4)), np.zeros((3, 4)), np.zeros(3), np.array(0.5)
    with pytest.raises(BindingError, match="input 'x' is not bound"):
        model.run()
    model.bind_input("x", x)
    model.bind_input("scale", scale)
    model.bind_output("y", y)
    model.bind_output("s", y[1, :3])
    with pytest.raises(BindingError, match="outputs 'y' and 's' overlap"):
        model.run()
    model.bind_output("s", s[:2])
    with pytest.raises(BindingError, match="'s' has 'row' = 2, but 'x' has 3"):
        model.run()
    with pytest.raises(BindingError, match="no method 'step'"):
        model.run("step")
    with pytest.raises(BindingError, match="no method 'backward'"):
        model.names("backward")
    with pytest.raises(BindingError, match=r"'x_tl' is float64 of shape \[2, 4\]"):
        model.jvp(x=x, scale=scale, x_tl=x[:2], scale_tl=scale)
    model.bind_output("s", s)
    model.run()


# Number, file, text: networks that fail for 101 and double what is small

RAISING = [
    ("N01", "failing.pt", "x is above 100"),
    ("N02", "faults/hungry.pt", "allocate memory"),
    ("N03", "faults/pointing.pt", "out of bounds"),
]


@pytest.mark.parametrize(("number", "file", "text"), RAISING)
def test_a_failing_network_can_be_called_again(good, networks, number, file, text):
    model = Model(networks / file)
    x, y = np.full((2, 4), 3.0), np.full((2, 4), -1.0)
    model.bind_input("x", x)
    model.bind_output("output_0", y)
    for _ in range(3):
        x[1, 1] = 101
        y[:] = -1
        with pytest.raises(InferenceError, match=text):
            model.run()
        assert (y == -1).all()
        x[1, 1] = 3
        model.run()
        assert (y == 6).all()


WRONG_RESULTS = [
    ("N07", "faults/choosing.pt", "of shape [7], the array bound to it"),
    ("N08", "wider.pt", "of shape [2, 5], the array bound to it"),
    ("N09", "half.pt", "float16 of shape [2, 4], the array bound to it"),
]


@pytest.mark.parametrize(("number", "file", "text"), WRONG_RESULTS)
def test_a_wrong_result_is_not_written(good, networks, number, file, text):
    model = Model(networks / file)
    x, y = np.full((2, 4), 3.0), np.full((2, 4), -1.0)
    x[0, 0] = 0
    model.bind_input("x", x)
    model.bind_output("output_0", y)
    with pytest.raises(BindingError, match=re.escape(text)):
        model.run()
    assert (y == -1).all()


def test_another_width_fails_within(good, networks):
    """N11."""
    model = Model(networks / "faults" / "multiplying.pt")
    model.bind_input("x", np.zeros((4, 2)))
    model.bind_output("output_0", np.zeros((2, 4)))
    with pytest.raises(InferenceError, match=r"cannot be multiplied \(4x2 and 4x4\)"):
        model.run()


def test_nothing_finite_goes_through(good):
    """N13."""
    x = np.tile([np.nan, np.inf, 1.0, 2.0], (3, 1))
    for model in good:
        y = model(x=x, scale=np.array(0.5))["y"]
        assert np.isnan(y[0, 0]) and not np.isfinite(y[0, 1]) and np.isfinite(y[0, 2])


def test_names_may_hold_quotes_and_accents(good, networks):
    """N16."""
    model = Model(networks / "faults" / "quoted.pt")
    with pytest.raises(BindingError, match="the network has 'x \"raw\"'"):
        model.bind_input("x", np.zeros((2, 4)))
    y = model(**{'x "raw"': np.ones((2, 4))})["y 'é'"]
    assert (y == 2).all()


def test_floating_point_errors_are_not_the_hosts(good, networks):
    """P01."""
    model = Model(networks / "wild.pt")
    x, y = np.ones(1000), np.zeros(1000)
    model.bind_input("x", x)
    model.bind_output("output_0", y)
    with np.errstate(all="raise"):
        model.run()
        x + y  # would raise, had the network left its flags
    assert (y == 4).all()


def test_threads_fail_each_for_itself(good, networks):
    """P07, P09."""
    wrong: list[str] = []

    def work(me: int) -> None:
        model = Model(networks / FILES[me % 2])
        for _ in range(100):
            try:
                model.bind_input(f"absent_{me}", np.zeros((3, 4)))
            except BindingError as error:
                if f"'absent_{me}'" not in str(error):
                    wrong.append(str(error))
            else:
                wrong.append("bound")
        goes_on([model])

    threads = [threading.Thread(target=work, args=(me,)) for me in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_forked_child_computes(good):
    """P12."""
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            goes_on(good)
            os._exit(0)
        except BaseException:  # nothing of pytest may run in the child
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


ALONE = """
import sys, numpy as np
from isthmus.bridge import Model
from isthmus.errors import IsthmusError
try:
    Model(sys.argv[1] + "/absent.pt")
except IsthmusError as error:
    reason = str(error)
for file in sys.argv[2:]:
    model = Model(sys.argv[1] + "/" + file)
    y = model(x=np.ones((3, 4)), scale=np.array(0.0))["y"]
    if y[2, 3] != 24 or "No such file" not in reason:
        sys.exit(1)
"""


def test_closed_streams_do_no_harm(networks):
    """P13: no stdin, stdout or stderr at all."""
    command = [sys.executable, "-c", ALONE, str(networks), *FILES]
    script = 'exec "$@" 0<&- 1>&- 2>&-'
    done = subprocess.run(["sh", "-c", script, "sh", *command], check=False)
    assert done.returncode == 0


def test_a_full_disk_is_told(good, networks):
    """P14: no file can be written, so a package cannot be unpacked."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(ModelFileError, match=r"weighted_float64\.pt2"):
            Model(networks / FILES[1])
        Model(networks / FILES[0])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def test_an_uncaught_error_ends_a_program_with_its_text(networks):
    """P16: what `error stop` is to Fortran."""
    program = "import sys; from isthmus.bridge import Model; Model(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", program, str(networks / "absent.pt")],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "ModelFileError" in done.stderr and "No such file" in done.stderr


# The table of docs/faults.md


def numbers_in(*paths: Path) -> set[str]:
    return {n for p in paths for n in re.findall(r"\b[FANPS]\d\d\b", p.read_text())}


def test_the_documented_faults_are_the_provoked_ones():
    rows = re.findall(
        r"^\| ([FANPS]\d\d) \|.*\| ([CFP ]+) \|$",
        (ROOT / "docs" / "faults.md").read_text(),
        re.MULTILINE,
    )
    provoked = {
        "C": numbers_in(*(TESTS / "faults").glob("*.c")),
        "F": numbers_in(*(TESTS / "faults").glob("*.f90")),
        "P": numbers_in(Path(__file__)),
    }
    for letter, numbers in provoked.items():
        told = {number for number, languages in rows if letter in languages.split()}
        assert told <= numbers, f"{letter}: documented, not provoked: {told - numbers}"
        assert len(told) >= 30
    assert set().union(*provoked.values()) <= {number for number, _ in rows}
