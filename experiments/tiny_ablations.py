"""What each ingredient of experiments/tiny.py brings: its first stage, small, changed one by one.

    for change in render.family=cells render.family=noto model.cell_width=16 \\
        stages.dictionary.perturb_probability=0.0; do
      ./run.sh train experiments/tiny_ablations.py --workdir runs/ablations/$change \\
        --config.data_dir=DATA --config.$change
    done
"""

from ml_collections import ConfigDict

from experiments.tiny import TEACHER, recipe, shape_encoder


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = recipe(TEACHER)
    shape_encoder(config, windows=4096)
    dictionary = config.stages.dictionary
    dictionary.steps = 20
    dictionary.closed_form.texts = 10_240
    config.stages = ConfigDict({"dictionary": dictionary})
    config.order = ("dictionary",)
    clean = config.tasks["stsb-en-dev"].to_dict()
    config.tasks["attacked-en-dev"] = {"name": "robustness", "task": clean}
    config.evaluate.report_tasks = tuple(config.tasks)
    return config
