"""Accelerators by name: their speed, memory and number, to plan for a machine that is not here."""

from typing import NamedTuple

from pixel_linguist.registry import choose


class Chip(NamedTuple):
    """One JAX device: a TPU chip or a GPU.

    Attributes:
        peak: dense bfloat16 operations a second.
        gigabytes: of memory, 10 ** 9 bytes each.
        float32: its speed in parts of the peak: one bfloat16 pass on a TPU, TF32 on a GPU.
        cores: that the number in a slice's name counts for one chip.
        hosts: chips of a host, on slices of several hosts.
        alone: chips of the largest slice on one host.
    """

    peak: float
    gigabytes: float
    float32: float
    cores: int
    hosts: int
    alone: int


# TPUs: cloud.google.com/tpu/docs/v4, v5e, v5p and v6e; v4 and v5p are named by TensorCores, of
# which a chip has two that are one JAX device. GPUs: NVIDIA's data sheets of A100 and H100 (SXM,
# without sparsity, half of what is printed with it) and H200.
CHIPS = {
    "v4": Chip(275e12, 34.4, 1.0, 2, 4, 4),
    "v5e": Chip(197e12, 16, 1.0, 1, 4, 8),
    "v5p": Chip(459e12, 95, 1.0, 2, 4, 4),
    "v6e": Chip(918e12, 32, 1.0, 1, 4, 8),
    "A100": Chip(312e12, 80, 0.5, 1, 8, 8),
    "H100": Chip(989e12, 80, 0.5, 1, 8, 8),
    "H200": Chip(989e12, 141, 0.5, 1, 8, 8),
}


class Accelerator(NamedTuple):
    """A machine, or several: `devices` chips on `hosts` hosts."""

    name: str
    chip: Chip
    devices: int
    hosts: int

    def flops(self, dtype: str) -> float:
        """Return the operations a second of matrix products, of all devices."""
        return self.devices * self.chip.peak * (1.0 if dtype == "bfloat16" else self.chip.float32)


def accelerator(name: str) -> Accelerator:
    """Read a name: a chip and a number, such as "v4-32", "v5e-8" or "H100-8"; one chip without.

    Raises:
        ValueError: for an unknown chip, or a number that no machine of it has.
    """
    kind, _, number = name.partition("-")
    chip = choose("accelerator", CHIPS, kind)
    cores = int(number) if number.isdecimal() else 0 if number else chip.cores
    devices = cores // chip.cores
    hosts = 1 if devices <= chip.alone else -(-devices // chip.hosts)
    if devices < 1 or cores % chip.cores or (hosts > 1 and devices % chip.hosts):
        raise ValueError(f"there is no accelerator {name!r}; names are such as {kind}-8")
    return Accelerator(name, chip, devices, hosts)
