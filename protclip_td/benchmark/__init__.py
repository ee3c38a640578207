"""All benchmarks one after the other, and one table of them beside the published numbers."""

from protclip_td.benchmark.catalogue import BENCHMARKS, Benchmark, Case, choose

__all__ = ["BENCHMARKS", "Benchmark", "Case", "choose"]
