"""What a run writes: its page, the section on a GPU of another machine, and the README's figures."""

from __future__ import annotations

import importlib

import pytest

from benchmarks import run

_page, _schedules, _summary, gpu, train = map(
    importlib.import_module, ("_page", "_schedules", "_summary", "gpu", "train")
)


def test_numbers_in_a_table():
    rows = [
        {"what": "x", "n": 3, "ratio": 0.12345, "none": None},
        {"what": "y", "n": None, "ratio": 1234.5, "none": None},
    ]
    assert _page.table(rows).splitlines() == [
        "| what | n | ratio |",
        "| --- | ---: | ---: |",
        "| x | 3 | 0.123 |",
        "| y | - | 1234 |",
    ]


def test_without_a_gpu_the_section_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(gpu, "device", lambda: None)
    monkeypatch.setattr(run, "PAGE", tmp_path / "README.md")
    assert run.measured("gpu", quick=True) == ([], f"## On a GPU\n\n{gpu.WITHOUT}\n")


FACTS = {"cpu": "some CPU", "cores": 2, "system": "Linux", "python": "3.11", "jax": "0.10"}


class Other:
    """A section beside the one on a GPU."""

    TITLE, NOTE = "Other", "What it is."

    @staticmethod
    def conclude(rows):
        yield rows[0]["x"] < 2, "x is less than 2"
        yield None, "x is known"


def rows_on_a_gpu(**changes):
    row = gpu._row("linear_schedule", {who: gpu.Launches(1, 0) for who in ("jaxsched", "optax", "limit")},
                   {"jaxsched": 1.0, "optax": 1.0, "limit": 1.0})  # fmt: skip
    return [{**row, **changes}, {**row, "step": f"{gpu.REDUCED}SGD, a scalar"}]


@pytest.fixture
def page(monkeypatch, tmp_path):
    """A page of a run without a GPU."""
    path = tmp_path / "README.md"
    monkeypatch.setattr(run, "PAGE", path)
    monkeypatch.setattr(gpu, "device", lambda: None)
    path.write_text(
        _page.page(FACTS, [_page.section(Other, [{"x": 1}]), run.measured("gpu", quick=True)[1]])
    )
    return path


@pytest.fixture
def with_gpu(monkeypatch):
    """As on a machine that has one."""
    kind = type("Device", (), {"device_kind": "some GPU"})
    facts = {**FACTS, "cpu": "another CPU", "gpu": "some GPU"}

    def pretend(there=True):
        monkeypatch.setattr(gpu, "device", lambda: kind if there else None)
        monkeypatch.setattr(gpu, "measure", lambda quick: rows_on_a_gpu())
        monkeypatch.setattr(run, "machine", lambda: facts if there else FACTS)
        monkeypatch.setattr(_schedules, "check", lambda: None)

    return pretend


def test_the_section_on_a_gpu_is_written_alone(page, with_gpu):
    """With its machine; the other sections and the page's machine stay, all conclusions are in front."""
    before = page.read_text()
    assert (
        before.count("- note: nothing is known of a GPU: JAX found none") == 2
    )  # also in the conclusion
    with_gpu()
    run.main(["--only", "gpu", "--write"])
    text = page.read_text()
    assert _page.found(text, "Other") == _page.found(before, "Other")
    assert _page.parts(text)[0] == _page.parts(before)[0]
    section = _page.found(text, gpu.TITLE)
    assert "Machine: another CPU, 2 cores, some GPU, Linux; python 3.11, jax 0.10.\n\n|" in section
    conclusions = text.partition("## Conclusion\n\n")[2].partition("\n\n")[0].splitlines()
    assert conclusions[:3] == [
        "- holds: x is less than 2",
        "- note: x is known",
        "- holds: on a GPU no step of ours branches: 0 conditionals",
    ]
    assert text.count("on a GPU no step of ours branches") == 2
    run.main(["--only", "gpu", "--write"])
    assert page.read_text() == text


def test_a_run_without_a_gpu_keeps_the_section_of_another_machine(page, with_gpu, monkeypatch):
    with_gpu()
    run.main(["--only", "gpu", "--write"])
    section = _page.found(page.read_text(), gpu.TITLE)
    with_gpu(there=False)
    written = []
    monkeypatch.setattr(run, "NAMES", ("gpu",))
    monkeypatch.setattr(_summary, "write", lambda *a: written.append(a))
    other = _page.section(Other, [{"x": 3}])
    run.write(FACTS, {"other": [], "gpu": []}, [other, run.measured("gpu", quick=False)[1]])
    assert len(written) == 1
    assert _page.parts(page.read_text())[1] == [other, section]
    assert "- **MISSED**: x is less than 2\n" in page.read_text()


def test_what_no_gpu_has_measured_is_said(page, with_gpu):
    """Also where the page has an older such section, which holds no measurement."""
    with_gpu(there=False)
    old = f"## {gpu.TITLE}\n\nNo GPU: left out.\n"
    for before in (_page.page(FACTS, []), _page.page(FACTS, [old])):
        page.write_text(before)
        rows, section = run.measured("gpu", quick=False)
        assert rows == []
        assert section == f"## {gpu.TITLE}\n\n{gpu.WITHOUT}\n"
        assert f"## Conclusion\n\n{gpu.WITHOUT}\n" in _page.page(FACTS, [section])


@pytest.mark.parametrize(
    "arguments", [["--only", "gpu"], ["--only", "host"], ["--quick"], ["--only", "gpu", "--quick"]]
)
def test_what_is_not_written(page, arguments, capsys):
    """Parts of a run, rough numbers, and a GPU where there is none."""
    with pytest.raises(SystemExit):
        run.main([*arguments, "--write"])
    assert "--write" in capsys.readouterr().err
    with pytest.raises(ValueError, match="has no section 'Else'"):
        _page.replaced(page.read_text(), "Else", "")


def test_a_zero_of_optax_is_a_number():
    """Where it launches no kernel, one of ours is one more; where it is not known, none is."""
    said = {n: list(gpu.conclude(rows_on_a_gpu(**{"optax kernels": n})))[1] for n in (0, 1, None)}
    assert said[0] == (
        False, "on a GPU no schedule launches more kernels in a loop than optax's: but linear_schedule"
    )  # fmt: skip
    assert said[1][0]
    assert said[None][0]


def test_the_page_is_the_sum_of_its_sections():
    text = run.PAGE.read_text()
    assert _page.replaced(text, gpu.TITLE, _page.found(text, gpu.TITLE)) == text


RESULTS = {
    "host": [
        {"schedule": name, "jaxsched µs": 0.01, "slowest µs": ours,
         "python µs": 0.1, "jaxsched / python": ours / 0.1, "jaxsched / object": ours / 0.16,
         "optax / jaxsched": optax, "torch / jaxsched": torch, "keras / jaxsched": None}
        for name, ours, optax, torch in [
            ("constant_schedule", 0.2, 5.0, 10.0),
            ("linear_schedule", 0.15, 300.0, 8.0),
            ("warmup_cosine_decay_schedule", 0.16, 900.0, None),
            ("swa_schedule", 0.8, 700.0, None),
            ("join of 40 pieces", 0.5, 7000.0, None),
        ]
    ],
    "device": [
        {"schedule": name, "jaxsched ns": 6.0, "optax ns": optax, "jaxsched / optax": optax and 6.0 / optax,
         "it adds ns": more}
        for name, optax, more in [
            ("linear_schedule", 12.0, 3.0), ("delay", 3.0, 4.4), ("with_noise", None, 30.0)
        ]
    ],
    "joins": [
        {"pieces": n, "optax / jaxsched": 10.0, "HLO": 99, "jaxsched ns": 17.0, "compile ms": 20 + n / 500}
        for n in (2, 10, 40, 1000, 10_000)
    ],
    "sweep": [
        {"schedules": n, "one each / vmap": n / 5, "compiled each": min(n, 24)} for n in (1, 8, 64, 1000)
    ],
    "plateau": [{"jaxsched / optax": ratio} for ratio in (0.9, 0.7, 1.01)],
    "train": [
        {"rate": train.NUMBER, "MLP / constant": 0.9, "transformer / constant": 1.0},
        {"rate": train.LIMIT, "MLP / constant": 1.5, "transformer / constant": 1.5},
        {"rate": "linear_schedule", "MLP / constant": 1.0, "transformer / constant": 1.02},
        {"rate": "delay", "MLP / constant": 1.053, "transformer / constant": 1.0},
    ],
    "imports": [{"import": "", "ms": 500.0}, {}, {"import": "its 42 modules", "ms": 10.4}],
}  # fmt: skip


def test_the_figures_that_the_readme_shows(monkeypatch, tmp_path):
    """The worst of each, and nothing else in the page is touched."""
    page = tmp_path / "README.md"
    page.write_text(f"Before.\n{_summary.BEGIN}Old.\n{_summary.END}After.\n")
    monkeypatch.setattr(_summary, "README", page)
    _summary.write({"cores": 2, "jax": "0.10", "optax": "0.2"}, RESULTS)
    before, *shown, after = page.read_text().splitlines()
    assert (before, shown[0], shown[-1], after) == (
        "Before.", _summary.BEGIN.strip(), _summary.END.strip(), "After.",
    )  # fmt: skip
    assert "(2 cores, JAX 0.10, Optax 0.2)" in " ".join(shown)
    figures = dict(line.strip("| ").split(" | ") for line in shown if line.startswith("| "))
    assert figures.pop("what") == "measured"
    assert figures.pop("---") == "---"
    assert list(figures.values()) == [
        "a schedule of one formula or table at most 0.20 µs, warmup + cosine 0.16 µs, a join of 40 "
        "pieces 0.50 µs, the slowest of all, swa_schedule, 0.80 µs",
        "2 of 2 schedules of one formula or table at most twice as long, at most 2.00 times "
        "(constant_schedule, 1.25 times what the least object takes that calls the formula); of the others "
        "at most swa_schedule, 8.00 times",
        "at least 300 times as fast (but for a constant, which Optax returns as it is)",
        "a schedule that they have too is read at least 8 times as fast (torch)",
        "1.00 times Optax's on the geometric mean of 2 schedules, at most 2.00 times (delay: 6.0 ns "
        "against 3.0 ns); any adds at most 30 ns",
        "0.10 times Optax's",
        "17 ns a step, the same program as for 40, compiled in 22 ms (10 pieces: 20 ms; 10,000: 40 ms)",
        "200 times as fast as one compilation each, of which 24 were measured and their time scaled to "
        "1000; 64 in one: 12.8 times, 1 in one: 0.2 times",
        "0.70 to 1.01 times Optax's",
        "1.03 and 1.01 times that with a function that returns a constant, for which Optax keeps a counter "
        "as for a schedule (the median); within 5 % for 1 of 2 and 2 of 2 schedules, at most 1.053 and "
        "1.020 times, where what differed by more than 5 % was measured again up to 4 times and the "
        "fastest counts; at most 1.170 and 1.020 times that with a plain number, which has none",
        "10 ms of 42 modules of its own, 2.1 % of the 500 ms that JAX and Optax take",
    ]
    page.write_text("No marks.")
    with pytest.raises(ValueError, match="measured:begin"):
        _summary.write({"cores": 2, "jax": "0.10", "optax": "0.2"}, RESULTS)
