"""What of the settings enters a key."""

from __future__ import annotations

from typing import ClassVar

import pytest

from tasks.domain.settings import (
    EngineSettings,
    EvaluateSettings,
    FinetuneSettings,
    GenerateSettings,
    MaterializeSettings,
    Settings,
    VerifySettings,
)


class Inner(Settings):
    kept: int = 1
    added: str = "as before"
    LATER: ClassVar[frozenset[str]] = frozenset({"added"})


class Outer(Settings):
    inner: Inner = Inner()
    place: str = "here"
    later: bool = False
    NOT_CONTENT: ClassVar[frozenset[str]] = frozenset({"place"})
    LATER: ClassVar[frozenset[str]] = frozenset({"later"})


def test_a_later_knob_at_its_default_leaves_keys_as_they_were() -> None:
    assert Outer().content() == {"inner": {"kept": 1}}


def test_a_default_that_changed_for_programs_leaves_the_keys_of_own_rewards() -> None:
    own, code = VerifySettings(reward="my.module:reward"), VerifySettings(reward="code")
    assert own.content()["code"]["output_kb"] == 1024 != code.content()["code"]["output_kb"]
    said = VerifySettings.model_validate({"reward": "my.module:reward", "code": {"cpu_seconds": 2.0}})
    assert said.content()["code"] == said.code.model_dump(mode="json")


def test_a_later_knob_that_is_turned_enters_the_key() -> None:
    turned = Outer(inner=Inner(added="new"), later=True)
    assert turned.content() == {"inner": {"kept": 1, "added": "new"}, "later": True}


@pytest.mark.parametrize(
    "settings",
    [EngineSettings, EvaluateSettings, FinetuneSettings, GenerateSettings, MaterializeSettings, VerifySettings],
)
def test_every_name_that_is_listed_is_a_field(settings: type[Settings]) -> None:
    assert set(settings.model_fields) >= settings.NOT_CONTENT | settings.LATER
    assert not settings.NOT_CONTENT & settings.LATER
