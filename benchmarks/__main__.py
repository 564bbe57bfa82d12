"""Run the benchmarks and print one table. Figures vary with the machine; the ratios are what to compare."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from tabulate import tabulate

NAMES = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))


def main(chosen: list[str]) -> int:
    """Run the named benchmarks, or all."""
    unknown = sorted(set(chosen) - set(NAMES))
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(NAMES)}", file=sys.stderr)
        return 64
    rows = []
    for name in chosen or NAMES:
        print(f"running {name}", file=sys.stderr)
        found = importlib.import_module(f"benchmarks.bench_{name}").run()
        rows += [[name, row["what"], row["figure"], row["baseline"], row["ratio"]] for row in found]
    headers = ["benchmark", "what", "figure", "baseline", "ratio"]
    print(tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
