"""The tables of report.html: scores by model and task, and what each stage did."""

import math
from collections.abc import Mapping
from html import escape
from typing import Any

from pixel_linguist.report.captions import OBJECTIVES
from pixel_linguist.report.record import BASELINES, RunRecord, Scored

MISSING = "–"
# Scores are shown with three decimals: what differs by less is a tie.
DECIMALS = 3


def score_table(run: RunRecord) -> str:
    """Write the table of scores: a row a model, a column a task, tasks grouped by metric.

    A cell holds the exact score in <data value>, and small the gain over the model that the
    stage started from and the ends of the score's interval, where they are known. The best of a
    column among trained models has the class "best".
    """
    groups = run.groups()
    columns = [(metric, task) for metric, tasks in groups.items() for task in tasks]
    firsts = {tasks[0] for tasks in groups.values()}
    best = {task: _best(run, task, metric) for metric, task in columns}
    heads = "".join(
        f'<th class="group first" scope="colgroup" colspan="{len(tasks)}">{escape(metric)}</th>'
        for metric, tasks in groups.items()
    )
    names = "".join(
        f'<th scope="col"{_first(task in firsts)}>{escape(task)}</th>' for _, task in columns
    )
    lines = []
    for row in run.rows:
        before = reference(run, row)
        cells = "".join(
            _score_cell(row, before, task, metric, best[task], task in firsts)
            for metric, task in columns
        )
        kind = "trained" if row.trained else "baseline"
        lines.append(f'<tr class="{kind}">{_row_head(run, row)}{cells}</tr>')
    return (
        '<div class="card scroll"><table class="scores"><thead>'
        f'<tr><th class="model" rowspan="2">model</th>{heads}</tr><tr>{names}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def reference(run: RunRecord, row: Scored) -> Scored | None:
    """Return the row that a trained model's gain is counted from, if there is one.

    It is the row of the stage that it started from, the untrained encoder for a start from
    scratch, else the row before.
    """
    if not row.trained:
        return None
    starts = run.stage(row.model).get("init_from")
    by_name = {other.model: other for other in run.rows}
    if starts is not None and len(starts) <= 1:
        name = starts[0] if starts else "untrained"
        if name in by_name:
            return by_name[name]
    place = run.rows.index(row)
    before = run.rows[place - 1] if place else None
    return before if before and before.model != "tfidf" else None


def stage_table(run: RunRecord) -> str:
    """Write what each stage did: where it started, its data, its settings, how it ended."""
    heads = "".join(
        f'<th scope="col"{_number(numeric)}>{name}</th>'
        for name, numeric in (
            ("stage", False),
            ("data → pairs", False),
            ("perturbations", False),
            ("steps", True),
            ("batch", True),
            ("patches", True),
            ("peak rate", True),
            ("loss", True),
            ("accuracy", True),
            ("time", True),
        )
    )
    lines = "".join(_stage_row(run, name) for name in run.order)
    return (
        f'<div class="card scroll"><table class="stages"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def stage_state(run: RunRecord, name: str) -> str:
    """Say how far a stage has come."""
    if name in run.finished:
        return "solved in closed form" if run.stage(name).get("closed_form") else "finished"
    if name in run.training:
        wanted = run.stage(name).get("steps")
        return f"at step {run.training[name].steps[-1]}" + (f" of {wanted}" if wanted else "")
    return "not begun"


def duration(seconds: float) -> str:
    """Write a time as 48 s, 6 min 12 s or 3 h 05 min."""
    if not math.isfinite(seconds):
        return MISSING
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours} h {minutes_left:02d} min" if hours else f"{minutes} min {rest:02d} s"


def show(value: float, form: str = f".{DECIMALS}f") -> str:
    """Write a number with a true minus sign, or a dash for what was not measured."""
    return format(value, form).replace("-", "−") if math.isfinite(value) else MISSING


def seconds_of(run: RunRecord, name: str) -> float:
    """Return how long a stage has trained, or took to solve; NaN if it never did."""
    if name in run.solved:
        return run.solved[name]
    curve = run.training.get(name)
    times = [s for s in curve.values.get("seconds", []) if math.isfinite(s)] if curve else []
    return sum(times) if times else math.nan


def describe_pairs(stage: Mapping[str, Any]) -> str:
    """Name a stage's data, the pair maker of each part, and whether there are hard negatives."""
    parts, objective = stage.get("data"), stage.get("objective")
    if not isinstance(parts, dict):
        return ""
    text = ", ".join(f"{name} → {_name(part, 'pairs')}" for name, part in parts.items())
    hard = isinstance(objective, dict) and objective.get("hard_negatives")
    return text + (" with hard negatives" if text and hard else "")


def describe_objective(stage: Mapping[str, Any]) -> str:
    """Say what a stage's loss is; nothing if its settings do not tell."""
    objective = stage.get("objective")
    if not isinstance(objective, dict) or "name" not in objective:
        return ""
    name = str(objective["name"])
    text = OBJECTIVES.get(name, name)
    if name == "info_nce" and objective.get("hard_negatives"):
        text += " and hard negatives"
    if name == "distillation" and objective.get("similarity_weight"):
        text += ", and the cross-entropy of its likeness to the batch's vectors of the teacher's"
    if name == "masked_autoencoder" and objective.get("word_buckets"):
        text += ", and the cross-entropy of the text's words"
    return text


def describe_losses(run: RunRecord) -> str:
    """Say what the loss of each stage is that has one, those of one objective together."""
    stages: dict[str, list[str]] = {}
    for name, curve in run.training.items():
        if "loss" in curve.values and (text := describe_objective(run.stage(name))):
            stages.setdefault(text[0].upper() + text[1:], []).append(name)
    if len(stages) < 2:
        return "".join(f"{text}." for text in stages)
    return " ".join(f"{text}: {', '.join(names)}." for text, names in stages.items())


def describe_perturbations(stage: Mapping[str, Any]) -> str:
    """Name a stage's perturbations, each with its rate and what else it was given.

    Behind those of text stand aspects of style and augmentations of pixels, with their strengths.
    """
    kinds = {"perturb": "", "styles": "style: ", "augment": "pixels: "}
    named = {about: _named(stage.get(key)) for key, about in kinds.items()}
    return "; ".join(about + names for about, names in named.items() if names)


def describe_masks(stage: Mapping[str, Any]) -> str:
    """Say what a masked autoencoder's stage hides, and what its predictions leave open."""
    objective = stage.get("objective")
    if not isinstance(objective, dict) or "mask_ratio" not in objective:
        return ""
    texts = [f"{100 * objective['mask_ratio']:.0f} % of each text hidden from the encoder"]
    if ratio := objective.get("decoder_mask_ratio"):
        texts.append(
            f"shown is what is hidden from the decoder, {100 * ratio:.0f} %, which reads the rest "
            "beside the sentence's embedding"
        )
    if objective.get("normalise_pixels"):
        texts.append("brightness and contrast of a hidden patch are not predicted but its own")
    return "; ".join(texts)


def _named(specification: Any) -> str:
    """Name what a stage chose by name, with what it was given."""
    if not isinstance(specification, dict):
        return ""
    texts = []
    for name, given in specification.items():
        arguments = given if isinstance(given, dict) else {}
        shown = ", ".join(
            f"{value}" if key in ("rate", "strength") else f"{key.replace('_', ' ')} {value}"
            for key, value in arguments.items()
        )
        texts.append(name.replace("_", " ") + (f" ({shown})" if shown else ""))
    return ", ".join(texts)


def _name(part: Any, key: str) -> str:
    """Return the name that a part of the data gives to one of its pieces."""
    piece = part.get(key) if isinstance(part, dict) else None
    return str(piece.get("name", MISSING)) if isinstance(piece, dict) else MISSING


def _first(yes: bool) -> str:
    return ' class="first"' if yes else ""


def _number(yes: bool) -> str:
    return ' class="number"' if yes else ""


def _starts(run: RunRecord, name: str) -> str:
    """Say where a stage starts from."""
    starts = run.stage(name).get("init_from")
    if starts is None:
        return ""
    if not starts:
        return "from scratch"
    return f"from {starts[0]}" if len(starts) == 1 else f"average of {', '.join(starts)}"


def _row_head(run: RunRecord, row: Scored) -> str:
    about = {"tfidf": "character 2- to 4-grams", "untrained": "the encoder at its start"}
    label = BASELINES.get(row.model, row.model)
    note = about.get(row.model) or _starts(run, row.model)
    if len(note) > 40:
        note = f"average of {len(run.stage(row.model)['init_from'])} models"
    return f'<th scope="row">{escape(label)}<small>{escape(note)}</small></th>'


def _best(run: RunRecord, task: str, metric: str) -> float:
    """Return the highest score of a trained model as it is shown, or NaN."""
    scores = [row.score(task, metric) for row in run.rows if row.trained]
    finite = [round(score, DECIMALS) for score in scores if math.isfinite(score)]
    return max(finite, default=math.nan)


def _score_cell(
    row: Scored, before: Scored | None, task: str, metric: str, best: float, first: bool
) -> str:
    """Write one score with its gain."""
    score = row.score(task, metric)
    marks = ["first"] * first + ["best"] * (row.trained and round(score, DECIMALS) == best)
    classes = f' class="{" ".join(marks)}"' if marks else ""
    if not math.isfinite(score):
        return f"<td{classes}>{MISSING}</td>"
    gain = score - before.score(task, metric) if before else math.nan
    small = ""
    if math.isfinite(gain):
        shown = show(gain, f"+.{DECIMALS}f")
        kind = "up" if round(gain, DECIMALS) > 0 else "down" if round(gain, DECIMALS) < 0 else ""
        small = f'<small class="{kind}">{shown}</small>'
    low, high = (row.score(task, f"{metric}_{end}") for end in ("low", "high"))
    if math.isfinite(low + high):
        small += f"<small>{show(low)} to {show(high)}</small>"
    return f'<td{classes}><data value="{score!r}">{show(score)}</data>{small}</td>'


def _stage_row(run: RunRecord, name: str) -> str:
    """Write one stage's row."""
    stage, curve = run.stage(name), run.training.get(name)
    # What is solved has no rate, though its settings have one.
    schedule = {} if stage.get("closed_form") else stage.get("schedule")
    peak = schedule.get("peak") if isinstance(schedule, dict) else None
    trains = bool(stage.get("steps") or curve)
    texts = (describe_pairs(stage), describe_perturbations(stage))
    numbers = (
        *(str(stage.get(key, MISSING)) for key in ("steps", "batch_size", "length")),
        f"{peak:g}" if isinstance(peak, int | float) else MISSING,
        show(curve.last("loss")) if curve else MISSING,
        show(curve.last("accuracy")) if curve else MISSING,
        duration(seconds_of(run, name)),
    )
    if not trains:
        numbers = (MISSING,) * len(numbers)
    cells = "".join(f'<td class="words">{escape(text) or MISSING}</td>' for text in texts)
    state = f"<small>{escape(stage_state(run, name))}</small>"
    for place, text in enumerate(numbers):
        cells += f'<td class="number">{escape(text)}{state if place == 0 else ""}</td>'
    head = f'<th scope="row">{escape(name)}<small>{escape(_starts(run, name))}</small></th>'
    return f"<tr>{head}{cells}</tr>"
