"""What can go wrong, as a tree.

    RestemError
    ├── UserError            the input, the config or the surroundings are wrong: one sentence, exit code 2, never retried
    │   └── ModelChangeRefused   an endpoint with a fixed policy was asked to serve other weights
    ├── StageFailed          a stage's own rule says stop (too many verifier errors, nothing accepted): not retried
    └── InfrastructureError  a machine, a process or a network failed: retried with back-off
        ├── EngineDied       the inference server went away
        ├── PolicyNotProved  the weights that answer are not the weights that were asked for
        ├── TrainerFailed    the fine-tuning child ended without a result
        ├── GraderUnavailable  no grading worker could be kept alive
        └── StoreUnavailable the artifact store did not answer

All of them survive pickling (each is built from its message alone), because they cross process and Prefect boundaries.
"""

from __future__ import annotations


class RestemError(Exception):
    """Root of the tree; `str(error)` is a sentence a person can act on."""


class UserError(RestemError):
    """What was found, what was expected, what to do. Never retried."""


class ModelChangeRefused(UserError):
    """New weights were wanted behind an endpoint that cannot load them."""


class StageFailed(RestemError):
    """A stage ran and its own rule refuses the result; it is never retried."""


class InfrastructureError(RestemError):
    """Something outside the data failed; the same call may work next time."""


class EngineDied(InfrastructureError):
    """The inference server ended or stopped answering."""


class PolicyNotProved(InfrastructureError):
    """The served weights differ from the wanted checkpoint."""


class TrainerFailed(InfrastructureError):
    """The fine-tuning child process ended without a result."""


class GraderUnavailable(InfrastructureError):
    """Grading workers could not be started or kept alive."""


class StoreUnavailable(InfrastructureError):
    """The artifact store did not answer."""


SENTENCE_CHARS = 1000


def one_sentence(message: object) -> str:
    """The message on one line, shortened to `SENTENCE_CHARS`; an empty one gives its type's name.

    Libraries begin messages with an empty line, or with a headline whose reason stands below it.
    """
    words = " ".join(str(message).split()) or type(message).__name__
    return words if len(words) <= SENTENCE_CHARS else words[: SENTENCE_CHARS - 1] + "…"
