"""Find the final answer in a completion.

A completion states its answer (`box`, `tag`, `hashes`, `phrase`), or it does not, and then the end of its text is searched
(`bare`, `math`, `last_number`):

| tag | what |
|---|---|
| box | the last balanced `\\boxed{...}` that is not empty |
| tag | the last `<answer>...</answer>` |
| hashes | the line after the last `####` |
| phrase | what follows the last "the answer is", "Answer:", "答案：" and their like in a dozen languages |
| bare | the whole completion, when it is one short line of mathematics |
| math | the last formula of the last sentence |
| last_number | the last number |

Of several statements the last clear one counts, so a solution that corrects itself is not punished; statements that are joined
by `and`, `or`, a comma, or offered as alternatives are one answer of several parts, so a hedge is not accepted for one of them.
All scans are linear in the length of the text.
"""

from __future__ import annotations

from tasks.domain.rewards.extraction.boxed import boxes_in
from tasks.domain.rewards.extraction.completion import legible, unmarked, visible
from tasks.domain.rewards.extraction.joining import as_one
from tasks.domain.rewards.extraction.sentences import MAX_ANSWER
from tasks.domain.rewards.extraction.stated import stated_answer
from tasks.domain.rewards.extraction.statement import Found
from tasks.domain.rewards.extraction.unstated import unstated_answer

MAX_TEXT = 100_000  # characters looked at, from the end


def extract(text: str) -> Found | None:
    """The final answer of a completion; None when it has none."""
    text = unmarked(legible(visible(text[-MAX_TEXT:])))
    found = stated_answer(text) or unstated_answer(text)
    return found if found and found.answer and len(found.answer) <= MAX_ANSWER else None


def boxes(text: str) -> str | None:
    """Return the content of the last box, or of the boxes joined to it."""
    found = boxes_in(text)
    return as_one(text, found).answer if found else None
