"""The command that predicts, and the expected ranges of what it is given.

It starts without the training framework.
"""

import inspect
import re
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from ..cli import PROGRAM, Command, Parser
from ..interface import task
from .model_store import load_checkpoint, load_production, load_record


class Range(NamedTuple):
    """The expected range of values.

    Attributes:
        low: The lowest.
        high: The highest.
        mostly: The fraction of the data that must be in between, from 0 to 1.
    """

    low: float
    high: float
    mostly: float = 1


def out_of_range(
    attributes: Mapping[str, Tensor], ranges: Mapping[str, Range]
) -> list[list[str]]:
    """Find the attributes of N examples that are out of their range.

    Args:
        attributes: Numbers by the name of the attribute, shape (N,) each.
        ranges: Expected ranges by the name of the attribute.

    Returns:
        Sentences for each example; none where all attributes are in range.

    Examples:
        >>> import torch
        >>> size = torch.tensor([3.0, 12.5])
        >>> out_of_range({"size": size}, {"size": Range(1, 10)})
        [[], ['size is 12.5, expected from 1 to 10']]
    """
    sentences: list[list[str]] = [[] for _ in next(iter(attributes.values()))]
    for name, (low, high, _) in ranges.items():
        expected = f"expected from {low:.4g} to {high:.4g}"
        for found, value in zip(sentences, attributes[name].tolist(), strict=True):
            # Written so that nan is out of range, too.
            if not low <= value <= high:
                found.append(f"{name} is {value:.4g}, {expected}")
    return sentences


def predict(
    arguments: Sequence[str],
    parents: Sequence[ArgumentParser] = (),
    log: Callable[..., None] | None = None,
) -> None:
    """Predict for the examples in files, and print each prediction.

    `log` takes the options, a path, the name of the model, and for its examples the raw
    ones, the predictions and the warnings.
    """
    parser = Parser(f"{PROGRAM} predict", parents=parents)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument(
        "--ckpt_path", type=Path, help="a checkpoint instead of the production model"
    )
    names = _add_options(parser, task.read_examples)
    options = parser.parse_args(arguments)
    given = {name: getattr(options, name) for name in names}
    files = [(path, task.read_examples(path, **given)) for path in options.files]
    if options.ckpt_path:
        net, _ = load_checkpoint(options.ckpt_path)
        model = str(options.ckpt_path)
    else:
        net = load_production()
        model = f"production {load_record()['sha256'][:12]}"
    for path, raw in files:
        predictions = task.predict(net, raw)
        warnings = out_of_range(task.attributes(raw), task.RANGES)
        rows = zip(predictions, warnings, strict=True)
        for number, (prediction, sentences) in enumerate(rows, start=1):
            name = str(path) if len(raw) == 1 else f"{path} #{number}"
            print(f"{name}: {prediction}")
            for sentence in sentences:
                print(f"warning: {name}: {sentence}", file=sys.stderr)
        if log is not None:
            log(options, path, model, raw, predictions, warnings)


def _add_options(parser: Parser, read: Callable[..., Any]) -> list[str]:
    """Add an option for each one that reading a file has, and return their names.

    These are its keyword-only arguments; one that is False by default is a switch.
    """
    texts = dict(re.findall(r"^ +(\w+): (.+)$", read.__doc__ or "", re.MULTILINE))
    names = []
    for name, parameter in inspect.signature(read).parameters.items():
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            continue
        names.append(name)
        text = texts.get(name)
        if parameter.default is False:
            parser.add_argument(f"--{name}", action="store_true", help=text)
        else:
            kind = type(parameter.default)
            parser.add_argument(
                f"--{name}", type=kind, default=parameter.default, help=text
            )
    return names


COMMANDS: dict[str, Command] = {"predict": predict}
