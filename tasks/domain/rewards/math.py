"""Math rewards: find the final answer of a completion, then decide whether it means the same as the gold."""

from __future__ import annotations

import re
from functools import lru_cache

from tasks.domain.equivalence.exact import decide_fast
from tasks.domain.equivalence.hints import hint_code
from tasks.domain.rewards import imported, register
from tasks.domain.rewards.base import Check, Decision, Executor, verdict_of
from tasks.domain.rewards.extraction import boxes, extract
from tasks.domain.rewards.extraction.completion import visible
from tasks.domain.rewards.extraction.denied import ends_in_denial
from tasks.domain.rewards.extraction.sentences import trimmed
from tasks.domain.schema import Kind, Problem, Verdict
from tasks.domain.settings import VerifySettings

EXECUTOR = "tasks.graders.answers:answer_executor"
MAX_EVIDENCE = 500  # characters of gold and answer kept in a verdict
MAX_WORDED = 100  # characters of a completion that is only words
WHOLE_SOLUTION = 300  # characters; a longer gold is a solution to take the answer from
# `The winner is Tom.`, `It will be a Friday`: what is named stands behind the verb.
_NAMED = re.compile(
    r"(?!.*\b(?:not|cannot|n't|never|either|neither|or|if|may|might|could|perhaps|maybe|possibly|wrong)\b)[A-Z][\w ]{0,60}?\b(?:is|are|was|be)\b[\s:*]+(?:(?:an?|the|on)\s+)?\**([\w '-]{1,40}?)\**\.?$"
)
_WORDED = re.compile(r"[A-Za-z]{3}")
_COMMAND = re.compile(r"\\(?!text)[a-zA-Z]+")  # the letters of \frac are no word
_FIGURE = re.compile(r"\d+(?:[.,/]\d+)*")


@register("math")
class MathReward:
    """Correct when the extracted answer is equivalent to the gold; unparseable when there is no answer."""

    name = "math"
    version = "27"
    kind: Kind = "math"

    def prepare(self, problem: Problem, text: str) -> Check:
        gold = final_gold(problem.gold or "")
        hints = hint_code(problem.question)
        found = extract(text)
        if found is None:
            return self._without_answer(gold, text, hints)
        if found.tag == "last_number" and _of_several(gold, text):
            found = found._replace(answer=text.strip(), tag="words")
        evidence = {"gold": _shown(gold), "answer": _shown(found.answer), "found_by": found.tag}
        fast = decide_fast(gold, found.answer)
        if fast is not None:
            return Check(decided=_decided(*fast), evidence=evidence)
        return Check([gold, found.answer, hints, "wrong"], key=f"{gold}\0{found.answer}\0{hints}", evidence=evidence)

    def executor(self, settings: VerifySettings) -> Executor:
        """Answers are compared in processes that can be killed; nothing of that is imported here."""
        made: Executor = imported(EXECUTOR)(settings)
        return made

    def judge(self, problem: Problem, result: Decision) -> Verdict:
        return verdict_of(problem, result)

    def gold_text(self, problem: Problem) -> str:
        return f"\\boxed{{{problem.gold or ''}}}"

    def prepare_gold(self, problem: Problem) -> Check:
        """The gold by itself, without the shortcut of equal strings: it must be readable."""
        return Check([final_gold(problem.gold or "")])

    def _without_answer(self, gold: str, text: str, hints: str) -> Check:
        """A few words alone are an answer only when they are right (`seven`, `no solution`)."""
        words = trimmed(visible(text).strip())
        denied = ends_in_denial(words) and not _WORDED.search(gold)
        words = "" if denied or words.rstrip(" *").endswith("?") else words
        words = named[1] if (named := _NAMED.match(words)) else words
        if not gold or not words or len(words) > MAX_WORDED:
            return Check(decided=Decision("unparseable", {"rule": "no_answer", "gold": _shown(gold)}))
        evidence = {"gold": _shown(gold), "answer": _shown(words), "found_by": "words"}
        return Check([gold, words, hints, "unparseable"], key=f"{gold}\0{words}\0{hints}\0words", evidence=evidence)


@lru_cache(maxsize=16)
def _decided(equal: bool, rule: str) -> Decision:
    return Decision("correct" if equal else "wrong", {"rule": rule})


def _of_several(gold: str, text: str) -> bool:
    """Whether a sentence is the answer as a whole, because the gold has several numbers with their words: `Ann has 12 and Bob has 15.`"""
    if len(text) > MAX_WORDED or not _WORDED.search(_COMMAND.sub("", gold)):
        return False
    numbers = len(_FIGURE.findall(gold))
    return numbers > 1 and "\n" not in text.strip() and len(_FIGURE.findall(text)) == numbers


def _shown(text: str) -> str:
    """What is kept as evidence; no lone surrogates, which Parquet and UTF-8 refuse."""
    text = text if len(text) <= MAX_EVIDENCE else text[:MAX_EVIDENCE] + "..."
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


@lru_cache(maxsize=16384)
def final_gold(gold: str) -> str:
    """The answer of a gold that may be boxed or a whole solution, without the marks around it."""
    if "boxed" in gold and (content := boxes(gold)):
        return content
    if len(gold) > WHOLE_SOLUTION and (found := extract(gold)):
        return found.answer
    return trimmed(gold)
