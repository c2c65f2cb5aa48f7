"""Performs calls with boto3, configured by the environment alone. One call a line, one answer a line."""
import base64
import datetime
import json
import sys

import boto3
from botocore import xform_name
from botocore.exceptions import ClientError, ParamValidationError

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
    named = call["service"], call.get("region")
    if named not in clients:
        clients[named] = boto3.client(named[0], region_name=named[1])
    client = clients[named]
    method = getattr(client, xform_name(call["operation"]), None)
    if method is None or call.get("knows"):
        print(json.dumps({"unknown": method is None}), flush=True)
        continue
    try:
        output = method(**call["input"])
        output.pop("ResponseMetadata")
        answer = {"output": output}
    except ClientError as error:
        code = error.response["Error"]["Code"]
        known = type(error) is not ClientError
        answer = {"error": type(error).__name__ if known else code, "message": str(error), "isOfTheModel": known}
    except ParamValidationError as error:
        answer = {"error": "ClientSide", "message": str(error), "isOfTheModel": False}
    print(json.dumps(answer, default=told), flush=True)
