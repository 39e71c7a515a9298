"""Declarations are found without a list of them: in a folder of ours, in installed packages, by dotted path."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tasks.domain.errors import UserError
from tasks.domain.registry import Registry
from tests.outside import Outside

SHAPES = """
from tasks.domain.registry import Registry

SHAPES = Registry("shape", sign="shape", folder="{folder}", group="restem.test_shapes")


def shape(name, corners=0):
    return SHAPES.add(name, corners)
"""


@pytest.fixture
def shapes(outside: Outside) -> Registry[int]:
    """A registry over a folder with two files, one of which declares two things; the third must not be imported."""
    outside.module("shapes_base", SHAPES.format(folder="shapes"))
    outside.module("shapes/__init__", "")
    outside.module("shapes/a", 'from shapes_base import shape\nA = shape("square", 4)\nB = shape(\n    "line", 2\n)\n')
    outside.module("shapes/b", 'from shapes_base import shape\nPOINT = shape("point", 1)\n# shape("no") = 1\n')
    outside.module("shapes/c", "raise RuntimeError('imported')\n")
    from shapes_base import SHAPES as found

    return found


def test_declarations_of_a_folder_are_found_without_importing_it(shapes: Registry[int]) -> None:
    assert shapes.names() == ("square", "line", "point")
    assert "shapes.a" not in sys.modules
    assert shapes.get("line") == 2
    assert "shapes.b" not in sys.modules


def test_an_entry_point_and_a_dotted_path_are_found(shapes: Registry[int], outside: Outside) -> None:
    outside.module("elsewhere", "CUBE = 8\n")
    outside.declare("restem.test_shapes", cube="elsewhere:CUBE")
    assert shapes.names()[-1] == "cube"
    assert shapes.get("cube") == shapes.get("elsewhere:CUBE") == shapes.get("elsewhere.CUBE") == 8


@pytest.mark.parametrize(
    "name, said",
    [
        ("oval", "shape 'oval' is not known; choose one of square, line, point"),
        ("no.such:thing", "cannot be imported"),
        ("elsewhere:SPHERE", "cannot be imported"),
    ],
)
def test_what_is_not_there_is_one_sentence(shapes: Registry[int], outside: Outside, name: str, said: str) -> None:
    outside.module("elsewhere", "")
    with pytest.raises(UserError, match=said):
        shapes.get(name)


def test_a_taken_name_is_refused(shapes: Registry[int], outside: Outside) -> None:
    outside.declare("restem.test_shapes", line="elsewhere:LINE")
    with pytest.raises(UserError, match=r"shape 'line' of elsewhere:LINE is declared elsewhere too"):
        shapes.names()


def test_the_outside_leaves_nothing_behind(tmp_path: Path) -> None:
    assert not {"shapes", "elsewhere", "shapes_base"} & set(sys.modules)
