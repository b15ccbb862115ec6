-- Schema version 3: what a run knows of its agent, and how a task's next run begins.

-- Who answers for the model, beside which one; null: as the profile says.
ALTER TABLE tasks ADD COLUMN provider TEXT;
-- 1: the next run goes on with the last conversation, 0: it starts afresh; null: as the profile says.
ALTER TABLE tasks ADD COLUMN resume INTEGER CHECK (resume IN (0, 1));

-- The task's wish as this run found it.
ALTER TABLE task_runs ADD COLUMN resume INTEGER CHECK (resume IN (0, 1));
ALTER TABLE task_runs ADD COLUMN runtime TEXT;
-- The runtime's own name of the conversation, by which it can be continued.
ALTER TABLE task_runs ADD COLUMN session TEXT;
-- What the runtime reports of its cost, as JSON.
ALTER TABLE task_runs ADD COLUMN usage TEXT;
-- SHA-256 of the token by which the run's tools prove themselves over HTTP.
ALTER TABLE task_runs ADD COLUMN token_hash TEXT;
-- The newest event that the run was told of; null: none since its claim.
ALTER TABLE task_runs ADD COLUMN inbox_cursor INTEGER;

CREATE UNIQUE INDEX task_runs_token ON task_runs (token_hash)
    WHERE token_hash IS NOT NULL AND ended_at IS NULL;
