"""Tokenizing in several processes, for a GPU that embeds faster than one process can make numbers of words.

The processes are told by pipes and not by `multiprocessing`, which would run a user's script again in each of them. They
end when their pipe does, so none outlives the process that asked, however that ends.
"""

import os
import pickle
import subprocess
import sys
import weakref
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

import kb
from kb.embedding.cached_tokenizer import CachedTokenizer, Ragged

PORTION = 1_024
"""Texts that a process is asked for at a time: a tenth of a second."""
MOST = 14


class TokenizerPool:
    """As many processes as there are cores to spare, each with a `CachedTokenizer`.

    Args:
        source: the tokenizer as JSON; `cacheable` must hold.
        max_tokens: longer texts are cut.
        processes: how many; by default one for each core but two, `MOST` at the most.
    """

    def __init__(self, source: str, max_tokens: int, processes: int | None = None) -> None:
        count = processes or min(MOST, max(1, _cores() - 2))
        self._here = CachedTokenizer(source, max_tokens)  # for the portion of a process that has died
        self._free: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        self._processes = [_start() for _ in range(count)]
        self._threads = ThreadPoolExecutor(count)
        weakref.finalize(self, _stop, self._processes, self._threads)
        for process in self._processes:
            _ask(process, (source, max_tokens), answer=False)
            self._free.put(process)

    def tokenized(self, texts: Sequence[str]) -> Iterator[Ragged]:
        """Yield the numbers of the texts, `PORTION` of them at a time, in their order."""
        return self._threads.map(self._portion, (texts[at : at + PORTION] for at in range(0, len(texts), PORTION)))

    def _portion(self, texts: Sequence[str]) -> Ragged:
        process = self._free.get()
        try:
            found: Ragged = _ask(process, list(texts))
        except (OSError, EOFError, pickle.UnpicklingError):
            found = self._here(texts)
        finally:
            self._free.put(process)
        return found


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _start() -> "subprocess.Popen[bytes]":
    paths = [str(Path(kb.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    told = {**os.environ, "TOKENIZERS_PARALLELISM": "false", "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    return subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=told,
        start_new_session=True,  # Ctrl-C in the terminal is for the one who asks, not for these
    )


def _stop(processes: "list[subprocess.Popen[bytes]]", threads: ThreadPoolExecutor) -> None:
    threads.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.kill()
        process.communicate()


def _ask(process: "subprocess.Popen[bytes]", told: object, *, answer: bool = True) -> Any:
    assert process.stdin is not None
    assert process.stdout is not None
    _say(process.stdin, told)
    return pickle.load(process.stdout) if answer else None


def _say(pipe: IO[bytes], told: object) -> None:
    pickle.dump(told, pipe, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.flush()


def _answer() -> None:
    """Answer lists of texts until the pipe ends: what a process of the pool does."""
    tokenizer = CachedTokenizer(*pickle.load(sys.stdin.buffer))
    while True:
        try:
            texts = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        _say(sys.stdout.buffer, tokenizer(texts))


if __name__ == "__main__":
    _answer()
