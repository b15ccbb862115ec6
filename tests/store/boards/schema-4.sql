-- A board as schema version 4 left it.
PRAGMA user_version = 4;
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
INSERT INTO "boards" VALUES('87c38dbba0a39fa628e6e97b48c355ed','default','default',NULL,NULL,NULL,NULL,NULL,NULL,1,NULL,NULL,NULL);
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
CREATE TABLE schema_migrations (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT;
INSERT INTO "schema_migrations" VALUES(1,'initial',1795982610);
INSERT INTO "schema_migrations" VALUES(2,'queue_and_clock',1795982610);
INSERT INTO "schema_migrations" VALUES(3,'agents',1795982610);
INSERT INTO "schema_migrations" VALUES(4,'looking',1795982919);
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
INSERT INTO "task_comments" VALUES(1,'t_35wrfv',NULL,'person:ada','half way',1795982610);
CREATE TABLE task_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT REFERENCES tasks (id),
    run_id INTEGER REFERENCES task_runs (id),
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    payload TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
INSERT INTO "task_events" VALUES(1,'t_35wrfv',NULL,'created','person:ada','{"task":{"title":"Count the words","body":"- [ ] one","assignee":"counter","tenant":"acme","priority":0,"skills":"[]","workspace_kind":"scratch","status":"ready","effective_priority":0,"created_at":1795982610,"created_by":"person:ada","consecutive_failures":0,"id":"t_35wrfv","seq":1}}',1795982610);
INSERT INTO "task_events" VALUES(2,'t_2tu5p6',NULL,'created','person:ada','{"task":{"title":"Print them","priority":0,"skills":"[]","workspace_kind":"scratch","status":"todo","effective_priority":0,"created_at":1795982610,"created_by":"person:ada","consecutive_failures":0,"id":"t_2tu5p6","seq":2},"parents":["t_35wrfv"]}',1795982610);
INSERT INTO "task_events" VALUES(3,'t_2tu5p6',NULL,'linked','person:ada','{"link":{"op":"add","parent_id":"t_35wrfv","child_id":"t_2tu5p6"}}',1795982610);
INSERT INTO "task_events" VALUES(4,'t_z4srko',NULL,'created','person:ada','{"task":{"title":"Waits for an answer","assignee":"coder","priority":0,"skills":"[]","workspace_kind":"scratch","status":"ready","effective_priority":0,"created_at":1795982610,"created_by":"person:ada","consecutive_failures":0,"id":"t_z4srko","seq":3}}',1795982610);
INSERT INTO "task_events" VALUES(5,'t_gzibx7',NULL,'created','person:ada','{"task":{"title":"Late","priority":0,"skills":"[]","workspace_kind":"scratch","status":"ready","effective_priority":0,"created_at":1795982610,"created_by":"person:ada","consecutive_failures":0,"id":"t_gzibx7","seq":4}}',1795982610);
INSERT INTO "task_events" VALUES(6,'t_uztazd',NULL,'created','person:ada','{"task":{"title":"Gone","priority":0,"skills":"[]","workspace_kind":"scratch","status":"ready","effective_priority":0,"created_at":1795982610,"created_by":"person:ada","consecutive_failures":0,"id":"t_uztazd","seq":5}}',1795982610);
INSERT INTO "task_events" VALUES(7,'t_35wrfv',1,'claimed','person:ada','{"task":{"status":"running","claim_lock":"7d2ad0f079c9823f25549aa4973fe14b","current_run_id":1,"started_at":1795982610},"run":{"id":1,"task_id":"t_35wrfv","profile":"counter","claimer":"person:ada","claim_lock":"7d2ad0f079c9823f25549aa4973fe14b","started_at":1795982610}}',1795982610);
INSERT INTO "task_events" VALUES(8,'t_35wrfv',NULL,'commented','person:ada','{"comment_id":1}',1795982610);
INSERT INTO "task_events" VALUES(9,'t_35wrfv',1,'completed','person:ada','{"task":{"completed_at":1795982610,"result":"42","status":"done","claim_lock":null,"current_run_id":null},"run":{"id":1,"summary":"counted","ended_at":1795982610,"outcome":"completed"}}',1795982610);
INSERT INTO "task_events" VALUES(10,'t_2tu5p6',NULL,'promoted','system','{"parent_id":"t_35wrfv","task":{"status":"ready"}}',1795982610);
INSERT INTO "task_events" VALUES(11,'t_2tu5p6',2,'claimed','person:ada','{"task":{"status":"running","claim_lock":"cc36519269459e925f65b4e4a63923f9","current_run_id":2,"started_at":1795982610},"run":{"id":2,"task_id":"t_2tu5p6","claimer":"person:ada","claim_lock":"cc36519269459e925f65b4e4a63923f9","started_at":1795982610}}',1795982610);
INSERT INTO "task_events" VALUES(12,'t_z4srko',3,'blocked','person:ada','{"block_kind":"needs_input","reason":"How long?\n- 30 days\n- 90 days","lifted_by":"a person answers with: hermes-kanban unblock t_z4srko","run":{"id":3,"task_id":"t_z4srko","profile":"coder","claimer":"person:ada","started_at":1795982610,"ended_at":1795982610,"outcome":"blocked","error":"How long?\n- 30 days\n- 90 days"},"task":{"block_kind":"needs_input","block_reason":"How long?\n- 30 days\n- 90 days","status":"blocked"}}',1795982610);
INSERT INTO "task_events" VALUES(13,'t_gzibx7',4,'claimed','person:ada','{"task":{"status":"running","claim_lock":"2a287cdfad5038e5f9f9ee5dd1e01890","current_run_id":4,"started_at":1795982610},"run":{"id":4,"task_id":"t_gzibx7","claimer":"person:ada","claim_lock":"2a287cdfad5038e5f9f9ee5dd1e01890","started_at":1795982610}}',1795982610);
INSERT INTO "task_events" VALUES(14,'t_gzibx7',4,'reclaimed','person:ada','{"task":{"status":"ready","claim_lock":null,"current_run_id":null},"run":{"id":4,"error":"reclaimed by a person","ended_at":1795982610,"outcome":"reclaimed"}}',1795982610);
INSERT INTO "task_events" VALUES(15,'t_gzibx7',4,'fenced','person:ada','{"verb":"complete","reason":"run 4 has ended as reclaimed; t_gzibx7 is ready","result":"too late"}',1795982610);
INSERT INTO "task_events" VALUES(16,'t_uztazd',NULL,'archived','person:ada','{"task":{"status":"archived"}}',1795982610);
CREATE TABLE task_links (
    parent_id TEXT NOT NULL REFERENCES tasks (id),
    child_id TEXT NOT NULL REFERENCES tasks (id),
    created_at INTEGER NOT NULL,
    released_at INTEGER,
    PRIMARY KEY (parent_id, child_id),
    CHECK (parent_id <> child_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "task_links" VALUES('t_35wrfv','t_2tu5p6',1795982610,NULL);
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
INSERT INTO "task_runs" VALUES(1,'t_35wrfv','counter','person:ada',NULL,'7d2ad0f079c9823f25549aa4973fe14b',1795983510,NULL,NULL,1795982610,1795982610,1795982610,'completed',NULL,NULL,NULL,NULL,NULL,0,NULL,'counted',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "task_runs" VALUES(2,'t_2tu5p6',NULL,'person:ada',NULL,'cc36519269459e925f65b4e4a63923f9',1795983510,NULL,NULL,1795982610,1795982610,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "task_runs" VALUES(3,'t_z4srko','coder','person:ada',NULL,NULL,NULL,NULL,NULL,NULL,1795982610,1795982610,'blocked',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,'How long?
- 30 days
- 90 days',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "task_runs" VALUES(4,'t_gzibx7',NULL,'person:ada',NULL,'2a287cdfad5038e5f9f9ee5dd1e01890',1795983510,NULL,NULL,1795982610,1795982610,1795982610,'reclaimed',NULL,NULL,NULL,NULL,NULL,1,NULL,NULL,NULL,'reclaimed by a person',NULL,NULL,NULL,NULL,NULL,NULL);
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
INSERT INTO "tasks" VALUES(1,'t_35wrfv','Count the words','- [ ] one','done','counter','acme',0,0,'[]',NULL,NULL,1795982610,'person:ada',NULL,NULL,NULL,1795982610,1795982610,'42',NULL,NULL,NULL,NULL,NULL,NULL,NULL,1795982610,NULL,NULL,0,'scratch',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "tasks" VALUES(2,'t_2tu5p6','Print them',NULL,'running',NULL,NULL,0,0,'[]',NULL,NULL,1795982610,'person:ada',NULL,NULL,NULL,1795982610,NULL,NULL,NULL,NULL,NULL,'cc36519269459e925f65b4e4a63923f9',1795983510,NULL,2,1795982610,NULL,NULL,0,'scratch',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "tasks" VALUES(3,'t_z4srko','Waits for an answer',NULL,'blocked','coder',NULL,0,0,'[]',NULL,NULL,1795982610,'person:ada',NULL,NULL,NULL,NULL,NULL,NULL,'needs_input','How long?
- 30 days
- 90 days',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,'scratch',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "tasks" VALUES(4,'t_gzibx7','Late',NULL,'ready',NULL,NULL,0,0,'[]',NULL,NULL,1795982610,'person:ada',NULL,NULL,NULL,1795982610,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1795982610,NULL,NULL,0,'scratch',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "tasks" VALUES(5,'t_uztazd','Gone',NULL,'archived',NULL,NULL,0,0,'[]',NULL,NULL,1795982610,'person:ada',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,'scratch',NULL,NULL,NULL,NULL,NULL,NULL);
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
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('tasks',5);
INSERT INTO "sqlite_sequence" VALUES('task_events',16);
INSERT INTO "sqlite_sequence" VALUES('task_runs',4);
INSERT INTO "sqlite_sequence" VALUES('task_comments',1);
COMMIT;
