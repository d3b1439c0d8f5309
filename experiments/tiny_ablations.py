"""What each ingredient of experiments/tiny.py brings: what is solved, small, changed one by one.

    for change in render.family=unifont render.strategy=continuous model.cell_scales=1 \\
        model.window_cells=3 model.window_rows=16384 model.row_codes=4 model.fine_codes=8 \\
        stages.dictionary.perturb_probability=0.0 stages.dictionary.closed_form.whitening=0.5 \\
        stages.dictionary.closed_form.rarity=1.0 stages.dictionary.data.sentences.weight=0.001 \\
        stages.dictionary.data.words.weight=0.001 stages.dictionary.data.captions.weight=0.001; do
      ./run.sh train experiments/tiny_ablations.py --workdir runs/ablations/$change \\
        --config.data_dir=DATA --config.$change
    done
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
