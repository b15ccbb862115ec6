"""The reference pages of the documentation, each made of the one place in code that defines it.

``python -m hermes_kanban.reference`` writes them to docs/reference. Nothing imports this package
but that command and the test that holds the pages fresh.
"""
