"""Every fault a person can make in a config, in the data, the model, the store or a command: one sentence, exit code 2.

The sentence names what was found and what to do; there is no traceback; nothing was started or written.
Most cases call `main` here for speed; those marked `process` run the real command.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from prefect.context import refresh_global_settings_context

from flows.cli.main import main
from tests.command import Answer, run_command, write_config
from tests.s3 import S3, s3_server

GOOD: dict[str, Any] = {
    "run": {"name": "bad"},
    "data": {"train": {"split": "train", "limit": 6}, "val": {"split": "val", "limit": 3}, "test": {"split": "test", "limit": 3}},
    "generate": {"waves": [4, 4], "max_tokens": 64},
    "engine": {"kind": "hf"},
    "verify": {"workers": 1},
    "materialize": {"cap": 3},
    "evaluate": {"samples": 4, "k": [1, 4], "max_tokens": 64},
    "retry": {"retries": 0},
}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """A change to the good config, and what the sentence must hold. `prepare` makes files in the working folder."""

    name: str
    says: tuple[str, ...]
    change: dict[str, Any] = field(default_factory=dict)
    prepare: Callable[[Path], None] | None = None
    arguments: tuple[str, ...] = ()
    process: bool = False


def rows(name: str, *records: object) -> Callable[[Path], None]:
    """Writes a JSON Lines file; a text stands for itself."""

    def write(folder: Path) -> None:
        lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
        (folder / name).write_text("\n".join(lines) + "\n")

    return write


def problem(number: int, gold: str = "7") -> dict[str, str]:
    return {"question": f"What is {number}?", "gold": gold}


def table(path: str, **more: Any) -> dict[str, Any]:
    return {"data": {"train": {"kind": "table", "path": path, "limit": 50, **more}}}


def model_without_weights(folder: Path) -> None:
    (folder / "model").mkdir()
    for name in ("config.json", "tokenizer_config.json"):
        (folder / "model" / name).write_text("{}")


def model_without_tokenizer(folder: Path) -> None:
    (folder / "model").mkdir()
    (folder / "model" / "config.json").write_text("{}")
    (folder / "model" / "model.safetensors").write_bytes(b"")


def a_file(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text("here first") and None


CONFIG_FAULTS = [
    Fault("unknown section", ("sampling", "known here", "generate"), {"sampling": {"temperature": 1}}, process=True),
    Fault("unknown key", ("generate.temprature", "temperature"), {"generate": {"temprature": 0.7}}),
    Fault("unknown nested key", ("data.train.limits", "limit"), {"data": {"train": {"limits": 3}}}),
    Fault("wrong type", ("generate.temperature", "'warm'"), {"generate": {"temperature": "warm"}}),
    Fault("a value for a section", ("generate", "3"), {"generate": 3}),
    Fault("out of bounds", ("generate.top_p", "1.5"), {"generate": {"top_p": 1.5}}),
    Fault("not a number", ("finetune.learning_rate", "nan"), {"finetune": {"learning_rate": float("nan")}}),
    Fault("a name that is no folder name", ("run.name", "a/b"), {"run": {"name": "a/b"}}),
    Fault("no waves", ("generate.waves",), {"generate": {"waves": []}}),
    Fault("cap above the first wave", ("cap is 9", "first wave"), {"materialize": {"cap": 9}}, process=True),
    Fault(
        "packing with weights",
        ("packing", "per_problem"),
        {"finetune": {"packing": True}, "materialize": {"weight": "per_problem"}},
    ),
    Fault("openai without urls", ("engine.urls", "http://host:port/v1"), {"engine": {"kind": "openai"}}),
    Fault(
        "openai with training",
        ("fixed policy", "engine.kind = 'vllm'"),
        {"engine": {"kind": "openai", "urls": ["http://127.0.0.1:9/v1"]}},
    ),
    Fault("replay without a path", ("engine.replay_path", "not set"), {"engine": {"kind": "replay"}}),
    Fault("no room for the prompt", ("max_tokens", "max_model_len"), {"engine": {"max_model_len": 64}}),
    Fault("k above samples", ("k = 16", "evaluate.samples"), {"evaluate": {"k": [16]}}),
    Fault("a store without a bucket", ("'s3://'", "no bucket"), {"run": {"store": "s3://"}}),
    Fault("a store with an empty bucket", ("'s3:///runs'", "no bucket"), {"run": {"store": "s3:///runs"}}),
    Fault("an endless time", ("verify.timeout_s", "finite"), {"verify": {"timeout_s": float("inf")}}),
    Fault(
        "an absurd number", ("data.train", "limit", "beyond 1,000,000,000,000"), {"data": {"train": {"limit": 10**30}}}
    ),
    Fault(
        "an absurd number in a list",
        ("generate", "waves", "beyond 1,000,000,000,000"),
        {"generate": {"waves": [10**15]}},
    ),
    Fault("a float that is an absurd number", ("waves", "beyond"), arguments=("--set", "generate.waves=[1e15]")),
    Fault(
        "a text that is an absurd number", ("data.train", "limit", "beyond"), {"data": {"train": {"limit": "9" * 20}}}
    ),
    Fault(
        "more digits than are read",
        ("data.train", "limit"),
        arguments=("--set", f"data.train.limit={'9' * 5000}"),
    ),
    Fault("more workers than machines have", ("verify.workers", "1024"), {"verify": {"workers": 2**31}}),
    Fault("more built-in problems than are made", ("arithmetic", "100,000"), {"data": {"val": {"limit": 2**31}}}),
    Fault("a NUL in a text", ("model.base: 'a\\u0000b' holds", "NUL"), arguments=("--set", 'model.base="a\\u0000b"')),
    Fault("half a character in a text", ("model.base", "half a character"), arguments=("--set", "model.base=\udcff")),
    Fault("a NUL in the name of a section", (".toml: 'a\\u0000b' holds", "NUL"), {'"a\\u0000b"': 1}),
    Fault("a dotted path of dots", ("preset", "package.module:thing"), {"run": {"preset": "../.."}}),
    Fault("a dotted path without names", ("engine.kind", "package.module:thing"), {"engine": {"kind": ":"}}),
    Fault(
        "an unknown key of a section that may be left out",
        ("teacher.engine.a", "urls"),
        {"teacher": {"engine": {"a": 1}}},
    ),
    Fault("unknown preset", ("'magic'", "rest_em"), {"run": {"preset": "magic"}}),
    Fault("a preset that is no name", ("run.preset", "3"), {"run": {"preset": 3}}),
    Fault("a method of the family that is no preset", ("'v_star'", "rest_em"), {"run": {"preset": "v_star"}}),
    Fault(
        "--set without a value",
        ("'generate.temperature'", "section.key=value"),
        arguments=("--set", "generate.temperature"),
    ),
    Fault("--set below a value", ("'name'", "not a section"), arguments=("--set", "run.name.x=3")),
    Fault("--set of an unknown key", ("loop.rounds", "iterations"), arguments=("--set", "loop.rounds=3")),
]

DATA_FAULTS = [
    Fault("missing file", ("nowhere.jsonl", "does not exist"), table("nowhere.jsonl"), process=True),
    Fault(
        "a wrong column",
        ("column answers", "question, gold"),
        table("p.jsonl", columns={"gold": "answers"}),
        rows("p.jsonl", problem(1)),
    ),
    Fault(
        "no gold column",
        ("gold or answer", "question, reply"),
        table("p.jsonl"),
        rows("p.jsonl", {"question": "1?", "reply": "1"}),
    ),
    Fault(
        "a broken line",
        ("p.jsonl line 2", "not JSON"),
        table("p.jsonl"),
        rows("p.jsonl", problem(1), '{"question": "2?"'),
    ),
    Fault(
        "a line that is no object", ("p.jsonl line 1", "expected an object"), table("p.jsonl"), rows("p.jsonl", [1, 2])
    ),
    Fault("an unknown ending", ("p.xlsx", ".jsonl"), table("p.xlsx"), a_file("p.xlsx")),
    Fault("an unknown protocol", ("nosuch://p.jsonl",), table("nosuch://p.jsonl")),
    Fault("an empty file", ("No table problem is left", "0 were read"), table("p.jsonl"), rows("p.jsonl")),
    Fault("an empty split", ("offset is 10", "loosen"), table("p.jsonl", offset=10), rows("p.jsonl", problem(1))),
    Fault("unknown level", ("has the levels", "not 9"), {"data": {"train": {"levels": ["9"]}}}),
    Fault("unknown split", ("'dev'", "pretrain, train, val, test"), {"data": {"train": {"split": "dev"}}}),
    Fault("endless problems", ("set limit",), {"data": {"train": {"limit": None}}}),
    Fault("overlapping splits", ("share a question", "disjoint"), {"data": {"val": {"split": "train"}}}, process=True),
    Fault(
        "ids twice",
        ("table/a", "unique"),
        table("p.jsonl"),
        rows("p.jsonl", problem(1) | {"id": "a"}, problem(2) | {"id": "a"}),
    ),
    Fault(
        "no mark before the gold",
        ("'####'", "no gold"),
        {"data": {"train": {"kind": "gsm8k", "path": "p.jsonl"}}},
        rows("p.jsonl", {"question": "1?", "answer": "one"}),
    ),
    Fault(
        "too many golds that do not parse",
        ("2 of 10 train problems (20.0%)", "mend the gold"),
        table("p.jsonl"),
        rows("p.jsonl", *(problem(number) for number in range(8)), problem(8, "\\frac{"), problem(9, "\\begin{")),
    ),
    Fault(
        "code problems with a math reward", ("'apps'", 'verify.reward = "code"'), {"data": {"train": {"kind": "apps"}}}
    ),
    Fault(
        "code problems without an engine to run them on",
        ("nowhere.sock", "Docker"),
        {"verify": {"reward": "code", "sandbox": {"hosts": ["unix:///nowhere.sock"]}}},
    ),
]

MODEL_FAULTS = [
    Fault("unknown prompt", ("'verse'", "gsm8k"), {"model": {"prompt": "verse"}}),
    Fault(
        "a prompt that cannot be imported",
        ("nowhere:PROMPT", "package.module"),
        {"model": {"prompt": "nowhere:PROMPT"}},
    ),
    Fault("shots out of bounds", ("model.shots", "99"), {"model": {"shots": 99}}),
    Fault("more shots than examples", ("model.shots is 3", "lower model.shots"), {"model": {"shots": 3}}),
    Fault("unknown reward", ("'vibes'", "math"), {"verify": {"reward": "vibes"}}),
    Fault(
        "a reward that cannot be imported",
        ("nowhere.reward", "package.module"),
        {"verify": {"reward": "nowhere.reward"}},
    ),
    Fault("unknown built-in model", ("builtin:poetry", "builtin:arithmetic"), {"model": {"base": "builtin:poetry"}}),
    Fault("missing model folder", ("'./nowhere'", "check the path"), {"model": {"base": "./nowhere"}}, process=True),
    Fault(
        "a model without weights",
        ("lacks model.safetensors or model.safetensors.index.json", "save_pretrained"),
        {"model": {"base": "./model"}},
        model_without_weights,
    ),
    Fault(
        "a model without tokenizer",
        ("lacks tokenizer_config.json",),
        {"model": {"base": "./model"}},
        model_without_tokenizer,
    ),
    Fault("Hub out of reach", ("'nobody/nothing'", "connection"), {"model": {"base": "nobody/nothing"}}, process=True),
    Fault("no Hub id at all", ("'a b c'",), {"model": {"base": "a b c"}}),
    Fault(
        "missing recorded samples",
        ("'./nowhere'", "recorded samples"),
        {"engine": {"kind": "replay", "replay_path": "./nowhere"}},
    ),
    Fault(
        "endpoint out of reach",
        ("http://127.0.0.1:9/v1", "does not answer"),
        {"engine": {"kind": "openai", "urls": ["http://127.0.0.1:9/v1"]}, "loop": {"iterations": 0}},
    ),
]

PLACE_FAULTS = [
    Fault(
        "store is a file",
        ("occupied", "cannot be written"),
        {"run": {"store": "occupied"}},
        a_file("occupied"),
        process=True,
    ),
    Fault(
        "store below a file",
        ("occupied", "cannot be written"),
        {"run": {"store": "occupied/store"}},
        a_file("occupied"),
    ),
    Fault("store in a place that takes no files", ("/proc/restem",), {"run": {"store": "/proc/restem"}}),
    Fault("store in memory", ("memory://", "s3://bucket/prefix"), {"run": {"store": "memory://store"}}),
    Fault(
        "store with an unknown protocol", ("nosuch://store", "s3://bucket/prefix"), {"run": {"store": "nosuch://store"}}
    ),
    Fault("scratch is a file", ("'occupied'", "run.scratch"), {"run": {"scratch": "occupied"}}, a_file("occupied")),
]


@pytest.fixture(autouse=True)
def out_of_reach(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No Hub, no credentials, a home of its own; the environment is put back."""
    before = dict(os.environ)
    for name in [*os.environ]:
        if name.startswith(("AWS_", "PREFECT_", "HF_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "hub" / "datasets"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    yield
    os.environ.clear()
    os.environ.update(before)
    refresh_global_settings_context()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "here"
    made.mkdir()
    monkeypatch.chdir(made)
    return made


def ask(fault: Fault, folder: Path, capsys: pytest.CaptureFixture[str]) -> Answer:
    if fault.prepare:
        fault.prepare(folder)
    config = write_config(folder / "config.toml", GOOD, fault.change)
    argv = ["run", str(config), *fault.arguments]
    return run_command(argv, folder) if fault.process else call(argv, capsys)


def call(argv: list[str], capsys: pytest.CaptureFixture[str]) -> Answer:
    """`main` in this process."""
    capsys.readouterr()
    try:
        code = main(argv)
    except SystemExit as ended:  # argparse
        code = int(str(ended.code))
    captured = capsys.readouterr()
    return Answer(code, captured.out, captured.err)


def assert_one_sentence(answer: Answer, *says: str) -> None:
    assert answer.code == 2, answer
    lines = [line for line in answer.error.splitlines() if line.strip()]
    assert len(lines) == 1, answer.error
    assert lines[0].startswith("restem: ")
    assert "Traceback" not in answer.error
    for text in says:
        assert text in lines[0]
    assert not answer.left


def assert_nothing_happened(folder: Path, inputs: set[Path]) -> None:
    """No file beside the inputs: no store, no log of a server; folders may be there, empty."""
    written = {path for path in folder.rglob("*") if path.is_file()} - inputs
    assert not written


@pytest.mark.parametrize(
    "fault", CONFIG_FAULTS + DATA_FAULTS + MODEL_FAULTS + PLACE_FAULTS, ids=lambda fault: fault.name
)
def test_a_fault_is_one_sentence_and_starts_nothing(
    fault: Fault, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = ask(fault, folder, capsys)
    assert_one_sentence(answer, *fault.says)
    named = {"config.toml", "p.jsonl", "p.xlsx", "occupied"}
    assert_nothing_happened(
        folder, {path for path in folder.rglob("*") if path.name in named or path.parent.name == "model"}
    )


@pytest.mark.heavy  # the library tries again for 25 s
def test_a_hub_data_set_out_of_reach(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fault = Fault(
        "hub", ("openai/gsm8k", "check the name, the split and the network"), {"data": {"train": {"kind": "gsm8k"}}}
    )
    assert_one_sentence(ask(fault, folder, capsys), *fault.says)


# ---------------------------------------------------------------- the config file itself


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, ("config.toml", "does not exist", "deployments/configs/")), (b"[run\nname=", ("not valid TOML",)), (b"\xff\xfe", ("not valid TOML",))],
    ids=["missing", "not TOML", "not text"],
)  # fmt: skip
@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_config_that_cannot_be_read(
    command: str, content: bytes | None, says: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (folder / "config.toml").write_bytes(content)
    assert_one_sentence(call([command, "config.toml"], capsys), *says)
    assert_nothing_happened(folder, {folder / "config.toml"})


def test_plan_refuses_what_run_refuses(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_config(folder / "config.toml", GOOD, {"data": {"val": {"split": "train"}}})
    assert_one_sentence(call(["plan", "config.toml"], capsys), "share a question")


# ---------------------------------------------------------------- this machine


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="this machine may have the GPUs")
def test_more_gpus_than_there_are(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fault = Fault("gpus", ("asks for 2 GPUs", "set both to 1"), {"engine": {"tensor_parallel_size": 2}})
    assert_one_sentence(ask(fault, folder, capsys), *fault.says)


@pytest.mark.skipif(importlib.util.find_spec("wandb") is not None, reason="wandb is installed here")
def test_a_tracker_that_is_not_installed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fault = Fault("wandb", ("wandb", "not installed"), {"finetune": {"report_to": ["wandb"]}})
    assert_one_sentence(ask(fault, folder, capsys), *fault.says)


def test_a_prefect_api_that_does_not_answer(folder: Path) -> None:
    config = write_config(folder / "config.toml", GOOD)
    answer = run_command(["run", str(config)], folder, {"PREFECT_API_URL": "http://127.0.0.1:9/api"})
    assert_one_sentence(answer, "http://127.0.0.1:9/api", "prefect server start")
    assert_nothing_happened(folder, {config})


def small_disk(where: Path, size: str) -> tuple[str, ...]:
    """A command prefix with a tiny disk of its own at `where`; it goes when the command ends."""
    prefix = (
        "unshare",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        f'mount -t tmpfs -o size={size} tmpfs "{where}" && exec "$@"',
        "sh",
    )
    where.mkdir()
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode:
        pytest.skip("user namespaces or mounts are not allowed here, so there is no disk to fill")
    return prefix


def test_a_full_disk_below_scratch(folder: Path) -> None:
    config = write_config(folder / "config.toml", GOOD, {"run": {"scratch": "disk"}})
    answer = run_command(["run", str(config)], folder, within=small_disk(folder / "disk", "1m"))
    assert_one_sentence(answer, "'disk'", "0.0 GiB free", "free some space")


def test_a_full_disk_below_the_store(folder: Path) -> None:
    config = write_config(folder / "config.toml", GOOD, {"run": {"store": "disk/store"}})
    prefix = small_disk(folder / "disk", "64k")
    fill = (
        *prefix[:5],
        prefix[5].replace("exec", f'{{ cat /dev/zero > "{folder}/disk/full" 2>/dev/null || true; }} && exec'),
        "sh",
    )
    answer = run_command(["run", str(config)], folder, within=fill)
    assert_one_sentence(answer, "disk/store", "no space is left")


# ---------------------------------------------------------------- S3


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3_server(tmp_path_factory.mktemp("s3"), checks_credentials=True) as server:
        yield server


@pytest.mark.parametrize(
    ("store", "change", "says"),
    [
        ("s3://bucket/root", {"AWS_SECRET_ACCESS_KEY": "wrong"}, ("s3://bucket/root", "credentials")),
        (
            "s3://bucket/root",
            {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
            ("s3://bucket/root", "credentials"),
        ),
        ("s3://no-such-bucket/root", {}, ("s3://no-such-bucket/root", "bucket")),
        ("s3://bucket/root", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, ("s3://bucket/root", "check the address")),
    ],
    ids=["wrong credentials", "no credentials", "missing bucket", "endpoint refused"],
)
def test_an_s3_store_that_refuses(
    store: str, change: dict[str, str], says: tuple[str, ...], s3: S3, folder: Path
) -> None:
    config = write_config(folder / "config.toml", GOOD, {"run": {"store": store}})
    answer = run_command(["run", str(config)], folder, {**s3.environment, **change})
    assert_one_sentence(answer, *says)
    assert_nothing_happened(folder, {config})
    assert s3.objects("bucket") == []


# ---------------------------------------------------------------- the other commands


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["report", "nobody"], ("'nobody'", "runs there: none")),
        (["trace", "nobody", "--sample", "arithmetic/1+1-1/0"], ("'nobody'", "runs there: none")),
        (["trace", "nobody", "--model"], ("'nobody'", "runs there: none")),
        (["trace", "nobody", "--model", "zero"], ("'zero'", "number of an iteration")),
        (["trace", "nobody"], ("--sample", "--model")),
        (["export", "nobody", "new"], ("'nobody'", "runs there: none")),
        (["export", "nobody", "full"], ("'full' is not empty", "name a new folder")),
        (["export", "nobody", "full/config.json"], ("is a file",)),
        (["export", "nobody", "new", "--iteration", "0"], ("'0'", "number of an iteration")),
        (["gc", "--keep", "0"], ("--keep is 0", "must stay")),
        (["ls", "--store", "nowhere"], ("'nowhere' in /", "--store")),
        (["view", "nowhere"], ("'nowhere' in /", "behind `restem view`")),
        (["report", "nobody", "--store", "nosuch://x"], ("nosuch://x", "s3://bucket/prefix")),
        (["run"], ("CONFIG.toml", "--help")),
        (["rum"], ("'rum'", "--help")),
        (["grade", "math", "nowhere.jsonl"], ("nowhere.jsonl",)),
        (["demo", "--set", "x"], ("'x'", "section.key=value")),
    ],
    ids=" ".join,
)
def test_a_command_that_asks_for_what_is_not_there(
    argv: list[str], says: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / ".restem" / "store").mkdir(parents=True)
    (folder / "full").mkdir()
    (folder / "full" / "config.json").write_text("{}")
    assert_one_sentence(call(argv, capsys), *says)
    assert_nothing_happened(folder, {folder / "full" / "config.json"})
