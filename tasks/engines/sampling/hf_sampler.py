"""Fallback without vLLM: `transformers` generate in a guarded child program, batch by batch.

`HfEngine` is the parent's side, light to import; run as `python -m tasks.engines.sampling.hf_sampler` this module is the program.
The same semantics as the server, an order of magnitude slower: a batch takes as long as its longest completion.
"""

from __future__ import annotations

import importlib.metadata
import os
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tasks.domain.adapters import whole_model
from tasks.domain.errors import EngineDied, UserError
from tasks.domain.schema import Completion, Policy, Sampling
from tasks.domain.settings import EngineSettings
from tasks.engines.policy_model import policy_model
from tasks.engines.sampling.checkpoint import read_checkpoint
from tasks.engines.sampling.engine import Drawn, DrawRequest, OnProgress, engine
from tasks.engines.special_tokens import SpecialTokens, special_tokens
from tasks.processes.json_child import JsonChild, answer_lines

_GPU_NODE = Path("/dev/nvidiactl")


@engine("hf")
class HfEngine:
    """See `tasks.engines.sampling.engine.Engine`. Threads take turns, one batch each."""

    needs_files = True
    library: str | None = None
    instead: str | None = None

    def __init__(self, settings: EngineSettings, log_dir: Path) -> None:
        self._settings = settings
        self._child = JsonChild("tasks.engines.sampling.hf_sampler", log_dir / f"hf-{os.getpid()}.log")
        self._load: dict[str, Any] | None = None
        self._seed = random.SystemRandom().randrange(2**31) ^ settings.seed

    def serve(self, policy: Policy, path: Path | None) -> None:
        """Remember the folder, which each batch names; so no other policy can answer."""
        if path is None:
            raise UserError(f"policy {policy.name!r} has no local folder to load from; its uri is {policy.uri!r}")
        checkpoint = read_checkpoint(path)
        chosen = self._settings.dtype
        self._load = {
            "path": str(path), "dtype": checkpoint.dtype if chosen == "auto" else chosen,
            "max_model_len": min(checkpoint.max_positions, self._settings.max_model_len or checkpoint.max_positions),
        }  # fmt: skip
        self._child.call({"load": self._load, "seed": self._seed}, self._settings.start_timeout_s)

    def sample(
        self, requests: Iterable[DrawRequest], sampling: Sampling, on_progress: OnProgress | None = None
    ) -> Iterator[Drawn]:
        if self._load is None:
            raise EngineDied("the transformers sampler serves no policy")
        for batch in _batches(requests, self._settings.max_in_flight):
            for request, completions in self._draw(batch, sampling):
                if on_progress is not None:
                    on_progress(len(completions), sum(one.completion_tokens for one in completions))
                yield request, completions

    def release(self) -> None:
        chosen = self._settings.residency
        if chosen in ("sleep", "stop") or (chosen == "auto" and _GPU_NODE.exists()):
            self.close()

    def close(self) -> None:
        self._load = None
        self._child.close()

    def identity(self) -> dict[str, Any]:
        versions = {name: importlib.metadata.version(name) for name in ("torch", "transformers")}
        return {"kind": "hf", "versions": versions, "engine_seed": self._seed, **(self._load or {})}

    def _draw(self, batch: list[DrawRequest], sampling: Sampling) -> list[Drawn]:
        rows = [{"problem_id": one.problem_id, "prompt": one.prompt} for one in batch for _ in one.indices]
        complete = any(one.complete for one in batch)  # one template writes all prompts of a run
        wanted = {
            "temperature": sampling.temperature, "top_k": sampling.top_k, "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens, "stop": list(sampling.stop),
        }  # fmt: skip
        message = {"load": self._load, "seed": self._seed, "rows": rows, "sampling": wanted, "complete": complete}
        answer = self._child.call(message, self._settings.request_timeout_s)
        completions = iter(
            [Completion(**{**row, "token_ids": tuple(row["token_ids"])}) for row in answer["completions"]]
        )
        return [(one, tuple(next(completions) for _ in one.indices)) for one in batch]


def _batches(requests: Iterable[DrawRequest], limit: int) -> Iterator[list[DrawRequest]]:
    """Group whole requests, at most `limit` completions together (a larger single request goes alone)."""
    batch: list[DrawRequest] = []
    for request in requests:
        if batch and sum(len(one.indices) for one in batch) + len(request.indices) > limit:
            yield batch
            batch = []
        batch.append(request)
    if batch:
        yield batch


# ---------------------------------------------------------------- the program's side


@dataclass(frozen=True)
class _Loaded:
    """`ends` are the tokens that end a completion by themselves, as the checkpoint names them."""

    model: Any
    tokenizer: Any
    ends: tuple[int, ...]


@lru_cache(maxsize=1)
def _loaded(path: str, dtype: str, seed: int) -> _Loaded:
    import torch
    from transformers import AutoTokenizer

    torch.manual_seed(seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = policy_model(Path(path), dtype)
    tokenizer = AutoTokenizer.from_pretrained(whole_model(Path(path)), padding_side="left", local_files_only=True)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return _Loaded(model.to(device), tokenizer, _end_tokens(model, tokenizer))


def _handle(message: Mapping[str, Any]) -> dict[str, Any]:
    load = message["load"]
    loaded = _loaded(load["path"], load["dtype"], message["seed"])
    if "rows" not in message:
        return {}
    rows, sampling = message["rows"], message["sampling"]
    encoded = encoded_prompts(loaded.tokenizer, rows, complete=message["complete"])
    lengths = encoded["attention_mask"].sum(1).tolist()
    _check_lengths(rows, lengths, sampling["max_tokens"], load["max_model_len"])
    output = _generate(loaded, encoded, sampling)[:, encoded["input_ids"].shape[1] :]
    pairs = zip(output.tolist(), lengths, strict=True)
    return {"completions": [_completion(ids, length, loaded, sampling) for ids, length in pairs]}


def encoded_prompts(tokenizer: Any, rows: Sequence[Mapping[str, Any]], *, complete: bool) -> Any:
    """Return the ids of the prompts, padded on the left; a complete prompt holds its special tokens already."""
    return tokenizer(
        [row["prompt"] for row in rows], return_tensors="pt", padding=True, return_token_type_ids=False,
        add_special_tokens=not complete,
    )  # fmt: skip


@lru_cache(maxsize=1)
def _special(tokenizer: Any) -> SpecialTokens:
    return special_tokens(Path(tokenizer.name_or_path))


def _check_lengths(rows: list[Any], lengths: list[int], max_tokens: int, limit: int) -> None:
    for row, length in zip(rows, lengths, strict=True):
        if length + max_tokens > limit:
            raise UserError(
                f"problem {row['problem_id']}: its prompt has {length} tokens and max_tokens is {max_tokens}, together more "
                f"than the model's {limit}; shorten the prompt (model.shots), lower max_tokens, or raise engine.max_model_len"
            )


def _generate(loaded: _Loaded, encoded: Any, sampling: Mapping[str, Any]) -> Any:
    import torch
    from transformers import GenerationConfig

    model, tokenizer = loaded.model, loaded.tokenizer
    greedy = sampling["temperature"] == 0
    chosen = {} if greedy else {name: sampling[name] for name in ("temperature", "top_k", "top_p")}
    stops = {"stop_strings": sampling["stop"]} if sampling["stop"] else {}
    config = GenerationConfig(
        do_sample=not greedy, max_new_tokens=sampling["max_tokens"], pad_token_id=tokenizer.pad_token_id,
        eos_token_id=[*loaded.ends, *_special(tokenizer).stops(sampling["stop"])] or None,
        **chosen, **stops,
    )  # fmt: skip
    model.generation_config = config  # nothing of the checkpoint's own sampling defaults may fill in
    with torch.inference_mode():
        return model.generate(**encoded.to(model.device), tokenizer=tokenizer)


def _end_tokens(model: Any, tokenizer: Any) -> tuple[int, ...]:
    ends = model.generation_config.eos_token_id
    listed = [ends] if isinstance(ends, int) else list(ends or [])
    own = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
    return tuple(sorted({*listed, *own}))


def _completion(ids: list[int], prompt_tokens: int, loaded: _Loaded, sampling: Mapping[str, Any]) -> dict[str, Any]:
    """Cut one row of generated ids at its end token or stop string; what follows is padding."""
    tokenizer, ends, special = loaded.tokenizer, loaded.ends, _special(loaded.tokenizer)
    stop_tokens = {number: text for number, text in special.stops(sampling["stop"]).items() if number not in ends}
    end = next((place for place, token in enumerate(ids) if token in ends or token in stop_tokens), None)
    reason = None if end is None else stop_tokens.get(ids[end])
    text = tokenizer.decode(ids[:end], skip_special_tokens=not special.has_marks)
    stop = min(((text.find(stop), stop) for stop in sampling["stop"] if stop in text), default=None)
    if stop is not None:
        tokens, reason = _tokens_until(ids, stop[1], tokenizer), stop[1]
        text = text[: stop[0]]
    else:
        tokens = len(ids) if end is None else end + 1
    return {
        "text": text, "finish_reason": "length" if stop is None and end is None else "stop",
        "stop_reason": reason, "prompt_tokens": prompt_tokens, "completion_tokens": tokens,
        "token_ids": ids[:tokens],
    }  # fmt: skip


def _tokens_until(ids: list[int], stop: str, tokenizer: Any) -> int:
    """Return the fewest tokens whose text contains `stop`."""
    low, high = 1, len(ids)
    while low < high:
        middle = (low + high) // 2
        if stop in tokenizer.decode(ids[:middle], skip_special_tokens=not _special(tokenizer).has_marks):
            high = middle
        else:
            low = middle + 1
    return low


def main() -> None:
    import transformers

    transformers.utils.logging.disable_progress_bar()
    answer_lines(_handle)


if __name__ == "__main__":
    main()
