"""GSM8K (Cobbe et al., arXiv 2110.14168): word problems, the gold after `####`."""

from __future__ import annotations

import re

from tasks.data.loader import loader
from tasks.domain.drafts import Draft, Record, own_id


def read(record: Record) -> Draft:
    """Read one record: the gold is the text after `####`, the level is the number of `<<a=b>>` calculations."""
    answer = record.text("answer", "gold")
    gold = answer.rsplit("####", 1)[1].strip() if "####" in answer else ""
    calculations = answer.count("<<")
    solution = re.sub(r"<<[^<>]*>>", "", answer)
    asked = record.asked("question")
    return Draft(
        "math",
        asked.question,
        gold=gold,
        level=str(calculations),
        own_id=own_id(record),
        meta={"solution": solution},
        calculations=calculations,
        chat=asked.chat,
    )


LOADER = loader("gsm8k", read=read, hub="openai/gsm8k:main", license="MIT")
