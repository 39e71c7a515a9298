"""Which verified samples become the data set of the M-step."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from tasks.domain.extensions import COLUMNS
from tasks.domain.settings.base import Settings


class MaterializeSettings(Settings):
    """These settings say which verified samples become training rows (paper: correct only, at most 10 solutions a problem)."""

    LATER = frozenset(
        {
            "columns", "reward", "threshold", "threshold_by", "groups", "choose", "target", "min_lines", "human",
            "human_filter",
        }
    )  # fmt: skip

    accept: Literal["correct", "positive", "any", "permuted"] = Field(
        "correct",
        description="positive: reward above 0; any: regardless of reward; permuted: rewards shuffled (control arms).",
    )
    reward: Literal["verdict", "agreement"] = Field(
        "verdict",
        description="verdict: the grader's; agreement: the share of the problem's samples with the same answer (math).",
    )
    threshold: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Only rewards of at least this, in the meaning of threshold_by; None: no threshold.",
    )
    threshold_by: Literal["absolute", "percentile", "blend"] = Field(
        "absolute",
        description="percentile: of the problem's own rewards; blend: t * best + (1 - t) * mean of them (ReST's remedies).",
    )
    groups: Literal["all", "mixed"] = Field(
        "all", description="mixed: a problem whose samples are all right or all wrong gives nothing (Reinforce-Rej)."
    )
    choose: Literal["index", "reward"] = Field(
        "index", description="Which fill the cap: the first drawn, or the best by reward with ties by seed (RAFT)."
    )
    target: Literal["none", "uniform", "prop2diff"] = Field(
        "none",
        description="Sample until `cap` rows of a problem are there, at most sum(waves); prop2diff: cap x fail rate (DART).",
    )
    min_lines: int = Field(0, ge=0, description="Solutions with fewer lines that say something are left out (SSD: 2).")
    human: Literal["none", "first", "last", "only"] = Field(
        "none", description="Rows of solutions by people: none, before or after the sampled ones, or nothing else."
    )
    human_filter: bool = Field(False, description="Solutions by people pass the same filter (ReST); False: all are in.")
    cap: int = Field(10, ge=1, description="At most this many solutions a problem, filled by index.")
    equations: Literal["ignore", "hold"] = Field(
        "ignore", description="hold: a solution that writes a false equation (37 - 5 = 22) is not accepted (RFT)."
    )
    dedupe: Literal["none", "text", "normalized", "equations", "paths"] = Field(
        "normalized",
        description="Equal solutions of a problem count once; equations: those with the same calculations do; paths: so do "
        "they, and the one that differs most from the others is kept (RFT).",
    )
    weight: Literal["one", "per_problem", "reward", "exp_reward", "exp_reward_per_problem"] = Field(
        "one",
        description="one: each row 1; per_problem: rows of a problem share 1; reward; exp_reward: exp(reward / beta); "
        "exp_reward_per_problem: that, shared so that a problem has 1 (RWR).",
    )
    beta: float = Field(1.0, gt=0, description="exp_reward: temperature of the weights.")
    accept_truncated: bool = Field(False, description="Accept completions that ended by length.")
    max_rows: int | None = Field(
        None, ge=1, description="At most this many rows, chosen by hash (equal-size control arms)."
    )
    seed: int = Field(0, ge=0, lt=2**31, description="Shuffles rewards (permuted) and chooses rows (max_rows).")
    columns: tuple[Annotated[str, AfterValidator(COLUMNS.check)], ...] = Field(
        (), description="Further columns of the data set, by name or dotted path; training does not read them."
    )

    @property
    def looks_at_groups(self) -> bool:
        """Return whether a rule needs all samples of a problem before it can accept one."""
        relative = self.threshold is not None and self.threshold_by != "absolute"
        return relative or self.reward == "agreement" or self.groups == "mixed" or self.choose == "reward"

    def content(self) -> dict[str, Any]:
        """With the versions of columns that are none of ours."""
        versions = {name: version for name in self.columns if (version := COLUMNS.version(name)) is not None}
        return super().content() | ({"column_versions": versions} if versions else {})
