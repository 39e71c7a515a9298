"""HumanEval (Chen et al., arXiv 2107.03374): a function's head to complete, checked by asserts."""

from __future__ import annotations

from tasks.data.loader import loader
from tasks.domain.drafts import Draft, Record, json_text, own_id


def read(record: Record) -> Draft:
    prompt, entry_point = record.required("prompt"), record.text("entry_point")
    test = f"{record.text('test')}\n\ncheck({entry_point})\n"
    solution = record.optional("canonical_solution")
    return Draft(
        "code",
        str(prompt),
        tests=json_text({"prompt": prompt, "test": test, "entry_point": entry_point}),
        own_id=own_id(record, "task_id").removeprefix("HumanEval/"),
        meta={"solution": solution} if solution else {},
        tests_count=test.count("assert "),
    )


LOADER = loader("humaneval", read=read, hub="openai/openai_humaneval", runs_tests=True, license="MIT")
