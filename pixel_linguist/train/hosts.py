"""Devices and hosts: who takes part in a step, and where batches and the state lie."""

import atexit
import json
import os
import re
import shutil
import tempfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from pixel_linguist.bucket import CHECKPOINTS, Mirror, bucket_path
from pixel_linguist.data.example import Content
from pixel_linguist.files import in_bucket
from pixel_linguist.inference import Embedder
from pixel_linguist.objective.protocol import AXIS
from pixel_linguist.train.run_folder import RunFolder

Backend = Literal["pmap", "shard_map"]

# Environment variables that name the hosts where JAX does not find them.
ADDRESS, COUNT, NUMBER = "JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID"


def join_hosts(hosts: str) -> None:
    """Make this process one of several that train together; before JAX is used otherwise.

    Args:
        hosts: "auto" takes address, number of processes and rank from the cluster (TPU pod slice,
            SLURM, Open MPI, Kubernetes), or from JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES and
            JAX_PROCESS_ID if they are set; "ADDRESS:PORT,PROCESSES,RANK" says them. A process has
            all devices of its host, but where SLURM or Open MPI starts several on one: there each
            has the one of its number. JAX_LOCAL_DEVICE_IDS=0,1 says otherwise.

    Raises:
        ValueError: if that is not enough to join.
    """
    if hosts == "auto":
        given = [os.environ.get(name) for name in (ADDRESS, COUNT, NUMBER)]
        if not any(given):
            try:
                jax.distributed.initialize()
            except (ValueError, RuntimeError) as error:
                raise ValueError(
                    "--hosts auto found no cluster here (TPU pod slice, SLURM, Open MPI, "
                    f"Kubernetes): set {ADDRESS}, {COUNT} and {NUMBER}, or give "
                    f"--hosts ADDRESS:PORT,PROCESSES,RANK ({error})"
                ) from error
            if _alone_on_its_host() and "JAX_LOCAL_DEVICE_IDS" not in os.environ:
                # JAX takes each process of such a cluster for one of several on its host.
                jax.config.update("jax_cuda_visible_devices", "all")
                jax.config.update("jax_rocm_visible_devices", "all")
            return
        where = f"the environment ({ADDRESS}, {COUNT}, {NUMBER})"
        hosts = ",".join(value or "" for value in given)
    else:
        where = "--hosts"
    address, count, rank = parse_hosts(hosts, where)
    # Detecting a cluster as well would leave each process one device.
    jax.distributed.initialize(address, count, rank, cluster_detection_method="deactivate")


def _alone_on_its_host() -> bool:
    """Return whether Open MPI or SLURM has started one process on each host."""
    local = os.environ.get("OMPI_COMM_WORLD_LOCAL_SIZE")
    tasks = local or os.environ.get("SLURM_STEP_TASKS_PER_NODE", "")
    return re.fullmatch(r"1(\(x\d+\))?", tasks) is not None


def parse_hosts(hosts: str, where: str) -> tuple[str, int, int]:
    """Read "ADDRESS:PORT,PROCESSES,RANK".

    Raises:
        ValueError: naming `where` it stood and what it should look like.
    """
    address, *numbers = hosts.split(",")
    whole = len(numbers) == 2 and all(number.strip().isdecimal() for number in numbers)
    if not (whole and ":" in address and int(numbers[1]) < int(numbers[0])):
        raise ValueError(
            f"{where} says {hosts!r}; it takes ADDRESS:PORT,PROCESSES,RANK with RANK from 0 to "
            "PROCESSES - 1, such as 10.0.0.2:1234,4,0"
        )
    return address, int(numbers[0]), int(numbers[1])


def host_folder(folder: Path) -> RunFolder:
    """Return the folder of a run that this host may write to: the run's own on the first.

    The others get a copy for as long as they run, so that all come to the same decisions from the
    same files and one alone leaves results. Checkpoints are not copied: hosts write them together.
    Of a run in a bucket the first has a copy as well, which `RunFolder.publish` copies back.
    """
    first, remote = jax.process_index() == 0, in_bucket(folder)
    own, mirror = folder, None
    if remote or not first:
        own = Path(tempfile.mkdtemp(prefix="pixel-linguist-host-"))
        atexit.register(shutil.rmtree, own, ignore_errors=True)
    if remote:
        mirror = Mirror(own, bucket_path(folder))
    elif not first and folder.is_dir():
        ignored = shutil.ignore_patterns(CHECKPOINTS)
        shutil.copytree(folder, own, ignore=ignored, dirs_exist_ok=True)
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices("the run's folder is read")
    return RunFolder(own, shared=folder, mirror=mirror if first else None)


def check_hosts(folder: Path, settings: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse hosts that see another work folder, other data or other fonts than the first.

    Args:
        folder: of the run; where the first host has none, as in a plan, it is not compared.
        settings: stage → all that its result depends on, on this host.

    Raises:
        ValueError: on all hosts, naming those that differ, and the stages.
    """
    if jax.process_count() == 1:
        return
    # The same number on all hosts, another in each run.
    mark = int(multihost_utils.broadcast_one_to_all(np.int32(os.getpid())))
    seen = folder / f".host-0-of-{mark}"
    if jax.process_index() == 0 and folder.is_dir():
        seen.touch()
    multihost_utils.sync_global_devices("the first host has marked the work folder")
    parts = {"the work folder": seen.is_file()}
    for name, made in settings.items():
        parts |= {f"stage {name}: {key}": made[key] for key in ("sha256", "fonts", "starts")}
    hashes = [zlib.crc32(json.dumps(part, sort_keys=True).encode()) for part in parts.values()]
    every = np.asarray(multihost_utils.process_allgather(np.array(hashes, np.uint32)))
    if jax.process_index() == 0:
        seen.unlink(missing_ok=True)
    wrong = []
    for host, row in enumerate(every == every[0]):
        if other := [part for part, same in zip(parts, row, strict=True) if not same]:
            wrong.append(f"host {host} ({', '.join(other)})")
    if wrong:
        raise ValueError(
            f"hosts do not see what host 0 does: {'; '.join(wrong)}; give all of them the same "
            "--workdir on a shared file system, the same data and the same fonts"
        )


def shared_by_hosts(embed: Embedder) -> Callable[[Sequence[Content]], np.ndarray]:
    """Return an embedding that hosts compute in shares, each of them receiving all rows.

    All hosts must give the same texts in the same order.

    Args:
        embed: on this host's devices; N texts or pictures → float32 [N, D].
    """
    hosts, own = jax.process_count(), jax.process_index()
    if hosts == 1:
        return embed

    def embed_share(texts: Sequence[Content]) -> np.ndarray:
        rows = -(-len(texts) // hosts)
        # Hosts gather arrays of one shape: shares that are short repeat the last text.
        share = [texts[min(i, len(texts) - 1)] for i in range(own, hosts * rows, hosts)]
        every = multihost_utils.process_allgather(embed(share))
        return np.swapaxes(every, 0, 1).reshape(hosts * rows, every.shape[-1])[: len(texts)]

    return embed_share


def device_mesh() -> Mesh:
    """Return the one-axis mesh of all devices of all hosts."""
    return jax.make_mesh((jax.device_count(),), (AXIS,), axis_types=(AxisType.Auto,))


def place(batch: Any, backend: Backend) -> Any:
    """Lay a host's batch out for its devices: split (pmap) or sharded (shard_map)."""
    if backend == "pmap":
        devices = jax.local_device_count()
        return jax.tree.map(lambda x: x.reshape(devices, -1, *x.shape[1:]), batch)
    sharding = NamedSharding(device_mesh(), PartitionSpec(AXIS))
    return jax.tree.map(lambda x: jax.make_array_from_process_local_data(sharding, x), batch)


def state_shardings(state: Any, *, shard_optimizer: bool) -> Any:
    """Return where each leaf of a train state lies under shard_map.

    All is on every device, but if `shard_optimizer`, each device has its share of the optimiser's
    arrays: of the longest axis that the number of devices divides (ZeRO, stage 1; Rajbhandari et
    al. 2020, arXiv 1910.02054, section 5.1).
    """
    mesh = device_mesh()

    def share(leaf: Any) -> NamedSharding:
        divisible = [size if size % mesh.size == 0 else 0 for size in leaf.shape]
        if not any(divisible):
            return NamedSharding(mesh, PartitionSpec())
        axis = int(np.argmax(divisible))
        return NamedSharding(mesh, PartitionSpec(*[None] * axis, AXIS))

    whole = jax.tree.map(lambda _: NamedSharding(mesh, PartitionSpec()), state)
    return whole | {"opt": jax.tree.map(share, state["opt"])} if shard_optimizer else whole


def place_state(state: Any, backend: Backend, *, shard_optimizer: bool) -> Any:
    """Lay a state of host arrays, the same on every host, out over all devices.

    Under pmap it stays on the host: the first step puts it on the devices.
    """
    if backend == "pmap":
        return state
    shardings = state_shardings(state, shard_optimizer=shard_optimizer)
    return jax.tree.map(
        lambda x, to: jax.make_array_from_callback(x.shape, to, lambda part: x[part]),
        state,
        shardings,
    )
