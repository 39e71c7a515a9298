"""Our GSM8K score against that of lm-evaluation-harness: one checkpoint, one server, the same prompts, a row for each problem that differs.

lm-eval needs versions of its own and lives in an environment of its own; docs/lm-eval.md says how to make it. It is given the
prompts as we write them, and scores with the two extractions of its gsm8k task: strict (`#### n`) and flexible (the last number).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tasks.data.sources import load_problems
from tasks.domain.prompts import template_named
from tasks.domain.rewards.grader import grader_for
from tasks.domain.schema import Policy, Problem, Sampling
from tasks.domain.settings import EngineSettings, SourceSettings, VerifySettings
from tasks.engines.sampling.engine import DrawRequest
from tasks.engines.sampling.vllm_process import SERVED_NAME
from tasks.engines.sampling.vllm_server import VllmEngine
from tasks.store.artifacts import digest_of_folder

PROBLEMS, SHOTS, MOST_TOKENS, IN_FLIGHT = 100, 4, 200, 16
TASK = "restem_gsm8k"
STRICT, FLEXIBLE = "strict-match", "flexible-extract"
# As in lm-eval's own task gsm8k, version 3; the prompt is ours and comes with the data.
TASK_FILE: dict[str, Any] = {
    "task": TASK, "dataset_path": "json", "output_type": "generate_until", "test_split": "test", "doc_to_text": "{{prompt}}",
    "doc_to_target": "{{gold}}", "num_fewshot": 0, "repeats": 1, "metadata": {"version": 1},
    "metric_list": [{
        "metric": "exact_match", "aggregation": "mean", "higher_is_better": True, "ignore_case": True, "ignore_punctuation": False,
        "regexes_to_ignore": [",", "\\$", "(?s).*#### ", "\\.$"],
    }],
    "filter_list": [
        {"name": STRICT, "filter": [{"function": "regex", "regex_pattern": "#### (\\-?[0-9\\.\\,]+)"}, {"function": "take_first"}]},
        {"name": FLEXIBLE, "filter": [
            {"function": "regex", "group_select": -1, "regex_pattern": "(-?[$0-9.,]{2,})|(-?[0-9]+)"}, {"function": "take_first"},
        ]},
    ],
}  # fmt: skip


@dataclass(frozen=True)
class Scored:
    """One problem as both saw it; `theirs` is the completion that lm-eval drew."""

    problem: str
    gold: str
    ours_text: str
    theirs_text: str
    ours: bool
    ours_of_theirs: bool  # our verdict on the completion that lm-eval drew: the graders apart from the texts
    strict: bool
    flexible: bool
    strict_read: str  # "[invalid]" where lm-eval's pattern found nothing
    flexible_read: str
    why: str  # what our grader read, and by which rule

    @property
    def differs(self) -> bool:
        """Whether our verdict is another than that of the flexible extraction, which is the one that takes any answer."""
        return self.ours != self.flexible

    @property
    def same_number(self) -> bool:
        """Whether both read the same number out of their text, right or wrong: with few right answers this says more than the scores."""
        return number_of(str(json.loads(self.why).get("answer", ""))) == number_of(self.flexible_read)


def main() -> dict[str, Any]:
    """Needs RESTEM_PARITY_MODEL (a checkpoint), RESTEM_SHARED_DATA (with gsm8k/test.jsonl) and RESTEM_LM_EVAL (python of its environment)."""
    wanted = {
        name: os.environ.get(name, "") for name in ("RESTEM_PARITY_MODEL", "RESTEM_SHARED_DATA", "RESTEM_LM_EVAL")
    }
    if missing := [name for name, value in wanted.items() if not value]:
        return {"skipped": f"set {', '.join(missing)}; docs/lm-eval.md says to what"}
    model, data, python = (Path(one).expanduser().absolute() for one in wanted.values())
    count = int(os.environ.get("RESTEM_PARITY_PROBLEMS", PROBLEMS))
    source = SourceSettings(kind="gsm8k", path=str(data / "gsm8k" / "test.jsonl"), split="test", limit=count)
    problems = load_problems(source, "test")
    with tempfile.TemporaryDirectory() as name:
        scored = list(_scored(problems, model, python, Path(name)))
    return summary(scored) | {"model": model.name, "shots": SHOTS, "most_tokens": MOST_TOKENS}


def summary(scored: Sequence[Scored]) -> dict[str, Any]:
    """Return the scores, and every problem on which the verdicts differ."""
    return {
        "problems": len(scored), "ours": sum(one.ours for one in scored), "lm_eval_strict": sum(one.strict for one in scored),
        "lm_eval_flexible": sum(one.flexible for one in scored), "same_text": sum(one.ours_text == one.theirs_text for one in scored),
        "ours_not_flexible": sum(one.differs for one in scored), "ours_not_strict": sum(one.ours != one.strict for one in scored),
        "ours_of_theirs_not_flexible": sum(one.ours_of_theirs != one.flexible for one in scored), "same_number": sum(one.same_number for one in scored),
        "different": [asdict(one) for one in scored if one.differs or one.ours != one.strict or not one.same_number],
    }  # fmt: skip


def number_of(text: str) -> str | None:
    """Return the last number of an answer, without thousands separators and a final point; None where there is none."""
    found = re.findall(r"-?\d[\d,]*(?:\.\d+)?", text)
    return found[-1].replace(",", "") if found else None


def _scored(problems: Sequence[Problem], model: Path, python: Path, folder: Path) -> Iterator[Scored]:
    template = template_named("gsm8k")
    prompts = {one.id: template.render(one, SHOTS) for one in problems}
    settings = EngineSettings(dtype="float32", max_model_len=2048, max_in_flight=IN_FLIGHT)
    engine = VllmEngine(settings, folder)
    try:
        engine.serve(Policy(digest_of_folder(model), str(model)), model)
        sampling = Sampling(0.0, 0, 1.0, MOST_TOKENS, template.stop)
        requests = [DrawRequest(one.id, prompts[one.id], (0,)) for one in problems]
        ours = {request.problem_id: texts[0].text for request, texts in engine.sample(requests, sampling)}
        theirs = ask_lm_eval(python, engine.url, problems, prompts, list(template.stop), folder)
    finally:
        engine.close()
    grader = grader_for(VerifySettings(reward="math"))
    graded = grader.grade_texts([(one, ours[one.id]) for one in problems])
    of_theirs = grader.grade_texts([(one, theirs[one.id]["text"]) for one in problems])
    for problem, mine, other in zip(problems, graded, of_theirs, strict=True):
        their = theirs[problem.id]
        yield Scored(
            problem.id, str(problem.gold), ours[problem.id], their["text"], mine.verdict.label == "correct", other.verdict.label == "correct",
            their[STRICT], their[FLEXIBLE], their[f"{STRICT} read"], their[f"{FLEXIBLE} read"], json.dumps(dict(mine.verdict.evidence), ensure_ascii=False),
        )  # fmt: skip


def ask_lm_eval(
    python: Path, url: str, problems: Sequence[Problem], prompts: dict[str, str], stop: list[str], folder: Path
) -> dict[str, dict[str, Any]]:
    """Let lm-eval draw from the same server and score; return by problem its completion, and what each extraction read and whether it was right."""
    write_task(folder, problems, prompts, stop)
    argv = [
        str(python), "-m", "lm_eval", "run", "--model", "local-completions", "--tasks", TASK, "--include_path", str(folder), "--output_path", str(folder / "out"),
        "--log_samples", "--batch_size", "1", "--model_args",
        f"model={SERVED_NAME},base_url={url}/completions,num_concurrent={IN_FLIGHT},max_retries=3,tokenizer_backend=None,tokenized_requests=False,max_length=2048,timeout=3600",
    ]  # fmt: skip
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HOME": str(folder / "home"),
        "NO_PROXY": "127.0.0.1",
        "OPENAI_API_KEY": "none",
    }
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=7200)
    if done.returncode:
        raise RuntimeError(f"lm-eval ended with {done.returncode}: {done.stderr[-2000:]}")
    return read_samples(folder / "out")


def write_task(folder: Path, problems: Sequence[Problem], prompts: dict[str, str], stop: list[str]) -> None:
    """Write the problems as JSON lines, and the task that reads them (YAML reads JSON)."""
    rows = folder / "problems.jsonl"
    lines = (json.dumps({"id": one.id, "prompt": prompts[one.id], "gold": one.gold}) for one in problems)
    rows.write_text("\n".join(lines) + "\n")
    generation = {"until": stop, "do_sample": False, "temperature": 0.0, "max_gen_toks": MOST_TOKENS}
    task = TASK_FILE | {"dataset_kwargs": {"data_files": {"test": str(rows)}}, "generation_kwargs": generation}
    (folder / f"{TASK}.yaml").write_text(json.dumps(task, indent=1))


def read_samples(folder: Path) -> dict[str, dict[str, Any]]:
    """Read what `--log_samples` wrote: a row for each problem and extraction."""
    (file,) = folder.rglob(f"samples_{TASK}_*.jsonl")
    found: dict[str, dict[str, Any]] = {}
    for line in file.read_text().splitlines():
        row = json.loads(line)
        seen = found.setdefault(row["doc"]["id"], {"text": row["resps"][0][0]})
        seen[row["filter"]], seen[f"{row['filter']} read"] = bool(row["exact_match"]), row["filtered_resps"][0]
    return found
