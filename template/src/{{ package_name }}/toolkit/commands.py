"""The commands that serve any task; `__main__.py` of the package passes them on."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import paths
from .command import Command, Parser, call
from .errors import InputError

PROGRAM = f"python -m {__package__.partition('.')[0]}"
MAX_SLICES = 5


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status; a mistake is one line."""
    return call(run, arguments)


def run(arguments: Sequence[str]) -> int | None:
    """Run one command and return its exit status.

    Args:
        arguments: The command and what follows it.

    Returns:
        The exit status, or nothing for 0.

    Raises:
        InputError: There is no such command, or it cannot do what was asked.
    """
    command, *rest = arguments or [""]
    if command not in COMMANDS:
        raise InputError(f"unknown command {command!r}: see {PROGRAM} --help")
    return COMMANDS[command](rest)


def _retrain(arguments: Sequence[str]) -> int:
    parser = Parser(f"{PROGRAM} retrain", "further options are those of fit")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    options = (n for n, word in enumerate(arguments) if word.startswith("-"))
    count = next(options, None)
    files, of_fit = arguments[:count], [] if count is None else arguments[count:]
    wanted = parser.parse_args([*files, *{"-h", "--help"}.intersection(of_fit)]).files

    from .retraining import configurations, retrain
    from .tables import as_text

    trainings = retrain(wanted or configurations(), of_fit)
    rows = [["configuration", "seconds", "examples a second", "outcome"]]
    for facts in trainings:
        names = ("seconds", "examples_per_second")
        figures = [f"{facts.get(name, 0):,}" for name in names]
        outcome = facts["run"] or "did not begin"
        if facts["run"] and not facts["finished"]:
            outcome += "  stopped early"
        rows.append([facts["configuration"], *figures, outcome])
    print("\n" + as_text(rows))
    return 0 if all(facts["finished"] for facts in trainings) else 1


def _debug(arguments: Sequence[str]) -> int:
    parser = Parser(f"{PROGRAM} debug", "further options are those of fit")
    parser.add_argument(
        "recipe", nargs="?", help="its name; without one, all are listed"
    )
    asked, options = parser.parse_known_args(arguments)

    from .recipes import fit_options, recipes
    from .retraining import fit_command
    from .tables import as_text

    if asked.recipe is None:
        print(as_text([["recipe", "the question"], *map(list, recipes().items())]))
        return 0
    return subprocess.run(fit_command(fit_options([asked.recipe], options))).returncode


def _costs(arguments: Sequence[str]) -> int:
    parser = Parser(f"{PROGRAM} costs", "further options are those of fit")
    parser.add_argument("recipes", nargs="*", help="default: those that save memory")
    asked, options = parser.parse_known_args(arguments)

    from .costs import PLAIN, draw, measure, rows, saving
    from .pictures import save
    from .recipes import fit_options
    from .tables import as_text

    recipes = asked.recipes or saving()
    fit_options(recipes, options)  # a mistake is found before anything is trained
    costs = {PLAIN: measure([], options)}
    costs |= {recipe: measure([recipe], options) for recipe in recipes}
    print("\n" + as_text(rows(costs)))
    print(f"\npicture  {save(draw(costs), paths.build('costs.png'))}")
    return 0 if all(costs.values()) else 1


def _benchmark(arguments: Sequence[str]) -> int:
    parser = Parser(f"{PROGRAM} benchmark", "further options are those of fit")
    parser.add_argument(
        "--accept", action="store_true", help="make it what to compare with"
    )
    asked, options = parser.parse_known_args(arguments)

    from .benchmark import (
        BATCH_SIZES,
        accept,
        load,
        measure,
        ratios,
        rows,
        slower,
    )
    from .tables import as_text

    races = [measure(size, options) for size in BATCH_SIZES]
    recorded = load().get(races[0]["accelerator"], {})
    print(as_text(rows(races)), "", *ratios(races, recorded), sep="\n")
    if asked.accept:
        accept(races)
        print(f"recorded in {paths.speed()}: look at it with git diff, then commit it")
        return 0
    return 1 if any(slower(race, recorded) for race in races) else 0


def _compare(arguments: Sequence[str]) -> int:
    parser = _parser("compare")
    _add_log(parser)
    options = parser.parse_args(arguments)

    from .card import write_card
    from .judgement import judge
    from .promotion import write_promoted
    from .runs import newest_checkpoint
    from .settings import load_settings
    from .tables import as_text

    checkpoint = options.ckpt_path or newest_checkpoint()
    judgement = judge(checkpoint, logs=options.log)
    comparison = judgement.comparison
    # What an earlier comparison left must not be taken for this one's.
    folder = paths.build("comparison")
    shutil.rmtree(folder, ignore_errors=True)
    card = write_card(judgement, folder)
    facts = {"verdict": comparison.verdict, "reason": comparison.reason}
    (folder / "verdict.json").write_text(json.dumps(facts, indent=2) + "\n")
    print(as_text(comparison.rows()))
    print(f"\n{comparison.verdict}: {comparison.reason}")
    if judgement.trial:
        print(f"\ntrial  {judgement.trial}")
    print(f"\nmodel  {checkpoint}\ncard   {card}")
    if comparison.verdict == "promote":
        write_promoted(judgement, folder / "production")
        print(f"To use it: {PROGRAM} promote --ckpt_path {checkpoint}")
    if comparison.verdict != "regress":
        return 0
    if load_settings().mode == "report":
        print(f"This blocks nothing, as {paths.settings()} says.")
        return 0
    return 1


def _promote(arguments: Sequence[str]) -> None:
    parser = _parser("promote")
    parser.add_argument(
        "--even-if-worse", action="store_true", help="than the model in use"
    )
    _add_log(parser)
    options = parser.parse_args(arguments)

    from . import seam
    from .promotion import promote
    from .runs import newest_checkpoint
    from .tables import as_text

    checkpoint = options.ckpt_path or newest_checkpoint()
    judgement = promote(
        checkpoint, even_if_worse=options.even_if_worse, logs=options.log
    )
    print(as_text(judgement.comparison.rows()))
    print(f"\n{judgement.comparison.verdict}: {judgement.comparison.reason}")
    if judgement.trial:
        print(f"\ntrial: {judgement.trial}")
    print(f"\n{checkpoint} is now the production model in {seam.PRODUCTION_DIR}.")
    print("Look at the change with git diff, then commit it.")


def _hard(arguments: Sequence[str]) -> None:
    parser = _parser("hard", "the production model")
    parser.add_argument(
        "--count", type=int, default=25, help="of the highest losses (default: 25)"
    )
    options = parser.parse_args(arguments)
    if options.count < 1:
        raise InputError(f"--count is at least 1, not {options.count}")

    from . import seam
    from .hard import collect, draw, extend_suite
    from .review import load_review, write_review

    reviewed = load_review()
    net = _network(options.ckpt_path)
    data = seam.load_splits()["val"]
    evaluation = seam.evaluate(net, data)
    cases = collect(evaluation, data, reviewed, options.count)
    write_review(cases)
    waiting = [case for case in cases if not case.wrong]
    print(f"picture  {draw(cases, evaluation, data)}")
    print(
        f"review   {paths.review()}: {len(waiting)} of {len(cases)} wait for an answer"
    )
    if waiting:
        suspect = sum(case.suspect for case in waiting)
        print(f"         {suspect} of these look like a wrong label")
        print(
            '\nWho is wrong, "model" or "data"? Write it behind "wrong" in each line,'
        )
        print("then run this again.")
        return
    suite = extend_suite(cases, evaluation, data)
    for case in cases:
        if case.wrong == "data":
            print(f"correct  the label of {case.digest}, which is {case.label}")
    path = paths.suites() / f"{suite.name}.jsonl"
    print(f"suite    {path}: {len(suite.members)} examples, floor {suite.floor:.0%}")


def _feedback(arguments: Sequence[str]) -> None:
    parser = Parser(f"{PROGRAM} feedback")
    parser.add_argument(
        "logs", nargs="+", type=Path, metavar="LOG", help="what predict --log wrote"
    )
    parser.add_argument(
        "--count", type=int, default=20, help="of questions to ask (default: 20)"
    )
    options = parser.parse_args(arguments)
    if options.count < 1:
        raise InputError(f"--count is at least 1, not {options.count}")

    from .answers import load_answers
    from .feedback import (
        draw,
        load_questions,
        sample,
        summary,
        write_questions,
    )
    from .pictures import save

    answers = load_answers(options.logs)
    questions = load_questions()
    if all(question.label for question in questions):
        questions += sample(answers, questions, options.count)
    print(summary(answers, questions))
    waiting = sum(not question.label for question in questions)
    if not waiting:
        print("waiting   nobody was asked anything new")
        return
    print(f"picture   {save(draw(questions), paths.build('feedback.png'))}")
    write_questions(questions)
    print(f"waiting   {waiting} lines of {paths.feedback()}")
    print('\nWhat is right? Write it behind "label" in each line that has none,')
    print('or "?" if you cannot tell; then run this again.')


def _slices(arguments: Sequence[str]) -> None:
    parser = _parser("slices", "the production model")
    parser.add_argument(
        "--suite",
        nargs=2,
        metavar=("NUMBER", "NAME"),
        help="make a suite of this name of the slice with this number",
    )
    options = parser.parse_args(arguments)

    from . import seam
    from .pictures import save
    from .slices import draw, find_slices, write_slice

    net = _network(options.ckpt_path)
    data = seam.load_splits()["val"]
    evaluation = seam.evaluate(net, data)
    columns = seam.attributes(data.raw)
    found = find_slices(seam.embed(net, data), evaluation, columns)[:MAX_SLICES]
    if options.suite:
        number, name = options.suite
        if number not in map(str, range(1, len(found) + 1)):
            raise InputError(f"there is no slice {number}, only {len(found)}")
        suite = write_slice(found[int(number) - 1], name, evaluation, data)
        path = paths.suites() / f"{name}.jsonl"
        print(
            f"suite    {path}: {len(suite.members)} examples, floor {suite.floor:.0%}"
        )
        return
    if not found:
        wrong = len(evaluation.right) - int(evaluation.right.sum())
        print(
            f"no slices: {wrong} of {len(data)} are wrong, and nowhere do they gather"
        )
        return
    for number, each in enumerate(found, start=1):
        print(f"slice {number}  {each}")
    print(
        f"\npicture  {save(draw(found, evaluation, data), paths.build('slices.png'))}"
    )
    print(f"\nTo judge later models on one: {PROGRAM} slices --suite NUMBER NAME")


def _network(checkpoint: Path | None) -> Any:
    from . import seam

    return seam.load_checkpoint(checkpoint)[0] if checkpoint else seam.load_production()


def _parser(command: str, default: str = "that of the newest run") -> Parser:
    parser = Parser(f"{PROGRAM} {command}")
    parser.add_argument("--ckpt_path", type=Path, help=f"default: {default}")
    return parser


def _add_log(parser: Parser) -> None:
    parser.add_argument(
        "--log",
        action="append",
        default=[],
        type=Path,
        help="what predict --log kept: try the new model on what users asked",
    )


def _scale_data(arguments: Sequence[str]) -> None:
    _scale("data", arguments)


def _scale_model(arguments: Sequence[str]) -> None:
    _scale("model", arguments)


def _scale(study: str, options: Sequence[str]) -> None:
    from .pictures import save
    from .scaling import Studies, advice, draw, measure, size_options, write
    from .settings import load

    studies = load(Studies, paths.studies())
    points = measure(size_options(study, studies), studies.seeds, options)
    trends = write(study, points)
    picture = paths.build(f"scale-{study}.png")
    print(f"\npicture  {save(draw(study, points, trends[study]), picture)}")
    print(advice(trends))


COMMANDS: dict[str, Command] = {
    "benchmark": _benchmark,
    "costs": _costs,
    "debug": _debug,
    "retrain": _retrain,
    "compare": _compare,
    "promote": _promote,
    "hard": _hard,
    "feedback": _feedback,
    "slices": _slices,
    "scale-data": _scale_data,
    "scale-model": _scale_model,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
