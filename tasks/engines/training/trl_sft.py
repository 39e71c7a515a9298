"""The fine-tuning child: TRL's `SFTTrainer` on one `TrainJob`. Run as `python -m tasks.engines.training.trl_sft JOB.json`.

Heavy imports happen inside functions, so that a row that cannot be trained on is reported before TRL is loaded.
Training keeps its weights in float32 (bfloat16 and float16 are mixed precision on top), and epochs are saved so.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import resource
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from tasks.domain.disk import fault_of
from tasks.domain.errors import UserError, one_sentence
from tasks.domain.fingerprint import digest_of
from tasks.engines.architectures import EXPERTS, attention_of, has_experts, read_config
from tasks.engines.policy_model import load_whole
from tasks.engines.training import sft_checkpoints as checkpoints
from tasks.engines.training.sft_rows import (
    TokenRow,
    TokenRows,
    digest_of_token_rows,
    equally_weighted,
    read_examples,
    training_rows,
)
from tasks.engines.training.trainer import ERROR_FILE, PROGRESS_FILE, RESULT_FILE, TrainJob

LOGGED_STEPS = 1000  # at most about so many lines of progress a run
PACKAGES = ("torch", "trl", "transformers", "accelerate", "peft", "datasets", "tokenizers")


def main(job_file: str) -> int:
    """Run one job; the exit code is 0 with result.json, or 1 with error.json, beside the job."""
    job = TrainJob.from_json(Path(job_file).read_text())
    try:
        run(job)
    except UserError as error:
        _write(job.output_dir / ERROR_FILE, {"kind": "user", "message": str(error)})
        return 1
    except BaseException as error:  # the parent needs the reason; the traceback goes to the log
        _write(job.output_dir / ERROR_FILE, _as_error(error, job))
        raise
    return 0


def run(job: TrainJob) -> None:
    """Check the rows, train, write result.json."""
    examples = read_examples(job.data_files, job.total_rows)
    tokenizer = _tokenizer(job.base_path)
    made = training_rows(examples, tokenizer, job.settings.max_length, job.settings.max_held_back_share, job.joining)
    rows = made.rows
    if job.settings.packing and not equally_weighted(rows):
        raise UserError("finetune.packing drops the weights of rows and these differ; turn packing off or weight = one")
    recipe = _recipe(job, rows)
    state = checkpoints.latest(job.output_dir, recipe) if job.resume else None
    trainer = _trainer(job, rows, tokenizer, recipe)
    gc.enable()
    if trainer.is_world_process_zero():
        checkpoints.discard_others(job.output_dir, state)
        if state is not None:
            trainer.export_epoch(state)
    trainer.accelerator.wait_for_everyone()
    trainer.train(resume_from_checkpoint=str(state.path) if state else None)
    if trainer.is_world_process_zero():
        _write(job.output_dir / RESULT_FILE, _result(job, trainer, made))


def _tokenizer(base_path: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(base_path, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{base_path} has no tokenizer that transformers can load: {one_sentence(error)}") from error


def _model(job: TrainJob, rows: Sequence[TokenRow]) -> Any:
    """Load the base in `weights_dtype`; under LoRA its frozen weights take the training dtype, to halve their memory."""
    import torch

    dtype = getattr(torch, job.settings.dtype if job.settings.lora_rank else job.settings.weights_dtype)
    if read_config(job.base_path).get("quantization_config") is not None:
        raise UserError(f"{job.base_path} is quantised; fine-tuning needs a base with plain weights")
    model = load_whole(
        job.base_path,
        dtype=dtype,
        attn_implementation=job.settings.attn_implementation or attention_of(job.base_path),
        **_quantized(job.settings.quantized_base, dtype),
    )
    largest, known = max(max(row.input_ids) for row in rows), model.get_input_embeddings().num_embeddings
    if largest >= known:
        raise UserError(
            f"the tokenizer gives token {largest} but the base has {known} embeddings; they do not fit together"
        )
    _name_experts(model.config.get_text_config())
    return model


def _name_experts(config: Any) -> None:
    """Give the number of experts the name under which TRL's loss reads it. An attribute's second name is not saved with a config."""
    found = [name for name in EXPERTS if hasattr(config, name)]
    if found and "num_experts" not in found:
        type(config).attribute_map = {**type(config).attribute_map, "num_experts": found[0]}


def _quantized(kind: str, dtype: Any) -> dict[str, Any]:
    """Return the arguments that load a frozen base in fewer bits; needs bitsandbytes and a GPU."""
    if kind == "none":
        return {}
    from transformers import BitsAndBytesConfig

    four = kind == "nf4"
    return {
        "quantization_config": BitsAndBytesConfig(
            load_in_4bit=four, load_in_8bit=not four, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype
        )
    }


def _trainer(job: TrainJob, rows: Sequence[TokenRow], tokenizer: Any, recipe: str) -> Any:
    from tasks.engines.training.packing import require_rows_apart
    from tasks.engines.training.sft_loop import ReportProgress, SaveByTheClock, SelfTrainer, collator, savable

    model = savable(_model(job, rows))
    config = model.config.get_text_config()
    routed, asked = has_experts(config.to_dict()), getattr(config, "output_router_logits", None)
    trainer = SelfTrainer(
        model=model, args=_arguments(job, len(rows)), train_dataset=_dataset(rows),
        processing_class=tokenizer, data_collator=None if job.settings.packing else collator(tokenizer),
        peft_config=_lora(job) if job.settings.lora_rank else None,
    )  # fmt: skip
    trainer.job, trainer.recipe = job, recipe
    if (
        trainer.aux_loss_enabled and not routed
    ):  # TRL goes by the config's fields, which a model of that kind without experts has too
        trainer.aux_loss_enabled, config.output_router_logits = False, asked
    if job.settings.packing:
        require_rows_apart(model, trainer.data_collator, rows)
    trainer.notes = _share_prefixes(trainer, rows) if job.settings.prefix_sharing != "off" else ()
    router_share = trainer.router_aux_loss_coef if trainer.aux_loss_enabled else 0.0
    trainer.add_callback(ReportProgress(job.output_dir / PROGRESS_FILE, router_share))
    trainer.add_callback(SaveByTheClock())
    return trainer


def _share_prefixes(trainer: Any, rows: Sequence[TokenRow]) -> tuple[str, ...]:
    """Let batches compute shared prefixes once where this model gives the same loss and gradients so, and return what is to be said."""
    from tasks.engines.training.prefix_batches import shared_prefix_collator
    from tasks.engines.training.prefix_probe import against_sharing

    reason = against_sharing(trainer, trainer.data_collator, shared_prefix_collator, rows)
    if reason:
        return (f"finetune.prefix_sharing is not used, rows are computed one by one: {reason}",)
    trainer.data_collator = shared_prefix_collator
    return ()


def _dataset(rows: Sequence[TokenRow]) -> Any:
    from datasets import Dataset

    columns: dict[str, list[Any]] = {
        "input_ids": [list(row.input_ids) for row in rows], "labels": [row.labels for row in rows]
    }  # fmt: skip
    if not equally_weighted(rows):
        columns["weight"] = [row.weight for row in rows]
    return Dataset.from_dict(columns)


def _arguments(job: TrainJob, row_count: int) -> Any:
    import torch
    from trl import SFTConfig

    s = job.settings
    gpu = torch.cuda.is_available()
    if s.dtype == "bfloat16" and gpu and not torch.cuda.is_bf16_supported():
        raise UserError("this GPU has no bfloat16; use finetune.dtype = float16 or float32")
    steps = s.steps or s.epochs * -(-row_count // (s.batch_size * s.accumulation * s.processes))
    by_steps = {} if s.steps is None else {"max_steps": s.steps, "save_steps": s.steps}
    return SFTConfig(
        output_dir=str(job.output_dir / "state"), run_name=job.run_name, report_to=list(s.report_to) or "none",
        num_train_epochs=s.epochs, per_device_train_batch_size=s.batch_size, gradient_accumulation_steps=s.accumulation,
        learning_rate=s.learning_rate, lr_scheduler_type=s.schedule, warmup_steps=s.warmup_share,
        weight_decay=s.weight_decay, max_grad_norm=s.max_grad_norm, seed=s.seed, data_seed=s.seed,
        use_cpu=not gpu, bf16=s.dtype == "bfloat16", fp16=s.dtype == "float16",
        gradient_checkpointing=s.gradient_checkpointing, gradient_checkpointing_kwargs={"use_reentrant": False},
        # The rows come with tokens and labels (-100 on the prompt), so TRL has nothing to prepare but packs.
        completion_only_loss=True, packing=s.packing, max_length=s.max_length if s.packing else None,
        dataset_kwargs={"skip_prepare_dataset": not s.packing}, remove_unused_columns=False,
        logging_steps=max(1, steps // LOGGED_STEPS), logging_nan_inf_filter=False, save_strategy="steps" if by_steps else "epoch",
        dataloader_num_workers=0, dataloader_pin_memory=gpu, ddp_find_unused_parameters=False,
        disable_tqdm=True, eval_strategy="no", **by_steps, use_liger_kernel=s.liger, torch_compile=s.torch_compile,
        **({} if s.optimizer == "adamw" else {"optim": s.optimizer}),
    )  # fmt: skip


def _lora(job: TrainJob) -> Any:
    from peft import LoraConfig

    s = job.settings
    return LoraConfig(
        r=s.lora_rank, lora_alpha=s.lora_alpha, lora_dropout=s.lora_dropout, target_modules="all-linear",
        task_type="CAUSAL_LM",
    )  # fmt: skip


def _recipe(job: TrainJob, rows: Sequence[TokenRow]) -> str:
    """Return what a saved state belongs to. Names and sizes of the base's files suffice, because the caller's key has its content."""
    base = sorted([file.name, file.stat().st_size] for file in job.base_path.iterdir() if file.is_file())
    return digest_of([digest_of_token_rows(rows), job.settings.content(), job.settings.processes, base])


def _result(job: TrainJob, trainer: Any, made: TokenRows) -> Mapping[str, Any]:
    import torch

    from tasks.engines.training.sft_loop import losses_apart

    rows, share = made.rows, trainer.router_aux_loss_coef if trainer.aux_loss_enabled else 0.0
    history = [losses_apart(entry, share) for entry in trainer.state.log_history if "loss" in entry]
    count = job.settings.checkpoints
    steps = trainer.state.global_step // count
    tokens = round(sum(len(row.input_ids) for row in rows) * trainer.state.epoch)
    epochs = [
        {
            "epoch": epoch, "path": str(checkpoints.epoch_path(job.output_dir, epoch)), "steps": epoch * steps,
            "train_loss": _mean_loss(history, (epoch - 1) * steps, epoch * steps),
            "unchanged": checkpoints.same_weights(job.base_path, checkpoints.epoch_path(job.output_dir, epoch)),
        }
        for epoch in range(1, count + 1)
    ]  # fmt: skip
    held_back = [asdict(one) for one in made.held_back]
    return {
        "epochs": epochs, "tokens": tokens, "versions": _versions(), "history": history, "held_back": held_back,
        "notes": [*made.notes, *trainer.notes], "encoded": dict(made.encoded), "threads": torch.get_num_threads(),
        "peak_bytes": _peak_bytes(),
    }  # fmt: skip


def _peak_bytes() -> int:
    """Return the most memory that this process has held: of the GPU where there is one, else its resident set."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_reserved()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts KiB


def _mean_loss(history: Sequence[Mapping[str, Any]], after: int, until: int) -> float:
    """Return the mean NLL over the steps in (after, until]; an entry holds the mean since the entry before it."""
    total, last = 0.0, 0
    for entry in history:
        if after < entry["step"] <= until:
            total += entry.get("nll", entry["loss"]) * (entry["step"] - max(last, after))
        last = entry["step"]
    return total / (until - after)


def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in PACKAGES}}


def _as_error(error: BaseException, job: TrainJob) -> dict[str, str]:
    if type(error).__name__ == "OutOfMemoryError":
        s = job.settings
        return {"kind": "user", "message": (
            f"the GPU has not enough memory for batch_size = {s.batch_size} with rows of up to {s.max_length} tokens; "
            "lower finetune.batch_size and raise accumulation, or turn on gradient_checkpointing or lora_rank"
        )}  # fmt: skip
    if (fault := fault_of(error)) is not None:
        return {"kind": "user", "message": f"the training could not be saved: {fault.sentence(str(job.output_dir))}"}
    return {"kind": "crash", "message": f"{type(error).__name__}: {one_sentence(error)}"}


def _write(path: Path, value: Mapping[str, Any]) -> None:
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.write_text(json.dumps(value))
    partial.replace(path)


if __name__ == "__main__":
    gc.disable()  # until the imports are done, whose million objects stay: start-up takes 10 s instead of 12.5 s
    sys.exit(main(sys.argv[1]))
