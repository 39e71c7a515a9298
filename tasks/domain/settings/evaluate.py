"""The held-out evaluation, and the reward on val that chooses the epoch."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from tasks.domain.schema import Sampling
from tasks.domain.settings.base import Settings


class EvaluateSettings(Settings):
    """These settings are for the held-out evaluation (paper: greedy pass@1; pass@k at T 1.0, top-p 0.95; maj@64)."""

    greedy: bool = Field(True, description="Also draw one greedy completion a problem.")
    samples: int = Field(
        16, ge=0, description="Samples a problem for sampled pass@1, pass@k and maj@k; 0: greedy only."
    )
    temperature: float = Field(1.0, ge=0, le=5, description="Of evaluation samples; the paper takes 1.")
    top_k: int = Field(0, ge=0, description="0: off.")
    top_p: float = Field(0.95, gt=0, le=1, description="Nucleus of evaluation samples.")
    max_tokens: int = Field(512, ge=1, description="Tokens of one completion.")
    k: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (1, 4, 16), description="The k of pass@k and maj@k; each at most `samples`."
    )
    bootstrap: int = Field(2000, ge=100, description="Resamples over problems for the intervals.")
    val_samples: int = Field(4, ge=1, description="Samples a val problem for the reward that chooses the epoch.")
    NOT_CONTENT = frozenset({"samples", "k", "bootstrap", "val_samples"})

    @model_validator(mode="after")
    def k_within_samples(self) -> Self:
        if self.samples and max(self.k, default=1) > self.samples:
            raise ValueError(
                f"evaluate.k asks for k = {max(self.k)} but only {self.samples} samples are drawn; raise evaluate.samples"
            )
        return self

    def greedy_sampling(self, stop: tuple[str, ...] = ()) -> Sampling:
        return Sampling(0.0, 0, 1.0, self.max_tokens, stop)

    def sampling(self, stop: tuple[str, ...] = ()) -> Sampling:
        return Sampling(self.temperature, self.top_k, self.top_p, self.max_tokens, stop)
