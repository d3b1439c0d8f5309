"""A run's recipe, encoder, renderer and folder, which all of its stages share."""

import dataclasses
from pathlib import Path

import jax
from ml_collections import ConfigDict

from pixel_linguist.bucket import copied
from pixel_linguist.evaluate.similarity import Embed
from pixel_linguist.files import in_bucket, local_path
from pixel_linguist.hub import PREFIX as HUB
from pixel_linguist.hub import download
from pixel_linguist.inference import Embedder
from pixel_linguist.model import ViTEncoder, make_encoder
from pixel_linguist.model.encoder import Params
from pixel_linguist.model.store import Model
from pixel_linguist.render import Renderer
from pixel_linguist.train.hosts import shared_by_hosts
from pixel_linguist.train.run_folder import RunFolder
from pixel_linguist.word_embedder import make_embedder


@dataclasses.dataclass(frozen=True)
class RunContext:
    """A recipe with its encoder, renderer and folder.

    Attributes:
        renderer: in the style of evaluation.
        profile: folder for a profiler's traces, one a stage; None: no traces.
        devices: that batches are to be shared by; those of this machine, or of one that is planned.
    """

    config: ConfigDict
    encoder: ViTEncoder
    renderer: Renderer
    folder: RunFolder
    profile: Path | None = None
    devices: int = 0

    def model(self, params: Params) -> Model:
        """Return a model of parameters, for a folder."""
        settings, fonts = self.renderer.settings(), self.renderer.font_hashes()
        known, never = (tuple(self.config[name]) for name in ("languages", "never_trained"))
        return Model(self.encoder, params, settings, fonts, "", known, never)

    def embedder(self, params: Params) -> Embedder:
        """Return the embedding of texts by parameters, on this host."""
        return make_embedder(self.encoder, params, self.renderer, self.config.evaluate.batch_size)

    def embed(self, params: Params) -> Embed:
        """Return the embedding of texts by parameters, shared out among hosts."""
        return shared_by_hosts(self.embedder(params))

    def start(self, name: str) -> Path:
        """Return the folder of a model that a stage starts from: an earlier stage's, or any.

        "hf:owner/name" and a folder of a bucket (gs://) are downloaded once.
        """
        if name in self.config.order:
            return self.folder.model(name)
        if in_bucket(name):
            return copied(name)
        return download(name.removeprefix(HUB)) if name.startswith(HUB) else local_path(name)


def make_context(
    config: ConfigDict, folder: Path, *, profile: bool = False, devices: int = 0
) -> RunContext:
    """Make a run's context from its recipe; 0 devices stand for those of this machine.

    Raises:
        ValueError: for an impossible architecture or renderer.
        FileNotFoundError: for a font that is missing.
    """
    settings = config.render.to_dict()
    patch = settings.pop("patch_height"), settings.pop("patch_width")
    renderer = Renderer(**settings, patch=patch)
    sizes = ("patch_height", "patch_width", "max_patches")
    encoder = make_encoder({name: config.render[name] for name in sizes} | config.model.to_dict())
    trace, devices = folder / "profile" if profile else None, devices or jax.device_count()
    return RunContext(config, encoder, renderer, RunFolder(folder), trace, devices)
