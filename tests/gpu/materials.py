"""What the parts work on: a model's folder, a second policy of the same shape, problems, and training rows."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tasks.data.sources import load_problems
from tasks.domain.prompts import template_named
from tasks.domain.schema import Problem
from tasks.domain.settings import ModelSettings, SourceSettings
from tasks.engines.training.sft_rows import TokenRow
from tests.gpu.settings import Smoke

SHOTS, MOST_SOLUTIONS = 4, 10
NUDGE = 0.1  # of a tensor's own standard deviation: far enough to tell two policies apart, in 16 bits too
FIRST_ID = 8  # made-up rows hold no special tokens


def model_folder(settings: Smoke) -> Path:
    """Return the model that is tested; a random one is made where none was named."""
    if settings.model is not None:
        return Path(settings.model)
    folder = settings.folder / "work" / "random-model"
    if not (folder / "model.safetensors").is_file():
        _write_random(folder, settings)
    return folder


def nudged(base: Path, folder: Path) -> Path:
    """Write the model again with noise on every weight: the policy that a training would give, as far as loading it goes."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_pretrained(base, local_files_only=True)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * weight.std(unbiased=False) * NUDGE)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(base, local_files_only=True).save_pretrained(folder)
    return folder


def model_settings(settings: Smoke) -> ModelSettings:
    """Return how prompts are written: GSM8K's few shots where its problems are there and the context holds them."""
    if settings.problems is None:
        return ModelSettings()
    return ModelSettings(base=settings.model or "builtin:arithmetic", prompt="gsm8k", shots=SHOTS)


def problems(settings: Smoke, count: int) -> list[Problem]:
    """Return GSM8K's train problems, or the built-in arithmetic where they are absent."""
    if settings.problems is None:
        return load_problems(SourceSettings(limit=count), "train")
    return load_problems(SourceSettings(kind="gsm8k", path=f"{settings.problems}/train.jsonl", limit=count), "train")


def training_rows(settings: Smoke, tokenizer: Any) -> list[TokenRow]:
    """Return rows that share their few-shot text and, up to ten at a time, their question."""
    made = _real_rows(settings, tokenizer) if settings.problems else _made_up_rows(settings, len(tokenizer))
    return [row for row, _ in zip(made, range(settings.rows), strict=False)]


def _real_rows(settings: Smoke, tokenizer: Any) -> Iterator[TokenRow]:
    """Yield each problem with solutions of its own and of others by people, since neither speed nor equality reads them."""
    told = [json.loads(line) for line in Path(f"{settings.problems}/train.jsonl").read_text().splitlines()]
    template, chance = template_named("gsm8k"), random.Random(0)
    for at, one in enumerate(told):
        question = Problem(str(at), "gsm8k", "train", "math", one["question"], "0")
        prompt = tokenizer(template.render(question, SHOTS))["input_ids"]
        for other in (one, *chance.sample(told, chance.choice((MOST_SOLUTIONS, MOST_SOLUTIONS, 5, 1)) - 1)):
            target = tokenizer(" " + other["answer"], add_special_tokens=False)["input_ids"]
            yield TokenRow((*prompt, *target, tokenizer.eos_token_id), len(prompt), 1.0)


def _made_up_rows(settings: Smoke, vocabulary: int) -> Iterator[TokenRow]:
    """Yield random tokens in the layout of few-shot rows."""
    chance = random.Random(0)

    def tokens(count: int) -> tuple[int, ...]:
        return tuple(chance.randrange(FIRST_ID, vocabulary) for _ in range(count))

    prefix = tokens(settings.row_prefix)
    while True:
        prompt = (*prefix, *tokens(settings.row_question))
        for _ in range(chance.choice((MOST_SOLUTIONS, MOST_SOLUTIONS, 5, 1))):
            solution = tokens(chance.randint(settings.row_solution // 3, settings.row_solution))
            yield TokenRow((*prompt, *solution), len(prompt), 1.0)


def _write_random(folder: Path, settings: Smoke) -> None:
    """Write a random Llama whose heads are 64 wide (32 in a small one), with a tokenizer that knows every one of its tokens."""
    import torch
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    ids = _write_tokenizer(folder, settings.vocabulary)
    heads = max(2, settings.hidden // 64)
    config = LlamaConfig(
        vocab_size=settings.vocabulary, hidden_size=settings.hidden, intermediate_size=settings.hidden * 8 // 3,
        num_hidden_layers=settings.layers, num_attention_heads=heads, num_key_value_heads=heads // 3 if heads % 3 == 0 else heads,
        max_position_embeddings=settings.max_model_len, tie_word_embeddings=True, **ids,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    model.generation_config = GenerationConfig(**ids)
    model.save_pretrained(folder)


def _write_tokenizer(folder: Path, size: int) -> dict[str, int]:
    """Write a byte-level tokenizer of `size` entries; those beyond the bytes are words that no text is split into."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    special = ["<s>", "</s>", "<pad>"]
    letters = [*special, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    words = [*letters, *(f"Ġw{number}" for number in range(size - len(letters)))]
    inner = Tokenizer(models.BPE({word: number for number, word in enumerate(words)}, []))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token=special[0], eos_token=special[1], pad_token=special[2]
    ).save_pretrained(folder)
    return {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2}
