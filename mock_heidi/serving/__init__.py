"""The server below the application: sockets, uvicorn's protocols with our limits, connections, signals, the watchdog.

It passes requests on and never looks at what they ask for. It alone uses parts that uvicorn does not promise.
"""
