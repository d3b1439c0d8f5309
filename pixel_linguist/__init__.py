"""Pixel-based sentence encoders: text is rendered to images and read by a vision transformer."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pixel_linguist.api import SentenceEncoder as SentenceEncoder

__all__ = ["SentenceEncoder"]


def __getattr__(name: str) -> Any:
    # Rendering alone must not load JAX, so the encoder is imported on first use.
    if name == "SentenceEncoder":
        from pixel_linguist.api import SentenceEncoder

        return SentenceEncoder
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
