"""An engine is found by its kind: where it is declared in this folder, in another package, or at a dotted path."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.domain.errors import UserError
from tasks.domain.extensions import ENGINES
from tasks.domain.settings import EngineSettings
from tasks.engines.sampling.choose import DECLARES, METHODS, engine_class, make_engine
from tests.outside import Outside

ENGINE = """
from tasks.domain.schema import Completion


class Parrot:
    needs_files, library, instead = False, None, None

    def __init__(self, settings, log_dir):
        self.settings = settings

    def serve(self, policy, path):
        pass

    def sample(self, requests, sampling, on_progress=None):
        for request in requests:
            yield request, tuple(Completion(request.prompt, "stop", None, 1, 1) for _ in request.indices)

    def release(self):
        pass

    def close(self):
        pass

    def identity(self):
        return {"kind": "parrot"}
"""


def test_every_engine_of_ours_declares_what_it_needs() -> None:
    assert set(ENGINES.built_in) == {"vllm", "hf", "openai", "replay"}
    for kind in ENGINES.built_in:
        assert all(hasattr(engine_class(kind), name) for name in (*DECLARES, *METHODS))
    assert {kind for kind in ENGINES.built_in if engine_class(kind).needs_files} == {"vllm", "hf"}


@pytest.mark.parametrize("kind", ["parrot", "theirs.parrot:Parrot"])
def test_an_engine_of_another_package_is_made_and_its_code_stands_in_keys(
    outside: Outside, tmp_path: Path, kind: str
) -> None:
    outside.module("theirs/parrot", ENGINE)
    outside.declare("restem.engines", parrot="theirs.parrot:Parrot")
    settings = EngineSettings(kind=kind)
    assert make_engine(settings, tmp_path).identity() == {"kind": "parrot"}
    before = settings.content()
    outside.module("theirs/parrot", ENGINE + "\n# another one\n")
    after = EngineSettings(kind=kind).content()
    assert before.keys() == after.keys() == EngineSettings().content().keys() | {"engine_version"}
    assert {name for name in before if before[name] != after[name]} == {"engine_version"}


def test_an_engine_that_does_not_exist_is_refused_by_the_settings() -> None:
    with pytest.raises(ValueError, match="engine 'tpu' is not known; choose one of openai, hf, replay, vllm"):
        EngineSettings(kind="tpu")


def test_a_class_that_is_no_engine_is_refused(outside: Outside, tmp_path: Path) -> None:
    outside.module("elsewhere", "class Half:\n    needs_files = True\n")
    with pytest.raises(UserError, match="lacks library, instead, serve, sample"):
        make_engine(EngineSettings(kind="elsewhere:Half"), tmp_path)
