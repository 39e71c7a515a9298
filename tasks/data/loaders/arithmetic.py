"""Built-in arithmetic: as many exercises as wanted, in splits that share none."""

from __future__ import annotations

import itertools

from tasks.data.loader import loader, require_choices
from tasks.domain.arithmetic import ARITHMETIC_SPLITS, LEVELS, expressions, solution
from tasks.domain.schema import Problem, Split
from tasks.domain.settings import SourceSettings


def make(settings: SourceSettings, split: Split) -> list[Problem]:
    limit = require_choices(settings, "arithmetic", ARITHMETIC_SPLITS, LEVELS)
    stream = expressions(settings.split, settings.shuffle_seed or 0, settings.levels or LEVELS)
    return [
        Problem(
            id=f"arithmetic/{item.a}{item.operator}{item.b}",
            source="arithmetic",
            split=split,
            kind="math",
            question=item.question,
            gold=str(item.gold),
            level=item.level,
            meta={"solution": solution(item)},
        )
        for item in itertools.islice(stream, settings.offset, settings.offset + limit)
    ]


LOADER = loader("arithmetic", make=make)
