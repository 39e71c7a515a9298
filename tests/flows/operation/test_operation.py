"""What a person does in the Prefect interface, on a real server with real workers: start, retry, one stage, bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flows.stored.runs import read_result
from tasks.report.keys import artifact_key
from tasks.store.artifacts import Store
from tests.command import restem, toml_value
from tests.operated import NOTIFY_SECRET, S3_SECRET, Operated, once
from tests.rig import manifests

pytestmark = pytest.mark.heavy

FLEET = "self-train/self-train-fleet"  # its pool takes several runs at once
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "waves below cap": ({"generate": {"waves": [2]}}, "the first wave must be at least the cap"),
    "packing with weights": (
        {"finetune": {"packing": True}, "materialize": {"weight": "per_problem"}}, "set packing = false or weight = 'one'",
    ),
    "unknown reward": ({"verify": {"reward": "vibes"}}, "vibes"),
    "base that is not there": ({"model": {"base": "/no/such/model"}}, "/no/such/model"),
    "replay path that is not there": ({"engine": {"replay_path": "/no/such/samples"}}, "/no/such/samples"),
    "openai without urls": ({"engine": {"kind": "openai"}, "loop": {"iterations": 0}}, "engine.urls is empty"),
    "endpoint that does not answer": (
        {"engine": {"kind": "openai", "urls": ["http://127.0.0.1:9/v1"]}, "loop": {"iterations": 0}}, "does not answer",
    ),
    "more devices than there are": ({"engine": {"tensor_parallel_size": 64}}, "asks for 64 GPUs"),
    "problems that are not there": ({"data": {"train": {"kind": "gsm8k", "path": "/no/such.jsonl"}}}, "/no/such.jsonl"),
    "a store that cannot be written": ({"run": {"store": "/proc/store"}}, "/proc/store"),
}  # fmt: skip


@pytest.mark.parametrize(
    "sections",
    [{"generate": {"temperature": -1}}, {"engine": {"kind": "magic"}}, {"loop": {"iterations": 1000}}, {"generat": {}}],
)
def test_what_the_form_itself_can_check_starts_nothing(operated: Operated, sections: dict[str, Any]) -> None:
    body = {"parameters": operated.form("refused", **sections), "state": {"type": "SCHEDULED"}}
    deployment = operated.machine.deployment(FLEET)["id"]
    answer = operated.machine.client.post(f"{operated.machine.url}/deployments/{deployment}/create_flow_run", json=body)
    assert answer.status_code in (409, 422)


def test_up_again_changes_nothing_and_names_the_same_address(operated: Operated) -> None:
    machine = operated.machine
    port = machine.url.rsplit(":", 1)[1].split("/")[0]
    before = (machine.folder / "machine.json").read_text()
    again = restem("up", "--folder", str(machine.folder), "--port", port, environment=machine.environment)
    assert again.stdout.strip() == machine.url
    assert (machine.folder / "machine.json").read_text() == before


def test_an_address_that_others_can_reach_needs_a_secret(tmp_path: Path) -> None:
    refused = restem("up", "--folder", str(tmp_path), "--host", "0.0.0.0")
    assert refused.returncode == 2
    assert "PREFECT_SERVER_API_AUTH_STRING" in refused.stderr
    assert not list(tmp_path.iterdir())


def test_a_run_shows_its_tasks_its_report_and_its_plots(operated: Operated) -> None:
    machine, small = operated.machine, operated.small
    assert small.type == "COMPLETED"
    assert small.message.startswith("Base to iteration 1")
    assert "iteration-1/finetune" in machine.ended_task_runs(small.id)
    artifacts = machine.artifacts(small.id)
    assert "report-small" in artifacts
    assert all(len(json.dumps(one["data"])) <= 102_400 for one in artifacts.values())


def test_the_graph_of_a_run_is_the_dag_with_each_edge_once(operated: Operated) -> None:
    graph = operated.machine.get(f"/flow_runs/{operated.small.id}/graph-v2")
    names = {key: node["label"] for key, node in graph["nodes"]}
    parents = {node["label"]: [names[edge["id"]] for edge in node["parents"]] for _, node in graph["nodes"]}
    assert all(len(set(found)) == len(found) for found in parents.values()), parents
    for slot, found in parents.items():
        stage = slot.rsplit("/", 1)[-1]
        assert stage != "verify" or found == [slot.replace("verify", "generate")], (slot, found)
        if slot.startswith(("iteration-1/val/", "iteration-1/test/")) and stage == "generate":
            assert found == ["iteration-1/finetune"], (slot, found)
    assert parents["iteration-1/finetune"] == ["iteration-1/materialize"]  # this run's base is a folder
    graded = {slot for slot in parents if slot.startswith("iteration-1/train/") and slot.endswith("/verify")}
    assert graded <= set(parents["iteration-1/materialize"])


def test_a_form_that_cannot_work_is_refused_in_one_sentence_without_a_traceback(operated: Operated) -> None:
    machine = operated.machine
    started = {
        name: machine.start(FLEET, operated.form("refused", **sections) | {"settings": []})
        for name, (sections, _) in REFUSED.items()
    }
    for name, flow_run in started.items():
        ended, wanted = machine.finish(flow_run), REFUSED[name][1]
        assert ended.type == "FAILED", (name, ended)
        assert wanted in ended.message, (name, ended)
        assert "\n" not in ended.message
        assert "Traceback" not in machine.logs(flow_run), name
        assert machine.ended_task_runs(flow_run) == {"validate": "Failed"}, name


def test_retry_after_a_failed_training_does_only_what_is_missing(operated: Operated) -> None:
    machine, form = operated.machine, operated.form("retried")
    failed = machine.do(
        "self-train/self-train", form, RESTEM_FAILPOINTS="finetune.start:1=fail", **once(operated, "retried")
    )
    assert failed.type == "FAILED"
    assert failed.message.startswith("finetune: ")
    assert "Traceback" not in machine.logs(failed.id)
    notice = machine.artifacts(failed.id)["failure-retried"]["data"]
    assert f"prefect flow-run retry {failed.id}" in notice
    assert "iteration 1 E-step" in notice
    assert "Cost of going on" in notice
    said = machine.until(lambda: [one for one in operated.webhook.said if failed.id in one], 60, "the notification")
    assert len(said) == 1
    assert "Cost of going on" in said[0]
    again = machine.retry(failed.id)
    assert again.type == "COMPLETED", again
    second = machine.ended_task_runs(failed.id, 2)
    ran = {name for name, state in second.items() if state != "Cached"} - {"validate"}
    assert {name.split("/")[1] for name in ran} == {"finetune", "val", "test"}
    assert second["iteration-1/materialize"] == "Cached"


def test_verify_alone_grades_again_without_sampling(operated: Operated) -> None:
    machine, store = operated.machine, Store(str(operated.store))
    before = manifests(store, "verify")
    ended = machine.do("stage/stage", {"run": "small", "stage": "verify", "iteration": 1, "store": str(operated.store)})
    assert ended.type == "COMPLETED", ended
    runs = machine.ended_task_runs(ended.id)
    assert {name.rsplit("/", 1)[-1] for name in runs} == {"validate", "verify"}
    after = manifests(store, "verify")
    assert {key: one["digest"] for key, one in after.items()} == {key: one["digest"] for key, one in before.items()}
    changed = [key for key, one in after.items() if one["created"] != before[key]["created"]]
    assert len(changed) == len(runs) - 1
    assert "the same" in machine.artifacts(ended.id)["stage-small-verify-1"]["data"]


def test_finetune_alone_trains_again_and_downstream_evaluates(operated: Operated) -> None:
    machine, store = operated.machine, Store(str(operated.store))
    before = manifests(store, "finetune")
    parameters = {"run": "small", "stage": "finetune", "iteration": 1, "downstream": True, "store": str(operated.store)}
    ended = machine.do("stage/stage", parameters)
    assert ended.type == "COMPLETED", ended
    states = machine.ended_task_runs(ended.id)
    assert states["iteration-1/materialize"] == "Cached"
    after = manifests(store, "finetune")
    assert [one["created"] for one in after.values()] != [one["created"] for one in before.values()]


def test_a_stage_without_its_inputs_is_refused_with_the_stage_that_makes_them(operated: Operated) -> None:
    for parameters, sentence in (
        ({"run": "nobody", "stage": "verify"}, "there is no run 'nobody'"),
        ({"run": "small", "stage": "verify", "iteration": 7}, "has iterations 1 to 1"),
        ({"run": "small", "stage": "finetune", "draw": "x"}, "choose generate"),
    ):
        ended = operated.machine.do("stage/stage", {**parameters, "store": str(operated.store)})
        assert ended.type == "FAILED"
        assert sentence in ended.message


def test_evaluate_scores_a_policy_by_name(operated: Operated) -> None:
    ended = operated.machine.do(
        "evaluate/evaluate", {"policy": "small/1", "config": operated.config.model_dump(mode="json")}
    )
    assert ended.type == "COMPLETED", ended
    assert "greedy" in operated.machine.artifacts(ended.id)[artifact_key("score", "small", "small/1")]["data"]


def test_a_comparison_is_run_arm_by_arm_and_shows_its_tables(operated: Operated) -> None:
    """The committed config from the form, made small by settings, as a person would; its arms share what is the same."""
    store = str(operated.folder / "store-compared")
    changed = {section: getattr(operated.config, section).model_dump(mode="json", exclude_none=True, exclude_defaults=True)
               for section in ("model", "data", "generate", "engine", "verify", "finetune", "evaluate")}  # fmt: skip
    design = {"name": "operated", "seeds": [1], "rounds": 1, "amount": 8, "budget": "samples"}
    changed |= {"run": {"store": store}, "compare": design, "retry": {"retries": 0}}
    changed["engine"]["max_model_len"] = 128
    changed["model"].setdefault("prompt", "arithmetic")
    changed["arms"] = {
        "iml": {"spends": "own", "loop": {"iterations": 1}}
    }  # its mini-batch is all of these few problems
    said = [
        f"{name}.{key}={toml_value(one)}"
        for name, section in changed.items()
        for key, one in section.items()
        if key != "waves"
    ]
    form = {"start_from": "compare-demo", "settings": said}
    unknown = operated.machine.do("compare/compare", {**form, "only": "nobody"})
    assert unknown.type == "FAILED" and "'nobody' is none of the arms" in unknown.message
    for done, arm in enumerate(("rest_em", "unfiltered"), start=1):
        ended = operated.machine.do("compare/compare", {**form, "only": arm})
        assert ended.type == "COMPLETED", ended
        assert f": {done} of " in ended.message and " runs have ended" in ended.message
    cells = operated.machine.post("/flow_runs/filter", {"flows": {"name": {"any_": ["cell"]}}})
    assert cells and all("restem" in one["tags"] for one in cells), "heartbeats are looked for by this tag"
    shown = operated.machine.artifacts(ended.id)[artifact_key("comparison", "operated")]["data"]
    assert "unfiltered" in shown and "## Spent" in shown
    page = (Path(store) / "comparisons" / "operated" / "report.html").read_text()
    assert "<h2>Minus rest_em</h2>" in page and "<h2>Diversity</h2>" in page
    drawn = [
        one for one in manifests(Store(store), "generate").values() if one["recipe"]["sampling"]["temperature"] == 0.7
    ]
    assert drawn and {one["recipe"]["draw"] for one in drawn} == {"seed-1"}
    result = read_result(Store(store), "operated-unfiltered-s1")
    assert result.iterations[0].cached["E-step"], "its round 1 is the first arm's"


def test_no_secret_in_logs_artifacts_or_files(operated: Operated) -> None:
    machine = operated.machine
    files = [path for path in machine.folder.rglob("*") if path.is_file() and path.suffix in (".log", ".json")]
    assert len(files) >= 4
    for path in [*files, *(path for path in operated.store.rglob("*") if path.is_file())]:
        assert NOTIFY_SECRET.encode() not in path.read_bytes(), path
        assert S3_SECRET.encode() not in path.read_bytes(), path
    told = json.dumps([machine.post("/logs/filter", {"limit": 200}), machine.post("/artifacts/filter", {"limit": 200})])
    assert NOTIFY_SECRET not in told and S3_SECRET not in told
    assert NOTIFY_SECRET not in json.dumps(machine.post("/block_documents/filter", {}))


def test_the_server_refused_no_write(operated: Operated) -> None:
    """Two workers poll and runs report at once; with Prefect's own server this log has hundreds of such lines."""
    assert "database is locked" not in (operated.machine.folder / "server.log").read_text()
