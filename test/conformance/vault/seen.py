"""What the scripts beside this file share: hvac, and a line for each thing that was seen to hold. They stop at the first that doesn't."""

import base64
import os

import hvac


def client(token="", namespace=None):
    """Without a token it brings none: not even the one in the environment or at home, as hvac by itself would."""
    return hvac.Client(url=os.environ["VAULT_ADDR"], token=token, namespace=namespace, verify=os.environ.get("VAULT_CACERT", True))


def b64(data):
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def holds(what, truth):
    if not truth:
        raise AssertionError(what)
    print("ok", what, flush=True)


def refused(what, kind, ask, words=""):
    """Answers the refusal."""
    try:
        ask()
    except kind as refusal:
        holds(what, words in str(refusal))
        return refusal
    raise AssertionError(f"{what}: was not refused")
