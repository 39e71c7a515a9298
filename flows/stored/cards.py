"""The card of an exported policy, as the Hub reads it: base, data sets, licence, scores and recipe, then the origin and the table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import isnan
from pathlib import Path
from typing import Any

from flows.stored.trace import ModelTrace
from tasks.data.loader import loader_named
from tasks.domain.errors import UserError
from tasks.domain.run_result import IterationResult, RunResult
from tasks.report import as_markdown
from tasks.report.tables import estimate
from tasks.report.text import percent

RECIPE = ("generate", "materialize", "finetune", "evaluate", "loop")
LICENSE_UNKNOWN = (
    "The base's licence is not known here: read it where the base comes from, and name it with `restem export --license` before "
    "publishing these weights."
)


def model_card(result: RunResult, trace: ModelTrace, license: str | None = None) -> str:
    """Return the card. `license` is the base's; None: what the base's own card says, if it lies in the base's folder."""
    from huggingface_hub import ModelCardData

    config = result.config
    base, row = config["model"]["base"], next(one for one in result.iterations if one.number == trace.iteration)
    license = license or license_of(base)
    head = ModelCardData(
        base_model=base if is_hub_id(base) else None, datasets=data_sets(config) or None, license=license,
        library_name="transformers", pipeline_tag="text-generation", tags=["rest-em", "self-training"],
        model_name=result.name, eval_results=list(scores(result, row)) or None,
    )  # fmt: skip
    model = config["model"]
    return f"""---
{head.to_yaml()}
---
# {result.name}, iteration {trace.iteration}

Fine-tuned from `{shown_base(base)}` on its own checked answers by ReST-EM (arXiv 2312.06585). Policy `{trace.digest}`, epoch {trace.epoch} of its
training, chosen by reward on the val problems; trained on {trace.dataset_rows} rows of data set `{trace.dataset["digest"]}`, sampled from policy
`{trace.sampled_from}`, graded by {", ".join(trace.verifier) or "an unknown verifier"}. Code {trace.commit}.

Prompts are written by template `{model["prompt"]}` with {model["shots"]} examples; stop strings of the template end a completion.
{"" if license else f"{chr(10)}{LICENSE_UNKNOWN}{chr(10)}"}
{as_markdown(_without_addresses(result))}
## Recipe

Reward `{config["verify"]["reward"]}`; the settings of each stage:

```json
{json.dumps({name: config[name] for name in RECIPE if name in config}, indent=1, ensure_ascii=False)}
```
"""


def shown_base(base: str) -> str:
    """Return the base as a card names it; of a folder of this machine only the last part."""
    return base if is_hub_id(base) or base.startswith("builtin:") else base.rstrip("/").rsplit("/", 1)[-1]


def is_hub_id(name: str) -> bool:
    """Return whether a name is that of a Hub repository, not a folder, an address or a built-in base."""
    return (
        name.count("/") == 1 and not name.startswith((".", "/", "~")) and "://" not in name and not Path(name).exists()
    )


def license_of(base: str) -> str | None:
    """Return the licence that the card in a base's folder names; None where there is no such card."""
    from huggingface_hub import ModelCard

    path = Path(base).expanduser() / "README.md"
    if not path.is_file():
        return None
    try:
        named = ModelCard.load(path, ignore_metadata_errors=True).data.get("license")
    except ValueError:  # a card of another kind
        return None
    return named if isinstance(named, str) else None


def data_sets(config: Mapping[str, Any]) -> list[str]:
    """Return the Hub data sets that the run's problems come from, each once."""
    found = (_hub_data(config["data"][name]) for name in ("train", "val", "test"))
    return list(dict.fromkeys(name for name in found if name))


def scores(result: RunResult, row: IterationResult) -> Iterator[Any]:
    """Yield the policy's scores on test as the Hub's evaluation results."""
    from huggingface_hub import EvalResult

    if row.test is None:
        return
    test = result.config["data"]["test"]
    hub = _hub_data(test)
    named = [
        "greedy",
        "sampled",
        *(f"pass@{k}" for k in row.test.pass_at_k if k > 1),
        *(f"maj@{k}" for k in row.test.maj_at_k if k > 1),
    ]
    for name in named:
        found = estimate(row, name)
        if found is None or isnan(found.value):
            continue
        title = name if "@" in name else f"{name} pass@1"
        yield EvalResult(
            task_type="text-generation", dataset_type=hub or test["kind"], dataset_name=test["kind"], dataset_split=test["split"],
            dataset_revision=test.get("revision") if hub else None, metric_type="accuracy" if "@" not in name else name,
            metric_name=f"{title} [{percent(found.low)}, {percent(found.high)}]", metric_value=round(found.value, 6),
        )  # fmt: skip


def _hub_data(source: Mapping[str, Any]) -> str | None:
    """Return the Hub id of a source of problems; None for files and built-in problems."""
    path = source.get("path")
    if path is None:
        try:
            path = loader_named(source["kind"]).hub
        except UserError:  # a loader of one's own, which is not installed here
            return None
    name = (path or "").partition(":")[0]
    return name if is_hub_id(name) else None


def _without_addresses(result: RunResult) -> RunResult:
    """Remove the addresses of this machine, because a card may be published."""
    rows = tuple(replace(row, refs={}, links={}) for row in result.iterations)
    return replace(result, base=replace(result.base, refs={}, links={}), iterations=rows)
