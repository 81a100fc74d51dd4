"""The command that predicts; it starts without the training framework."""

import inspect
import re
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..cli import PROGRAM, Command, Parser
from ..interface import task
from .expectations import out_of_range
from .model_store import load_checkpoint, load_production, load_record


def predict(
    arguments: Sequence[str],
    parents: Sequence[ArgumentParser] = (),
    log: Callable[..., None] | None = None,
) -> None:
    """Predict for the examples in files, and print each prediction.

    Args:
        arguments: From the command line.
        parents: Parsers of further options.
        log: Takes the options, a path, the name of the model, and for its examples the
            raw ones, the predictions and the warnings.
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
