"""Performs calls with boto3, configured by the environment alone. One call a line, one answer a line."""
import base64
import datetime
import json
import sys

import boto3
from botocore import xform_name
from botocore.exceptions import ClientError

clients = {}


def asked(fields):
    return base64.b64decode(fields["$bytes"]) if set(fields) == {"$bytes"} else fields


def told(value):
    if isinstance(value, (bytes, bytearray)):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    raise TypeError(f"{value!r}")


for line in sys.stdin:
    call = json.loads(line, object_hook=asked)
    service = call["service"]
    if service not in clients:
        clients[service] = boto3.client(service)
    client = clients[service]
    method = getattr(client, xform_name(call["operation"]), None)
    if method is None:
        print(json.dumps({"unknown": True}), flush=True)
        continue
    try:
        output = method(**call["input"])
        output.pop("ResponseMetadata")
        answer = {"output": output}
    except ClientError as error:
        code = error.response["Error"]["Code"]
        known = isinstance(error, getattr(client.exceptions, code, ())) if code.isidentifier() else False
        answer = {"error": code, "message": str(error), "isOfTheModel": known}
    print(json.dumps(answer, default=told), flush=True)
