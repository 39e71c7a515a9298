"""Settings of a method that contradict each other, each with the sentence that says what to do."""

from __future__ import annotations

from collections.abc import Iterator

from tasks.domain.settings import (
    FinetuneSettings,
    GenerateSettings,
    LoopSettings,
    MaterializeSettings,
    TeacherSettings,
    VerifySettings,
)


def contradictions(
    generate: GenerateSettings, verify: VerifySettings, materialize: MaterializeSettings, finetune: FinetuneSettings,
    loop: LoopSettings, teacher: TeacherSettings,
) -> Iterator[str]:  # fmt: skip
    """Yield a sentence for each contradiction."""
    yield from _of_drawing(generate, materialize)
    yield from _of_rows(verify, materialize, finetune, loop)
    yield from _of_people(materialize, loop)
    yield from _of_teacher(loop, teacher)


def _of_drawing(generate: GenerateSettings, materialize: MaterializeSettings) -> Iterator[str]:
    drawn = sum(generate.waves)
    if materialize.looks_at_groups and len(generate.waves) > 1:
        yield (
            f"generate.waves has {len(generate.waves)} waves, but a rule of materialize (agreement, a threshold by percentile "
            "or blend, groups, choose = 'reward') looks at all samples of a problem; draw them in one wave"
        )
    if materialize.target != "none" and drawn < materialize.cap:
        yield (
            f"materialize.cap = {materialize.cap} is a target that cannot be reached: generate.waves draws at most {drawn} "
            "samples a problem; raise generate.waves or lower the cap"
        )
    if materialize.target == "prop2diff" and len(generate.waves) < 2:
        yield (
            "materialize.target = 'prop2diff' measures how often a problem fails in the first wave, but generate.waves has "
            "one wave only; name at least two"
        )


def _of_rows(
    verify: VerifySettings, materialize: MaterializeSettings, finetune: FinetuneSettings, loop: LoopSettings
) -> Iterator[str]:
    if materialize.reward == "agreement" and verify.reward == "code":
        yield "materialize.reward = 'agreement' compares answers, and programs have none; set code.graded for a graded reward"
    if materialize.accept == "permuted" and (materialize.threshold is not None or loop.thresholds):
        yield "materialize.accept = 'permuted' deals rewards out anew, after any threshold; leave the threshold out"
    if finetune.steps is None and (loop.steps_factor != 1 or loop.steps_added):
        yield "loop.steps_factor and loop.steps_added change finetune.steps, which is not set; set it, or leave them out"


def _of_people(materialize: MaterializeSettings, loop: LoopSettings) -> Iterator[str]:
    if materialize.human != "only":
        return
    if loop.hint != "none" or loop.pool == "all" or loop.sampler == "teacher":
        yield (
            "materialize.human = 'only' draws nothing, so loop.hint, loop.pool and loop.sampler have nothing to work on; "
            "leave them out"
        )


def _of_teacher(loop: LoopSettings, teacher: TeacherSettings) -> Iterator[str]:
    if loop.sampler == "policy":
        return
    engine = teacher.engine
    external = engine is not None and engine.kind == "openai"
    if engine is not None and external and not (engine.urls and engine.fixed_policy):
        yield (
            "teacher.engine.kind is 'openai' but teacher.engine.urls or teacher.engine.fixed_policy is missing; name the "
            "endpoints and the digest of what they serve (any name that stays the same will do)"
        )
    if not external and not teacher.policy:
        yield (
            "loop.sampler is 'teacher' but teacher.policy is empty; name a folder, a Hub id or RUN/ITERATION, or endpoints "
            "with teacher.engine"
        )
