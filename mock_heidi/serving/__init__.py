"""The server below the application: sockets, uvicorn's protocols with our limits, connections, signals, the watchdog.

It passes requests on and never reads their content. No other package uses parts that uvicorn does not promise.
"""
