"""Reads people's labels from the JSON lines that the labelling page downloads, and turns them into rates and corrections."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.domain.audit import Rates
from tasks.domain.errors import UserError
from tasks.domain.statistics import wilson

LABELS = ("right", "wrong", "unsure")


@dataclass(frozen=True)
class Said:
    """A person's label of a text, beside the grader's verdict."""

    problem_id: str
    text: str  # digest
    label: str
    accepted: bool

    @property
    def against(self) -> bool:
        """Return whether the person and the grader disagree."""
        return self.label != "unsure" and (self.label == "right") != self.accepted


def read_labels(path: str | Path) -> dict[tuple[str, str], str]:
    """Return (problem id, digest of the text) -> label. UserError for a file or a line of another kind, or two different labels
    of one text."""
    file = Path(path)
    if not file.is_file():
        raise UserError(f"there is no file {path}; expected the labels that the page of `restem audit` downloads")
    found: dict[tuple[str, str], str] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8-sig").splitlines(), 1):
        if line.strip():
            key, label = _label(line, f"{path} line {number}")
            if found.setdefault(key, label) != label:
                raise UserError(
                    f"{path} line {number} calls a sample of {key[0]} {label}, an earlier line {found[key]}"
                )
    return found


def _label(line: str, where: str) -> tuple[tuple[str, str], str]:
    try:
        row = json.loads(line)
        key, label = (str(row["problem"]), str(row["text"])), row["label"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(
            f"{where} has no problem, text and label ({error!r}); expected what the page downloads"
        ) from error
    if label not in LABELS:
        raise UserError(f"{where} has the label {label!r}; expected one of {', '.join(LABELS)}")
    return key, label


def rates_of(said: Sequence[Said]) -> Rates:
    """Return the two error rates with 95 % intervals: one among labelled accepted samples, one among labelled refused samples, each
    drawn at random."""
    sure = [one for one in said if one.label != "unsure"]
    accepted, refused = [one for one in sure if one.accepted], [one for one in sure if not one.accepted]
    wrongly = [sum(one.against for one in side) for side in (accepted, refused)]
    return Rates(
        len(accepted), wrongly[0], len(refused), wrongly[1], len(said) - len(sure),
        wilson(wrongly[0], len(accepted)), wilson(wrongly[1], len(refused)),
    )  # fmt: skip


def corrections_of(said: Sequence[Said]) -> list[Mapping[str, str]]:
    """Return the lines of a corrections file that overrule the grader where a person disagrees."""
    return [
        {"problem": one.problem_id, "text": one.text, "label": "correct" if one.label == "right" else "wrong"}
        for one in said
        if one.against
    ]
