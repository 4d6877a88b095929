"""The server below the application: sockets, TLS, uvicorn's protocols with our limits, connections, signals, watchdog.

It passes requests on and never reads their content. No other package uses parts that uvicorn does not promise.
"""
