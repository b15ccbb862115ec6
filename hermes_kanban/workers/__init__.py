"""Worker processes. Imports nothing: every supervisor starts through here."""
