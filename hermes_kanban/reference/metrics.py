"""Every metric."""

from __future__ import annotations

from typing import Final

from hermes_kanban.reference.markdown import Page, code, codes, table
from hermes_kanban.surfaces.rest.metrics import METRICS, PREFIX, Metric


def _body() -> str:
    return table(
        ("metric", "kind", "unit", "labels", "meaning", "people see it in"),
        [_row(name, metric) for name, metric in METRICS.items()],
    )


def _row(name: str, metric: Metric) -> tuple[str, ...]:
    total = "_total" if metric.kind == "counter" else ""
    labels = codes(metric.labels)
    return (
        code(f"{PREFIX}{name}{total}"),
        metric.kind,
        metric.unit,
        labels,
        metric.meaning,
        metric.also,
    )


PAGE: Final = Page(
    "metrics.md",
    "Metrics",
    """\
What `/metrics` answers, in the text format of Prometheus. The gateway serves it where
`web.in_gateway` is set, and `hermes-kanban web` always; it asks for the token of the API
([addresses over HTTP](rest.md)). A metric without a board is of the server that answers.""",
    _body,
)
