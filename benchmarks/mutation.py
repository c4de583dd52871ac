"""Mutation testing of the numerical core: python benchmarks/mutation.py --results FILE.

Every mutant (`_mutants.py`) is run against tests that run its statement, those that kill most and the
quickest first. `--results` keeps what is found, one JSON line each: a run that was interrupted goes on
there. With `--write` the results go into docs/mutation.md, with what mutation_survivors.json says of
the survivors.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE)]

from _mutants import Mutant, mutants  # noqa: E402 (the path is set for the script's sake)
from _mutation_page import write  # noqa: E402 (likewise)
from _mutation_run import ROOT, outcome, trace  # noqa: E402 (likewise)

WHOLE = [
    "_core/numerics",
    "_core/geometric",
    "_core/progress",
    "_core/shape",
    "_optimizer/plateau_rule",
    "_optimizer/improvement",
]
SAMPLED = [
    "_forms/exponential",
    "_forms/power_law",
    "_forms/transition",
    "_forms/step_decay",
    "_core/per_piece",
    "_core/wave",
    "_core/host",
    "_core/bound",
    "_core/arithmetic",
    "_core/compose",
    "_core/random",
    "_forms/table",
    "_forms/restarts",
    "_forms/waves",
]
"""Of these a share of the mutants is drawn, the same in every run."""
LAWS = {
    "test_host_is_exact": 1,
    "test_device_is_exact": 1,
    "test_hyperparameters_may_be_traced": 2,
    "test_range_and_trend": 1,
    "test_it_is_data": 4,
    "test_text_form": 4,
}
"""Of tests/test_laws.py: each, every second, ... of a law's tests. More of them would take hours."""
TESTS = [
    "tests/test_numerics.py",
    "tests/test_progress.py",
    "tests/test_shape.py",
    "tests/test_host.py",
    "tests/test_geometric.py",
    "tests/test_laws.py",
    "tests/test_golden.py",
    "tests/test_forms.py",
    "tests/test_regressions.py",
    "tests/test_plateau.py",
    "tests/test_plateau_improvement.py",
    "tests/test_plateau_observe.py",
    "tests/test_plateau_transformation.py",
    "tests/test_plateau_optax.py",
    "tests/test_errors.py",
    "jaxsched/shapes.py",
    *(f"jaxsched/{name}.py" for name in (*WHOLE, *SAMPLED)),
]
SLOWER = 4.0
"""How much longer than when they were traced the tests may take before a loop counts as endless."""


def file_of(name: str) -> Path:
    return ROOT / "jaxsched" / f"{name}.py"


class Choice:
    """Which tests are run against a mutant, and in which order."""

    def __init__(self, traced: dict[str, Any]):
        self.seconds: dict[str, float] = traced["seconds"]
        self.by_line: dict[tuple[str, int], list[str]] = {}
        self.by_file: dict[str, list[str]] = {}
        for test, files in traced["lines"].items():
            for file, lines in files.items():
                self.by_file.setdefault(file, []).append(test)
                for line in lines:
                    self.by_line.setdefault((file, line), []).append(test)
        self.kills: Counter[tuple[str, str]] = Counter()

    def learn(self, file: str, function: str, test: str) -> None:
        self.kills[function, test] += 1
        self.kills[file, test] += 1

    def tests(self, mutant: Mutant, function: set[int], budget: float) -> list[str]:
        """Tests that run the statement; or else a statement of the function, or of the file."""
        found = self.by_line.get((mutant.file, mutant.line), [])
        for line in () if found else function:
            found = [*found, *self.by_line.get((mutant.file, line), [])]
        found = list(dict.fromkeys(found)) or self.by_file.get(mutant.file, [])
        rank = lambda test: (
            -self.kills[mutant.function, test],
            -self.kills[mutant.file, test],
            self.seconds[test],
        )
        # One of each test function in turn: what differs finds more than what resembles.
        groups: dict[str, list[str]] = {}
        for test in sorted(found, key=rank):
            groups.setdefault(test.partition("[")[0], []).append(test)
        chosen, spent, place = [], 0.0, 0
        while spent < budget and any(place < len(group) for group in groups.values()):
            for group in groups.values():
                if place < len(group) and spent < budget:
                    chosen.append(group[place])
                    spent += self.seconds[group[place]]
            place += 1
        return sorted(chosen, key=rank)


def likeliest(tests: list[str]) -> list[str]:
    """The first of few files: most mutants need no more, and a file takes time to collect."""
    files = list(dict.fromkeys(test.split("::")[0] for test in tests))[:2]
    return [test for test in tests if test.split("::")[0] in files][:8]


def tried(path: Path) -> dict[str, dict[str, Any]]:
    """The rows of the results, the last of each mutant."""
    if not path.exists():
        return {}
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return {row["name"]: row for row in rows}


def in_turn(names: list[str], share: float) -> list[tuple[Any, Mutant, set[int]]]:
    """Each mutant with its tree and the lines of its function: files tried whole first, then shares.

    In an order drawn once: wherever a run is ended, what it has tried is a fair sample.
    """
    every = []
    for group, part in ((WHOLE, 1.0), (SAMPLED, share)):
        chosen = []
        for name in names:
            tree, found = mutants(file_of(name), ROOT) if name in group else (None, [])
            lines: dict[str, set[int]] = {}
            for mutant in found:
                lines.setdefault(mutant.function, set()).add(mutant.line)
            drawn = random.Random(name).sample(found, math.ceil(len(found) * part))
            chosen += [(tree, mutant, lines[mutant.function]) for mutant in drawn]
        random.Random(0).shuffle(chosen)
        every += chosen
    return every


def run(arguments: argparse.Namespace) -> None:
    traced = arguments.results.with_suffix(".lines.json")
    if not traced.exists():
        trace([file_of(name) for name in (*WHOLE, *SAMPLED)], TESTS, LAWS, traced)
    choice, known = Choice(json.loads(traced.read_text())), tried(arguments.results)
    for row in known.values():
        if "::" in row["test"]:
            choice.learn(row["file"], row["function"], row["test"])
    every = sorted(choice.seconds, key=choice.seconds.__getitem__)
    result, test = outcome(None, None, every[:: len(every) // 100], 900, arguments.x64)
    if result != "survived":
        raise SystemExit(f"a test fails without any change: {test}")
    again = arguments.again or arguments.x64
    for tree, mutant, lines in in_turn(arguments.only, arguments.share):
        before = known.get(mutant.name, {}).get("result")
        if before == "killed" or (before and not again) or (again and not before):
            continue
        tests = choice.tests(mutant, lines, arguments.budget)
        patience = 30 + SLOWER * sum(choice.seconds[test] for test in tests)
        first, begin = likeliest(tests), time.perf_counter()
        rest = [test for test in tests if test not in first]
        # A statement that no test runs is one of float64.
        x64 = arguments.x64 or (mutant.file, mutant.line) not in choice.by_line
        result, test = outcome(tree, mutant, first, patience, x64)
        if result == "survived" and rest:
            result, test = outcome(tree, mutant, rest, patience, x64)
        choice.learn(mutant.file, mutant.function, test)
        row = {
            "name": mutant.name,
            "file": mutant.file,
            "function": mutant.function,
            "result": result,
            "test": test,
            "tests": len(tests),
            "again": bool(again),
            "seconds": round(time.perf_counter() - begin, 1),
        }
        with arguments.results.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(f"{row['seconds']:6.1f} s {result:8} {mutant.name}  {test}", flush=True)


def report(arguments: argparse.Namespace) -> None:
    """Writes the page from the results that are of the present code."""
    known, rows, made = tried(arguments.results), {}, {}
    for name in (*WHOLE, *SAMPLED):
        found = mutants(file_of(name), ROOT)[1]
        rows |= {m.name: known[m.name] for m in found if m.name in known}
        if any(m.name in known for m in found):
            made[found[0].file] = len(found)
    write(rows, made, arguments.budget)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=[*WHOLE, *SAMPLED])
    parser.add_argument("--share", type=float, default=0.25, help="of the mutants of some files")
    parser.add_argument("--budget", type=float, default=10.0, help="seconds of tests for a mutant")
    parser.add_argument("--again", action="store_true", help="run the survivors again")
    parser.add_argument("--x64", action="store_true", help="run the survivors again, under x64")
    parser.add_argument("--write", action="store_true", help="write the page, run nothing")
    arguments = parser.parse_args()
    (report if arguments.write else run)(arguments)


if __name__ == "__main__":
    main()
