"""A user's program as it would run against AWS: configured by the environment alone."""
import boto3
from botocore.exceptions import ClientError

kms = boto3.client("kms")


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        assert error.response["ResponseMetadata"]["RequestId"], error
        return
    raise AssertionError(f"{code} was expected")


# Two equal calls within one second are two calls.
first, second = (kms.create_key(Description="twin")["KeyMetadata"] for _ in range(2))
assert first["KeyId"] != second["KeyId"]

key, context = first["KeyId"], {"purpose": "test"}
kms.create_alias(AliasName="alias/boto3", TargetKeyId=key)
sealed = kms.encrypt(KeyId="alias/boto3", Plaintext=b"hello", EncryptionContext=context)
assert sealed["KeyId"] == first["Arn"]
kms.rotate_key_on_demand(KeyId=key)
opened = kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=context)
assert opened["Plaintext"] == b"hello"
refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=sealed["CiphertextBlob"])
refused("IncorrectKeyException", kms.decrypt, KeyId=second["KeyId"], CiphertextBlob=sealed["CiphertextBlob"],
        EncryptionContext=context)

pages = kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 1})
assert {first["Arn"], second["Arn"]} <= {entry["KeyArn"] for page in pages for entry in page["Keys"]}

signer = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
signature = kms.sign(KeyId=signer, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
assert kms.verify(KeyId=signer, Message=b"m", Signature=signature, SigningAlgorithm="ECDSA_SHA_256")["SignatureValid"]
refused("KMSInvalidSignatureException", kms.verify, KeyId=signer, Message=b"n", Signature=signature,
        SigningAlgorithm="ECDSA_SHA_256")

kms.disable_key(KeyId=key)
refused("DisabledException", kms.encrypt, KeyId=key, Plaintext=b"x")
assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
refused("KMSInvalidStateException", kms.encrypt, KeyId=key, Plaintext=b"x")
kms.cancel_key_deletion(KeyId=key)
kms.enable_key(KeyId=key)
assert kms.generate_data_key(KeyId=key, KeySpec="AES_256")["Plaintext"]
refused("NotFoundException", kms.describe_key, KeyId="alias/absent")
print("ok")
