"""What `restem serve` prints names weights that are there, and nothing else is offered."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from flows.cli.main import main
from flows.stored.serving import serving_argv
from tasks.domain.errors import UserError
from tasks.store.artifacts import Store
from tests.handmade import make_store


def test_the_command_names_the_policy_on_loopback_until_its_weights_are_gone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, result = make_store(
        tmp_path, engine={"max_model_len": 512, "kind": "replay", "replay_path": str(tmp_path / "recorded")}
    )
    capsys.readouterr()
    assert main(["serve", "small", "--store", config.run.store, "--json"]) == 0
    argv = json.loads(capsys.readouterr().out)["command"]
    given = dict(zip(argv[3::2], argv[4::2], strict=True))
    assert (
        given["--host"] == "127.0.0.1"
        and given["--served-model-name"] == "small/1"
        and given["--max-model-len"] == "512"
    )
    assert (
        result.iterations[0].refs["policy"] == given["--model"] and (Path(given["--model"]) / "config.json").is_file()
    )
    shutil.rmtree(given["--model"])
    with pytest.raises(UserError, match="are gone"):
        serving_argv(Store(config.run.store), "small", None, "127.0.0.1", 8000)
