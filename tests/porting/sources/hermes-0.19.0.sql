BEGIN TRANSACTION;
CREATE TABLE kanban_notify_subs (
    task_id       TEXT NOT NULL,
    platform      TEXT NOT NULL,
    chat_id       TEXT NOT NULL,
    thread_id     TEXT NOT NULL DEFAULT '',
    user_id       TEXT,
    notifier_profile TEXT,
    created_at    INTEGER NOT NULL,
    last_event_id INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (task_id, platform, chat_id, thread_id)
);
INSERT INTO "kanban_notify_subs" VALUES('t_ab105b15','telegram','42','',NULL,'default',1705993130,0);
CREATE TABLE task_attachments (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id      TEXT NOT NULL,
    filename     TEXT NOT NULL,
    stored_path  TEXT NOT NULL,
    content_type TEXT,
    size         INTEGER NOT NULL DEFAULT 0,
    uploaded_by  TEXT,
    created_at   INTEGER NOT NULL
);
INSERT INTO "task_attachments" VALUES(1,'t_ab105b15','note.txt','/home/maria/.hermes/kanban/attachments/t_ab105b15/note.txt','text/plain',6,'default',1705993127);
CREATE TABLE task_comments (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id    TEXT NOT NULL,
    author     TEXT NOT NULL,
    body       TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
INSERT INTO "task_comments" VALUES(1,'t_a4c1025f','maria','Keep it short.',1705993109);
INSERT INTO "task_comments" VALUES(2,'t_ab105b15','default','Which tone? Ünïcödé ✓',1705993114);
INSERT INTO "task_comments" VALUES(3,'t_1d9990f6','default','BLOCKED: Red or blue?',1705993116);
INSERT INTO "task_comments" VALUES(4,'t_9b144072','default','BLOCKED: The server does not answer',1705993118);
INSERT INTO "task_comments" VALUES(5,'t_0897b91d','default','SCHEDULED: First of the month',1705993120);
CREATE TABLE task_events (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id    TEXT NOT NULL,
    run_id     INTEGER,
    kind       TEXT NOT NULL,
    payload    TEXT,
    created_at INTEGER NOT NULL
);
INSERT INTO "task_events" VALUES(1,'t_a4c1025f',NULL,'created','{"assignee": "writer", "status": "ready", "parents": [], "tenant": "docs", "branch_name": null, "skills": ["outlining"], "goal_mode": null}',1705993095);
INSERT INTO "task_events" VALUES(2,'t_ab105b15',NULL,'created','{"assignee": "writer", "status": "todo", "parents": ["t_a4c1025f"], "tenant": null, "branch_name": null, "skills": null, "goal_mode": null}',1705993096);
INSERT INTO "task_events" VALUES(3,'t_db19eb70',NULL,'created','{"assignee": "reader", "status": "todo", "parents": ["t_ab105b15"], "tenant": null, "branch_name": null, "skills": null, "goal_mode": null}',1705993097);
INSERT INTO "task_events" VALUES(4,'t_528a28fd',NULL,'created','{"assignee": null, "status": "triage", "parents": [], "tenant": null, "branch_name": null, "skills": null, "goal_mode": null}',1705993099);
INSERT INTO "task_events" VALUES(5,'t_1d9990f6',NULL,'created','{"assignee": "painter", "status": "ready", "parents": [], "tenant": null, "branch_name": null, "skills": null, "goal_mode": null}',1705993099);
INSERT INTO "task_events" VALUES(6,'t_9b144072',NULL,'created','{"assignee": "fetcher", "status": "ready", "parents": [], "tenant": null, "branch_name": null, "skills": null, "goal_mode": null}',1705993101);
INSERT INTO "task_events" VALUES(7,'t_0897b91d',NULL,'created','{"assignee": "clerk", "status": "ready", "parents": [], "tenant": null, "branch_name": null, "skills": null, "goal_mode": null}',1705993102);
INSERT INTO "task_events" VALUES(8,'t_edc65a82',NULL,'created','{"assignee": "counter", "status": "ready", "parents": [], "tenant": null, "branch_name": null, "skills": null, "goal_mode": null}',1705993103);
INSERT INTO "task_events" VALUES(9,'t_3ea95062',NULL,'created','{"assignee": null, "status": "ready", "parents": [], "tenant": null, "branch_name": null, "skills": null, "goal_mode": null}',1705993104);
INSERT INTO "task_events" VALUES(10,'t_529fd74f',NULL,'created','{"assignee": null, "status": "ready", "parents": [], "tenant": null, "branch_name": null, "skills": null, "goal_mode": null}',1705993105);
INSERT INTO "task_events" VALUES(11,'t_79619281',NULL,'created','{"assignee": "builder", "status": "ready", "parents": [], "tenant": null, "branch_name": "wt/pump", "skills": null, "goal_mode": null}',1705993107);
INSERT INTO "task_events" VALUES(13,'t_a4c1025f',NULL,'commented','{"author": "maria", "len": 14}',1705993109);
INSERT INTO "task_events" VALUES(14,'t_a4c1025f',1,'claimed','{"lock": "vm:19800", "expires": 1705994010, "run_id": 1}',1705993110);
INSERT INTO "task_events" VALUES(15,'t_a4c1025f',1,'heartbeat','{"note": "half way"}',1705993111);
INSERT INTO "task_events" VALUES(16,'t_a4c1025f',1,'completed','{"result_len": 12, "summary": "Three chapters, ten pages each"}',1705993112);
INSERT INTO "task_events" VALUES(17,'t_ab105b15',NULL,'promoted',NULL,1705993112);
INSERT INTO "task_events" VALUES(18,'t_ab105b15',2,'claimed','{"lock": "vm:19934", "expires": 1705994013, "run_id": 2}',1705993113);
INSERT INTO "task_events" VALUES(19,'t_ab105b15',NULL,'commented','{"author": "default", "len": 21}',1705993114);
INSERT INTO "task_events" VALUES(20,'t_1d9990f6',NULL,'commented','{"author": "default", "len": 21}',1705993116);
INSERT INTO "task_events" VALUES(21,'t_1d9990f6',3,'blocked','{"reason": "Red or blue?", "kind": "needs_input", "recurrences": 1}',1705993116);
INSERT INTO "task_events" VALUES(22,'t_9b144072',4,'claimed','{"lock": "vm:20050", "expires": 1705994017, "run_id": 4}',1705993117);
INSERT INTO "task_events" VALUES(23,'t_9b144072',NULL,'commented','{"author": "default", "len": 35}',1705993118);
INSERT INTO "task_events" VALUES(24,'t_9b144072',4,'blocked','{"reason": "The server does not answer", "kind": "transient", "recurrences": 1}',1705993118);
INSERT INTO "task_events" VALUES(25,'t_0897b91d',NULL,'commented','{"author": "default", "len": 29}',1705993120);
INSERT INTO "task_events" VALUES(26,'t_0897b91d',5,'scheduled','{"reason": "First of the month"}',1705993120);
INSERT INTO "task_events" VALUES(27,'t_edc65a82',6,'claimed','{"lock": "vm:20098", "expires": 1705994021, "run_id": 6}',1705993121);
INSERT INTO "task_events" VALUES(28,'t_3ea95062',7,'completed','{"result_len": 17, "summary": "was done long ago"}',1705993122);
INSERT INTO "task_events" VALUES(29,'t_3ea95062',NULL,'archived',NULL,1705993124);
INSERT INTO "task_events" VALUES(30,'t_529fd74f',NULL,'archived',NULL,1705993125);
INSERT INTO "task_events" VALUES(31,'t_79619281',8,'claimed','{"lock": "vm:20153", "expires": 1705994025, "run_id": 8}',1705993125);
INSERT INTO "task_events" VALUES(32,'t_79619281',8,'reclaimed','{"manual": true, "reason": null, "prev_lock": "vm:20153", "prev_pid": null, "host_local": false, "termination_attempted": false, "terminated": false, "sigkill": false}',1705993126);
INSERT INTO "task_events" VALUES(33,'t_ab105b15',NULL,'attached','{"filename": "note.txt", "size": 6, "by": "default"}',1705993127);
CREATE TABLE task_links (
    parent_id  TEXT NOT NULL,
    child_id   TEXT NOT NULL,
    PRIMARY KEY (parent_id, child_id)
);
INSERT INTO "task_links" VALUES('t_a4c1025f','t_ab105b15');
INSERT INTO "task_links" VALUES('t_ab105b15','t_db19eb70');
CREATE TABLE task_runs (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id             TEXT NOT NULL,
    profile             TEXT,
    step_key            TEXT,
    status              TEXT NOT NULL,
    claim_lock          TEXT,
    claim_expires       INTEGER,
    worker_pid          INTEGER,
    max_runtime_seconds INTEGER,
    last_heartbeat_at   INTEGER,
    started_at          INTEGER NOT NULL,
    ended_at            INTEGER,
    outcome             TEXT,
    summary             TEXT,
    metadata            TEXT,
    error               TEXT
);
INSERT INTO "task_runs" VALUES(1,'t_a4c1025f','writer',NULL,'done',NULL,NULL,NULL,NULL,1705993111,1705993110,1705993112,'completed','Three chapters, ten pages each','{"changed_files": ["outline.md"]}',NULL);
INSERT INTO "task_runs" VALUES(2,'t_ab105b15','writer',NULL,'running','vm:19934',1705994013,NULL,1800,NULL,1705993113,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "task_runs" VALUES(3,'t_1d9990f6','painter',NULL,'blocked',NULL,NULL,NULL,NULL,NULL,1705993116,1705993116,'blocked','Red or blue?',NULL,NULL);
INSERT INTO "task_runs" VALUES(4,'t_9b144072','fetcher',NULL,'blocked',NULL,NULL,NULL,NULL,NULL,1705993117,1705993118,'blocked','The server does not answer',NULL,NULL);
INSERT INTO "task_runs" VALUES(5,'t_0897b91d','clerk',NULL,'scheduled',NULL,NULL,NULL,NULL,NULL,1705993120,1705993120,'scheduled','First of the month',NULL,NULL);
INSERT INTO "task_runs" VALUES(6,'t_edc65a82','counter',NULL,'running','vm:20098',1705994021,NULL,NULL,NULL,1705993121,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "task_runs" VALUES(7,'t_3ea95062',NULL,NULL,'completed',NULL,NULL,NULL,NULL,NULL,1705993122,1705993122,'completed','was done long ago',NULL,NULL);
INSERT INTO "task_runs" VALUES(8,'t_79619281','builder',NULL,'reclaimed',NULL,NULL,NULL,NULL,NULL,1705993125,1705993126,'reclaimed',NULL,'{"prev_pid": null, "host_local": false, "termination_attempted": false, "terminated": false, "sigkill": false}','manual_reclaim lock=vm:20153');
CREATE TABLE tasks (
    id                   TEXT PRIMARY KEY,
    title                TEXT NOT NULL,
    body                 TEXT,
    assignee             TEXT,
    status               TEXT NOT NULL,
    priority             INTEGER DEFAULT 0,
    created_by           TEXT,
    created_at           INTEGER NOT NULL,
    started_at           INTEGER,
    completed_at         INTEGER,
    workspace_kind       TEXT NOT NULL DEFAULT 'scratch',
    workspace_path       TEXT,
    branch_name          TEXT,
    project_id           TEXT,
    claim_lock           TEXT,
    claim_expires        INTEGER,
    tenant               TEXT,
    result               TEXT,
    idempotency_key      TEXT,
    consecutive_failures INTEGER NOT NULL DEFAULT 0,
    worker_pid           INTEGER,
    last_failure_error   TEXT,
    max_runtime_seconds  INTEGER,
    last_heartbeat_at    INTEGER,
    current_run_id       INTEGER,
    workflow_template_id TEXT,
    current_step_key     TEXT,
    skills               TEXT,
    model_override       TEXT,
    max_retries          INTEGER,
    goal_mode            INTEGER NOT NULL DEFAULT 0,
    goal_max_turns       INTEGER,
    session_id           TEXT,
    block_kind           TEXT,
    block_recurrences    INTEGER NOT NULL DEFAULT 0
);
INSERT INTO "tasks" VALUES('t_a4c1025f','Write the outline','Three chapters.','writer','done',5,'user',1705993095,1705993110,1705993112,'scratch','/home/maria/.hermes/kanban/workspaces/t_a4c1025f',NULL,NULL,NULL,NULL,'docs','Outline done',NULL,0,NULL,NULL,NULL,1705993111,NULL,NULL,NULL,'["outlining"]',NULL,NULL,0,NULL,NULL,NULL,0);
INSERT INTO "tasks" VALUES('t_ab105b15','Write the draft',NULL,'writer','running',0,'user',1705993096,1705993113,NULL,'scratch','/home/maria/.hermes/kanban/workspaces/t_ab105b15',NULL,NULL,'vm:19934',1705994013,NULL,NULL,NULL,0,NULL,NULL,1800,NULL,2,NULL,NULL,NULL,NULL,2,0,NULL,NULL,NULL,0);
INSERT INTO "tasks" VALUES('t_db19eb70','Read the proofs',NULL,'reader','todo',0,'user',1705993097,NULL,NULL,'scratch',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,0);
INSERT INTO "tasks" VALUES('t_528a28fd','An idea',NULL,NULL,'triage',0,'maria',1705993099,NULL,NULL,'scratch',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,0);
INSERT INTO "tasks" VALUES('t_1d9990f6','Choose a colour',NULL,'painter','blocked',0,'user',1705993099,NULL,NULL,'scratch',NULL,NULL,NULL,NULL,NULL,NULL,NULL,'colour',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'needs_input',1);
INSERT INTO "tasks" VALUES('t_9b144072','Fetch the numbers',NULL,'fetcher','blocked',0,'user',1705993101,1705993117,NULL,'scratch','/home/maria/.hermes/kanban/workspaces/t_9b144072',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'transient',1);
INSERT INTO "tasks" VALUES('t_0897b91d','Send the invoices',NULL,'clerk','scheduled',0,'user',1705993102,NULL,NULL,'scratch',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,0);
INSERT INTO "tasks" VALUES('t_edc65a82','Count the words',NULL,'counter','running',0,'user',1705993103,1705993121,NULL,'dir','/srv/words',NULL,NULL,'vm:20098',1705994021,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,6,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,0);
INSERT INTO "tasks" VALUES('t_3ea95062','An old thing',NULL,NULL,'archived',0,'user',1705993104,NULL,1705993122,'scratch',NULL,NULL,NULL,NULL,NULL,NULL,'was done long ago',NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,0);
INSERT INTO "tasks" VALUES('t_529fd74f','Never mind',NULL,NULL,'archived',0,'user',1705993105,NULL,NULL,'scratch',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,0);
INSERT INTO "tasks" VALUES('t_79619281','Mend the pump',NULL,'builder','ready',0,'user',1705993107,1705993125,NULL,'worktree',NULL,'wt/pump',NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,0);
CREATE INDEX idx_tasks_assignee_status ON tasks(assignee, status);
CREATE INDEX idx_tasks_status          ON tasks(status);
CREATE INDEX idx_links_child           ON task_links(child_id);
CREATE INDEX idx_links_parent          ON task_links(parent_id);
CREATE INDEX idx_comments_task         ON task_comments(task_id, created_at);
CREATE INDEX idx_events_task           ON task_events(task_id, created_at);
CREATE INDEX idx_runs_task             ON task_runs(task_id, started_at);
CREATE INDEX idx_runs_status           ON task_runs(status);
CREATE INDEX idx_attachments_task      ON task_attachments(task_id, created_at);
CREATE INDEX idx_notify_task           ON kanban_notify_subs(task_id);
CREATE INDEX idx_tasks_tenant ON tasks(tenant);
CREATE INDEX idx_tasks_idempotency ON tasks(idempotency_key);
CREATE INDEX idx_tasks_session_id ON tasks(session_id);
CREATE INDEX idx_events_run ON task_events(run_id, id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('task_events',34);
INSERT INTO "sqlite_sequence" VALUES('task_comments',5);
INSERT INTO "sqlite_sequence" VALUES('task_runs',8);
INSERT INTO "sqlite_sequence" VALUES('task_attachments',1);
COMMIT;
