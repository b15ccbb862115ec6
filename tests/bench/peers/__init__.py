"""Other queues that keep their work in SQLite, on the same work in the same run.

Each is driven in an environment of its own (``venvs``) by one program (``runner``), ours too. One
that cannot be fetched or does not do the work has a row that says so, and the rest goes on.
"""
