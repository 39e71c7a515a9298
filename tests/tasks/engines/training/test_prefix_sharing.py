"""Batches that compute shared prefixes once give the losses, gradients and weights of plain rows, or the model trains plainly."""

from itertools import pairwise

import numpy as np
import pytest
from safetensors.numpy import load_file

from tasks.domain.schema import Example, to_table
from tasks.domain.settings import FinetuneSettings
from tasks.engines.training.prefix_layout import IGNORED, Branch, Segment, lay_out
from tests.models.architectures import BY_LABEL, write_model
from tests.models.matrix import train_here

SHOTS = "Question: 2 pens cost 4. One costs?\nAnswer: 4 / 2 = 2.\n\n"
ROWS = tuple(
    Example(f"p{problem}", index, f"{SHOTS}Question: {problem} + {problem}?\nAnswer:", f" {'so ' * index}{2 * problem}.", 1.0, 1.0)
    for problem in range(8)
    for index in range(1 + problem % 4)
)  # fmt: skip
STEPS_20 = {"batch_size": 4, "epochs": 4}
SHARES = ("llama", "mistral", "gpt2", "gemma2", "gemma3_text", "qwen3", "gpt_neox", "granite", "cohere", "smollm3")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")

    def make(label):
        folder = root / label.replace(" ", "-")
        return folder if folder.exists() else write_model(folder, BY_LABEL[label])

    return make


def test_a_prefix_stands_once_and_each_branch_continues_it():
    rows = [Branch((1, 2, 3, 4, 50, 9), 4), Branch((1, 2, 3, 4, 60, 61, 9), 4), Branch((1, 2, 5, 70, 9), 3, 2.0)]
    found = lay_out(rows)
    assert found.input_ids == [1, 2, 3, 4, 50, 4, 60, 61, 5, 70]
    assert found.position_ids == [0, 1, 2, 3, 4, 3, 4, 5, 2, 3]
    assert found.target_ids == [IGNORED] * 3 + [50, 9, 60, 61, 9, 70, 9]
    assert found.weights == [0, 0, 0, 1, 1, 1, 1, 1, 2, 2]
    assert found.segments == [
        Segment(2, ()),
        Segment(1, (0,)),
        Segment(2, (0, 1)),
        Segment(3, (0, 1)),
        Segment(2, (0,)),
    ]
    assert found.tokens == 18


@pytest.mark.parametrize("seed", range(5))
def test_each_row_can_be_read_back_from_the_layout(seed):
    random = np.random.default_rng(seed)
    prompts = [tuple(random.integers(0, 3, random.integers(2, 9)).tolist()) for _ in range(4)]
    rows = [Branch((*prompts[random.integers(4)], *random.integers(5, 9, 1 + at).tolist()), 0) for at in range(9)]
    rows = [Branch(row.input_ids, len(row.input_ids) - 1 - at) for at, row in enumerate(rows)]
    found = lay_out(rows)
    ends = np.cumsum([segment.length for segment in found.segments])
    read = []
    for number, segment in enumerate(found.segments):
        span = slice(ends[number] - segment.length, ends[number])
        if found.target_ids[span.start] != IGNORED:
            path = [found.input_ids[ends[at] - found.segments[at].length : ends[at]] for at in segment.after]
            before = [token for part in path for token in part]
            assert found.position_ids[span] == list(range(len(before), len(before) + segment.length))
            read.append((*before, *found.input_ids[span], found.target_ids[span][-1]))
    assert sorted(read) == sorted(row.input_ids for row in rows)


@pytest.mark.parametrize(
    "label, settings",
    [
        ("llama", {}), ("mistral", {}), ("gpt2", {}),
        ("llama", {"accumulation": 2}), ("llama", {"gradient_checkpointing": True}), ("mistral", {"lora_rank": 2}),
    ],
)  # fmt: skip
def test_twenty_steps_have_the_losses_of_plain_rows(base, tmp_path, label, settings):
    plain = train_here(base(label), tmp_path / "plain", ROWS, **STEPS_20, **settings)
    shared = train_here(base(label), tmp_path / "shared", ROWS, **STEPS_20, **settings, prefix_sharing="batch")
    assert shared.notes == ()
    assert len(shared.history) >= 20 / settings.get("accumulation", 1)
    for one, other in zip(shared.history, plain.history, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-4)
    assert shared.history[0]["grad_norm"] == pytest.approx(plain.history[0]["grad_norm"], rel=1e-5)
    assert shared.tokens == plain.tokens == shared.history[-1]["num_tokens"]


def test_resumed_in_a_middle_it_ends_with_the_same_bits(base, tmp_path, monkeypatch):
    from tasks.engines.training import sft_loop

    class Interrupted(Exception):
        pass

    def stop(self, state, logs):
        if state.global_step == 7:
            raise Interrupted

    undisturbed = train_here(base("llama"), tmp_path / "undisturbed", ROWS, **STEPS_20, prefix_sharing="problem")
    with monkeypatch.context() as patch:
        patch.setattr(sft_loop.ReportProgress, "_append", stop)
        with pytest.raises(Interrupted):
            train_here(base("llama"), tmp_path / "out", ROWS, **STEPS_20, prefix_sharing="problem")
    resumed = train_here(base("llama"), tmp_path / "out", ROWS, resume=True, **STEPS_20, prefix_sharing="problem")
    before, after = (load_file(one.epochs[-1].path / "model.safetensors") for one in (undisturbed, resumed))
    for name, values in before.items():
        np.testing.assert_array_equal(values, after[name], err_msg=name)


@pytest.mark.parametrize("label", SHARES)
def test_the_first_gradient_is_that_of_plain_rows(base, label):
    assert gradient_apart(base(label)) < 1e-5


@pytest.mark.parametrize("label", [label for label in SHARES if label != "gemma2"])  # whose cap no such kernel has
def test_the_way_of_a_gpu_has_the_same_gradient(base, label, monkeypatch):
    from tasks.engines.training import prefix_attention

    monkeypatch.setattr(prefix_attention, "_at_once", lambda query: True)
    assert gradient_apart(base(label)) < 1e-5


def gradient_apart(folder):
    """Relative distance of the gradients, by the probe's own parts but without its limit."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from tasks.engines.architectures import attention_of
    from tasks.engines.training.prefix_attention import NAME
    from tasks.engines.training.prefix_batches import shared_prefix_collator
    from tasks.engines.training.sft_loop import collator
    from tasks.engines.training.sft_rows import tokenize

    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = tokenize(to_table(ROWS, Example), tokenizer).rows
    examples = [{"input_ids": list(row.input_ids), "labels": row.labels} for row in rows]
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation=attention_of(folder), dtype=torch.float32)

    def gradient(logits, targets):
        model.zero_grad()
        torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum").backward()
        return torch.cat([one.grad.flatten() for one in model.parameters() if one.grad is not None])

    batch = collator(tokenizer)(examples)
    labels = batch.pop("labels")
    plain = gradient(model(**batch, use_cache=False).logits[:, :-1], labels[:, 1:])
    shared = shared_prefix_collator(examples)
    model.set_attn_implementation(NAME)
    inputs = {name: shared[name] for name in ("input_ids", "position_ids", "prefix_layout")}
    found = gradient(model(**inputs, use_cache=False).logits, shared["labels"])
    return float((found - plain).norm() / plain.norm())


@pytest.mark.parametrize("label", ["falcon (ALiBi)", "bloom", "mamba", "qwen3_moe"])
def test_a_model_that_computes_it_differently_trains_plainly_and_says_why(base, tmp_path, label):
    plain = train_here(base(label), tmp_path / "plain", ROWS, batch_size=4)
    shared = train_here(base(label), tmp_path / "shared", ROWS, batch_size=4, prefix_sharing="batch")
    [note] = shared.notes
    assert note.startswith("finetune.prefix_sharing is not used, rows are computed one by one: ")
    assert [one["loss"] for one in shared.history] == [one["loss"] for one in plain.history]


def test_dropout_trains_plainly(base, tmp_path):
    result = train_here(base("llama"), tmp_path / "out", ROWS, lora_rank=2, lora_dropout=0.1, prefix_sharing="batch")
    assert "where plain rows give" in result.notes[0]


def test_weights_of_rows_reach_their_tokens(base, tmp_path):
    from dataclasses import replace

    rows = tuple(replace(row, weight=1.0 + at % 3) for at, row in enumerate(ROWS))
    plain = train_here(base("llama"), tmp_path / "plain", rows, batch_size=4)
    shared = train_here(base("llama"), tmp_path / "shared", rows, batch_size=4, prefix_sharing="batch")
    for one, other in zip(shared.history, plain.history, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-5)
        assert one["grad_norm"] == pytest.approx(other["grad_norm"], rel=1e-4)


def test_batches_by_problem_hold_all_rows_in_an_order_of_the_seed_and_epoch(base, tmp_path):
    from tasks.engines.training.prefix_batches import ByProblem

    prompts = [(problem,) for problem in range(20) for _ in range(1 + problem % 5)]
    sampler = ByProblem(prompts, 0)
    orders = [list(sampler), list(sampler)]
    sampler.set_epoch(1)
    orders.append(list(sampler))
    assert orders[0] == orders[1] != orders[2]
    for order in orders:
        assert sorted(order) == list(range(len(prompts)))
        changes = sum(prompts[a] != prompts[b] for a, b in pairwise(order))
        assert changes == 19
    shared = train_here(base("llama"), tmp_path / "shared", ROWS, batch_size=4, prefix_sharing="problem")
    assert shared.history[-1]["num_tokens"] == shared.tokens


def test_sharing_is_in_the_key_only_where_it_is_asked_for():
    assert "prefix_sharing" not in FinetuneSettings().content()
    assert FinetuneSettings(prefix_sharing="problem").content()["prefix_sharing"] == "problem"
