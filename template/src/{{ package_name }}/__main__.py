"""The command line: `python -m <package> COMMAND`.

Each command imports only what it needs: help answers at once, and a prediction
does not wait for the training framework.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from .toolkit.cli import PROGRAM, Parser, call, run_command

HELP = f"""\
usage: {PROGRAM} COMMAND [OPTION ...]

  fit       train; options come from configs/default.yaml, then from --config
            FILE (may be repeated), then from the command line, such as
            --trainer.max_epochs=3 or --model.width=32
  validate  evaluate the newest run, or --ckpt_path FILE, on the validation data
  test      the same on the test data
  predict   say which digit is on a picture: predict FILE.png
  feedback  ask people about a sample of what predict --log FILE kept, and count what
            is right
  debug     train with a recipe of configs/debug/ that looks into one question:
            debug shapes; without a name it lists them
  benchmark compare the speed of training with a loop by hand, and with what was
            recorded; --accept records it
  costs     compare memory and speed of training as it is and with recipes
  retrain   train each file in configs/ that says so, with today's code and data
  compare   judge the newest run, or --ckpt_path FILE, beside the production model
  promote   make the newest run, or --ckpt_path FILE, the production model
  hard      collect the highest losses for people to say: is the model wrong there,
            or the data? What they answered with "model" becomes a suite
  scale-data
            train with more and more data, and say what twice as much would bring;
            scale-model does the same with larger and larger models
  slices    find groups of examples on which the model is often wrong, and say what
            they have in common; --suite makes one a suite

COMMAND --help lists the options of a command; --traceback shows where an error of one
line comes from."""


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    return call(_run, arguments or ["--help"])


def _run(arguments: Sequence[str]) -> int | None:
    command, *rest = arguments
    if command == "predict":
        _predict(rest)
    elif command in ("-h", "--help", "help"):
        print(HELP)
    else:
        return run_command(arguments)
    return 0


def _predict(arguments: Sequence[str]) -> None:
    parser = Parser(f"{PROGRAM} predict")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument(
        "--invert", action="store_true", help="for dark ink on a light ground"
    )
    parser.add_argument(
        "--ckpt_path", type=Path, help="a checkpoint instead of the production model"
    )
    parser.add_argument(
        "--log", type=Path, help="add questions and answers to a file, for feedback"
    )
    options = parser.parse_args(arguments)

    from .data import RANGES, attributes
    from .prediction import predict
    from .task import read_examples
    from .toolkit.evaluation import (
        load_checkpoint,
        load_production,
        load_record,
        unusual,
    )
    from .toolkit.serving import log

    files = [
        (path, read_examples(path, invert=options.invert)) for path in options.files
    ]
    if options.ckpt_path:
        net, _ = load_checkpoint(options.ckpt_path)
        model = str(options.ckpt_path)
    else:
        net = load_production()
        model = f"production {load_record()['sha256'][:12]}"
    for path, raw in files:
        predictions = predict(net, raw)
        remarks = unusual(attributes(raw), RANGES)
        for prediction, unlike in zip(predictions, remarks, strict=True):
            print(f"{path}: {prediction}")
            for remark in unlike:
                print(f"warning: {path}: {remark}", file=sys.stderr)
        if options.log:
            log(options.log, path, model, raw, predictions, remarks)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
