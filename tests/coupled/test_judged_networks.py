# SPDX-License-Identifier: MIT
"""The whole judgement in Fortran: a closure spoilt on purpose does not get through."""

from pathlib import Path

import pytest
import torch

from isthmus.couple.criteria import Verdict
from isthmus.couple.lorenz96 import Trial, judge_networks
from isthmus.export import export_network
from isthmus.nets import PolynomialClosure

# A fit of degree one to long runs (Rasp 2020 has -0.2 - 0.31 x), and half of it.
GOOD, SPOILT = (-0.163, -0.321), (-0.08, -0.16)
TRIAL = Trial(
    n_steps=8000,
    n_members=64,
    chunk_steps=4000,
    spin_up_steps=500,
    forecast_members=50,
    forecast_steps=200,
    n_parallel=2,
)


@pytest.mark.slow
def test_spoilt_closure_fails_and_sound_one_does_not(tmp_path: Path) -> None:
    networks = {}
    for name, coefficients in {"sound": GOOD, "spoilt": SPOILT}.items():
        networks[name] = tmp_path / f"{name}.pt"
        export_network(
            PolynomialClosure(coefficients).eval(),
            networks[name],
            inputs={"x": torch.randn(4, 36, dtype=torch.float64)},
            outputs=["b"],
            dynamic={"member": 0},
            training_range={"x": (-15.0, 18.0)},
            progress=False,
        )
    report = judge_networks(networks, TRIAL, tmp_path / "runs")
    verdicts = {run.run.name: run.verdict for run in report.candidates}
    assert verdicts["spoilt"] is Verdict.FAIL
    assert verdicts["sound"] is not Verdict.FAIL
    assert report.control is not None and report.control.verdict is Verdict.FAIL
    failed = next(run for run in report.candidates if run.run.name == "spoilt")
    assert "sd_error" in {f.key for f in failed.findings if f.verdict is Verdict.FAIL}
