"""Encoders of patches: from pixels to features and one embedding, with no knowledge of text."""

from pixel_linguist.model.encoder import EncoderConfig, encode, init_params, preset

__all__ = ["EncoderConfig", "encode", "init_params", "preset"]
