"""What boto3 does with AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE, and with a presigned GetCallerIdentity."""

import base64
import json
import sys
import urllib.request

import boto3
from botocore.exceptions import ClientError

identity = boto3.client("sts").get_caller_identity()
kms = boto3.client("kms")
sealed = kms.encrypt(KeyId="alias/first", Plaintext=b"by boto3")["CiphertextBlob"]
opened = kms.decrypt(CiphertextBlob=sealed)["Plaintext"]
url = boto3.client("sts").generate_presigned_url("get_caller_identity", HttpMethod="GET", ExpiresIn=60)
with urllib.request.urlopen(url) as answer:
    presigned = answer.read().decode()
try:
    kms.disable_key(KeyId=kms.describe_key(KeyId="alias/first")["KeyMetadata"]["KeyId"])
    denied = ""
except ClientError as error:
    denied = error.response["Error"]["Code"]
json.dump(
    {"arn": identity["Arn"], "opened": opened.decode(), "presigned": identity["Arn"] in presigned, "denied": denied},
    sys.stdout,
)
