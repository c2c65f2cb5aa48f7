"""Performs calls with the AWS CLI, configured by the environment alone. One call a line, one answer a line.

Version 1 is a Python package, whose own driver is given the arguments here, so that no call pays for a start of its own;
version 2 is a program, and started for each.
"""
import base64
import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile

import botocore.session
from botocore import xform_name

try:
    from awscli.clidriver import create_clidriver
except ImportError:
    create_clidriver = None

folder = tempfile.TemporaryDirectory(prefix="claviger-cli-")
# Version 1 would fetch a parameter that is a URL.
os.environ["AWS_CONFIG_FILE"] = os.path.join(folder.name, "config")
with open(os.environ["AWS_CONFIG_FILE"], "w") as config:
    config.write("[default]\ncli_follow_urlparam = false\n")
driver = create_clidriver and create_clidriver()
models = botocore.session.get_session()
files = 0


def blob(value):
    global files
    files += 1
    path = os.path.join(folder.name, str(files))
    with open(path, "wb") as file:
        file.write(base64.b64decode(value["$bytes"]))
    return "fileb://" + path


def arguments(shape, given):
    for name, value in given.items():
        if name not in shape.members:
            raise ValueError(f"{shape.name} has no {name}")
        option, kind = "--" + xform_name(name, "-"), shape.members[name].type_name
        if kind == "boolean":
            yield option if value else "--no-" + option[2:]
        elif kind == "blob":
            yield f"{option}={blob(value)}"
        elif kind in ("structure", "list", "map"):
            yield f"{option}={json.dumps(value)}"
        else:
            yield f"{option}={value}"


def told(shape, value):
    if value is None:
        return None
    if shape.type_name == "blob":
        return {"$bytes": value}
    if shape.type_name == "structure":
        return {name: told(shape.members[name], inner) for name, inner in value.items()}
    if shape.type_name == "list":
        return [told(shape.member, inner) for inner in value]
    return value


def run(given):
    # A region that is given stays with the driver that it was given to.
    chosen = create_clidriver() if driver and "--region" in given else driver
    if chosen is None:
        done = subprocess.run(["aws", *given], capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = chosen.main(given)
        except SystemExit as stop:
            status = stop.code
    return status, out.getvalue(), err.getvalue()


def perform(call):
    service, operation = call["service"], call["operation"]
    known = operation in models.get_service_model(service).operation_names
    if not known or call.get("knows"):
        return {"unknown": not known}
    model = models.get_service_model(service).operation_model(operation)
    given = [service, xform_name(operation, "-"), "--output", "json"]
    given += arguments(model.input_shape, call["input"])
    if call.get("region"):
        given += ["--region", call["region"]]
    status, out, err = run(given)
    if status == 0:
        parsed = json.loads(out) if out.strip() else {}
        return {"output": told(model.output_shape, parsed) if model.output_shape else parsed}
    code = re.search(r"\((\w+)\) when calling", err)
    return {"error": code.group(1) if code else "ClientSide", "message": err.strip(), "isOfTheModel": True}


for line in sys.stdin:
    try:
        answer = perform(json.loads(line))
    except Exception as error:
        answer = {"error": "ClientSide", "message": repr(error), "isOfTheModel": False}
    print(json.dumps(answer), flush=True)
