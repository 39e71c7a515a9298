"""What a model or its program wrote reaches terminals, logs and pages without commanding them."""

from __future__ import annotations

import argparse
import json

import pytest

from flows.cli.terminal import complain
from flows.cli.text import show
from sandbox.grading.outcome import shortened
from tasks.domain.visible import visible
from tasks.graders.table import side_by_side
from tasks.report.html import safe
from tasks.report.publish import fenced
from tasks.report.text import code, plain

HOSTILE = "\x1b]0;title\x07\x1b[2J\x1b[31mred\r\x9b1A\u202eltr\x00\x7f\ud800 end"
COMMANDS = [char for char in HOSTILE if not char.isprintable()]


@pytest.mark.parametrize(
    "shown", [visible, shortened, safe, fenced, plain, code, lambda text: side_by_side(["name"], [[text]])[1]]
)
def test_nothing_of_a_message_commands_a_terminal(shown: object) -> None:
    text = shown(HOSTILE)  # type: ignore[operator]
    assert not any(char in text for char in COMMANDS)
    assert "red" in text and "end" in text


def test_the_command_line_shows_what_it_prints(capsys: pytest.CaptureFixture[str]) -> None:
    complain(HOSTILE)
    show(argparse.Namespace(json=False), None, lambda: HOSTILE)
    show(argparse.Namespace(json=True), {"detail": HOSTILE}, lambda: "")
    said = capsys.readouterr()
    assert not any(char in said.out + said.err for char in COMMANDS)
    assert json.loads(said.out[said.out.index("{") :]) == {"detail": HOSTILE}


@pytest.mark.parametrize(
    "text", ["plain", "two\nlines\tand a tab", "\u00e9\u4e2d\U0001f469\u200d\U0001f4bb \u05e9\u05dc\u05d5\u05dd"]
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert visible(text) == text
