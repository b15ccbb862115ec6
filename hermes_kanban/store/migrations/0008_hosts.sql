-- Schema version 8: several hosts at one board, each known by its row; attached files in the board.

CREATE TABLE hosts (
    host_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    -- A host that drains starts nothing new.
    state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'draining')),
    -- How its clocks stood when it last looked: the wall clock minus the clock of that boot, and
    -- the seconds slept since then.
    boot TEXT,
    clock_offset INTEGER,
    clock_suspended INTEGER,
    -- By how many seconds each the board was shifted since, by other hosts: a JSON array.
    clock_jumps TEXT NOT NULL DEFAULT '[]',
    -- The gateway that dispatches there; null: none does, since last_seen_at.
    gateway_pid INTEGER,
    gateway_url TEXT,
    version TEXT,
    capabilities TEXT NOT NULL DEFAULT '[]',
    -- The profiles whose tasks it may start, as a JSON array like the capabilities.
    profiles TEXT NOT NULL DEFAULT '[]',
    -- What a run of a profile takes of what all share, as JSON: {profile: {resource: number}}.
    resources TEXT NOT NULL DEFAULT '{}',
    max_in_progress INTEGER,
    started_at INTEGER,
    last_seen_at INTEGER,
    drained_at INTEGER,
    drained_by TEXT,
    -- When another host noticed that it is not heard of any more.
    lost_at INTEGER,
    CHECK ((state = 'draining') = (drained_at IS NOT NULL)),
    CHECK ((boot IS NULL) = (clock_offset IS NULL)),
    CHECK ((boot IS NULL) = (clock_suspended IS NULL)),
    CHECK (gateway_pid IS NULL OR (started_at IS NOT NULL AND last_seen_at IS NOT NULL)),
    CHECK (lost_at IS NULL OR gateway_pid IS NOT NULL)
) STRICT;

-- The clocks' stand is each host's own. The columns stay, for programs that knew no hosts read them
-- until they learn at their next write that the board is too new for them.
UPDATE boards SET clock_boot = NULL, clock_offset = NULL, clock_suspended = NULL;

-- What attached files hold, where hosts that share the board share no folder; else they are files.
CREATE TABLE attachment_contents (
    sha256 TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;
