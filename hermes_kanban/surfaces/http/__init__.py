"""What every HTTP surface checks before it reads a message: whence it came, how long it is."""
