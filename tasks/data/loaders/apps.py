"""APPS (Hendrycks et al., arXiv 2105.09938): whole programs or functions, checked by inputs and outputs."""

from __future__ import annotations

from tasks.data.loader import loader
from tasks.domain.drafts import Draft, Record, json_text, level_text, own_id, parsed_json
from tasks.domain.errors import UserError

MOST_SOLUTIONS = 10  # kept of a problem's solutions by people: enough to find one that passes its tests


def read(record: Record) -> Draft:
    """Read one record; `input_output` and `solutions` are JSON text in the original files and objects in some copies."""
    cases = parsed_json(record.required("input_output", "tests") or "{}", record.where)
    solutions = [str(one) for one in parsed_json(record.optional("solutions") or "[]", record.where)]
    inputs, outputs = cases.get("inputs") or [], cases.get("outputs") or []
    if len(inputs) != len(outputs):
        raise UserError(
            f"{record.where}: found {len(inputs)} inputs but {len(outputs)} outputs; expected as many of each."
        )
    tests = {"inputs": inputs, "outputs": outputs, "fn_name": cases.get("fn_name")}
    meta = {"starter_code": record.optional("starter_code"), "solution": next(iter(solutions), None),
            "solutions": solutions[1:MOST_SOLUTIONS]}  # fmt: skip
    return Draft(
        "code",
        record.text("question"),
        tests=json_text({key: value for key, value in tests.items() if value is not None}),
        level=level_text(record.optional("difficulty", "level")),
        own_id=own_id(record, "problem_id"),
        meta={key: value for key, value in meta.items() if value},
        tests_count=len(inputs),
    )


LOADER = loader(
    "apps",
    read=read,
    needs_path=(
        "APPS is a script on the Hub, which datasets no longer runs; set path to its file, for example "
        "hf://datasets/codeparrot/apps/train.jsonl or a local copy."
    ),
    runs_tests=True,
    license="MIT",
)
