"""Put a trained model among those that come with the package, with its scores on its card.

python -m experiments.shipped.score RUN --data DATA
python -m experiments.shipped.ship RUN --name tiny --about "what it was trained on, in Markdown"
"""

import argparse
import json
import re
from importlib.metadata import requires
from pathlib import Path

from pixel_linguist.model.store import load_model, save_model
from pixel_linguist.models import SHIPPED
from pixel_linguist.render.fonts import manifest


def core_fonts() -> set[str]:
    """Return the files of fonts that every installation has."""
    needed = [line for line in requires("pixel-linguist") or () if "extra ==" not in line]
    packages = {match[0] for line in needed if (match := re.match(r"[\w.-]+", line))}
    return {
        Path(place["path"]).name
        for font in manifest()["fonts"].values()
        for place in font["places"]
        if place.get("pip", "").partition("==")[0] in packages
    }


def score_lines(path: Path) -> str:
    """Return the table of an evaluation's main scores as Markdown, a row a task."""
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    models = [row["model"] for row in rows]
    lines = ["| | " + " | ".join(models) + " |", "|---" * (len(models) + 1) + "|"]
    for task, scores in rows[0]["scores"].items():
        metric = next(iter(scores))
        of_task = (row["scores"].get(task) for row in rows)
        found = [f"{scores[metric]:.3f}" if scores else "" for scores in of_task]
        lines.append(f"| {task} ({metric}) | " + " | ".join(found) + " |")
    return "\n".join(lines)


def main() -> None:
    """Read the arguments and write the model."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--about", required=True)
    arguments = parser.parse_args()
    model = load_model(arguments.run / "model")
    # Without those of extras, whose absence would be warned of wherever the model is loaded.
    fonts = {name: found for name, found in model.fonts.items() if name in core_fonts()}
    scores = score_lines(arguments.run / "scores" / "scores.json")
    about = f"{arguments.about}\n\nScores on test splits:\n\n{scores}"
    folder = SHIPPED / arguments.name
    save_model(folder, model._replace(fonts=fonts, about=about), "float16")
    print(f"{folder}: {sum(path.stat().st_size for path in folder.iterdir()) / 2**20:.1f} MB")


if __name__ == "__main__":
    main()
