# SPDX-License-Identifier: MIT
"""What TOML files of `isthmus assimilate`, `tune` and `design` may not say."""

import re

import pytest

from isthmus.errors import ConfigurationError
from isthmus.inverse.campaigns import read_campaign
from isthmus.inverse.design_cases import read_problem
from isthmus.inverse.parameter_cases import make_case

CAMPAIGN = """[model]
n_sites = 40
[twin]
steps = 1
every_site = 1
seeds = [1, 2]
[[scheme]]
name = "filter"
kind = "etkf"
n_members = 20
inflation = 1.0
published = 0.2
"""
DESIGN = """[case]
kind = "lorenz96"
steps = [2, 4]
present_every = 4
[design]
exact = false
[twins]
n = 2
"""


@pytest.mark.parametrize(
    ("said", "instead", "words"),
    [
        ("n_sites = 40", 'n_sites = "40"', "'model.n_sites' must be a whole number"),
        ("n_sites = 40", "n_sites = true", "'model.n_sites' must be a whole number"),
        ("steps = 1", "steps = 0", "'twin.steps' must be at least 1, found 0"),
        ("steps = 1", "steps = 1.5", "'twin.steps' must be a whole number, found 1.5"),
        ("every_site = 1", "every_site = 41", "'twin.every_site' must be 1 to 40"),
        ("[1, 2]", "[]", "'twin.seeds' must be a list that is not empty"),
        ("[1, 2]", "3", "'twin.seeds' must be a list that is not empty, found 3"),
        ("[1, 2]", '[1, "a"]', "'twin.seeds' must be a whole number, found 'a'"),
        ("[1, 2]", "[1, 1]", "'twin.seeds' must differ"),
        ("[1, 2]", "[-1]", "not be negative, found [-1]"),
        ('name = "filter"', "name = 3", "'scheme.name' must be text, found 3"),
        ("published = 0.2", 'published = "x"', "'scheme.published' must be a finite"),
        ("n_members = 20", "n_members = 2.5", "'filter': 'n_members' must be a whole"),
        ("inflation = 1.0", "inflation = nan", "'filter': 'inflation' must be a finite"),
    ],
)
def test_campaigns_refuse_by_key(tmp_path, said, instead, words):
    path = tmp_path / "campaign.toml"
    path.write_text(CAMPAIGN)
    assert len(read_campaign(path).entries) == 1
    path.write_text(CAMPAIGN.replace(said, instead, 1))
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        read_campaign(path)


@pytest.mark.parametrize(
    ("said", "instead", "words"),
    [
        ("steps = [2, 4]", "steps = [2.5]", "'case.steps' must be a whole number"),
        ("present_every = 4", "present_every = 41", "must be 0 (none) to 40, found 41"),
        ("present_every = 4", "prior_sd = 0", "'case.prior_sd' must be positive, found 0"),
        ("present_every = 4", "noise_sd = -1.0", "'case.noise_sd' must be positive"),
        ("exact = false", "exact = 1", "'design.exact' must be true or false, found 1"),
        ("n = 2", "n = -1", "'twins.n' must not be negative, found -1"),
    ],
)
def test_designs_refuse_by_key(tmp_path, said, instead, words):
    path = tmp_path / "design.toml"
    path.write_text(DESIGN)
    assert read_problem(path).twins["n"] == 2
    path.write_text(DESIGN.replace(said, instead, 1))
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        read_problem(path)


@pytest.mark.parametrize(
    ("model", "window", "words"),
    [
        ({"n_sites": "40"}, {}, "'model.n_sites' must be a whole number, found '40'"),
        ({"dt": True}, {}, "'model.dt' must be a finite number, found True"),
        ({}, {"n_steps": True}, "'window.n_steps' must be a whole number, found True"),
        ({}, {"sd": "wide"}, "'window.sd' must be a finite number, found 'wide'"),
    ],
)
def test_tunings_refuse_by_key(model, window, words):
    make_case({"kind": "lorenz96"}, {"n_steps": 4})
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        make_case({"kind": "lorenz96", **model}, {"n_steps": 4, **window})
