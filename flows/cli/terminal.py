"""What a person at a terminal sees: quiet libraries, one sentence instead of a traceback, and no telemetry.

`prepare_environment` must run before Prefect is imported, `quieten` after. Neither overrides what is already set.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.operation.server.environment import QUIET
from tasks.domain.disk import fault_of
from tasks.domain.errors import RestemError, UserError, one_sentence
from tasks.domain.visible import visible

INTERRUPTED = 130  # as a shell reports SIGINT
TOLD_AT_THE_END = ("Finished in state Failed", "Finished in state Crashed", "Crash detected!")


def complain(sentence: str) -> None:
    """Print one line on standard error, with our name before it."""
    print(f"restem: {visible(sentence)}", file=sys.stderr)


def prepare_environment(verbose: bool = False) -> None:
    """Set defaults for libraries that read the environment when they are imported.

    Prefect's home is `.restem/prefect` unless the person has profiles of their own, which may name a server.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "INFO" if verbose else "WARNING")
    if not Path("~/.prefect/profiles.toml").expanduser().is_file():
        os.environ.setdefault("PREFECT_HOME", str(Path(".restem/prefect").absolute()))
    # on import Prefect tries to make its home; ours is made when something runs
    warnings.filterwarnings("ignore", message="Failed to create the Prefect home directory")


def quieten(verbose: bool = False) -> None:
    """Show only warnings, and errors that our own sentence does not report; `verbose` shows everything."""
    logging.getLogger("restem").setLevel(logging.INFO)
    for library in ("huggingface_hub", "datasets"):  # they announce every retry; the failure itself is told once
        logging.getLogger(library).setLevel(logging.INFO if verbose else logging.ERROR)
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.StreamHandler())
    for handler in root.handlers:
        handler.setLevel(logging.INFO if verbose else logging.WARNING)
        handler.addFilter(not_told_otherwise)


def not_told_otherwise(record: logging.LogRecord) -> bool:
    """Return False for Prefect's log of a failure, because the command line reports it in one sentence at the end."""
    if not record.name.startswith("prefect."):
        return True
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, RestemError) and not record.getMessage().startswith(TOLD_AT_THE_END)


@contextmanager
def stop_at_second_interrupt(complain: Callable[[str], None]) -> Iterator[None]:
    """Let requests in flight end, and be stored, after the first Ctrl-C; end at once, losing only them, after the second.

    Ending at once is safe: stored artifacts are complete, and guards end the children of a process that is gone.
    """

    def first(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, second)
        complain("stopping as soon as what is in flight is stored; Ctrl-C again stops at once")
        raise KeyboardInterrupt

    def second(number: int, frame: object) -> None:
        os._exit(INTERRUPTED)

    before = signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def exit_code(command: Callable[[], int | None], complain: Callable[[str], None]) -> int:
    """Run a command and return its exit code: 2 for the user's mistake, 1 for any other failure of ours, 130 when interrupted.

    Only our own errors become a sentence: anything else is a defect and keeps its traceback.
    """
    try:
        code = command() or 0
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # `restem ls | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except UserError as error:
        complain(one_sentence(error))
        return 2
    except RestemError as error:
        complain(one_sentence(error))
        return 1
    except Exception as error:  # boundary: a disk that refuses is no defect of ours
        fault = fault_of(error)
        if fault is None:
            raise
        complain(fault.sentence("a file"))
        return 2
    except KeyboardInterrupt:
        complain("interrupted; the same command goes on from what is stored")
        return INTERRUPTED
