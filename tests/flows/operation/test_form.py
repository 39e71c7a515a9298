"""The forms: every field says what it is and where its bounds are, and what a person leaves alone stays unsaid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.utilities.callables import parameter_schema
from pydantic import BaseModel

from flows.config import RunConfig, load_config
from flows.loop.series import NightSettings
from flows.operation.form import CONFIGS, DEFAULTS, Common, config_from_form, config_names
from flows.operation.server.automations import HEARTBEATS_MISSED_S
from flows.operation.server.registration import deployment_names
from flows.operation.shown import config_markdown
from tasks.domain.errors import UserError

ROOT = Path(__file__).parents[3]
DEPLOYMENTS = yaml.safe_load((ROOT / "deployments" / "prefect.yaml").read_text())["deployments"]


def fields(model: type[BaseModel], where: str = "") -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from fields(field.annotation, f"{where}{name}.")
        else:
            yield f"{where}{name}", field


@pytest.mark.parametrize(
    ("name", "field"),
    [*fields(RunConfig), *fields(NightSettings), *fields(Common)],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_every_field_has_a_sentence_and_every_number_a_bound(name: str, field: Any) -> None:
    assert field.description, name
    if field.annotation in (int, float):
        assert field.metadata, f"{name} has no bound"


def flow_of(entrypoint: str) -> Any:
    module, _, name = entrypoint.rpartition(".")
    return getattr(__import__(module, fromlist=[name]), name)


@pytest.mark.parametrize("entry", DEPLOYMENTS, ids=lambda one: one["name"])
def test_every_deployments_entrypoint_is_a_flow_whose_parameters_are_described(entry: dict[str, Any]) -> None:
    flow = flow_of(entry["entrypoint"])
    schema = parameter_schema(flow.fn)
    assert all("description" in one or "$ref" in one for one in schema.properties.values()), schema.properties
    assert f"{flow.name}/{entry['name']}" in deployment_names()
    assert entry["work_pool"]["name"] in ("gpu", "cpu")


@pytest.mark.parametrize("entry", DEPLOYMENTS, ids=lambda one: one["name"])
def test_a_runs_process_sends_heartbeats_as_often_as_zombies_are_looked_for(entry: dict[str, Any]) -> None:
    """Whoever started its worker: Prefect's own 180 s would have each run marked as crashed that takes longer than the automation waits."""
    every_s = int(entry["work_pool"]["job_variables"]["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"])
    assert 3 * every_s < HEARTBEATS_MISSED_S


def test_configs_presets_data_sets_and_engines_are_selects() -> None:
    schema = parameter_schema(flow_of("flows.self_train.self_train").fn)
    assert schema.properties["start_from"]["enum"] == list(config_names())
    definitions: Any = schema.definitions
    for model, field in (("RunSettings", "preset"), ("SourceSettings", "kind"), ("EngineSettings", "kind")):
        assert len(definitions[model]["properties"][field]["enum"]) > 2


def test_the_nightly_schedule_has_a_time_zone_and_one_night_at_a_time() -> None:
    nightly = next(one for one in DEPLOYMENTS if one["name"] == "nightly")
    assert nightly["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    assert all(one["timezone"] and one["cron"] for one in nightly["schedules"])


@pytest.mark.parametrize("name", config_names()[1:])
def test_an_untouched_form_is_the_chosen_config(name: str) -> None:
    assert config_from_form(name, RunConfig()) == load_config(CONFIGS / f"{name}.toml")
    assert config_from_form(name, RunConfig().model_dump(mode="json")) == load_config(CONFIGS / f"{name}.toml")


def test_what_is_left_at_its_default_follows_the_preset() -> None:
    form = RunConfig().model_dump(mode="json")
    form["run"]["preset"] = "expert_iteration"
    assert config_from_form(DEFAULTS, form).finetune.start == "previous"
    assert config_from_form(DEFAULTS, form, ("finetune.start=base",)).finetune.start == "base"


def test_a_changed_field_wins_over_the_chosen_config() -> None:
    form = RunConfig().model_dump(mode="json")
    form["generate"]["max_tokens"] = 33
    made = config_from_form("demo", form)
    assert (made.generate.max_tokens, made.materialize.cap) == (33, load_config(CONFIGS / "demo.toml").materialize.cap)


def test_what_stands_first_in_the_form_wins_over_the_config_and_settings_win_over_it() -> None:
    common = {"name": "mine", "problems": "gsm8k", "reward": "exact", "prompt": "gsm8k", "iterations": 0}
    made = config_from_form("demo", None, (), common)
    assert (made.run.name, made.verify.reward, made.model.prompt, made.loop.iterations) == ("mine", "exact", "gsm8k", 0)
    assert {made.data.train.kind, made.data.val.kind, made.data.test.kind} == {"gsm8k"}
    form = RunConfig().model_dump(mode="json")
    form["run"]["name"] = "below"
    assert config_from_form("demo", form, (), {}).run.name == "below"
    assert config_from_form("demo", form, (), common).run.name == "mine"
    assert config_from_form("demo", form, ("run.name=most",), common).run.name == "most"
    with pytest.raises(UserError, match=r"common\.iterations"):
        config_from_form("demo", None, (), {"iterations": -1})


@pytest.mark.parametrize("name", ["self_train.self_train", "evaluate.evaluate", "nightly.nightly"])
def test_what_most_people_change_stands_first_and_all_the_rest_is_folded(name: str) -> None:
    schema = parameter_schema(flow_of(f"flows.{name}").fn)
    order = sorted(schema.properties, key=lambda one: schema.properties[one]["position"])
    assert order[-2:] == ["settings", "config"] and "common" in order[:3]
    folded = schema.properties["config"]
    assert (folded["default"], folded["anyOf"][-1]) == (None, {"type": "null"})
    definitions: Any = schema.definitions
    selects = {one for one, field in definitions["Common"]["properties"].items() if "enum" in field}
    assert selects == {"problems", "prompt", "reward", "preset"}


def test_the_first_artifact_says_what_differs_and_hides_passwords() -> None:
    config = config_from_form("demo", None, ("finetune.learning_rate=0.00015", "run.store=s3://me:secret@host/bucket"))
    text = config_markdown(config)
    different = text.split("All of it")[0]
    assert "finetune.learning_rate = 0.00015" in different
    assert "evaluate.bootstrap" not in different and '"bootstrap"' in text
    assert "secret" not in text


@pytest.mark.parametrize(
    ("form", "word"), [(5, "config"), ({"genrate": {}}, "genrate"), ({"generate": {"wave": 1}}, "wave")]
)
def test_what_no_form_sends_is_refused_too(form: Any, word: str) -> None:
    with pytest.raises(UserError, match=word):
        config_from_form(DEFAULTS, form)


def test_the_worker_says_where_results_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESTEM_STORE", "s3://bucket/here")
    assert config_from_form("demo", RunConfig()).run.store == "s3://bucket/here"
    form = RunConfig().model_dump(mode="json")
    form["run"]["store"] = "elsewhere"
    assert config_from_form("demo", form).run.store == "elsewhere"
