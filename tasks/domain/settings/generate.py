"""E-step: how solutions are sampled."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tasks.domain.schema import Sampling
from tasks.domain.settings.base import Settings


class GenerateSettings(Settings):
    """These settings are for E-step sampling (paper, section 3 and appendix: T 0.7, top-k 40, 32 samples a problem on MATH)."""

    waves: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (16, 8, 8), min_length=1, description="Samples a problem per wave; a problem that has `cap` accepted drops out."
    )
    temperature: float = Field(0.7, ge=0, le=5, description="Of sampling; 0: greedy.")
    top_k: int = Field(40, ge=0, description="0: off.")
    top_p: float = Field(
        1.0, gt=0, le=1, description="Nucleus: the most probable tokens that together have this probability; 1: off."
    )
    max_tokens: int = Field(512, ge=1, description="Tokens of one completion; longer ones are cut and not accepted.")
    range_size: int = Field(64, ge=1, description="Problems in one range, the unit of work and of commit.")
    ranges_in_flight: int = Field(
        3, ge=1, le=64, description="Ranges worked on at once, so that the engine never idles."
    )
    flush_seconds: float = Field(30, gt=0, le=60, description="Finished problems are stored at least this often.")
    NOT_CONTENT = frozenset({"waves", "range_size", "ranges_in_flight", "flush_seconds"})

    def sampling(self, stop: tuple[str, ...] = ()) -> Sampling:
        return Sampling(self.temperature, self.top_k, self.top_p, self.max_tokens, stop)
