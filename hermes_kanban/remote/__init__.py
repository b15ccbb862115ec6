"""The board from a machine without its database: by the gateways, with the token of one run."""
