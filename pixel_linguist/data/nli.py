"""Natural language inference: rows of premise, hypothesis and label become triples."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from pixel_linguist.data.records import Record, column, read_table

NLI_LABELS = ("entailment", "neutral", "contradiction")


def group_nli(rows: Iterable[tuple[str, str, str]]) -> list[Record]:
    """Group rows (label, premise, hypothesis) by premise.

    Returns:
        {"premise", "entailment", "contradiction"}: each entailment gives one record, with one of
        its premise's contradictions by turns, or "" where the premise has none (the batch then
        gives the only negatives).
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
    """Group the rows of NLI files (columns label, premise, hypothesis) with `group_nli`."""
    records = []
    for path in paths:
        rows = []
        for number, row in enumerate(read_table(root / path, skip_bad_lines=skip_bad_lines), 1):
            label, premise, hypothesis = (
                column(row, name, path) for name in ("label", "premise", "hypothesis")
            )
            if label not in NLI_LABELS:
                raise ValueError(f"{path}, row {number}: label {label!r} is not one of NLI's three")
            rows.append((label, premise, hypothesis))
        records += group_nli(rows)
    return records
