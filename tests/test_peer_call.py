"""The command reads a peer's scheduler as a call; no peer is needed."""

from __future__ import annotations

import json

import pytest

import jaxsched as js
from jaxsched._tools.cli import main
from jaxsched._tools.peer_call import LONGEST_TEXT, read_peer_call


def run(capsys, *arguments):
    status = main(arguments)
    out, err = capsys.readouterr()
    return status, out, err


@pytest.mark.parametrize(
    ("text", "step", "value"),
    [
        ("torch.StepLR(lr=0.1, step_size=30, gamma=0.5)", 60, 0.025),
        (" torch.optim.lr_scheduler.StepLR(lr=0.1, step_size=30, gamma=0.5) ", 60, 0.025),
        (
            "torch.SequentialLR(lr=1.0, schedulers=[ConstantLR(factor=0.1, total_iters=20), "
            "torch.optim.lr_scheduler.ExponentialLR(gamma=0.5)], milestones=[10])",
            12,
            0.25,
        ),
        (
            "keras.optimizers.schedules.InverseTimeDecay("
            "initial_learning_rate=0.1, decay_steps=10, decay_rate=1.0)",
            10,
            0.05,
        ),
        (
            "transformers.linear(learning_rate=1.0, num_warmup_steps=0, num_training_steps=4)",
            1,
            0.75,
        ),
        ("timm.StepLRScheduler(lr=0.1, decay_t=10, decay_rate=0.5)", 10, 0.05),
    ],
)
def test_a_call_is_read(text, step, value):
    assert read_peer_call(text)(step) == pytest.approx(value, rel=1e-12)


def test_every_command_takes_a_call(capsys):
    text = "torch.StepLR(lr=0.1, step_size=30, gamma=0.5)"
    status, out, _ = run(capsys, "convert", text, "--json")
    assert status == 0
    converted = json.loads(out)
    assert js.parse(converted["text"])(60) == js.from_config(converted["config"])(60) == 0.025
    status, out, _ = run(capsys, "show", text, "--steps", "100")
    assert (status, "0.1" in out) == (0, True)


def test_a_file_of_keras_is_converted(capsys, tmp_path):
    config = {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5}
    path = tmp_path / "schedule.json"
    data = {"class_name": "ExponentialDecay", "config": config}
    path.write_text(json.dumps(data))
    status, out, _ = run(capsys, "convert", str(path), "--json")
    assert status == 0
    assert js.parse(json.loads(out)["text"])(10) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("torch.StepLR(0.1)", "arguments must be given by name, got '0.1'"),
        ("torch.StepLR(lr=0.1)", "from_torch: StepLR: missing argument 'step_size'"),
        ("torch.StepLR(**{'lr': 0.1})", "arguments must be given once and by name, got"),
        ("torch.StepLR", "not a call: 'torch.StepLR'"),
        ("torch.StepLR(lr=", "not a call: 'torch.StepLR(lr='"),
        ("torch.x[0].StepLR(lr=0.1)", "not a name: 'torch.x[0].StepLR'"),
        ("torch.StepLR(lr=open, step_size=1)", "not a number, text, list or mapping: 'open'"),
        ("torch.StepLR(lr=open('x'), step_size=1)", "arguments must be given by name, got \"'x'\""),
        ("torch.StepLR(lr=1 .real, step_size=1)", "not a number, text, list or mapping"),
        ("torch.ReduceLROnPlateau(lr=0.1)", "torch.ReduceLROnPlateau follows a metric"),
        ("torch.Unknown(lr=0.1)", "from_torch: scheduler must be one of ChainedScheduler, "),
        ("keras.Unknown(x=1)", "from_keras: "),
        (
            "transformers.get_cosine_schedule_with_warmup(num_warmup_steps=10)",
            "transformers.get_cosine_schedule_with_warmup: missing argument 'learning_rate'",
        ),
        (
            "transformers.cosine(lr=0.1, num_warmup_steps=1, num_training_steps=9)",
            "transformers.cosine: missing argument 'learning_rate', got 'lr'",
        ),
        ("transformers.constant()", "transformers.constant: missing argument 'learning_rate'"),
        ("torch." + "(" * 5000, "not a call: 'torch.(((("),
        ("torch.StepLR(lr=" + "1" * LONGEST_TEXT, "the text must have at most 20000 characters"),
    ],
)
def test_errors_stand_on_one_line(capsys, text, message):
    status, out, err = run(capsys, "convert", text)
    assert status == 2
    assert out == ""
    assert err.startswith(f"jaxsched: error: {message}")
    assert err.count("\n") == 1
