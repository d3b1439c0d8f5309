"""The tasks that a folder of data sets offers, by name."""

import difflib
import fnmatch
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Spec = dict[str, Any]

# Of the curves in a report; one is full strength.
STRENGTHS = (0.25, 0.5, 0.75, 1.0)


def find_tasks(root: Path) -> dict[str, Spec]:
    """Return name → specification of every task whose files are there, in this layout:

    sts/stsb/LANGUAGE/test.tsv                  stsb-LANGUAGE, and stsb-en-LANGUAGE across languages
    sts/sts12 ... sts16/SET.tsv                 sts12 ... sts16
    sts/sts17/LANGUAGE-LANGUAGE.tsv             sts17-LANGUAGE-LANGUAGE
    sts/sickr/test.tsv                          sickr
    bitext/tatoeba/LANGUAGE-eng.tsv             tatoeba-LANGUAGE
    paraphrase/mrpc/dev.tsv                     mrpc
    retrieval/NAME/{corpus,queries}.jsonl, qrels/test.tsv    NAME

    Beside them, for STS-B: robustness-LANGUAGE, robustness-curves-LANGUAGE, and geometry-stsb.

    Raises:
        FileNotFoundError: if there is none.
    """
    tasks = dict(
        item
        for group in (_stsb, _sts_years, _sts17, _sickr, _tatoeba, _mrpc, _retrieval)
        for item in group(Path(root))
    )
    if not tasks:
        raise FileNotFoundError(f"{root} holds no data of a known task; see docs/evaluation.md")
    return tasks


def choose_tasks(known: dict[str, Spec], patterns: Iterable[str]) -> dict[str, Spec]:
    """Return the tasks that match any of some patterns such as "stsb-*", in the order of these.

    Raises:
        ValueError: for a pattern that matches none, naming the nearest.
    """
    chosen: dict[str, Spec] = {}
    for pattern in patterns:
        names = fnmatch.filter(known, pattern)
        if not names:
            nearest = difflib.get_close_matches(pattern, known, 1, 0)
            raise ValueError(
                f"no task {pattern!r}; did you mean {nearest[0]!r}? There are {', '.join(known)}"
            )
        chosen |= {name: known[name] for name in names}
    return chosen


def _tsv(root: Path, path: Path) -> Spec:
    return {"name": "tsv", "path": str(path.relative_to(root))}


def _stsb(root: Path) -> Iterator[tuple[str, Spec]]:
    folder = root / "sts/stsb"
    languages = {path.parent.name: _tsv(root, path) for path in folder.glob("*/test.tsv")}
    # English first, then the others by name.
    languages = dict(sorted(languages.items(), key=lambda item: (item[0] != "en", item[0])))
    grades = {"lowest": 0.0, "highest": 5.0}
    for code, source in languages.items():
        task = {"name": "sts", "source": source, **grades}
        yield f"stsb-{code}", task
        yield f"robustness-{code}", {"name": "robustness", "task": task}
        yield (
            f"robustness-curves-{code}",
            {"name": "robustness", "task": task, "strengths": STRENGTHS},
        )
    english = languages.get("en")
    for code, second in languages.items():
        if english and code != "en":
            yield (
                f"stsb-en-{code}",
                {"name": "sts", "source": english, "second": second, **grades},
            )
    if len(languages) > 1:
        yield "geometry-stsb", {"name": "geometry", "sources": languages, "text": "sentence1"}


def _sts_years(root: Path) -> Iterator[tuple[str, Spec]]:
    for folder in sorted((root / "sts").glob("sts1[2-6]")):
        sets = {path.stem: _tsv(root, path) for path in sorted(folder.glob("*.tsv"))}
        if sets:
            yield folder.name, {"name": "sts_year", "sets": sets, "year": folder.name}


def _sts17(root: Path) -> Iterator[tuple[str, Spec]]:
    for path in sorted((root / "sts/sts17").glob("*-*.tsv")):
        yield f"sts17-{path.stem}", {"name": "sts", "source": _tsv(root, path)}


def _sickr(root: Path) -> Iterator[tuple[str, Spec]]:
    path = root / "sts/sickr/test.tsv"
    if path.is_file():
        grades = {"lowest": 1.0, "highest": 5.0}
        yield "sickr", {"name": "sts", "source": _tsv(root, path), **grades}


def _tatoeba(root: Path) -> Iterator[tuple[str, Spec]]:
    for path in sorted((root / "bitext/tatoeba").glob("*-eng.tsv")):
        code = path.stem.removesuffix("-eng")
        source = _tsv(root, path)
        yield (
            f"tatoeba-{code}",
            {"name": "bitext", "source": source, "first": code, "second": "eng"},
        )


def _mrpc(root: Path) -> Iterator[tuple[str, Spec]]:
    path = root / "paraphrase/mrpc/dev.tsv"
    if path.is_file():
        yield "mrpc", {"name": "pair_classification", "source": _tsv(root, path)}


def _retrieval(root: Path) -> Iterator[tuple[str, Spec]]:
    for path in sorted((root / "retrieval").glob("*/qrels/test.tsv")):
        folder = path.parents[1]
        yield folder.name, {"name": "retrieval", "folder": str(folder.relative_to(root))}
