"""What people and agents say on the sample board."""

from __future__ import annotations

from typing import Final

PROFILES: Final = {
    "backend": "Services, storage and the public API",
    "codex-infra": "Pipelines, images and releases",
    "docs": "Guides, runbooks and the changelog",
    "frontend": "The console's pages",
    "planner": "Breaks plans into tasks",
    "reviewer": "Reads what others hand in",
    "tester": "Load, faults and reproductions",
}

FINISHED: Final = (
    "Page the list of keys by cursor",
    "Show the last use of a key",
    "Refuse a scope that the owner lacks",
    "Bump the Redis client to 5.2",
    "Move the clock of tests into a fixture",
    "Retry a webhook with its own key",
    "Tell a revoked key from an expired one",
    "Cache the tenant of a key for a minute",
    "Staging certificate for the callback host",
    "Audit page: filter by actor",
    "Load profile of the login page",
    "Docs: one example for each error",
    "Alert when the queue is older than 5 min",
    "Drop an index that nothing reads",
    "Dark theme for the usage chart",
    "Seed ten tenants for demos",
    "Nightly job: name what it deleted",
)

PLAN: Final = """\
Keys can be rotated without a gap, seen in use, and revoked at once.

1. What may go wrong comes first: a threat model.
2. Hashes before anything reads them.
3. Rotation is the risk: test it under load.
"""

ROTATE: Final = """\
Customers rotate a key and see a burst of 401s, because the cache forgets the old key before
their fleet has the new one.

- Accept both keys for `rotation_grace` (default 10 min).
- Cache lookups read the new hash first, then the old one.
- Write one audit event for each use of an old key.

## Done when
- [x] `tests/keys` passes
- [x] the old key works until the grace ends
- [ ] a rotation under 200 requests a second shows no 401

```python
def lookup(digest: bytes) -> Key | None:
    return cache.get(digest) or store.find(digest, grace=settings.rotation_grace)
```
"""

CHECKLIST: Final = """\
- [x] behaviour is described in `docs/`
- [x] unit tests
- [x] metrics
- [ ] release note
"""
CHECKLIST_DONE: Final = CHECKLIST.replace("[ ]", "[x]")

WEBHOOK: Final = """\
A customer got the same webhook twice when our answer took over 30 s. Find out whether we send it
twice or their proxy repeats it. Use `tc` to slow the link.
"""

RESULT: Final = "Argon2id, 64 MiB, t=3, p=1: 41 ms a hash on the smallest machine."
NOTES: Final = "# Rotation\n\nBoth hashes are read inside the grace window; the newer wins.\n"
TABLE: Final = "requests a second,401s\n50,0\n100,0\n200,3\n"

GRACE_QUESTION: Final = """\
Is the grace window the same for everybody, or does each tenant set its own?

- One for all
- Per tenant
"""
PLANNER_SAYS: Final = """\
I kept the grace window per tenant in the plan. {audit} already writes the audit event, so only the
cache needs two reads.
"""
MARA_SAYS: Final = """\
Keep the old key valid for requests that **began** before the rotation, whatever the grace says.
"""
BACKEND_SAYS: Final = """\
Understood. I compare the start of the request, not the time of the lookup, and add a test for a
request that outlives the window.
"""
RETENTION_QUESTION: Final = """\
The privacy page says 30 days, the enterprise contract says 90. Which one is the job to use?

1. 30 days
2. 90 days
3. Make it a setting
"""
PUBLISH_LACKS: Final = (
    "There is no publish token in the environment. Set REGISTRY_TOKEN for codex-infra, then"
    " unblock."
)
IMPORTER_ASKS: Final = (
    "Does a posting without an invoice number stay in the importer?",
    "Who owns the posting rules after the split?",
    "The two halves share a table. Split it, or keep it?",
)
SIGN_SUMMARY: Final = (
    "HMAC-SHA256 with two live secrets and a window of 5 minutes. Nine files, +312 −48. All tests"
    " pass."
)

PLAN_LOG: Final = "reading docs/keys.md\nreading src/atlas/keys\n13 tasks filed\n"
DONE_LOG: Final = """\
plan: read, change, test
$ pytest -q
\x1b[32m48 passed\x1b[0m in 3.11s
"""
FAILED_LOG: Final = """\
$ pytest -q
\x1b[31mFAILED\x1b[0m test_delivery.py::test_once - assert 2 == 1
\x1b[31m1 failed\x1b[0m, 47 passed in 3.40s
"""
CRASH_LOG: Final = "$ pytest tests/keys -n 8\nworker gw3 crashed: out of memory\n"
ASK_LOG: Final = "reading the task\nthis is not mine to decide\n"
ROTATE_LOG: Final = """\
plan: three steps, the window of two reads first
$ pytest tests/keys -q
\x1b[31mFAILED\x1b[0m test_rotation.py::test_grace_window - assert 401 == 200
Edit src/atlas/keys/rotation.py  \x1b[32m+18\x1b[0m \x1b[31m-6\x1b[0m
Edit src/atlas/keys/cache.py  \x1b[32m+9\x1b[0m \x1b[31m-2\x1b[0m
$ pytest tests/keys -q
\x1b[32mPASS\x1b[0m tests/keys/test_hashing.py 22/22
\x1b[32mPASS\x1b[0m tests/keys/test_rotation.py 41/48
"""
REVOKE_LOG: Final = "Read src/keys/KeyList.tsx\nEdit src/keys/RevokeButton.tsx\n"
WEBHOOK_LOG: Final = (
    "$ tc qdisc add dev lo root netem delay 30s\nrun 212/500, 0 duplicates so far\n"
)
RUNNERS_LOG: Final = "$ terraform apply\nterraform apply: aws_instance.runner: still creating\n"
PUBLISH_LOG: Final = "$ npm publish --dry-run\nerror: no token\n"
RESTORE_LOG: Final = "restoring atlas_prod into scratch\nrestore timed out after 1800 s, 41 GB\n"

SOURCES: Final = {
    "src/atlas/keys/cache.py": """\
from atlas.keys.store import find

_known = {}


def lookup(digest):
    key = _known.get(digest)
    if key is None:
        key = find(digest)
        _known[digest] = key
    return key


def forget(digest):
    _known.pop(digest, None)
""",
    "src/atlas/keys/rotation.py": """\
from atlas.keys import cache, store


def rotate(key, digest):
    old = key.digest
    store.replace(key, digest)
    cache.forget(old)
""",
    "docs/keys.md": "# Keys\n\nA key is rotated at once.\n",
}
CHANGED: Final = {
    "src/atlas/keys/cache.py": """\
from atlas.keys.store import find

_known = {}


def lookup(digest, began):
    key = _known.get(digest)
    if key is None:
        key = find(digest, began=began)
        _known[digest] = key
    return key if key is not None and key.valid_at(began) else None


def forget(digest):
    _known.pop(digest, None)
""",
    "src/atlas/keys/rotation.py": """\
from atlas.keys import audit, cache, store


def rotate(key, digest, grace):
    # Requests that began before now may still carry the old key.
    old = key.digest
    store.replace(key, digest, grace=grace)
    audit.rotated(key, old)
    cache.forget(old)
""",
    "tests/keys/test_rotation.py": """\
from atlas.keys import rotation


def test_a_request_that_outlives_the_window_keeps_its_key(clock, key):
    began = clock.now()
    rotation.rotate(key, b"new", grace=600)
    clock.advance(900)
    assert key.valid_at(began)
""",
}
