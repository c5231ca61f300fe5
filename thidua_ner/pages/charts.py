"""Line charts as coordinates of an SVG drawing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 460, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 10, 42
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: its coordinate in the drawing, and its text."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A line chart in the coordinates of its drawing; `lines` has the points of each series."""

    lines: dict[str, list[Point]]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    x_title: str
    y_title: str
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    top: float = _TOP
    bottom: float = HEIGHT - _BOTTOM


def line_chart(
    series: Mapping[str, Sequence[Point]],
    x_title: str,
    y_title: str,
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
) -> Chart:
    """Scale series to a drawing; a range defaults to 0 to the largest value, or to 1 if that is next to nothing."""
    points = [point for line in series.values() for point in line]
    x_low, x_high = x_range or (0, _top(x for x, _ in points))
    y_low, y_high = y_range or (0, _top(y for _, y in points))

    def x_at(x: float) -> float:
        return round(_LEFT + (x - x_low) / (x_high - x_low) * (WIDTH - _LEFT - _RIGHT), 1)

    def y_at(y: float) -> float:
        return round(HEIGHT - _BOTTOM - (y - y_low) / (y_high - y_low) * (HEIGHT - _TOP - _BOTTOM), 1)

    return Chart(
        {name: [(x_at(x), y_at(y)) for x, y in line] for name, line in series.items()},
        [Tick(x_at(value), f"{value:g}") for value in _ticks(x_low, x_high)],
        [Tick(y_at(value), f"{value:g}") for value in _ticks(y_low, y_high)],
        x_title,
        y_title,
    )


def _top(values: Iterable[float]) -> float:
    highest = max(values)
    return highest if highest > 1e-6 else 1


def _ticks(low: float, high: float) -> list[float]:
    """Choose about four to ten round values between low and high."""
    step = 10.0 ** len(str(int(high - low))) if high - low >= 1 else 1.0
    while (high - low) / step < 4:
        step /= 2 if f"{step:e}"[0] in "12" else 2.5
    first = int(low / step)
    values = [round((first + number) * step, 10) for number in range(int((high - low) / step) + 2)]
    return [value for value in values if low <= value <= high]
