"""A user's program for the AWS Encryption SDK: configured by the environment alone. VERB MANNER ARN,ARN FROM TO"""
import sys

import aws_encryption_sdk
import boto3
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import (
    CreateAwsKmsKeyringInput,
    CreateAwsKmsMultiKeyringInput,
    CreateMultiKeyringInput,
)
from aws_encryption_sdk import CommitmentPolicy

verb, manner, arns, source, target = sys.argv[1:]
keys = arns.split(",")
client = aws_encryption_sdk.EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
providers = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())
context = {"purpose": "exchange", "origin": "eu"}


def of_one(key):
    return providers.create_aws_kms_keyring(
        input=CreateAwsKmsKeyringInput(kms_key_id=key, kms_client=boto3.client("kms"))
    )


def keyring():
    return {"keyring": providers.create_aws_kms_multi_keyring(
        input=CreateAwsKmsMultiKeyringInput(generator=keys[0], kms_key_ids=keys[1:])
    )}


def multi():
    return {"keyring": providers.create_multi_keyring(
        input=CreateMultiKeyringInput(generator=of_one(keys[0]), child_keyrings=[of_one(key) for key in keys[1:]])
    )}


def caching():
    return {"materials_manager": aws_encryption_sdk.CachingCryptoMaterialsManager(
        master_key_provider=aws_encryption_sdk.StrictAwsKmsMasterKeyProvider(key_ids=keys),
        cache=aws_encryption_sdk.LocalCryptoMaterialsCache(10),
        max_age=60.0,
        max_messages_encrypted=10,
    )}


materials = {"keyring": keyring, "multi": multi, "caching": caching}[manner]()
with open(source, "rb") as file:
    given = file.read()
# Twice: the second time a cache has the data key already.
for _ in range(2):
    if verb == "encrypt":
        made, _ = client.encrypt(source=given, encryption_context=context, **materials)
    else:
        made, header = client.decrypt(source=given, **materials)
        assert header.encryption_context["purpose"] == "exchange", header
with open(target, "wb") as file:
    file.write(made)
