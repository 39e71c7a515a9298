"""Baseline: a teacher's correct solutions train the student, one round (arXiv 2312.06585, section 5.4).

`teacher.policy` names the teacher (a folder, a Hub id, RUN/ITERATION), or `teacher.engine` the endpoints that serve it. The
student is the base: it is trained, and it alone is evaluated. Assumption: the teacher understands the student's prompt.
"""

from __future__ import annotations

from tasks.domain.algorithms import method
from tasks.domain.methods.rest_em import METHOD as REST_EM

METHOD = method("distill", REST_EM, loop={"iterations": 1, "sampler": "teacher"})
