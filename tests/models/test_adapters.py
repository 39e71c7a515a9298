"""Policies that are LoRA adapters: trained, saved alone, laid over the base that an engine holds, and proved like the others."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.config import make_config
from flows.planning.estimate import policy_bytes
from flows.run.preflight import with_room_for_adapters
from flows.stored.export import revision_of
from flows.stored.serving import _on_its_base
from tasks.domain.adapters import WEIGHTS, adapter_in, beside_base, is_adapter, name_base
from tasks.domain.errors import PolicyNotProved, UserError
from tasks.domain.fingerprint import digest_of_text
from tasks.domain.schema import Policy, Sampling
from tasks.domain.settings import EngineSettings, FinetuneSettings
from tasks.engines.sampling.checkpoint import read_checkpoint
from tasks.engines.sampling.engine import DrawRequest
from tasks.engines.sampling.host import EngineHost
from tasks.engines.sampling.vllm_process import command, environment
from tasks.store.artifacts import digest_of_folder
from tests.models.architectures import BY_LABEL, write_model
from tests.models.matrix import PROMPT, train_here

RANK = 4
GREEDY = Sampling(temperature=0.0, top_k=0, max_tokens=12)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("base") / "llama", BY_LABEL["llama"])


@pytest.fixture(scope="module")
def laid(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`laid(seed, change=0.0)`: a random adapter over the base, all its values moved by a relative `change`."""
    root = tmp_path_factory.mktemp("adapters")

    def make(seed: int, change: float = 0.0) -> Path:
        adapter = root / f"{seed}-{change}"
        return beside_base(
            adapter if adapter.exists() else write_adapter(adapter, base, seed, change),
            base,
            root / f"{adapter.name}-laid",
        )

    return make


def write_adapter(folder: Path, base: Path, seed: int, change: float = 0.0) -> Path:
    """An adapter as peft saves it, on all linear layers, with no matrix at zero."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = get_peft_model(
            AutoModelForCausalLM.from_pretrained(base),
            LoraConfig(r=RANK, lora_alpha=12, target_modules="all-linear", task_type="CAUSAL_LM"),
        )
        for name, values in model.named_parameters():
            if ".lora_" in name:
                values.data = torch.randn_like(values) * 0.05 * (1 + change)
    model.save_pretrained(folder)
    return folder


def policy(path: Path) -> Policy:
    return Policy(digest_of_text(str(path)), str(path), path.name)


def greedy(host: EngineHost, path: Path) -> Any:
    with host.serving(policy(path)) as session:
        [(_, [completion])] = session.sample([DrawRequest("p", PROMPT, (0,))], GREEDY)
    return completion.token_ids


def merged(laid_over: Path, folder: Path) -> Path:
    """The same policy as a whole model."""
    from transformers import AutoTokenizer

    from tasks.engines.policy_model import policy_model

    policy_model(laid_over, "float32").merge_and_unload().save_pretrained(folder)
    AutoTokenizer.from_pretrained(laid_over / "base").save_pretrained(folder)
    return folder


def test_a_policy_saved_as_an_adapter_computes_what_the_merged_one_does(base: Path, tmp_path: Path) -> None:
    import torch

    from tasks.engines.policy_model import policy_model

    whole = train_here(base, tmp_path / "merged", lora_rank=RANK).epochs[0].path
    saved, again = (
        train_here(base, tmp_path / name, lora_rank=RANK, lora_saved_as="adapter").epochs[0] for name in ("one", "two")
    )
    assert sorted(file.name for file in saved.path.iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
    assert digest_of_folder(saved.path) == digest_of_folder(again.path), "the same training gives the same policy"
    assert str(tmp_path) not in (saved.path / "adapter_config.json").read_text(), "no path of this machine is in it"
    over = beside_base(saved.path, base, tmp_path / "laid")
    assert beside_base(saved.path, base, tmp_path / "laid") == over
    ids = torch.arange(3, 60)[None]
    with torch.inference_mode():
        found, wanted, before = (policy_model(path, "float32")(ids).logits for path in (over, whole, base))
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)
    assert (found - before).abs().max() > 1e-3
    assert not saved.unchanged


def test_an_adapter_whose_training_moved_nothing_is_told(base: Path, tmp_path: Path) -> None:
    still = train_here(base, tmp_path / "out", lora_rank=RANK, lora_saved_as="adapter", learning_rate=1e-60)
    assert still.epochs[0].unchanged


def test_an_adapter_without_its_base_is_refused(base: Path, tmp_path: Path) -> None:
    alone = write_adapter(tmp_path / "alone", base, 1)
    assert is_adapter(alone) and not is_adapter(base)
    with pytest.raises(UserError, match="no 'base' beside it"):
        adapter_in(alone)


def test_an_exported_adapter_names_its_bases_revision_as_peft_reads_it(base: Path, tmp_path: Path) -> None:
    from peft import PeftConfig

    adapter = write_adapter(tmp_path / "adapter", base, 1)
    for revision in ("0" * 40, None):
        name_base(adapter, "someone/model", revision)
        told = PeftConfig.from_pretrained(adapter)
        assert (told.base_model_name_or_path, told.revision) == ("someone/model", revision)


@pytest.mark.parametrize(
    "place, asked, told",
    [
        (f"/cache/hub/models--someone--model/snapshots/{'a' * 40}", "main", "a" * 40),
        (f"/cache/hub/models--someone--model/snapshots/{'a' * 40}", None, "a" * 40),
        ("/models/someone", "main", "main"),
        ("/models/someone", None, None),
    ],
)
def test_the_revision_of_a_base_is_the_commit_that_was_trained_on(
    place: str, asked: str | None, told: str | None
) -> None:
    assert revision_of(place, {"base": "someone/model", "revision": asked}) == told


def test_how_policies_are_saved_stands_in_the_key_only_where_it_is_another_way() -> None:
    assert "lora_saved_as" not in FinetuneSettings(lora_rank=4).content()
    assert FinetuneSettings(lora_rank=4, lora_saved_as="adapter").content()["lora_saved_as"] == "adapter"
    assert EngineSettings(max_lora_rank=8).content() == EngineSettings().content(), (
        "room for adapters changes no sample"
    )


@pytest.mark.parametrize(
    "finetune, sentence",
    [
        ({}, r"lora_rank is 0.*set lora_rank"),
        ({"lora_rank": 4, "start": "previous"}, r"start is 'previous'.*set start = 'base'"),
        ({"lora_rank": 4, "save_dtype": "bfloat16"}, r"save_dtype is 'bfloat16'.*leave save_dtype out"),
    ],
)
def test_what_adapters_cannot_be_combined_with_is_refused(finetune: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        make_config({"finetune": {"lora_saved_as": "adapter", **finetune}})


def test_a_run_with_adapters_starts_its_server_with_room_for_them() -> None:
    tuning = {"lora_saved_as": "adapter", "lora_rank": 12}
    config = with_room_for_adapters(make_config({"finetune": tuning}))
    assert config.engine.max_lora_rank == 12
    argv = command(config.engine, Path("base"), "float32", 1, 0, False, config.engine.max_lora_rank)
    assert "--enable-lora" in argv and argv[argv.index("--max-lora-rank") + 1] == "16"
    assert environment(config.engine, Path("base"), 12)["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] == "1"
    plain = with_room_for_adapters(make_config({"finetune": {"lora_rank": 12}}))
    assert plain.engine.max_lora_rank == 0
    assert "--enable-lora" not in command(plain.engine, Path("base"), "float32", 1, 0, False)


def test_an_adapter_is_planned_at_its_size_and_served_on_its_base(laid: Callable[..., Path]) -> None:
    over = laid(1)
    base = Policy("0" * 16, str((over / "base").resolve()))
    config = make_config({"finetune": {"lora_saved_as": "adapter", "lora_rank": RANK}})
    assert policy_bytes(config, 10**9, base) == pytest.approx((over / WEIGHTS).stat().st_size, rel=0.1)
    argv = _on_its_base(base, over, "run/1")
    told = dict(itertools.pairwise(argv))
    assert told["--model"] == base.uri and told["--lora-modules"] == f"run/1={over}"
    assert "--enable-lora" in argv and told["--max-lora-rank"] == "8"


def test_transformers_serves_an_adapter_as_the_merged_policy(laid: Callable[..., Path], tmp_path: Path) -> None:
    host = EngineHost(EngineSettings(kind="hf"), lambda policy: Path(policy.uri), tmp_path / "logs")
    try:
        texts = [greedy(host, path) for path in (laid(1), merged(laid(1), tmp_path / "merged"), laid(1) / "base")]
    finally:
        host.close()
    assert texts[0] == texts[1] != texts[2]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineHost]:
    settings = EngineSettings(kv_cache_gib=0.1, max_in_flight=8, max_lora_rank=RANK)
    host = EngineHost(settings, lambda policy: Path(policy.uri), tmp_path_factory.mktemp("logs"))
    yield host
    host.close()


@pytest.mark.heavy
@pytest.mark.engine
def test_one_server_serves_base_and_adapters_and_proves_each(
    server: EngineHost, laid: Callable[..., Path], tmp_path: Path
) -> None:
    """Nothing is loaded but the adapters, and the proof never takes one for another, however near they are."""
    base, near = laid(1) / "base", laid(1, 1e-6)
    of_base = greedy(server, base)
    engine: Any = server.engine
    pid = engine._process.child.pid
    of_one, of_other = greedy(server, laid(1)), greedy(server, laid(2))
    assert len({of_base, of_one, of_other}) == 3
    assert engine._proof.rms < 1e-4 and engine._proof.by_weights
    assert engine.identity()["adapter_rank"] == RANK
    dtype, ids = "float32", engine._probe(read_checkpoint(base))
    whole = engine._forward.prompt_logprobs(merged(laid(2), tmp_path / "merged"), dtype, ids)
    assert engine._proof.served == pytest.approx(whole, abs=1e-3)
    assert greedy(server, laid(1)) == of_one
    assert greedy(server, near) and engine._proof.told_apart, "nearly equal adapters are told apart by their weights"
    with pytest.raises(PolicyNotProved, match="not that checkpoint's"):
        engine._prove(policy(laid(1)), read_checkpoint(laid(1)))  # `near` is there
    assert greedy(server, base) == of_base
    assert engine._process.child.pid == pid, "one server did it all"
