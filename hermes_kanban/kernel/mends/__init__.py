"""What ``mend`` does, one file a subject: claims, gates, stories, outbox."""
