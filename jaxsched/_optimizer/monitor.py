"""Which way a metric improves, by its name."""

from __future__ import annotations

from typing import Any

from jaxsched import checks

# Keras's built-in metrics by the direction Keras declares for them, and what the field calls them.
_UP = """
accuracy binary_accuracy categorical_accuracy sparse_categorical_accuracy top_k_categorical_accuracy
sparse_top_k_categorical_accuracy auc precision recall precision_at_recall recall_at_precision
sensitivity_at_specificity specificity_at_sensitivity concordance_correlation pearson_correlation
f1_score fbeta_score binary_io_u io_u mean_io_u one_hot_io_u one_hot_mean_io_u cosine_similarity r2_score
acc f1 r2 iou mean_iou miou map mean_average_precision roc_auc auroc auprc bleu rouge psnr ssim
"""
_DOWN = """
loss categorical_hinge hinge squared_hinge binary_crossentropy categorical_crossentropy
sparse_categorical_crossentropy kl_divergence poisson logcosh mean_absolute_error
mean_absolute_percentage_error mean_squared_error mean_squared_logarithmic_error root_mean_squared_error
cross_entropy crossentropy nll perplexity ppl bpc bpb error error_rate mae mape mse msle rmse wer cer fid
"""
_MODES: dict[str, str] = dict.fromkeys(_UP.split(), "max")
_MODES.update(dict.fromkeys(_DOWN.split(), "min"))
# In front of a metric these turn it round, or may, or make it another quantity: `inverse_accuracy`,
# `drop_in_accuracy`, `loss_of_precision`.
_TURNING = """
neg negative negated minus inverse inv inverted one non not no anti free vs versus
of in from to per by until drop decrease reduction fall increase improvement gain rise
change delta diff difference gap missing wrong
"""
_PREFIXES = ("val", "valid", "validation", "train", "test", "eval")


def mode_of(monitor: Any, where: str) -> str:
    """``"max"`` or ``"min"`` by the metric's name: ``val_acc`` goes up, ``val_loss`` goes down."""
    if not isinstance(monitor, str):
        raise checks.refuse(where, 'the name of a metric with mode="auto"', monitor, TypeError)
    name = monitor.lower().rsplit("/", 1)[-1]
    first, _, rest = name.partition("_")
    if first in _PREFIXES and rest:
        name = rest
    # The output of a model with several is named before its metric: `decoder_loss`.
    words = name.split("_")
    for start in range(len(words)):
        if set(_TURNING.split()) & set(words[:start]):
            break
        mode = _MODES.get("_".join(words[start:]))
        if mode:
            return mode
    allowed = 'a metric whose direction is known by its name (else give mode="min" or mode="max")'
    raise checks.refuse(where, allowed, monitor)
