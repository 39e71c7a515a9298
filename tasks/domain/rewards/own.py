"""A reward of one's own: a function `(problem, text)`, and what it may say about how it wants to be called.

    def valid(problem, text): ...                                       one row; killable workers, verify.timeout_s, verify.memory_mb

    @reward(batch=64)
    def score(problems, texts): ...                                     many rows a call (a reward model): one process, kept

    @reward(concurrency=16, retries=3, timeout_s=30)
    async def judge(problem, text): ...                                 many calls at once (a judge endpoint, a database)

Each answers, for a row, True or False, a number in [0, 1] (`verify.threshold` says from where it is accepted), or a `Decision`. An
exception, a time-out or anything else is `verifier_error` with the message as evidence. All run outside of this process.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from tasks.domain.errors import UserError
from tasks.domain.fingerprint import digest_of
from tasks.domain.plugin_code import digest_of_source
from tasks.domain.rewards import REWARDS, imported
from tasks.domain.rewards.base import Check, Decision, Executor, Grades, Reward, verdict_of
from tasks.domain.schema import Problem, Verdict, as_key
from tasks.domain.settings import VerifySettings

EXECUTOR = "tasks.graders.functions:FunctionExecutor"
OPTIONS = "restem_options"  # attribute of a function that `reward` decorated
CALL_TIMEOUT_S = 60.0  # of a batched or an async call that names no limit
_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Options:
    """How a function is called; see `reward`."""

    version: str | None = None
    gold: Callable[[Problem], str | None] | None = None
    batch: int = 0
    concurrency: int = 0
    retries: int = 0
    timeout_s: float | None = None
    memory_mb: int | None = None

    def __post_init__(self) -> None:
        for name in ("batch", "concurrency", "retries", "memory_mb"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < 0):
                raise UserError(f"@reward({name}={value!r}): expected a whole number from 0")
        if self.timeout_s is not None and not self.timeout_s > 0:
            raise UserError(f"@reward(timeout_s={self.timeout_s!r}): expected seconds above 0")


def reward(
    *,
    version: str | None = None,
    gold: Callable[[Problem], str | None] | None = None,
    batch: int = 0,
    concurrency: int = 0,
    retries: int = 0,
    timeout_s: float | None = None,
    memory_mb: int | None = None,
) -> Callable[[_F], _F]:
    """Decorator: say how a reward function is called. The function itself stays as it is.

    Args:
        version: Stands in the key of every verdict. None: a digest of the module's source, and of what it imports from its folder.
        gold: Problem -> a completion that must be accepted, or None; every problem is tried before a run starts. None: nothing is tried.
        batch: The function takes two lists, up to so many problems and texts, and returns a list. 0: one problem and one text.
        concurrency: Calls at once. 0: verify.workers processes; one process with `batch`; 16 calls in one process for an async function.
        retries: A call that raises is tried so often again, after 0.5, 1, 2, ... seconds.
        timeout_s: Of one call. None: verify.timeout_s; 60 with `batch` or for an async function.
        memory_mb: Address space of a process, 0: no limit. None: verify.memory_mb; no limit with `batch` or for an async function.
    """

    def keep(function: _F) -> _F:
        made = Options(version, gold, batch, concurrency, retries, timeout_s, memory_mb)
        setattr(function, OPTIONS, made)
        return function

    return keep


class FunctionReward:
    """A function as a reward. It runs in processes that can be killed; nothing of that is imported here."""

    kind: Grades = "any"

    def __init__(self, name: str, function: Callable[..., Any], folder: str | None = None) -> None:
        self.name, self.function, self.folder = name, function, folder
        self.options: Options = getattr(function, OPTIONS, Options())
        given = self.options.version or getattr(function, "version", None)
        self.version = str(given or digest_of_source(function, folder))

    def prepare(self, problem: Problem, text: str) -> Check:
        payload = {"problem": asdict(problem), "text": text}
        return Check(payload, digest_of(payload))

    def prepare_gold(self, problem: Problem) -> Check:
        """What `gold` of the options says must be accepted."""
        text = self.options.gold(problem) if self.options.gold else None
        if text is None:
            return Check(decided=Decision("correct", {"rule": "no_gold"}))
        return self.prepare(problem, text)

    def executor(self, settings: VerifySettings) -> Executor:
        made: Executor = imported(EXECUTOR)(self, settings)
        return made

    def judge(self, problem: Problem, result: Decision) -> Verdict:
        return verdict_of(problem, result)

    def gold_text(self, problem: Problem) -> str:
        return problem.gold or ""

    def reads(self, problem: Problem) -> Any:
        """What of a problem its verdicts depend on: what the function's attribute `reads` says, else all that it sees."""
        said: Callable[[Problem], Any] = getattr(self.function, "reads", as_key)
        return said(problem)


def _name_and_version(name: str, made: Any, folder: str | None) -> None:
    """What the object's own class does not say: its path as name, and a version that an edit of its source changes.

    An inherited version alone would stand for code that it was not given to.
    """
    said = {**vars(type(made)), **vars(made)}
    if "version" not in said:
        inherited = getattr(made, "version", None)
        digest = digest_of_source(type(made), folder)
        made.version = digest if inherited is None else f"{inherited}+{digest}"
    if "name" not in said:
        made.name = name


def as_reward(name: str, thing: Any, folder: str | None = None) -> Reward:
    """A reward from a reward object, a class that makes one without arguments, or a plain function."""
    made = thing() if inspect.isclass(thing) else thing
    if name not in REWARDS.built_in and hasattr(made, "prepare"):
        _name_and_version(name, made, folder)
    if isinstance(made, Reward):
        return made
    if callable(made):
        return FunctionReward(name, made, folder)
    raise UserError(
        f"reward {name!r} is a {type(thing).__name__}; expected a function (problem, text) or a class with prepare"
    )
