"""The story on a terminal: steps with their times, bars for what takes long, a summary."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from story.pictures import Statement


class Teller:
    """Tells what happens; `seconds` keeps how long each step took."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[str], None]]:
        """Tell of a step when it ended; yields what adds a line to it."""
        lines: list[str] = []
        began = time.monotonic()
        with self.console.status(f"{name} …"):
            yield lines.append
        self._ended(name, began, lines)

    @contextmanager
    def bar(self, name: str) -> Iterator[tuple[Callable[[int, int, str], None], Any]]:
        """Tell of a long step with a bar; yields what moves it and what adds a line."""
        lines: list[str] = []
        began = time.monotonic()
        columns = (
            TextColumn("  {task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.completed}/{task.total}"),
            TextColumn("{task.fields[note]}", style="dim"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console, transient=True) as shown:
            task = shown.add_task(name, total=None, note="")

            def move(done: int, of: int, note: str = "") -> None:
                shown.update(task, completed=done, total=of, note=note)

            yield move, lines.append
        self._ended(name, began, lines)

    def title(self, text: str) -> None:
        """Print a heading."""
        self.console.print(f"\n[bold]{text}[/bold]\n")

    def money(self, statements: Sequence[Statement], currency: str) -> None:
        """Print who is owed what and that it sums to nothing."""
        table = Table(box=None, padding=(0, 3, 0, 2))
        table.add_column("")
        table.add_column("as")
        table.add_column(currency, justify="right")
        for line in statements:
            if line.entries:
                table.add_row(line.party.name, line.role, euros(line.amount))
        table.add_row(
            "[dim]sum[/dim]", "", f"[dim]{euros(sum(s.amount for s in statements))}[/dim]"
        )
        self.console.print(table)

    def times(self) -> None:
        """Print how long each step took."""
        table = Table(box=None, padding=(0, 3, 0, 2))
        table.add_column("step")
        table.add_column("seconds", justify="right")
        for name, seconds in self.seconds.items():
            table.add_row(name, f"{seconds:.1f}")
        table.add_row("[bold]all[/bold]", f"[bold]{sum(self.seconds.values()):.1f}[/bold]")
        self.console.print(table)

    def _ended(self, name: str, began: float, lines: Sequence[str]) -> None:
        self.seconds[name] = time.monotonic() - began
        self.console.print(f"  [green]✓[/green] {name:<14}[dim]{self.seconds[name]:6.1f} s[/dim]")
        for line in lines:
            self.console.print(f"      {line}")


def euros(cents: int) -> str:
    """Write an amount: 1234567 is 12,345.67."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100:,}.{abs(cents) % 100:02d}"
