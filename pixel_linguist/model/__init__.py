"""Encoders of patches: from pixels to features and one embedding, with no knowledge of text."""

from pixel_linguist.model.encoder import Encoder, EncoderConfig, ViTEncoder, make_encoder, preset

__all__ = ["Encoder", "EncoderConfig", "ViTEncoder", "make_encoder", "preset"]
