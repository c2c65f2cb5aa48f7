"""boto3 in ways that are legal and rare. Prints 'end' when all of it held."""
import threading
import time

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400, error
        return error.response["Error"]["Message"]
    raise AssertionError(f"{code} was expected")


kms = boto3.client("kms")

# Equal calls signed in the same second have equal signatures, and each is a call of its own.
signatures = []
kms.meta.events.register("before-send.kms.CreateKey", lambda request, **_: signatures.append(
    (request.headers["X-Amz-Date"], request.headers["Authorization"])))
for _ in range(5):
    time.sleep(1.01 - time.time() % 1)
    signatures.clear()
    made = [kms.create_key(Description="equal")["KeyMetadata"]["KeyId"] for _ in range(2)]
    assert made[0] != made[1]
    if signatures[0] == signatures[1]:
        break
else:
    raise AssertionError("no two calls fell into one second")

# And at once, from threads that share a client.
keys, barrier = [], threading.Barrier(6)


def create():
    barrier.wait()
    keys.append(kms.create_key(Description="threads")["KeyMetadata"]["KeyId"])


threads = [threading.Thread(target=create) for _ in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert len(set(keys)) == 6, keys

key = made[0]
kms.create_alias(AliasName="alias/boto3/odd", TargetKeyId=key)

# Every retry mode, and parameters that the client does not check before it sends them.
for mode in ["legacy", "standard", "adaptive"]:
    client = boto3.client("kms", config=Config(retries={"mode": mode, "max_attempts": 3}, parameter_validation=False))
    assert client.describe_key(KeyId="alias/boto3/odd")["KeyMetadata"]["KeyId"] == key
    refused("ValidationException", client.encrypt, KeyId=key, Plaintext=b"")
    refused("ValidationException", client.encrypt, KeyId=key, Plaintext=bytes(4097))
    refused("ValidationException", client.generate_random, NumberOfBytes=1025)
    refused("NotFoundException", client.describe_key, KeyId="alias/absent")
assert len(kms.generate_random(NumberOfBytes=1024)["Plaintext"]) == 1024
assert kms.decrypt(CiphertextBlob=kms.encrypt(KeyId=key, Plaintext=bytes(4096))["CiphertextBlob"])["Plaintext"] == bytes(4096)

# Paginators: pages, an end before the end, and the token to go on from there.
paginator = kms.get_paginator("list_keys")
whole = [entry["KeyId"] for page in paginator.paginate() for entry in page["Keys"]]
assert [entry["KeyId"] for page in paginator.paginate(PaginationConfig={"PageSize": 3}) for entry in page["Keys"]] == whole
part = paginator.paginate(PaginationConfig={"PageSize": 2, "MaxItems": 3}).build_full_result()
rest = paginator.paginate(PaginationConfig={"StartingToken": part["NextToken"]}).build_full_result()
assert [entry["KeyId"] for entry in part["Keys"] + rest["Keys"]] == whole
aliases = kms.get_paginator("list_aliases").paginate(KeyId=key).build_full_result()["Aliases"]
assert [alias["AliasName"] for alias in aliases] == ["alias/boto3/odd"]

# Who asks: nobody, a stranger, a liar.
refused("MissingAuthenticationTokenException", boto3.client("kms", config=Config(signature_version=UNSIGNED)).list_keys)
message = refused("UnrecognizedClientException", boto3.client("kms", aws_access_key_id="CLAVAAAAAAAAAAAAAAAA",
                                                              aws_secret_access_key="x" * 40).list_keys)
assert message == "The security token included in the request is invalid.", message
message = refused("InvalidSignatureException", boto3.client("kms", aws_access_key_id=boto3.Session().get_credentials().access_key,
                                                            aws_secret_access_key="x" * 40).list_keys)
assert message.startswith("The request signature we calculated does not match the signature you provided."), message

# Another region may sign, and what it signs for is this server.
assert boto3.client("kms", region_name="eu-central-1").list_keys()["Keys"]

# Exceptions are classes of the client.
try:
    kms.describe_key(KeyId="alias/absent")
    raise AssertionError("was found")
except kms.exceptions.NotFoundException:
    pass

kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": ""}, {"TagKey": "b c", "TagValue": "=+-@_:/."}])
assert {tag["TagKey"]: tag["TagValue"] for tag in kms.list_resource_tags(KeyId=key)["Tags"]} == {"a": "", "b c": "=+-@_:/."}
pair = kms.generate_data_key_pair(KeyId=key, KeyPairSpec="RSA_2048")
assert kms.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"])["Plaintext"] == pair["PrivateKeyPlaintext"]
print("end")
