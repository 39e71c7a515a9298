"""MBPP (Austin et al., arXiv 2108.07732): short functions, checked by the asserts that the question shows."""

from __future__ import annotations

import re

from tasks.data.loader import loader
from tasks.domain.drafts import Draft, Record, json_text, own_id

WRAPPERS = {"assert", "set", "sorted", "list", "tuple", "str", "int", "float", "len", "round", "isclose", "abs", "not"}


def read(record: Record) -> Draft:
    """Read one record; the asserts become part of the question, because only they tell the function's name."""
    asserts = [str(line).strip() for line in record.required("test_list")]
    setup = [str(record.optional("test_setup_code") or ""), *(record.optional("test_imports") or [])]
    shown = f"It must pass {'this test' if len(asserts) == 1 else 'these tests'}:"
    solution = str(record.optional("code") or "").replace("\r\n", "\n")
    return Draft(
        "code",
        "\n".join([record.text("text", "prompt", "question"), shown, *asserts]),
        tests=json_text(
            {
                "prompt": "",
                "test": "\n".join([*filter(None, setup), *asserts]),
                "entry_point": _called_function(asserts),
            }
        ),
        own_id=own_id(record, "task_id"),
        meta={"solution": solution} if solution else {},
        tests_count=len(asserts),
    )


def _called_function(asserts: list[str]) -> str | None:
    """Return the first function called in the first assert, skipping plain wrappers around the call."""
    names = re.findall(r"([A-Za-z_]\w*)\s*\(", asserts[0]) if asserts else []
    return next((name for name in names if name not in WRAPPERS), None)


LOADER = loader("mbpp", read=read, hub="google-research-datasets/mbpp:full", runs_tests=True, license="CC-BY-4.0")
