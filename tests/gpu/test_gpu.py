"""The smoke test of a GPU, on the CPU: how its parts are run, what is written, and (heavy) every part with small sizes."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.domain.errors import UserError
from tests.gpu import __main__ as command
from tests.gpu.card import card_line, machine, peak_tflops
from tests.gpu.faulty import TABLE
from tests.gpu.groups import run_parts
from tests.gpu.page import page
from tests.gpu.results import PartResult, Results
from tests.gpu.settings import PARTS, SMALL, USUAL, Smoke, chosen


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PartResult]:
    settings = Smoke(str(tmp_path_factory.mktemp("faulty")))
    return {one.part: one for one in run_parts(settings, list(TABLE), time.monotonic() + 600, TABLE)}


def test_whatever_a_part_does_the_others_have_their_outcome(outcomes: dict[str, PartResult]) -> None:
    assert {name: one.state for name, one in outcomes.items()} == {
        "fine": "done", "raises": "failed", "needs it": "not run", "measures": "failed", "not here": "not run", "dies": "failed",
        "needs the dead": "not run", "hangs": "timed out", "last": "done",
    }  # fmt: skip


def test_a_part_that_is_not_done_says_why(outcomes: dict[str, PartResult]) -> None:
    assert outcomes["raises"].reason.startswith("ValueError: a <fault>")
    assert outcomes["needs it"].reason == "it needs raises, which failed"
    assert outcomes["measures"].figures == {"apart": 0.5}
    assert outcomes["not here"].reason == "there is no card"
    assert "code -9" in outcomes["dies"].reason and "killed by hand" in outcomes["dies"].reason
    assert "its limit" in outcomes["hangs"].reason


def test_parts_share_a_process_until_one_takes_it_along(outcomes: dict[str, PartResult]) -> None:
    assert [outcomes[name].figures["parts of this child"] for name in ("fine", "last")] == [1, 1]


def test_what_finds_no_time_is_said(tmp_path: Path) -> None:
    found = list(run_parts(Smoke(str(tmp_path)), ["fine", "last"], time.monotonic() + 1, TABLE))
    assert [(one.part, one.state) for one in found] == [("fine", "not run"), ("last", "not run")]


def test_the_page_has_every_part_and_no_text_of_a_part_is_markup(outcomes: dict[str, PartResult]) -> None:
    shown = page(Results(machine("-"), {}, ("a <warning>",), outcomes))
    assert all(name in shown for name in outcomes)
    assert "a &lt;fault&gt;" in shown and "a &lt;warning&gt;" in shown
    assert "<fault>" not in shown and "<script" not in shown


def test_parts_are_named_in_any_order_and_run_in_theirs() -> None:
    assert chosen("sft, sleep start") == ("start", "sleep", "sft")
    assert chosen("") == USUAL
    with pytest.raises(UserError, match="there is no part 'fast'"):
        chosen("sft fast")


def test_settings_survive_the_way_to_a_child(tmp_path: Path) -> None:
    settings = Smoke(str(tmp_path), model="m", in_flight=(1, 2), eager=True, until=2.5)
    assert Smoke.from_json(settings.to_json()) == settings
    assert set(SMALL) <= set(Smoke.__dataclass_fields__)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--parts", "fast"], "there is no part 'fast'"),
        (["--model", "/nowhere"], "holds no config.json"),
        (["--set", "speed=3"], "there is no size 'speed'"),
        (["--set", "rows=many"], "'many' is no int"),
    ],
)
def test_a_mistake_is_one_sentence_before_anything_starts(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(argv) == 2
    assert message in capsys.readouterr().err


def test_an_earlier_command_s_parts_stay_where_card_and_commit_are_the_same(tmp_path: Path) -> None:
    file = tmp_path / "gpu.json"
    before = Results({"card": "A", "commit": "1"}, {}, (), {"sft": PartResult("sft", "done", 1.0)})
    before.write(file)
    same, other = replace(before, parts={}), Results({"card": "A", "commit": "2"}, {})
    same.take_over(file)
    other.take_over(file)
    assert list(same.parts) == ["sft"] and not other.parts


def test_the_first_name_that_a_card_contains_has_its_rate() -> None:
    assert peak_tflops("NVIDIA H100 80GB HBM3") == 989.0
    assert peak_tflops("NVIDIA H100 PCIe") == 756.0
    assert peak_tflops("none") is None


@pytest.mark.heavy
@pytest.mark.engine
def test_every_part_runs_on_two_cores_with_small_sizes(tmp_path: Path) -> None:
    """But `iteration`, which is `restem run` on real problems: its limit is a card's, and many tests run that command."""
    parts = [name for name in USUAL if name != "iteration"]
    code = command.main(
        ["--small", "--out", str(tmp_path), "--seconds", "1500", "--commit", "a-commit", "--parts", " ".join(parts)]
    )
    told = json.loads((tmp_path / "gpu.json").read_text())
    states = {one["part"]: one["state"] for one in told["parts"]}
    assert states == {**dict.fromkeys(parts, "done"), "sleep": "not run"}, told["parts"]
    assert code == 0 and told["machine"]["commit"] == "a-commit"
    assert "no model was named" in (tmp_path / "gpu.html").read_text()
    figures = {one["part"]: one["figures"] for one in told["parts"]}
    assert figures["sft"]["prefix sharing"]["positions_a_token"] < 1 == figures["sft"]["plain"]["positions_a_token"]
    assert set(PARTS) == {*USUAL, "full"}


def test_the_line_of_a_card_is_read_and_an_error_is_not_one() -> None:
    asked = "name,driver_version,memory.total"
    assert card_line("NVIDIA H200, 580.159.04, 143771", asked) == ("NVIDIA H200", "580.159.04", "143771")
    assert card_line("1223", "memory.used") == ("1223",)
    assert card_line("No devices were found", asked) is None
