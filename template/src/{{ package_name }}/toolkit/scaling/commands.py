"""Commands that say what more data would bring, and a larger model."""

from collections.abc import Sequence

from .. import paths
from ..cli import PROGRAM, Command, Parser
from ..figures import save
from ..run_records import read_settings
from .scaling_study import Studies, advice, draw, measure, size_options, write


def _scale_data(arguments: Sequence[str]) -> None:
    _scale("data", arguments)


def _scale_model(arguments: Sequence[str]) -> None:
    _scale("model", arguments)


def _scale(study: str, arguments: Sequence[str]) -> None:
    parser = Parser(f"{PROGRAM} scale-{study}", "options are those of fit")
    _, options = parser.parse_known_args(arguments)
    studies = read_settings(Studies, paths.studies())
    points = measure(size_options(study, studies), studies.seeds, options)
    trends = write(study, points)
    picture = paths.build(f"scale-{study}.png")
    print(f"\npicture  {save(draw(study, points, trends[study]), picture)}")
    print(advice(trends))


COMMANDS: dict[str, Command] = {
    "scale-data": _scale_data,
    "scale-model": _scale_model,
}
