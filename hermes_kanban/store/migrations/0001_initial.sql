-- The board as of schema version 1. Times are integer Unix seconds, UTC.

CREATE TABLE schema_migrations (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT;

CREATE TABLE boards (
    board_id TEXT PRIMARY KEY,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    icon TEXT,
    default_workdir TEXT,
    writer_host TEXT,
    writer_seen_at INTEGER,
    paused_at INTEGER,
    paused_by TEXT,
    min_reader INTEGER NOT NULL
) STRICT;

CREATE TABLE tasks (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    body TEXT,
    status TEXT NOT NULL CHECK (status IN
        ('triage', 'todo', 'ready', 'running', 'review', 'blocked', 'done', 'archived')),
    assignee TEXT,
    tenant TEXT,
    priority INTEGER NOT NULL DEFAULT 0,
    effective_priority INTEGER NOT NULL DEFAULT 0,
    skills TEXT NOT NULL DEFAULT '[]',
    model TEXT,
    idempotency_key TEXT,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_run_id INTEGER,
    scheduled_at INTEGER,
    eligible_at INTEGER,
    started_at INTEGER,
    completed_at INTEGER,
    result TEXT,
    block_kind TEXT CHECK (block_kind IN ('needs_input', 'capability', 'transient', 'dependency')),
    block_reason TEXT,
    blocked_from TEXT,
    claim_lock TEXT,
    claim_expires INTEGER,
    worker_pid INTEGER,
    current_run_id INTEGER,
    last_heartbeat_at INTEGER,
    max_runtime_seconds INTEGER CHECK (max_runtime_seconds > 0),
    max_retries INTEGER CHECK (max_retries >= 0),
    consecutive_failures INTEGER NOT NULL DEFAULT 0 CHECK (consecutive_failures >= 0),
    workspace_kind TEXT NOT NULL DEFAULT 'scratch'
        CHECK (workspace_kind IN ('scratch', 'dir', 'worktree')),
    workspace_path TEXT,
    branch TEXT,
    workflow_template_id TEXT,
    current_step_key TEXT,
    CHECK ((status = 'running') = (current_run_id IS NOT NULL)),
    CHECK ((status = 'running') = (claim_lock IS NOT NULL)),
    CHECK ((status = 'running') = (claim_expires IS NOT NULL)),
    CHECK (worker_pid IS NULL OR status = 'running'),
    CHECK (status <> 'done' OR completed_at IS NOT NULL),
    CHECK ((status = 'blocked') = (block_kind IS NOT NULL)),
    CHECK ((status = 'blocked') = (block_reason IS NOT NULL)),
    CHECK (block_kind IS NULL OR block_kind <> 'transient' OR eligible_at IS NOT NULL)
) STRICT;

CREATE INDEX tasks_by_status ON tasks (status, seq);
CREATE INDEX tasks_open ON tasks (seq) WHERE status NOT IN ('done', 'archived');
CREATE INDEX tasks_by_assignee ON tasks (assignee, status, seq) WHERE assignee IS NOT NULL;
CREATE INDEX tasks_by_tenant ON tasks (tenant, status, seq) WHERE tenant IS NOT NULL;
CREATE INDEX tasks_queue ON tasks (assignee, tenant, effective_priority DESC, seq)
    WHERE status = 'ready';
CREATE INDEX tasks_ready_later ON tasks (eligible_at)
    WHERE status = 'ready' AND eligible_at IS NOT NULL;
CREATE INDEX tasks_scheduled ON tasks (scheduled_at)
    WHERE status = 'ready' AND scheduled_at IS NOT NULL;
CREATE INDEX tasks_transient ON tasks (eligible_at)
    WHERE status = 'blocked' AND block_kind = 'transient';
CREATE UNIQUE INDEX tasks_idempotency ON tasks (idempotency_key)
    WHERE idempotency_key IS NOT NULL AND status <> 'archived';
CREATE INDEX tasks_created_by_run ON tasks (created_run_id) WHERE created_run_id IS NOT NULL;

CREATE TABLE task_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL REFERENCES tasks (id),
    profile TEXT,
    claimer TEXT NOT NULL,
    claimer_identity TEXT,
    claim_lock TEXT,
    claim_expires INTEGER,
    worker_pid INTEGER,
    worker_identity TEXT,
    last_heartbeat_at INTEGER,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    outcome TEXT CHECK (outcome IN
        ('completed', 'blocked', 'review', 'waiting', 'crashed', 'timed_out', 'spawn_failed',
         'protocol_violation', 'rate_limited', 'reclaimed', 'cancelled')),
    exited_at INTEGER,
    exit_code INTEGER,
    stop_requested_at INTEGER,
    stop_reason TEXT,
    stop_by TEXT,
    fenced_count INTEGER NOT NULL DEFAULT 0,
    log_path TEXT,
    summary TEXT,
    metadata TEXT,
    error TEXT,
    CHECK ((ended_at IS NULL) = (outcome IS NULL)),
    CHECK (ended_at IS NULL OR ended_at >= started_at),
    CHECK (exited_at IS NULL OR worker_pid IS NOT NULL),
    CHECK ((stop_requested_at IS NULL) = (stop_reason IS NULL))
) STRICT;

CREATE INDEX task_runs_by_task ON task_runs (task_id, id);
CREATE UNIQUE INDEX task_runs_open ON task_runs (task_id) WHERE ended_at IS NULL;
CREATE INDEX task_runs_live ON task_runs (task_id)
    WHERE worker_pid IS NOT NULL AND exited_at IS NULL;

CREATE TABLE task_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT REFERENCES tasks (id),
    run_id INTEGER REFERENCES task_runs (id),
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    payload TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX task_events_by_task ON task_events (task_id, id);
CREATE INDEX task_events_by_run ON task_events (run_id, id) WHERE run_id IS NOT NULL;

CREATE TABLE task_links (
    parent_id TEXT NOT NULL REFERENCES tasks (id),
    child_id TEXT NOT NULL REFERENCES tasks (id),
    created_at INTEGER NOT NULL,
    released_at INTEGER,
    PRIMARY KEY (parent_id, child_id),
    CHECK (parent_id <> child_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX task_links_by_child ON task_links (child_id, parent_id);

CREATE TABLE task_comments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL REFERENCES tasks (id),
    run_id INTEGER REFERENCES task_runs (id),
    author TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX task_comments_by_task ON task_comments (task_id, id);
CREATE INDEX task_comments_by_run ON task_comments (run_id) WHERE run_id IS NOT NULL;

CREATE TABLE task_attachments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL REFERENCES tasks (id),
    run_id INTEGER REFERENCES task_runs (id),
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    path TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX task_attachments_by_task ON task_attachments (task_id, id);
CREATE INDEX task_attachments_by_run ON task_attachments (run_id) WHERE run_id IS NOT NULL;

CREATE TABLE kanban_notify_subs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT REFERENCES tasks (id),
    filter TEXT,
    destination TEXT NOT NULL,
    mode TEXT NOT NULL,
    cursor INTEGER NOT NULL,
    start_event_id INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;

CREATE INDEX notify_subs_live ON kanban_notify_subs (id) WHERE ended_at IS NULL;
CREATE INDEX notify_subs_lagging ON kanban_notify_subs (cursor) WHERE ended_at IS NULL;
CREATE INDEX notify_subs_wide ON kanban_notify_subs (id)
    WHERE ended_at IS NULL AND task_id IS NULL;
CREATE INDEX notify_subs_by_task ON kanban_notify_subs (task_id) WHERE task_id IS NOT NULL;

CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sub_id INTEGER NOT NULL REFERENCES kanban_notify_subs (id),
    event_id INTEGER NOT NULL,
    dedup_key TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER,
    delivered_at INTEGER,
    reason TEXT,
    UNIQUE (sub_id, event_id),
    CHECK (state <> 'waiting' OR next_attempt_at IS NOT NULL),
    CHECK (state <> 'dead' OR reason IS NOT NULL),
    CHECK (state <> 'delivered' OR delivered_at IS NOT NULL)
) STRICT;

CREATE INDEX deliveries_waiting ON deliveries (sub_id, event_id) WHERE state = 'waiting';
CREATE INDEX deliveries_waiting_by_id ON deliveries (id) WHERE state = 'waiting';
CREATE INDEX deliveries_dead_by_id ON deliveries (id) WHERE state = 'dead';
