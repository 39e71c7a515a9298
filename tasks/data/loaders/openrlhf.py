"""OpenRLHF's layout: the prompt under `input` (or `prompt`, or `context_messages`), the gold under `label`.

OpenRLHF names both by its options --input_key and --label_key; other names are mapped by `columns`.
"""

from __future__ import annotations

from tasks.data.loader import loader
from tasks.domain.drafts import Draft, Record, level_text, own_id

PROMPTS = ("input", "prompt", "context_messages", "question")
LABELS = ("label", "answer")


def read(record: Record) -> Draft:
    asked = record.asked(*PROMPTS)
    record.require_column(*LABELS)
    source = record.optional("datasource")
    return Draft(
        "math",
        asked.question,
        gold=record.gold(*LABELS),
        level=level_text(record.optional("level", "difficulty")),
        own_id=own_id(record),
        meta={"data_source": source} if source else {},
        chat=asked.chat,
    )


LOADER = loader(
    "openrlhf", read=read, needs_path="OpenRLHF's layout needs path: a file of your own, or hf:NAME of a data set."
)
