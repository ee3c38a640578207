"""What another busy process costs the training step, by the way in which threads wait.

    python benchmarks/busy_machine.py

PyTorch's OpenMP threads wait for each other without letting go of the CPU, by default. Runs a few
training steps (batch 8, as `pretrain_step.py`) alone and beside one process that keeps one core
busy, with the default and with OMP_WAIT_POLICY=passive, and prints seconds per step.
"""

import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pretrain_step
from tables import aligned

_STEPS = 2


def main() -> None:
    """Measure the four cases and print the table."""
    rows = []
    for policy in ("", "passive"):
        seconds = [seconds_per_step(policy, busy) for busy in (False, True)]
        rows.append([policy or "default", *(f"{value:.1f}" for value in seconds)])
    print(aligned(("OMP_WAIT_POLICY", "alone, s", "beside another, s"), rows))


def seconds_per_step(policy: str, busy: bool) -> float:
    """Seconds per step from the second epoch on."""
    os.environ.pop("OMP_WAIT_POLICY", None)
    if policy:
        os.environ["OMP_WAIT_POLICY"] = policy
    with neighbour() if busy else nobody():
        result = pretrain_step.measure("8", pretrain_step.parse(["--steps", str(_STEPS)]))
    return pretrain_step.total(result, "seconds", 1) / _STEPS


@contextmanager
def nobody() -> Iterator[None]:
    """Leave the machine alone."""
    yield


@contextmanager
def neighbour() -> Iterator[None]:
    """Another process that keeps one core busy."""
    process = multiprocessing.Process(target=_spin, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def _spin() -> None:
    while True:
        time.perf_counter()


if __name__ == "__main__":
    main()
