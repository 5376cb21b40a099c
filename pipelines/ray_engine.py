"""Embedding on a Ray cluster: one worker for each GPU, or for every few cores where there is none.

The process that refreshes reads texts from the store, hands chunks to workers and stores what comes back, so memory holds
a few chunks whatever the size of the corpus. Chunks are those of the local way: on the same kind of machine the vectors are
the same to the last bit. Plain actors rather than Ray Data, which lays all texts into its object store first. A worker that
dies is started again by Ray, and its chunk is embedded again.
"""

import os
from collections.abc import Iterable, Iterator
from typing import Any

from kb.embedding import Encoder, Vectors
from kb.errors import KbError, ModelError
from kb.settings import Settings

CORES = 4
"""Cores for a worker without a GPU; more of them share a model's memory, fewer leave cores idle on small nodes."""
AHEAD = 2
"""Chunks that each worker has been given: the one it works on, and the next."""
RETRIES = 5
Chunk = list[str]


def encode_chunks(
    told: Settings, encoder: Encoder, chunks: Iterable[Chunk], *, cores: int = CORES
) -> Iterator[tuple[Chunk, Vectors]]:
    """Yield each chunk of texts with its vectors, as workers finish, in no particular order.

    Args:
        told: which model, and the cluster's address ("" starts one on this machine).
        encoder: the encoder of this process; every worker must have the same weights and engine.
        cores: for each worker where the cluster has no GPU.

    Raises:
        ModelError: a worker has another model, or died more than `RETRIES` times.
        KbError: Ray is not installed, or there is no cluster at the address.
    """
    ray = _connected(told.ray_address)
    workers = _workers(ray, told, encoder, cores)
    given: dict[Any, tuple[Any, Chunk]] = {}
    waiting = iter(chunks)
    try:
        for worker in workers * AHEAD:
            _give(worker, waiting, given)
        while given:
            (done,), _ = ray.wait(list(given), num_returns=1)
            worker, chunk = given.pop(done)
            _give(worker, waiting, given)
            yield chunk, ray.get(done)
    except ray.exceptions.RayTaskError as error:
        raise ModelError(f"a worker cannot embed: {_first_line(error.cause)}", cure="See its log in Ray's dashboard") from None
    except ray.exceptions.RayActorError as error:
        cure = "Give workers more memory and the same version of Papertide; the next refresh goes on where this one stopped"
        raise ModelError(f"a worker died, and again when it was restarted: {_first_line(error)}", cure=cure) from None
    finally:
        for worker in workers:
            ray.kill(worker)


def _give(worker: Any, waiting: Iterator[Chunk], given: dict[Any, tuple[Any, Chunk]]) -> None:
    chunk = next(waiting, None)
    if chunk is not None:
        given[worker.encode.remote(chunk)] = worker, chunk


def _connected(address: str) -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray reports home unless told not to
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray  # heavy, and an extra that few need
    except ImportError:
        raise KbError("Ray is not installed", cure='pip install "papertide[ray]", or remove [compute] from kb.toml') from None
    if not ray.is_initialized():
        try:
            ray.init(address=address or "local", include_dashboard=False if not address else None, log_to_driver=False)
        except (ConnectionError, OSError, RuntimeError, ValueError) as error:
            raise KbError(
                f"no Ray cluster at {address or 'this machine'}: {_first_line(error)}",
                cure="Start one with `ray start --head`, or mend address in kb.toml's [compute]",
            ) from None
    return ray


def _workers(ray: Any, told: Settings, encoder: Encoder, cores: int) -> list[Any]:
    there = ray.cluster_resources()
    gpus, processors = int(there.get("GPU", 0)), int(there.get("CPU", 1))
    needs = {"num_gpus": 1} if gpus else {"num_cpus": min(cores, processors)}
    count = gpus or max(1, processors // cores)
    actor = ray.remote(max_restarts=RETRIES, max_task_retries=RETRIES, **needs)(Worker)
    return [actor.remote(told, encoder.engine, encoder.key) for _ in range(count)]


class Worker:
    """What runs in each process of the cluster."""

    def __init__(self, told: Settings, engine: str, key: str) -> None:
        from kb import embedding  # in the worker: torch

        device = "cuda" if os.environ.get("CUDA_VISIBLE_DEVICES") else "cpu"
        self._encoder = embedding.load(
            told.model, max_tokens=told.max_tokens, device=device, engine=engine, dimensions=told.dimensions,
            prompts=told.prompts or None,
        )  # fmt: skip
        if self._encoder.key != key:
            raise ModelError(f"a worker's model is {self._encoder.key}, not {key}", cure="Install the same version everywhere")

    def encode(self, texts: Chunk) -> Vectors:
        """Return the vectors of a chunk."""
        return self._encoder.encode(texts)


def _first_line(error: object) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
