"""Defines every setting of the loop once, a module for each stage: its type, its bounds and its unit.

The settings are in this light package, not beside each stage, so that `restem --help`, the Prefect form and the child processes
can read them without importing Prefect or torch. `NOT_CONTENT` of a class names the fields that cannot change what a
stage produces; all others enter its key.
"""

from __future__ import annotations

from tasks.domain.settings.base import Settings
from tasks.domain.settings.data import DataSettings, Overruled, ProblemCorrection, SourceSettings
from tasks.domain.settings.engine import EngineSettings
from tasks.domain.settings.evaluate import EvaluateSettings
from tasks.domain.settings.finetune import FinetuneSettings
from tasks.domain.settings.generate import GenerateSettings
from tasks.domain.settings.loop import LoopSettings, RetrySettings, TeacherSettings
from tasks.domain.settings.materialize import MaterializeSettings
from tasks.domain.settings.model import ChatSettings, ModelSettings, WarmupFrom
from tasks.domain.settings.verify import MATH_REWARDS, CodeSettings, SandboxPlace, VerifySettings

__all__ = [
    "MATH_REWARDS",
    "ChatSettings",
    "CodeSettings",
    "DataSettings",
    "EngineSettings",
    "EvaluateSettings",
    "FinetuneSettings",
    "GenerateSettings",
    "LoopSettings",
    "MaterializeSettings",
    "ModelSettings",
    "Overruled",
    "ProblemCorrection",
    "RetrySettings",
    "SandboxPlace",
    "Settings",
    "SourceSettings",
    "TeacherSettings",
    "VerifySettings",
    "WarmupFrom",
]
