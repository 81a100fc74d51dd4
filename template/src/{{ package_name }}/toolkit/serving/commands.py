"""Commands about the model in use."""

from collections.abc import Sequence
from pathlib import Path

from .. import paths
from ..cli import PROGRAM, Command, Parser
from ..errors import InputError
from ..figures import save
from .labelling import draw, load_questions, sample, summary, write_questions
from .prediction_log import load_answers


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


COMMANDS: dict[str, Command] = {
    "feedback": _feedback,
}
