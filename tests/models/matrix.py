"""One architecture or tokenizer through everything that a run does with a model, with real parts and tiny random weights.

serve, prove, train, save, serve again (reloaded in place, or restarted where the table says so), export, load elsewhere.
Each step leaves a word; the first that fails ends the row with its sentence.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from tasks.domain.errors import RestemError, one_sentence
from tasks.domain.fingerprint import digest_of_text
from tasks.domain.schema import Example, Policy, Sampling, to_table
from tasks.domain.settings import EngineSettings, FinetuneSettings, GenerateSettings
from tasks.engines.architectures import attention_of
from tasks.engines.generation_config import write_generation_config
from tasks.engines.sampling.engine import DrawRequest
from tasks.engines.sampling.host import EngineHost
from tasks.engines.training import trainer
from tasks.engines.training.trainer import TrainJob, TrainResult

STEPS = ("serve", "prove", "train", "save", "serve again", "export", "load elsewhere")
PROMPT = "Question: Tom has 3 apples and buys 4 more. How many apples has he?\nAnswer:"
ROWS = tuple(
    Example(f"p{at}", at, PROMPT.replace("3", str(at)), f" {at} + 4 = {at + 4}. The answer is {at + 4}.", 1.0, 1.0)
    for at in range(4)
)
GREEDY = Sampling(temperature=0.0, top_k=0, max_tokens=8)
TRAINING = FinetuneSettings(
    epochs=1, batch_size=4, learning_rate=1e-3, warmup_share=0.0, schedule="constant", max_length=240
)


@dataclass
class Row:
    """`words` says for each step how it went; `refused` is the sentence of the step that ended the row."""

    name: str
    words: dict[str, str] = field(default_factory=dict)
    refused: str = ""

    @property
    def works(self) -> bool:
        return not self.refused and all(step in self.words for step in STEPS)

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "works": self.works, "refused": self.refused, **self.words}


def passage(name: str, base: Path, work: Path, kind: str = "vllm", dtype: str = "auto") -> Row:
    """The whole way of the model in `base`; whatever it is refused with stands in the row."""
    row = Row(name)
    try:
        with _host(kind, work, dtype) as host:
            _serve(row, host, base, kind)
            trained = _train(row, base, work / "trained")
            _serve_again(row, host, trained, kind)
        _export(row, trained, work / "exported")
        _load_elsewhere(row, trained, work / "exported")
    except (RestemError, AssertionError) as error:
        row.refused = one_sentence(error)
    return row


@contextmanager
def _host(kind: str, work: Path, dtype: str = "auto") -> Iterator[EngineHost]:
    settings = EngineSettings(kind=kind, dtype=dtype, kv_cache_gib=0.1, max_in_flight=8)  # type: ignore[arg-type]
    host = EngineHost(settings, lambda policy: Path(policy.uri), work / "logs")
    try:
        yield host
    finally:
        host.close()


def _policy(path: Path) -> Policy:
    return Policy(digest_of_text(str(path)), str(path), path.name)


def _serve(row: Row, host: EngineHost, path: Path, kind: str) -> None:
    with host.serving(_policy(path)) as session:
        [(_, [completion])] = session.sample([DrawRequest("p", PROMPT, (0,))], GREEDY)
        row.words["serve"] = f"{completion.completion_tokens} tokens"
        row.words["prove"] = _proof(session.identity(), kind)


def _serve_again(row: Row, host: EngineHost, path: Path, kind: str) -> None:
    before = _server(host, kind)
    with host.serving(_policy(path)) as session:
        list(session.sample([DrawRequest("p", PROMPT, (0,))], GREEDY))
        how = "loaded" if kind != "vllm" else "in place" if _server(host, kind) == before else "restarted"
        row.words["serve again"] = f"{how}, {_proof(session.identity(), kind)}"


def _server(host: EngineHost, kind: str) -> int:
    return host.engine._process.child.pid if kind == "vllm" else 0  # type: ignore[attr-defined]


def _proof(identity: dict[str, Any], kind: str) -> str:
    return f"{identity['proof_rms_nats']:.0e}" if kind == "vllm" else "n/a"


def train_here(
    base: Path, output: Path, rows: tuple[Example, ...] = ROWS, resume: bool = False, **settings: Any
) -> TrainResult:
    """The fine-tuning child's part in this process (its imports take 10 s); the same errors as `train`."""
    from tasks.engines.training import trl_sft

    output.parent.mkdir(parents=True, exist_ok=True)
    data = output.with_suffix(".parquet")
    pq.write_table(to_table(rows, Example), data)
    job = TrainJob(base, (data,), output, TRAINING.model_copy(update=settings), len(rows), "test", resume)
    trainer._prepare(job)
    code = trl_sft.main(str(output / trainer.JOB_FILE))
    if code:
        raise trainer._failure(job, code, output / "log", 0)
    return trainer._result(job, 0.0)


def plain_loss(base: Path, rows: tuple[Example, ...] = ROWS) -> float:
    """Mean NLL of the targets, a row at a time, by the attention that applies all that the config asks for."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base, attn_implementation=attention_of(base)).eval()
    total, count = 0.0, 0
    for row in rows:
        prompt, whole = tokenizer(row.prompt)["input_ids"], tokenizer(row.prompt + row.completion)["input_ids"]
        whole = whole if whole[-1] == tokenizer.eos_token_id else [*whole, tokenizer.eos_token_id]
        with torch.no_grad():
            scores = model(torch.tensor([whole]), use_cache=False).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
        target = torch.tensor(whole[len(prompt) :])
        total -= float(scores[torch.arange(len(target)), target].sum())
        count += len(target)
    return total / count


def _train(row: Row, base: Path, output: Path) -> Path:
    result, wanted = train_here(base, output), plain_loss(base)
    found = result.history[0].get("nll", result.history[0]["loss"])
    assert abs(found - wanted) < 1e-4 * wanted, (
        f"the trainer's loss is {found:.5f}, that of plain transformers {wanted:.5f}"
    )
    row.words["train"] = f"loss as plain, {abs(found - wanted) / wanted:.0e}"
    if "router_loss" in result.history[0]:
        row.words["train"] += f", router {result.history[0]['router_loss']:.2g} apart"
    path = result.epochs[-1].path
    before, after = _names_and_dtypes(base), _names_and_dtypes(path)
    assert before == after, f"the saved weights are {sorted(after)[:3]}, the base's {sorted(before)[:3]}"
    row.words["save"] = f"{len(after)} tensors"
    return path


def _names_and_dtypes(folder: Path) -> set[tuple[str, str]]:
    from safetensors import safe_open

    found = set()
    for file in folder.glob("*.safetensors"):
        with safe_open(file, "np") as tensors:
            found |= {(name, str(tensors.get_slice(name).get_dtype())) for name in tensors.keys()}  # noqa: SIM118
    return found


def _export(row: Row, trained: Path, folder: Path) -> None:
    shutil.copytree(trained, folder)
    write_generation_config(folder, GenerateSettings(max_tokens=8), ())
    row.words["export"] = f"{len(json.loads((folder / 'generation_config.json').read_text()))} fields"


def _load_elsewhere(row: Row, trained: Path, folder: Path) -> None:
    """Plain transformers: loads, generates by the exported config, saves again, and computes what the policy computes."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    encoded = tokenizer(PROMPT, return_tensors="pt", return_token_type_ids=False)
    output = model.generate(**encoded)
    model.save_pretrained(folder / "again")
    other = AutoModelForCausalLM.from_pretrained(trained).eval()
    with torch.no_grad():
        one, two = model(**encoded).logits.numpy(), other(**encoded).logits.numpy()
    np.testing.assert_array_equal(one, two)
    row.words["load elsewhere"] = f"{output.shape[1] - encoded['input_ids'].shape[1]} tokens"
