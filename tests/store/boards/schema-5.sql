-- A board as schema version 5 left it.
PRAGMA user_version = 5;
PRAGMA application_id = 1212891697;
BEGIN TRANSACTION;
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
, clock_boot TEXT, clock_offset INTEGER, clock_suspended INTEGER) STRICT;
INSERT INTO "boards" VALUES('ae909434c1cdbff16fa5897f9d5e2274','default','default',NULL,NULL,'3d1219c7c4c5404aaa1f6d2a48adfda4/79e24f71-94b0-40b6-b59f-d0ebe14eba63',1795993340,NULL,NULL,1,NULL,NULL,NULL);
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sub_id INTEGER NOT NULL REFERENCES kanban_notify_subs (id),
    event_id INTEGER NOT NULL,
    dedup_key TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER,
    delivered_at INTEGER,
    reason TEXT, batch TEXT, receipt TEXT, closed_at INTEGER, wake_at INTEGER,
    UNIQUE (sub_id, event_id),
    CHECK (state <> 'waiting' OR next_attempt_at IS NOT NULL),
    CHECK (state <> 'dead' OR reason IS NOT NULL),
    CHECK (state <> 'delivered' OR delivered_at IS NOT NULL)
) STRICT;
INSERT INTO "deliveries" VALUES(1,1,1,'ae909434c1cdbff16fa5897f9d5e2274:1:1','delivered',1,NULL,1795993340,NULL,NULL,NULL,1795993340,NULL);
INSERT INTO "deliveries" VALUES(2,1,2,'ae909434c1cdbff16fa5897f9d5e2274:1:2','dead',0,NULL,NULL,'dropped by a person',NULL,NULL,NULL,NULL);
INSERT INTO "deliveries" VALUES(3,1,8,'ae909434c1cdbff16fa5897f9d5e2274:1:8','dead',1,NULL,NULL,'refused',NULL,NULL,NULL,NULL);
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
, options TEXT, root_id INTEGER) STRICT;
INSERT INTO "kanban_notify_subs" VALUES(1,NULL,'{"kinds":["created"]}','log','notify',8,0,'person:root',1795993340,NULL,NULL,NULL);
CREATE TABLE said (
    key TEXT PRIMARY KEY,
    answer TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE TABLE schema_migrations (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT;
INSERT INTO "schema_migrations" VALUES(1,'initial',1795993340);
INSERT INTO "schema_migrations" VALUES(2,'queue_and_clock',1795993340);
INSERT INTO "schema_migrations" VALUES(3,'agents',1795993340);
INSERT INTO "schema_migrations" VALUES(4,'looking',1795993340);
INSERT INTO "schema_migrations" VALUES(5,'notify',1795993340);
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
CREATE TABLE task_comments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL REFERENCES tasks (id),
    run_id INTEGER REFERENCES task_runs (id),
    author TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
INSERT INTO "task_comments" VALUES(1,'t_csigbu',NULL,'person:mara','hello',1795993340);
CREATE TABLE task_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT REFERENCES tasks (id),
    run_id INTEGER REFERENCES task_runs (id),
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    payload TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
INSERT INTO "task_events" VALUES(1,'t_c624bf',NULL,'created','person:mara','{"task":{"title":"first","assignee":"coder","priority":0,"skills":"[]","workspace_kind":"scratch","status":"ready","effective_priority":0,"created_at":1795993340,"created_by":"person:mara","consecutive_failures":0,"id":"t_c624bf","seq":1}}',1795993340);
INSERT INTO "task_events" VALUES(2,'t_csigbu',NULL,'created','person:mara','{"task":{"title":"second","priority":0,"skills":"[]","workspace_kind":"scratch","status":"todo","effective_priority":0,"created_at":1795993340,"created_by":"person:mara","consecutive_failures":0,"id":"t_csigbu","seq":2},"parents":["t_c624bf"]}',1795993340);
INSERT INTO "task_events" VALUES(3,'t_csigbu',NULL,'linked','person:mara','{"link":{"op":"add","parent_id":"t_c624bf","child_id":"t_csigbu"}}',1795993340);
INSERT INTO "task_events" VALUES(4,'t_csigbu',NULL,'commented','person:mara','{"comment_id":1}',1795993340);
INSERT INTO "task_events" VALUES(5,'t_c624bf',1,'claimed','profile:coder','{"task":{"status":"running","claim_lock":"2bc66742d87af213b8ce95749854a890","current_run_id":1,"started_at":1795993340},"run":{"id":1,"task_id":"t_c624bf","profile":"coder","claimer":"somebody","claim_lock":"2bc66742d87af213b8ce95749854a890","started_at":1795993340}}',1795993340);
INSERT INTO "task_events" VALUES(6,'t_c624bf',1,'completed','profile:coder','{"task":{"completed_at":1795993340,"status":"done","claim_lock":null,"current_run_id":null},"run":{"id":1,"summary":"done","ended_at":1795993340,"outcome":"completed"}}',1795993340);
INSERT INTO "task_events" VALUES(7,'t_csigbu',NULL,'promoted','system','{"parent_id":"t_c624bf","task":{"status":"ready"}}',1795993340);
INSERT INTO "task_events" VALUES(8,'t_ys66px',NULL,'created','person:mara','{"task":{"title":"third","priority":0,"skills":"[]","workspace_kind":"scratch","status":"ready","effective_priority":0,"created_at":1795993340,"created_by":"person:mara","consecutive_failures":0,"id":"t_ys66px","seq":3}}',1795993340);
CREATE TABLE task_links (
    parent_id TEXT NOT NULL REFERENCES tasks (id),
    child_id TEXT NOT NULL REFERENCES tasks (id),
    created_at INTEGER NOT NULL,
    released_at INTEGER,
    PRIMARY KEY (parent_id, child_id),
    CHECK (parent_id <> child_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "task_links" VALUES('t_c624bf','t_csigbu',1795993340,NULL);
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
    error TEXT, resume INTEGER CHECK (resume IN (0, 1)), runtime TEXT, session TEXT, usage TEXT, token_hash TEXT, inbox_cursor INTEGER,
    CHECK ((ended_at IS NULL) = (outcome IS NULL)),
    CHECK (ended_at IS NULL OR ended_at >= started_at),
    CHECK (exited_at IS NULL OR worker_pid IS NOT NULL),
    CHECK ((stop_requested_at IS NULL) = (stop_reason IS NULL))
) STRICT;
INSERT INTO "task_runs" VALUES(1,'t_c624bf','coder','somebody',NULL,'2bc66742d87af213b8ce95749854a890',1795994240,NULL,NULL,1795993340,1795993340,1795993340,'completed',NULL,NULL,NULL,NULL,NULL,0,NULL,'done',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
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
    current_step_key TEXT, provider TEXT, resume INTEGER CHECK (resume IN (0, 1)),
    CHECK ((status = 'running') = (current_run_id IS NOT NULL)),
    CHECK ((status = 'running') = (claim_lock IS NOT NULL)),
    CHECK ((status = 'running') = (claim_expires IS NOT NULL)),
    CHECK (worker_pid IS NULL OR status = 'running'),
    CHECK (status <> 'done' OR completed_at IS NOT NULL),
    CHECK ((status = 'blocked') = (block_kind IS NOT NULL)),
    CHECK ((status = 'blocked') = (block_reason IS NOT NULL)),
    CHECK (block_kind IS NULL OR block_kind <> 'transient' OR eligible_at IS NOT NULL)
) STRICT;
INSERT INTO "tasks" VALUES(1,'t_c624bf','first',NULL,'done','coder',NULL,0,0,'[]',NULL,NULL,1795993340,'person:mara',NULL,NULL,NULL,1795993340,1795993340,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1795993340,NULL,NULL,0,'scratch',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "tasks" VALUES(2,'t_csigbu','second',NULL,'ready',NULL,NULL,0,0,'[]',NULL,NULL,1795993340,'person:mara',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,'scratch',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "tasks" VALUES(3,'t_ys66px','third',NULL,'ready',NULL,NULL,0,0,'[]',NULL,NULL,1795993340,'person:mara',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,'scratch',NULL,NULL,NULL,NULL,NULL,NULL);
CREATE INDEX tasks_by_status ON tasks (status, seq);
CREATE INDEX tasks_open ON tasks (seq) WHERE status NOT IN ('done', 'archived');
CREATE INDEX tasks_by_assignee ON tasks (assignee, status, seq) WHERE assignee IS NOT NULL;
CREATE INDEX tasks_by_tenant ON tasks (tenant, status, seq) WHERE tenant IS NOT NULL;
CREATE INDEX tasks_ready_later ON tasks (eligible_at)
    WHERE status = 'ready' AND eligible_at IS NOT NULL;
CREATE INDEX tasks_scheduled ON tasks (scheduled_at)
    WHERE status = 'ready' AND scheduled_at IS NOT NULL;
CREATE INDEX tasks_transient ON tasks (eligible_at)
    WHERE status = 'blocked' AND block_kind = 'transient';
CREATE UNIQUE INDEX tasks_idempotency ON tasks (idempotency_key)
    WHERE idempotency_key IS NOT NULL AND status <> 'archived';
CREATE INDEX tasks_created_by_run ON tasks (created_run_id) WHERE created_run_id IS NOT NULL;
CREATE INDEX task_runs_by_task ON task_runs (task_id, id);
CREATE UNIQUE INDEX task_runs_open ON task_runs (task_id) WHERE ended_at IS NULL;
CREATE INDEX task_runs_live ON task_runs (task_id)
    WHERE worker_pid IS NOT NULL AND exited_at IS NULL;
CREATE INDEX task_events_by_task ON task_events (task_id, id);
CREATE INDEX task_events_by_run ON task_events (run_id, id) WHERE run_id IS NOT NULL;
CREATE INDEX task_links_by_child ON task_links (child_id, parent_id);
CREATE INDEX task_comments_by_task ON task_comments (task_id, id);
CREATE INDEX task_comments_by_run ON task_comments (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX task_attachments_by_task ON task_attachments (task_id, id);
CREATE INDEX task_attachments_by_run ON task_attachments (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX notify_subs_live ON kanban_notify_subs (id) WHERE ended_at IS NULL;
CREATE INDEX notify_subs_lagging ON kanban_notify_subs (cursor) WHERE ended_at IS NULL;
CREATE INDEX notify_subs_wide ON kanban_notify_subs (id)
    WHERE ended_at IS NULL AND task_id IS NULL;
CREATE INDEX notify_subs_by_task ON kanban_notify_subs (task_id) WHERE task_id IS NOT NULL;
CREATE INDEX deliveries_waiting ON deliveries (sub_id, event_id) WHERE state = 'waiting';
CREATE INDEX deliveries_waiting_by_id ON deliveries (id) WHERE state = 'waiting';
CREATE INDEX deliveries_dead_by_id ON deliveries (id) WHERE state = 'dead';
CREATE INDEX tasks_queue
    ON tasks (assignee, tenant, effective_priority DESC, seq, eligible_at, scheduled_at)
    WHERE status = 'ready';
CREATE UNIQUE INDEX task_runs_token ON task_runs (token_hash)
    WHERE token_hash IS NOT NULL AND ended_at IS NULL;
CREATE INDEX tasks_by_completion ON tasks (status, completed_at, seq)
    WHERE status = 'done';
CREATE INDEX task_runs_by_end ON task_runs (ended_at, started_at) WHERE ended_at IS NOT NULL;
CREATE INDEX task_events_late ON task_events (id)
    WHERE kind IN ('fenced', 'adopted', 'dismissed', 'undone');
CREATE INDEX notify_subs_inherited ON kanban_notify_subs (root_id) WHERE root_id IS NOT NULL;
CREATE INDEX deliveries_by_batch ON deliveries (batch) WHERE batch IS NOT NULL;
CREATE INDEX deliveries_by_receipt ON deliveries (receipt) WHERE receipt IS NOT NULL;
CREATE INDEX deliveries_to_close ON deliveries (id)
    WHERE receipt IS NOT NULL AND closed_at IS NULL;
CREATE INDEX deliveries_to_wake ON deliveries (wake_at, id)
    WHERE state = 'waiting' AND wake_at IS NOT NULL;
CREATE INDEX said_by_age ON said (created_at);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('kanban_notify_subs',1);
INSERT INTO "sqlite_sequence" VALUES('tasks',3);
INSERT INTO "sqlite_sequence" VALUES('task_events',8);
INSERT INTO "sqlite_sequence" VALUES('task_comments',1);
INSERT INTO "sqlite_sequence" VALUES('task_runs',1);
INSERT INTO "sqlite_sequence" VALUES('deliveries',3);
COMMIT;
