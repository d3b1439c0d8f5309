"""The tasks for which a data folder has files, by name."""

import fnmatch
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pixel_linguist.evaluate.robustness import ATTACKS
from pixel_linguist.registry import did_you_mean
from pixel_linguist.render.wear import WEAR

Spec = dict[str, Any]

# Strengths of the robustness curves in a report; 1 is full strength.
STRENGTHS = (0.25, 0.5, 0.75, 1.0)
# Task → its file, and the columns of noisy texts and of their corrections.
NOISY = {
    "misspelled-words": ("noise/words_toefl.tsv", "misspelt", "correct"),
    "jfleg": ("noise/jfleg/test.tsv.gz", "noisy", "fixed0"),
}
# Strength of the wear of pictures.
WORN = 0.5


def find_tasks(root: Path) -> dict[str, Spec]:
    """Return name → specification of every task whose files are in a data folder.

    sts/stsb/LANGUAGE/test.tsv               stsb-LANGUAGE, robustness-LANGUAGE,
                                             robustness-curves-LANGUAGE; of several languages
                                             stsb-en-LANGUAGE, geometry-stsb; of English
                                             pictures-en, pictures-worn-en, pictures-page-en
    sts/sts12 ... sts16/SET.tsv              sts12 ... sts16
    sts/sts17/LANGUAGE-LANGUAGE.tsv          sts17-LANGUAGE-LANGUAGE
    sts/sickr/test.tsv                       sickr, word-order, negation
    bitext/tatoeba/LANGUAGE-eng.tsv          tatoeba-LANGUAGE
    paraphrase/mrpc/dev.tsv                  mrpc
    similarity/NAME.tsv                      human-NAME
    noise/words_toefl.tsv                    misspelled-words
    noise/jfleg/test.tsv.gz                  jfleg
    retrieval/NAME/{corpus,queries}.jsonl, qrels/test.tsv    NAME, typos-NAME

    Raises:
        FileNotFoundError: if there is none.
    """
    root = Path(root)

    def tables(pattern: str) -> dict[Path, Spec]:
        """Return path → source of the files that match."""
        paths = sorted(root.glob(pattern))
        return {path: {"name": "tsv", "path": str(path.relative_to(root))} for path in paths}

    languages = {path.parent.name: source for path, source in tables("sts/stsb/*/test.tsv").items()}
    tasks = _stsb(dict(sorted(languages.items(), key=lambda item: item[0] != "en")))
    for path, source in tables("sts/sts1[2-6]/*.tsv").items():
        year = path.parent.name
        tasks.setdefault(year, {"name": "sts_year", "sets": {}, "year": year})
        tasks[year]["sets"][path.stem] = source
    for path, source in tables("sts/sts17/*-*.tsv").items():
        tasks[f"sts17-{path.stem}"] = {"name": "sts", "source": source}
    for source in tables("sts/sickr/test.tsv").values():
        tasks["sickr"] = {"name": "sts", "source": source, "lowest": 1.0, "highest": 5.0}
        for name, change in {"word-order": "exchange", "negation": "negate"}.items():
            tasks[name] = {"name": "triplets", "source": source, "change": change}
    for path, source in tables("bitext/tatoeba/*-eng.tsv").items():
        code = path.stem.removesuffix("-eng")
        tasks[f"tatoeba-{code}"] = {
            "name": "bitext", "source": source, "first": code, "second": "eng"
        }  # fmt: skip
    for source in tables("paraphrase/mrpc/dev.tsv").values():
        tasks["mrpc"] = {"name": "pair_classification", "source": source}
    for path, source in tables("similarity/*.tsv").items():
        judged = {"name": "human_similarity", "source": source}
        tasks[f"human-{path.stem}"] = judged | {"first": "item1", "second": "item2"}
    for name, (pattern, *columns) in NOISY.items():
        for source in tables(pattern).values():
            tasks[name] = {"name": "bitext", "source": source} | dict(
                zip(("first", "second"), columns, strict=True)
            )
    for path in tables("retrieval/*/qrels/test.tsv"):
        folder = path.parents[1]
        task = {"name": "retrieval", "folder": str(folder.relative_to(root))}
        tasks[folder.name] = task
        attacks = {"typos": ATTACKS["edits"]}
        tasks[f"typos-{folder.name}"] = {"name": "robustness", "task": task, "attacks": attacks}
    if not tasks:
        raise FileNotFoundError(f"{root} holds no data of a known task; see docs/evaluation.md")
    return tasks


def choose_tasks(known: dict[str, Spec], patterns: Iterable[str]) -> dict[str, Spec]:
    """Return the tasks that match any of the patterns, such as "stsb-*", in their order.

    Raises:
        ValueError: for a pattern that matches none, naming the nearest task.
    """
    chosen: dict[str, Spec] = {}
    for pattern in patterns:
        names = fnmatch.filter(known, pattern)
        if not names:
            raise ValueError(f"no task {pattern!r}: {did_you_mean(pattern, known)}")
        chosen |= {name: known[name] for name in names}
    return chosen


def _stsb(languages: dict[str, Spec]) -> dict[str, Spec]:
    """Return the tasks on the test splits of STS-B: language → source, English first."""
    tasks: dict[str, Spec] = {}
    grades = {"lowest": 0.0, "highest": 5.0}
    for code, source in languages.items():
        task = {"name": "sts", "source": source, **grades}
        attacked = {"name": "robustness", "task": task}
        tasks[f"stsb-{code}"] = task
        tasks[f"robustness-{code}"] = attacked
        tasks[f"robustness-curves-{code}"] = {**attacked, "strengths": STRENGTHS}
    if "en" in languages:
        drawn = {"name": "pictures", "task": tasks["stsb-en"]}
        tasks["pictures-en"] = drawn
        tasks["pictures-worn-en"] = {**drawn, "wear": dict.fromkeys(WEAR, WORN)}
        tasks["pictures-page-en"] = {**drawn, "layout": "page"}
        for code in [code for code in languages if code != "en"]:
            pair = {"source": languages["en"], "second": languages[code]}
            tasks[f"stsb-en-{code}"] = {"name": "sts", **pair, **grades}
    if len(languages) > 1:
        tasks["geometry-stsb"] = {"name": "geometry", "sources": languages, "text": "sentence1"}
    return tasks
