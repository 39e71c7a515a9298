"""Checks whether the data and the model can carry what a method asks for; what is odd but possible is said as a warning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from flows.config import RunConfig
from tasks.domain.errors import UserError
from tasks.domain.prompts import hint_of
from tasks.domain.rewards import is_own
from tasks.domain.schema import Policy, Problem
from tasks.domain.settings import VerifySettings
from tasks.store.workspace import log

THINKING = "<think>"
TOKENIZER_FILES = ("tokenizer_config.json", "chat_template.jinja", "special_tokens_map.json", "added_tokens.json")


def check_method(config: RunConfig, train: Sequence[Problem], base: Policy | None) -> None:
    """Raise UserError for what the train problems lack; log what a person should know before the run."""
    check_people(config, train)
    check_hints(config, train)
    for warning in warnings(config, base):
        log.warning(warning)


def check_people(config: RunConfig, train: Sequence[Problem]) -> None:
    """Check that there are solutions by people where a method trains on them."""
    wanted = config.materialize.human != "none" or "sft" in (config.loop.first, config.finetune.start)
    if wanted and not any(hint_of(problem, "solution") for problem in train):
        raise UserError(
            f"the method trains on solutions by people, but none of the {len(train)} train problems "
            f"({config.data.train.kind}) has one; take a source with solutions, or materialize.human = 'none', "
            "loop.first = 'base' and finetune.start = 'base'"
        )


def check_hints(config: RunConfig, train: Sequence[Problem]) -> None:
    """Check that every problem has what a second try is told."""
    hint = config.loop.hint
    lacking = [problem.id for problem in train if not hint_of(problem, hint)] if hint != "none" else []
    if lacking:
        raise UserError(
            f"loop.hint is {hint!r}, but {len(lacking)} of {len(train)} train problems have no {hint} to tell, e.g. "
            f"{lacking[0]}; take the other hint, or none"
        )


def warnings(config: RunConfig, base: Policy | None) -> Iterator[str]:
    """Yield what is possible but hardly meant."""
    bars = config.loop.thresholds or (
        (config.materialize.threshold,) if config.materialize.threshold is not None else ()
    )
    several = len({bar for bar in bars if bar > 0}) > 1
    if config.materialize.reward == "verdict" and several and not is_graded(config.verify):
        yield (
            f"thresholds {list(bars)} under a reward of 0 or 1: every threshold above 0 accepts the same samples, so later "
            "Improve steps train on the same rows again; use a graded reward (verify.code.graded, materialize.reward = "
            "'agreement'), or one threshold"
        )
    if config.materialize.weight == "reward" and config.materialize.accept == "any":
        yield "materialize.weight is 'reward' and accept is 'any': rows with reward 0 weigh nothing; accept = 'positive' leaves them out"
    if config.loop.hint != "none" and base is not None and thinks(Path(base.uri)):
        yield (
            f"loop.hint is {config.loop.hint!r} and the tokenizer of {config.model.base} knows {THINKING}: for thinking models "
            "training on hinted solutions was measured to lose up to 17 % (arXiv 2607.05184), and hints raise false positives"
        )
    if (
        config.materialize.accept in ("correct", "positive")
        and config.materialize.reward == "verdict"
        and config.materialize.choose == "reward"
        and not is_graded(config.verify)
    ):
        yield (
            "materialize.choose is 'reward', but all accepted samples have reward 1: the seed chooses among them, and a problem "
            "whose samples all have reward 0 gives no row"
        )


def is_graded(verify: VerifySettings) -> bool:
    """Return whether rewards between 0 and 1 can come; those of one's own may have them."""
    if verify.reward == "code":
        return verify.code.graded
    return verify.reward == "weighted_sum" or any(is_own(name) for name in (verify.reward, *verify.parts))


def thinks(folder: Path) -> bool:
    """Return whether a model's tokenizer has the mark of thinking models in its template or its tokens."""
    files = [folder / name for name in TOKENIZER_FILES]
    return any(THINKING in file.read_text(encoding="utf-8", errors="replace") for file in files if file.is_file())
