"""Built-in programming tasks for a tiny model, each with tests."""

from __future__ import annotations

import itertools

from tasks.data.loader import loader, require_choices
from tasks.domain.fingerprint import digest_of_text
from tasks.domain.hidden_tests import hold_back
from tasks.domain.schema import Problem, Split
from tasks.domain.settings import SourceSettings
from tasks.domain.tiny_programs import LEVELS, PROGRAM_SPLITS, solution, tasks, tests_of

ID_CHARS = 12


def make(settings: SourceSettings, split: Split) -> list[Problem]:
    limit = require_choices(settings, "programs", PROGRAM_SPLITS, LEVELS)
    stream = tasks(settings.split, settings.shuffle_seed or 0, settings.levels or LEVELS)
    problems = [
        Problem(
            id=f"programs/{digest_of_text(item.question)[:ID_CHARS]}",
            source="programs",
            split=split,
            kind="code",
            question=item.question,
            tests=tests_of(item),
            level=item.level,
            meta={"solution": solution(item)},
        )
        for item in itertools.islice(stream, settings.offset, settings.offset + limit)
    ]
    return [hold_back(problem, settings.hidden_tests) for problem in problems]


LOADER = loader("programs", make=make, runs_tests=True)
