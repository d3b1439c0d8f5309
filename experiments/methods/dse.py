"""Distilled Sentence Embedding: the student of a teacher that reads both texts in one sequence.

    ./run.sh train experiments/methods/dse.py --config.data_dir=DATA --workdir runs/dse

The teacher learns scores of STS-B and SICK-R from "A ¶ B"; it then scores these pairs and those of
MRPC, PARADE and XNLI, whose labels are not read, once; the student learns from scores of both
(Barkan et al. 2020, arXiv 1908.05161). With the head "cosine" the student's cosines are its scores;
`--config.stages.student.objective.head=concat` is the paper's head, which scores by itself.
"""

from typing import Any

from ml_collections import ConfigDict

from experiments.methods.untaught import DEV, defaults_of_start, fine_tuned
from pixel_linguist.recipe import part

SENTENCES = ("sentence1", "sentence2")
# Name → path, columns of the texts, and bounds of the score, if there is one.
PAIRS: dict[str, tuple[str, tuple[str, str], tuple[float, float] | None]] = {
    "stsb": ("sts/stsb/en/train.tsv", SENTENCES, (0.0, 5.0)),
    "sickr": ("sts/sickr/train.tsv", SENTENCES, (1.0, 5.0)),
    "mrpc": ("paraphrase/mrpc/train.tsv", SENTENCES, None),
    "parade": ("paraphrase/parade/train.tsv.gz", SENTENCES, None),
    "xnli": ("nli/xnli/en/dev.tsv", ("premise", "hypothesis"), None),
}
# Half of the texts fit into half of the length.
BY_LENGTH = {"length_buckets": 2, "window": 4}


def pairs(name: str, *, teacher: bool) -> dict[str, Any]:
    """Return a part of the data of the teacher, or of the student."""
    path, (first, second), bounds = PAIRS[name]
    texts = {"first": first, "second": second}
    scored = texts | ({"score": "score", "bounds": bounds} if bounds else {})
    source = {"name": "tsv", "path": path}
    if teacher:
        return part(source, {"name": "joined_pair", **scored})
    annotate = {"name": "joint_scores", "model": "teacher", **texts}
    return part(source, {"name": "taught_pair", **scored}, annotate=annotate)


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults_of_start()
    config.stages.teacher = fine_tuned(
        {name: pairs(name, teacher=True) for name in PAIRS if PAIRS[name][2]},
        objective={"name": "joined_score"},
        steps=600,
        peak=1e-3,
        length=48,
        **BY_LENGTH,
        report=False,
    )
    config.stages.student = fine_tuned(
        {name: pairs(name, teacher=False) for name in PAIRS},
        objective={"name": "pair_distillation", "head": "cosine", "teacher_weight": 0.5},
        steps=600,
        length=32,
        **BY_LENGTH,
        evaluate_tasks=(DEV,),
        mixture_temperature=1.0,
    )
    config.order = ("teacher", "student")
    return config
