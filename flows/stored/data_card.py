"""The card of an exported data set, as the Hub reads it: a config for each part, its splits, licence and provenance."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flows.stored.cards import data_sets, is_hub_id, shown_base
from flows.stored.data_files import DataFile
from tasks.data.loader import loader_named
from tasks.domain.errors import UserError
from tasks.report.text import markdown_table, plain
from tasks.store.slots import Slot

if TYPE_CHECKING:
    from flows.stored.trace import RunRecords

SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)
LICENSE_UNKNOWN = (
    "The licence of this data set is not set. Completions are the output of the base model: its licence and those of the problems' "
    "sources decide; name the one that follows with `restem export --data --license` before publishing."
)
MEANINGS = {
    "problems": "the problems of the run, with their expected answers or tests",
    "kept": "the rows that the iteration was trained on: prompt, completion, weight, reward",
    "rejected": "what was drawn for them and is no row; `why`: not accepted (the verdict), cut (it did not end by itself), left over "
    "(equal to an earlier one, above the cap, or held back by a filter), not graded",
    "verdicts": "every verdict with its evidence as JSON; `which` tells epochs and gates apart, `sampling` greedy and sampled draws",
}


def data_card(records: RunRecords, files: Sequence[DataFile], license: str | None = None) -> str:
    """Return the card of these files. `license` is the data set's; None: unknown, and the card says what decides it."""
    from huggingface_hub import DatasetCardData

    rows = sum(one.rows for one in files)
    head = DatasetCardData(
        license=license or "unknown", pretty_name=f"Samples and verdicts of {records.name}", task_categories=["text-generation"],
        annotations_creators=["machine-generated"], language_creators=["machine-generated"], source_datasets=data_sets(records.config) or None,
        size_categories=[_size(rows)], tags=["rest-em", "self-training"], configs=list(configs(files)),
    )  # fmt: skip
    shown = [[one.config, one.split, f"{one.rows:,}", one.path] for one in files]
    meanings = "\n".join(f"* `{name}`: {text}" for name, text in MEANINGS.items())
    return f"""---
{head.to_yaml()}
---
# Samples and verdicts of {plain(records.name)}

What a run of ReST-EM (arXiv 2312.06585) drew from its own policies, what of it was kept for training and what was refused, each with its
verdict. Open a part by its name: `datasets.load_dataset(FOLDER, "{_example(files)}")`.

{meanings}

{markdown_table(["config", "split", "rows", "file"], shown)}
{"" if license else f"{chr(10)}{LICENSE_UNKNOWN}{chr(10)}"}
## Provenance

{chr(10).join(f"* {line}" for line in provenance(records))}

```json
{json.dumps({name: records.config[name] for name in ("generate", "materialize", "evaluate") if name in records.config}, indent=1, ensure_ascii=False)}
```
"""


def configs(files: Sequence[DataFile]) -> Iterator[dict[str, Any]]:
    """Yield the configs as the head of a card names them, each with its splits; the first one is the default."""
    for place, name in enumerate(dict.fromkeys(one.config for one in _kept_first(files))):
        splits = [{"split": one.split, "path": one.path} for one in files if one.config == name]
        yield {"config_name": name, "data_files": splits} | ({} if place else {"default": True})


def provenance(records: RunRecords) -> Iterator[str]:
    """Yield what the rows come from: problems, base, policies, prompt, reward. Folders of this machine are not named."""
    config = records.config
    for name in ("train", "val", "test"):
        yield f"{name} problems: {source_text(config['data'][name])}"
    model = config["model"]
    at = f" at revision {model['revision']}" if model.get("revision") else ""
    base = plain(shown_base(str(model["base"])))
    yield f"base `{base}`{at}; prompt `{model['prompt']}` with {model['shots']} examples"
    for slot, manifest in records.slots(
        lambda slot: slot.set == "train" and slot.stage == "generate" and slot.range == 0 and slot.wave == 0
    ):
        verify, data = records.at(slot.at(stage="verify")), records.at(Slot(slot.part, stage="materialize"))
        kept = f"; data set digest `{data.digest}`" if data else ""
        grader = f"graded by `{verify.recipe['grader']}`" if verify else "not graded"
        yield f"{slot.part}: sampled from policy `{manifest.recipe['policy']}` by {manifest.meta.get('engine', 'an engine')}, {grader}{kept}"
    commit = next(
        (
            m.meta.get("environment", {}).get("commit")
            for _, m in records.slots(lambda slot: slot.stage == "materialize")
        ),
        None,
    )
    yield f"reward `{config['verify']['reward']}`; code {commit or 'unknown'}"


def source_text(source: Mapping[str, Any]) -> str:
    """Return where problems come from: the Hub data set or the name of the file, split, revision and licence."""
    path, revision = str(source.get("path") or ""), source.get("revision")
    hub, license = _of_loader(str(source["kind"]), path)
    name = hub or (path.rstrip("/").rsplit("/", 1)[-1] if path else "")
    parts = [f"`{source['kind']}`", f"from `{plain(name)}`" if name else "", f"split {source['split']}", f"revision {revision}" if revision else "",
             f"licence {license}" if license else ""]  # fmt: skip
    return ", ".join(part for part in parts if part)


def _of_loader(kind: str, path: str) -> tuple[str, str]:
    """Return the Hub id and the licence of the data that a loader is made for."""
    try:
        loader = loader_named(kind)
    except UserError:  # a loader of one's own, which is not installed here
        return "", ""
    hub = (
        path.removeprefix("hf:")
        if path.startswith("hf:") or is_hub_id(path)
        else (loader.hub or "" if not path else "")
    )
    return hub.partition(":")[0], loader.license


def _kept_first(files: Sequence[DataFile]) -> list[DataFile]:
    return sorted(files, key=lambda one: not one.config.endswith("-kept"))


def _example(files: Sequence[DataFile]) -> str:
    return _kept_first(files)[0].config if files else "problems"


def _size(rows: int) -> str:
    return next((name for most, name in SIZES if rows < most), "n>10M")
