#!/opt/visionstack/venv/bin/python -IS
"""Ends with 0 if the service in this container can predict: the health check of the image.

It takes no arguments, since Docker's interface of podman splits a health check's words at spaces.
"""

import http.client
import os
import sys

connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["BENTOML_PORT"]), timeout=4)
try:
    connection.request("GET", "/readyz")
    sys.exit(connection.getresponse().status != 200)
except OSError as error:
    sys.exit(f"the service does not answer: {error}")
