"""Encoders of patches: from pixels to features and one embedding, with no knowledge of text."""

from pixel_linguist.model.encoder import Encoder, EncoderConfig, ViTEncoder, preset
from pixel_linguist.model.encoders import make_encoder

__all__ = ["Encoder", "EncoderConfig", "ViTEncoder", "make_encoder", "preset"]
