"""Where the gateways of a board can be reached, as each says of itself in its host's row."""

from __future__ import annotations

from typing import Final

from hermes_kanban.store.protocol import BoardConnection, fetch_all


def other_gateways(conn: BoardConnection, host_id: str) -> list[str]:
    """Addresses of the gateways of other hosts that were heard of lately, the latest first."""
    if not conn.shared:
        return []
    return [url for (url,) in fetch_all(conn, _OTHERS, {"host": host_id})]


_OTHERS: Final = """
SELECT gateway_url FROM hosts
WHERE host_id <> :host AND gateway_pid IS NOT NULL AND gateway_url IS NOT NULL AND lost_at IS NULL
ORDER BY last_seen_at DESC, host_id
"""
