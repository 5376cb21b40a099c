"""Processes that tokenize: the numbers of one process, in the texts' order, and none of them outlives its pool."""

import gc
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from kb.embedding.cached_tokenizer import CachedTokenizer
from kb.embedding.tokenizer_pool import PORTION, TokenizerPool
from kb.embedding.weights import locate

SOURCE = (Path(locate("sentence-transformers/all-MiniLM-L6-v2")[0]) / "tokenizer.json").read_text(encoding="utf-8")
TEXTS = [f"A study of made-up socks, part {number}. " * (1 + number % 5) for number in range(2 * PORTION + 100)]


@pytest.fixture
def pool() -> Iterator[TokenizerPool]:
    yield TokenizerPool(SOURCE, 32, processes=2)
    gc.collect()


def together(pool: TokenizerPool, texts: list[str]) -> tuple[list[int], list[int]]:
    portions = list(pool.tokenized(texts))
    return np.concatenate([one for one, _ in portions]).tolist(), np.concatenate([one for _, one in portions]).tolist()


def test_texts_have_the_numbers_of_one_process_in_their_order(pool: TokenizerPool) -> None:
    numbers, lengths = CachedTokenizer(SOURCE, 32)(TEXTS)
    assert together(pool, TEXTS) == (numbers.tolist(), lengths.tolist())


def test_no_texts_have_no_portions(pool: TokenizerPool) -> None:
    assert list(pool.tokenized([])) == []


def test_the_portions_of_a_killed_process_are_tokenized_all_the_same(pool: TokenizerPool) -> None:
    expected = together(pool, TEXTS)
    pool._processes[0].kill()
    pool._processes[0].wait()
    assert together(pool, TEXTS) == expected


def test_an_interrupt_from_the_terminal_does_not_reach_the_processes(pool: TokenizerPool) -> None:
    assert all(os.getsid(process.pid) != os.getsid(0) for process in pool._processes)


def test_the_processes_end_with_their_pool() -> None:
    pool = TokenizerPool(SOURCE, 32, processes=1)
    process = pool._processes[0]
    del pool
    gc.collect()
    assert process.poll() is not None


def test_the_processes_end_when_the_one_that_asked_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "asks.py"
    script.write_text(
        "import sys, time\nfrom pathlib import Path\nfrom kb.embedding.tokenizer_pool import TokenizerPool\n"
        "pool = TokenizerPool(Path(sys.argv[1]).read_text(encoding='utf-8'), 32, processes=1)\n"
        "list(pool.tokenized(['Badgers.']))\nprint(pool._processes[0].pid, flush=True)\ntime.sleep(60)\n"
    )
    source = Path(locate("sentence-transformers/all-MiniLM-L6-v2")[0]) / "tokenizer.json"
    with subprocess.Popen([sys.executable, str(script), str(source)], stdout=subprocess.PIPE, text=True) as asking:
        assert asking.stdout is not None
        worker = int(asking.stdout.readline())
        asking.kill()
    assert gone(worker)


def gone(process: int, tries: int = 100) -> bool:
    """Whether a process ends within ten seconds."""
    for _ in range(tries):
        state = Path(f"/proc/{process}/stat")
        try:
            if state.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.1)
    return False
