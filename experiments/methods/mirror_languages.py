"""Mirror-BERT on STS-B's sentences in nine languages; that they are translations is not used.

    ./run.sh train experiments/methods/mirror_languages.py --config.data_dir=DATA \
        --workdir runs/mirror_languages

As `mirror.py`; the start has read English alone. Spans are masked in texts of 30 characters or
more, as are one in eight of the Chinese sentences. Chinese has no spaces: a patch is a run of up
to nine characters, not a word. They are drawn with the fonts of the extra "cjk"; without it, seven
in eight are boxes with their code points, which differ as the characters do, but look otherwise.
"""

from ml_collections import ConfigDict

from experiments.methods.mirror import mirrored
from experiments.methods.untaught import defaults_of_start

LANGUAGES = ("en", "de", "es", "fr", "it", "nl", "pt", "ru", "zh")
SCRIPTS = {"ru": "Cyrl", "zh": "Hans"}


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults_of_start()
    config.languages = tuple(f"{code}-{SCRIPTS.get(code, 'Latn')}" for code in LANGUAGES)
    config.stages.mirror = mirrored(LANGUAGES)
    config.order = ("mirror",)
    for code in LANGUAGES[1:]:
        for name, split in ((f"stsb-{code}-dev", "dev"), (f"stsb-{code}", "test")):
            source = {"name": "tsv", "path": f"sts/stsb/{code}/{split}.tsv"}
            config.tasks[name] = {"name": "sts", "source": source}
    config.evaluate.report_tasks = tuple(f"stsb-{code}" for code in LANGUAGES)
    return config
