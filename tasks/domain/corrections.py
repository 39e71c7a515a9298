"""A person's corrections of a data set and its grader: a file of JSON lines that a config names (`data.corrections = "FILE"`).

    {"problem": "gsm8k/0a1b2c", "gold": "42"}                                     this gold is wrong (or "tests", for code)
    {"problem": "gsm8k/0a1b2c", "drop": true}                                     this problem goes
    {"problem": "gsm8k/0a1b2c", "text": "9f86d081884c7d65", "label": "correct"}   the verdict on this text is overruled

`text` is the digest of the completion, so that the same text is judged alike wherever it is drawn again. `restem audit RUN --labels
FILE --corrections FILE` writes such lines from labels. Other keys (a note, a name) stay unread.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tasks.domain.errors import UserError
from tasks.domain.fingerprint import digest_of_text
from tasks.domain.schema import Problem, Verdict
from tasks.domain.settings import Overruled, ProblemCorrection

PROBLEM_KEYS, VERDICT_KEYS = ("gold", "tests", "drop"), ("text", "label")


@dataclass(frozen=True)
class Corrections:
    """What a file holds: corrected problems, and overruled verdicts."""

    problems: tuple[ProblemCorrection, ...]
    overruled: tuple[Overruled, ...]


def read_corrections(path: str | Path) -> Corrections:
    """Read a file of corrections; UserError for a missing file, or a line that is no correction."""
    file = Path(path)
    if not file.is_file():
        raise UserError(f"data.corrections {str(path)!r} does not exist; name a file of JSON lines, or leave it out")
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    found = [_correction(line, f"{path} line {number}") for number, line in enumerate(lines, 1) if line.strip()]
    return Corrections(
        tuple(one for one in found if isinstance(one, ProblemCorrection)),
        tuple(one for one in found if isinstance(one, Overruled)),
    )


def _correction(line: str, where: str) -> ProblemCorrection | Overruled:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where} is not JSON ({error}); expected one correction a line") from error
    given = {name for name in (*PROBLEM_KEYS, *VERDICT_KEYS) if isinstance(row, dict) and name in row}
    if not isinstance(row, dict) or not given or (given & {*VERDICT_KEYS} and given & {*PROBLEM_KEYS}):
        raise UserError(f"{where}: expected problem with gold, tests, drop, or with text and label; found {line[:100]}")
    known = {name: row[name] for name in ("problem", *given) if name in row}
    if not isinstance(known.get("tests", ""), str):
        known["tests"] = json.dumps(known["tests"], ensure_ascii=False)
    try:
        return (Overruled if given & {*VERDICT_KEYS} else ProblemCorrection).model_validate(known)
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"{where}: {'.'.join(map(str, first['loc'])) or 'the line'}: {first['msg']}") from error


def corrected(problems: Sequence[Problem], corrections: Sequence[ProblemCorrection]) -> list[Problem]:
    """Return the problems with corrected golds and tests, without dropped ones."""
    by_id = {one.problem: one for one in corrections}
    made = (_corrected(problem, by_id.get(problem.id)) for problem in problems)
    return [problem for problem in made if problem is not None]


def _corrected(problem: Problem, correction: ProblemCorrection | None) -> Problem | None:
    if correction is None:
        return problem
    if correction.drop:
        return None
    changes: dict[str, Any] = {
        name: value for name in ("gold", "tests") if (value := getattr(correction, name)) is not None
    }
    return replace(problem, **changes)


class Rulings:
    """These are the verdicts on some problems that a person overruled."""

    def __init__(self, overruled: Sequence[Overruled], ids: Sequence[str]) -> None:
        wanted = set(ids)
        self._labels = {(one.problem, one.text): one.label for one in overruled if one.problem in wanted}

    def content(self) -> Mapping[str, Any]:
        """Return what belongs into a key: nothing where nothing is overruled, so that all other verdicts stay valid."""
        return {"overruled": sorted([*place, label] for place, label in self._labels.items())} if self._labels else {}

    def applied(self, verdict: Verdict, text: str) -> Verdict:
        """Return the verdict or, where a person overruled it, theirs; the evidence keeps what the grader said."""
        label = self._labels.get((verdict.problem_id, digest_of_text(text))) if self._labels else None
        if label is None or label == verdict.label:
            return verdict
        evidence = {**verdict.evidence, "overruled": verdict.label}
        return replace(verdict, label=label, reward=1.0 if label == "correct" else 0.0, evidence=evidence)
