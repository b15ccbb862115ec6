"""The board as tools for agents: a server of the Model Context Protocol, on stdio and over HTTP."""
