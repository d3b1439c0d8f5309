"""Natural language inference: rows of premise, hypothesis and label become triples."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from pixel_linguist.data.records import Record, read_rows

NLI_LABELS = ("entailment", "neutral", "contradiction")


def group_nli(rows: Iterable[tuple[str, str, str]]) -> list[Record]:
    """Group rows (label, premise, hypothesis) by premise.

    Returns:
        A record {"premise", "entailment", "contradiction"} for each entailment. The contradictions
        of its premise are taken in turn; "" if there is none, and the other examples of the batch
        are then the only negatives.
    """
    groups: dict[str, dict[str, list[str]]] = {}
    for label, premise, hypothesis in rows:
        groups.setdefault(premise, {}).setdefault(label, []).append(hypothesis)
    records = []
    for premise, group in groups.items():
        contradictions = group.get("contradiction", [""])
        for i, entailment in enumerate(group.get("entailment", [])):
            negative = contradictions[i % len(contradictions)]
            records.append(
                {"premise": premise, "entailment": entailment, "contradiction": negative}
            )
    return records


def nli_triples(root: Path, *, paths: Sequence[str], skip_bad_lines: bool = False) -> list[Record]:
    """Make triples (`group_nli`) from each file with columns label, premise and hypothesis."""
    columns = ("label", "premise", "hypothesis")
    records = []
    for path in paths:
        rows = []
        for row, where in read_rows(root, path, columns, skip_bad_lines=skip_bad_lines):
            label, premise, hypothesis = (row[name] for name in columns)
            if label not in NLI_LABELS:
                known = ", ".join(NLI_LABELS)
                raise ValueError(f"{where}: label {label!r} is not one of {known}")
            rows.append((label, premise, hypothesis))
        records += group_nli(rows)
    return records
