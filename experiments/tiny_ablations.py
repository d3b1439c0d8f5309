"""What each ingredient of experiments/tiny.py brings: what is solved, small, changed one by one.

    for change in render.family=unifont render.strategy=continuous model.window_rows=16384 \\
        "model.cell_scales=1 model.cell_hidden=1024" "model.row_codes=4 model.fine_codes=8" \\
        "model.window_cells=3 model.window_rows=30720" \\
        stages.dictionary.perturb_probability=0.0 stages.dictionary.closed_form.whitening=0.5 \\
        stages.dictionary.closed_form.rarity=1.0 stages.dictionary.data.sentences.weight=0.001 \\
        stages.dictionary.data.words.weight=0.001 stages.dictionary.data.captions.weight=0.001; do
      ./run.sh train experiments/tiny_ablations.py --workdir "runs/ablations/${change// /,}" \\
        --config.data_dir=DATA --config.${change// / --config.}
    done

Fewer cells have fewer pictures and windows to choose from, hence the second setting of two rows.
"""

from ml_collections import ConfigDict

from experiments.tiny import get_config as get_tiny


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = get_tiny()
    config.model.window_rows = 32_768
    config.stages.dictionary.steps = 20
    config.stages.dictionary.closed_form.texts = 10_240
    config.tasks["sick-dev"] = {
        "name": "sts",
        "source": {"name": "tsv", "path": "sts/sickr/dev.tsv"},
    }
    config.evaluate.report_tasks = tuple(config.tasks)
    return config
