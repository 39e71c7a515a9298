"""Commands are files: each is found, in its place, and one of another package stands beside them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from flows.cli.command import COMMANDS
from flows.cli.main import main
from tests.command import ROOT
from tests.outside import Outside

FOLDER = Path(ROOT, "flows", "cli", "commands")
HELLO = '''
"""`restem hello NAME`"""

from flows.cli.command import command


def declare_arguments(parser):
    parser.add_argument("name")


def hello(arguments):
    print(f"hello {arguments.name}")
    return 0


COMMAND = command("hello", "greet somebody", declare_arguments, hello)
'''


def test_every_file_declares_the_command_of_its_name() -> None:
    files = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}
    assert set(COMMANDS.built_in) == {"try" if name == "trial" else name for name in files}  # `try` cannot be imported
    assert all(COMMANDS.get(name).name == name for name in COMMANDS.built_in)


def test_a_command_of_another_package_stands_in_the_help_and_runs(
    outside: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    outside.module("theirs/hello", HELLO)
    outside.declare("restem.commands", hello="theirs.hello:COMMAND")
    with pytest.raises(SystemExit):
        main(["--help"])
    last = capsys.readouterr().out.split("options:")[0].strip().splitlines()[-1]
    assert last.split() == ["hello", "greet", "somebody"]
    assert main(["hello", "world"]) == 0
    assert capsys.readouterr().out == "hello world\n"


def test_a_command_that_cannot_be_imported_takes_no_other_with_it(
    outside: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    outside.module("theirs/hello", HELLO)
    outside.declare("restem.commands", hello="theirs.hello:COMMAND", broken="theirs.none:COMMAND")
    assert main(["hello", "world"]) == 0
    told = capsys.readouterr()
    assert told.out == "hello world\n"
    assert "command 'theirs.none:COMMAND' cannot be imported" in told.err


def test_our_own_commands_do_not_ask_other_packages(outside: Outside) -> None:
    outside.declare("restem.commands", hello="theirs.hello:COMMAND")
    program = "import sys\nfrom flows.cli.main import commands_for\ncommands_for(['ls'])\nprint(*sys.modules)"
    asked = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "importlib.metadata" not in asked.stdout.split()
    assert "flows.cli.commands.ls" in asked.stdout.split()
