"""Parts `equal`, `sft` and `memory`: the trainer of the fine-tuning child, in this process, on rows that share their prefixes.

`equal` compares one batch computed plainly, packed and with shared prefixes. `sft` counts tokens a second of real optimizer
steps. `memory` sets the peak beside what `restem plan` predicts.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.checks.memory import Shape, shape_of, training_bytes
from tasks.domain.errors import UserError, one_sentence
from tasks.domain.settings import FinetuneSettings
from tasks.engines.training.prefix_layout import Branch, lay_out
from tasks.engines.training.sft_rows import TokenRow
from tasks.engines.training.trainer import PROGRESS_FILE, TrainJob, gpu_visible
from tests.gpu.card import machine, peak_tflops
from tests.gpu.materials import model_folder, training_rows
from tests.gpu.results import PartFailed
from tests.gpu.settings import Smoke

WAYS: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "packing": {"packing": True},
    "prefix sharing": {"prefix_sharing": "problem"},
}
FITS: Mapping[str, Mapping[str, Any]] = {
    "full": {},
    "gradient checkpointing": {"gradient_checkpointing": True},
    "LoRA, rank 16": {"lora_rank": 16},
}
WARM_STEPS = 3  # the first has the allocator's and the optimizer's first sight of everything
EQUAL_ROWS = 6
EQUAL = 1e-4  # relative, in float32; sums in another order gave 1.5e-6, a row that sees another 1e-2 and more
LIKE_16_BIT = 0.1


@dataclass(frozen=True)
class Training:
    """The model, and the rows that it trains on. A row has `mean` tokens, of which the share `targets` is predicted."""

    settings: Smoke
    base: Path
    shape: Shape
    rows: list[TokenRow]

    @property
    def mean(self) -> float:
        return statistics.mean(len(row.input_ids) for row in self.rows)

    @property
    def targets(self) -> float:
        return statistics.mean(row.target_length for row in self.rows) / self.mean

    def job(self, name: str, **changed: Any) -> TrainJob:
        """Return a training of `steps` steps, in the data type that a run has on this machine."""
        smoke = self.settings
        usual = {
            "batch_size": smoke.batch_size, "steps": smoke.steps, "dtype": "bfloat16" if gpu_visible() else "float32",
            "max_length": max(len(row.input_ids) for row in self.rows), "learning_rate": 1e-5,
        }  # fmt: skip
        if changed.get("packing"):  # a pack has many rows' tokens
            packs = max(1, round(smoke.batch_size * self.mean / smoke.pack))
            usual |= {"max_length": smoke.pack, "batch_size": packs}
        folder = smoke.folder / "work" / "training" / name.replace(" ", "-").replace(",", "")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / PROGRESS_FILE).unlink(missing_ok=True)
        settings = FinetuneSettings.model_validate({**usual, **changed})
        return TrainJob(self.base, (), folder, settings, len(self.rows), name)


@contextmanager
def opened(settings: Smoke) -> Iterator[Training]:
    """Read model and rows; torch is loaded here, once for all parts."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from transformers import AutoTokenizer

    base = model_folder(settings)
    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    yield Training(settings, base, shape_of(base), training_rows(settings, tokenizer))


@contextmanager
def trainer_of(job: TrainJob, rows: Sequence[TokenRow]) -> Iterator[Any]:
    """Yield the fine-tuning child's own trainer, which saves nothing; what it held is given back afterwards."""
    import torch
    from accelerate.state import AcceleratorState, GradientState
    from transformers.trainer_utils import SaveStrategy

    from tasks.engines.training import trl_sft

    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    trainer = trl_sft._trainer(job, rows, trl_sft._tokenizer(job.base_path), "smoke")
    trainer.args.save_strategy = SaveStrategy.NO
    try:
        yield trainer
    finally:
        trainer.accelerator.free_memory()
        for holder in (trainer, trainer.callback_handler):
            holder.__dict__.update(
                dict.fromkeys(("model", "model_wrapped", "optimizer", "lr_scheduler", "train_dataloader"))
            )
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def equal(bench: Training) -> Mapping[str, Any]:
    """Compare loss and gradient of one batch, in float32 and, only to be seen, in bfloat16."""
    rows = few(bench.rows, EQUAL_ROWS)
    figures: dict[str, Any] = {"rows": len(rows), "limit": EQUAL}
    with trainer_of(bench.job("equal", dtype="float32"), rows) as trainer:
        figures["attention"] = trainer.causal_model().config._attn_implementation
        figures["float32"] = _differences(trainer, rows, nullcontext)
        device = trainer.args.device.type
        figures["bfloat16"] = _differences(trainer, rows, lambda: _autocast(device))
    apart = [f"{way}: {one}" for way, one in figures["float32"].items() if not _close(one)]
    if apart:
        raise PartFailed(f"not equal to plain rows in float32: {'; '.join(apart)}", figures)
    return figures


def few(rows: Sequence[TokenRow], count: int) -> list[TokenRow]:
    """Return rows of two prompts or more, with several of one prompt among them."""
    by_prompt: dict[tuple[int, ...], list[TokenRow]] = {}
    for row in rows:
        by_prompt.setdefault(row.input_ids[: row.prompt_length], []).append(row)
    most = sorted(by_prompt.values(), key=len, reverse=True)
    return [*most[0][: count - 2], *most[1][:2]]


def _autocast(device: str) -> AbstractContextManager[None]:
    import torch

    context: Any = torch.autocast(device, dtype=torch.bfloat16)
    return context


def _differences(trainer: Any, rows: Sequence[TokenRow], numbers: Any) -> dict[str, dict[str, float]]:
    """Return how far packed and shared batches are from plain ones, relatively: the loss, and the gradient's length."""
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    from tasks.engines.training.prefix_attention import NAME
    from tasks.engines.training.prefix_batches import shared_prefix_collator
    from tasks.engines.training.prefix_probe import _gradients, _undisturbed

    examples = [{"input_ids": list(row.input_ids), "labels": row.labels} for row in rows]
    together = {
        "input_ids": [token for row in rows for token in row.input_ids], "labels": [label for row in rows for label in row.labels],
        "seq_lengths": [len(row.input_ids) for row in rows],
    }  # fmt: skip
    pad = trainer.processing_class.pad_token_id
    packing = DataCollatorForLanguageModeling(pad_token_id=0 if pad is None else pad, padding_free=True)
    model = trainer.causal_model()
    usual = model.config._attn_implementation
    with _undisturbed(trainer), numbers():
        plain = _gradients(trainer, trainer.data_collator(examples))
        packed = _gradients(trainer, packing([together]))
        try:
            model.set_attn_implementation(NAME)
            shared = _gradients(trainer, shared_prefix_collator(examples))
        finally:
            model.set_attn_implementation(usual)
    return {"packed": _difference(plain, packed), "prefix sharing": _difference(plain, shared)}


def _difference(plain: Any, other: Any) -> dict[str, float]:
    (loss, gradients), (other_loss, other_gradients) = plain, other
    length = sum(float(one.float().square().sum()) for one in gradients.values()) ** 0.5
    apart = (
        sum(float((one.float() - other_gradients[name].float()).square().sum()) for name, one in gradients.items())
        ** 0.5
    )
    return {"loss": loss, "loss_apart": abs(other_loss - loss) / abs(loss), "gradient_apart": apart / length}


def _close(one: Mapping[str, float]) -> bool:
    return one["loss_apart"] <= EQUAL and one["gradient_apart"] <= EQUAL  # NaN is not


def sft(bench: Training) -> Mapping[str, Any]:
    """Count tokens of rows a second by way of training; a way that fails does not stop the others."""
    figures: dict[str, Any] = {
        "rows": len(bench.rows), "mean_tokens_of_a_row": round(bench.mean), "target_share": round(bench.targets, 3),
        "matmul_tflops_measured": matmul_tflops(), "peak_tflops_datasheet": peak_tflops(machine("-")["card"]),
    }  # fmt: skip
    faults = []
    for way, changed in WAYS.items():
        try:
            figures[way] = _trained(bench, bench.job(f"sft {way}", **changed), figures)
        except (UserError, RuntimeError, ValueError, TypeError) as error:  # each way is a measurement of its own
            figures[way] = {"fault": f"{type(error).__name__}: {one_sentence(error)}"}
            faults.append(f"{way}: {figures[way]['fault']}")
    plain = figures["plain"].get("tokens_per_s")
    for way in WAYS:
        if plain and "tokens_per_s" in figures[way]:
            figures[way]["over_plain"] = round(figures[way]["tokens_per_s"] / plain, 2)
    if faults:
        raise PartFailed("; ".join(faults), figures)
    return figures


def _trained(bench: Training, job: TrainJob, rates: Mapping[str, Any]) -> dict[str, Any]:
    with trainer_of(job, bench.rows) as trainer:
        if trainer.notes:
            raise UserError(trainer.notes[0])
        trainer.train()
        steps = [json.loads(line) for line in (job.output_dir / PROGRESS_FILE).read_text().splitlines()]
        peak = peak_bytes()
    first, last = steps[min(WARM_STEPS, len(steps) - 1) - 1], steps[-1]
    rate = (last["tokens"] - first["tokens"]) / (last["seconds"] - first["seconds"])
    computed = computed_share(bench.rows, job.settings)
    work = rate * flops_of_a_token(bench.shape, bench.mean, bench.targets, computed) / 1e12
    found = {
        "dtype": job.settings.dtype, "batch_size": job.settings.batch_size, "steps": len(steps), "tokens_per_s": round(rate),
        "tokens_of_a_step": round((last["tokens"] - first["tokens"]) / (last["step"] - first["step"])),
        "step_s": round((last["seconds"] - first["seconds"]) / (last["step"] - first["step"]), 4),
        "positions_a_token": round(computed, 3), "tflops": round(work, 2), "first_loss": steps[0]["loss"], "last_loss": last["loss"],
        "peak_gib": round(peak / 2**30, 2),
    }  # fmt: skip
    for name, key in (("mfu", "peak_tflops_datasheet"), ("of_matmul", "matmul_tflops_measured")):
        if rates[key]:
            found[name] = round(work / rates[key], 3)
    return found


def flops_of_a_token(shape: Shape, row_tokens: float, target_share: float, computed: float) -> float:
    """Return what forward and backward must do for one token of a row: 6 a weight, the head only where a token is predicted.

    Attention: each position meets half of its row, 12 operations a value of its width and layer. `computed` is the share of the
    tokens that is computed at all.
    """
    head = shape.vocabulary * shape.hidden
    body = (
        shape.parameters - head
    )  # the embedding is looked up; where the head has weights of its own they count here, 6 too many
    attention = 12 * shape.layers * shape.heads * shape.head_width * row_tokens / 2
    return computed * (6 * body + attention) + 6 * head * target_share


def computed_share(rows: Sequence[TokenRow], settings: FinetuneSettings) -> float:
    """Return positions a token: below 1 where prefixes are shared; padding counts as no work."""
    if settings.prefix_sharing == "off":
        return 1.0
    from tasks.engines.training.prefix_batches import ByProblem

    order = list(ByProblem([row.input_ids[: row.prompt_length] for row in rows], settings.seed))
    batches = [order[at : at + settings.batch_size] for at in range(0, len(order), settings.batch_size)]
    shared = [lay_out([Branch(rows[at].input_ids, rows[at].prompt_length) for at in batch]) for batch in batches]
    return sum(len(one.input_ids) for one in shared) / sum(one.tokens for one in shared)


def memory(bench: Training) -> Mapping[str, Any]:
    """Set the trainer's peak beside the prediction: of the card by torch's count, without a card of this process (which never falls)."""
    figures: dict[str, Any] = {
        "of": "GPU, reserved by torch" if gpu_visible() else "resident memory of one process for all"
    }
    rows = sorted(bench.rows, key=lambda row: -len(row.input_ids))[: 3 * bench.settings.batch_size]
    for way, changed in FITS.items():
        job = bench.job(f"memory {way}", steps=3, **changed)
        with trainer_of(job, rows) as trainer:
            trainer.train()
            peak, in_use = peak_bytes(), bytes_in_use()
        predicted = training_bytes(
            bench.shape, job.settings, job.settings.max_length, gpu=gpu_visible(), target_share=bench.targets
        )
        figures[way] = {
            "row_tokens": job.settings.max_length, "batch_size": job.settings.batch_size, "predicted_gib": _gib(predicted),
            "measured_gib": _gib(peak), "card_in_use_gib": _gib(in_use), "off": round(predicted / max(peak, in_use) - 1, 3),
        }  # fmt: skip
    return figures


def peak_bytes() -> int:
    """Return the trainer's own count of its peak."""
    from tasks.engines.training.trl_sft import _peak_bytes

    return _peak_bytes()


def bytes_in_use() -> int:
    """Return what the driver counts as used on the card now, CUDA's context among it; 0 without a card."""
    import torch

    if not torch.cuda.is_available():
        return 0
    free, total = torch.cuda.mem_get_info()
    return int(total - free)


def matmul_tflops() -> float:
    """Return what one large matrix product reaches here: bfloat16 on a card, float32 without."""
    import torch

    on_card = torch.cuda.is_available()
    size, dtype = (8192, torch.bfloat16) if on_card else (1024, torch.float32)
    left = torch.randn(size, size, dtype=dtype, device="cuda" if on_card else "cpu")
    rates = []
    for _ in range(6):
        started = time.perf_counter()
        product = left @ left
        if on_card:
            torch.cuda.synchronize()
        rates.append(2 * size**3 / (time.perf_counter() - started) / 1e12)
    del product
    return round(statistics.median(rates[2:]), 2)


def _gib(amount: int) -> float:
    return round(amount / 2**30, 2)


PARTS = {"equal": equal, "sft": sft, "memory": memory}
