"""The same tests without a sandbox: program and asserts executed in one namespace of a fresh interpreter, as the data sets' own
harnesses do; standard input and output through pipes. Only for programs that are trusted (mutants of references).
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from sandbox.grading.compare import same_output
from sandbox.grading.tests import StdinTest, read_tests
from sandbox.image.inside.prelude import MEMBERS, MODULES

CPU_SECONDS, MEMORY_MB = 1, 512
CONFINED = f"""
import resource, sys, warnings
warnings.simplefilter("ignore")
_seconds = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_CPU, (_seconds, _seconds))
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY_MB} << 20, {MEMORY_MB} << 20))
del resource, sys, warnings, _seconds
"""
ASSERTS = """
import json, sys
_request = json.load(sys.stdin)
sys.stdin.close()
exec(compile(_request["source"] + "\\n" + _request["test"], "plain", "exec"), {"__name__": "plain"})
print("\\nTHE END")
"""
PROVIDED = "".join(
    f"from {module} import {', '.join(names.split())}\n"
    for module, names in MEMBERS.items()
    if module != "sortedcontainers"
) + "".join(f"import {module}\n" for module in sorted(MODULES - {"copy", "datetime", "bisect", "random", "time"}))
FUTURE = "from __future__ import annotations"
CALLS = """
import json, sys
_request = json.load(sys.stdin)
_names = {"__name__": "plain"}
exec(compile(_request["source"], "plain", "exec"), _names)
_function = _request["function"]
_called = _names[_function] if _function in _names else getattr(_names["Solution"](), _function)
def _listed(value):
    return [_listed(item) for item in value] if isinstance(value, (list, tuple)) else value
_value, _expected = _listed(_called(*_request["arguments"])), _request["expected"]
if _value == _expected or (isinstance(_expected, list) and len(_expected) == 1 and _value == _expected[0]):
    print("\\nTHE END")
"""


def passes(source: str, tests_text: str, cpu_seconds: int = CPU_SECONDS) -> bool:
    """Whether a plain run of all tests succeeds, each process of it within `cpu_seconds`."""
    record = json.loads(tests_text)
    if "test" in record:
        return _run(ASSERTS, {"source": source, "test": record["test"]}, cpu_seconds)
    return all(_passes_case(source, case, cpu_seconds) for case in read_tests(tests_text))  # type: ignore[union-attr]


def _passes_case(source: str, case: Any, cpu_seconds: int) -> bool:
    if isinstance(case, StdinTest):
        done = _interpreted(
            CONFINED + f"exec(compile({source!r}, 'program.py', 'exec'), dict(__name__='__main__'))",
            case.stdin,
            cpu_seconds,
        )
        return done is not None and done.returncode == 0 and same_output(case.expected, done.stdout)
    request = {"function": case.function, "arguments": case.arguments, "expected": case.expected}
    return _run(CALLS, request | {"source": PROVIDED + source.replace(FUTURE, "")}, cpu_seconds)


def _run(driver: str, request: dict[str, Any], cpu_seconds: int) -> bool:
    done = _interpreted(CONFINED + driver, json.dumps(request).encode(), cpu_seconds)
    return done is not None and done.returncode == 0 and done.stdout.endswith(b"THE END\n")


def _interpreted(program: str, stdin: bytes, cpu_seconds: int) -> subprocess.CompletedProcess[bytes] | None:
    command = [sys.executable, "-I", "-S", "-c", program, str(cpu_seconds)]
    try:
        return subprocess.run(command, input=stdin, capture_output=True, timeout=60 * cpu_seconds, check=False)
    except subprocess.TimeoutExpired:
        return None
