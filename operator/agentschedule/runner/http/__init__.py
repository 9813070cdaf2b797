"""The bundled runner for agents behind HTTP: ``python -m agentschedule.runner.http``.

``__main__`` runs one attempt; ``follow`` starts, follows and cancels a run through one ``Protocol``; each protocol is a
module (``endpoint`` for plain JSON, ``agno``, ``a2a``, ``langgraph``); ``transport`` sends every request of theirs.
"""
