"""``hermes-kanban selftest``: the crash test, on the user's own disk and in the user's own home.

Real processes write to boards of their own, are killed at every step, and what is left is judged.
"""
