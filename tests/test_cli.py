"""The command line: its results, and its errors on one line."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from case import PUBLIC

import jaxsched as js
from jaxsched._tools import cli

ROOT = Path(__file__).parent.parent
TEXT = "warmup_cosine_decay_schedule(0, 1e-3, 500, 10_000)"
PNG = b"\x89PNG\r\n\x1a\n"


def run(capsys, *arguments):
    status = cli.main(list(arguments))
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def program(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "jaxsched", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        **options,
    )


def test_list(capsys):
    status, out, _ = run(capsys, "list")
    assert status == 0
    rows = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert set(rows) == set(PUBLIC)
    assert rows["linear_schedule"] == "A straight line from one value to another."
    assert rows["add"] == "a(step) + b(step): what a + b builds."
    assert rows["noisy_linear_cosine_decay"] == "A linear_cosine_decay with noise that fades."
    assert "`" not in out
    data = json.loads(run(capsys, "list", "--json")[1])
    assert {row["name"] for row in data} == set(PUBLIC)
    assert all(row["summary"] and row["signature"].startswith("(") for row in data)


def test_show(capsys):
    status, out, err = run(capsys, "show", TEXT, "--steps", "10_000")
    assert (status, err) == (0, "")
    assert str(js.inspect(js.parse(TEXT), 10_000)) in out
    assert "\n        5000 0.00054129\n" in out
    assert (
        js.sketch(js.parse(TEXT), 10_000) in out
        or js.sketch(js.parse(TEXT), 10_000, ascii_only=True) in out
    )
    assert "500" in run(capsys, "show", TEXT)[1]  # to the last turn without --steps


PARTS = "warmup_cosine_decay_schedule(0, 1e-3, '5%', '100%')"


@pytest.mark.parametrize("command", ["show", "convert"])
def test_a_part_of_the_run_is_resolved_with_its_steps(capsys, tmp_path, command):
    whole = run(capsys, command, TEXT, "--steps", "10_000")
    assert whole[0] == 0
    assert run(capsys, command, PARTS, "--steps", "10_000") == whole
    path = tmp_path / "a.json"
    arguments = {"init_value": 0, "peak_value": 1e-3, "warmup_steps": "500 steps"}
    config = {"name": "warmup_cosine_decay_schedule", **arguments, "decay_steps": "100%"}
    path.write_text(json.dumps(config))
    assert run(capsys, command, str(path), "--steps", "10_000") == whole
    message = (
        "jaxsched: error: column 39 (\"'5%'\"): warmup_cosine_decay_schedule: warmup_steps must be a "
        "non-negative integer, got '5%' (a duration needs --steps)\n"
    )
    assert run(capsys, command, PARTS) == (2, "", message)


def test_a_part_of_the_run_in_a_picture(capsys, tmp_path):
    picture = tmp_path / "lr.png"
    assert run(capsys, "plot", PARTS, TEXT, "--steps", "9000", "-o", str(picture))[0] == 0
    status, _, err = run(capsys, "plot", "linear_schedule(1, 0, '2 epochs')", "--steps", "9000")
    assert status == 2
    assert err == (
        "jaxsched: error: column 23 (\"'2 epochs'\"): linear_schedule: transition_steps: Horizon: the "
        "length of an epoch is not known: it was not given examples and batch_size, or steps_per_epoch\n"
    )


def test_show_json_has_no_number_that_json_has_not(capsys):
    _, out, _ = run(capsys, "show", "linear_schedule(1, 0, 10)", "--steps", "20", "--json")
    data = json.loads(out, parse_constant=pytest.fail)
    assert data["decay_factor"] is None
    assert data["peak"] == 1.0
    assert data["values"][0] == [0, 1.0]
    assert "from step 10 on" in data["warnings"][0]


@pytest.mark.parametrize(
    "sources", [[TEXT], [TEXT, "linear_schedule(1e-3, 0, 9000)"], [TEXT, TEXT]]
)
def test_plot(capsys, tmp_path, sources):
    picture = tmp_path / "lr.png"
    status, out, _ = run(capsys, "plot", *sources, "-o", str(picture), "--log")
    assert (status, out) == (0, f"{picture}\n")
    assert picture.read_bytes().startswith(PNG)


def test_gallery(capsys, tmp_path):
    picture = tmp_path / "g.png"
    status, out, err = run(capsys, "gallery", "-o", str(picture))
    assert (status, out, err) == (0, f"{picture}\n", "")  # no schedule without an example
    assert picture.read_bytes().startswith(PNG)


def test_convert_there_and_back(capsys, tmp_path):
    _, out, _ = run(capsys, "convert", TEXT)
    text, config = out.split("\n", 1)
    assert js.parse(text) == js.from_config(json.loads(config)) == js.parse(TEXT)
    both = json.loads(run(capsys, "convert", TEXT, "--json")[1])
    assert both == {"text": text, "config": json.loads(config)}
    for name, content in (("a.json", config), ("a.txt", text), ("noname", config)):
        path = tmp_path / name
        path.write_text(content)
        assert run(capsys, "convert", str(path))[1] == out


def test_yaml(capsys, tmp_path):
    _, out, _ = run(capsys, "convert", TEXT, "--yaml")
    path = tmp_path / "a.yaml"
    assert out.startswith(f"# {js.parse(TEXT)!r}\n")
    path.write_text(out)
    assert run(capsys, "convert", str(path), "--yaml")[1] == out
    path.write_text("a: [")
    status, _, err = run(capsys, "show", str(path))
    assert status == 2
    assert err.startswith(f"jaxsched: error: {path}: not YAML: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("form", [[], ["--json"], ["--yaml"]])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_what_convert_prints_is_read(capsys, monkeypatch, tmp_path, form, bom):
    _, out, _ = run(capsys, "convert", TEXT, *form)
    monkeypatch.setattr(sys, "stdin", io.StringIO(bom + out))
    assert run(capsys, "convert", "-", *form) == (0, out, "")
    names = ["a", "a.txt", "a.yaml"] if form == ["--yaml"] else ["a", "a.txt", "a.json"]
    for name in names:
        (tmp_path / name).write_text(bom + out, encoding="utf-8")
        assert run(capsys, "convert", str(tmp_path / name), *form) == (0, out, "")


@pytest.mark.parametrize(
    "text",
    [
        "piecewise_constant_schedule(0.1,\n{50: 0.1})",
        "# stairs (two)\n{name: piecewise_constant_schedule, init_value: 0.1, "
        "boundaries_and_scales: {50: 0.1}}",
    ],
)
def test_a_brace_on_the_second_line(capsys, monkeypatch, text):
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    status, out, err = run(capsys, "show", "-", "--json", "--steps", "60")
    assert (status, err) == (0, "")
    assert json.loads(out)["values"][-1] == [59, pytest.approx(0.01)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("linear_schedule(1, 0\n{}", "column"),
        ("linear_schedule(1, 0, 9)\n{", "not JSON"),
        ("linear_schedule(1, 0, 9)\n{}", "must describe a schedule"),
        ("name: nothing", "nothing"),
        ("linear_schedule(1: 0", "column"),
        ("[" * 9000, "standard input"),
    ],
)
def test_bad_standard_input(capsys, monkeypatch, text, message):
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    status, out, err = run(capsys, "show", "-")
    assert (status, out) == (2, "")
    assert err.startswith("jaxsched: error: standard input: ")
    assert message in err
    assert err.count("\n") == 1


def test_a_closed_input_or_output(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    assert run(capsys, "show", "-") == (2, "", "jaxsched: error: standard input is closed\n")
    command = f"{sys.executable} -W error -m jaxsched list >&-"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, shell=True, env=env, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (2, "jaxsched: error: standard output is closed\n")


def test_without_yaml(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    status, _, err = run(capsys, "show", __file__.replace("test_cli.py", "none.yaml"))
    assert status == 2
    status, _, err = run(capsys, "convert", TEXT, "--yaml")
    assert (status, err) == (2, "jaxsched: error: YAML needs PyYAML: pip install pyyaml\n")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("linear_schedule(1, 0", "column"),
        ("nonsense(1)", "nonsense"),
        ("cosine(0.1, 100)", "or cosine_decay_schedule"),
        ("cosine_decay(0.1, 100)", "did you mean 'cosine_decay_schedule' or "),
        ("linear_schedule(1, 0, -3)", "transition_steps must be a non-negative integer, got -3"),
        ("none.json", "none.json: No such file or directory"),
    ],
)
def test_errors_on_one_line(capsys, source, message):
    status, out, err = run(capsys, "show", source)
    assert (status, out) == (2, "")
    assert err.startswith("jaxsched: error: ")
    assert err.count("\n") == 1
    assert message in err


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", b"{", "not JSON"),
        ("a.json", b'{"name": "nothing"}', "nothing"),
        ("a.json", b"\xff\xfe\x00", "not a text in UTF-8"),
        ("a.txt", b"linear_schedule(", "a.txt: "),
    ],
)
def test_bad_files(capsys, tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    status, _, err = run(capsys, "convert", str(path))
    assert status == 2
    assert err.startswith(f"jaxsched: error: {path}: ")
    assert err.count("\n") == 1
    assert message in err


@pytest.mark.parametrize("steps", ["0", "x", "-1", "99999999999"])
def test_bad_steps(capsys, steps):
    with pytest.raises(SystemExit) as stop:
        cli.main(["show", TEXT, "--steps", steps])
    assert stop.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("jaxsched: error: argument --steps: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["plot"], ["nothing"], ["show", TEXT, "--what"]])
def test_bad_arguments_on_one_line(capsys, arguments):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("jaxsched: error: ")
    assert err.count("\n") == 1


def test_without_a_command_the_help_is_shown(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([])
    assert stop.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"{cli.parser().format_help()}jaxsched: error: a command is missing\n"
    assert all(
        f"\n    {command} " in err for command in ("list", "show", "plot", "convert", "gallery")
    )


def test_the_picture_that_was_written_is_named(capsys, tmp_path):
    for name in ("lr", "lr."):
        assert (
            run(capsys, "plot", TEXT, "-o", str(tmp_path / name))[1] == f"{tmp_path / 'lr.png'}\n"
        )
    assert [path.name for path in tmp_path.iterdir()] == ["lr.png"]


@pytest.mark.parametrize("name", ["", ".", "none/"])
def test_a_picture_must_be_a_file(capsys, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        cli.main(["plot", TEXT, "-o", name])
    wrong = "jaxsched: error: argument -o/--output: must be a file, got "
    assert capsys.readouterr().err == f"{wrong}{name!r}\n"
    assert not list(tmp_path.iterdir())


def test_a_picture_that_cannot_be_written(capsys, tmp_path):
    status, _, err = run(capsys, "plot", TEXT, "-o", str(tmp_path / "none" / "lr.png"))
    assert status == 2
    assert "No such file or directory" in err
    status, _, err = run(capsys, "plot", TEXT, "-o", str(tmp_path / "lr.what"))
    assert status == 2
    assert err.count("\n") == 1


def test_as_a_program_in_a_pipe():
    done = program("show", "-", "--steps", "100", input=TEXT.encode())
    assert done.returncode == 0, done.stderr
    assert b"100 steps, rising" in done.stdout


def test_a_reader_that_leaves_early():
    command = f"{sys.executable} -W error -m jaxsched list | head -n 1"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, shell=True, env=env, capture_output=True, text=True)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


def test_a_terminal_without_block_characters():
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "jaxsched", "show", TEXT]
    done = subprocess.run(command, env=env, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode("ascii").count("#") > 100
