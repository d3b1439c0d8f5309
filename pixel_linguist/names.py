"""The former place of `did_you_mean`."""

from pixel_linguist.registry import did_you_mean as did_you_mean
