"""The built-in base models: a tiny Llama trained from scratch on solutions that hold a majority misconception.

`pretrain_base` starts this module as a guarded child (`python -m tasks.engines.training.pretrain RECIPE.json`), which writes an
ordinary Hugging Face folder: config, safetensors, a character tokenizer and a generation config that agree on the special
tokens. Nothing here is downloaded, so the whole demonstration runs without a network.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tasks.domain import arithmetic, hinted_arithmetic, tiny_programs
from tasks.domain.errors import TrainerFailed
from tasks.domain.prompts import template_named
from tasks.domain.schema import Problem
from tasks.domain.settings import ModelSettings, WarmupFrom
from tasks.engines.training.schedule import RateShare

PAD, BOS, EOS, UNK = "<pad>", "<s>", "</s>", "<unk>"
RECIPE_FILE = "pretrain.json"
PREFIX = "builtin:"  # of model.base
POLL_S = 0.2


Pair = tuple[str, str]  # question, solution


@dataclass(frozen=True)
class Curriculum:
    """What one built-in base is taught (`builtin:NAME`): endless pairs by seed, and the tokens that their texts need."""

    template: str
    words: tuple[str, ...]
    characters: str
    pairs: Callable[[int], Iterator[Pair]]

    def unknown_in(self, text: str) -> str:
        """Return the characters of a text that have no token, each once, in their order."""
        rest = re.sub("|".join(map(re.escape, self.words)), "", text)
        return "".join(dict.fromkeys(one for one in rest if one not in self.characters))


def _arithmetic_pairs(seed: int) -> Iterator[Pair]:
    rng = random.Random(seed)
    return ((one.question, arithmetic.slipped_solution(one, rng)) for one in arithmetic.drawn("pretrain", seed))


def _program_pairs(seed: int) -> Iterator[Pair]:
    rng = random.Random(seed)
    return ((one.question, tiny_programs.slipped_solution(one, rng)) for one in tiny_programs.drawn("pretrain", seed))


CURRICULA = {
    "arithmetic": Curriculum("arithmetic", (arithmetic.ANSWER_MARK,), "\n 0123456789+-=?#", _arithmetic_pairs),
    "arithmetic_hints": Curriculum(
        "arithmetic", (arithmetic.ANSWER_MARK,), "\n 0123456789+-=?#()", hinted_arithmetic.exercises
    ),
    "programs": Curriculum(
        "programs",
        ("n=int(input())", "a,b=map(int,input().split())", "Read n. Print n", "Read a, b. Print a", "print(",
         " plus ", " minus ", " times "),
        "\n 0123456789+-*=().,abn",
        _program_pairs,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class PretrainRecipe:
    """Everything that decides the weights, apart from the machine; the sizes give 108,000 parameters.

    Head size 32 is the smallest that vLLM's CPU attention offers. The wide initialisation matters: with the usual 0.02 a
    model of this size has not learned to read its own columns off after 600 steps, with 0.1 it has after 400.
    """

    output_dir: str
    steps: int
    seed: int
    batch_size: int = 64
    learning_rate: float = 5e-3
    warmup_steps: int = 30
    hidden_size: int = 64
    intermediate_size: int = 192
    layers: int = 2
    heads: int = 2
    max_positions: int = 128
    initializer_range: float = 0.1
    task: str = "arithmetic"
    warmup_from: WarmupFrom = "zero"


@dataclass(frozen=True)
class PretrainProgress:
    """This record is one line of the child's log."""

    step: int
    steps: int
    loss: float
    seconds: float


def pretrain_base(
    settings: ModelSettings,
    output_dir: Path,
    log_path: Path,
    on_progress: Callable[[PretrainProgress], None] | None = None,
) -> Path:
    """Return the folder of the base model for these settings; an earlier result of the same recipe is used again.

    Raises TrainerFailed with the end of the child's log when the child ends without a checkpoint.
    """
    recipe = recipe_of(settings, str(output_dir))
    if _finished(recipe):
        return output_dir
    from tasks.processes.guard import spawn

    output_dir.parent.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-m", "tasks.engines.training.pretrain", json.dumps(asdict(recipe))]
    child = spawn(argv, log_path=log_path)
    try:
        _follow(child, on_progress)
    finally:
        child.stop(2.0)
    if not _finished(recipe):
        raise TrainerFailed(
            f"Pre-training of the built-in base ended without a checkpoint; its log ends: {child.log_tail(15)}"
        )
    return output_dir


def recipe_of(settings: ModelSettings, output_dir: str = "") -> PretrainRecipe:
    """Return the recipe of `settings.base`, which names a curriculum as builtin:NAME."""
    task = settings.base.removeprefix(PREFIX)
    return PretrainRecipe(
        output_dir,
        settings.pretrain_steps,
        settings.pretrain_seed,
        task=task,
        warmup_from=settings.pretrain_warmup_from,
    )


def curriculum_named(base: str) -> Curriculum | None:
    """Return what a built-in base is taught; None for any other model."""
    return CURRICULA.get(base.removeprefix(PREFIX)) if base.startswith(PREFIX) else None


def _follow(child: Any, on_progress: Callable[[PretrainProgress], None] | None) -> None:
    shown = -1
    while True:
        ended = child.poll() is not None
        progress = _last_progress(child.log_tail(5))
        if on_progress and progress and progress.step != shown:
            shown = progress.step
            on_progress(progress)
        if ended:
            return
        time.sleep(POLL_S)


def _last_progress(log: str | list[str]) -> PretrainProgress | None:
    lines = log.splitlines() if isinstance(log, str) else log
    reports = [line for line in lines if line.startswith('{"step"')]
    return PretrainProgress(**json.loads(reports[-1])) if reports else None


def _finished(recipe: PretrainRecipe) -> bool:
    path = Path(recipe.output_dir) / RECIPE_FILE
    return path.exists() and json.loads(path.read_text()) == asdict(recipe)


# ---- below: runs in the child only ----


def character_tokenizer(task: str = "arithmetic") -> Any:
    """One token per character, and one for each word of the curriculum; nothing is added to a text silently."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    taught = CURRICULA[task]
    words = [PAD, BOS, EOS, UNK, *taught.words, *taught.characters]
    whole = "|".join(map(re.escape, taught.words))
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token=UNK))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(f"{whole}|[\\s\\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        bos_token=BOS,
        eos_token=EOS,
        unk_token=UNK,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )


def tiny_llama(recipe: PretrainRecipe, tokenizer: Any) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.hidden_size,
        intermediate_size=recipe.intermediate_size,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        max_position_embeddings=recipe.max_positions,
        initializer_range=recipe.initializer_range,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)


def encode_batch(tokenizer: Any, batch: list[Pair], task: str = "arithmetic") -> tuple[Any, Any]:
    """Return (input ids, labels), both rows x tokens; prompt and padding are not in the loss."""
    import torch

    template = template_named(CURRICULA[task].template)
    rows, starts = [], []
    for question, solution in batch:
        problem = Problem("", task, "train", "math", question)
        prompt = tokenizer(template.render(problem, 0)).input_ids
        rows.append(prompt + tokenizer(solution).input_ids + [tokenizer.eos_token_id])
        starts.append(len(prompt))
    width = max(map(len, rows))
    ids = torch.tensor([row + [tokenizer.pad_token_id] * (width - len(row)) for row in rows])
    labels = torch.tensor(
        [[-100] * start + row[start:] + [-100] * (width - len(row)) for row, start in zip(rows, starts, strict=True)]
    )
    return ids, labels


def train(recipe: PretrainRecipe) -> None:
    """Train with AdamW, warm-up and cosine decay; the folder appears at the end, complete."""
    import torch

    torch.set_num_threads(1)  # matrices this small lose time to threads, and the sums no longer depend on the cores
    torch.manual_seed(recipe.seed)
    supply = CURRICULA[recipe.task].pairs(recipe.seed)
    tokenizer = character_tokenizer(recipe.task)
    model = tiny_llama(recipe, tokenizer).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate_of(recipe))
    started = time.monotonic()
    for step in range(1, recipe.steps + 1):
        ids, labels = encode_batch(tokenizer, [next(supply) for _ in range(recipe.batch_size)], recipe.task)
        loss = model(input_ids=ids, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 20 == 0 or step == recipe.steps:
            report = PretrainProgress(step, recipe.steps, round(loss.item(), 4), round(time.monotonic() - started, 1))
            print(json.dumps(asdict(report)), flush=True)
    save(model, tokenizer, recipe)


def rate_of(recipe: PretrainRecipe) -> Callable[[int], float]:
    """Return the share of the peak rate at a step, as `LambdaLR` asks for it; no step has rate 0 unless the recipe says so."""
    share = RateShare("cosine", recipe.warmup_steps, recipe.steps)
    if recipe.warmup_from == "first_step":
        return share
    return lambda step: step / recipe.warmup_steps if step < recipe.warmup_steps else share(step)


def save(model: Any, tokenizer: Any, recipe: PretrainRecipe) -> None:
    """Write beside the target, then rename: a folder that exists is complete."""
    target = Path(recipe.output_dir)
    staging = target.with_name(target.name + ".partial")
    shutil.rmtree(staging, ignore_errors=True)
    model.save_pretrained(staging)
    tokenizer.save_pretrained(staging)
    (staging / RECIPE_FILE).write_text(json.dumps(asdict(recipe)))
    shutil.rmtree(target, ignore_errors=True)
    staging.rename(target)


if __name__ == "__main__":
    train(PretrainRecipe(**json.loads(sys.argv[1])))
