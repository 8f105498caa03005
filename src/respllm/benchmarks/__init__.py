"""How fast it is: against the published recipe written plainly, and against the machine."""

from respllm.benchmarks.bench import QUICK, Plan, bench
from respllm.benchmarks.results import Agreement, BenchResult, Memory, Speed

__all__ = ["QUICK", "Agreement", "BenchResult", "Memory", "Plan", "Speed", "bench"]
