"""Commands for scaling studies: more data, larger models."""

from collections.abc import Sequence

from .. import paths
from ..cli import PROGRAM, Command, Parser
from ..figures import save_figure
from ..run_records import read_settings
from .scaling_study import (
    ScalingStudies,
    draw_study,
    save_study,
    scaling_advice,
    size_options,
    train_sizes,
)


def _scale_data(arguments: Sequence[str]) -> None:
    _scale("data", arguments)


def _scale_model(arguments: Sequence[str]) -> None:
    _scale("model", arguments)


def _scale(study: str, arguments: Sequence[str]) -> None:
    parser = Parser(f"{PROGRAM} scale-{study}", "options are those of fit")
    _, options = parser.parse_known_args(arguments)
    studies = read_settings(ScalingStudies, paths.studies())
    points = train_sizes(size_options(study, studies), studies.seeds, options)
    trends = save_study(study, points)
    picture = paths.build(f"scale-{study}.png")
    print(
        f"\npicture  {save_figure(draw_study(study, points, trends[study]), picture)}"
    )
    print(scaling_advice(trends))


COMMANDS: dict[str, Command] = {
    "scale-data": _scale_data,
    "scale-model": _scale_model,
}
