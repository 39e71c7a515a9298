"""Finds test problems whose wording also stands in a train problem: shared runs of 13 words, as GPT-3's authors searched.

(Brown et al., arXiv 2005.14165, appendix C: 13-grams, those that occur in more than 10 documents left out, because they are
a data set's phrases.) A question of fewer words is a hit where the whole of it is a train question.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tasks.domain.errors import UserError
from tasks.domain.schema import Problem

WORDS = 13
COMMON = 10  # a run of words in more train problems than this is a phrase of the data set


@dataclass(frozen=True)
class Overlap:
    """A test problem, the first train problem that shares words with it, and the words."""

    test_id: str
    train_id: str
    words: str


def overlaps(train: Sequence[Problem], test: Sequence[Problem]) -> list[Overlap]:
    """Return the test problems that share a run of words with a train problem, in the order of `test`."""
    sought = {run for problem in test for run in _runs(problem.question)}
    holders: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for problem in train:
        for run in set(_runs(problem.question)) & sought:
            holders[run].append(problem.id)
    found = ((problem, _shared(problem, holders)) for problem in test)
    return [Overlap(problem.id, holders[run][0], " ".join(run)) for problem, run in found if run is not None]


def check_contamination(
    train: Sequence[Problem], test: Sequence[Problem], most_share: float, tested: str = "test"
) -> tuple[str, ...]:
    """Return a note that lists the hits, or nothing where there are none; UserError above `most_share` of the test problems.

    `tested` is the name of their set.
    """
    hits = overlaps(train, test)
    if not hits:
        return ()
    listed = ", ".join(f"{hit.test_id} ({hit.train_id})" for hit in hits[:20])
    told = f"{len(hits)} of {len(test)} {tested} problems share {WORDS} words in a row, or their whole question, with a train problem"
    if len(hits) > most_share * len(test):
        raise UserError(
            f"{told}: {listed}; data.max_contaminated_share is {most_share:g}. Take them out (docs/audit.md: drop), or raise it and "
            "say so beside the result"
        )
    return (f"{told}: {listed}",)


def _shared(problem: Problem, holders: dict[tuple[str, ...], list[str]]) -> tuple[str, ...] | None:
    return next((run for run in _runs(problem.question) if 0 < len(holders.get(run, ())) <= COMMON), None)


def _runs(text: str) -> Iterator[tuple[str, ...]]:
    """Yield every run of `WORDS` words in lower case without punctuation; the whole of a shorter text."""
    words = re.findall(r"\w+", text.lower())
    if len(words) < WORDS:
        yield ("", *words)  # marked, so that a short text is not found inside a long one's run
        return
    for start in range(len(words) - WORDS + 1):
        yield tuple(words[start : start + WORDS])
