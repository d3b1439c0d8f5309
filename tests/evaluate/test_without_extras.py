"""Evaluation in an installation without extras."""

import subprocess
import sys

PROGRAM = """
import sys

for name in ("sklearn", "matplotlib", "jinja2", "mteb"):
    sys.modules[name] = None  # importing it raises ModuleNotFoundError
import numpy as np

from pixel_linguist.evaluate.baselines import tfidf_embed
from pixel_linguist.evaluate.bitext import Bitext
from pixel_linguist.evaluate.build import TASKS
from pixel_linguist.evaluate.catalogue import find_tasks
from pixel_linguist.evaluate.embedding_geometry import Geometry
from pixel_linguist.evaluate.pair_classification import PairClassification
from pixel_linguist.evaluate.retrieval import Retrieval
from pixel_linguist.evaluate.robustness import Robustness
from pixel_linguist.evaluate.sts import STS
from pixel_linguist.evaluate.suite import with_interval

a, b = tuple("abcdef"), tuple("ghijkl")
sts = STS(a, b, (1.0, 2.0, 3.0, 4.0, 5.0, 6.0))
pairs = PairClassification(a, b, (0, 1) * 3)
geometry = Geometry({"a": a, "b": b})
retrieval = Retrieval(dict(zip(a, a)), dict(zip(b, b)), {q: {d: 1} for q, d in zip(b, a)})
embed = lambda texts: np.array([[ord(t[0]) ** 0.5, ord(t[-1]) % 7] for t in texts], float)
for task in (sts, pairs, geometry, retrieval, Bitext(a, b), Robustness(sts)):
    with_interval(task, embed)
try:
    tfidf_embed(sts)
except ModuleNotFoundError as error:
    print(error)
"""


def test_tasks_need_no_extra_and_tfidf_names_its_own() -> None:
    found = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    assert "pixel-linguist[report]" in found.stdout
