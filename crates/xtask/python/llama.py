"""llama.cpp's server as a value: started, asked, and gone with its `with`."""

import json
import socket
import subprocess
import time
import urllib.request


class Server:
    """llama.cpp's server on a model, until its `with` ends."""

    def __init__(self, build, model, *flags):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [build / "bin/llama-server", "-m", model, "--port", str(self.port), *flags]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **quiet)

    def __enter__(self):
        for _ in range(600):
            try:
                self.ask("/health", None)
                return self
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("llama-server does not answer")

    def __exit__(self, *_):
        self.process.kill()

    def ask(self, path, body):
        data = None if body is None else json.dumps(body).encode()
        return json.load(urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", data))
