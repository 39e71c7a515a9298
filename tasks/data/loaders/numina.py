"""NuminaMath (AI-MO, Project Numina): the gold stands in the last box of `solution`, from version 1.5 on also in `answer`.

Rows that ask for a proof, or whose answer was not found, have no gold.
"""

from __future__ import annotations

from tasks.data.loader import loader
from tasks.domain.drafts import Draft, Record, own_id
from tasks.domain.rewards.extraction import boxes

NO_ANSWER = ("", "proof", "notfound")


def read(record: Record) -> Draft:
    record.require_column("answer", "solution")
    solution = record.text("solution") if record.optional("solution") is not None else ""
    asked = record.asked("problem")
    meta = {name: record.optional(name) for name in ("source", "problem_type", "question_type")}
    return Draft(
        "math",
        asked.question,
        gold=_gold(record, solution),
        own_id=own_id(record),
        meta={key: value for key, value in {**meta, "solution": solution}.items() if value},
        chat=asked.chat,
    )


def _gold(record: Record, solution: str) -> str:
    answer = record.gold("answer")
    if answer.lower() not in NO_ANSWER:
        return answer
    return "" if answer.lower() == "proof" else boxes(solution) or ""


LOADER = loader("numina", read=read, hub="AI-MO/NuminaMath-CoT")
