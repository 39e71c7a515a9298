"""A plug-in's code has a name: its version, or the source it rests on within its own package."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.domain.dotted import imported
from tasks.domain.errors import UserError
from tasks.domain.plugin_code import sources_of, version_of
from tests.outside import Outside


@pytest.fixture
def package(outside: Outside) -> Outside:
    outside.module("theirs/__init__", "")
    outside.module(
        "theirs/main",
        "import json\nfrom . import near\nfrom theirs.deep.far import f\n\n\ndef thing():\n    return 1\n",
    )
    outside.module("theirs/near", "X = 1\n")
    outside.module("theirs/deep/__init__", "from ..other import Y\n")
    outside.module("theirs/deep/far", "def f(): ...\n")
    outside.module("theirs/other", "Y = 2\n")
    outside.module("theirs/unrelated", "Z = 3\n")
    return outside


def version() -> str:
    return version_of(imported("theirs.main:thing"), "theirs.main", "thing")


def test_the_sources_are_those_a_module_imports_from_its_own_package(package: Outside) -> None:
    assert set(sources_of("theirs.main", package.folder, "theirs")) == {
        "theirs", "theirs.main", "theirs.near", "theirs.deep", "theirs.deep.far", "theirs.other",
    }  # fmt: skip


@pytest.mark.parametrize("changed", ["main", "near", "deep/far", "other"])
def test_an_edit_of_what_it_rests_on_is_another_version(package: Outside, changed: str) -> None:
    before = version()
    path = package.folder / "theirs" / f"{changed}.py"
    package.module(f"theirs/{changed}", path.read_text() + "# edited\n")
    assert version() != before


def test_an_edit_elsewhere_is_the_same_version(package: Outside) -> None:
    before = version()
    package.module("theirs/unrelated", "Z = 4\n")
    assert version() == before


def test_a_version_of_its_own_stands_for_the_source() -> None:
    def thing() -> None: ...

    thing.version = 3  # type: ignore[attr-defined]
    assert version_of(thing, "no.such.module", "thing") == "3"


@pytest.mark.parametrize("thing", [len, 3])
def test_what_has_neither_is_refused(thing: Any) -> None:
    with pytest.raises(UserError, match="neither a version nor a source file"):
        version_of(thing, "", "reward 'len'")
