"""The command line: `python -m <package> COMMAND`.

Each command imports only what it needs: help answers at once, and a prediction
does not wait for the training framework.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from .errors import InputError

PROGRAM = f"python -m {__package__}"
HELP = f"""\
usage: {PROGRAM} COMMAND [OPTION ...]

  fit       train; options come from configs/default.yaml, then from --config
            FILE (may be repeated), then from the command line, such as
            --trainer.max_epochs=3 or --model.channels=32
  validate  evaluate the newest run, or --ckpt_path FILE, on the validation data
  test      the same on the test data
  predict   say which digit is on a picture: predict FILE.png
  promote   make the newest run, or --ckpt_path FILE, the production model

COMMAND --help lists the options of a command."""


class Parser(argparse.ArgumentParser):
    """Reports a wrong option in one line, and takes none for another."""

    def __init__(self, command: str) -> None:
        super().__init__(prog=f"{PROGRAM} {command}", allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Raise what `main` prints."""
        raise InputError(message)


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    command, *rest = arguments or ["--help"]
    try:
        if command in ("fit", "validate", "test"):
            from .cli import run

            run(command, rest)
        elif command == "predict":
            _predict(rest)
        elif command == "promote":
            _promote(rest)
        elif command in ("-h", "--help", "help"):
            print(HELP)
        else:
            raise InputError(f"unknown command {command!r}: see {PROGRAM} --help")
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130  # what shells expect of Ctrl-C
    return 0


def _predict(arguments: Sequence[str]) -> None:
    parser = Parser("predict")
    parser.add_argument("images", nargs="+", type=Path, metavar="FILE")
    parser.add_argument(
        "--invert", action="store_true", help="for dark ink on a light ground"
    )
    parser.add_argument(
        "--ckpt_path", type=Path, help="a checkpoint instead of the production model"
    )
    options = parser.parse_args(arguments)

    import torch

    from .prediction import predict
    from .production import load_checkpoint, load_production
    from .task import read_example

    images = [read_example(path, invert=options.invert) for path in options.images]
    if options.ckpt_path:
        net, _ = load_checkpoint(options.ckpt_path)
    else:
        net = load_production()
    predictions = predict(net, torch.stack(images))
    for path, prediction in zip(options.images, predictions, strict=True):
        print(f"{path}: {prediction.label} ({prediction.confidence:.1%})")


def _promote(arguments: Sequence[str]) -> None:
    parser = Parser("promote")
    parser.add_argument("--ckpt_path", type=Path, help="default: of the newest run")
    parser.add_argument(
        "--even-if-worse", action="store_true", help="than the model in use"
    )
    options = parser.parse_args(arguments)

    from .production import PRODUCTION_DIR, promote
    from .report import table
    from .runs import newest_checkpoint

    checkpoint = options.ckpt_path or newest_checkpoint()
    evaluations = promote(checkpoint, even_if_worse=options.even_if_worse)
    print(table(evaluations))
    if "old" not in evaluations:
        print("There was no model of this kind to compare it with.")
    print(f"\n{checkpoint} is now the production model in {PRODUCTION_DIR}.")
    print("Look at the change with git diff, then commit it.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
