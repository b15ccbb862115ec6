-- Schema version 5: subscriptions to trees, with digests, quiet hours and wakes; messages that can
-- be edited once their question is decided.

-- How it is delivered, as JSON; null: each at once, to its destination.
ALTER TABLE kanban_notify_subs ADD COLUMN options TEXT;
-- The subscription to a tree that this one was inherited from; null: it was asked for itself.
ALTER TABLE kanban_notify_subs ADD COLUMN root_id INTEGER;

-- The key of the digest that it was sent in.
ALTER TABLE deliveries ADD COLUMN batch TEXT;
-- The destination's own id of the message.
ALTER TABLE deliveries ADD COLUMN receipt TEXT;
-- Nothing in the message is open any more; null: it has not been sent, or may have to be edited.
ALTER TABLE deliveries ADD COLUMN closed_at INTEGER;
-- When its agent is to be woken; null: nobody is, or it has been.
ALTER TABLE deliveries ADD COLUMN wake_at INTEGER;

CREATE INDEX notify_subs_inherited ON kanban_notify_subs (root_id) WHERE root_id IS NOT NULL;
CREATE INDEX deliveries_by_batch ON deliveries (batch) WHERE batch IS NOT NULL;
CREATE INDEX deliveries_by_receipt ON deliveries (receipt) WHERE receipt IS NOT NULL;
CREATE INDEX deliveries_to_close ON deliveries (id)
    WHERE receipt IS NOT NULL AND closed_at IS NULL;
CREATE INDEX deliveries_to_wake ON deliveries (wake_at, id)
    WHERE state = 'waiting' AND wake_at IS NOT NULL;

-- What was said in a chat and done, by the platform's id of it, with the answer: said again because
-- the gateway died in between, it is answered again and not done again.
CREATE TABLE said (
    key TEXT PRIMARY KEY,
    answer TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX said_by_age ON said (created_at);
