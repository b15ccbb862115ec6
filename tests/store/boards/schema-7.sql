-- A board as schema version 7 left it.
PRAGMA user_version = 7;
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
INSERT INTO "boards" VALUES('28a29911a08d0a0e3e894dc421fa07f3','default','default',NULL,NULL,NULL,NULL,NULL,NULL,1,'b00t',1795990000,3);
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sub_id INTEGER NOT NULL REFERENCES kanban_notify_subs (id),
    event_id INTEGER NOT NULL,
    dedup_key TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER,
    delivered_at INTEGER,
    reason TEXT, batch TEXT, receipt TEXT, closed_at INTEGER, wake_at INTEGER, dropped_at INTEGER,
    UNIQUE (sub_id, event_id),
    CHECK (state <> 'waiting' OR next_attempt_at IS NOT NULL),
    CHECK (state <> 'dead' OR reason IS NOT NULL),
    CHECK (state <> 'delivered' OR delivered_at IS NOT NULL)
) STRICT;
INSERT INTO "deliveries" VALUES(1,1,7,'28a29911a08d0a0e3e894dc421fa07f3:1:7','waiting',0,1795997268,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "deliveries" VALUES(2,1,8,'28a29911a08d0a0e3e894dc421fa07f3:1:8','waiting',0,1795997268,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "deliveries" VALUES(3,1,9,'28a29911a08d0a0e3e894dc421fa07f3:1:9','waiting',0,1795997268,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "deliveries" VALUES(4,1,10,'28a29911a08d0a0e3e894dc421fa07f3:1:10','waiting',0,1795997268,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "deliveries" VALUES(5,1,11,'28a29911a08d0a0e3e894dc421fa07f3:1:11','waiting',0,1795997268,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "deliveries" VALUES(6,1,12,'28a29911a08d0a0e3e894dc421fa07f3:1:12','waiting',0,1795997268,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "deliveries" VALUES(7,1,13,'28a29911a08d0a0e3e894dc421fa07f3:1:13','waiting',0,1795997268,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "deliveries" VALUES(8,1,14,'28a29911a08d0a0e3e894dc421fa07f3:1:14','waiting',0,1795997268,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE imported_tasks (
    source TEXT NOT NULL,
    foreign_id TEXT NOT NULL,
    task_id TEXT REFERENCES tasks (id),
    -- What the source said when it was last read, as JSON.
    seen TEXT NOT NULL,
    PRIMARY KEY (source, foreign_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "imported_tasks" VALUES('trello','77','t_pn4o3w','{}');
CREATE TABLE imports (
    first_event_id INTEGER PRIMARY KEY,
    last_event_id INTEGER NOT NULL,
    source TEXT NOT NULL,
    imported_by TEXT NOT NULL,
    imported_at INTEGER NOT NULL
) STRICT;
INSERT INTO "imports" VALUES(14,14,'trello','person:ann',1795997268);
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
INSERT INTO "kanban_notify_subs" VALUES(1,NULL,'{"kinds":["all"]}','log','notify',14,6,'person:ann',1795997268,NULL,NULL,NULL);
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
INSERT INTO "schema_migrations" VALUES(1,'initial',1795997267);
INSERT INTO "schema_migrations" VALUES(2,'queue_and_clock',1795997267);
INSERT INTO "schema_migrations" VALUES(3,'agents',1795997267);
INSERT INTO "schema_migrations" VALUES(4,'looking',1795997267);
INSERT INTO "schema_migrations" VALUES(5,'notify',1795997267);
INSERT INTO "schema_migrations" VALUES(6,'outbox',1795997267);
INSERT INTO "schema_migrations" VALUES(7,'imports',1796004604);
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
INSERT INTO "task_comments" VALUES(1,'t_icefii',1,'profile:writer','Half way',1795997268);
CREATE TABLE task_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT REFERENCES tasks (id),
    run_id INTEGER REFERENCES task_runs (id),
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    payload TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
INSERT INTO "task_events" VALUES(1,'t_icefii',NULL,'created','person:ann','{"task":{"title":"Write the outline","assignee":"writer","tenant":"docs","priority":5,"skills":"[\"outlining\"]","idempotency_key":"outline","workspace_kind":"scratch","status":"ready","effective_priority":5,"created_at":1795997268,"created_by":"person:ann","consecutive_failures":0,"id":"t_icefii","seq":1}}',1795997268);
INSERT INTO "task_events" VALUES(2,'t_755z4u',NULL,'created','person:ann','{"task":{"title":"Write the draft","assignee":"writer","priority":0,"skills":"[]","workspace_kind":"scratch","status":"todo","effective_priority":0,"created_at":1795997268,"created_by":"person:ann","consecutive_failures":0,"id":"t_755z4u","seq":2},"parents":["t_icefii"]}',1795997268);
INSERT INTO "task_events" VALUES(3,'t_755z4u',NULL,'linked','person:ann','{"link":{"op":"add","parent_id":"t_icefii","child_id":"t_755z4u"}}',1795997268);
INSERT INTO "task_events" VALUES(4,'t_pn4o3w',NULL,'created','person:ann','{"task":{"title":"An idea","priority":0,"skills":"[]","workspace_kind":"scratch","status":"triage","effective_priority":0,"created_at":1795997268,"created_by":"person:ann","consecutive_failures":0,"id":"t_pn4o3w","seq":3}}',1795997268);
INSERT INTO "task_events" VALUES(5,'t_l2ehw4',NULL,'created','person:ann','{"task":{"title":"Choose a colour","assignee":"painter","priority":0,"skills":"[]","workspace_kind":"scratch","status":"ready","effective_priority":0,"created_at":1795997268,"created_by":"person:ann","consecutive_failures":0,"id":"t_l2ehw4","seq":4}}',1795997268);
INSERT INTO "task_events" VALUES(6,'t_iws53b',NULL,'created','person:ann','{"task":{"title":"Left alone","assignee":"counter","priority":0,"skills":"[]","workspace_kind":"scratch","status":"ready","effective_priority":0,"created_at":1795997268,"created_by":"person:ann","consecutive_failures":0,"id":"t_iws53b","seq":5}}',1795997268);
INSERT INTO "task_events" VALUES(7,'t_icefii',1,'claimed','profile:writer','{"task":{"status":"running","claim_lock":"8d98df0eb561ba7e36db935020ffd26c","current_run_id":1,"started_at":1795997268},"run":{"id":1,"task_id":"t_icefii","profile":"writer","claimer":"by hand","claim_lock":"8d98df0eb561ba7e36db935020ffd26c","started_at":1795997268}}',1795997268);
INSERT INTO "task_events" VALUES(8,'t_icefii',1,'commented','profile:writer','{"comment_id":1}',1795997268);
INSERT INTO "task_events" VALUES(9,'t_icefii',1,'completed','profile:writer','{"task":{"completed_at":1795997268,"result":"Three chapters","status":"done","claim_lock":null,"current_run_id":null},"run":{"id":1,"summary":"ten pages each","metadata":"{\"pages\":30}","ended_at":1795997268,"outcome":"completed"}}',1795997268);
INSERT INTO "task_events" VALUES(10,'t_755z4u',NULL,'promoted','system','{"parent_id":"t_icefii","task":{"status":"ready"}}',1795997268);
INSERT INTO "task_events" VALUES(11,'t_l2ehw4',2,'claimed','profile:painter','{"task":{"status":"running","claim_lock":"4d980da8a57d6530883e7b0a66d2721f","current_run_id":2,"started_at":1795997268},"run":{"id":2,"task_id":"t_l2ehw4","profile":"painter","claimer":"by hand","claim_lock":"4d980da8a57d6530883e7b0a66d2721f","started_at":1795997268}}',1795997268);
INSERT INTO "task_events" VALUES(12,'t_l2ehw4',2,'blocked','profile:painter','{"block_kind":"needs_input","reason":"red or blue?","lifted_by":"answer with: hermes-kanban unblock t_l2ehw4 --reason ANSWER","task":{"block_kind":"needs_input","block_reason":"red or blue?","status":"blocked","claim_lock":null,"current_run_id":null},"run":{"id":2,"error":"red or blue?","ended_at":1795997268,"outcome":"blocked"}}',1795997268);
INSERT INTO "task_events" VALUES(13,'t_755z4u',3,'claimed','profile:writer','{"task":{"status":"running","claim_lock":"f545fd076d261abee7ef073f59728c5b","current_run_id":3,"started_at":1795997268},"run":{"id":3,"task_id":"t_755z4u","profile":"writer","claimer":"by hand","claim_lock":"f545fd076d261abee7ef073f59728c5b","started_at":1795997268}}',1795997268);
INSERT INTO "task_events" VALUES(14,'t_iws53b',NULL,'archived','person:ann','{"task":{"status":"archived"}}',1795997268);
INSERT INTO "task_events" VALUES(15,'t_wsa6x5',NULL,'created','person:ann','{"task":{"title":"Since imports","assignee":"writer","priority":0,"skills":"[]","workspace_kind":"scratch","status":"ready","effective_priority":0,"created_at":1796004604,"created_by":"person:ann","consecutive_failures":0,"id":"t_wsa6x5","seq":6}}',1796004604);
CREATE TABLE task_links (
    parent_id TEXT NOT NULL REFERENCES tasks (id),
    child_id TEXT NOT NULL REFERENCES tasks (id),
    created_at INTEGER NOT NULL,
    released_at INTEGER,
    PRIMARY KEY (parent_id, child_id),
    CHECK (parent_id <> child_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "task_links" VALUES('t_icefii','t_755z4u',1795997268,NULL);
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
INSERT INTO "task_runs" VALUES(1,'t_icefii','writer','by hand',NULL,'8d98df0eb561ba7e36db935020ffd26c',1795998168,NULL,NULL,1795997268,1795997268,1795997268,'completed',NULL,NULL,NULL,NULL,NULL,0,NULL,'ten pages each','{"pages":30}',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "task_runs" VALUES(2,'t_l2ehw4','painter','by hand',NULL,'4d980da8a57d6530883e7b0a66d2721f',1795998168,NULL,NULL,1795997268,1795997268,1795997268,'blocked',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,'red or blue?',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "task_runs" VALUES(3,'t_755z4u','writer','by hand',NULL,'f545fd076d261abee7ef073f59728c5b',1795998168,NULL,NULL,1795997268,1795997268,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
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
INSERT INTO "tasks" VALUES(1,'t_icefii','Write the outline',NULL,'done','writer','docs',5,5,'["outlining"]',NULL,'outline',1795997268,'person:ann',NULL,NULL,NULL,1795997268,1795997268,'Three chapters',NULL,NULL,NULL,NULL,NULL,NULL,NULL,1795997268,NULL,NULL,0,'scratch',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "tasks" VALUES(2,'t_755z4u','Write the draft',NULL,'running','writer',NULL,0,0,'[]',NULL,NULL,1795997268,'person:ann',NULL,NULL,NULL,1795997268,NULL,NULL,NULL,NULL,NULL,'f545fd076d261abee7ef073f59728c5b',1795998168,NULL,3,1795997268,NULL,NULL,0,'scratch',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "tasks" VALUES(3,'t_pn4o3w','An idea',NULL,'triage',NULL,NULL,0,0,'[]',NULL,NULL,1795997268,'person:ann',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,'scratch',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "tasks" VALUES(4,'t_l2ehw4','Choose a colour',NULL,'blocked','painter',NULL,0,0,'[]',NULL,NULL,1795997268,'person:ann',NULL,NULL,NULL,1795997268,NULL,NULL,'needs_input','red or blue?',NULL,NULL,NULL,NULL,NULL,1795997268,NULL,NULL,0,'scratch',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "tasks" VALUES(5,'t_iws53b','Left alone',NULL,'archived','counter',NULL,0,0,'[]',NULL,NULL,1795997268,'person:ann',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,'scratch',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "tasks" VALUES(6,'t_wsa6x5','Since imports',NULL,'ready','writer',NULL,0,0,'[]',NULL,NULL,1796004604,'person:ann',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,'scratch',NULL,NULL,NULL,NULL,NULL,NULL);
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
CREATE INDEX said_by_age ON said (created_at);
CREATE INDEX deliveries_dead_by_id ON deliveries (id)
    WHERE state = 'dead' AND dropped_at IS NULL;
CREATE INDEX deliveries_by_event ON deliveries (event_id);
CREATE INDEX deliveries_to_wake ON deliveries (wake_at, id) WHERE wake_at IS NOT NULL;
CREATE INDEX imported_tasks_by_task ON imported_tasks (task_id) WHERE task_id IS NOT NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('tasks',6);
INSERT INTO "sqlite_sequence" VALUES('task_events',15);
INSERT INTO "sqlite_sequence" VALUES('kanban_notify_subs',1);
INSERT INTO "sqlite_sequence" VALUES('task_runs',3);
INSERT INTO "sqlite_sequence" VALUES('task_comments',1);
INSERT INTO "sqlite_sequence" VALUES('deliveries',8);
COMMIT;
