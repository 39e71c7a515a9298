"""MATH (Hendrycks et al., arXiv 2103.03874): competition problems, the gold in the last box of the solution."""

from __future__ import annotations

from tasks.data.loader import loader
from tasks.domain.drafts import Draft, Record, level_text, own_id
from tasks.domain.rewards.extraction import boxes


def read(record: Record) -> Draft:
    """Read one record: the gold is the answer column, else the last balanced `\\boxed` of the solution."""
    answer, solution = record.optional("answer", "gold"), record.optional("solution")
    record.require_column("answer", "gold", "solution")
    gold = record.gold("answer", "gold") if answer is not None else boxes(str(solution or "")) or ""
    asked = record.asked("problem", "question")
    meta = {"type": record.optional("type", "subject"), "solution": solution}
    return Draft(
        "math",
        asked.question,
        gold=gold,
        level=level_text(record.optional("level", "difficulty")),
        own_id=own_id(record, "unique_id"),
        meta={key: value for key, value in meta.items() if value},
        chat=asked.chat,
    )


LOADER = loader("math", read=read, hub="DigitalLearningGmbH/MATH-lighteval", license="MIT")
