-- Schema version 7: what was imported, and from where.

-- One write of an import: the events that it wrote tell of earlier times, and are on the board since.
CREATE TABLE imports (
    first_event_id INTEGER PRIMARY KEY,
    last_event_id INTEGER NOT NULL,
    source TEXT NOT NULL,
    imported_by TEXT NOT NULL,
    imported_at INTEGER NOT NULL
) STRICT;

-- Which task came of what; no task: it was purged, and is not to come again.
CREATE TABLE imported_tasks (
    source TEXT NOT NULL,
    foreign_id TEXT NOT NULL,
    task_id TEXT REFERENCES tasks (id),
    -- What the source said when it was last read, as JSON.
    seen TEXT NOT NULL,
    PRIMARY KEY (source, foreign_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX imported_tasks_by_task ON imported_tasks (task_id) WHERE task_id IS NOT NULL;
