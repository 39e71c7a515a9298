"""The `restem` commands on a small store that the real stages made (recorded samples, made-up weights)."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flows.cli.command import COMMANDS
from flows.cli.main import main
from flows.cli.terminal import exit_code, not_told_otherwise
from flows.stored.gc import ORPHAN_AGE_S, clean
from tasks.domain.errors import StageFailed, UserError
from tasks.domain.run_result import RunResult
from tasks.domain.schema import Policy
from tasks.store.artifacts import Store, digest_of_folder, key_of
from tasks.store.workspace import Workspace
from tests.command import ROOT, run_command, write_config
from tests.handmade import make_store, run_directly
from tests.recorded_run import moved
from tests.rig import record, small_config
from tests.s3 import s3_server

HEAVY = ("prefect", "torch", "transformers", "vllm", "trl", "numpy", "pyarrow", "pydantic", "fsspec")


@dataclass(frozen=True)
class Made:
    """A store with one finished run of two iterations, each started from the one before."""

    folder: Path
    config: Path
    result: RunResult

    @property
    def store(self) -> Store:
        return Store(str(self.folder / "store"))

    def policy(self, iteration: int) -> str:
        return self.result.iterations[iteration - 1].policy_digest


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("made")
    config, result = make_store(folder, loop={"iterations": 2}, finetune={"start": "previous", "epochs": 2})
    return Made(folder, write_config(folder / "config.toml", config), result)


@pytest.fixture
def copy(made: Made, tmp_path: Path) -> Made:
    """The same in a folder that a test may change."""
    shutil.copytree(made.folder / "store", tmp_path / "store")
    shutil.copytree(made.folder / "scratch", tmp_path / "scratch")
    return Made(tmp_path, made.config, made.result)


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = dict(os.environ)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    yield
    os.environ.clear()
    os.environ.update(before)


def ask(capsys: pytest.CaptureFixture[str], *argv: object) -> str:
    """What the command prints; it must succeed."""
    capsys.readouterr()
    code = main([str(argument) for argument in argv])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    return captured.out


def ask_json(capsys: pytest.CaptureFixture[str], *argv: object) -> Any:
    return json.loads(ask(capsys, *argv, "--json"))


def files_of(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


# ---------------------------------------------------------------- help


@pytest.mark.parametrize("argv", [[], *([name] for name in COMMANDS.built_in)], ids=" ".join)
def test_help_imports_nothing_heavy(argv: list[str]) -> None:
    program = f"""
import sys
from flows.cli.command import COMMANDS
from flows.cli.main import main
try:
    main({[*argv, "--help"]!r})
except SystemExit as ended:
    assert ended.code == 0
print("heavy:", sorted(set({HEAVY!r}) & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.endswith("heavy: []\n")


# ---------------------------------------------------------------- plan


def steps_of(plan: dict[str, Any]) -> dict[tuple[int, str], dict[str, Any]]:
    return {(step["iteration"], step["phase"]): step for step in plan["steps"]}


def test_a_finished_run_is_planned_as_stored_and_nothing_is_written(
    made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files_of(made.folder)
    plan = ask_json(capsys, "plan", made.config)
    assert {step["state"] for step in plan["steps"]} == {"stored"}
    assert plan["amounts"]["samples"] == 0
    assert files_of(made.folder) == before
    assert "samples and trains nothing" in ask(capsys, "plan", made.config)


def test_a_changed_learning_rate_runs_training_and_what_follows(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    steps = steps_of(ask_json(capsys, "plan", made.config, "--set", "finetune.learning_rate=0.002"))
    assert [steps[1, phase]["state"] for phase in ("E-step", "materialize", "M-step", "evaluate")] == [
        "stored",
        "stored",
        "runs",
        "runs",
    ]
    assert "settings.learning_rate: 0.001 -> 0.002" in steps[1, "M-step"]["why"]
    assert steps[2, "E-step"]["state"] == "runs"
    assert steps[0, "evaluate"]["state"] == "stored"


def test_a_changed_temperature_runs_the_e_step_and_nothing_before(
    made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = steps_of(ask_json(capsys, "plan", made.config, "--set", "generate.temperature=0.9"))
    assert steps[0, "evaluate"]["state"] == "stored"
    assert steps[1, "E-step"]["state"] == "runs"
    assert "temperature: 0.7 -> 0.9" in steps[1, "E-step"]["why"]
    assert steps[1, "E-step"]["samples"] == 24 * 8  # none is stored, and nothing is known about who drops out


def test_a_further_wave_draws_only_for_problems_that_are_not_filled(
    made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    config = small_config(made.folder, made.folder / "base")
    steps = steps_of(ask_json(capsys, "plan", made.config, "--set", "generate.waves=[4,4,4]"))
    unfilled = unfilled_problems(made.store, config.materialize.cap)
    assert 0 < unfilled < 24
    assert steps[1, "E-step"]["state"] == "runs in part"
    assert steps[1, "E-step"]["samples"] == 4 * unfilled


def unfilled_problems(store: Store, cap: int) -> int:
    """Train problems with fewer than `cap` rows in the first iteration's data set."""
    recipe = store.read_json("runs/small/recipes/iteration-1/materialize.json")
    manifest = store.lookup("materialize", key_of(recipe))
    assert manifest is not None
    rows = [row for table in store.tables(store.ref(manifest)) for row in table["problem_id"].to_pylist()]
    return 24 - sum(rows.count(name) >= cap for name in set(rows))


def test_a_plan_for_an_empty_store_bounds_what_the_run_then_draws(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = moved(small_config(made.folder, made.folder / "base", loop={"iterations": 1}), tmp_path)
    plan = ask_json(capsys, "plan", write_config(tmp_path / "config.toml", config))
    assert not (tmp_path / "store").exists()
    run_directly(config)
    store = Store(config.run.store)
    drawn = sum(
        store.read_table(f"samples/{pool}/{name}").num_rows
        for pool in store.listdir("samples")
        for name in store.listdir(f"samples/{pool}")
    )
    assert 0.5 * plan["amounts"]["samples"] <= drawn <= plan["amounts"]["samples"]
    again = ask_json(capsys, "plan", tmp_path / "config.toml")
    assert {step["state"] for step in again["steps"]} == {"stored"}


# ---------------------------------------------------------------- report, ls, trace


def test_report_shows_every_policy_and_the_page(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    text = ask(capsys, "report", "small", "--store", made.store.root)
    assert "iteration 2" in text
    assert text.rstrip().endswith("runs/small/report.html")
    assert ask_json(capsys, "report", "small", "--store", made.store.root)["status"] == "completed"


def test_ls_names_runs_models_and_their_bytes(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    listing = ask_json(capsys, "ls", "--store", made.store.root)
    assert [model["digest"] for model in listing["runs"][0]["models"]] == [made.policy(1), made.policy(2)]
    assert sum(listing["bytes_by_stage"].values()) == sum(
        path.stat().st_size for path in Path(made.store.root).rglob("*") if path.is_file()
    )
    assert made.policy(2) in ask(capsys, "ls", "--store", made.store.root)


def test_a_training_row_leads_to_its_prompt_policy_verdict_and_models(
    made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    row = first_row(made.store)
    traces = ask_json(
        capsys, "trace", "small", "--sample", f"{row['problem_id']}/{row['index']}", "--store", made.store.root
    )
    assert [trace["slot"].split("/")[0] for trace in traces] == ["iteration-1", "iteration-2"]
    first = traces[0]
    assert first["prompt"] == row["prompt"]
    assert first["sample"]["text"].startswith(row["completion"])
    assert first["policy"] == made.result.base.policy_digest
    assert first["sampling"]["temperature"] == 0.7
    assert (first["verdict"]["label"], first["verifier"].split("-")[0]) == ("correct", "math")
    assert first["row"] == row
    assert made.policy(1) in {one["chosen"] for one in first["trained"]}  # the same rows were trained on twice
    assert traces[1]["policy"] == made.policy(1)


def first_row(store: Store) -> dict[str, Any]:
    manifest = store.lookup("materialize", key_of(store.read_json("runs/small/recipes/iteration-1/materialize.json")))
    assert manifest is not None
    row: dict[str, Any] = next(store.tables(store.ref(manifest))).to_pylist()[0]
    return row


def test_a_model_leads_to_its_data_start_settings_and_commit(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    trace = ask_json(capsys, "trace", "small", "--model", 2, "--store", made.store.root)
    assert trace["digest"] == made.policy(2)
    assert trace["parents"] == [made.policy(1), made.result.base.policy_digest]
    assert trace["sampled_from"] == made.policy(1)
    assert made.store.lookup("materialize", trace["dataset"]["key"]) is not None
    assert trace["settings"]["learning_rate"] == 0.001
    assert trace["commit"]


@pytest.mark.parametrize("what", [("--sample", "arithmetic/0/0"), ("--sample", "nonsense"), ("--model", "7")])
def test_what_the_run_does_not_hold_is_one_sentence(
    what: tuple[str, str], made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trace", "small", *what, "--store", made.store.root]) == 2
    error = capsys.readouterr().err
    assert what[1] in error
    assert error.count("\n") == 1


# ---------------------------------------------------------------- export


def test_an_export_holds_the_weights_the_sampling_and_the_table(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exported = ask_json(capsys, "export", "small", tmp_path / "model", "--iteration", 2, "--store", made.store.root)
    assert exported["policy"] == made.policy(2)
    generation = json.loads((tmp_path / "model" / "generation_config.json").read_text())
    assert (generation["temperature"], generation["top_k"], generation["max_new_tokens"]) == (0.7, 40, 64)
    card = (tmp_path / "model" / "README.md").read_text()
    assert "| iteration 2 |" in card
    assert str(made.folder) not in card
    for name in ("README.md", "generation_config.json"):
        (tmp_path / "model" / name).unlink()
    assert digest_of_folder(tmp_path / "model") == made.policy(2)


def test_an_export_without_a_number_takes_the_best_on_val(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rewards = [row.val_reward.value for row in made.result.iterations if row.val_reward]
    best = rewards.index(max(rewards)) + 1
    assert ask_json(capsys, "export", "small", tmp_path / "model", "--store", made.store.root)["iteration"] == best


def test_an_export_is_pushed_where_it_is_asked_to_go(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = tmp_path / "elsewhere" / "mine"
    exported = ask_json(
        capsys, "export", "small", tmp_path / "model", "--push", f"file://{there}", "--store", made.store.root
    )
    assert exported["pushed"] == [f"file://{there}"]
    assert digest_of_folder(there) == digest_of_folder(tmp_path / "model")


def test_an_export_stays_when_its_push_fails(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")  # read when it was imported
    code = main(["export", "small", str(tmp_path / "model"), "--push-hub", "me/mine", "--store", made.store.root])
    error = capsys.readouterr().err
    assert code == 2
    assert "is written, but pushing to Hub repository 'me/mine' failed" in error
    assert (tmp_path / "model" / "README.md").is_file()


def test_weights_that_gc_removed_are_named_with_what_to_do(copy: Made, tmp_path: Path) -> None:
    workspace = Workspace(copy.store.root, str(tmp_path / "scratch"), "small")
    lost = copy.store.uri("finetune/0123/1-a/epoch-2")
    with pytest.raises(UserError, match=f"delete {copy.store.uri('finetune/0123')} to train them again"):
        workspace.localize(Policy("0" * 16, lost))


@pytest.mark.heavy
def test_every_command_reads_a_store_on_s3(made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same answers as from the folder, and a gc that removes the same things."""
    with s3_server(tmp_path) as server:
        os.environ.update(server.environment)
        import s3fs

        s3fs.S3FileSystem(skip_instance_cache=True).put(f"{made.store.root}/", "bucket/root/", recursive=True)
        here, there = made.store.root, "s3://bucket/root"
        row = first_row(made.store)
        for argv in (
            ["ls"], ["report", "small"], ["trace", "small", "--model", "1"],
            ["trace", "small", "--sample", f"{row['problem_id']}/{row['index']}"],
            ["gc", "--dry-run", "--scratch", tmp_path],
        ):  # fmt: skip
            local, remote = (ask(capsys, *argv, "--json", "--store", store) for store in (here, there))
            assert remote.replace(there, here) == local
        ask(capsys, "export", "small", tmp_path / "model", "--store", there, "--push", "s3://bucket/models/mine")
        assert "models/mine/model.safetensors" in server.objects("bucket")
        ask(capsys, "gc", "--store", there, "--scratch", tmp_path)
        plan = ask_json(capsys, "plan", made.config, "--set", f"run.store={there}")
        assert {step["state"] for step in plan["steps"]} == {"stored"}


def test_a_damaged_model_is_not_exported(copy: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = next(path for path in (copy.folder / "store" / "finetune").rglob("model.safetensors"))
    for path in (copy.folder / "store" / "finetune").rglob("model.safetensors"):
        path.write_bytes(weights.read_bytes()[:-1] + b"?")
    assert main(["export", "small", str(tmp_path / "model"), "--store", copy.store.root]) == 1
    assert "damaged" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()
    assert not list(tmp_path.glob("*.partial"))


# ---------------------------------------------------------------- gc


def weights_in(made: Made) -> set[str]:
    """Digests of the policies whose weights are there."""
    manifests = [made.store.lookup("finetune", key) for key in made.store.listdir("finetune")]
    return {
        epoch["digest"]
        for one in manifests
        if one
        for epoch in one.meta["epochs"]
        if (Path(made.store.root) / epoch["path"]).is_dir()
    }


def test_gc_keeps_what_runs_chose_and_removes_other_epochs(copy: Made, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(weights_in(copy)) == 4
    before = files_of(copy.folder)
    dry = ask_json(capsys, "gc", "--dry-run", "--store", copy.store.root, "--scratch", copy.folder / "scratch")
    assert files_of(copy.folder) == before
    real = ask_json(capsys, "gc", "--store", copy.store.root, "--scratch", copy.folder / "scratch")
    assert real["removals"] == dry["removals"]
    assert weights_in(copy) == {copy.policy(1), copy.policy(2)}


def test_a_repeated_run_is_all_stored_after_gc(copy: Made, capsys: pytest.CaptureFixture[str]) -> None:
    ask(capsys, "gc", "--keep", 1, "--store", copy.store.root, "--scratch", copy.folder / "scratch")
    plan = ask_json(capsys, "plan", copy.config, "--set", f"run.store={copy.store.root}")
    assert {step["state"] for step in plan["steps"]} == {"stored"}


def test_gc_keeps_the_weights_that_a_kept_policy_was_started_from(
    copy: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    """With one policy to keep, the second iteration's start, the first one's policy, stays as its lineage."""
    ask(capsys, "gc", "--keep", 1, "--store", copy.store.root, "--scratch", copy.folder / "scratch")
    assert copy.policy(1) in weights_in(copy)


def test_gc_keeps_a_promoted_policy(copy: Made, capsys: pytest.CaptureFixture[str]) -> None:
    other = next(iter(weights_in(copy) - {copy.policy(1), copy.policy(2)}))
    copy.store.write_json("promoted/mine.json", {"policy_digest": other})
    ask(capsys, "gc", "--store", copy.store.root, "--scratch", copy.folder / "scratch")
    assert other in weights_in(copy)


def test_gc_removes_attempts_that_nobody_finished_once_they_are_a_day_old(copy: Made) -> None:
    store, now = copy.store, 2_000_000_000.0
    old, young = (f"{int((now - age) * 1000):013d}-abcdef01" for age in (ORPHAN_AGE_S + 60, ORPHAN_AGE_S - 60))
    for attempt in (old, young):
        store.write_bytes(f"verify/{'0' * 16}/{attempt}/part-00000.parquet", b"x" * 10)
        store.write_bytes(f"samples/{'0' * 16}/{attempt}-00000.parquet", b"x" * 10)
    cleaning = clean(store, copy.folder / "scratch", now=now)
    gone = {one.path for one in cleaning.removals if "no manifest names" in one.why}
    assert gone == {f"verify/{'0' * 16}/{old}", f"samples/{'0' * 16}/{old}-00000.parquet"}
    assert store.listdir(f"verify/{'0' * 16}") == [young]
    assert store.listdir(f"samples/{'0' * 16}") == [f"{young}-00000.parquet"]


def test_gc_removes_training_states_of_committed_trainings_only(copy: Made) -> None:
    committed = copy.store.listdir("finetune")[0]
    for key in (committed, "f" * 16):
        (copy.folder / "scratch" / "train" / key / "out").mkdir(parents=True)
        (copy.folder / "scratch" / "train" / key / "out" / "optimizer.pt").write_bytes(b"x" * 10)
    clean(copy.store, copy.folder / "scratch")
    assert sorted(path.name for path in (copy.folder / "scratch" / "train").iterdir()) == ["f" * 16]


# ---------------------------------------------------------------- doctor


def test_doctor_has_a_line_for_each_part_and_says_what_to_do(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["doctor", "--json", "--store", made.store.root, "--scratch", str(tmp_path)])
    findings = {one["part"]: one for one in json.loads(capsys.readouterr().out)}
    assert {"engine", "GPU", "Docker", "store", "Prefect", "disk", "memory"} <= set(findings)
    assert findings["store"]["status"] == "ok"
    assert all(one["todo"] for one in findings.values() if one["status"] == "fault" and one["part"] != "store")
    assert code == int(any(one["status"] == "fault" for one in findings.values()))


def test_doctor_finds_an_api_that_does_not_answer(tmp_path: Path) -> None:
    answer = run_command(
        ["doctor", "--store", str(tmp_path / "store")], tmp_path, {"PREFECT_API_URL": "http://127.0.0.1:9/api"}
    )
    assert answer.code == 1
    assert "http://127.0.0.1:9/api does not answer; to do: start it" in answer.out


# ---------------------------------------------------------------- what reaches the terminal


def failing(error: BaseException) -> int:
    raise error


@pytest.mark.parametrize(
    ("error", "code"), [(UserError("do\nthis"), 2), (StageFailed("too many"), 1), (KeyboardInterrupt(), 130)]
)
def test_our_own_errors_become_an_exit_code_and_one_sentence(error: BaseException, code: int) -> None:
    said: list[str] = []
    assert exit_code(lambda: failing(error), said.append) == code
    assert len(said) == 1
    assert "\n" not in said[0]


def test_a_reader_that_has_seen_enough_is_no_error(made: Made) -> None:
    command = f"{sys.executable} -m flows.cli.main trace small --model --json --store {made.store.root} | head -c 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "{", "")


def test_a_defect_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        exit_code(lambda: failing(ZeroDivisionError()), lambda said: None)


def test_prefects_account_of_our_own_errors_stays_out_of_the_terminal() -> None:
    def logged(name: str, error: Exception) -> logging.LogRecord:
        return logging.LogRecord(name, logging.ERROR, "", 0, "Encountered exception", None, (type(error), error, None))

    assert not not_told_otherwise(logged("prefect.flow_runs", UserError("x")))
    assert not_told_otherwise(logged("prefect.flow_runs", ZeroDivisionError()))
    assert not_told_otherwise(logged("restem", UserError("x")))


@pytest.mark.heavy
def test_a_users_mistake_inside_the_flow_is_one_sentence_and_leaves_no_process(made: Made, tmp_path: Path) -> None:
    """Recorded samples that lack some indices are found out by a task, after the flow's own API has started."""
    config = moved(small_config(tmp_path, made.folder / "base"), tmp_path)
    record(config)
    path = write_config(tmp_path / "config.toml", config)
    answer = run_command(["run", str(path), "--set", "evaluate.samples=6"], tmp_path)
    assert answer.code == 2, answer
    assert "Traceback" not in answer.error
    assert sum(line.startswith("restem: ") for line in answer.error.splitlines()) == 1
    assert not answer.left
