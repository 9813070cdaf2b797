"""The servers that the tests call: agno's, a2a-sdk's and langgraph-api's own, each with an agent that needs no model.

``python -m tests.http.servers.NAME PORT`` serves on 127.0.0.1. All their agents do as the first word of the message
says: ``fail``, ``pause``, ``wait``, or else answer with what they were given.
"""
