"""The rules of the checker, one file a way of looking: rows, order of events, links, outbox."""
