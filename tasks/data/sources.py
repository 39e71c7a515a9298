"""Loads sets of problems: what a loader makes or reads is filtered, ordered and checked.

A source is read from a local file or folder, an fsspec URL (`s3://`, `file://`, `memory://`, `hf://datasets/NAME/FILE`), or
as a Hub data set (`hf:NAME` or `hf:NAME:CONFIG`). Every fault of a source is reported before anything expensive starts.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tasks.data.loader import Loader, loader_named
from tasks.data.readers import records_of_hub, records_of_path
from tasks.domain.drafts import Draft, Record
from tasks.domain.errors import UserError, one_sentence
from tasks.domain.fingerprint import canonical, digest_of, digest_of_problems, digest_of_text
from tasks.domain.hidden_tests import hold_back
from tasks.domain.schema import Problem, Split
from tasks.domain.settings import SourceSettings

ID_CHARS = 12
MAX_WITHOUT_GOLD = 0.01  # the share of bad golds that a run tolerates by default (data.max_bad_gold_share)


@dataclass(frozen=True)
class Loaded:
    """This record holds the problems of one source in their final order; `few_tests` are the ids of those dropped for too few tests."""

    problems: list[Problem]
    few_tests: tuple[str, ...] = ()


def load_problems(settings: SourceSettings, split: Split) -> list[Problem]:
    """Return only the problems of `load_source`."""
    return load_source(settings, split).problems


def load_source(settings: SourceSettings, split: Split, max_without_gold: float = MAX_WITHOUT_GOLD) -> Loaded:
    """Read and filter one source; `split` is its problems' role in the run (train, val or test).

    Records without a gold stay up to the share `max_without_gold`: the check of golds names them and leaves them out of train.

    Raises UserError for a missing file, a wrong column, an unreadable record, a missing gold, equal ids, or nothing left.
    """
    loader = loader_named(settings.kind)
    loaded = (
        Loaded(loader.make(settings, split)) if loader.make else _recorded(loader, settings, split, max_without_gold)
    )
    _require_unique(loaded.problems, settings)
    return loaded


def data_revision(settings: SourceSettings, problems: Sequence[Problem]) -> str:
    """Return a digest of the loaded content: question, gold and tests of every problem, whatever file they came from."""
    return digest_of_problems(problems)


def check_disjoint(
    train: Iterable[Problem], val: Iterable[Problem], test: Iterable[Problem], tested: str = "test"
) -> None:
    """Raise UserError when two of the three sets share a question text; `tested` is the name of the third."""
    owner: dict[str, Problem] = {}
    for problem in itertools.chain(train, val, test):
        key = " ".join(problem.question.split())
        first = owner.setdefault(key, problem)
        if first.split != problem.split:
            names = [tested if one.split == "test" else one.split for one in (first, problem)]
            raise UserError(
                f"{' and '.join(names)} share a question ({first.id}: {key[:80]!r}); the three sets must be "
                "disjoint, so choose other files, splits, or offset and limit."
            )


def _recorded(loader: Loader, settings: SourceSettings, split: Split, max_without_gold: float) -> Loaded:
    assert loader.read is not None
    unread = sorted(settings.columns.keys() - set(loader.fields)) if loader.fields else []
    if unread:
        raise UserError(
            f"columns maps {unread[0]!r}, which a {loader.name} does not read; it reads {', '.join(loader.fields)}."
        )
    records = [replace(row, columns=settings.columns) for row in _records(loader, settings)]
    drafts = [_draft(loader, row) for row in records]
    _require_golds(drafts, records, max_without_gold)
    problems = _with_ids(drafts, loader.name, split)
    wanted = [(draft, problem) for draft, problem in zip(drafts, problems, strict=True) if _wanted(draft, settings)]
    few = tuple(problem.id for draft, problem in wanted if not _enough_tests(draft, settings))
    kept = _without_repeats(problem for draft, problem in wanted if _enough_tests(draft, settings))
    if settings.shuffle_seed is not None:
        random.Random(settings.shuffle_seed).shuffle(kept)
    chosen = kept[settings.offset :][: settings.limit]
    if not drafts:
        raise UserError(
            f"No {settings.kind} problem is left for {split}: 0 were read from {_place(loader, settings)}; it is empty, set path to another."
        )
    if not chosen:
        raise UserError(
            f"No {settings.kind} problem is left for {split}: {len(drafts)} were read from {_place(loader, settings)}, {len(kept)} pass "
            f"the filters, and offset is {settings.offset}; loosen levels, max_calculations, min_tests or offset."
        )
    return Loaded([hold_back(problem, settings.hidden_tests) for problem in chosen], few)


def _draft(loader: Loader, row: Record) -> Draft:
    """Read one record. A loader meets what people bring: a value of another form than it knows is a fault of the record."""
    assert loader.read is not None
    try:
        return loader.read(row)
    except UserError as fault:
        if row.where in str(fault):
            raise
        raise UserError(f"{row.where}: {fault}") from fault
    except (AttributeError, TypeError, LookupError, ValueError) as error:
        raise UserError(
            f"{row.where} cannot be read as {loader.name} ({type(error).__name__}: {one_sentence(error)}); it has the columns "
            f"{', '.join(map(str, row.data))}: compare it with what that loader reads."
        ) from error


def _records(loader: Loader, settings: SourceSettings) -> list[Record]:
    place = _place(loader, settings)
    if place.startswith("hf:") and not place.startswith("hf://"):
        return records_of_hub(place.removeprefix("hf:"), settings.split, settings.revision)
    return records_of_path(place, settings.split)


def _place(loader: Loader, settings: SourceSettings) -> str:
    if settings.path:
        return settings.path
    if loader.hub:
        return f"hf:{loader.hub}"
    raise UserError(loader.needs_path or f"A {loader.name} source needs path: a file, a folder, a URL or hf:NAME.")


def _wanted(draft: Draft, settings: SourceSettings) -> bool:
    if settings.levels and draft.level not in settings.levels:
        return False
    return settings.max_calculations is None or (draft.calculations or 0) <= settings.max_calculations


def _enough_tests(draft: Draft, settings: SourceSettings) -> bool:
    return draft.tests_count is None or draft.tests_count >= settings.min_tests


def _with_ids(drafts: Sequence[Draft], source: str, split: Split) -> list[Problem]:
    """Give each problem its record's own id, else a hash of its question, which neither a new order nor a filter changes."""
    return [
        Problem(
            id=f"{source}/{draft.own_id or _digest_of_question(draft)[:ID_CHARS]}",
            source=source,
            split=split,
            kind=draft.kind,
            question=draft.question,
            gold=draft.gold,
            tests=draft.tests,
            level=draft.level,
            meta=draft.meta,
            chat=draft.chat,
        )
        for draft in drafts
    ]


def _digest_of_question(draft: Draft) -> str:
    return digest_of([draft.question, draft.chat]) if draft.chat else digest_of_text(draft.question)


def _without_repeats(problems: Iterable[Problem]) -> list[Problem]:
    """Keep only the first of equal problems (id, question with its conversation, gold and tests)."""
    first: dict[tuple[str, str, str, str | None, str | None], Problem] = {}
    for problem in problems:
        first.setdefault((problem.id, problem.question, canonical(problem.chat), problem.gold, problem.tests), problem)
    return list(first.values())


def _require_golds(drafts: Sequence[Draft], records: Sequence[Record], share: float) -> None:
    """Keep a few records without gold, which the gold check names and leaves out; UserError for more: the file or column is wrong."""
    without = [record.where for draft, record in zip(drafts, records, strict=True) if draft.gold == ""]
    if len(without) > share * len(drafts) or len(without) == len(drafts) > 0:
        raise UserError(
            f"{len(without)} of {len(drafts)} problems have no gold answer, the first is {without[0]}; expected text after "
            "'####' (gsm8k), an answer column or a balanced \\boxed (math, numina), or a filled gold column (table); "
            f"at most {share:.1%} may be without one (data.max_bad_gold_share)."
        )


def _require_unique(problems: Sequence[Problem], settings: SourceSettings) -> None:
    counts = Counter(problem.id for problem in problems)
    repeated = [problem_id for problem_id, count in counts.items() if count > 1]
    if repeated:
        raise UserError(
            f"{len(repeated)} ids stand for more than one problem in {settings.path or settings.kind}, the first is "
            f"{repeated[0]!r}; ids must be unique: map another id column, or repair records that contradict each other."
        )
