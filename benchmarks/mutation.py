"""Mutation testing of the numerical core: python benchmarks/mutation.py --trace FILE.

Every mutant (`_mutants.py`) of which it is not known yet (`_mutation_ledger.py`) is run against tests that
run its statement, those that kill most and the quickest first. FILE keeps which test runs which statement;
whoever has written a test names another. `--audit FILE` checks by numbers what is said of those that
survive (`_mutation_audit.py`). With `--write` what is known goes into docs/mutation.md.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE)]

from _mutants import Mutant  # noqa: E402 (the path is set for the script's sake)
from _mutation_audit import audit  # noqa: E402 (likewise)
from _mutation_ledger import FILES, ROOT, Ledger, mutants_of  # noqa: E402 (likewise)
from _mutation_page import write  # noqa: E402 (likewise)
from _mutation_run import outcome, trace  # noqa: E402 (likewise)

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
    "tests/test_geometric_table.py",
    "tests/test_real_power.py",
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
    "tests/test_repeat.py",
    "tests/test_repeat_cycles.py",
    "tests/test_step_decay.py",
    "tests/test_restarts.py",
    "tests/test_arithmetic.py",
    "tests/test_exponential.py",
    "tests/test_wave.py",
    "tests/test_combinations.py",
    "tests/test_compose.py",
    "tests/test_compose_program.py",
    "tests/test_bound.py",
    "tests/test_host_code.py",
    "tests/test_host_limits.py",
    "tests/test_random.py",
    "tests/test_between.py",
    "tests/test_between_pieces.py",
    "tests/test_lines_of_pieces.py",
    "tests/test_traced.py",
    "tests/test_per_piece.py",
    "tests/test_stack.py",
    "tests/test_periods.py",
    "tests/test_points.py",
    "tests/test_products.py",
    "tests/test_over.py",
    "tests/test_powers.py",
    "tests/test_kinds.py",
    "tests/test_power_law.py",
    "tests/test_transition.py",
    "tests/test_shapes.py",
    "tests/test_measured.py",
    "tests/test_noise.py",
    "tests/test_clock.py",
    "tests/test_warmup.py",
    "tests/test_bounds.py",
    "tests/test_knots.py",
    "tests/test_tabulate.py",
    "tests/test_cycles.py",
    "tests/test_phases.py",
    "jaxsched/__init__.py",
    "jaxsched/shapes.py",
]
SLOWER = 4.0
"""How much longer than when they were traced the tests may take before a loop counts as endless."""


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


def in_turn(names: list[str]) -> list[tuple[Any, Mutant, set[int]]]:
    """Each mutant with its tree and the lines of its function, in an order drawn once."""
    every = []
    for name in names:
        tree, found = mutants_of(name)
        lines: dict[str, set[int]] = {}
        for mutant in found:
            lines.setdefault(mutant.function, set()).add(mutant.line)
        every += [(tree, mutant, lines[mutant.function]) for mutant in found]
    random.Random(0).shuffle(every)
    return every


def run(arguments: argparse.Namespace) -> None:
    if not arguments.trace.exists():
        files = [ROOT / "jaxsched" / f"{name}.py" for name in FILES]
        trace(files, arguments.tests, LAWS, arguments.trace)
    choice, ledger = Choice(json.loads(arguments.trace.read_text())), Ledger()
    every = sorted(choice.seconds, key=choice.seconds.__getitem__)
    result, test = outcome(None, None, every[:: len(every) // 100 or 1], 900, arguments.x64)
    if result != "survived":
        raise SystemExit(f"without any change: {result}, {test}")
    for tree, mutant, lines in in_turn(arguments.only):
        if ledger.is_killed(mutant) or not (arguments.explained or ledger.is_open(mutant)):
            continue
        tests = choice.tests(mutant, lines, arguments.budget)
        patience = 30 + SLOWER * sum(choice.seconds[test] for test in tests)
        first, begin = likeliest(tests), time.perf_counter()
        rest = [test for test in tests if test not in first]
        # A statement that no test runs is one of float64, or of the import.
        unseen = (mutant.file, mutant.line) not in choice.by_line
        for x64 in (False, True) if unseen else (arguments.x64,):
            result, test = outcome(tree, mutant, first, patience, x64)
            if result == "survived" and rest:
                result, test = outcome(tree, mutant, rest, patience, x64)
            if result == "killed":
                break
        if result == "killed":
            ledger.add(mutant)
            ledger.save()
            choice.learn(mutant.file, mutant.function, test)
        seconds = time.perf_counter() - begin
        print(f"{seconds:6.1f} s {result:8} {mutant.name}  {test}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trace", type=Path, help="the file of which test runs what")
    parser.add_argument("--audit", type=Path, help="check the reasons by numbers, which FILE keeps")
    parser.add_argument("--only", nargs="*", default=FILES, help="of the files: _core/progress")
    parser.add_argument("--tests", nargs="*", default=TESTS, help="the files with tests to trace")
    parser.add_argument("--budget", type=float, default=10.0, help="seconds of tests for a mutant")
    parser.add_argument("--explained", action="store_true", help="also those that have a reason")
    parser.add_argument("--x64", action="store_true", help="in float64")
    parser.add_argument("--write", action="store_true", help="write the page, run nothing")
    arguments = parser.parse_args()
    if arguments.write:
        write()
    elif arguments.audit:
        audit(arguments.audit, arguments.only, arguments.x64)
    elif arguments.trace:
        run(arguments)
    else:
        parser.error("--trace, --audit or --write")


if __name__ == "__main__":
    main()
