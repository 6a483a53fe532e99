"""The server around the application: processes, connections, logs, health, maintenance."""
