"""DART-Math, Uniform: sample each problem until 40 correct solutions are there (Tong et al., arXiv 2407.13690).

Temperature 1.6 with top-p 0.95, which at such a temperature is part of the method. At most 640 draws a problem: without a
bound a problem that is never solved would never end; which problems fell short is counted. The data set stops exactly at the
target. The base is trained once, for one epoch. Assumption: hard problems deserve as many rows as easy ones.
"""

from __future__ import annotations

from tasks.domain.algorithms import method

METHOD = method(
    "dart_uniform",
    generate={"temperature": 1.6, "top_k": 0, "top_p": 0.95, "waves": (40, 40, 80, 160, 320)},
    materialize={"accept": "correct", "cap": 40, "target": "uniform", "dedupe": "none"},
    finetune={"start": "base", "epochs": 1},
    loop={"iterations": 1},
)
