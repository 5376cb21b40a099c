"""Latency tails: what does a mean hide from those who wait?"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pipelines.benchmarks.harness import Benchmark, Headline, Measured, Scores, column, over_seeds, quotients
from pipelines.benchmarks.machine import device, finish, one_thread, stopwatch

Times = NDArray[np.float64]
LENGTHS = (16, 32, 64, 128, 256, 512)
SHARES = (0.35, 0.25, 0.18, 0.12, 0.07, 0.03)
"""Of requests with so many tokens: many are short, a few are long, as in real traffic."""
ROUNDS, REQUESTS, HEADS, DEPTH, WIDTH = 12, 200_000, 4, 2, 128
LOADS = (0.5, 0.8, 0.95)


def measure(seeds: Sequence[int], advance: Callable[[int], None]) -> Measured:
    """Time a small transformer on requests of every length, then let requests come at random and wait for their turn."""
    return _told(over_seeds(seeds, advance, _once))


@one_thread()
def _once(seed: int) -> Mapping[str, Mapping[str, float]]:
    random = np.random.default_rng(seed)
    timed = _service_times(seed)
    mixed = random.choice(len(LENGTHS), REQUESTS, p=SHARES)
    drawn = random.integers(0, ROUNDS, REQUESTS)
    served = {"mixed lengths": timed[mixed, drawn]}
    served["equal requests"] = np.full(REQUESTS, served["mixed lengths"].mean())
    told: dict[str, dict[str, float]] = {"mean": {}, "p50": {}, "p95": {}, "p99": {}}
    for kind, service in served.items():
        alone = {f"{kind}, one after another": service}
        waited = {f"{kind}, {load:.0%} load": latencies(service, load, random) for load in LOADS}
        for arm, values in (alone | waited).items():
            told["mean"][arm] = float(values.mean())
            for percent in (50, 95, 99):
                told[f"p{percent}"][arm] = float(np.percentile(values, percent))
    return told


def _service_times(seed: int) -> Times:
    """Return seconds of one request on a small transformer encoder, of shape (lengths, rounds); lengths in turn."""
    import torch  # heavy, and only a run needs it

    torch.manual_seed(seed)
    layer = torch.nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, batch_first=True)
    model = torch.nn.TransformerEncoder(layer, DEPTH, enable_nested_tensor=False).eval().to(device())
    requests = [torch.randn(1, length, WIDTH).to(device()) for length in LENGTHS]
    seconds = np.zeros((len(LENGTHS), ROUNDS))
    with torch.inference_mode():
        for number in range(-3, ROUNDS):  # the first three rounds warm up
            for place, request in enumerate(requests):
                start = stopwatch()
                model(request)
                finish()
                if number >= 0:
                    seconds[place, number] = stopwatch() - start
    return seconds


def latencies(service: Times, load: float, random: np.random.Generator) -> Times:
    """Return waiting plus service of requests that come at random (Poisson) to one server and are served in their order.

    Waiting follows Lindley's recursion (Mathematical Proceedings of the Cambridge Philosophical Society 48, 1952), solved for
    all requests at once: a request waits as long as the unfinished work has risen above its lowest point so far.

    Args:
        service: seconds that each request takes.
        load: the share of time in which the server is busy, below 1.
    """
    gaps = random.exponential(service.mean() / load, len(service))
    gaps[0] = 0.0
    work = np.cumsum(np.r_[0.0, service[:-1]] - gaps)
    waiting: Times = work - np.minimum.accumulate(work)
    return service + waiting


def _told(scores: Scores) -> Measured:
    mean, p99 = scores["mean"], scores["p99"]
    tail = {arm: [one / base for one, base in zip(p99[arm], mean[arm], strict=True)] for arm in mean}
    at = "mixed lengths, 80% load"
    alone = "mixed lengths, one after another"
    headlines = [
        Headline("p99 over mean", "speed", tail[at], "times", "the mean at the same load", 1.4,
                 "At 80% load one request in a hundred takes {} times the mean or longer."),
        Headline("p99 under load over mean alone", "speed", [one / base for one, base in zip(p99[at], mean[alone], strict=True)],
                 "times", "the mean of requests sent one after another", 1.4,
                 "That is {} times the mean that a loop of one request after another reports."),
        Headline("mixed over equal", "speed", quotients(p99, at, "equal requests, 80% load"), "times",
                 "equal requests, same mean service, same load", 1.4,
                 "Requests of mixed lengths have a 99th percentile {} times that of equal ones with the same mean work."),
        Headline("load", "speed", quotients(p99, "mixed lengths, 95% load", "mixed lengths, 50% load"), "times", "50% load", 1.4,
                 "From 50% to 95% load throughput nearly doubles, and the 99th percentile grows {} times."),
    ]  # fmt: skip
    return Measured(
        headlines=headlines,
        charts=[("99th percentile of latency over its mean", tail)],
        table={f"{name}, ms": column(arms, "{:.2f}", 1e3) for name, arms in scores.items()},
        raw=scores,
        seconds={f"mean, {arm}": values for arm, values in mean.items()},
    )


BENCHMARK = Benchmark(
    name="latency",
    question="What does a mean latency hide from those who wait?",
    claim="The mean latency of a benchmark tells what users will wait.",
    origin="common practice; Dean and Barroso, Communications of the ACM 56 (2013), argue against it",
    protocol=(
        f"A transformer encoder ({DEPTH} layers of width {WIDTH}) is timed on single requests of {LENGTHS[0]} to {LENGTHS[-1]} "
        f"tokens, lengths in turn, {ROUNDS} rounds after warm-up. Then {REQUESTS:,} requests, short ones more often than long "
        "ones, take times drawn from these, come at random and are served one at a time in their order; for comparison all "
        "take the mean time. Times are measured, the queue is computed. All on one thread, timed by what the processor works."
    ),
    limits=(
        "One server, no batching, arrivals independent of each other; bursts make tails longer, batching and more servers "
        "shorter.",
        "The mix of lengths is ours; yours decides your tail.",
    ),
    seconds_quick=9,
    run=measure,
    gpu=True,
    clock=stopwatch,
    themes=("evaluation/cost-latency", "inference-efficiency/memory-speed"),
    papers={
        "arxiv:2309.06180": "Serving systems are compared by latency against request rate: it stays flat, then rises "
        "steeply near capacity.",
    },
)  # fmt: skip
