#!/bin/bash
# Make a small Hermes board with the command line of hermes-agent 0.19.0, in an empty HERMES_HOME
set -e
k() { hermes kanban "$@"; }
id() { python3 -c 'import json,sys; print(json.load(sys.stdin)["id"])'; }
k init >/dev/null
outline=$(k create "Write the outline" --body "Three chapters." --assignee writer --tenant docs --priority 5 --skill outlining --json | id)
draft=$(k create "Write the draft" --assignee writer --parent $outline --max-runtime 30m --max-retries 2 --json | id)
proof=$(k create "Read the proofs" --assignee reader --parent $draft --json | id)
idea=$(k create "An idea" --triage --created-by maria --json | id)
ask=$(k create "Choose a colour" --assignee painter --idempotency-key colour --json | id)
flaky=$(k create "Fetch the numbers" --assignee fetcher --json | id)
later=$(k create "Send the invoices" --assignee clerk --json | id)
running=$(k create "Count the words" --assignee counter --workspace dir:/srv/words --json | id)
old=$(k create "An old thing" --json | id)
dropped=$(k create "Never mind" --json | id)
tree=$(k create "Mend the pump" --assignee builder --workspace worktree --branch wt/pump --json | id)
gone=$(k create "Purged" --json | id)
k comment $outline "Keep it short." --author maria
k claim $outline
k heartbeat $outline --note "half way"
k complete $outline --result "Outline done" --summary "Three chapters, ten pages each" --metadata '{"changed_files": ["outline.md"]}'
k claim $draft
k comment $draft "Which tone? Ünïcödé ✓"
k block $ask "Red or blue?" --kind needs_input
k claim $flaky
k block $flaky "The server does not answer" --kind transient
k schedule $later "First of the month"
k claim $running
k complete $old --result "was done long ago"
k archive $old
k archive $dropped
k claim $tree
k reclaim $tree
printf 'hello\n' > note.txt
k attach $draft note.txt
k archive $gone; k archive --rm $gone
k notify-subscribe $draft --platform telegram --chat-id 42 || true
