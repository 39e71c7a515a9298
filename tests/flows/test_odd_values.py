"""Any value in any place of a config gives a config that can be written, or one sentence."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from flows.config import RunConfig, make_config
from tasks.domain.errors import RestemError, one_sentence
from tasks.domain.visible import visible

ODD = [
    None, True, 0, -1, 1, 2**31, 2**63, 10**30, -(10**30), 10**400, 1e15, "9" * 20, "9" * 5000, 1e-320, 1e308, math.nan, math.inf, -math.inf, 0.5, 3,
    "", " ", "\x00", "\u202e", "a" * 5000, "../..", "/", ":", "a:", ":b", "a.b:c", "a:b:c", "s3://", "s3:///x", "hf:", "1e3", "[]", "\ud800",
    [], [[]], [0], [10**15], [1e15], ["9" * 20], {"a": [10**15]}, [None], ["a", 1], [4, 1], {}, {"a": 1}, [{}],
]  # fmt: skip


def places(model: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the place of every field, sections included."""
    for name, field in model.model_fields.items():
        yield (*above, name)
        kinds = get_args(field.annotation) if isinstance(field.annotation, UnionType) else [field.annotation]
        for kind in kinds:
            if kind is not NoneType and isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from places(kind, (*above, name))


def put(place: tuple[str, ...], value: Any) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    at = tree
    for name in place[:-1]:
        at = at.setdefault(name, {})
    at[place[-1]] = copy.deepcopy(value)
    return tree


@pytest.mark.parametrize("section", RunConfig.model_fields)
def test_an_odd_value_is_a_config_or_a_sentence(section: str) -> None:
    for place in places(RunConfig):
        if place[0] != section:
            continue
        for value in ODD:
            try:
                made = make_config(put(place, value))
            except RestemError as error:
                sentence = one_sentence(error)
                assert sentence == visible(sentence) and len(sentence) <= 1100, (place, value)
            else:
                assert make_config(made.model_dump(mode="json")) == made, (place, value)
                made.model_dump_json()
