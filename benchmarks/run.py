"""All measurements side by side, in one run: python benchmarks/run.py [--only NAME] [--quick].

All but the section on a GPU is measured on the CPU, so that the tables of two machines can be compared.
"""

import argparse
import importlib
import importlib.metadata
import json
import os
import platform
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
FOLDERS = [str(HERE), str(HERE.parent)]
sys.path[:0] = [folder for folder in FOLDERS if folder not in sys.path]

import jax  # noqa: E402 (the paths are set for the script's sake)

NAMES = (
    "host",
    "device",
    "programs",
    "joins",
    "sweep",
    "train",
    "plateau",
    "finder",
    "gpu",
    "imports",
)

PACKAGES = (
    "jax", "optax", "numpy", "torch", "keras", "tensorflow", "tensorflow-cpu", "transformers", "timm",
)  # fmt: skip


def machine():
    """What the numbers depend on: no name of the machine, no path."""
    cpu = platform.processor() or platform.machine()
    try:
        text = Path("/proc/cpuinfo").read_text()
        cpu = next(x.split(":")[1].strip() for x in text.splitlines() if x.startswith("model name"))
    except (OSError, StopIteration):
        pass
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    gpu = importlib.import_module("gpu").device()
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        **({"gpu": gpu.device_kind} if gpu else {}),
        "system": platform.system(),
        **versions,
    }


def number(value):
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)


def table(rows):
    heads = [head for head in rows[0] if any(row[head] is not None for row in rows)]
    cells = [[number(row[head]) for head in heads] for row in rows]
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def section(module, rows):
    verdicts = [
        f"- {'holds' if ok else '**MISSED**'}: {text}" for ok, text in module.conclude(rows)
    ]
    return f"## {module.TITLE}\n\n{module.NOTE}\n\n{table(rows)}\n\n" + "\n".join(verdicts) + "\n"


def measured(name, quick):
    """The rows of one table and its section."""
    module = importlib.import_module(name)
    if name != "gpu":
        with jax.default_device(jax.devices("cpu")[0]):
            rows = module.measure(quick)
    elif module.device():
        rows = module.measure(quick)
    else:
        return [], f"## {module.TITLE}\n\n{module.WITHOUT}\n"
    return rows, section(module, rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=NAMES, action="append", help="may be given several times")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: rough numbers")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the raw numbers")
    parser.add_argument("--write", action="store_true", help="write it here and into README.md")
    arguments = parser.parse_args()
    if arguments.write and (arguments.only or arguments.quick):
        parser.error("--write needs the whole run: it goes with neither --only nor --quick")

    importlib.import_module("_schedules").check()
    results, sections = {}, []
    for name in arguments.only or NAMES:
        begin = time.perf_counter()
        results[name], text = measured(name, arguments.quick)
        sections.append(text)
        print(f"{name}: {time.perf_counter() - begin:.0f} s", file=sys.stderr)
        print(sections[-1], flush=True)
    facts = machine()
    print(", ".join(f"{k} {v}" for k, v in facts.items()))
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": facts, **results}, indent=1) + "\n")
    if arguments.write:
        (HERE / "README.md").write_text(readme(facts, sections))
        importlib.import_module("_summary").write(facts, results)


def readme(facts, sections):
    versions = ", ".join(
        f"{k} {v}" for k, v in facts.items() if k not in ("cpu", "cores", "gpu", "system")
    )
    hardware = ", ".join(
        [facts["cpu"], f"{facts['cores']} cores", *([facts["gpu"]] if "gpu" in facts else [])]
    )
    verdicts = [
        x for text in sections for x in text.splitlines() if x.startswith(("- holds", "- **"))
    ]
    return (
        "# Benchmarks\n\n"
        "Written by the run itself:\n\n"
        "```\npython benchmarks/run.py --write\n```\n\n"
        f"Machine: {hardware}, {facts['system']}; {versions}. Contenders take turns in one process "
        "and the fastest round of each counts, so read the ratios: the times are of this machine. "
        "`--only host` (or another name) measures one table, `--quick` all of them roughly, "
        "`--json FILE` keeps the raw numbers. torch, Keras, transformers and timm are measured where "
        "they are installed. Before it measures, the run makes sure that every public schedule and "
        "operator is in the tables, and that all that stands side by side computes the same.\n\n"
        "## Conclusion\n\n" + "\n".join(verdicts) + "\n\n" + "\n".join(sections)
    )


if __name__ == "__main__":
    main()
