"""Looks at the base model before anything is spent, to see whether the run can sample, train and save it as intended.

What would stop a run after hours of sampling is a `UserError` here, one sentence with its remedy; what only has to be known
is a note. The answer is remembered by the model's digest, so a second look costs nothing.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tasks.domain.errors import UserError
from tasks.domain.fingerprint import digest_of
from tasks.domain.schema import Policy
from tasks.engines.architectures import Needs, needs_of, positions_of, read_config
from tasks.engines.look.asked import Asked
from tasks.engines.look.files import check_files
from tasks.engines.look.served import check_served
from tasks.engines.look.texts import check_texts, plain_tokenizer
from tasks.processes.json_child import JsonChild

VERSION = 5  # raise it when a check is added: what was found before is looked at again
CHILD_TIMEOUT_S = 600.0


def look(folder: Path, policy: Policy, asked: Asked, scratch: Path, *, remember: bool = True) -> tuple[str, ...]:
    """Return notes on the model in `folder`; UserError where the run could not use it. `remember` writes the answer into `scratch`."""
    memory = scratch / "looks" / f"{digest_of([VERSION, _libraries(asked), policy.digest, asdict(asked)])}.json"
    if memory.is_file():
        return _told(json.loads(memory.read_text()))
    try:
        answer: dict[str, Any] = {"notes": _look(folder, asked, scratch)}
    except UserError as fault:
        answer = {"fault": str(fault)}
    if remember:
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.write_text(json.dumps(answer))
    return _told(answer)


def _told(answer: dict[str, Any]) -> tuple[str, ...]:
    if "fault" in answer:
        raise UserError(answer["fault"])
    return tuple(answer["notes"])


def _libraries(asked: Asked) -> list[str]:
    """Return what the answer depends on beside the model; a server may lack any package, so then all that are installed."""
    if not asked.server:
        return [importlib.metadata.version(name) for name in ("transformers", "tokenizers")]
    return sorted(file.name for folder in sys.path for file in Path(folder).glob("*.dist-info"))


def _look(folder: Path, asked: Asked, scratch: Path) -> list[str]:
    notes = check_files(folder)
    config = read_config(folder)
    needs = needs_of(config)
    own_code = _check_server(folder, config, needs, asked) if asked.server else True
    if asked.packing and not needs.packing:
        raise UserError(
            f"{folder.name}: packed rows are not kept apart by this architecture; set finetune.packing = false"
        )
    probed = bool(asked.server) and not (needs.known and own_code)
    if needs.known and not probed and (plain := plain_tokenizer(folder)):
        return [*notes, *check_texts(plain, folder, asked)]
    child = JsonChild("tasks.engines.look.program", scratch / "logs" / "look.log", env={"CUDA_VISIBLE_DEVICES": ""})
    try:
        message = {"folder": str(folder), "asked": asdict(asked), "probe": not needs.known, "served": probed}
        return [*notes, *child.call(message, CHILD_TIMEOUT_S)["notes"]]
    finally:
        child.close()


def _check_server(folder: Path, config: Mapping[str, Any], needs: Needs, asked: Asked) -> bool:
    """Refuse what vLLM cannot serve, or would compute otherwise than the trainer; return whether it names the architecture as one of its own."""
    named = f"{folder.name} is of architecture {config.get('model_type')!r}"
    if asked.server == "cpu" and needs.unserved_on_cpu:
        raise UserError(f"{named}, {needs.unserved_on_cpu}; set engine.kind = 'hf', or try a GPU")
    if asked.server == "cpu" and needs.cpu_dtype not in ("", asked.dtype):
        raise UserError(
            f"{named}, whose linear attention vLLM computes on the CPU in {needs.cpu_dtype} alone; set engine.dtype = {needs.cpu_dtype!r}, or "
            "engine.kind = 'hf'"
        )
    context = asked.context or positions_of(config)
    if needs.window and context > needs.window:
        raise UserError(
            f"{named}, of which vLLM computes contexts longer than its sliding window otherwise than transformers; set engine.max_model_len to at "
            f"most {needs.window}"
        )
    lacking = [name for name in needs.fields if config.get(name) is None]
    if lacking:
        raise UserError(
            f"{named}, of whose config.json vLLM reads {', '.join(lacking)}, which is not there; add it as the model's authors have it, or set "
            "engine.kind = 'hf'"
        )
    return check_served(folder)
