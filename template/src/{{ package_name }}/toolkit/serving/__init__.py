"""What users ask a model, and how good it is for them."""

from .labelling import Question, labelled, load_questions, write_questions
from .prediction_log import load_answers, log
from .shadow import Trial, try_on

__all__ = [
    "Question",
    "Trial",
    "labelled",
    "load_answers",
    "load_questions",
    "log",
    "try_on",
    "write_questions",
]
