"""Tables of text, for the terminal and in Markdown."""

from collections.abc import Sequence


def as_text(rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows of cells in columns, of which the first and last begin left.

    Args:
        rows: As many cells in each.

    Returns:
        A line for each row.

    Examples:
        >>> print(as_text([["suite", "examples", ""], ["all", "360", "worse"]]))
        suite  examples
        all         360  worse
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    last = len(widths) - 1
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if position in (0, last) else cell.rjust(width)
            for position, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def as_markdown(rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows of cells as a table in Markdown.

    Args:
        rows: The first holds the titles.

    Returns:
        A line for each row, and one below the titles.

    Examples:
        >>> print(as_markdown([["suite", "examples"], ["all", "360"]]))
        | suite | examples |
        |---|---|
        | all | 360 |
    """
    lines = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    titles, *rest = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([titles, "|" + "---|" * len(rows[0]), *rest])
