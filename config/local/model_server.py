"""The process that serves the embedded model: llama.cpp's server, run by `xllamacpp` inside of this one.

It speaks OpenAI's protocol under /v1 and answers /health once the model is loaded.
"""

import importlib
import os
import sys
import threading
import time
from typing import Any

SLOTS = 2  # Conversations answered at the same time; each has CONTEXT_TOKENS of its own.
CONTEXT_TOKENS = 4096
LONGEST_ANSWER = 1024
KEY_VARIABLE = "EMBEDDED_MODEL_KEY"  # Not an argument: anybody on the machine can read those.


def end_with(parent: int) -> None:
    """Leave when the launcher is gone, also when it had no chance to say so."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


def serve(weights: str, name: str, port: int, key: str) -> object:
    xllamacpp: Any = importlib.import_module("xllamacpp")  # It has no types.
    params = xllamacpp.CommonParams()
    params.model.path = weights
    params.model_alias = {name}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.reuse_port = True  # The launcher holds the port, so that a second start of this process gets it again.
    params.api_keys = [key]  # Without one, any page in a browser on this machine could use it.
    params.n_parallel = SLOTS
    params.n_ctx = SLOTS * CONTEXT_TOKENS
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 2
    # A model so small falls into repeating itself, and would not stop.
    params.n_predict = LONGEST_ANSWER
    params.sampling.penalty_repeat = 1.1
    params.cache_ram_mib = 256
    params.ui = False
    return xllamacpp.Server(params)


if __name__ == "__main__":
    weights, name, port, parent = sys.argv[1:]
    threading.Thread(target=end_with, args=(int(parent),), daemon=True).start()
    server = serve(weights, name, int(port), os.environ.pop(KEY_VARIABLE))
    threading.Event().wait()
