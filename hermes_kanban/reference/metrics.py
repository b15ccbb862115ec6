"""Every metric."""

from __future__ import annotations

from typing import Final

from hermes_kanban.reference.markdown import Page, code, codes, table
from hermes_kanban.surfaces.rest.metrics import METRICS, PREFIX, Metric


def _body() -> str:
    rows = [_row(name, metric) for name, metric in METRICS.items()]
    return table(("metric", "meaning, kind and unit, labels, where people see it"), rows)


def _row(name: str, metric: Metric) -> tuple[str, str]:
    total = "_total" if metric.kind == "counter" else ""
    told = [metric.meaning, f"{metric.kind} of {metric.unit}" if metric.unit else metric.kind]
    if metric.labels:
        told.append(f"by {codes(metric.labels)}")
    if metric.also:
        told.append(f"also in {metric.also}")
    return code(f"{PREFIX}{name}{total}"), "<br>".join(told)


PAGE: Final = Page(
    "metrics.md",
    "Metrics",
    """\
What `/metrics` answers, in the text format of Prometheus. The gateway serves it where
`web.in_gateway` is set, and `hermes-kanban web` always; it asks for the token of the API
([addresses over HTTP](rest.md)). A metric without a board is of the server that answers.""",
    _body,
)
