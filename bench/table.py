"""The table that every measurement prints."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

Row = tuple[str, float, str, bool]
"""What was measured, the figure, the goal in words, whether it is met."""


def show(rows: Sequence[Row]) -> int:
    """Print the rows; 1 if a goal is missed."""
    table = Table("measured in one run", "figure", "goal", "met")
    for name, figure, goal, met in rows:
        table.add_row(name, f"{figure:,.2f}", goal, "yes" if met else "NO")
    Console(width=110).print(table)
    return 0 if all(met for *_, met in rows) else 1


def compare(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print what several programs made of the same work; all columns but the first are figures."""
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(head):
        table.add_column(name, justify="right" if number else "left")
    for row in rows:
        table.add_row(*row)
    Console(width=110).print(table)
