"""DART-Math, Prop2Diff: rows in proportion to how often a problem fails, at most 192, at least 1 (arXiv 2407.13690).

The fail rate is that of the first 40 samples of the policy itself. At most 640 draws a problem, as in `dart_uniform`.
Assumption: what fails more often teaches more.
"""

from __future__ import annotations

from tasks.domain.algorithms import method
from tasks.domain.methods.dart_uniform import METHOD as DART_UNIFORM

METHOD = method("dart_prop2diff", DART_UNIFORM, materialize={"cap": 192, "target": "prop2diff"})
