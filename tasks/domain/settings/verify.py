"""E-step: who decides whether a solution is correct, and where programs run for it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from tasks.domain.settings.base import Settings
from tasks.domain.settings.data import Overruled


class CodeSettings(Settings):
    """What a program may use, and what its reward is."""

    cpu_seconds: float = Field(4.0, gt=0, le=600, description="CPU time of one test; CPU time decides, not wall time.")
    memory_mb: int = Field(512, ge=32, description="Memory of one test, MiB.")
    output_kb: int = Field(8192, ge=1, le=65536, description="Output of one test, KiB.")
    graded: bool = Field(False, description="Reward is the share of tests passed; False: 1 when all pass, else 0.")


FIRST_CODE_DEFAULTS = {"cpu_seconds": 4.0, "memory_mb": 512, "output_kb": 1024, "graded": False}


class SandboxPlace(Settings):
    """Where programs run. None of it changes what a verdict is."""

    LATER = frozenset({"probe_again"})

    hosts: tuple[str, ...] = Field(
        (),
        description="Docker engines: unix://, tcp:// (TLS) or ssh://. Empty: the worker's DOCKER_HOST, else its machine's engine.",
    )
    image: str | None = Field(None, description="Sandbox image; None: the one built from sandbox/image on each host.")
    base_image: str | None = Field(
        None,
        description="What the image is built from; None: a base made here by `restem sandbox build`, else python:3.12-slim.",
    )
    slots: int | None = Field(
        None, ge=1, le=4096, description="Programs at once over all hosts; None: the cores of the hosts."
    )
    runtime: str | None = Field(None, description="Container runtime, for example runsc (gVisor).")
    backend: Literal["docker", "process"] = Field("docker", description="process isolates nothing and needs unsafe.")
    unsafe: bool = Field(False, description="Allow the process backend: programs run with your own rights.")
    probe_again: bool = Field(
        False, description="Run the start-up test although it has passed for this boot, engine and image."
    )


COMBINED_REWARDS = ("all_of", "weighted_sum")
MATH_REWARDS = frozenset({"math", "exact", "accept_all"})


class VerifySettings(Settings):
    """Who decides whether a solution is correct."""

    reward: str = Field(
        "math",
        description="math, code, exact, accept_all; your own as module:function; or all_of, weighted_sum of `parts`.",
    )
    parts: tuple[str, ...] = Field((), description="all_of, weighted_sum: the rewards that are put together, in order.")
    weights: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (), description="weighted_sum: a weight for each part; empty: equal ones."
    )
    threshold: float = Field(
        1.0, gt=0, le=1, description="A graded reward counts as correct from here on (own rewards, code.graded, sums)."
    )
    overruled: tuple[Overruled, ...] = Field(
        (), description="Verdicts that a person overruled; read from the file that data.corrections names."
    )
    folder: str | None = Field(
        None, description="Folder that joins the import path for a reward of your own; None: the config's folder."
    )
    timeout_s: float = Field(5.0, gt=0, description="Wall-clock limit for one answer pair.")
    memory_mb: int = Field(2048, ge=128, description="Address-space limit of one grading worker.")
    workers: int = Field(0, ge=0, le=1024, description="Grading processes; 0: one per core, at most 8.")
    max_error_share: float = Field(0.01, ge=0, le=1, description="More verifier errors than this fail the stage.")
    code: CodeSettings = CodeSettings()
    sandbox: SandboxPlace = SandboxPlace()
    NOT_CONTENT = frozenset({"workers", "max_error_share", "sandbox", "folder", "overruled"})
    LATER = frozenset({"parts", "weights", "threshold"})

    @model_validator(mode="after")
    def parts_of_a_combination(self) -> Self:
        combined = self.reward in COMBINED_REWARDS
        if combined != bool(self.parts):
            raise ValueError(
                f"verify.reward is {self.reward!r} and verify.parts is {list(self.parts)}; parts are for "
                f"{' and '.join(COMBINED_REWARDS)}, which need at least one"
            )
        if set(self.parts) & set(COMBINED_REWARDS) or len(set(self.parts)) < len(self.parts):
            raise ValueError(f"verify.parts {list(self.parts)} repeats a reward or holds a combination; name each once")
        if self.weights and (self.reward != "weighted_sum" or len(self.weights) != len(self.parts)):
            raise ValueError(
                f"verify.weights has {len(self.weights)} numbers for {len(self.parts)} parts of {self.reward!r}; give "
                "weighted_sum one for each part, or none"
            )
        return self

    def content(self) -> dict[str, Any]:
        """Limits of programs are no part of what decides a mathematical answer.

        Rewards of one's own have them in their keys. There the defaults are written as they first were: a default that
        changed for the code reward, whose version changed with it, leaves the keys of all others as they are.
        """
        content = super().content()
        if self.reward in MATH_REWARDS:
            content.pop("code")
        elif self.reward != "code" and self.code == CodeSettings():
            content["code"] = FIRST_CODE_DEFAULTS
        return content
