"""Problem loaders: built-in arithmetic, GSM8K, MATH, HumanEval, MBPP, APPS, and any table by column mapping.

A source is read from a local file or folder, an fsspec URL (`s3://`, `file://`, `memory://`, `hf://datasets/NAME/FILE`), or
as a Hub data set (`hf:NAME` or `hf:NAME:CONFIG`). Whatever is wrong with it is said before anything expensive starts.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from tasks.data.readers import records_of_hub, records_of_path
from tasks.domain.arithmetic import ARITHMETIC_SPLITS, LEVELS, expressions, solution
from tasks.domain.errors import UserError
from tasks.domain.fingerprint import digest_of_tables, digest_of_text
from tasks.domain.hidden_tests import hold_back
from tasks.domain.records import READERS, Draft, Record
from tasks.domain.schema import Problem, Split, to_table
from tasks.domain.settings import SourceSettings
from tasks.domain.tiny_programs import LEVELS as PROGRAM_LEVELS
from tasks.domain.tiny_programs import PROGRAM_SPLITS, tests_of
from tasks.domain.tiny_programs import solution as program_text
from tasks.domain.tiny_programs import tasks as tiny_tasks

HUB_DEFAULTS = {  # read with datasets 5, which refuses data sets made by a script
    "gsm8k": "openai/gsm8k:main",
    "math": "DigitalLearningGmbH/MATH-lighteval",
    "humaneval": "openai/openai_humaneval",
    "mbpp": "google-research-datasets/mbpp:full",
}
ID_CHARS = 12
MAX_WITHOUT_GOLD = 0.01  # the share of bad golds that a run tolerates by default


@dataclass(frozen=True)
class Loaded:
    """The problems of one source in their final order. `few_tests`: ids of those dropped for fewer than `min_tests` tests."""

    problems: list[Problem]
    few_tests: tuple[str, ...] = ()


def load_problems(settings: SourceSettings, split: Split) -> list[Problem]:
    """The problems of `load_source`."""
    return load_source(settings, split).problems


def load_source(settings: SourceSettings, split: Split) -> Loaded:
    """One source, read and filtered; `split` is its problems' role in the run.

    Raises UserError for a missing file, a wrong column, an unreadable record, a missing gold, equal ids, or nothing left.
    """
    builtin = BUILTIN.get(settings.kind)
    loaded = Loaded(builtin(settings, split)) if builtin else _recorded(settings, split)
    _require_unique(loaded.problems, settings)
    return loaded


def data_revision(settings: SourceSettings, problems: Sequence[Problem]) -> str:
    """Digest of what was loaded: question, gold and tests of every problem, whatever file they came from."""
    return digest_of_tables([to_table(problems, Problem)])


def check_disjoint(train: Iterable[Problem], val: Iterable[Problem], test: Iterable[Problem]) -> None:
    """UserError when one question text stands in two of the three sets."""
    owner: dict[str, Problem] = {}
    for problem in itertools.chain(train, val, test):
        key = " ".join(problem.question.split())
        first = owner.setdefault(key, problem)
        if first.split != problem.split:
            raise UserError(
                f"{first.split} and {problem.split} share a question ({first.id}: {key[:80]!r}); the three sets must be "
                "disjoint, so choose other files, splits, or offset and limit."
            )


def _arithmetic(settings: SourceSettings, split: Split) -> list[Problem]:
    _require_builtin(settings, "arithmetic", ARITHMETIC_SPLITS, LEVELS)
    assert settings.limit is not None
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
        for item in itertools.islice(stream, settings.offset, settings.offset + settings.limit)
    ]


def _programs(settings: SourceSettings, split: Split) -> list[Problem]:
    _require_builtin(settings, "programs", PROGRAM_SPLITS, PROGRAM_LEVELS)
    stream = tiny_tasks(settings.split, settings.shuffle_seed or 0, settings.levels or PROGRAM_LEVELS)
    assert settings.limit is not None
    problems = [
        Problem(
            id=f"programs/{digest_of_text(item.question)[:ID_CHARS]}",
            source="programs",
            split=split,
            kind="code",
            question=item.question,
            tests=tests_of(item),
            level=item.level,
            meta={"solution": program_text(item)},
        )
        for item in itertools.islice(stream, settings.offset, settings.offset + settings.limit)
    ]
    return [hold_back(problem, settings.hidden_tests) for problem in problems]


def _require_builtin(settings: SourceSettings, name: str, splits: Sequence[str], levels: Sequence[str]) -> None:
    """UserError for a split or level that the built-in problems do not have, or without a limit."""
    if settings.split not in splits:
        raise UserError(f"{name} has the splits {', '.join(splits)}, not {settings.split!r}.")
    if unknown := set(settings.levels) - set(levels):
        raise UserError(f"{name} has the levels {', '.join(levels)}, not {', '.join(sorted(unknown))}.")
    if settings.limit is None:
        raise UserError(f"{name} problems never end: set limit to how many are wanted.")


BUILTIN: dict[str, Callable[[SourceSettings, Split], list[Problem]]] = {
    "arithmetic": _arithmetic,
    "programs": _programs,
}


def _recorded(settings: SourceSettings, split: Split) -> Loaded:
    reader = READERS[settings.kind]
    records = [replace(row, columns=settings.columns) for row in _records(settings)]
    drafts = [reader(row) for row in records]
    _require_golds(drafts, records)
    problems = _with_ids(drafts, settings, split)
    wanted = [(draft, problem) for draft, problem in zip(drafts, problems, strict=True) if _wanted(draft, settings)]
    few = tuple(problem.id for draft, problem in wanted if not _enough_tests(draft, settings))
    kept = _without_repeats(problem for draft, problem in wanted if _enough_tests(draft, settings))
    if settings.shuffle_seed is not None:
        random.Random(settings.shuffle_seed).shuffle(kept)
    chosen = kept[settings.offset :][: settings.limit]
    if not chosen:
        raise UserError(
            f"No {settings.kind} problem is left for {split}: {len(drafts)} were read from {_place(settings)}, {len(kept)} pass "
            f"the filters, and offset is {settings.offset}; loosen levels, max_calculations, min_tests or offset."
        )
    return Loaded([hold_back(problem, settings.hidden_tests) for problem in chosen], few)


def _records(settings: SourceSettings) -> list[Record]:
    place = _place(settings)
    if place.startswith("hf:") and not place.startswith("hf://"):
        return records_of_hub(place.removeprefix("hf:"), settings.split, settings.revision)
    return records_of_path(place, settings.split)


def _place(settings: SourceSettings) -> str:
    if settings.path:
        return settings.path
    if settings.kind in HUB_DEFAULTS:
        return f"hf:{HUB_DEFAULTS[settings.kind]}"
    if settings.kind == "apps":
        raise UserError(
            "APPS is a script on the Hub, which datasets no longer runs; set path to its file, for example "
            "hf://datasets/codeparrot/apps/train.jsonl or a local copy."
        )
    raise UserError(f"A {settings.kind} source needs path: a file, a folder, a URL or hf:NAME.")


def _wanted(draft: Draft, settings: SourceSettings) -> bool:
    if settings.levels and draft.level not in settings.levels:
        return False
    return settings.max_calculations is None or (draft.calculations or 0) <= settings.max_calculations


def _enough_tests(draft: Draft, settings: SourceSettings) -> bool:
    return draft.tests_count is None or draft.tests_count >= settings.min_tests


def _with_ids(drafts: Sequence[Draft], settings: SourceSettings, split: Split) -> list[Problem]:
    """A record's own id, else a hash of its question: neither a new order nor a filter changes it."""
    return [
        Problem(
            id=f"{settings.kind}/{draft.own_id or digest_of_text(draft.question)[:ID_CHARS]}",
            source=settings.kind,
            split=split,
            kind=draft.kind,
            question=draft.question,
            gold=draft.gold,
            tests=draft.tests,
            level=draft.level,
            meta=draft.meta,
        )
        for draft in drafts
    ]


def _without_repeats(problems: Iterable[Problem]) -> list[Problem]:
    """The same problem twice (id, question, gold and tests) counts once; the first one stays."""
    first: dict[tuple[str, str, str | None, str | None], Problem] = {}
    for problem in problems:
        first.setdefault((problem.id, problem.question, problem.gold, problem.tests), problem)
    return list(first.values())


def _require_golds(drafts: Sequence[Draft], records: Sequence[Record]) -> None:
    """A few records without gold stay in, for the gold check to name and leave out; more are the wrong file or column."""
    without = [record.where for draft, record in zip(drafts, records, strict=True) if draft.gold == ""]
    if len(without) > MAX_WITHOUT_GOLD * len(drafts):
        raise UserError(
            f"{len(without)} of {len(drafts)} problems have no gold answer, the first is {without[0]}; expected text after "
            "'####' (gsm8k), an answer column or a balanced \\boxed (math), or a filled gold column (table)."
        )


def _require_unique(problems: Sequence[Problem], settings: SourceSettings) -> None:
    counts = Counter(problem.id for problem in problems)
    repeated = [problem_id for problem_id, count in counts.items() if count > 1]
    if repeated:
        raise UserError(
            f"{len(repeated)} ids stand for more than one problem in {settings.path or settings.kind}, the first is "
            f"{repeated[0]!r}; ids must be unique: map another id column, or repair records that contradict each other."
        )
