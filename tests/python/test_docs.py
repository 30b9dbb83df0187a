# SPDX-License-Identifier: MIT
"""Pages lead somewhere: links to files that exist, names of tests that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
)
TESTS = [
    p
    for p in (ROOT / "tests").rglob("*")
    if p.suffix in {".py", ".c", ".cpp", ".f90", ".sh"}
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page):
    links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text())
    absent = [link for link in links if not (page.parent / link).exists()]
    assert absent == []


def test_tests_named_for_promises_exist():
    text = (ROOT / "docs" / "tests.md").read_text()
    files = {path.stem for path in TESTS}
    assert set(re.findall(r"`(test_\w+)`", text)) <= files
    words = {word for path in TESTS for word in re.findall(r"\w+", path.read_text())}
    groups = re.findall(r"\((\w+_\w+[\w, ]*)\)", text)
    cases = [name for group in groups for name in group.split(", ")]
    assert set(cases) - words == set()
    assert len(cases) > 10
