"""How fast is arXiv's metadata snapshot read, and in how much memory? Prints a line a file.

    python tests/comparison/snapshot.py SNAPSHOT [SNAPSHOT ...]

Give the file as Kaggle has it: copies whose abstracts had their line breaks taken out are read faster than the real one.
"""

import gc
import resource
import sys
import time

from pipelines.sources import Window, open_source


def main() -> None:
    """Read every file once."""
    gc.set_threshold(50_000)  # as the command does
    for path in sys.argv[1:]:
        start, records = time.perf_counter(), 0
        for batch in open_source(f"arxiv_snapshot={path}", {}).batches(Window(), None):
            records += len(batch.papers) + batch.rejected.total()
        speed = records / (time.perf_counter() - start)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000
        print(f"{path}: {records:,} records, {speed:,.0f} a second, {memory:.0f} MB at most")


if __name__ == "__main__":
    main()
