"""``make run``: real workers measure this repository under a real gateway, on a board in the clone.

Nothing here is part of the board: it files a plan, starts the gateway as anybody would, kills one
worker, and shows what happens. Its agents are programs of their own, in ``agents``.
"""
