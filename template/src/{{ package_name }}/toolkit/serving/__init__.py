"""Predictions in production: log, labels by people, shadow evaluation."""

from .labelling import (
    LabelRequest,
    labelled_examples,
    load_label_requests,
    write_label_requests,
)
from .prediction_log import load_predictions, log_predictions
from .shadow import ShadowEvaluation, replay

__all__ = [
    "LabelRequest",
    "ShadowEvaluation",
    "labelled_examples",
    "load_label_requests",
    "load_predictions",
    "log_predictions",
    "replay",
    "write_label_requests",
]
