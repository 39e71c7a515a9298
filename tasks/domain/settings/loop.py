"""How often to iterate, who is sampled, what changes from round to round, and when to stop."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from tasks.domain.schema import Hint
from tasks.domain.settings.base import Settings
from tasks.domain.settings.engine import EngineSettings


def _as_text(value: Any) -> Any:
    """TOML reads 3 as a number and 2026-01-31 as a date; both are meant as names here."""
    return str(value) if isinstance(value, int | float | date) else value


class LoopSettings(Settings):
    """These settings say how often to iterate, and when to stop. Decisions look at val only."""

    iterations: int = Field(3, ge=0, le=100, description="0: evaluate the base only.")
    patience: int = Field(0, ge=0, description="Stop after this many iterations without a better val reward; 0: never.")
    most_fall: float | None = Field(
        None, ge=0, le=1, description="Stop when val reward lies more than this below its best; None: never."
    )
    least_diversity: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Stop when fewer than this share of the accepted solutions are distinct; None: never.",
    )
    most_tokens: int | None = Field(
        None, ge=1, description="Stop when the E-steps have drawn this many completion tokens; None: no limit."
    )
    most_steps: int | None = Field(
        None, ge=1, description="Stop when training has made this many optimizer steps; None: no limit."
    )
    draw: Annotated[str, BeforeValidator(_as_text)] = Field(
        "", description="A date or number: asks for fresh samples; empty: stored ones are used again."
    )
    versions_in_key: bool = Field(False, description="Library versions become part of every key.")
    sampler: Literal["policy", "teacher"] = Field(
        "policy", description="Who is sampled: the policy that is trained, or the fixed one of the section teacher."
    )
    first: Literal["base", "sft"] = Field(
        "base", description="What round 1 samples from: the base, or the base tuned on solutions by people."
    )
    hint: Hint = Field(
        "none", description="A second try for problems that failed, told the answer or a human solution (STaR)."
    )
    pool: Literal["round", "all"] = Field(
        "round", description="The data set is made from this round's samples, or from those of all rounds so far."
    )
    problems: int | None = Field(
        None, ge=1, description="Train problems of a round, in turn from a shuffled order; None: all of them."
    )
    improve: int = Field(
        1, ge=1, description="Rounds that train on one grown set: new samples come every so many rounds (ReST)."
    )
    thresholds: tuple[Annotated[float, Field(ge=0, le=1)], ...] = Field(
        (), description="materialize.threshold of each round since the samples were drawn; the last one stays."
    )
    learning_rate_factor: float = Field(
        1.0, gt=0, description="Of finetune.learning_rate, from round to round since the samples were drawn."
    )
    steps_factor: float = Field(1.0, gt=0, description="Of finetune.steps, from round to round (STaR: 1.2).")
    steps_added: int = Field(0, ge=0, description="Added to finetune.steps from round to round.")
    nothing_accepted: Literal["fail", "go_on", "stop"] = Field(
        "fail", description="When a round accepts nothing: fail, go on with the same policy and fresh samples, or stop."
    )

    @model_validator(mode="after")
    def thresholds_rise(self) -> Self:
        """ReST's thresholds rise from one Improve step to the next; a step with the one before would train on the same rows again."""
        bars = self.thresholds
        if flat := next(((low, high) for low, high in pairwise(bars) if high <= low), None):
            raise ValueError(
                f"loop.thresholds {list(bars)} do not rise: {flat[1]:g} follows {flat[0]:g}; name each once, in rising order"
            )
        if self.improve > 1 and len(bars) > 1 and len(bars) != self.improve:
            raise ValueError(
                f"loop.thresholds names {len(bars)} and each grown set serves loop.improve = {self.improve} rounds; name one "
                "threshold for each of them, or one for all"
            )
        if self.improve > 1 and self.iterations % self.improve:
            raise ValueError(
                f"loop.iterations is {self.iterations} but each grown set serves loop.improve = {self.improve} rounds; "
                "make iterations a multiple of it"
            )
        return self


class TeacherSettings(Settings):
    """The fixed policy that is sampled where loop.sampler is `teacher`; the student is trained and evaluated."""

    policy: str = Field("", description="Folder, URL, Hub id, RUN/ITERATION of this store, base or latest.")
    engine: EngineSettings | None = Field(
        None, description="How it is sampled; None: as the student. openai with fixed_policy: external endpoints."
    )


class RetrySettings(Settings):
    """Per Prefect task; user errors are never retried."""

    retries: int = Field(
        3, ge=0, le=20, description="How often a task is tried again after a machine, process or network failed."
    )
    delay_s: float = Field(2.0, ge=0, description="First delay; it doubles each time.")
