"""The board over HTTP: ``/api/v1``, generated from the table of verbs, and the live socket."""
