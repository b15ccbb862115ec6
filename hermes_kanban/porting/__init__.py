"""Readers of other trackers' files: each turns what it reads into ``model.foreign`` tasks.

They know nothing of rows and events; ``kernel.importing`` writes what they read.
"""
