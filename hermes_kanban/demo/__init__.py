"""The board at work on this very source tree: a real gateway, real workers, one real crash."""
